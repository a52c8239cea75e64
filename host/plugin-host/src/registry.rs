//! Where components come from: embedded in the binary, or a file that the project declares.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::Path;

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
        Some(PluginSource::File(path)) => read(path).map(|bytes| (bytes, false)).map_err(|problem| {
            let hint = format!("build it, or change `source` of plugin {plugin}");
            error::load(plugin, format!("cannot be read: {}: {}", path.display(), plain(&problem)), Some(hint))
        }),
        Some(PluginSource::Oci(reference) | PluginSource::Https(reference)) => {
            let hint = "fetch the component into the project's directory and name the file";
            Err(error::load(
                plugin,
                format!("comes from {reference}, which is not supported yet"),
                Some(hint.to_owned()),
            ))
        }
        None => built_in(plugin, declared),
    }
}

/// Largest file that is taken for a component, in bytes: the largest that guests' toolchains make (those that bring an interpreter
/// along) have some 20 MB.
const LARGEST: u64 = 64 << 20;

/// The reason, without the number that Rust adds.
fn plain(problem: &io::Error) -> String {
    match problem.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => problem.to_string().split(" (os error").next().unwrap_or_default().to_owned(),
    }
}

/// Reads a component. A pipe would wait for ever and a device never end, so only regular files are read, and not beyond
/// [`LARGEST`].
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let said = |text: &str| io::Error::new(io::ErrorKind::InvalidData, text);
    // Asked before it is opened: opening a pipe waits for somebody who writes.
    // The caller names the path, so fs_err's wording would say it twice.
    if !path.metadata()?.is_file() {
        return Err(said("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(said("it is larger than 64 MiB: that is no plugin"));
    }
    Ok(bytes)
}

fn built_in(plugin: &str, declared: &BTreeMap<String, PluginDeclaration>) -> Result<(Vec<u8>, bool), HookError> {
    if let Some((_, bytes)) = BUILT_IN.iter().find(|(name, _)| *name == plugin) {
        return Ok((bytes.to_vec(), true));
    }
    if BUILT_IN.is_empty() {
        let hint = "run `make plugins` and build again".to_owned();
        return Err(error::load(plugin, "is not there: this build has no built-in plugins", Some(hint)));
    }
    let built_in = BUILT_IN.iter().map(|(name, _)| *name);
    if declared.contains_key(plugin) {
        let known: Vec<&str> = built_in.collect();
        let hint = windlass_model::suggest::closest(plugin, known.iter().copied())
            .map_or_else(|| "name its file in `source`".to_owned(), |close| format!("did you mean `{close}`?"));
        return Err(error::load(plugin, "is not built in, and its entry has no `source`", Some(hint)));
    }
    let known: Vec<&str> = built_in.chain(declared.keys().map(String::as_str)).collect();
    let hint = windlass_model::suggest::closest(plugin, known.iter().copied()).map_or_else(
        || format!("known plugins: {}; declare others under x-windlass.plugins with a `source`", known.join(", ")),
        |close| format!("did you mean `{close}`?"),
    );
    Err(error::load(plugin, "is neither built in nor declared", Some(hint)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_of_a_sane_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.wasm");
        fs_err::File::create(&path).unwrap().set_len(LARGEST + 1).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("larger than 64 MiB"));
        // Reading a device or a directory does not begin.
        for other in [Path::new("/dev/zero"), folder.path()] {
            assert!(read(other).unwrap_err().to_string().contains("it is not a regular file"));
        }
    }
}
