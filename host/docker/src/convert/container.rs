//! Rows of the container list.

use std::collections::BTreeMap;

use serde::Deserialize;
use windlass_plan::observed::{Container, ContainerState, Endpoint, Health, MountPoint, PortMapping, joined};

use super::{Labels, nullable};

/// One row of `GET /containers/json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Row {
    id: String,
    #[serde(deserialize_with = "nullable")]
    names: Vec<String>,
    image: String,
    #[serde(rename = "ImageID")]
    image_id: String,
    #[serde(deserialize_with = "nullable")]
    command: String,
    created: i64,
    state: String,
    status: String,
    #[serde(deserialize_with = "nullable")]
    ports: Vec<Port>,
    #[serde(deserialize_with = "nullable")]
    labels: Labels,
    #[serde(deserialize_with = "nullable")]
    network_settings: Networks,
    #[serde(deserialize_with = "nullable")]
    mounts: Vec<Mount>,
    #[serde(deserialize_with = "nullable")]
    host_config: HostConfig,
}

/// What a list row or an inspection tells of the host's part.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct HostConfig {
    pub(crate) network_mode: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Port {
    #[serde(rename = "IP")]
    ip: String,
    private_port: u16,
    public_port: Option<u16>,
    r#type: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Networks {
    #[serde(deserialize_with = "nullable")]
    networks: BTreeMap<String, Attachment>,
}

/// One network of a list row or an inspection.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Attachment {
    #[serde(rename = "NetworkID")]
    network_id: String,
    #[serde(rename = "IPAddress")]
    ip_address: String,
    #[serde(rename = "GlobalIPv6Address")]
    ipv6_address: String,
    #[serde(deserialize_with = "nullable")]
    aliases: Vec<String>,
}

/// A mount of a list row or an inspection.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Mount {
    r#type: String,
    name: String,
    source: String,
    destination: String,
    #[serde(rename = "RW")]
    rw: bool,
}

impl From<Row> for Container {
    fn from(row: Row) -> Self {
        let state = state(&row.state);
        Self {
            name: own_name(&row.names),
            health: health_of_status(&row.status),
            exit_code: exit_code_of_status(&row.status).filter(|_| has_ended(state)),
            state,
            id: row.id,
            image: row.image,
            image_id: row.image_id,
            command: row.command,
            status: row.status,
            created: row.created,
            joins: joined(&row.host_config.network_mode, &row.labels),
            labels: row.labels,
            networks: endpoints(row.network_settings.networks),
            mounts: row.mounts.into_iter().map(MountPoint::from).collect(),
            ports: ports(row.ports),
        }
    }
}

pub(super) fn endpoints(networks: BTreeMap<String, Attachment>) -> BTreeMap<String, Endpoint> {
    let endpoint = |(name, attachment): (String, Attachment)| {
        let mut endpoint = Endpoint::from(attachment);
        // Podman 4 gives the name for an id, which then tells nothing.
        if endpoint.network_id == name {
            endpoint.network_id.clear();
        }
        (name, endpoint)
    };
    networks.into_iter().map(endpoint).collect()
}

impl From<Attachment> for Endpoint {
    fn from(attachment: Attachment) -> Self {
        let ip_address = if attachment.ip_address.is_empty() { attachment.ipv6_address } else { attachment.ip_address };
        Self { network_id: attachment.network_id, ip_address, aliases: attachment.aliases }
    }
}

impl From<Mount> for MountPoint {
    fn from(mount: Mount) -> Self {
        Self {
            kind: mount.r#type,
            name: mount.name,
            source: mount.source,
            destination: mount.destination,
            writable: mount.rw,
        }
    }
}

fn ports(rows: Vec<Port>) -> Vec<PortMapping> {
    let mut ports: Vec<PortMapping> = rows
        .into_iter()
        .map(|port| PortMapping {
            host_ip: port.ip,
            public: port.public_port,
            private: port.private_port,
            protocol: port.r#type,
        })
        .collect();
    ports.sort_by(|a, b| {
        (a.private, &a.protocol, &a.host_ip, a.public).cmp(&(b.private, &b.protocol, &b.host_ip, b.public))
    });
    ports
}

/// The list also names the container as its links do (`/web/db`); its own name has one slash.
fn own_name(names: &[String]) -> String {
    let own = names.iter().map(|name| name.trim_start_matches('/')).find(|name| !name.contains('/'));
    own.unwrap_or_default().to_owned()
}

/// State from the engine's word. Podman has more words; what never ran counts as created, what ran as exited.
pub(crate) fn state(word: &str) -> ContainerState {
    match word {
        "running" | "stopping" => ContainerState::Running,
        "paused" => ContainerState::Paused,
        "restarting" => ContainerState::Restarting,
        "removing" => ContainerState::Removing,
        "exited" | "stopped" => ContainerState::Exited,
        "dead" => ContainerState::Dead,
        _ => ContainerState::Created,
    }
}

