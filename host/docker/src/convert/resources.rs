//! Networks and volumes, in both directions.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest, VolumeCreateRequest};
use serde::Deserialize;
use windlass_model::project;
use windlass_plan::observed;

use super::{Labels, nullable};

/// A row of `GET /networks`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct NetworkRow {
    id: String,
    name: String,
    driver: String,
    #[serde(deserialize_with = "nullable")]
    labels: Labels,
}

/// `GET /volumes`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct VolumeList {
    /// Volumes.
    #[serde(deserialize_with = "nullable")]
    pub(crate) volumes: Vec<VolumeRow>,
}

/// A volume of the list, or inspected.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct VolumeRow {
    name: String,
    driver: String,
    created_at: String,
    #[serde(deserialize_with = "nullable")]
    labels: Labels,
}

impl From<NetworkRow> for observed::Network {
    fn from(row: NetworkRow) -> Self {
        Self { id: row.id, name: row.name, driver: row.driver, labels: row.labels }
    }
}

impl From<VolumeRow> for observed::Volume {
    fn from(row: VolumeRow) -> Self {
        Self { name: row.name, driver: row.driver, created_at: row.created_at, labels: row.labels }
    }
}

/// API version from which a network can be without IPv4; before it the field is refused or means nothing.
const OPTIONAL_IPV4: (u32, u32) = (1, 47);

/// The request that makes a network, for an engine with this API version.
pub(crate) fn network_request(network: &project::Network, api: (u32, u32)) -> NetworkCreateRequest {
    NetworkCreateRequest {
        name: network.name.clone(),
        driver: some_text(&network.driver),
        options: some_map(&network.driver_opts),
        ipam: ipam(&network.ipam),
        internal: Some(network.internal),
        attachable: Some(network.attachable),
        enable_ipv4: network.enable_ipv4.filter(|_| api >= OPTIONAL_IPV4),
        enable_ipv6: network.enable_ipv6,
        labels: Some(hash_map(&network.labels)),
        ..NetworkCreateRequest::default()
    }
}

fn ipam(ipam: &project::Ipam) -> Option<Ipam> {
    if *ipam == project::Ipam::default() {
        return None;
    }
    Some(Ipam {
        driver: some_text(&ipam.driver),
        options: some_map(&ipam.options),
        config: Some(ipam.config.iter().map(pool).collect()),
    })
}

fn pool(pool: &project::IpamPool) -> IpamConfig {
    IpamConfig {
        subnet: some_text(&pool.subnet),
        ip_range: some_text(&pool.ip_range),
        gateway: some_text(&pool.gateway),
        auxiliary_addresses: some_map(&pool.aux_addresses),
    }
}

/// The request that makes a volume.
pub(crate) fn volume_request(volume: &project::Volume) -> VolumeCreateRequest {
    VolumeCreateRequest {
        name: Some(volume.name.clone()),
        driver: some_text(&volume.driver),
        driver_opts: some_map(&volume.driver_opts),
        labels: Some(hash_map(&volume.labels)),
        ..VolumeCreateRequest::default()
    }
}

/// Text that is sent only when there is some.
pub(crate) fn some_text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// A map that is sent only when it has entries.
pub(crate) fn some_map(map: &BTreeMap<String, String>) -> Option<HashMap<String, String>> {
    (!map.is_empty()).then(|| hash_map(map))
}

/// The map as bollard wants it.
pub(crate) fn hash_map(map: &BTreeMap<String, String>) -> HashMap<String, String> {
    map.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::project::{IpamPool, Network, Volume};

    #[test]
    fn a_plain_network_sends_no_ipam() {
        let network = Network { name: "p_default".into(), ..Network::default() };
        let json = serde_json::to_value(network_request(&network, (1, 51))).unwrap();
        assert_eq!(json, serde_json::json!({"Name":"p_default","Internal":false,"Attachable":false,"Labels":{}}));
    }

    #[test]
    fn ipv4_is_optional_only_where_the_engine_knows_it() {
        let network = Network { enable_ipv4: Some(false), ..Network::default() };
        assert_eq!(network_request(&network, (1, 47)).enable_ipv4, Some(false));
        assert_eq!(network_request(&network, (1, 46)).enable_ipv4, None);
    }

    #[test]
    fn a_full_network() {
        let network = Network {
            name: "n".into(),
            driver: "bridge".into(),
            driver_opts: BTreeMap::from([("o".into(), "1".into())]),
            ipam: project::Ipam {
                config: vec![IpamPool {
                    subnet: "10.1.0.0/16".into(),
                    gateway: "10.1.0.1".into(),
                    aux_addresses: BTreeMap::from([("h".into(), "10.1.0.9".into())]),
                    ..IpamPool::default()
                }],
                ..project::Ipam::default()
            },
            internal: true,
            enable_ipv6: Some(true),
            labels: BTreeMap::from([("a".into(), "b".into())]),
            ..Network::default()
        };
        let json = serde_json::to_value(network_request(&network, (1, 51))).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "Name":"n","Driver":"bridge","Internal":true,"Attachable":false,"EnableIPv6":true,
                "IPAM":{"Config":[{"Subnet":"10.1.0.0/16","Gateway":"10.1.0.1","AuxiliaryAddresses":{"h":"10.1.0.9"}}]},
                "Options":{"o":"1"},"Labels":{"a":"b"}
            })
        );
    }

    #[test]
    fn a_volume() {
        let volume = Volume {
            name: "v".into(),
            driver: "local".into(),
            driver_opts: BTreeMap::from([("type".into(), "tmpfs".into())]),
            ..Volume::default()
        };
        let json = serde_json::to_value(volume_request(&volume)).unwrap();
        assert_eq!(json, serde_json::json!({"Name":"v","Driver":"local","DriverOpts":{"type":"tmpfs"},"Labels":{}}));
    }
}
