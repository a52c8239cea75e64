//! An address for a relay that is in nobody's way.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use bollard::models::NetworkInspect;

/// The highest address of the network's first IPv4 subnet that is neither taken nor kept free: engines give out the lowest.
/// `None`: the engine is to choose.
pub(super) fn highest_free(network: &NetworkInspect, keep_free: &[String]) -> Option<String> {
    let ranges = network.ipam.iter().flat_map(|ipam| ipam.config.iter().flatten());
    let subnets = ranges.clone().filter_map(|range| subnet(range.subnet.as_deref()?));
    let (first, last) = subnets.into_iter().next()?;
    let containers = network.containers.iter().flatten();
    let held = containers.filter_map(|(_, found)| found.ipv4_address.as_deref());
    let gateways = ranges.filter_map(|range| range.gateway.as_deref());
    let taken = keep_free.iter().map(String::as_str).chain(held).chain(gateways);
    let taken: BTreeSet<u32> = taken.filter_map(|text| parse(text).map(u32::from)).collect();
    (first..=last).rev().find(|address| !taken.contains(address)).map(|address| Ipv4Addr::from(address).to_string())
}

/// First and last address of `10.0.0.0/24` that a container can have.
fn subnet(text: &str) -> Option<(u32, u32)> {
    let (base, bits) = text.split_once('/')?;
    let host_bits = 32u32.checked_sub(bits.parse().ok()?).filter(|bits| (2..32).contains(bits))?;
    let mask = (1u32 << host_bits) - 1;
    let base = u32::from(base.parse::<Ipv4Addr>().ok()?) & !mask;
    Some((base + 1, base + mask - 1))
}

/// An address, with or without the length of its prefix.
fn parse(text: &str) -> Option<Ipv4Addr> {
    text.split('/').next()?.parse().ok()
}
