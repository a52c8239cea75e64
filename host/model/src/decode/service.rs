//! One service.

use super::at::At;
use super::{build, deploy, mode};
use crate::node::{Node, Value};
use crate::project::{
    BindOptions, BlkioConfig, Condition, CredentialSpec, Dependency, DeviceMapping, DeviceRequest, EnvFile,
    FileReference, HealthCheck, ImageOptions, Logging, Mount, MountKind, Port, Provider, Service, ServiceHook,
    ServiceModel, ServiceNetwork, ThrottleDevice, TmpfsOptions, Ulimit, VolumeOptions, WeightDevice,
};
use indexmap::IndexMap;

#[expect(clippy::too_many_lines, reason = "one literal: an attribute a line")]
pub(super) fn service(name: &str, at: &At<'_>) -> Service {
    let text = |key: &str| at.at(key).text();
    let strings = |key: &str| at.at(key).strings();
    let int = |key: &str| at.at(key).int();
    let bytes = |key: &str| at.at(key).bytes();
    let flag = |key: &str| at.at(key).bool();
    Service {
        name: name.to_owned(),
        profiles: strings("profiles"),
        annotations: at.at("annotations").string_map(),
        attach: at.at("attach").optional_bool(),
        build: at.at("build").optional(build::build),
        develop: at.at("develop").optional(build::develop),
        blkio_config: at.at("blkio_config").optional(blkio),
        cap_add: strings("cap_add"),
        cap_drop: strings("cap_drop"),
        cgroup_parent: text("cgroup_parent"),
        cgroup: text("cgroup"),
        cpu_count: int("cpu_count"),
        cpu_percent: at.at("cpu_percent").float(),
        cpu_period: int("cpu_period"),
        cpu_quota: int("cpu_quota"),
        cpu_rt_period: int("cpu_rt_period"),
        cpu_rt_runtime: int("cpu_rt_runtime"),
        cpus: at.at("cpus").float(),
        cpuset: text("cpuset"),
        cpu_shares: int("cpu_shares"),
        command: at.at("command").command(),
        configs: at.at("configs").each(file_reference),
        container_name: text("container_name"),
        credential_spec: at.at("credential_spec").optional(credential_spec),
        depends_on: at.at("depends_on").index_map(dependency),
        deploy: at.at("deploy").optional(deploy::deploy),
        device_cgroup_rules: strings("device_cgroup_rules"),
        devices: at.at("devices").each(device),
        dns: strings("dns"),
        dns_opt: strings("dns_opt"),
        dns_search: strings("dns_search"),
        domainname: text("domainname"),
        entrypoint: at.at("entrypoint").command(),
        provider: at.at("provider").optional(provider),
        environment: at.at("environment").optional_map(),
        env_file: at.at("env_file").each(env_file),
        expose: strings("expose"),
        external_links: strings("external_links"),
        extra_hosts: at.at("extra_hosts").index_map(At::strings),
        group_add: strings("group_add"),
        gpus: at.at("gpus").optional(|gpus| gpus.each(device_request)),
        hostname: text("hostname"),
        healthcheck: at.at("healthcheck").optional(healthcheck),
        image: text("image"),
        init: at.at("init").optional_bool(),
        ipc: text("ipc"),
        isolation: text("isolation"),
        labels: at.at("labels").string_map(),
        label_file: strings("label_file"),
        links: strings("links"),
        logging: at.at("logging").optional(logging),
        mem_limit: bytes("mem_limit"),
        mem_reservation: bytes("mem_reservation"),
        memswap_limit: bytes("memswap_limit"),
        mem_swappiness: bytes("mem_swappiness"),
        mac_address: text("mac_address"),
        models: at.at("models").index_map(|model| model.optional(service_model)),
        network_mode: text("network_mode"),
        networks: at.at("networks").index_map(|network| network.optional(service_network)),
        oom_kill_disable: flag("oom_kill_disable"),
        oom_score_adj: int("oom_score_adj"),
        pid: text("pid"),
        pids_limit: int("pids_limit"),
        platform: text("platform"),
        ports: at.at("ports").each(port),
        privileged: flag("privileged"),
        pull_policy: text("pull_policy"),
        read_only: flag("read_only"),
        restart: text("restart"),
        runtime: text("runtime"),
        scale: at.at("scale").unsigned(),
        secrets: at.at("secrets").each(file_reference),
        security_opt: strings("security_opt"),
        shm_size: bytes("shm_size"),
        stdin_open: flag("stdin_open"),
        stop_grace_period: at.at("stop_grace_period").duration(),
        stop_signal: text("stop_signal"),
        storage_opt: at.at("storage_opt").string_map(),
        sysctls: at.at("sysctls").string_map(),
        tmpfs: strings("tmpfs"),
        tty: flag("tty"),
        ulimits: ulimits(&at.at("ulimits")),
        use_api_socket: flag("use_api_socket"),
        user: text("user"),
        userns_mode: text("userns_mode"),
        uts: text("uts"),
        volumes: at.at("volumes").each(mount),
        volumes_from: strings("volumes_from"),
        working_dir: text("working_dir"),
        pre_start: at.at("pre_start").each(hook),
        post_start: at.at("post_start").each(hook),
        pre_stop: at.at("pre_stop").each(hook),
        extensions: at.extensions(),
        windlass: crate::windlass::ServiceSettings::default(),
    }
}

