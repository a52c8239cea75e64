//! Loads on a real engine, with the fixture that misbehaves on demand: what was loaded is told by the markers in the engine.

use std::io::Write as _;

use crate::harness::{Scenario, Tool, docker, eventually, ours};

/// A service that sleeps, with a load of the file `trucks`.
fn compose(place: &str, act: &str, wasm: &str) -> String {
    format!(
        "services:
  store:
    image: windlass-test/busybox:1
    init: true
    stop_grace_period: 1s
    command: sleep 300
    {place}
    x-windlass: {{ load: {{ trucks: {{ plugin: loader, from: ./trucks, with: {{ do: {act} }} }} }} }}
volumes: {{ data: {{}} }}
x-windlass: {{ plugins: {{ loader: {{ source: {wasm} }} }} }}
"
    )
}

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/dist/fixtures/misbehave.wasm");

/// Names of the project's markers in this state: the name is another one after every load.
fn markers(it: &Scenario, state: &str) -> Vec<String> {
    let (project, state) =
        (format!("label=com.docker.compose.project={}", it.name), format!("label=dev.windlass.ledger.state={state}"));
    let listed = docker(&["volume", "ls", "-q", "--filter", &project, "--filter", &state]).ok();
    listed.stdout.lines().map(str::to_owned).collect()
}

fn only_marker(it: &Scenario) -> String {
    let committed = markers(it, "committed");
    assert_eq!(committed.len(), 1, "{committed:?}");
    committed[0].clone()
}

fn over(it: &Scenario) {
    it.run(&["down", "-v", "-t", "0"]).ok();
    it.assert_gone();
}

#[test]
fn an_input_that_is_edited_while_it_is_loaded() {
    ours("an_input_that_is_edited_while_it_is_loaded", || {
        let place = "volumes: ['data:/data']";
        let it = Scenario::new(Tool::Windlass, "edited", &compose(place, "fail-retryable", FIXTURE));
        it.write("trucks", "A");
        let mut up = it.spawn(&["up", "-d"]);
        eventually("the load has begun", || !markers(&it, "running").is_empty());
        it.write("trucks", "B");
        up.finish().fails(6, &["trucks", "edited while it was loaded"]);
        assert_eq!(markers(&it, "dirty").len(), 1);
        // The edit is taken back: the data is as doubtful as before.
        it.write("trucks", "A");
        it.write("compose.yaml", &compose(place, "nothing", FIXTURE));
        it.run(&["up", "-d"]).ok();
        let marker = only_marker(&it);
        it.run(&["up", "-d"]).ok();
        assert_eq!(only_marker(&it), marker);
        over(&it);
    });
}

#[test]
fn data_in_memory_is_loaded_again_after_a_start() {
    ours("data_in_memory_is_loaded_again_after_a_start", || {
        for (place, again) in [("tmpfs: ['/data']", true), ("volumes: ['data:/data']", false)] {
            let it = Scenario::new(Tool::Windlass, "memory", &compose(place, "nothing", FIXTURE));
            it.write("trucks", "A");
            it.run(&["up", "-d"]).ok();
            let marker = only_marker(&it);
            it.run(&["up", "-d"]).ok();
            assert_eq!(only_marker(&it), marker, "{place}");
            it.run(&["stop", "-t", "0"]).ok();
            it.run(&["up", "-d"]).ok();
            assert_eq!(only_marker(&it) != marker, again, "{place}");
            over(&it);
        }
    });
}

#[test]
fn a_new_build_of_a_plugin_that_would_load_the_same() {
    ours("a_new_build_of_a_plugin_that_would_load_the_same", || {
        let it =
            Scenario::new(Tool::Windlass, "upgraded", &compose("volumes: ['data:/data']", "nothing", "./loader.wasm"));
        it.write("trucks", "A");
        fs_err::copy(FIXTURE, it.path("loader.wasm")).expect("the fixture is built");
        it.run(&["up", "-d"]).ok();
        let marker = only_marker(&it);
        // A custom section more: another file, and the same program.
        let mut wasm = fs_err::OpenOptions::new().append(true).open(it.path("loader.wasm")).expect("ours");
        wasm.write_all(&[0, 5, 4, b'n', b'o', b't', b'e']).expect("written");
        drop(wasm);
        it.run(&["up", "-d"]).ok();
        assert_eq!(only_marker(&it), marker);
        // Another plugin is not the same at all, and is told before anything is made.
        it.write("loader.wasm", "not WebAssembly");
        for args in [&["plan"][..], &["config", "-q"], &["up", "-d"]] {
            it.run(args).fails(1, &["loader", "is not WebAssembly", "compose.yaml:"]);
        }
        over(&it);
    });
}
