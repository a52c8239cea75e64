//! The mapping as data: what is sent for a specification.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use windlass_model::project::{BindOptions, HealthCheck, Mount, MountKind, Port, Service, ServiceNetwork, Ulimit};
use windlass_plan::step::ContainerRef;

use super::*;

mod whole;

fn spec(service: Service) -> ContainerSpec {
    let name = format!("p-{}-1", service.name);
    ContainerSpec {
        create_name: name.clone(),
        container: ContainerRef { id: None, name, service: service.name.clone(), number: 1 },
        project: "p".into(),
        working_dir: "/p".into(),
        image: service.image.clone(),
        labels: BTreeMap::from([("com.docker.compose.project".to_owned(), "p".to_owned())]),
        networks: service.networks.keys().map(|key| (key.clone(), format!("p_{key}"))).collect(),
        volumes: BTreeMap::from([("data".to_owned(), "p_data".to_owned())]),
        file_mounts: Vec::new(),
        inherit_from: None,
        peers: BTreeMap::new(),
        platform: String::new(),
        one_off: None,
        service: Arc::new(service),
    }
}

fn facts(api: (u32, u32)) -> Facts {
    Facts { engine: EngineInfo { api_version: api, ..EngineInfo::default() }, ..Facts::default() }
}

fn body(service: Service, api: (u32, u32)) -> (Json, CreateRequest) {
    let request = create_body(&spec(service), &facts(api)).unwrap();
    (serde_json::to_value(&request.body).unwrap(), request)
}

fn web() -> Service {
    Service {
        name: "web".into(),
        image: "busybox".into(),
        command: Some(vec!["sleep".into(), "9".into()]),
        environment: BTreeMap::from([("A".into(), Some("1".into())), ("BARE".into(), None)]),
        networks: [
            ("one".to_owned(), None),
            ("two".to_owned(), Some(ServiceNetwork { aliases: vec!["x".into()], ..ServiceNetwork::default() })),
        ]
        .into(),
        ..Service::default()
    }
}

#[test]
fn networks_go_along_at_creation_or_afterwards() {
    let (new, request) = body(web(), (1, 51));
    let endpoints = &new["NetworkingConfig"]["EndpointsConfig"];
    assert_eq!(endpoints["p_two"]["Aliases"], json!(["p-web-1", "web", "x"]));
    assert!(request.connect_later.is_empty());
    assert_eq!(new["HostConfig"]["NetworkMode"], "p_one");
    let (old, request) = body(web(), (1, 41));
    assert_eq!(old["NetworkingConfig"]["EndpointsConfig"].as_object().unwrap().len(), 1);
    assert_eq!(request.connect_later[0].0, "p_two");
}

#[test]
fn environment_keeps_bare_names() {
    let (json, _) = body(web(), (1, 51));
    assert_eq!(json["Env"], json!(["A=1", "BARE"]));
    assert_eq!(json["Cmd"], json!(["sleep", "9"]));
}

#[test]
fn mounts_take_the_short_form_where_it_can_say_it() {
    let bind = |create_host_path| Some(BindOptions { create_host_path, ..BindOptions::default() });
    let service = Service {
        volumes: vec![
            Mount { kind: MountKind::Volume, source: "data".into(), target: "/data".into(), ..Mount::default() },
            Mount {
                kind: MountKind::Bind,
                source: "/h".into(),
                target: "/h".into(),
                read_only: true,
                bind: bind(true),
                ..Mount::default()
            },
            Mount {
                kind: MountKind::Bind,
                source: "/i".into(),
                target: "/i".into(),
                bind: bind(false),
                ..Mount::default()
            },
            Mount { kind: MountKind::Volume, target: "/anon".into(), ..Mount::default() },
        ],
        ..web()
    };
    let (json, _) = body(service, (1, 51));
    assert_eq!(json["HostConfig"]["Binds"], json!(["p_data:/data:rw", "/h:/h:ro"]));
    let mounts = json["HostConfig"]["Mounts"].as_array().unwrap();
    let targets: Vec<_> = mounts.iter().map(|mount| (&mount["Type"], &mount["Target"])).collect();
    assert_eq!(targets, [(&json!("volume"), &json!("/anon")), (&json!("bind"), &json!("/i"))]);
}

#[test]
fn limits_ports_and_health() {
    let service = Service {
        cpus: 0.5,
        mem_limit: 64 << 20,
        ulimits: [("nofile".to_owned(), Ulimit { single: Some(10), soft: 0, hard: 0 })].into(),
        ports: vec![Port {
            target: 80,
            published: "8080".into(),
            host_ip: "127.0.0.1".into(),
            protocol: "tcp".into(),
            ..Port::default()
        }],
        healthcheck: Some(HealthCheck {
            test: vec!["CMD".into(), "true".into()],
            interval: Some(Duration::from_secs(1)),
            ..HealthCheck::default()
        }),
        restart: "on-failure:3".into(),
        stop_grace_period: Some(Duration::from_secs(90)),
        ..web()
    };
    let (json, _) = body(service, (1, 51));
    let host = &json["HostConfig"];
    assert_eq!((&host["NanoCpus"], &host["Memory"]), (&json!(500_000_000), &json!(67_108_864)));
    assert_eq!(host["Ulimits"], json!([{ "Name": "nofile", "Soft": 10, "Hard": 10 }]));
    assert_eq!(host["PortBindings"], json!({ "80/tcp": [{ "HostIp": "127.0.0.1", "HostPort": "8080" }] }));
    assert_eq!(host["RestartPolicy"], json!({ "Name": "on-failure", "MaximumRetryCount": 3 }));
    assert_eq!(json["Healthcheck"]["Interval"], 1_000_000_000);
    assert_eq!(json["StopTimeout"], 90);
}

#[test]
fn capabilities_are_sent_as_the_kernel_names_them() {
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
    let service = Service {
        cap_add: words(&["sys_time", "CAP_CHOWN", "chown", "all"]),
        cap_drop: words(&["chown"]),
        security_opt: words(&["label:user:USER", "no-new-privileges"]),
        ..web()
    };
    let (json, _) = body(service, (1, 51));
    let host = &json["HostConfig"];
    assert_eq!(host["CapAdd"], json!(["ALL", "CAP_CHOWN", "CAP_SYS_TIME"]));
    assert_eq!(host["CapDrop"], json!(["CAP_CHOWN"]));
    assert_eq!(host["SecurityOpt"], json!(["label:user:USER", "no-new-privileges"]));
}

#[test]
fn what_the_engine_is_too_old_for_is_named() {
    let network = ServiceNetwork { interface_name: "eth9".into(), ..ServiceNetwork::default() };
    let service = Service { networks: [("one".to_owned(), Some(network))].into(), ..web() };
    let error = create_body(&spec(service), &facts((1, 41))).unwrap_err();
    assert!(error.to_string().contains("interface_name"), "{error}");
}

/// Profiles are found beside the compose file, wherever Windlass was started.
#[test]
fn a_seccomp_profile_is_read_from_the_project_directory() {
    let directory = tempfile::tempdir().unwrap();
    fs_err::write(directory.path().join("own.json"), "{ \"defaultAction\": \"x\" }").unwrap();
    let security_opt = vec!["seccomp=own.json".to_owned(), "seccomp:unconfined".to_owned()];
    let mut spec = spec(Service { security_opt, ..Service::default() });
    spec.working_dir = directory.path().to_owned();
    let read = read_profiles(&spec).unwrap();
    assert_eq!(read, [("own.json".to_owned(), "{\"defaultAction\":\"x\"}".to_owned())].into());
}
