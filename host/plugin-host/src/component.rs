//! A loaded component: its manifest, what it exports, and whether it speaks our contract.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;
use windlass_model::hash::hex;
use windlass_model::windlass::Stage;
use windlass_runtime::HookError;
use windlass_runtime::hooks::PluginInfo;

use crate::interfaces::{self, Interfaces};
use crate::manifest::Manifest;
use crate::{cache, error, manifest};

/// Prefix of the names of our interfaces.
const PACKAGE: &str = "windlass:plugin/";
/// Version of the contract that this host offers.
const VERSION: (u64, u64) = (0, 1);

/// Interfaces of our package that guests may import.
const OFFERED: &[&str] = &["types", "host", "project", "settings", "inputs", "state", "secrets", "containers"];

/// A component ready to be instantiated.
#[derive(Clone)]
pub(crate) struct Loaded {
    pub(crate) component: Component,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) info: PluginInfo,
}

/// What can be told of a component from its bytes alone.
#[derive(Clone)]
pub(crate) struct Looked {
    pub(crate) manifest: Manifest,
    pub(crate) info: PluginInfo,
}

/// Checks a component without compiling it.
///
/// # Errors
/// When the bytes are no component, speak another version of the contract, or export nothing we know.
pub(crate) fn look(plugin: &str, bytes: &[u8]) -> Result<Looked, HookError> {
    let invalid = |reason: String| error::load(plugin, format!("is not valid WebAssembly: {reason}"), None);
    check_kind(plugin, bytes)?;
    let manifest = manifest::read(bytes).map_err(invalid)?;
    let interfaces = interfaces::read(bytes).map_err(invalid)?;
    check_interfaces(plugin, &interfaces)?;
    let stages = stages(&interfaces);
    if stages.is_empty() {
        let hint = "export at least one interface of windlass:plugin, for example `probe`".to_owned();
        return Err(error::load(plugin, "exports no stage that this version of Windlass knows", Some(hint)));
    }
    let name = if manifest.name.is_empty() { plugin.to_owned() } else { manifest.name.clone() };
    let digest = hex(&Sha256::digest(bytes));
    let info = PluginInfo { name, version: manifest.version.clone(), digest, stages };
    Ok(Looked { manifest, info })
}

/// Checks that a file is a whole and sound component. Compiling does so too, but only when the first call is due.
///
/// # Errors
/// When it is damaged.
pub(crate) fn check_whole(plugin: &str, bytes: &[u8]) -> Result<(), HookError> {
    let hint = || Some("the file is damaged, or not complete: build or copy it again".to_owned());
    interfaces::validate(bytes)
        .map_err(|reason| error::load(plugin, format!("is not valid WebAssembly: {reason}"), hint()))
}

/// Checks a component and compiles it, or takes it from the cache.
///
/// # Errors
/// As [`look`], and when it does not compile.
pub(crate) fn load(engine: &Engine, plugin: &str, bytes: &[u8], folder: Option<&Path>) -> Result<Loaded, HookError> {
    let Looked { manifest, info } = look(plugin, bytes)?;
    let component = cache::component(engine, bytes, &info.digest, folder)
        .map_err(|reason| error::load(plugin, format!("does not compile: {reason:#}"), None))?;
    Ok(Loaded { component, manifest: Arc::new(manifest), info })
}

fn check_kind(plugin: &str, bytes: &[u8]) -> Result<(), HookError> {
    if cache::is_compiled(bytes) {
        return Err(error::load(plugin, "is compiled code; only WebAssembly components are loaded", None));
    }
    match bytes.get(..8) {
        Some([0, b'a', b's', b'm', 0x0d, 0, 1, 0]) => Ok(()),
        Some([0, b'a', b's', b'm', ..]) => {
            let hint = "make a component of it: `cargo xtask plugins` does, or `wasm-tools component new`".to_owned();
            Err(error::load(plugin, "is a core WebAssembly module, not a component", Some(hint)))
        }
        _ => Err(error::load(plugin, "is not WebAssembly", None)),
    }
}

/// Compares what the component imports with what we offer, for a sentence instead of a linker's message.
fn check_interfaces(plugin: &str, interfaces: &Interfaces) -> Result<(), HookError> {
    for name in interfaces.imports.iter().chain(&interfaces.exports) {
        let Some((_, version)) = name.strip_prefix(PACKAGE).and_then(|rest| rest.split_once('@')) else { continue };
        if parse_version(version) != Some(VERSION) {
            let text = format!("speaks windlass:plugin {version}; this host offers {}.{}", VERSION.0, VERSION.1);
            return Err(error::load(plugin, text, Some("build it against the contract of this version".to_owned())));
        }
    }
    let own = |rest: &str| OFFERED.contains(&rest.split('@').next().unwrap_or_default());
    let offered = |name: &str| name.strip_prefix(PACKAGE).map_or_else(|| name.starts_with("wasi:"), own);
    if let Some(name) = interfaces.imports.iter().find(|name| !offered(name)) {
        return Err(error::load(plugin, format!("imports {name}, which this host does not offer"), None));
    }
    Ok(())
}

fn parse_version(text: &str) -> Option<(u64, u64)> {
    let mut parts = text.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn stages(interfaces: &Interfaces) -> Vec<Stage> {
    let interface = |name: &String| Some(name.strip_prefix(PACKAGE)?.split('@').next()?.to_owned());
    let exported: BTreeSet<String> = interfaces.exports.iter().filter_map(interface).collect();
    Stage::ALL.into_iter().filter(|stage| exported.contains(stage.entry().interface)).collect()
}
