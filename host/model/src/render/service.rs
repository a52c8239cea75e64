//! A service as an object, attributes in the canonical order. Also the text that the config hash is computed over.

use serde_json::Value as Json;

use super::object::{Doc, Object};
use super::parts::{deploy, device_request, hook, lone_hook};
use crate::project::{
    BlkioConfig, Build, Condition, Dependency, Develop, FileReference, HealthCheck, Mount, MountKind, Port, Service,
    ServiceHook, ServiceNetwork, ThrottleDevice, Ulimit, WatchRule,
};

/// What differs between the uses of the same object.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Form {
    /// JSON: absent `command` and `entrypoint` are printed as `null`, `x-…` attributes are not printed.
    pub(crate) json: bool,
    /// Print `create_host_path` of binds as Compose 2 did: only where it was written, and only `true`.
    pub(crate) verbose_binds: bool,
    /// Leave out what the config hash does not cover.
    pub(crate) hashed: bool,
}

impl Form {
    /// Whether the text is JSON; hashes are computed over JSON.
    pub(super) fn in_json(self) -> bool {
        self.json || self.hashed
    }
}

/// The object.
pub(crate) fn service(service: &Service, form: Form) -> Doc {
    let unhashed = !form.hashed;
    let mut object = Object::default();
    if unhashed {
        object = object.strings("profiles", &service.profiles);
    }
    object = object.string_map("annotations", &service.annotations).optional("attach", service.attach.map(Json::Bool));
    if unhashed {
        object = object.optional("build", service.build.as_ref().map(|value| build(value, form)));
    }
    object = object
        .optional("develop", service.develop.as_ref().map(|value| develop(value, form)))
        .optional("blkio_config", service.blkio_config.as_ref().map(|value| blkio(value, form)))
        .strings("cap_add", &service.cap_add)
        .strings("cap_drop", &service.cap_drop)
        .text("cgroup_parent", &service.cgroup_parent)
        .text("cgroup", &service.cgroup)
        .int("cpu_count", service.cpu_count)
        .float("cpu_percent", service.cpu_percent)
        .int("cpu_period", service.cpu_period)
        .int("cpu_quota", service.cpu_quota)
        .int("cpu_rt_period", service.cpu_rt_period)
        .int("cpu_rt_runtime", service.cpu_rt_runtime)
        .float("cpus", service.cpus)
        .text("cpuset", &service.cpuset)
        .int("cpu_shares", service.cpu_shares);
    object = command(object, "command", service.command.as_ref(), form)
        .list("configs", &service.configs, file_reference)
        .text("container_name", &service.container_name)
        .optional(
            "credential_spec",
            service.credential_spec.as_ref().map(|spec| {
                Object::default()
                    .text("config", &spec.config)
                    .text("file", &spec.file)
                    .text("registry", &spec.registry)
                    .done()
            }),
        );
    if unhashed {
        object = object.map("depends_on", &service.depends_on, dependency);
    }
    object = object
        .optional("deploy", service.deploy.as_ref().map(|value| deploy(value, form)))
        .strings("device_cgroup_rules", &service.device_cgroup_rules)
        .list("devices", &service.devices, |device| {
            let object = Object::default().text("source", &device.source).text("target", &device.target);
            object.text("permissions", &device.permissions).done()
        })
        .strings("dns", &service.dns)
        .strings("dns_opt", &service.dns_opt)
        .strings("dns_search", &service.dns_search)
        .text("domainname", &service.domainname);
    object = command(object, "entrypoint", service.entrypoint.as_ref(), form);
    rest(object, service, form)
}

