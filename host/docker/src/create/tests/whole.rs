//! Every attribute at once: what the engine is asked for, to the letter. An attribute that is no longer sent, or under another
//! name, shows here.

use windlass_model::project::DeviceMapping;
use windlass_plan::observed::Observed;
use windlass_plan::step::{Action, OneOff};
use windlass_plan::{UpOptions, up};
use windlass_testkit::project;

use super::*;

const EVERY: &str = "
services:
  db: { image: 'db:1' }
  app:
    image: 'app:1'
    platform: linux/arm64
    annotations: { note: written }
    attach: false
    blkio_config:
      weight: 300
      weight_device: [{ path: /dev/sda, weight: 400 }]
      device_read_bps: [{ path: /dev/sda, rate: 12mb }]
      device_read_iops: [{ path: /dev/sda, rate: 120 }]
      device_write_bps: [{ path: /dev/sdb, rate: 1024k }]
      device_write_iops: [{ path: /dev/sdb, rate: 30 }]
    cap_add: [NET_ADMIN]
    cap_drop: [ALL]
    cgroup: private
    cgroup_parent: parent
    command: [serve, --all]
    container_name: named
    cpu_count: 2
    cpu_percent: 50
    cpu_period: 1000
    cpu_quota: 2000
    cpu_rt_period: 3000
    cpu_rt_runtime: 4000
    cpu_shares: 5
    cpus: 1.5
    cpuset: 0-1
    depends_on: [db]
    device_cgroup_rules: ['c 1:3 mr']
    devices: ['/dev/one:/dev/two:rw', 'vendor.com/class=first']
    dns: [10.0.0.53]
    dns_opt: [use-vc]
    dns_search: [example.com]
    domainname: example.org
    entrypoint: [/bin/entry]
    environment: { A: '1', BARE: }
    expose: ['7000-7001', '7002/UDP']
    external_links: ['other:alias', plain]
    extra_hosts: ['first=10.0.0.1', 'first=10.0.0.2']
    gpus: [{ driver: nvidia, count: 2, options: { a: b } }]
    group_add: [staff]
    healthcheck:
      test: [CMD, check]
      interval: 1s
      timeout: 2s
      retries: 3
      start_period: 4s
      start_interval: 5s
    hostname: host
    init: true
    ipc: 'service:db'
    labels: { mine: '1' }
    links: [db, 'db:store']
    logging: { driver: json-file, options: { max-size: 1m } }
    mac_address: '02:42:ac:11:65:43'
    mem_limit: 64m
    mem_reservation: 32m
    mem_swappiness: 10
    memswap_limit: 128m
    networks:
      front:
        priority: 10
        aliases: [web]
        driver_opts: { opt: '1' }
        gw_priority: 7
        interface_name: eth7
        ipv4_address: 10.1.0.5
        ipv6_address: 'fd00::5'
        link_local_ips: [169.254.8.8]
      back: { mac_address: '02:42:ac:11:65:44' }
      plain:
    oom_kill_disable: true
    oom_score_adj: 50
    pid: 'service:db'
    pids_limit: 100
    ports: ['127.0.0.1:8080:80', '8081:80', '53:53/udp', '90']
    privileged: true
    read_only: true
    restart: 'on-failure:3'
    runtime: runc
    security_opt: ['label:disable', 'systempaths=unconfined', 'seccomp:own.json']
    shm_size: 16m
    stdin_open: true
    stop_grace_period: 90s
    stop_signal: SIGUSR1
    storage_opt: { size: 1G }
    sysctls: { net.core.somaxconn: '1024' }
    tmpfs: [/run, '/tmp:size=1m']
    tty: true
    ulimits: { nproc: 10, nofile: { soft: 20, hard: 40 } }
    user: nobody
    userns_mode: host
    uts: host
    volumes:
      - data:/data
      - data:/read:ro
      - /on/host:/bound:z
      - { type: volume, target: /anonymous }
      - { type: volume, source: data, target: /part, volume: { nocopy: true, subpath: part, labels: { of: mine } } }
      - { type: bind, source: /a, target: /shared, bind: { propagation: rshared, create_host_path: false, recursive: readonly } }
      - { type: bind, source: /b, target: /flat, consistency: cached, bind: { recursive: disabled } }
      - { type: bind, source: /c, target: /deep, bind: { recursive: writable } }
      - { type: tmpfs, target: /mem, tmpfs: { size: 1m, mode: 0o1770 } }
      - { type: image, source: 'files:1', target: /files, image: { subpath: some } }
    volumes_from: ['db:ro', 'container:elsewhere', db]
    working_dir: /srv
networks: { front: , back: , plain: }
volumes: { data: }
";

