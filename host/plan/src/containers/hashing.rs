//! Has the configuration changed, and what of it?

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use windlass_model::hash::hex;
pub use windlass_model::hash::{network_hash, volume_hash};
use windlass_model::project::Service;

use crate::step::ContainerRef;

/// Peers by service: what `service:X` stands for.
pub(crate) type Peers = BTreeMap<String, Vec<ContainerRef>>;

/// The hash that new containers carry.
#[must_use]
pub fn service_hash(service: &Service, peers: &Peers) -> String {
    windlass_model::hash::service_hash(&with_references(service, peers))
}

/// Hashes that mean "unchanged", the newest encoding first.
#[must_use]
pub fn service_hashes(service: &Service, peers: &Peers) -> Vec<String> {
    windlass_model::hash::hashes_accepted(&with_references(service, peers))
}

fn json_hash(value: &impl serde::Serialize) -> String {
    hex(&Sha256::digest(serde_json::to_vec(value).unwrap_or_default()))
}

/// The service with `service:X` replaced by the container that it stands for, as the hash is computed over.
fn with_references<'a>(service: &'a Service, peers: &Peers) -> Cow<'a, Service> {
    if crate::graph::select::shared(service).is_empty() && service.volumes_from.is_empty() {
        return Cow::Borrowed(service);
    }
    let mut resolved = service.clone();
    for mode in [&mut resolved.network_mode, &mut resolved.ipc, &mut resolved.pid] {
        if let Some(id) = mode.strip_prefix("service:").and_then(|name| first_id(peers, name)) {
            *mode = format!("container:{id}");
        }
    }
    for source in &mut resolved.volumes_from {
        let (first, rest) = source.split_once(':').unwrap_or((source, ""));
        if first == "container" {
            *source = rest.split(':').next().unwrap_or_default().to_owned();
        } else if let Some(id) = first_id(peers, first) {
            *source = id.to_owned();
        }
    }
    Cow::Owned(resolved)
}

fn first_id<'a>(peers: &'a Peers, service: &str) -> Option<&'a str> {
    peers.get(service)?.first()?.id.as_deref()
}

/// Short hashes of all attributes that are set, `name=hash` separated by spaces; the environment by variable.
#[must_use]
pub fn attributes(service: &Service) -> String {
    let parts: Vec<String> = attribute_hashes(service).iter().map(|(key, hash)| format!("{key}={hash}")).collect();
    parts.join(" ")
}

fn attribute_hashes(service: &Service) -> BTreeMap<String, String> {
    let mut hashes = BTreeMap::new();
    let Ok(Value::Object(attributes)) = serde_json::to_value(service) else { return hashes };
    for (key, value) in attributes {
        match value {
            Value::Object(variables) if key == "environment" => {
                let named = variables.iter().map(|(name, value)| (format!("environment.{name}"), short(value)));
                hashes.extend(named.filter(|(name, _)| !name.contains([' ', '='])));
            }
            value if is_unset(&value) || NOT_HASHED.contains(&key.as_str()) => {}
            value => drop(hashes.insert(key, short(&value))),
        }
    }
    hashes
}

/// Attributes whose change recreates nothing.
const NOT_HASHED: [&str; 6] = ["build", "pull_policy", "scale", "depends_on", "profiles", "develop"];

fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        Value::Bool(true) => false,
    }
}

fn short(value: &Value) -> String {
    json_hash(value)[..6].to_owned()
}

/// What changed since `label` was written, for a person: `environment.DEBUG changed, ports added`.
#[must_use]
pub fn changes(label: Option<&str>, service: &Service) -> String {
    let Some(label) = label else { return "configuration changed".to_owned() };
    let before: BTreeMap<&str, &str> = label.split(' ').filter_map(|part| part.split_once('=')).collect();
    let now = attribute_hashes(service);
    let mut words: Vec<String> = Vec::new();
    for (key, hash) in &now {
        match before.get(key.as_str()) {
            None => words.push(format!("{key} added")),
            Some(old) if old != hash => words.push(format!("{key} changed")),
            Some(_) => {}
        }
    }
    words.extend(before.keys().filter(|key| !now.contains_key(**key)).map(|key| format!("{key} removed")));
    if words.is_empty() {
        return "configuration changed".to_owned();
    }
    let more = words.len().saturating_sub(3);
    words.truncate(3);
    let listed = words.join(", ");
    if more == 0 { listed } else { format!("{listed} and {more} more") }
}
