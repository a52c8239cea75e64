//! Builds the `HostConfig` of the engine's interface: everything about a container that concerns the machine.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use bollard::models::{
    HostConfig, HostConfigCgroupnsModeEnum, HostConfigIsolationEnum, HostConfigLogConfig, PortBinding, PortMap,
    RestartPolicy, RestartPolicyNameEnum,
};
use windlass_model::project::{Logging, Service};
use windlass_runtime::engine::EngineResult;

use super::config::port_key;
use super::{Context, links, mounts, network, resources, security};
use crate::convert::resources::{some_map, some_text};

pub(super) fn host_config(context: &Context<'_>) -> EngineResult<HostConfig> {
    let service = context.service();
    if !service.annotations.is_empty() {
        context.need("annotations", (1, 43), "24")?;
    }
    let mounts = mounts::mounts(context)?;
    let security = security::options(context)?;
    Ok(HostConfig {
        annotations: some_map(&service.annotations),
        auto_remove: Some(context.spec.one_off.as_ref().is_some_and(|run| run.auto_remove)),
        binds: some_list(&mounts.binds),
        cap_add: some_list(&security::capabilities(&service.cap_add)),
        cap_drop: some_list(&security::capabilities(&service.cap_drop)),
        cgroupns_mode: parse::<HostConfigCgroupnsModeEnum>(context, "cgroup", &service.cgroup)?,
        dns: some_list(&service.dns),
        dns_options: some_list(&service.dns_opt),
        dns_search: some_list(&service.dns_search),
        extra_hosts: Some(extra_hosts(service)),
        group_add: some_list(&service.group_add),
        init: service.init,
        ipc_mode: context.namespace(&service.ipc, "IPC namespace")?,
        isolation: parse::<HostConfigIsolationEnum>(context, "isolation", &service.isolation)?,
        links: some_list(&links::links(context)?),
        log_config: service.logging.as_ref().map(log_config),
        masked_paths: security.unconfined_paths.then(Vec::new),
        mounts: some_list(&mounts.mounts),
        network_mode: Some(network::mode(context)?),
        oom_score_adj: some_number(service.oom_score_adj),
        pid_mode: context.namespace(&service.pid, "PID namespace")?,
        port_bindings: Some(port_bindings(service)),
        privileged: Some(service.privileged),
        readonly_paths: security.unconfined_paths.then(Vec::new),
        readonly_rootfs: Some(service.read_only),
        restart_policy: restart_policy(context)?,
        runtime: some_text(&service.runtime),
        security_opt: some_list(&security.options),
        shm_size: some_number(service.shm_size),
        storage_opt: some_map(&service.storage_opt),
        sysctls: some_map(&service.sysctls),
        tmpfs: tmpfs(&service.tmpfs),
        userns_mode: some_text(&service.userns_mode),
        uts_mode: some_text(&service.uts),
        volumes_from: some_list(&mounts::volumes_from(context)?),
        ..resources::resources(context)?
    })
}

/// A list that is sent only when it has entries.
pub(super) fn some_list<T: Clone>(list: &[T]) -> Option<Vec<T>> {
    (!list.is_empty()).then(|| list.to_vec())
}

/// A number that is sent only when it is set.
pub(super) fn some_number(number: i64) -> Option<i64> {
    (number != 0).then_some(number)
}

fn parse<T: FromStr>(context: &Context<'_>, attribute: &str, word: &str) -> EngineResult<Option<T>> {
    if word.is_empty() {
        return Ok(None);
    }
    let value = T::from_str(word);
    value.map(Some).map_err(|_| context.invalid(format!("`{attribute}` has an unknown value: {word}")))
}

/// `host:ip`, one entry an address; IPv6 in brackets is written without.
fn extra_hosts(service: &Service) -> Vec<String> {
    let entries = service.extra_hosts.iter();
    entries.flat_map(|(host, addresses)| addresses.iter().map(move |ip| format!("{host}:{ip}"))).collect()
}

fn log_config(logging: &Logging) -> HostConfigLogConfig {
    HostConfigLogConfig { typ: some_text(&logging.driver), config: some_map(&logging.options) }
}

fn port_bindings(service: &Service) -> PortMap {
    let mut bindings: BTreeMap<String, Vec<PortBinding>> = BTreeMap::new();
    for port in &service.ports {
        bindings
            .entry(port_key(port.target, &port.protocol))
            .or_default()
            .push(PortBinding { host_ip: Some(port.host_ip.clone()), host_port: Some(port.published.clone()) });
    }
    bindings.into_iter().map(|(key, list)| (key, Some(list))).collect()
}

/// `path[:options]`, split at the first colon.
fn tmpfs(entries: &[String]) -> Option<HashMap<String, String>> {
    let split = |entry: &String| {
        let (path, options) = entry.split_once(':').unwrap_or((entry, ""));
        (path.to_owned(), options.to_owned())
    };
    (!entries.is_empty()).then(|| entries.iter().map(split).collect())
}

/// `restart`, which `deploy.restart_policy` replaces; one-off containers have none.
fn restart_policy(context: &Context<'_>) -> EngineResult<Option<RestartPolicy>> {
    if context.spec.one_off.is_some() {
        return Ok(None);
    }
    let service = context.service();
    let (name, attempts) = match service.deploy.as_ref().and_then(|deploy| deploy.restart_policy.as_ref()) {
        Some(policy) => (deploy_condition(&policy.condition), policy.max_attempts),
        None => split_restart(&service.restart),
    };
    if name.is_empty() && attempts.is_none() {
        return Ok(None);
    }
    let name = RestartPolicyNameEnum::from_str(name)
        .map_err(|_| context.invalid(format!("`restart` has an unknown policy: {name}")))?;
    let maximum = attempts.map(|attempts| attempts.try_into().unwrap_or(i64::MAX));
    Ok(Some(RestartPolicy { name: Some(name), maximum_retry_count: Some(maximum.unwrap_or(0)) }))
}

fn deploy_condition(condition: &str) -> &str {
    match condition {
        "none" => "no",
        "any" => "always",
        other => other,
    }
}

/// `on-failure:3`; a count that is no number counts as 0.
fn split_restart(restart: &str) -> (&str, Option<u64>) {
    match restart.split_once(':') {
        Some((name, count)) => (name, Some(count.parse().unwrap_or(0))),
        None => (restart, None),
    }
}
