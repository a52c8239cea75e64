//! What is told about attributes that one engine cannot honour, and what `use_api_socket` stands for.

mod support;

use support::Files;
use windlass_model::{Severity, hash};

/// What a Linux engine cannot do, as `line:column severity message`.
fn limits(compose: &str) -> Vec<String> {
    let loaded = Files::new(&[("compose.yaml", compose), ("f", "x")]).load(|_| {}).expect("it loads");
    let told = loaded.engine_limits("linux").0.into_iter().map(|problem| {
        let span = problem.span.expect("it was typed");
        let severity = if problem.severity == Severity::Error { "error" } else { "warning" };
        format!("{}:{} {severity} {}", span.line, span.column, problem.message)
    });
    told.collect()
}

#[test]
fn an_ignored_attribute_is_named_once_with_all_its_services() {
    let compose = "
services:
  a:
    image: x
    deploy: { replicas: 2, placement: { constraints: [node.role == manager] } }
  b:
    image: x
    cpu_count: 2
    deploy:
      mode: global
      placement: { constraints: [node.role == worker] }
      restart_policy: { condition: any, delay: 5s }
";
    assert_eq!(
        limits(compose),
        [
            "8:5 warning `cpu_count` of service b is ignored: only engines on Windows act on it",
            "10:7 warning `deploy.mode` of service b is ignored: only orchestrators act on it",
            "5:28 warning `deploy.placement` of services a, b is ignored: only orchestrators act on it",
            "12:41 warning `deploy.restart_policy.delay` of service b is ignored: engines choose the delay themselves",
        ]
    );
}

#[test]
fn nothing_is_told_about_what_has_no_effect_anyway() {
    let compose = "
services:
  a:
    image: x
    deploy: { mode: replicated, labels: {}, resources: { limits: { cpus: '1', memory: 64m, pids: 9 } } }
    secrets: [{ source: s, target: /s }]
    configs: [{ source: c, mode: 0400, uid: '1' }]
secrets: { s: { file: ./f } }
configs: { c: { content: typed } }
";
    assert_eq!(limits(compose), [] as [&str; 0]);
}

#[test]
fn a_file_keeps_its_owner() {
    let compose = "
services:
  a:
    image: x
    secrets: [{ source: s, uid: '1', mode: 0400 }]
secrets: { s: { file: ./f } }
";
    assert_eq!(
        limits(compose),
        [
            "5:38 warning `secrets.mode` of service a is ignored: a file is mounted with the owner and mode that it has",
            "5:28 warning `secrets.uid` of service a is ignored: a file is mounted with the owner and mode that it has",
        ]
    );
}

#[test]
fn what_the_peer_refuses_is_refused_with_a_place() {
    let compose = "
services:
  a:
    image: x
    secrets: [s]
    configs: [c]
    mac_address: 02:42:ac:11:65:43
    networks: { n: { mac_address: '02:42:ac:11:65:44' } }
secrets: { s: { external: true, name: real } }
configs: { c: { file: ./f, template_driver: golang } }
networks: { n: {} }
";
    assert_eq!(
        limits(compose),
        [
            "9:17 error unsupported external secret real",
            "10:28 error `template_driver` of config c is not supported",
            "7:5 error the service-level mac_address should have the same value as network n",
        ]
    );
}

#[test]
fn the_api_socket_hashes_as_the_peer_hashes_it() {
    let compose = "
services:
  d: { image: busybox, use_api_socket: true }
  e:
    image: busybox
    use_api_socket: true
    environment: { DOCKER_CONFIG: /x }
    configs: [c1]
    volumes: ['/var/run/docker.sock:/var/run/docker.sock:ro']
configs: { c1: { content: hi } }
";
    let mut project = Files::new(&[("compose.yaml", compose)]).load(|_| {}).expect("it loads").project;
    assert!(project.uses_api_socket());
    project.attach_api_socket("{}".to_owned());
    // Read from the labels of containers that docker compose 5.5.0 made.
    let hashes = project.services.values().map(|service| hash::service_hash(service)).collect::<Vec<_>>();
    assert_eq!(
        hashes,
        [
            "d6575c07861a3798c9deb5dc58f51b6d6f98b44cd6505af0e75927d99cda29cb",
            "a1c4a28d71afbf9bb74bf2dd3213c8ea4b403f6d857f34894b3f0b8af9f9b902",
        ]
    );
    assert_eq!(project.configs["#apisocket"].content, "{}");
}

#[test]
fn options_of_another_type_of_mount_are_told_to_those_who_create() {
    let compose = "
services:
  a:
    image: x
    volumes:
      - data:/a:rslave
      - ./f:/f:nocopy
      - data:/g:nocopy
volumes: { data: }
";
    let loaded = Files::new(&[("compose.yaml", compose)]).load(|_| {}).expect("it loads");
    assert!(loaded.warnings.is_empty(), "`config` says nothing: {:?}", loaded.warnings);
    assert_eq!(
        limits(compose),
        [
            "6:9 warning mount of type `volume` should not define `bind` option",
            "7:9 warning mount of type `bind` should not define `volume` option",
        ]
    );
}

#[test]
fn secrets_of_a_build_and_owners_that_nobody_can_set() {
    let compose = "
services:
  a:
    build: { context: ., secrets: [s, { source: t, uid: '3' }] }
    secrets: [{ source: t, uid: nobody }]
secrets:
  s: { external: true }
  t: { environment: T }
";
    assert_eq!(
        limits(compose),
        [
            "7:8 error unsupported external secret s",
            "5:28 error `uid` of t is not a number: nobody",
            "4:52 warning `build.secrets.uid` of service a is ignored: the `RUN --mount=type=secret` that uses it says these",
        ]
    );
}
