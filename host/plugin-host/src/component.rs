//! A loaded component: its manifest, what it exports, and whether it speaks our contract.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;
use windlass_model::windlass::Stage;
use windlass_runtime::HookError;
use windlass_runtime::hooks::PluginInfo;

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

/// Compiles (or takes from the cache) and checks a component.
///
/// # Errors
/// When the bytes are no component, speak another version of the contract, or export nothing we know.
pub(crate) fn load(engine: &Engine, plugin: &str, bytes: &[u8], folder: Option<&Path>) -> Result<Loaded, HookError> {
    check_kind(plugin, bytes)?;
    let manifest = manifest::read(bytes)
        .map_err(|reason| error::load(plugin, format!("is not valid WebAssembly: {reason}"), None))?;
    let digest = hex(&Sha256::digest(bytes));
    let component = cache::component(engine, bytes, &digest, folder)
        .map_err(|reason| error::load(plugin, format!("does not compile: {reason:#}"), None))?;
    check_imports(engine, plugin, &component)?;
    let stages = stages(engine, &component);
    if stages.is_empty() {
        let hint = "export at least one interface of windlass:plugin, for example `probe`".to_owned();
        return Err(error::load(plugin, "exports no stage that this version of Windlass knows", Some(hint)));
    }
    let name = if manifest.name.is_empty() { plugin.to_owned() } else { manifest.name.clone() };
    let info = PluginInfo { name, version: manifest.version.clone(), digest, stages };
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
fn check_imports(engine: &Engine, plugin: &str, component: &Component) -> Result<(), HookError> {
    let kind = component.component_type();
    let names = kind
        .imports(engine)
        .map(|(name, _)| name.to_owned())
        .chain(kind.exports(engine).map(|(name, _)| name.to_owned()));
    for name in names {
        let Some((_, version)) = name.strip_prefix(PACKAGE).and_then(|rest| rest.split_once('@')) else { continue };
        if parse_version(version) != Some(VERSION) {
            let text = format!("speaks windlass:plugin {version}; this host offers {}.{}", VERSION.0, VERSION.1);
            return Err(error::load(plugin, text, Some("build it against the contract of this version".to_owned())));
        }
    }
    let own = |rest: &str| OFFERED.contains(&rest.split('@').next().unwrap_or_default());
    let offered = |name: &str| name.strip_prefix(PACKAGE).map_or_else(|| name.starts_with("wasi:"), own);
    if let Some((name, _)) = kind.imports(engine).find(|(name, _)| !offered(name)) {
        return Err(error::load(plugin, format!("imports {name}, which this host does not offer"), None));
    }
    Ok(())
}

fn parse_version(text: &str) -> Option<(u64, u64)> {
    let mut parts = text.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn stages(engine: &Engine, component: &Component) -> Vec<Stage> {
    let kind = component.component_type();
    let exported: Vec<String> = kind.exports(engine).map(|(name, _)| name.to_owned()).collect();
    let interface = |name: &str| name.strip_prefix(PACKAGE).and_then(|rest| rest.split('@').next()).map(str::to_owned);
    let exported: BTreeSet<String> = exported.iter().filter_map(|name| interface(name)).collect();
    Stage::ALL.into_iter().filter(|stage| exported.contains(stage.entry().interface)).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}