fn rest(object: Object, service: &Service, form: Form) -> Doc {
    let object = object
        .optional(
            "provider",
            service.provider.as_ref().map(|provider| {
                let object = Object::default().text("type", &provider.kind);
                object.map("options", &provider.options, |values| Json::from(values.clone())).done()
            }),
        )
        .optional_map("environment", &service.environment)
        .list("env_file", &service.env_file, |file| {
            let object = Object::default()
                .text("path", &file.path)
                .optional("required", (!file.required).then_some(Json::Bool(false)));
            object.text("format", &file.format).done()
        })
        .strings("expose", &service.expose)
        .strings("external_links", &service.external_links)
        .strings("extra_hosts", &hosts(&service.extra_hosts))
        .strings("group_add", &service.group_add)
        .list("gpus", service.gpus.as_deref().unwrap_or_default(), device_request)
        .text("hostname", &service.hostname)
        .optional("healthcheck", service.healthcheck.as_ref().map(healthcheck))
        .text("image", &service.image)
        .optional("init", service.init.map(Json::Bool))
        .text("ipc", &service.ipc)
        .text("isolation", &service.isolation)
        .string_map("labels", &service.labels)
        .strings("label_file", &service.label_file)
        .strings("links", &service.links)
        .optional(
            "logging",
            service.logging.as_ref().map(|logging| {
                let object = Object::default().text("driver", &logging.driver).string_map("options", &logging.options);
                object.extend(&logging.extensions).done()
            }),
        )
        .bytes("mem_limit", service.mem_limit)
        .bytes("mem_reservation", service.mem_reservation)
        .bytes("memswap_limit", service.memswap_limit)
        .bytes("mem_swappiness", service.mem_swappiness)
        .text("mac_address", &service.mac_address)
        .map("models", &service.models, |model| {
            model.as_ref().map_or(Doc::Leaf(Json::Null), |model| {
                Object::default().text("endpoint_var", &model.endpoint_var).text("model_var", &model.model_var).done()
            })
        })
        .text("network_mode", &service.network_mode)
        .map("networks", &service.networks, |network| network.as_ref().map_or(Doc::Leaf(Json::Null), service_network))
        .flag("oom_kill_disable", service.oom_kill_disable)
        .int("oom_score_adj", service.oom_score_adj)
        .text("pid", &service.pid)
        .int("pids_limit", service.pids_limit)
        .text("platform", &service.platform)
        .list("ports", &service.ports, port)
        .flag("privileged", service.privileged);
    last(object, service, form)
}

fn last(mut object: Object, service: &Service, form: Form) -> Doc {
    if !form.hashed {
        object = object.text("pull_policy", &service.pull_policy);
    }
    object =
        object.flag("read_only", service.read_only).text("restart", &service.restart).text("runtime", &service.runtime);
    if !form.hashed {
        object = object.optional("scale", service.scale.map(Json::from));
    }
    let object = object
        .list("secrets", &service.secrets, file_reference)
        .strings("security_opt", &service.security_opt)
        .bytes("shm_size", service.shm_size)
        .flag("stdin_open", service.stdin_open)
        .duration("stop_grace_period", service.stop_grace_period)
        .text("stop_signal", &service.stop_signal)
        .string_map("storage_opt", &service.storage_opt)
        .string_map("sysctls", &service.sysctls)
        .strings("tmpfs", &service.tmpfs)
        .flag("tty", service.tty)
        .map("ulimits", &service.ulimits, |limit| ulimit(limit, form))
        .flag("use_api_socket", service.use_api_socket)
        .text("user", &service.user)
        .text("userns_mode", &service.userns_mode)
        .text("uts", &service.uts)
        .list("volumes", &service.volumes, |volume| mount(volume, form))
        .strings("volumes_from", &service.volumes_from)
        .text("working_dir", &service.working_dir)
        .list("pre_start", &service.pre_start, |value| lone_hook(value, form))
        .list("post_start", &service.post_start, hook)
        .list("pre_stop", &service.pre_stop, hook);
    object.extend(&service.extensions).done()
}

fn command(object: Object, key: &str, value: Option<&Vec<String>>, form: Form) -> Object {
    match value {
        Some(words) => object.put(key, Json::from(words.clone())),
        None if form.json || form.hashed => object.put(key, Json::Null),
        None => object,
    }
}

