//! Images in a registry: a genuine one, on a loopback port of its own, with its data in a temporary directory.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use crate::harness::{IMAGE, Scenario, Tool, docker, eventually, ours, skip};

/// A registry that runs; it ends, and its data goes, when it goes out of scope.
struct Registry {
    process: Child,
    address: String,
    _data: tempfile::TempDir,
}

impl Registry {
    /// `None`: not installed.
    fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").port();
        let data = tempfile::tempdir().expect("a temporary directory");
        let config = data.path().join("config.yml");
        let text = format!(
            "version: 0.1\nstorage: {{ filesystem: {{ rootdirectory: {} }} }}\nhttp: {{ addr: '127.0.0.1:{port}' }}\n",
            data.path().join("data").display()
        );
        fs_err::write(&config, text).expect("it can be written");
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().ok()?;
        let registry = Self { process, address: format!("localhost:{port}"), _data: data };
        eventually("the registry answers", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(registry)
    }

    /// Puts the image of the tests there under a name of its own.
    fn publish(&self, name: &str) -> String {
        let reference = format!("{}/{name}", self.address);
        docker(&["tag", IMAGE, &reference]).ok();
        docker(&["push", "-q", &reference]).ok();
        docker(&["rmi", &reference]).ok();
        reference
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn with_registry(name: &str, scenario: impl Fn(&Registry)) {
    ours(name, || match Registry::start() {
        Some(registry) => scenario(&registry),
        None => skip(name, "docker-registry is not installed (scripts/setup registry installs it)"),
    });
}

#[test]
fn up_pulls_what_is_missing_and_says_what_cannot_be_had() {
    with_registry("up_pulls_what_is_missing_and_says_what_cannot_be_had", |registry| {
        let image = registry.publish("team/pulled:1");
        let compose =
            format!("services:\n  a:\n    image: {image}\n    command: sleep 60\n    stop_grace_period: 0s\n");
        let it = Scenario::new(Tool::Windlass, "pull", &compose);
        let said = it.run(&["up", "-d"]).ok().stderr;
        assert!(said.contains(&format!("Image {image} Pulled")), "{said}");
        let again = it.run(&["up", "-d"]).ok().stderr;
        assert!(!again.contains("Pulled"), "{again}");
        it.write("compose.yaml", &compose.replace(":1\n", ":2\n"));
        it.run(&["up", "-d"]).fails(1, &[&image.replace(":1", ":2"), "not found"]);
        it.run(&["down", "--rmi", "all"]).ok();
        docker(&["rmi", &image]);
    });
}

#[test]
fn digests_are_resolved_as_the_peer_does() {
    with_registry("digests_are_resolved_as_the_peer_does", |registry| {
        let image = registry.publish("team/app:1.0");
        let latest = registry.publish("team/app");
        let compose = format!(
            "services:\n  a: {{ image: '{image}', environment: {{ A: $$x }} }}\n  b: {{ image: '{latest}', volumes: [{{ type: image, source: '{image}', target: /x }}] }}\n  c: {{ build: ., pre_start: [{{ image: '{image}', command: ls }}] }}\n"
        );
        let it = Scenario::new(Tool::Windlass, "digest", &compose);
        let pinned = it.run(&["config", "--resolve-image-digests"]).ok().stdout;
        assert!(
            pinned.contains(&format!("{image}@sha256:")) && pinned.contains(&format!("{latest}:latest@sha256:")),
            "{pinned}"
        );
        for flag in ["--resolve-image-digests", "--lock-image-digests"] {
            for more in [&[] as &[&str], &["--format", "json"], &["--no-interpolate"]] {
                let args = [&["config", flag], more].concat();
                let ours = it.run(&args).ok().stdout;
                if docker(&["compose", "version"]).code == 0 {
                    assert_eq!(ours, it.run_as(Tool::Peer, &args).ok().stdout, "{args:?}");
                }
            }
        }
        let lost = image.replace("1.0", "9.9");
        it.write("compose.yaml", &compose.replace(&image, &lost));
        it.run(&["config", "--resolve-image-digests"]).fails(1, &[&lost, "manifest unknown"]);
    });
}
