//! Config hashes: the labels by which Compose decides whether something changed. Byte for byte the peer's, so that either
//! tool takes over what the other created.

use sha2::{Digest as _, Sha256};

use crate::project::{Network, Service, Volume};
use crate::render::service::Form;
use crate::render::{Doc, go_escapes, parts, service};

/// Hash of a service as Compose 5 computes it, hexadecimal. References to other services' containers must have been
/// replaced by the caller where the engine needs them.
#[must_use]
pub fn service_hash(service: &Service) -> String {
    hash_with(service, false)
}

/// Every hash that means "unchanged", newest encoding first: Compose 5 leaves `create_host_path: true` of binds out,
/// Compose 2 wrote it.
#[must_use]
pub fn hashes_accepted(service: &Service) -> Vec<String> {
    let mut hashes = vec![hash_with(service, false)];
    if service.volumes.iter().any(|mount| mount.bind.as_ref().is_some_and(|bind| bind.create_host_path)) {
        hashes.push(hash_with(service, true));
    }
    hashes
}

/// Hash of a network, hexadecimal. `labels` must hold the user's only.
#[must_use]
pub fn network_hash(network: &Network) -> String {
    digest(parts::network(network, HASHED))
}

/// Hash of a volume, hexadecimal. `labels` must hold the user's only.
#[must_use]
pub fn volume_hash(volume: &Volume) -> String {
    let driver = if volume.driver.is_empty() { "local".to_owned() } else { volume.driver.clone() };
    digest(parts::volume(&Volume { driver, ..volume.clone() }))
}

fn hash_with(value: &Service, verbose_binds: bool) -> String {
    digest(service::service(value, Form { verbose_binds, ..HASHED }))
}

const HASHED: Form = Form { json: true, verbose_binds: false, hashed: true };

fn digest(value: Doc) -> String {
    let text = go_escapes(&value.into_json().to_string());
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        use std::fmt::Write as _;
        write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_the_peer() {
        let service =
            Service { image: "bb".into(), networks: [("default".to_owned(), None)].into(), ..Service::default() };
        assert_eq!(service_hash(&service), "48c2db88d2c51231682199837520d5ce1cf4b1be7881174a3dd3d646c5e29c74");
        let network = Network { name: "refp5_default".into(), ..Network::default() };
        assert_eq!(network_hash(&network), "684f1d3bb422d40e2004e210de5c3219070d5b613a581465f582aafce1c2ebbe");
        let labelled = Network {
            name: "refp5_n2".into(),
            driver: "bridge".into(),
            internal: true,
            labels: [("a".to_owned(), "b".to_owned())].into(),
            ..Network::default()
        };
        assert_eq!(network_hash(&labelled), "e977f17e1a61a21dcc900ff7b021aa651f0373fc815e1337bf562e382d5e6129");
        let volume = Volume { name: "refp5_data".into(), ..Volume::default() };
        assert_eq!(volume_hash(&volume), "d6a128b5252fbcddb1efddb63cb86ea304d880c1337cc9c8f375fb6b3ce1e4f8");
    }
}
