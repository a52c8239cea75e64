//! Devices, GPUs and device requests.

use bollard::models::{DeviceMapping, DeviceRequest};
use windlass_model::project::{self, Service};

use crate::convert::resources::{some_map, some_text};

/// Devices by path.
pub(super) fn mappings(service: &Service) -> Vec<DeviceMapping> {
    service
        .devices
        .iter()
        .filter(|device| !is_cdi(device))
        .map(|device| DeviceMapping {
            path_on_host: Some(device.source.clone()),
            path_in_container: Some(device.target.clone()),
            cgroup_permissions: Some(device.permissions.clone()),
        })
        .collect()
}

/// `devices` by CDI name, `gpus`, and the reservations of `deploy`.
pub(super) fn requests(service: &Service) -> Vec<DeviceRequest> {
    let reserved = service
        .deploy
        .as_ref()
        .and_then(|deploy| deploy.resources.reservations.as_ref())
        .map_or(&[][..], |reservations| &reservations.devices);
    let gpus = service.gpus.as_deref().unwrap_or_default();
    let mut requests: Vec<DeviceRequest> = reserved.iter().map(|device| request(device, None)).collect();
    requests.extend(cdi(service));
    requests.extend(gpus.iter().map(|gpu| request(gpu, Some("gpu"))));
    requests
}

fn request(device: &project::DeviceRequest, capability: Option<&str>) -> DeviceRequest {
    let mut capabilities = device.capabilities.clone();
    capabilities.extend(capability.map(str::to_owned));
    DeviceRequest {
        driver: some_text(&device.driver),
        count: Some(device.count),
        device_ids: (!device.device_ids.is_empty()).then(|| device.device_ids.clone()),
        capabilities: Some(vec![capabilities]),
        options: some_map(&device.options),
    }
}

fn cdi(service: &Service) -> Option<DeviceRequest> {
    let names: Vec<String> =
        service.devices.iter().filter(|device| is_cdi(device)).map(|device| device.source.clone()).collect();
    (!names.is_empty()).then(|| DeviceRequest {
        driver: Some("cdi".to_owned()),
        device_ids: Some(names),
        ..DeviceRequest::default()
    })
}

/// `vendor.com/class=name`, given as both source and target.
fn is_cdi(device: &project::DeviceMapping) -> bool {
    let Some((kind, name)) = device.source.split_once('=') else { return false };
    let Some((vendor, class)) = kind.split_once('/') else { return false };
    let word = |text: &str, extra: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
    };
    device.source == device.target
        && word(vendor, "_-.")
        && word(class, "_-.")
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.:".contains(c))
}
