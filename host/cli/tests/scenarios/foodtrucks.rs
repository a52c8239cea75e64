//! The tutorial's stack on a genuine Elasticsearch: start order without configuration, data exactly once, a load cut off.
//!
//! The example's own files, without fixed names and host ports, so that a demo may run beside the tests.

use std::path::{Path, PathBuf};

use crate::harness::{Scenario, Tool, docker, eventually, ours, skip, text};

const ELASTICSEARCH: &str = "docker.elastic.co/elasticsearch/elasticsearch:6.3.2";
const WEB: &str = "yourusername/foodtrucks-web";

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/foodtrucks")
}

fn read(file: &str) -> String {
    fs_err::read_to_string(example().join(file)).expect("the example is complete")
}

/// The tutorial's compose file, fit to run beside others.
fn compose() -> String {
    let fixed = |line: &&str| {
        let line = line.trim();
        !(line.starts_with("container_name:")
            || line.starts_with("ports:")
            || line.contains("9200:9200")
            || line.contains("5000:5000")
            || line.starts_with("version:"))
    };
    let app = example().join("flask-app").display().to_string();
    let kept: Vec<String> =
        read("docker-compose.yml").lines().filter(fixed).map(|line| line.replace("./flask-app", &app)).collect();
    kept.join("\n") + "\n"
}

fn foodtrucks(name: &str, scenario: impl Fn()) {
    ours(name, || {
        let there = [ELASTICSEARCH, WEB].iter().all(|image| docker(&["image", "inspect", image]).code == 0);
        if there {
            scenario();
        } else {
            skip(name, "the example's images are missing (examples/foodtrucks/images/build makes them)");
        }
    });
}

/// Number of documents, asked from inside.
fn count(it: &Scenario) -> String {
    let ask = "import urllib.request as u; print(u.urlopen('http://es:9200/sfdata/_count').read().decode())";
    let answer = it.run(&["exec", "-T", "web", "python3", "-c", ask]).ok().stdout;
    let json: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    json["count"].to_string()
}

const LOAD: &str = "services:\n  es:\n    load:\n      trucks: { plugin: es-bulk, from: ./trucks.ndjson, with: { index: sfdata, type: truck } }\n";

#[test]
fn the_tutorials_own_files_start_in_order() {
    foodtrucks("the_tutorials_own_files_start_in_order", || {
        let it = Scenario::new(Tool::Windlass, "tutorial", &compose());
        let said = it.run(&["up", "-d"]).ok().stderr;
        assert!(said.contains("es") && said.contains("cluster health"), "it says why it waits: {said}");
        eventually("web answers", || {
            it.run(&[
                "exec",
                "-T",
                "web",
                "python3",
                "-c",
                "import urllib.request as u; u.urlopen('http://localhost:5000/debug')",
            ])
            .code
                == 0
        });
        let log = it.run(&["logs", "web"]).ok().stdout;
        assert!(!log.contains("Out of retries"), "{log}");
        it.run(&["down", "-v", "-t", "5"]).ok();
        it.assert_gone();
    });
}

#[test]
fn data_is_loaded_once_and_again_when_it_changed() {
    foodtrucks("data_is_loaded_once_and_again_when_it_changed", || {
        let it = Scenario::new(Tool::Windlass, "load", &compose());
        it.write("windlass.yaml", LOAD);
        it.write("trucks.ndjson", &read("data/trucks.ndjson"));
        assert!(it.run(&["up", "-d"]).ok().stderr.contains("Loaded"));
        assert_eq!(count(&it), "733");
        let again = it.run(&["up", "-d"]).ok().stderr;
        assert!(!again.contains("Loaded"), "an unchanged file is not loaded: {again}");
        let edited = read("data/trucks.ndjson").replacen("\"applicant\":\"", "\"applicant\":\"Edited ", 1).replacen(
            "\"applicant\": \"",
            "\"applicant\": \"Edited ",
            1,
        );
        assert_ne!(edited, read("data/trucks.ndjson"));
        it.write("trucks.ndjson", &edited);
        assert!(it.run(&["up", "-d"]).ok().stderr.contains("Loaded"), "a changed file is loaded");
        assert_eq!(count(&it), "733");
        it.run(&["down", "-t", "5"]).ok();
        assert!(!it.run(&["up", "-d"]).ok().stderr.contains("Loaded"), "the volume still has the data");
        it.run(&["down", "-v", "-t", "5"]).ok();
        it.assert_gone();
        assert!(it.run(&["up", "-d"]).ok().stderr.contains("Loaded"), "a new volume is empty");
    });
}

#[test]
fn a_load_that_was_cut_off_is_finished_by_the_next_up() {
    foodtrucks("a_load_that_was_cut_off_is_finished_by_the_next_up", || {
        let it = Scenario::new(Tool::Windlass, "dirty", &compose());
        it.write("windlass.yaml", LOAD);
        // Enough that the load takes a while.
        let documents: String = (0..150_000)
            .map(|n| format!("{{\"applicant\":\"truck {n}\",\"fooditems\":\"tacos and more, number {n}\"}}\n"))
            .collect();
        it.write("trucks.ndjson", &documents);
        let mut first = it.spawn(&["up", "-d"]);
        eventually("the load runs", || {
            it.resources("volume").iter().any(|name| name.contains("windlass")) || first.ended()
        });
        first.kill();
        let said = it.run(&["up", "-d"]).ok().stderr;
        assert!(said.to_lowercase().contains("dirty"), "{said}");
        assert!(said.contains("Loaded"), "{said}");
        assert_eq!(count(&it), "150000");
    });
}

#[test]
fn the_tutorials_words_work_literally() {
    foodtrucks("the_tutorials_words_work_literally", || {
        let folder = example();
        let plain = |line: &&str| {
            !(line.trim().starts_with("name:")
                || line.trim().starts_with("ports:")
                || line.contains("19200:")
                || line.contains("15000:"))
        };
        let hooks: Vec<String> = read("hooks/docker-compose.yml")
            .lines()
            .filter(plain)
            .map(|line| line.replace("../", &format!("{}/", folder.display())))
            .collect();
        let it = Scenario::new(Tool::Windlass, "hooks", &(hooks.join("\n") + "\n"));
        it.run(&["up", "-d"]).ok();
        let ready = text(&it.container("es")["State"]["StartedAt"]);
        assert!(text(&it.container("web")["State"]["StartedAt"]) > ready);
        assert_eq!(count(&it), "733");
        assert!(!it.run(&["logs", "web"]).ok().stdout.contains("Out of retries"));
    });
}
