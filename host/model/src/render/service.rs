//! A service as an object, attributes in the canonical order. Also the text that the config hash is computed over.

use serde_json::Value as Json;

use super::object::{Doc, Object};
use super::parts::{device_request, hook, lone_hook};
use crate::project::{
    BlkioConfig, Build, Condition, Dependency, Develop, FileReference, HealthCheck, Mount, Port, Service, ServiceHook,
    ServiceNetwork, ThrottleDevice, Ulimit, WatchRule,
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

/// The object. Every attribute is named here, so that a new one does not compile before it is printed and hashed.
#[expect(clippy::too_many_lines, reason = "one line an attribute, in the order that is printed")]
pub(crate) fn service(service: &Service, form: Form) -> Doc {
    #[rustfmt::skip]
    let Service {
        name: _, profiles, annotations, attach, build, develop, blkio_config, cap_add, cap_drop, cgroup_parent,
        cgroup, cpu_count, cpu_percent, cpu_period, cpu_quota, cpu_rt_period, cpu_rt_runtime, cpus, cpuset,
        cpu_shares, command, configs, container_name, credential_spec, depends_on, deploy, device_cgroup_rules,
        devices, dns, dns_opt, dns_search, domainname, entrypoint, provider, environment, env_file, expose,
        external_links, extra_hosts, group_add, gpus, hostname, healthcheck, image, init, ipc, isolation, labels,
        label_file, links, logging, mem_limit, mem_reservation, memswap_limit, mem_swappiness, mac_address, models,
        network_mode, networks, oom_kill_disable, oom_score_adj, pid, pids_limit, platform, ports, privileged,
        pull_policy, read_only, restart, runtime, scale, secrets, security_opt, shm_size, stdin_open,
        stop_grace_period, stop_signal, storage_opt, sysctls, tmpfs, tty, ulimits, use_api_socket, user, userns_mode,
        uts, volumes, volumes_from, working_dir, pre_start, post_start, pre_stop, extensions, windlass: _,
    } = service;
    let unhashed = !form.hashed;
    let mut object = Object::default();
    if unhashed {
        object = object.strings("profiles", profiles);
    }
    object = object.string_map("annotations", annotations).optional("attach", attach.map(Json::Bool));
    if unhashed {
        object = object.optional("build", build.as_ref().map(|value| self::build(value, form)));
    }
    object = object
        .optional("develop", develop.as_ref().map(|value| self::develop(value, form)))
        .optional("blkio_config", blkio_config.as_ref().map(|value| blkio(value, form)))
        .strings("cap_add", cap_add)
        .strings("cap_drop", cap_drop)
        .text("cgroup_parent", cgroup_parent)
        .text("cgroup", cgroup)
        .int("cpu_count", *cpu_count)
        .float("cpu_percent", *cpu_percent)
        .int("cpu_period", *cpu_period)
        .int("cpu_quota", *cpu_quota)
        .int("cpu_rt_period", *cpu_rt_period)
        .int("cpu_rt_runtime", *cpu_rt_runtime)
        .float("cpus", *cpus)
        .text("cpuset", cpuset)
        .int("cpu_shares", *cpu_shares);
    object = self::command(object, "command", command.as_ref(), form)
        .list("configs", configs, file_reference)
        .text("container_name", container_name)
        .optional(
            "credential_spec",
            credential_spec.as_ref().map(|spec| {
                Object::default()
                    .text("config", &spec.config)
                    .text("file", &spec.file)
                    .text("registry", &spec.registry)
                    .done()
            }),
        );
    if unhashed {
        object = object.map("depends_on", depends_on, dependency);
    }
    object = object
        .optional("deploy", deploy.as_ref().map(|value| super::parts::deploy(value, form)))
        .strings("device_cgroup_rules", device_cgroup_rules)
        .list("devices", devices, |device| {
            let object = Object::default().text("source", &device.source).text("target", &device.target);
            object.text("permissions", &device.permissions).done()
        })
        .strings("dns", dns)
        .strings("dns_opt", dns_opt)
        .strings("dns_search", dns_search)
        .text("domainname", domainname);
    object = self::command(object, "entrypoint", entrypoint.as_ref(), form);
    object = object
        .optional(
            "provider",
            provider.as_ref().map(|provider| {
                let object = Object::default().text("type", &provider.kind);
                object.map("options", &provider.options, |values| Json::from(values.clone())).done()
            }),
        )
        .optional_map("environment", environment)
        .list("env_file", env_file, |file| {
            let object = Object::default()
                .text("path", &file.path)
                .optional("required", (!file.required).then_some(Json::Bool(false)));
            object.text("format", &file.format).done()
        })
        .strings("expose", expose)
        .strings("external_links", external_links)
        .strings("extra_hosts", &hosts(extra_hosts))
        .strings("group_add", group_add)
        .list("gpus", gpus.as_deref().unwrap_or_default(), device_request)
        .text("hostname", hostname)
        .optional("healthcheck", healthcheck.as_ref().map(self::healthcheck))
        .text("image", image)
        .optional("init", init.map(Json::Bool))
        .text("ipc", ipc)
        .text("isolation", isolation)
        .string_map("labels", labels)
        .strings("label_file", label_file)
        .strings("links", links)
        .optional(
            "logging",
            logging.as_ref().map(|logging| {
                let object = Object::default().text("driver", &logging.driver).string_map("options", &logging.options);
                object.extend(&logging.extensions).done()
            }),
        )
        .bytes("mem_limit", *mem_limit)
        .bytes("mem_reservation", *mem_reservation)
        .bytes("memswap_limit", *memswap_limit)
        .bytes("mem_swappiness", *mem_swappiness)
        .text("mac_address", mac_address)
        .map("models", models, |model| {
            model.as_ref().map_or(Doc::Leaf(Json::Null), |model| {
                Object::default().text("endpoint_var", &model.endpoint_var).text("model_var", &model.model_var).done()
            })
        })
        .text("network_mode", network_mode)
        .map("networks", networks, |network| network.as_ref().map_or(Doc::Leaf(Json::Null), service_network))
        .flag("oom_kill_disable", *oom_kill_disable)
        .int("oom_score_adj", *oom_score_adj)
        .text("pid", pid)
        .int("pids_limit", *pids_limit)
        .text("platform", platform)
        .list("ports", ports, port)
        .flag("privileged", *privileged);
    if unhashed {
        object = object.text("pull_policy", pull_policy);
    }
    object = object.flag("read_only", *read_only).text("restart", restart).text("runtime", runtime);
    if !form.hashed {
        object = object.optional("scale", scale.map(Json::from));
    }
    let object = object
        .list("secrets", secrets, file_reference)
        .strings("security_opt", security_opt)
        .bytes("shm_size", *shm_size)
        .flag("stdin_open", *stdin_open)
        .duration("stop_grace_period", *stop_grace_period)
        .text("stop_signal", stop_signal)
        .string_map("storage_opt", storage_opt)
        .string_map("sysctls", sysctls)
        .strings("tmpfs", tmpfs)
        .flag("tty", *tty)
        .map("ulimits", ulimits, |limit| ulimit(limit, form))
        .flag("use_api_socket", *use_api_socket)
        .text("user", user)
        .text("userns_mode", userns_mode)
        .text("uts", uts)
        .list("volumes", volumes, |volume| mount(volume, form))
        .strings("volumes_from", volumes_from)
        .text("working_dir", working_dir)
        .list("pre_start", pre_start, |value| lone_hook(value, form))
        .list("post_start", post_start, hook)
        .list("pre_stop", pre_stop, hook);
    object.extend(extensions).done()
}

fn command(object: Object, key: &str, value: Option<&Vec<String>>, form: Form) -> Object {
    match value {
        Some(words) => object.put(key, Json::from(words.clone())),
        None if form.json || form.hashed => object.put(key, Json::Null),
        None => object,
    }
}

fn build(build: &Build, form: Form) -> Doc {
    #[rustfmt::skip]
    let Build {
        context, dockerfile, dockerfile_inline, entitlements, args, provenance, sbom, ssh, labels, cache_from,
        cache_to, no_cache, no_cache_filter, additional_contexts, pull, extra_hosts, isolation, network, target,
        secrets, shm_size, tags, ulimits, platforms, privileged, extensions,
    } = build;
    Object::default()
        .text("context", context)
        .text("dockerfile", dockerfile)
        .text("dockerfile_inline", dockerfile_inline)
        .strings("entitlements", entitlements)
        .optional_map("args", args)
        .text("provenance", provenance)
        .text("sbom", sbom)
        .strings("ssh", &self::ssh(ssh))
        .string_map("labels", labels)
        .strings("cache_from", cache_from)
        .strings("cache_to", cache_to)
        .flag("no_cache", *no_cache)
        .strings("no_cache_filter", no_cache_filter)
        .string_map("additional_contexts", additional_contexts)
        .flag("pull", *pull)
        .strings("extra_hosts", &hosts(extra_hosts))
        .text("isolation", isolation)
        .text("network", network)
        .text("target", target)
        .list("secrets", secrets, file_reference)
        .bytes("shm_size", *shm_size)
        .strings("tags", tags)
        .map("ulimits", ulimits, |limit| ulimit(limit, form))
        .strings("platforms", platforms)
        .flag("privileged", *privileged)
        .extend(extensions)
        .done()
}

fn ssh(keys: &indexmap::IndexMap<String, String>) -> Vec<String> {
    let print = |(id, path): (&String, &String)| if path.is_empty() { id.clone() } else { format!("{id}: {path}") };
    keys.iter().map(print).collect()
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
    #[rustfmt::skip]
    let BlkioConfig {
        weight, weight_device, device_read_bps, device_read_iops, device_write_bps, device_write_iops,
    } = config;
    // Compose's structs have no JSON tags here, so it prints the names of their Go fields.
    let (path, rate, heaviness) = if form.in_json() { ("Path", "Rate", "Weight") } else { ("path", "rate", "weight") };
    let device = |text: &str| Object::default().put(path, text.to_owned());
    let limit = |limited: &ThrottleDevice| device(&limited.path).put(rate, limited.rate.to_string()).done();
    Object::default()
        .int("weight", i64::from(*weight))
        .list("weight_device", weight_device, |weighted| {
            device(&weighted.path).put(heaviness, i64::from(weighted.weight)).done()
        })
        .list("device_read_bps", device_read_bps, limit)
        .list("device_read_iops", device_read_iops, limit)
        .list("device_write_bps", device_write_bps, limit)
        .list("device_write_iops", device_write_iops, limit)
        .done()
}

fn dependency(dependency: &Dependency) -> Doc {
    let Dependency { condition, restart, required } = dependency;
    let condition = match *condition {
        Condition::ServiceStarted => "service_started",
        Condition::ServiceHealthy => "service_healthy",
        Condition::ServiceCompletedSuccessfully => "service_completed_successfully",
    };
    let object = Object::default().text("condition", condition).flag("restart", *restart);
    object.put("required", Json::Bool(*required)).done()
}

fn hosts(hosts: &indexmap::IndexMap<String, Vec<String>>) -> Vec<String> {
    let mut lines: Vec<String> =
        hosts.iter().flat_map(|(host, list)| list.iter().map(move |address| format!("{host}={address}"))).collect();
    lines.sort();
    lines
}

fn healthcheck(check: &HealthCheck) -> Doc {
    let HealthCheck { test, timeout, interval, retries, start_period, start_interval, disable, extensions } = check;
    Object::default()
        .strings("test", test)
        .duration("timeout", *timeout)
        .duration("interval", *interval)
        .optional("retries", retries.map(Json::from))
        .duration("start_period", *start_period)
        .duration("start_interval", *start_interval)
        .flag("disable", *disable)
        .extend(extensions)
        .done()
}

pub(super) fn file_reference(reference: &FileReference) -> Doc {
    let FileReference { source, target, uid, gid, mode } = reference;
    Object::default()
        .text("source", source)
        .text("target", target)
        .text("uid", uid)
        .text("gid", gid)
        .optional("mode", mode.map(|mode| Json::from(format!("0{mode:o}"))))
        .done()
}

fn service_network(network: &ServiceNetwork) -> Doc {
    #[rustfmt::skip]
    let ServiceNetwork {
        aliases, driver_opts, priority, gw_priority, interface_name, ipv4_address, ipv6_address, link_local_ips,
        mac_address, extensions,
    } = network;
    Object::default()
        .strings("aliases", aliases)
        .string_map("driver_opts", driver_opts)
        .int("gw_priority", *gw_priority)
        .text("interface_name", interface_name)
        .text("ipv4_address", ipv4_address)
        .text("ipv6_address", ipv6_address)
        .strings("link_local_ips", link_local_ips)
        .text("mac_address", mac_address)
        .int("priority", *priority)
        .extend(extensions)
        .done()
}

fn port(port: &Port) -> Doc {
    let Port { name, mode, host_ip, target, published, protocol, app_protocol, extensions } = port;
    Object::default()
        .text("name", name)
        .text("mode", mode)
        .text("host_ip", host_ip)
        .int("target", i64::from(*target))
        .text("published", published)
        .text("protocol", protocol)
        .text("app_protocol", app_protocol)
        .extend(extensions)
        .done()
}

fn ulimit(limit: &Ulimit, form: Form) -> Doc {
    let Ulimit { single, soft, hard } = limit;
    match *single {
        Some(value) if value != 0 => Doc::from(value),
        // A single zero reads as two.
        _ if form.in_json() => Object::default().int("soft", *soft).int("hard", *hard).done(),
        _ => Object::default().put("soft", Json::from(*soft)).put("hard", Json::from(*hard)).done(),
    }
}

fn mount(mount: &Mount, form: Form) -> Doc {
    let Mount { kind, source, target, read_only, consistency, bind, volume, tmpfs, image, extensions } = mount;
    Object::default()
        .text("type", kind.name())
        .text("source", source)
        .text("target", target)
        .flag("read_only", *read_only)
        .text("consistency", consistency)
        .optional(
            "bind",
            bind.as_ref().map(|bind| {
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
            volume.as_ref().map(|volume| {
                let object = Object::default().string_map("labels", &volume.labels).flag("nocopy", volume.nocopy);
                object.text("subpath", &volume.subpath).done()
            }),
        )
        .optional(
            "tmpfs",
            tmpfs
                .as_ref()
                .map(|tmpfs| Object::default().bytes("size", tmpfs.size).int("mode", i64::from(tmpfs.mode)).done()),
        )
        .optional("image", image.as_ref().map(|image| Object::default().text("subpath", &image.subpath).done()))
        .extend(extensions)
        .done()
}