fn build(build: &Build, form: Form) -> Doc {
    Object::default()
        .text("context", &build.context)
        .text("dockerfile", &build.dockerfile)
        .text("dockerfile_inline", &build.dockerfile_inline)
        .strings("entitlements", &build.entitlements)
        .optional_map("args", &build.args)
        .text("provenance", &build.provenance)
        .text("sbom", &build.sbom)
        .strings("ssh", &ssh(build))
        .string_map("labels", &build.labels)
        .strings("cache_from", &build.cache_from)
        .strings("cache_to", &build.cache_to)
        .flag("no_cache", build.no_cache)
        .strings("no_cache_filter", &build.no_cache_filter)
        .string_map("additional_contexts", &build.additional_contexts)
        .flag("pull", build.pull)
        .strings("extra_hosts", &hosts(&build.extra_hosts))
        .text("isolation", &build.isolation)
        .text("network", &build.network)
        .text("target", &build.target)
        .list("secrets", &build.secrets, file_reference)
        .bytes("shm_size", build.shm_size)
        .strings("tags", &build.tags)
        .map("ulimits", &build.ulimits, |limit| ulimit(limit, form))
        .strings("platforms", &build.platforms)
        .flag("privileged", build.privileged)
        .extend(&build.extensions)
        .done()
}

fn ssh(build: &Build) -> Vec<String> {
    let print = |(id, path): (&String, &String)| if path.is_empty() { id.clone() } else { format!("{id}: {path}") };
    build.ssh.iter().map(print).collect()
}

fn develop(develop: &Develop, form: Form) -> Doc {
    let rule = |rule: &WatchRule| {
        Object::default()
            .text("path", &rule.path)
            .text("action", &rule.action)
            .text("target", &rule.target)
            .optional(
                "exec",
                rule.exec
                    .as_ref()
                    .map(|exec| lone_hook(exec, form))
                    .or_else(|| form.in_json().then(|| lone_hook(&ServiceHook::default(), form))),
            )
            .strings("include", &rule.include)
            .strings("ignore", &rule.ignore)
            .flag("initial_sync", rule.initial_sync)
            .done()
    };
    Object::default().list("watch", &develop.watch, rule).extend(&develop.extensions).done()
}

fn blkio(config: &BlkioConfig, form: Form) -> Doc {
    // Compose's structs have no JSON tags here, so it prints the names of their Go fields.
    let (path, rate, weight) = if form.in_json() { ("Path", "Rate", "Weight") } else { ("path", "rate", "weight") };
    let device = |text: &str| Object::default().put(path, text.to_owned());
    let limit = |limited: &ThrottleDevice| device(&limited.path).put(rate, limited.rate.to_string()).done();
    Object::default()
        .int("weight", i64::from(config.weight))
        .list("weight_device", &config.weight_device, |weighted| {
            device(&weighted.path).put(weight, i64::from(weighted.weight)).done()
        })
        .list("device_read_bps", &config.device_read_bps, limit)
        .list("device_read_iops", &config.device_read_iops, limit)
        .list("device_write_bps", &config.device_write_bps, limit)
        .list("device_write_iops", &config.device_write_iops, limit)
        .done()
}

fn dependency(dependency: &Dependency) -> Doc {
    let condition = match dependency.condition {
        Condition::ServiceStarted => "service_started",
        Condition::ServiceHealthy => "service_healthy",
        Condition::ServiceCompletedSuccessfully => "service_completed_successfully",
    };
    let object = Object::default().text("condition", condition).flag("restart", dependency.restart);
    object.put("required", Json::Bool(dependency.required)).done()
}

fn hosts(hosts: &indexmap::IndexMap<String, Vec<String>>) -> Vec<String> {
    let mut lines: Vec<String> =
        hosts.iter().flat_map(|(host, list)| list.iter().map(move |address| format!("{host}={address}"))).collect();
    lines.sort();
    lines
}

