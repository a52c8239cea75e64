//! Compiled code on disk: `.cwasm` files keyed by component, compiler and our own version.
//!
//! Mapping a file as code is only sound when nobody else could write it: the directory is ours and closed to others, files
//! appear by rename and are never overwritten, and what anybody hands us is never taken for compiled code.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use wasmtime::component::Component;
use wasmtime::{Engine, Precompiled};

/// Takes the component from the cache, or compiles it and puts it there. A cache that cannot be used is no error.
///
/// # Errors
/// When the bytes do not compile.
pub(crate) fn component(
    engine: &Engine,
    bytes: &[u8],
    digest: &str,
    folder: Option<&Path>,
) -> wasmtime::Result<Component> {
    let path = folder.and_then(|folder| prepare(folder).then(|| file(engine, folder, digest)));
    if let Some(found) = path.as_deref().filter(|path| path.is_file()).and_then(|path| load(engine, path)) {
        return Ok(found);
    }
    let compiled = engine.precompile_component(bytes)?;
    if let Some(path) = path.as_deref()
        && store(path, &compiled).is_some()
        && let Some(found) = load(engine, path)
    {
        return Ok(found);
    }
    #[expect(unsafe_code, reason = "the bytes come from `precompile_component` two lines above")]
    // SAFETY: `compiled` is the unmodified output of `Engine::precompile_component` of the same engine.
    unsafe {
        Component::deserialize(engine, &compiled)
    }
}

/// Whether bytes are compiled code, which nobody may hand us.
pub(crate) fn is_compiled(bytes: &[u8]) -> bool {
    matches!(Engine::detect_precompiled(bytes), Some(Precompiled::Component | Precompiled::Module))
}

fn file(engine: &Engine, folder: &Path, digest: &str) -> PathBuf {
    folder.join(name(&engine.precompile_compatibility_hash(), env!("CARGO_PKG_VERSION"), digest))
}

/// Different for every component, compiler and version of ours: what links to code of an older host may not be run.
fn name(compiler: &impl std::hash::Hash, version: &str, digest: &str) -> String {
    use std::hash::Hasher as _;
    let mut hasher = std::hash::DefaultHasher::new();
    compiler.hash(&mut hasher);
    std::hash::Hash::hash(version, &mut hasher);
    format!("{digest}-{:016x}.cwasm", hasher.finish())
}

fn load(engine: &Engine, path: &Path) -> Option<Component> {
    #[expect(unsafe_code, reason = "files in our own closed directory, written by `store` only")]
    // SAFETY: the directory is checked to be ours and closed to others (`prepare`), its files are written by `store` only and
    // never changed afterwards; code of another compiler version is refused by wasmtime itself.
    unsafe {
        Component::deserialize_file(engine, path).ok()
    }
}

/// Writes under a temporary name and renames, so that a file is whole or not there.
fn store(path: &Path, compiled: &[u8]) -> Option<()> {
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = fs_err::OpenOptions::new().write(true).create(true).truncate(true).open(&temporary).ok()?;
    let written = file.write_all(compiled).and_then(|()| file.sync_all());
    drop(file);
    written.and_then(|()| fs_err::rename(&temporary, path)).ok()
}

/// Makes the directory, for us alone; `false` when it is somebody else's, or others may enter it: then they may have put code
/// there, and closing it now would come too late.
#[cfg(unix)]
fn prepare(folder: &Path) -> bool {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
    let mut builder = std::fs::DirBuilder::new();
    drop(builder.recursive(true).mode(0o700).create(folder));
    let Ok(metadata) = fs_err::metadata(folder) else { return false };
    let own = fs_err::metadata("/proc/self").map(|process| process.uid());
    let ours = own.map_or(true, |uid| metadata.uid() == uid);
    let closed = metadata.permissions().mode() & 0o077 == 0;
    metadata.is_dir() && ours && closed
}

/// On other systems the user's cache directory is closed to others already.
#[cfg(not(unix))]
fn prepare(folder: &Path) -> bool {
    fs_err::create_dir_all(folder).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_compiled_code_says_component_compiler_and_version() {
        let names = [name(&1, "0.1.0", "a"), name(&2, "0.1.0", "a"), name(&1, "0.1.1", "a"), name(&1, "0.1.0", "b")];
        let different: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(different.len(), names.len());
        assert_eq!(names[0], name(&1, "0.1.0", "a"));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_may_enter_is_not_used() {
        use std::os::unix::fs::PermissionsExt as _;
        let base = tempfile::tempdir().unwrap();
        let (own, open) = (base.path().join("own"), base.path().join("open"));
        assert!(prepare(&own));
        assert_eq!(fs_err::metadata(&own).unwrap().permissions().mode() & 0o777, 0o700);
        fs_err::create_dir(&open).unwrap();
        for mode in [0o777, 0o750, 0o701] {
            fs_err::set_permissions(&open, std::fs::Permissions::from_mode(mode)).unwrap();
            assert!(!prepare(&open), "{mode:o}");
        }
        fs_err::write(base.path().join("file"), "").unwrap();
        assert!(!prepare(&base.path().join("file")));
    }
}