/// The specification of `app` as a first `up` has it.
fn planned(yaml: &str) -> ContainerSpec {
    let plan = up(&project(yaml), &Observed::default(), &UpOptions::default()).expect("the plan can be made");
    let mut specs = plan.steps.iter().filter_map(|step| match &step.action {
        Action::CreateContainer(spec) if spec.service.name == "app" => Some((**spec).clone()),
        _ => None,
    });
    specs.next_back().expect("it is made")
}

fn known() -> Facts {
    let inherited = |source: &str, target: &str, volume, read_only| Inherited {
        source: source.to_owned(),
        target: target.to_owned(),
        volume,
        read_only,
    };
    Facts {
        proxies: [("A", "overruled"), ("http_proxy", "proxy")].map(|(key, value)| (key.into(), value.into())).into(),
        profiles: [("own.json".to_owned(), "{}".to_owned())].into(),
        inherited: vec![inherited("kept", "/anonymous", true, false), inherited("/h", "/data", false, true)],
        ..facts((1, 51))
    }
}

/// Labels carry hashes of the whole model, which is not what this is about.
fn sent(spec: &ContainerSpec, facts: &Facts) -> Json {
    let mut request = create_body(spec, facts).unwrap();
    request.body.labels = Some([("mine".to_owned(), spec.labels["mine"].clone())].into());
    serde_json::to_value(request.body).unwrap()
}

fn assert_sent(name: &str, body: &Json) {
    // What goes into hash maps has no order.
    insta::with_settings!({ sort_maps => true }, { insta::assert_json_snapshot!(name, body) });
}

#[test]
fn every_attribute_is_sent() {
    let request = create_body(&planned(EVERY), &known()).unwrap();
    assert_eq!((request.name.as_str(), request.platform.as_str()), ("named", "linux/arm64"));
    assert_sent("every_attribute", &sent(&planned(EVERY), &known()));
}

/// `run`: standard input, no restarts, no aliases but its own name.
#[test]
fn one_off_containers_differ_from_replicas() {
    let yaml = "
services:
  app:
    image: 'app:1'
    labels: { mine: '1' }
    restart: always
    networks: { default: { aliases: [web] } }
";
    let mut spec = planned(yaml);
    let plain = sent(&spec, &known());
    assert_eq!(
        [&plain["AttachStdin"], &plain["OpenStdin"], &plain["StdinOnce"], &plain["Tty"]],
        [false; 4].map(Json::from).each_ref()
    );
    assert_eq!(plain["HostConfig"]["RestartPolicy"], json!({ "Name": "always", "MaximumRetryCount": 0 }));
    spec.one_off = Some(OneOff { stdin: true, auto_remove: true, use_aliases: false });
    spec.peers.insert("app".to_owned(), vec![spec.container.clone()]);
    let run = sent(&spec, &known());
    assert_eq!(
        [&run["AttachStdin"], &run["OpenStdin"], &run["StdinOnce"], &run["HostConfig"]["AutoRemove"]],
        [true; 4].map(Json::from).each_ref()
    );
    assert_eq!(run["HostConfig"]["RestartPolicy"], Json::Null);
    let endpoint = &run["NetworkingConfig"]["EndpointsConfig"]["demo_default"];
    assert_eq!(endpoint["Aliases"], json!(["demo-app-1"]));
    assert_eq!(endpoint["Links"], json!(["demo-app-1:app", "demo-app-1:app-1", "demo-app-1:demo-app-1"]));
    spec.one_off = Some(OneOff { use_aliases: true, ..OneOff::default() });
    let asked = sent(&spec, &known());
    let endpoint = &asked["NetworkingConfig"]["EndpointsConfig"]["demo_default"];
    assert_eq!(endpoint["Aliases"], json!(["demo-app-1", "app", "web"]));
}

/// `deploy` has the last word on limits and restarts.
#[test]
fn limits_of_deploy_replace_those_of_the_service() {
    let yaml = "
services:
  app:
    image: 'app:1'
    labels: { mine: '1' }
    restart: always
    deploy:
      restart_policy: { condition: any, max_attempts: 4 }
      resources:
        limits: { cpus: '0.5', memory: 64m, pids: 10 }
        reservations:
          memory: 32m
          devices: [{ capabilities: [gpu], device_ids: ['0'], driver: nvidia }]
";
    let host = sent(&planned(yaml), &known())["HostConfig"].clone();
    assert_eq!(host["RestartPolicy"], json!({ "Name": "always", "MaximumRetryCount": 4 }));
    assert_eq!([&host["NanoCpus"], &host["Memory"]], [500_000_000, 64 << 20].map(Json::from).each_ref());
    assert_eq!([&host["PidsLimit"], &host["MemoryReservation"]], [10, 32 << 20].map(Json::from).each_ref());
    let device = json!({ "Driver": "nvidia", "Count": 0, "DeviceIDs": ["0"], "Capabilities": [["gpu"]] });
    assert_eq!(host["DeviceRequests"], json!([device]));
    let with = |condition: &str| planned(&yaml.replace("condition: any, max_attempts: 4", condition));
    let policy = |condition: &str| sent(&with(condition), &known())["HostConfig"]["RestartPolicy"]["Name"].clone();
    assert_eq!([policy("condition: none"), policy("condition: on-failure")], ["no", "on-failure"].map(Json::from));
}

