//! What is there: tables, machine-readable output, logs.

use windlass_testkit::Behaviour;

use crate::desk::{Desk, session};
use crate::lifecycle::SHOP;

fn running() -> Desk {
    let desk = Desk::new(SHOP);
    let log = Behaviour { log: vec!["listening on 80".to_owned(), "GET /".to_owned()], ..Behaviour::default() };
    drop(desk.engine.clone().with("web", log));
    drop(desk.run(&["up", "-d"]).ok());
    desk
}

#[test]
fn ps_in_all_its_forms() {
    let desk = running();
    drop(desk.run(&["stop", "web"]).ok());
    let screens = [
        desk.run(&["ps"]).ok(),
        desk.run(&["ps", "-a"]).ok(),
        desk.run(&["ps", "-q"]).ok(),
        desk.run(&["ps", "--services", "-a"]).ok(),
        desk.run(&["ps", "--format", "json"]).ok(),
        desk.run(&["ps", "-a", "--format", "{{.Name}} is {{.State}}"]).ok(),
        desk.run(&["ps", "--status", "exited"]).ok(),
    ];
    insta::assert_snapshot!(session(&screens));
}

#[test]
fn the_engines_calls_are_told_only_when_somebody_asks() {
    let desk = Desk::new(SHOP);
    assert!(!desk.run(&["ps"]).ok().err.contains("engine:"));
    let told = desk.run(&["--verbose", "ps"]).ok().err;
    assert!(told.lines().any(|line| line.starts_with("engine: list containers shop ")), "{told}");
    let desk = desk.variable("RUST_LOG", "windlass=debug");
    let told = desk.run(&["ps"]).ok().err;
    assert!(told.lines().any(|line| line.starts_with("engine: list containers shop ")), "{told}");
}

#[test]
fn logs_with_and_without_names() {
    let desk = running();
    let screens = [
        desk.run(&["logs"]).ok(),
        desk.run(&["logs", "--no-log-prefix", "web"]).ok(),
        desk.run(&["logs", "--tail", "1", "web"]).ok(),
        desk.run(&["--ansi", "always", "logs", "web"]).ok(),
    ];
    insta::assert_snapshot!(session(&screens));
}

#[test]
fn projects_images_and_ports() {
    let desk = running();
    let screens = [
        desk.run(&["ls"]).ok(),
        desk.run(&["ls", "--format", "json"]).ok(),
        desk.run(&["images"]).ok(),
        desk.run(&["port", "web", "80"]).ok(),
    ];
    insta::assert_snapshot!(session(&screens));
}

#[test]
fn config_prints_and_explains() {
    let desk = Desk::new(SHOP);
    desk.folder.write("compose.override.yaml", "services: { web: { environment: { COLOUR: '${COLOUR:-red}' } } }\n");
    desk.folder.write(".env", "# the team's\nCOLOUR=green\n");
    let screens = [
        desk.run(&["config"]).ok(),
        desk.run(&["config", "--services"]).ok(),
        desk.run(&["config", "--images"]).ok(),
        desk.run(&["config", "--variables"]).ok(),
        desk.run(&["config", "--explain", "services.web.environment.COLOUR"]).ok(),
        desk.run(&["config", "--explain", "services.web.ports"]).ok(),
        desk.run(&["config", "--explain", "services.web.networks"]).ok(),
        desk.run(&["config", "--explain", "COLOUR"]).ok(),
        desk.run(&["config", "-q"]).ok(),
    ];
    insta::assert_snapshot!(session(&screens));
}

#[test]
fn values_are_explained_through_extends_and_environment_files() {
    let desk =
        Desk::new("services:\n  web: { extends: { file: base.yaml, service: app }, ports: ['80:80'], command: [b] }\n");
    let base = "services:\n  app:\n    image: 'app:${TAG:-1}'\n    ports: ['81:81']\n    command: [a, a]\n    env_file: [team.env]\n    environment: { MODE: test }\n";
    desk.folder.write("base.yaml", base);
    desk.folder.write("team.env", "# ours\nMODE=dev\nLEVEL=info\n");
    let desk = desk.variable("TAG", "2");
    desk.folder.write(".env", "TAG=3\n");
    let screens =
        [desk.run(&["config", "--explain", "services.web"]).ok(), desk.run(&["config", "--explain", "TAG"]).ok()];
    insta::assert_snapshot!(session(&screens));
}

#[test]
fn problems_for_editors_are_json() {
    let desk = Desk::new("services:\n  web:\n    imag: nginx\n    ports: [x]\n    hostname: $NOBODY\n");
    let screen = desk.run(&["config", "-q", "--format", "json"]);
    assert_eq!(screen.code, 1, "{screen}");
    for line in screen.err.lines() {
        let problem: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(problem["line"].is_u64() && problem["severity"].is_string(), "{line}");
    }
    insta::assert_snapshot!(session(&[screen]));
}

#[test]
fn config_without_values_and_its_variables() {
    let desk = Desk::new(
        "services:\n  web:\n    image: 'shop:${TAG:-1}'\n    environment: [MODE=a, 'HOST=${HOST}']\n    ports: ['${PORT}:80']\n",
    );
    desk.folder.write("compose.override.yaml", "services: { web: { environment: { MODE: b }, tmpfs: /run } }\n");
    let screens = [
        desk.run(&["config", "--no-interpolate"]).ok(),
        desk.run(&["config", "--no-interpolate", "--no-normalize", "--format", "json"]).ok(),
        desk.run(&["config", "--variables", "--format", "yaml"]).ok(),
        desk.run(&["config", "--variables", "--format", "json"]).ok(),
    ];
    insta::assert_snapshot!(session(&screens));
}

#[test]
fn the_address_of_a_port_names_the_machine_that_the_engine_is_on() {
    let web = "services: { web: { image: nginx, ports: ['8080:80'] } }\n";
    let address = |host: &str| {
        let err = Desk::new(web).variable("DOCKER_HOST", host).run(&["up", "-d"]).ok().err;
        err.lines().find(|line| line.contains("web") && line.contains(":8080")).map(str::to_owned).expect("a summary")
    };
    assert!(address("unix:///var/run/docker.sock").contains(" localhost:8080 "));
    assert!(address("ssh://me@build.example").contains(" build.example:8080 "));
    assert!(address("tcp://build.example:2376").contains(" build.example:8080 "));
}