fn healthcheck(check: &HealthCheck) -> Doc {
    Object::default()
        .strings("test", &check.test)
        .duration("timeout", check.timeout)
        .duration("interval", check.interval)
        .optional("retries", check.retries.map(Json::from))
        .duration("start_period", check.start_period)
        .duration("start_interval", check.start_interval)
        .flag("disable", check.disable)
        .extend(&check.extensions)
        .done()
}

pub(super) fn file_reference(reference: &FileReference) -> Doc {
    Object::default()
        .text("source", &reference.source)
        .text("target", &reference.target)
        .text("uid", &reference.uid)
        .text("gid", &reference.gid)
        .optional("mode", reference.mode.map(|mode| Json::from(format!("0{mode:o}"))))
        .done()
}

fn service_network(network: &ServiceNetwork) -> Doc {
    Object::default()
        .strings("aliases", &network.aliases)
        .string_map("driver_opts", &network.driver_opts)
        .int("gw_priority", network.gw_priority)
        .text("interface_name", &network.interface_name)
        .text("ipv4_address", &network.ipv4_address)
        .text("ipv6_address", &network.ipv6_address)
        .strings("link_local_ips", &network.link_local_ips)
        .text("mac_address", &network.mac_address)
        .int("priority", network.priority)
        .extend(&network.extensions)
        .done()
}

fn port(port: &Port) -> Doc {
    Object::default()
        .text("name", &port.name)
        .text("mode", &port.mode)
        .text("host_ip", &port.host_ip)
        .int("target", i64::from(port.target))
        .text("published", &port.published)
        .text("protocol", &port.protocol)
        .text("app_protocol", &port.app_protocol)
        .extend(&port.extensions)
        .done()
}

fn ulimit(limit: &Ulimit, form: Form) -> Doc {
    match limit.single {
        Some(value) if value != 0 => Doc::from(value),
        // A single zero reads as two.
        _ if form.in_json() => Object::default().int("soft", limit.soft).int("hard", limit.hard).done(),
        _ => Object::default().put("soft", Json::from(limit.soft)).put("hard", Json::from(limit.hard)).done(),
    }
}

fn mount(mount: &Mount, form: Form) -> Doc {
    let kind = match mount.kind {
        MountKind::Volume => "volume",
        MountKind::Bind => "bind",
        MountKind::Tmpfs => "tmpfs",
        MountKind::Npipe => "npipe",
        MountKind::Cluster => "cluster",
        MountKind::Image => "image",
    };
    Object::default()
        .text("type", kind)
        .text("source", &mount.source)
        .text("target", &mount.target)
        .flag("read_only", mount.read_only)
        .text("consistency", &mount.consistency)
        .optional(
            "bind",
            mount.bind.as_ref().map(|bind| {
                let host_path = match (bind.create_host_path, form.verbose_binds) {
                    (false, false) => Some(Json::Bool(false)),
                    (true, true) if bind.host_path_written => Some(Json::Bool(true)),
                    _ => None,
                };
                let object = Object::default().text("selinux", &bind.selinux).text("propagation", &bind.propagation);
                object.optional("create_host_path", host_path).text("recursive", &bind.recursive).done()
            }),
        )
        .optional(
            "volume",
            mount.volume.as_ref().map(|volume| {
                let object = Object::default().string_map("labels", &volume.labels).flag("nocopy", volume.nocopy);
                object.text("subpath", &volume.subpath).done()
            }),
        )
        .optional(
            "tmpfs",
            mount
                .tmpfs
                .as_ref()
                .map(|tmpfs| Object::default().bytes("size", tmpfs.size).int("mode", i64::from(tmpfs.mode)).done()),
        )
        .optional("image", mount.image.as_ref().map(|image| Object::default().text("subpath", &image.subpath).done()))
        .extend(&mount.extensions)
        .done()
}
