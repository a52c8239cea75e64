//! The inspection of one container.

use std::collections::BTreeMap;

use serde::Deserialize;
use windlass_plan::observed::{Container, MountPoint, PortMapping, joined};
use windlass_runtime::engine::{ContainerDetails, Times};

use super::container::{Attachment, HostConfig, Mount, endpoints, has_ended, health, state};
use super::{Labels, nullable, unix_seconds};

/// `GET /containers/{id}/json`, as far as it is needed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Inspection {
    id: String,
    name: String,
    created: String,
    image: String,
    path: String,
    #[serde(deserialize_with = "nullable")]
    args: Vec<String>,
    state: State,
    restart_count: i64,
    config: Config,
    #[serde(deserialize_with = "nullable")]
    network_settings: NetworkSettings,
    #[serde(deserialize_with = "nullable")]
    mounts: Vec<Mount>,
    #[serde(deserialize_with = "nullable")]
    host_config: HostConfig,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct State {
    status: String,
    exit_code: i64,
    error: String,
    started_at: String,
    finished_at: String,
    #[serde(rename = "OOMKilled")]
    oom_killed: bool,
    health: Option<HealthState>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct HealthState {
    status: String,
    #[serde(deserialize_with = "nullable")]
    log: Vec<HealthResult>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct HealthResult {
    output: String,
    end: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Config {
    image: String,
    tty: bool,
    #[serde(deserialize_with = "nullable")]
    labels: Labels,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct NetworkSettings {
    #[serde(deserialize_with = "nullable")]
    ports: BTreeMap<String, Option<Vec<Binding>>>,
    #[serde(deserialize_with = "nullable")]
    networks: BTreeMap<String, Attachment>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Binding {
    host_ip: String,
    host_port: String,
}

impl Inspection {
    /// Mounts.
    pub(crate) fn mount_points(self) -> Vec<MountPoint> {
        self.mounts.into_iter().map(MountPoint::from).collect()
    }

    fn status_text(&self) -> String {
        let health = self.state.health.as_ref().map(|health| health.status.as_str());
        match (state(&self.state.status), health) {
            (state, _) if has_ended(state) => format!("Exited ({})", self.state.exit_code),
            (_, Some("starting")) => "Up (health: starting)".to_owned(),
            (_, Some(word @ ("healthy" | "unhealthy"))) => format!("Up ({word})"),
            _ => self.state.status.clone(),
        }
    }
}

impl From<Inspection> for ContainerDetails {
    fn from(inspection: Inspection) -> Self {
        let status = inspection.status_text();
        let state = state(&inspection.state.status);
        let health_log = inspection.state.health.as_ref().and_then(|health| health.log.last());
        let checked = health_log.map(|result| result.end.clone());
        Self {
            tty: inspection.config.tty,
            restart_count: inspection.restart_count,
            health_log: health_log.map(|result| result.output.trim().to_owned()),
            container: Container {
                id: inspection.id,
                name: inspection.name.trim_start_matches('/').to_owned(),
                image: inspection.config.image,
                image_id: inspection.image,
                command: command_line(&inspection.path, &inspection.args),
                state,
                health: inspection.state.health.as_ref().and_then(|check| health(&check.status)),
                exit_code: has_ended(state).then_some(inspection.state.exit_code),
                status,
                created: unix_seconds(&inspection.created),
                joins: joined(&inspection.host_config.network_mode, &inspection.config.labels),
                labels: inspection.config.labels,
                networks: endpoints(inspection.network_settings.networks),
                mounts: inspection.mounts.into_iter().map(MountPoint::from).collect(),
                ports: ports(inspection.network_settings.ports),
            },
            oom_killed: inspection.state.oom_killed,
            times: Times {
                started: moment(&inspection.state.started_at),
                finished: moment(&inspection.state.finished_at),
                checked: checked.and_then(|end| moment(&end)),
            },
            started_at: inspection.state.started_at,
            error: inspection.state.error,
        }
    }
}

/// Nanoseconds since the epoch; `None` for the year 1, which stands for "never".
fn moment(text: &str) -> Option<i64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok().filter(|nanoseconds| *nanoseconds > 0)
}

fn command_line(path: &str, arguments: &[String]) -> String {
    std::iter::once(path).chain(arguments.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
}

fn ports(ports: BTreeMap<String, Option<Vec<Binding>>>) -> Vec<PortMapping> {
    ports
        .into_iter()
        .flat_map(|(port, bindings)| {
            let bindings = bindings.filter(|list| !list.is_empty()).unwrap_or_else(|| vec![Binding::default()]);
            bindings.into_iter().map(move |binding| port_mapping(&port, binding))
        })
        .collect()
}

fn port_mapping(port: &str, binding: Binding) -> PortMapping {
    let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
    PortMapping {
        host_ip: binding.host_ip,
        public: binding.host_port.parse().ok(),
        private: number.parse().unwrap_or_default(),
        protocol: protocol.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_plan::observed::{ContainerState, Health};

    #[test]
    fn details_of_an_unhealthy_container() {
        let inspection: Inspection = serde_json::from_str(
            r#"{"Id":"abc","Name":"/p-web-1","Created":"1970-01-01T00:01:00.5Z","Image":"sha256:1","Path":"sleep","Args":["9"],
            "State":{"Status":"running","ExitCode":0,"Error":"","StartedAt":"1970-01-01T00:00:03.5Z","FinishedAt":"0001-01-01T00:00:00Z","OOMKilled":true,
                     "Health":{"Status":"unhealthy","Log":[{"Output":"old"},{"Output":"refused\n","End":"1970-01-01T01:00:05+01:00"}]}},
            "RestartCount":2,"Config":{"Image":"busybox","Tty":true,"Labels":null},"HostConfig":{"NetworkMode":"p_default"},
            "NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}],"90/udp":null},"Networks":{}},"Mounts":[]}"#,
        )
        .unwrap();
        let details = ContainerDetails::from(inspection);
        assert_eq!(details.health_log.as_deref(), Some("refused"));
        assert!(details.tty);
        assert!(details.oom_killed);
        let times = Times { started: Some(3_500_000_000), finished: None, checked: Some(5_000_000_000) };
        assert_eq!(details.times, times);
        assert_eq!(details.restart_count, 2);
        assert_eq!(details.container.health, Some(Health::Unhealthy));
        assert_eq!(details.container.state, ContainerState::Running);
        assert_eq!(details.container.status, "Up (unhealthy)");
        assert_eq!(details.container.created, 60);
        assert_eq!(details.container.command, "sleep 9");
        let ports: Vec<_> = details.container.ports.iter().map(|port| (port.private, port.public)).collect();
        assert_eq!(ports, [(80, Some(8080)), (90, None)]);
    }

    #[test]
    fn an_ended_container_has_its_exit_code() {
        let inspection: Inspection = serde_json::from_str(r#"{"State":{"Status":"exited","ExitCode":3}}"#).unwrap();
        let details = ContainerDetails::from(inspection);
        assert_eq!(details.container.exit_code, Some(3));
        assert_eq!(details.container.status, "Exited (3)");
    }
}
