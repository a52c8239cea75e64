use super::*;

fn package(directory: &str, kind: &str) -> Package {
    Package {
        name: "plugin-es-bulk".to_owned(),
        manifest_path: PathBuf::from(directory).join("Cargo.toml"),
        targets: vec![Target { name: "plugin-es-bulk".to_owned(), crate_types: vec![kind.to_owned()] }],
    }
}

#[test]
fn components_are_named_after_their_folder() {
    let plugin = Plugin::of(&package("/w/plugins/es-bulk", "cdylib")).unwrap();
    assert_eq!((plugin.name.as_str(), plugin.library.as_str(), plugin.fixture), ("es-bulk", "plugin_es_bulk", false));
    assert!(Plugin::of(&package("/w/plugins/fixtures/bare", "cdylib")).unwrap().fixture);
    assert!(Plugin::of(&package("/w/plugins/sdk", "lib")).is_none());
}

#[test]
fn what_was_never_made_is_stale_and_a_missing_module_is_an_error() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(is_stale(&here.join("Cargo.toml"), &here.join("no-such.wasm")).unwrap());
    assert!(is_stale(&here.join("no-such.wasm"), &here.join("Cargo.toml")).is_err());
}
