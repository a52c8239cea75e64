//! Hostile plugins inside a real stack: an error that names plugin, stage and service, and a stack that can be brought down.

use crate::harness::{Scenario, Tool, ours};

fn hostile(label: &str, fixture: &str, extra: &str, words: &[&str]) {
    ours(label, || {
        let wasm = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/dist/fixtures/");
        let it = Scenario::new(
            Tool::Windlass,
            "hostile",
            &format!(
                "services:\n  victim:\n    image: windlass-test/busybox:1\n    command: ['sh', '-c', 'trap exit TERM; while :; do sleep 3600 & wait $$!; done']\n    x-windlass:\n      hooks:\n        post-start: [{{ plugin: bad{extra}, timeout: 1s }}]\nx-windlass:\n  plugins:\n    bad: {{ source: {wasm}{fixture}, limits: {{ memory: 32MiB }} }}\n"
            ),
        );
        it.run(&["up", "-d"]).fails(7, &[&["bad", "post-start", "victim"], words].concat());
        it.run(&["down", "-t", "0"]).ok();
        it.assert_gone();
    });
}

#[test]
fn an_endless_loop() {
    hostile("an_endless_loop", "misbehave.wasm", ", with: { do: loop }", &["1 s"]);
}

#[test]
fn a_memory_bomb() {
    hostile("a_memory_bomb", "misbehave.wasm", ", with: { do: memory }", &["32 MiB"]);
}

#[test]
fn a_panic() {
    hostile("a_panic", "misbehave.wasm", ", with: { do: panic }", &["panicked"]);
}

#[test]
fn an_undeclared_dial() {
    hostile(
        "an_undeclared_dial",
        "misbehave.wasm",
        ", with: { do: dial-http, host: evil.example, port: 80 }",
        &["not granted", "grants"],
    );
}

#[test]
fn a_missing_plugin() {
    ours("a_missing_plugin", || {
        let it = Scenario::new(
            Tool::Windlass,
            "missing",
            "services:\n  a:\n    image: windlass-test/busybox:1\n    command: sleep 60\n    x-windlass: { ready: nosuch }\n",
        );
        let ran = it.run(&["up", "-d"]);
        assert_ne!(ran.code, 0);
        assert!(ran.stderr.contains("nosuch"), "{}", ran.stderr);
        it.run(&["down", "-t", "0"]).ok();
        it.assert_gone();
    });
}
