//! Limits and reservations: the `Resources` part of `HostConfig`.

use bollard::models::{HostConfig, ResourcesBlkioWeightDevice, ResourcesUlimits};
use windlass_model::project::{BlkioConfig, Resource, Service, ThrottleDevice, Ulimit};
use windlass_runtime::engine::EngineResult;

use super::host::{some_list, some_number};
use super::{Context, devices};
use crate::convert::resources::some_text;

/// The service's own limits, with those of `deploy.resources` over them.
pub(super) fn resources(context: &Context<'_>) -> EngineResult<HostConfig> {
    let service = context.service();
    let limits = deploy(service, |resources| resources.limits.as_ref());
    let reservations = deploy(service, |resources| resources.reservations.as_ref());
    let memory = limits.map_or(0, |limits| limits.memory);
    let reserved = reservations.map_or(0, |reservations| reservations.memory);
    let cpus = limits.map_or(0.0, |limits| limits.cpus);
    let pids = limits.map_or(0, |limits| limits.pids);
    Ok(HostConfig {
        cgroup_parent: some_text(&service.cgroup_parent),
        cpu_count: some_number(service.cpu_count),
        cpu_percent: some_number(scaled(service.cpu_percent, 100.0)),
        cpu_period: some_number(service.cpu_period),
        cpu_quota: some_number(service.cpu_quota),
        cpu_realtime_period: some_number(service.cpu_rt_period),
        cpu_realtime_runtime: some_number(service.cpu_rt_runtime),
        cpu_shares: some_number(service.cpu_shares),
        cpuset_cpus: some_text(&service.cpuset),
        device_cgroup_rules: some_list(&service.device_cgroup_rules),
        devices: some_list(&devices::mappings(service)),
        device_requests: some_list(&devices::requests(service)),
        memory: some_number(if memory > 0 { memory } else { service.mem_limit }),
        memory_reservation: some_number(if reserved > 0 { reserved } else { service.mem_reservation }),
        memory_swap: some_number(service.memswap_limit),
        memory_swappiness: some_number(service.mem_swappiness),
        nano_cpus: some_number(scaled(if cpus > 0.0 { cpus } else { service.cpus }, 1e9)),
        oom_kill_disable: Some(service.oom_kill_disable),
        pids_limit: some_number(if pids > 0 { pids } else { service.pids_limit }),
        ulimits: some_list(&ulimits(service)),
        ..blkio(service.blkio_config.as_ref())
    })
}

fn deploy<'a>(
    service: &'a Service,
    part: impl Fn(&'a windlass_model::project::Resources) -> Option<&'a Resource>,
) -> Option<&'a Resource> {
    service.deploy.as_ref().and_then(|deploy| part(&deploy.resources))
}

/// Multiplied in single precision and cut off, as the value would be elsewhere: `0.1` CPU is 100000000 exactly.
#[expect(clippy::cast_possible_truncation, reason = "cutting the fraction off is the point")]
fn scaled(value: f32, factor: f32) -> i64 {
    (value * factor) as i64
}

fn ulimits(service: &Service) -> Vec<ResourcesUlimits> {
    service.ulimits.iter().map(|(name, limit)| ulimit(name, *limit)).collect()
}

fn ulimit(name: &str, limit: Ulimit) -> ResourcesUlimits {
    ResourcesUlimits {
        name: Some(name.to_owned()),
        soft: Some(limit.single.unwrap_or(limit.soft)),
        hard: Some(limit.single.unwrap_or(limit.hard)),
    }
}

fn blkio(config: Option<&BlkioConfig>) -> HostConfig {
    let Some(config) = config else { return HostConfig::default() };
    let weights = config.weight_device.iter().map(|device| ResourcesBlkioWeightDevice {
        path: Some(device.path.clone()),
        weight: Some(device.weight.into()),
    });
    HostConfig {
        blkio_weight: (config.weight != 0).then_some(config.weight),
        blkio_weight_device: some_list(&weights.collect::<Vec<_>>()),
        blkio_device_read_bps: throttle(&config.device_read_bps),
        blkio_device_read_iops: throttle(&config.device_read_iops),
        blkio_device_write_bps: throttle(&config.device_write_bps),
        blkio_device_write_iops: throttle(&config.device_write_iops),
        ..HostConfig::default()
    }
}

fn throttle(devices: &[ThrottleDevice]) -> Option<Vec<bollard::models::ThrottleDevice>> {
    let convert = |device: &ThrottleDevice| bollard::models::ThrottleDevice {
        path: Some(device.path.clone()),
        rate: Some(device.rate),
    };
    (!devices.is_empty()).then(|| devices.iter().map(convert).collect())
}
