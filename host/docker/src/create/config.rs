//! `Config`: what runs in the container.

use std::collections::{BTreeMap, BTreeSet};

use bollard::models::{ContainerCreateBody, HealthConfig};
use windlass_model::project::HealthCheck;
use windlass_runtime::engine::EngineResult;

use super::Context;
use crate::convert::resources::{hash_map, some_text};

/// All of `Config`; `HostConfig` and `NetworkingConfig` are left to their own modules.
pub(super) fn config(context: &Context<'_>) -> EngineResult<ContainerCreateBody> {
    let service = context.service();
    let one_off = context.spec.one_off.as_ref();
    let interactive = one_off.is_some_and(|run| run.stdin);
    Ok(ContainerCreateBody {
        hostname: some_text(&service.hostname),
        domainname: some_text(&service.domainname),
        user: some_text(&service.user),
        attach_stdin: Some(interactive),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        exposed_ports: Some(exposed_ports(context)?),
        tty: Some(service.tty),
        open_stdin: Some(service.stdin_open || interactive),
        stdin_once: Some(interactive),
        env: Some(environment(context)),
        cmd: service.command.clone(),
        healthcheck: service.healthcheck.as_ref().map(|check| healthcheck(context, check)).transpose()?,
        image: Some(context.spec.image.clone()),
        working_dir: some_text(&service.working_dir),
        entrypoint: service.entrypoint.clone(),
        network_disabled: (service.network_mode == "disabled").then_some(true),
        labels: Some(hash_map(&context.spec.labels)),
        stop_signal: some_text(&service.stop_signal),
        stop_timeout: service.stop_grace_period.map(|period| period.as_secs().try_into().unwrap_or(i64::MAX)),
        ..ContainerCreateBody::default()
    })
}

/// `KEY=VALUE`, or `KEY` alone, which takes the variable away from the image's environment.
fn environment(context: &Context<'_>) -> Vec<String> {
    let service = context.service();
    let proxies = context.facts.proxies.iter().map(|(key, value)| (key, Some(value)));
    let own = service.environment.iter().map(|(key, value)| (key, value.as_ref()));
    let merged: BTreeMap<&String, Option<&String>> = proxies.chain(own).collect();
    merged.into_iter().map(|(key, value)| value.map_or_else(|| key.clone(), |value| format!("{key}={value}"))).collect()
}

/// Ports of `expose` (with ranges) and of `ports`, as `80/tcp`.
fn exposed_ports(context: &Context<'_>) -> EngineResult<Vec<String>> {
    let service = context.service();
    let mut exposed = BTreeSet::new();
    for entry in &service.expose {
        exposed.extend(expand(context, entry)?);
    }
    exposed.extend(service.ports.iter().map(|port| port_key(port.target, &port.protocol)));
    Ok(exposed.into_iter().collect())
}

/// `80/tcp`.
pub(super) fn port_key(port: u16, protocol: &str) -> String {
    let protocol = if protocol.is_empty() { "tcp".to_owned() } else { protocol.to_lowercase() };
    format!("{port}/{protocol}")
}

/// `80`, `80/udp`, `8000-8005/tcp`.
fn expand(context: &Context<'_>, entry: &str) -> EngineResult<Vec<String>> {
    let (range, protocol) = entry.split_once('/').unwrap_or((entry, "tcp"));
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    match (first.parse::<u16>(), last.parse::<u16>()) {
        (Ok(first), Ok(last)) if first <= last => Ok((first..=last).map(|port| port_key(port, protocol)).collect()),
        _ => Err(context.invalid(format!("`expose` has an invalid port: {entry}"))),
    }
}

fn healthcheck(context: &Context<'_>, check: &HealthCheck) -> EngineResult<HealthConfig> {
    if check.disable {
        return Ok(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() });
    }
    if check.start_interval.is_some() {
        context.need("healthcheck.start_interval", (1, 44), "25")?;
        if check.start_period.is_none() {
            return Err(context.invalid("`healthcheck.start_interval` requires `healthcheck.start_period` to be set"));
        }
    }
    Ok(HealthConfig {
        test: (!check.test.is_empty()).then(|| check.test.clone()),
        interval: check.interval.map(nanoseconds),
        timeout: check.timeout.map(nanoseconds),
        retries: check.retries.map(|retries| retries.try_into().unwrap_or(i64::MAX)),
        start_period: check.start_period.map(nanoseconds),
        start_interval: check.start_interval.map(nanoseconds),
    })
}

fn nanoseconds(duration: std::time::Duration) -> i64 {
    duration.as_nanos().try_into().unwrap_or(i64::MAX)
}