fn blkio(at: &At<'_>) -> BlkioConfig {
    let rates = |key: &str| {
        at.at(key).each(|item| ThrottleDevice { path: item.at("path").text(), rate: item.at("rate").bytes() })
    };
    BlkioConfig {
        weight: weight(&at.at("weight")),
        weight_device: at
            .at("weight_device")
            .each(|item| WeightDevice { path: item.at("path").text(), weight: weight(&item.at("weight")) }),
        device_read_bps: rates("device_read_bps"),
        device_read_iops: rates("device_read_iops"),
        device_write_bps: rates("device_write_bps"),
        device_write_iops: rates("device_write_iops"),
    }
}

/// Only a number, unlike other integers.
fn weight(at: &At<'_>) -> u16 {
    if at.node().is_some_and(|node| node.as_str().is_some()) {
        at.fail("weight", format!("'{}' expected type 'uint16', got unconvertible type 'string'", at.path()));
        return 0;
    }
    at.unsigned().unwrap_or(0)
}

fn credential_spec(at: &At<'_>) -> CredentialSpec {
    CredentialSpec { config: at.at("config").text(), file: at.at("file").text(), registry: at.at("registry").text() }
}

fn dependency(at: &At<'_>) -> Dependency {
    let condition = match at.at("condition").text().as_str() {
        "service_healthy" => Condition::ServiceHealthy,
        "service_completed_successfully" => Condition::ServiceCompletedSuccessfully,
        _ => Condition::ServiceStarted,
    };
    Dependency {
        condition,
        restart: at.at("restart").bool(),
        required: at.at("required").optional_bool().unwrap_or(true),
    }
}

fn device(at: &At<'_>) -> DeviceMapping {
    let permissions = at.at("permissions").text();
    DeviceMapping { source: at.at("source").text(), target: at.at("target").text(), permissions }
}

/// A device request; without count and ids it asks for all.
pub(super) fn device_request(at: &At<'_>) -> DeviceRequest {
    let count = at.at("count");
    let ids = at.at("device_ids").strings();
    if count.node().is_some() && !ids.is_empty() {
        at.fail("device-count", "\"count\" and \"device_ids\" attributes are exclusive");
    }
    let all = count.node().is_some_and(|node| node.as_str() == Some("all"))
        || (count.node().is_none() && at.at("device_ids").node().is_none());
    DeviceRequest {
        capabilities: at.at("capabilities").strings(),
        driver: at.at("driver").text(),
        count: if all { -1 } else { count.int() },
        device_ids: ids,
        options: at.at("options").string_map(),
    }
}

fn provider(at: &At<'_>) -> Provider {
    Provider { kind: at.at("type").text(), options: at.at("options").index_map(At::strings) }
}

fn env_file(at: &At<'_>) -> EnvFile {
    EnvFile {
        path: at.at("path").text(),
        required: at.at("required").optional_bool().unwrap_or(true),
        format: at.at("format").text(),
    }
}

pub(super) fn file_reference(at: &At<'_>) -> FileReference {
    FileReference {
        source: at.at("source").text(),
        target: at.at("target").text(),
        uid: at.at("uid").text(),
        gid: at.at("gid").text(),
        mode: mode(&at.at("mode")),
    }
}

fn healthcheck(at: &At<'_>) -> HealthCheck {
    let test = at.at("test");
    let command = match test.node().map(|node| &node.value) {
        None => Vec::new(),
        Some(Value::Seq(_)) => test.strings(),
        Some(_) => vec!["CMD-SHELL".to_owned(), test.text()],
    };
    HealthCheck {
        test: command,
        timeout: at.at("timeout").duration(),
        interval: at.at("interval").duration(),
        retries: at.at("retries").unsigned(),
        start_period: at.at("start_period").duration(),
        start_interval: at.at("start_interval").duration(),
        disable: at.at("disable").bool(),
        extensions: at.extensions(),
    }
}

