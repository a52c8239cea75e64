use super::*;

/// `app` uses `engine` to run, `maker` to build and `prover` to test; `engine` uses `base` and the macro `derive`, which uses
/// `maker`.
const METADATA: &str = r#"{
    "packages": [
        { "id": "1", "name": "app", "version": "1.0.0", "license": "MIT", "repository": null, "source": null, "manifest_path": "/w/app/Cargo.toml", "targets": [ { "kind": [ "lib" ] } ] },
        { "id": "2", "name": "engine", "version": "2.0.0", "license": "MIT OR GPL-3.0", "repository": "https://e", "source": "r", "manifest_path": "/r/engine/Cargo.toml", "targets": [ { "kind": [ "lib" ] } ] },
        { "id": "3", "name": "maker", "version": "3.0.0", "license": "MIT", "repository": null, "source": "r", "manifest_path": "/r/maker/Cargo.toml", "targets": [ { "kind": [ "lib" ] } ] },
        { "id": "4", "name": "prover", "version": "4.0.0", "license": "MIT", "repository": null, "source": "r", "manifest_path": "/r/prover/Cargo.toml", "targets": [ { "kind": [ "lib" ] } ] },
        { "id": "5", "name": "base", "version": "5.0.0", "license": null, "repository": null, "source": "r", "manifest_path": "/r/base/Cargo.toml", "targets": [ { "kind": [ "lib" ] } ] },
        { "id": "6", "name": "derive", "version": "6.0.0", "license": "MIT", "repository": null, "source": "r", "manifest_path": "/r/derive/Cargo.toml", "targets": [ { "kind": [ "proc-macro" ] } ] }
    ],
    "resolve": { "nodes": [
        { "id": "1", "deps": [
            { "pkg": "2", "dep_kinds": [ { "kind": null }, { "kind": "dev" } ] },
            { "pkg": "3", "dep_kinds": [ { "kind": "build" } ] },
            { "pkg": "4", "dep_kinds": [ { "kind": "dev" } ] } ] },
        { "id": "2", "deps": [ { "pkg": "5", "dep_kinds": [ { "kind": null } ] }, { "pkg": "6", "dep_kinds": [ { "kind": null } ] } ] },
        { "id": "3", "deps": [] }, { "id": "4", "deps": [] }, { "id": "5", "deps": [] },
        { "id": "6", "deps": [ { "pkg": "3", "dep_kinds": [ { "kind": null } ] } ] }
    ] }
}"#;

fn app() -> BTreeSet<Part> {
    reached(&serde_json::from_str(METADATA).unwrap(), &["app"])
}

#[test]
fn what_only_builds_or_tests_is_no_part() {
    let names: Vec<String> = app().into_iter().map(|part| part.name).collect();
    assert_eq!(names, ["app", "base", "engine"]);
}

#[test]
fn a_part_without_an_allowed_licence_is_refused() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let parts = app();
    assert_eq!(refused(&root, parts.iter()).unwrap(), ["base 5.0.0: licence \"\" is not allowed"]);
}

#[test]
fn the_list_names_every_part_with_its_licence_and_source() {
    let mut text = String::new();
    table(&mut text, "App", &app()).unwrap();
    assert!(text.contains("| engine | 2.0.0 | MIT OR GPL-3.0 | https://e |"), "{text}");
}

#[test]
fn equal_texts_stand_once_with_all_their_owners() {
    let here = tempfile::tempdir().unwrap();
    let part = |name: &str, text: Option<&str>| {
        let directory = here.path().join(name);
        fs_err::create_dir(&directory).unwrap();
        if let Some(text) = text {
            fs_err::write(directory.join("LICENSE-MIT"), text).unwrap();
        }
        Part {
            name: name.to_owned(),
            version: "1".to_owned(),
            licence: "MIT".to_owned(),
            repository: String::new(),
            directory,
            own: false,
        }
    };
    let (a, b, c) = (part("a", Some("Permission\r\n")), part("b", Some("Permission\n\n")), part("c", None));
    let mut page = String::new();
    texts::append(&mut page, &BTreeSet::from([&a, &b, &c])).unwrap();
    assert_eq!(page.matches("Permission").count(), 1);
    assert!(page.contains("## a 1, b 1\n"), "{page}");
    assert!(page.ends_with("bring no text of their own\n\nc 1 (MIT)\n"), "{page}");
}
