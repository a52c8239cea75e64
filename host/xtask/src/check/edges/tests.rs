use super::*;

/// The house as it should be, plus some edges (`from`, `to`, dev).
fn house(extra: &[(&str, &str, bool)]) -> Graph {
    let mut graph = Graph::default();
    let proper = [
        ("windlass-model", "serde"),
        ("windlass-plan", "windlass-model"),
        ("windlass-runtime", "windlass-plan"),
        ("windlass-runtime", "tokio"),
        ("windlass-docker", "windlass-runtime"),
        ("windlass-docker", "bollard"),
        ("windlass-plugin-host", "windlass-runtime"),
        ("windlass-plugin-host", "wasmtime-wasi"),
        ("windlass", "windlass-docker"),
        ("windlass", "windlass-plugin-host"),
        ("windlass", "clap"),
        ("xtask", "clap"),
    ];
    let proper = proper.map(|(from, to)| (from, to, false));
    for (from, to, dev) in proper.iter().chain(extra) {
        graph.crates.entry((*from).to_owned()).or_default().push(Edge { to: (*to).to_owned(), dev: *dev });
        if from.starts_with("windlass") || *from == "xtask" {
            graph.members.insert((*from).to_owned());
        }
    }
    graph
}

fn with(from: &str, to: &str) -> Vec<String> {
    house(&[(from, to, false)]).violations()
}

#[test]
fn the_house_itself_is_in_order() {
    assert_eq!(house(&[("windlass-runtime", "windlass-testkit", true)]).violations(), [] as [String; 0]);
}

#[test]
fn pure_crates_reach_no_runtime_even_through_others() {
    assert_eq!(
        house(&[("windlass-model", "yaml", false), ("yaml", "tokio", false)]).violations(),
        [
            "windlass-model must never use tokio: windlass-model → yaml → tokio",
            "windlass-plan must never use tokio: windlass-plan → windlass-model → yaml → tokio",
        ]
    );
}

#[test]
fn dev_dependencies_of_pure_crates_are_free() {
    assert_eq!(house(&[("windlass-model", "tokio", true)]).violations(), [] as [String; 0]);
}

#[test]
fn every_made_up_bad_edge_is_found() {
    for (from, to, expected) in [
        ("windlass-runtime", "bollard", "only windlass-docker may name bollard"),
        ("windlass", "bollard", "only windlass-docker may name bollard"),
        ("windlass", "wasmtime-wasi-http", "only windlass-plugin-host may name wasmtime"),
        ("windlass-docker", "clap_complete", "only windlass and xtask may name clap"),
        ("windlass-docker", "windlass-plugin-host", "must not know each other"),
        ("windlass-plugin-host", "windlass-docker", "must not know each other"),
        ("xtask", "windlass", "nobody may depend on the binary crate"),
        ("windlass-runtime", "windlass-testkit", "dev-dependencies only"),
    ] {
        let found = with(from, to);
        assert!(found.iter().any(|line| line.contains(expected)), "{from} → {to}: {found:?}");
    }
}

#[test]
fn a_name_that_only_begins_alike_is_another_crate() {
    assert!(is_or_extends("wasmtime-wasi", "wasmtime") && is_or_extends("clap_complete", "clap"));
    assert!(!is_or_extends("bollards", "bollard") && !is_or_extends("claptrap", "clap"));
}

#[test]
fn plugins_know_no_host_crate() {
    let mut plugins = Graph::default();
    plugins.members.insert("plugin-tcp".to_owned());
    plugins.crates.insert("plugin-tcp".to_owned(), vec![Edge { to: "windlass-model".to_owned(), dev: false }]);
    assert_eq!(
        plugins.uses_of_host(&house(&[]).members),
        ["plugins: plugin-tcp must not depend on the host crate windlass-model"]
    );
}

#[test]
fn metadata_of_cargo_is_understood() {
    let json = br#"{
        "packages": [{"id": "a#1", "name": "windlass-plan"}, {"id": "b#1", "name": "tokio"}],
        "workspace_members": ["a#1"],
        "resolve": {"nodes": [
            {"id": "a#1", "deps": [{"pkg": "b#1", "dep_kinds": [{"kind": "dev"}, {"kind": null}]}]},
            {"id": "b#1", "deps": []}
        ]}
    }"#;
    let graph = Graph::parse(json).unwrap();
    assert_eq!(graph.violations(), ["windlass-plan must never use tokio: windlass-plan → tokio"]);
}