/// Each with the words of a user who has to mend the file, and the container that could not be made.
#[test]
fn what_the_engine_would_misread_is_refused() {
    for (attributes, says) in [
        ("expose: ['9-8']", "`expose` has an invalid port: 9-8"),
        ("restart: sometimes", "`restart` has an unknown policy: sometimes"),
        ("isolation: none", "`isolation` has an unknown value: none"),
        ("security_opt: [word]", "invalid security-opt: \"word\""),
        ("security_opt: ['seccomp=unread.json']", "seccomp profile unread.json was not read"),
        ("networks: { default: { ipv4_address: '10.0.0' } }", "invalid IPv4 address: 10.0.0"),
        ("networks: { default: { ipv6_address: '10.0.0.1' } }", "invalid IPv6 address: 10.0.0.1"),
        ("networks: { default: { link_local_ips: [word] } }", "invalid link-local IP: word"),
        ("mac_address: '02:42:ac:11:65'", "invalid MAC address: 02:42:ac:11:65"),
        (
            "healthcheck: { test: x, start_interval: 1s }",
            "`healthcheck.start_interval` requires `healthcheck.start_period` to be set",
        ),
        (
            "volumes: [{ type: bind, source: /a, target: /b, bind: { propagation: odd } }]",
            "`volumes.bind.propagation` has an unknown value: odd",
        ),
    ] {
        let spec = planned(&format!("services: {{ app: {{ image: 'app:1', {attributes} }} }}"));
        let error = create_body(&spec, &known()).unwrap_err();
        assert_eq!((error.operation.as_str(), error.message.as_str()), ("create container demo-app-1", says));
    }
}

/// The newest attributes, with the API version below which each is refused.
#[test]
fn each_attribute_is_refused_by_the_engine_that_is_too_old_for_it() {
    for (attributes, api) in [
        ("annotations: { a: b }", (1, 43)),
        ("healthcheck: { test: x, start_interval: 1s, start_period: 1s }", (1, 44)),
        ("networks: { default: { gw_priority: 1 } }", (1, 48)),
        ("networks: { default: { interface_name: eth1 } }", (1, 49)),
        ("volumes: [{ type: bind, source: /a, target: /b, bind: { recursive: readonly } }]", (1, 44)),
        (
            "volumes: [{ type: bind, source: /a, target: /b, bind: { propagation: rshared, create_host_path: true } }]",
            (1, 42),
        ),
        ("volumes: [{ type: volume, source: v, target: /b, volume: { subpath: x } }]", (1, 45)),
        ("volumes: [{ type: image, source: 'i:1', target: /b }]", (1, 48)),
    ] {
        let spec = planned(&format!("services: {{ app: {{ image: 'app:1', {attributes} }} }}\nvolumes: {{ v: }}"));
        let older = (api.0, api.1 - 1);
        let error = create_body(&spec, &facts(older)).unwrap_err();
        let says = format!("(API {}.{}), this engine has API {}.{}", api.0, api.1, older.0, older.1);
        assert!(error.message.ends_with(&says), "{}", error.message);
        assert!(error.hint.is_some_and(|hint| hint.ends_with("of service `app`")));
        assert!(create_body(&spec, &facts(api)).is_ok(), "{attributes}");
    }
}

/// A device by its CDI name has that name as source and target; whatever only looks like one is a path.
#[test]
fn devices_by_name_are_told_from_paths() {
    let sent = |source: &str, target: &str| {
        let mut spec = planned("services: { app: { image: 'app:1', labels: { mine: '1' } } }");
        let device = DeviceMapping { source: source.into(), target: target.into(), ..DeviceMapping::default() };
        Arc::make_mut(&mut spec.service).devices = vec![device];
        let host = sent(&spec, &known())["HostConfig"].clone();
        (host["DeviceRequests"].is_array(), host["Devices"].is_array())
    };
    assert_eq!(sent("vendor.com/class=one", "vendor.com/class=one"), (true, false));
    assert_eq!(sent("vendor.com/class=one", "/dev/one"), (false, true));
    for path in ["1vendor/class=one", "vendor/1class=one", "vendor/class=", "vendor/class=o ne", "ven dor/class=one"] {
        assert_eq!(sent(path, path), (false, true), "{path}");
    }
}