fn logging(at: &At<'_>) -> Logging {
    Logging { driver: at.at("driver").text(), options: at.at("options").string_map(), extensions: at.extensions() }
}

fn service_model(at: &At<'_>) -> ServiceModel {
    ServiceModel { endpoint_var: at.at("endpoint_var").text(), model_var: at.at("model_var").text() }
}

fn service_network(at: &At<'_>) -> ServiceNetwork {
    ServiceNetwork {
        aliases: at.at("aliases").strings(),
        driver_opts: at.at("driver_opts").string_map(),
        priority: at.at("priority").int(),
        gw_priority: at.at("gw_priority").int(),
        interface_name: at.at("interface_name").text(),
        ipv4_address: at.at("ipv4_address").text(),
        ipv6_address: at.at("ipv6_address").text(),
        link_local_ips: at.at("link_local_ips").strings(),
        mac_address: at.at("mac_address").text(),
        extensions: at.extensions(),
    }
}

fn port(at: &At<'_>) -> Port {
    Port {
        name: at.at("name").text(),
        mode: at.at("mode").text(),
        host_ip: at.at("host_ip").text(),
        target: at.at("target").unsigned().unwrap_or(0),
        published: at.at("published").text(),
        protocol: at.at("protocol").text(),
        app_protocol: at.at("app_protocol").text(),
        extensions: at.extensions(),
    }
}

pub(super) fn ulimits(at: &At<'_>) -> IndexMap<String, Ulimit> {
    at.index_map(|limit| match limit.node().map(|node| &node.value) {
        Some(Value::Map(_)) => Ulimit { single: None, soft: limit.at("soft").int(), hard: limit.at("hard").int() },
        _ => Ulimit { single: Some(limit.int()), soft: 0, hard: 0 },
    })
}

fn mount(at: &At<'_>) -> Mount {
    let kind = match at.at("type").text().as_str() {
        "bind" => MountKind::Bind,
        "tmpfs" => MountKind::Tmpfs,
        "npipe" => MountKind::Npipe,
        "cluster" => MountKind::Cluster,
        "image" => MountKind::Image,
        _ => MountKind::Volume,
    };
    let present =
        |key: &str| At::node(at).and_then(|node| node.get(key)).is_some_and(|node: &Node| node.as_map().is_some());
    let option = |key: &'static str| present(key).then(|| at.at(key));
    Mount {
        kind,
        source: at.at("source").text(),
        target: at.at("target").text(),
        read_only: at.at("read_only").bool(),
        consistency: at.at("consistency").text(),
        bind: option("bind").map(|bind| BindOptions {
            selinux: bind.at("selinux").text(),
            propagation: bind.at("propagation").text(),
            create_host_path: bind.at("create_host_path").optional_bool().unwrap_or(true),
            host_path_written: bind.at("create_host_path").node().is_some(),
            recursive: bind.at("recursive").text(),
        }),
        volume: option("volume").map(|volume| VolumeOptions {
            labels: volume.at("labels").string_map(),
            nocopy: volume.at("nocopy").bool(),
            subpath: volume.at("subpath").text(),
        }),
        tmpfs: option("tmpfs")
            .map(|tmpfs| TmpfsOptions { size: tmpfs.at("size").bytes(), mode: tmpfs_mode(&tmpfs.at("mode")) }),
        image: option("image").map(|image| ImageOptions { subpath: image.at("subpath").text() }),
        extensions: at.extensions(),
    }
}

/// Only a number: text would leave open whether it is octal.
fn tmpfs_mode(at: &At<'_>) -> u32 {
    if at.node().is_some_and(|node| node.as_str().is_some()) {
        at.fail("mode", format!("'{}' expected type 'uint32', got unconvertible type 'string'", at.path()));
        return 0;
    }
    at.unsigned().unwrap_or(0)
}

pub(super) fn hook(at: &At<'_>) -> ServiceHook {
    ServiceHook {
        command: at.at("command").command().unwrap_or_default(),
        user: at.at("user").text(),
        privileged: at.at("privileged").bool(),
        working_dir: at.at("working_dir").text(),
        environment: at.at("environment").optional_map(),
        image: at.at("image").text(),
        per_replica: at.at("per_replica").bool(),
        extensions: at.extensions(),
    }
}
