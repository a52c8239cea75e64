//! What goes wrong gets one clear message with place and hint, the documented exit code, and leaves nothing behind.

use std::process::Command;

use crate::harness::{Scenario, Tool, ours};

fn broken(label: &str, compose: &str, code: i32, words: &[&str]) {
    ours(label, || {
        let it = Scenario::new(Tool::Windlass, "bad", compose);
        it.run(&["up", "-d"]).fails(code, words);
        it.assert_gone();
    });
}

#[test]
fn a_cycle() {
    broken(
        "a_cycle",
        "services:\n  a:\n    image: windlass-test/busybox:1\n    depends_on: [b]\n  b:\n    image: windlass-test/busybox:1\n    depends_on: [a]\n",
        1,
        &["dependency cycle detected: a -> b -> a", "compose.yaml:"],
    );
}

#[test]
fn a_bad_yaml_line() {
    broken(
        "a_bad_yaml_line",
        "services:\n  a:\n    image: windlass-test/busybox:1\n   command: x\n",
        1,
        &["compose.yaml:4"],
    );
}

#[test]
fn an_unknown_key_with_a_suggestion() {
    broken(
        "an_unknown_key_with_a_suggestion",
        "services:\n  a:\n    image: windlass-test/busybox:1\n    helthcheck: { test: x }\n",
        1,
        &["compose.yaml:4:5", "helthcheck", "healthcheck"],
    );
}

#[test]
fn a_missing_image() {
    ours("a_missing_image", || {
        let it =
            Scenario::new(Tool::Windlass, "noimage", "services:\n  a:\n    image: localhost:1/windlass/nosuch:1\n");
        it.run(&["up", "-d"]).fails(1, &["localhost:1/windlass/nosuch:1", "compose.yaml:3:5", "hint"]);
        it.assert_gone();
    });
}

#[test]
fn a_port_in_use() {
    ours("a_port_in_use", || {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = taken.local_addr().expect("an address").port();
        let it = Scenario::new(
            Tool::Windlass,
            "port",
            &format!(
                "services:\n  a:\n    image: windlass-test/busybox:1\n    command: sleep 60\n    ports: ['127.0.0.1:{port}:80']\n"
            ),
        );
        it.run(&["up", "-d"]).fails(1, &["start container", "a-1", &port.to_string(), "compose.yaml:5:", "hint"]);
        it.assert_gone();
        it.run(&["up"]).fails(1, &["a-1", &port.to_string()]);
        it.assert_gone();
    });
}

#[test]
fn no_engine() {
    let output = Command::new(env!("CARGO_BIN_EXE_windlass"))
        .args(["-p", "x", "ps"])
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
        .output()
        .expect("the tool starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(8), "{said}");
    assert!(said.contains("/nonexistent/docker.sock") && said.contains("hint"), "{said}");
}

#[test]
fn no_file() {
    ours("no_file", || {
        let it = Scenario::new(Tool::Windlass, "nofile", "");
        fs_err::remove_file(it.path("compose.yaml")).expect("it was there");
        it.run(&["up", "-d"]).fails(1, &["no configuration file provided: not found"]);
    });
}
