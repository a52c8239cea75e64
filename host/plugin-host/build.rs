//! Embeds the first-party plugins that `cargo xtask plugins` built into `plugins/dist`.

use std::fmt::Write as _;
use std::path::Path;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/dist");
    println!("cargo:rerun-if-changed={}", root.display());
    let mut table = String::from(
        "/// Name and component of every embedded plugin, sorted.\npub(crate) static BUILT_IN: &[(&str, &[u8])] = &[\n",
    );
    let mut found: Vec<_> = fs_err::read_dir(&root)
        .map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()).collect())
        .unwrap_or_default();
    found.retain(|path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "wasm"));
    found.sort();
    for path in &found {
        println!("cargo:rerun-if-changed={}", path.display());
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("plugin names are ASCII");
        let absolute = fs_err::canonicalize(path).expect("the file was just listed");
        writeln!(table, "    ({name:?}, include_bytes!({absolute:?})),").expect("writing to a string cannot fail");
    }
    table.push_str("];\n");
    if found.is_empty() {
        println!("cargo:warning=no built-in plugins in plugins/dist: run `make plugins` and build again");
    }
    let out = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    fs_err::write(Path::new(&out).join("built_in.rs"), table).expect("OUT_DIR is writable");
}
