//! Where components come from: embedded in the binary, or a file that the project declares.

use std::collections::BTreeMap;

use windlass_model::windlass::{PluginDeclaration, PluginSource};
use windlass_runtime::HookError;

use crate::{error, manifest};

include!(concat!(env!("OUT_DIR"), "/built_in.rs"));

/// An embedded plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltIn {
    /// Name.
    pub name: &'static str,
    /// Version by its manifest.
    pub version: String,
    /// One sentence.
    pub description: String,
    /// Bytes.
    pub size: usize,
}

/// The plugins embedded in this build, sorted by name; empty when it was built without them.
#[must_use]
pub fn built_ins() -> Vec<BuiltIn> {
    let describe = |(name, bytes): &(&'static str, &'static [u8])| {
        let manifest = manifest::read(bytes).unwrap_or_default();
        BuiltIn { name, version: manifest.version, description: manifest.description, size: bytes.len() }
    };
    BUILT_IN.iter().map(describe).collect()
}

/// The component of a plugin, and whether it is built in.
///
/// # Errors
/// When nobody knows the plugin, or its file cannot be read.
pub(crate) fn find(plugin: &str, declared: &BTreeMap<String, PluginDeclaration>) -> Result<(Vec<u8>, bool), HookError> {
    match declared.get(plugin).and_then(|declaration| declaration.source.as_ref()) {
        Some(PluginSource::File(path)) => fs_err::read(path).map(|bytes| (bytes, false)).map_err(|problem| {
            let hint = format!("build it, or change `source` of plugin {plugin}");
            error::load(plugin, format!("cannot be read: {problem}"), Some(hint))
        }),
        Some(PluginSource::Oci(reference) | PluginSource::Https(reference)) => {
            let hint = "fetch it into the project's folder and name the file";
            Err(error::load(
                plugin,
                format!("comes from {reference}, which is not supported yet"),
                Some(hint.to_owned()),
            ))
        }
        None => built_in(plugin, declared),
    }
}

fn built_in(plugin: &str, declared: &BTreeMap<String, PluginDeclaration>) -> Result<(Vec<u8>, bool), HookError> {
    if let Some((_, bytes)) = BUILT_IN.iter().find(|(name, _)| *name == plugin) {
        return Ok((bytes.to_vec(), true));
    }
    if BUILT_IN.is_empty() {
        let hint = "run `make plugins` and build again".to_owned();
        return Err(error::load(plugin, "is not there: this build has no built-in plugins", Some(hint)));
    }
    let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).chain(declared.keys().map(String::as_str)).collect();
    let hint = windlass_model::suggest::closest(plugin, known.iter().copied()).map_or_else(
        || format!("known plugins: {}; declare others under x-windlass.plugins with a `source`", known.join(", ")),
        |close| format!("did you mean `{close}`?"),
    );
    Err(error::load(plugin, "is neither built in nor declared", Some(hint)))
}