/// Health from its word; `none` and nothing mean that there is no check.
pub(crate) fn health(word: &str) -> Option<Health> {
    match word {
        "starting" => Some(Health::Starting),
        "healthy" => Some(Health::Healthy),
        "unhealthy" => Some(Health::Unhealthy),
        _ => None,
    }
}

pub(crate) fn has_ended(state: ContainerState) -> bool {
    matches!(state, ContainerState::Exited | ContainerState::Dead | ContainerState::Restarting)
}

/// `Up 3 seconds (health: starting)`, `Up 2 minutes (unhealthy)`.
fn health_of_status(status: &str) -> Option<Health> {
    let inner = status.strip_suffix(')')?.rsplit_once('(')?.1;
    health(inner.strip_prefix("health: ").unwrap_or(inner))
}

/// `Exited (137) 2 hours ago`, `Restarting (1) 3 seconds ago`.
fn exit_code_of_status(status: &str) -> Option<i64> {
    let (_, rest) = status.split_once('(')?;
    rest.split_once(')')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(json: &str) -> Container {
        serde_json::from_str::<Row>(json).unwrap().into()
    }

    #[test]
    fn a_full_row() {
        let container = row(
            r#"{"Id":"abc","Names":["/p-db-1/link","/p-web-1"],"Image":"busybox","ImageID":"sha256:1","Command":"sleep 9","Created":7,
            "Ports":[{"IP":"::","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},{"PrivatePort":53,"Type":"udp"}],
            "Labels":{"com.docker.compose.service":"web"},"State":"running","Status":"Up 3 seconds (healthy)",
            "HostConfig":{"NetworkMode":"p_default"},
            "NetworkSettings":{"Networks":{"p_default":{"IPAMConfig":null,"Aliases":null,"NetworkID":"n1","IPAddress":"172.18.0.2"}}},
            "Mounts":[{"Type":"volume","Name":"v","Source":"/x","Destination":"/data","Driver":"local","Mode":"z","RW":true,"Propagation":""}]}"#,
        );
        assert_eq!(container.name, "p-web-1");
        assert_eq!(container.health, Some(Health::Healthy));
        assert_eq!(container.exit_code, None);
        assert_eq!(container.label("com.docker.compose.service"), Some("web"));
        assert_eq!(container.networks["p_default"].ip_address, "172.18.0.2");
        assert!(container.mounts[0].writable);
        let ports: Vec<_> = container.ports.iter().map(|port| (port.private, port.host_ip.as_str())).collect();
        assert_eq!(ports, [(53, ""), (80, "0.0.0.0"), (80, "::")]);
    }

    #[test]
    fn the_owner_of_its_network_is_told() {
        let container = row(r#"{"Id":"a","HostConfig":{"NetworkMode":"container:b"}}"#);
        assert_eq!(container.joins, ["b"]);
    }

    #[test]
    fn nulls_and_absent_fields_are_empty() {
        let container = row(
            r#"{"Id":"a","Names":null,"Ports":null,"Labels":null,"Mounts":null,"NetworkSettings":null,"HostConfig":null}"#,
        );
        assert_eq!(container.name, "");
        assert_eq!(container.state, ContainerState::Created);
    }

    #[test]
    fn exit_codes_come_from_the_status() {
        let ended = row(r#"{"State":"exited","Status":"Exited (137) 2 hours ago"}"#);
        assert_eq!((ended.state, ended.exit_code), (ContainerState::Exited, Some(137)));
        let looping = row(r#"{"State":"restarting","Status":"Restarting (1) 3 seconds ago"}"#);
        assert_eq!(looping.exit_code, Some(1));
        let up = row(r#"{"State":"running","Status":"Up 3 seconds"}"#);
        assert_eq!(up.exit_code, None);
    }

    #[test]
    fn health_of_every_status_text() {
        assert_eq!(health_of_status("Up 3 seconds"), None);
        assert_eq!(health_of_status("Up 3 seconds (Paused)"), None);
        assert_eq!(health_of_status("Up 3 seconds (health: starting)"), Some(Health::Starting));
        assert_eq!(health_of_status("Up 3 seconds (unhealthy)"), Some(Health::Unhealthy));
    }

    #[test]
    fn a_name_is_no_id_of_a_network() {
        let attached = |id: &str| Attachment { network_id: id.to_owned(), ..Attachment::default() };
        let found = endpoints([("a".to_owned(), attached("a")), ("b".to_owned(), attached("1e85"))].into());
        assert_eq!((found["a"].network_id.as_str(), found["b"].network_id.as_str()), ("", "1e85"));
    }
}
