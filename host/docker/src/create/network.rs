//! Network mode and endpoints.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bollard::models::{EndpointIpamConfig, EndpointSettings};
use windlass_model::project::ServiceNetwork;
use windlass_plan::observed::EngineInfo;
use windlass_plan::step::ContainerSpec;
use windlass_runtime::engine::EngineResult;

use super::{Context, Facts, links};
use crate::convert::resources::{hash_map, some_text};

/// Driver option that names the interface.
const INTERFACE_OPTION: &str = "com.docker.network.endpoint.ifname";

/// `NetworkMode`: the given mode, or the primary network.
pub(super) fn mode(context: &Context<'_>) -> EngineResult<String> {
    let given = context.namespace(&context.service().network_mode, "network namespace")?;
    Ok(match (given, context.spec.networks.first()) {
        (Some(mode), _) => mode,
        (None, Some((_, network))) => network.clone(),
        (None, None) => "none".to_owned(),
    })
}

/// Settings of every endpoint, the primary network's first. None with `network_mode`.
pub(super) fn endpoints(context: &Context<'_>) -> EngineResult<Vec<(String, EndpointSettings)>> {
    if !context.service().network_mode.is_empty() {
        return Ok(Vec::new());
    }
    let networks = context.spec.networks.iter();
    networks.map(|(_, name)| Ok((name.clone(), endpoint(context, name)?))).collect()
}

/// Settings of the endpoint on one network (engine name), for connecting a container that exists.
pub(crate) fn endpoint_settings(
    spec: &ContainerSpec,
    network: &str,
    engine: &EngineInfo,
) -> EngineResult<EndpointSettings> {
    let facts = Facts { engine: engine.clone(), ..Facts::default() };
    endpoint(&Context { spec, facts: &facts }, network)
}

fn endpoint(context: &Context<'_>, network: &str) -> EngineResult<EndpointSettings> {
    let spec = context.spec;
    let position = spec.networks.iter().position(|(_, name)| name == network);
    let key = position.map_or(network, |index| spec.networks[index].0.as_str());
    let given = context.service().networks.get(key).cloned().flatten();
    let plain = given.is_none();
    let settings = given.unwrap_or_default();
    if settings.gw_priority != 0 {
        context.need("networks.gw_priority", (1, 48), "28")?;
    }
    Ok(EndpointSettings {
        aliases: Some(aliases(context, &settings)),
        links: Some(links::links(context)?).filter(|links| !links.is_empty()),
        mac_address: mac_address(context, &settings, position == Some(0))?,
        driver_opts: driver_options(context, &settings)?,
        gw_priority: (settings.gw_priority != 0).then_some(settings.gw_priority),
        ipam_config: if plain { None } else { Some(ipam(context, &settings)?) },
        ..EndpointSettings::default()
    })
}

/// Container name, service name, the user's. A one-off container has only its name, unless asked.
fn aliases(context: &Context<'_>, settings: &ServiceNetwork) -> Vec<String> {
    let mut aliases = vec![context.spec.container.name.clone()];
    if context.spec.one_off.as_ref().is_none_or(|run| run.use_aliases) {
        aliases.push(context.service().name.clone());
        aliases.extend(settings.aliases.iter().cloned());
    }
    aliases
}

/// The network's own address; the service's belongs to the primary network.
fn mac_address(context: &Context<'_>, settings: &ServiceNetwork, primary: bool) -> EngineResult<Option<String>> {
    let service = &context.service().mac_address;
    let address = if settings.mac_address.is_empty() && primary { service } else { &settings.mac_address };
    let octets = address.split([':', '-']).filter(|part| u8::from_str_radix(part, 16).is_ok()).count();
    if !address.is_empty() && octets != 6 {
        return Err(context.invalid(format!("invalid MAC address: {address}")));
    }
    Ok(some_text(address))
}

fn driver_options(
    context: &Context<'_>,
    settings: &ServiceNetwork,
) -> EngineResult<Option<std::collections::HashMap<String, String>>> {
    let mut options = hash_map(&settings.driver_opts);
    if !settings.interface_name.is_empty() {
        context.need("networks.interface_name", (1, 49), "28.1")?;
        options.insert(INTERFACE_OPTION.to_owned(), settings.interface_name.clone());
    }
    Ok((!options.is_empty()).then_some(options))
}

fn ipam(context: &Context<'_>, settings: &ServiceNetwork) -> EngineResult<EndpointIpamConfig> {
    let (v4, v6, local) = (&settings.ipv4_address, &settings.ipv6_address, &settings.link_local_ips);
    if !v4.is_empty() && v4.parse::<Ipv4Addr>().is_err() {
        return Err(context.invalid(format!("invalid IPv4 address: {v4}")));
    }
    if !v6.is_empty() && v6.parse::<Ipv6Addr>().is_err() {
        return Err(context.invalid(format!("invalid IPv6 address: {v6}")));
    }
    if let Some(bad) = local.iter().find(|ip| ip.parse::<IpAddr>().is_err()) {
        return Err(context.invalid(format!("invalid link-local IP: {bad}")));
    }
    Ok(EndpointIpamConfig {
        ipv4_address: some_text(v4),
        ipv6_address: some_text(v6),
        link_local_ips: (!local.is_empty()).then(|| local.clone()),
    })
}
