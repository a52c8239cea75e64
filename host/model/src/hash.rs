//! Config hashes: the labels by which Compose decides whether something changed. Byte for byte the peer's, so that either
//! tool takes over what the other created.

use std::fmt::Write as _;

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

/// Every hash that means "unchanged", newest encoding first: Compose 5 writes `create_host_path` of binds when it is
/// `false`, Compose 2 when it was given as `true`.
#[must_use]
pub fn hashes_accepted(service: &Service) -> Vec<String> {
    let mut hashes = vec![hash_with(service, false)];
    if service.volumes.iter().any(|mount| mount.bind.is_some()) {
        hashes.push(hash_with(service, true));
        hashes.dedup();
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
    hex(&Sha256::digest(go_escapes(&value.into_json().to_string()).as_bytes()))
}

/// Bytes as digests are written: two lower-case hexadecimal digits for each.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
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

    /// Labels that Compose 2.40 and 5.5 wrote for binds of `/srv/x`.
    #[test]
    fn both_encodings_of_binds() {
        use crate::project::{BindOptions, Mount, MountKind};
        let hashes = |create_host_path, host_path_written| {
            let bind = BindOptions { create_host_path, host_path_written, ..BindOptions::default() };
            let mount = Mount {
                kind: MountKind::Bind,
                source: "/srv/x".into(),
                target: "/x".into(),
                bind: Some(bind),
                ..Mount::default()
            };
            let networks = [("default".to_owned(), None)].into();
            hashes_accepted(&Service { image: "busybox".into(), networks, volumes: vec![mount], ..Service::default() })
        };
        let plain = "c82aa1e619027dfcf7a944eaa866375ee6db8e5e0b27d9c346dadaa0befd4a0d";
        let refused = "31402c4f8237b929f83c7030444995c968ba9486eb1fb282c65826b314359e29";
        let written = "3019699ad1434a4a88a7d7b8330b8b5a96ca91b51e2878df9245aae607eba0a3";
        assert_eq!(hashes(true, true), [plain, written]);
        assert_eq!(hashes(true, false), [plain]);
        assert_eq!(hashes(false, true), [refused, plain]);
    }
}
