//! Either tool takes over what the other started, with nothing recreated.

use crate::harness::{Scenario, Tool, together};

const RICH: &str = r"services:
  db:
    image: windlass-test/busybox:1
    command: ['sh', '-c', 'trap exit TERM; while :; do sleep 3600 & wait $$!; done']
    environment: { A: '1', EMPTY: '', SPECIAL: 'a<b>&c $$x' }
    volumes:
      - data:/data
      - ./conf:/conf:ro
      - { type: tmpfs, target: /scratch, tmpfs: { size: 1m } }
    networks: { back: { aliases: [store] } }
    healthcheck: { test: ['CMD', 'true'], interval: 1s, timeout: 2s, retries: 3, start_period: 5s }
    ulimits: { nofile: { soft: 1024, hard: 2048 }, nproc: 100 }
    mem_limit: 64m
    cap_drop: [NET_RAW]
    stop_grace_period: 1s
    logging: { driver: json-file, options: { max-size: 1m } }
    configs: [motd]
  web:
    image: windlass-test/busybox:1
    command: sh -c 'trap exit TERM; while :; do sleep 3600 & wait $$!; done'
    init: true
    user: '0:0'
    working_dir: /tmp
    labels: { team: blue }
    depends_on: { db: { condition: service_healthy } }
    networks: [back, front]
    ports: ['127.0.0.1::80']
    extra_hosts: ['other:10.0.0.1']
    deploy: { replicas: 2, resources: { limits: { cpus: '0.5', memory: 64M } } }
  lone:
    image: windlass-test/busybox:1
    network_mode: service:db
    command: ['sh', '-c', 'trap exit TERM; while :; do sleep 3600 & wait $$!; done']
networks:
  back: { internal: true, labels: { a: b } }
  front: { driver: bridge, driver_opts: { com.docker.network.bridge.enable_icc: 'true' } }
volumes:
  data: { labels: { keep: 'yes' } }
configs:
  motd: { file: ./conf/motd }
";

fn rich(tool: Tool, label: &str) -> Scenario {
    let it = Scenario::new(tool, label, RICH);
    it.write("conf/motd", "hello\n");
    it
}

#[test]
fn windlass_adopts_what_the_peer_started() {
    together("windlass_adopts_what_the_peer_started", || {
        let it = rich(Tool::Peer, "adopt");
        it.run_as(Tool::Peer, &["up", "-d"]).ok();
        let before = it.ids();
        it.run_as(Tool::Windlass, &["up", "-d"]).ok();
        assert_eq!(it.ids(), before, "windlass recreated something");
        let listed = it.run_as(Tool::Windlass, &["ps"]).ok().stdout;
        for service in ["db-1", "web-1", "web-2", "lone-1"] {
            assert!(listed.contains(&format!("{}-{service}", it.name)), "{listed}");
        }
        it.run_as(Tool::Windlass, &["down", "-v"]).ok();
        it.assert_gone();
    });
}

#[test]
fn the_peer_adopts_what_windlass_started() {
    together("the_peer_adopts_what_windlass_started", || {
        let it = rich(Tool::Windlass, "adopted");
        it.run_as(Tool::Windlass, &["up", "-d"]).ok();
        let before = it.ids();
        it.run_as(Tool::Peer, &["up", "-d"]).ok();
        assert_eq!(it.ids(), before, "the peer recreated something");
        let listed = it.run_as(Tool::Peer, &["ps", "--services"]).ok().stdout;
        assert_eq!(listed.lines().count(), 3, "{listed}");
        it.run_as(Tool::Peer, &["down", "-v"]).ok();
        it.assert_gone();
    });
}

#[test]
fn both_tools_print_the_same_ps_json_and_config() {
    together("both_tools_print_the_same_ps_json_and_config", || {
        let it = rich(Tool::Windlass, "same");
        it.run_as(Tool::Windlass, &["up", "-d"]).ok();
        // Ages differ between two calls; everything else must not.
        let rows = |tool| -> Vec<serde_json::Value> {
            let printed = it.run_as(tool, &["ps", "--format", "json"]).ok().stdout;
            let mut rows: Vec<serde_json::Value> =
                printed.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect();
            for row in &mut rows {
                for volatile in ["RunningFor", "Status", "Labels", "Networks", "Mounts"] {
                    row[volatile] = serde_json::Value::Null;
                }
            }
            rows
        };
        assert_eq!(rows(Tool::Windlass), rows(Tool::Peer));
        assert_eq!(it.run_as(Tool::Windlass, &["config"]).ok().stdout, it.run_as(Tool::Peer, &["config"]).ok().stdout);
        let hashes = ["config", "--hash", "*"];
        assert_eq!(it.run_as(Tool::Windlass, &hashes).ok().stdout, it.run_as(Tool::Peer, &hashes).ok().stdout);
    });
}
