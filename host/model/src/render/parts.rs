//! Deploy, hooks, devices, and the top-level definitions as objects.

use serde_json::Value as Json;

use super::object::{Doc, Object};
use super::service::Form;
use crate::project::{
    Deploy, DeviceRequest, FileObject, IpamPool, Model, Network, Placement, Resource, Resources, ServiceHook,
    UpdateConfig, Volume,
};

pub(super) fn deploy(deploy: &Deploy, form: Form) -> Doc {
    #[rustfmt::skip]
    let Deploy {
        mode, replicas, labels, update_config, rollback_config, resources, restart_policy, placement, endpoint_mode,
        extensions,
    } = deploy;
    let replicas = replicas.filter(|_| !form.hashed).map(Json::from);
    let Resources { limits, reservations, extensions: of_resources } = resources;
    let resources = Object::default()
        .optional("limits", limits.as_ref().map(resource))
        .optional("reservations", reservations.as_ref().map(resource))
        .extend(of_resources);
    Object::default()
        .text("mode", mode)
        .optional("replicas", replicas)
        .string_map("labels", labels)
        .optional("update_config", update_config.as_ref().map(self::update_config))
        .optional("rollback_config", rollback_config.as_ref().map(self::update_config))
        .nested("resources", resources, form.in_json())
        .optional(
            "restart_policy",
            restart_policy.as_ref().map(|policy| {
                Object::default()
                    .text("condition", &policy.condition)
                    .duration("delay", policy.delay)
                    .optional("max_attempts", policy.max_attempts.map(Json::from))
                    .duration("window", policy.window)
                    .done()
            }),
        )
        .nested("placement", self::placement(placement), form.in_json())
        .text("endpoint_mode", endpoint_mode)
        .extend(extensions)
        .done()
}

fn update_config(config: &UpdateConfig) -> Doc {
    let UpdateConfig { parallelism, delay, failure_action, monitor, max_failure_ratio, order } = config;
    Object::default()
        .optional("parallelism", parallelism.map(Json::from))
        .duration("delay", delay.filter(|delay| !delay.is_zero()))
        .text("failure_action", failure_action)
        .duration("monitor", monitor.filter(|monitor| !monitor.is_zero()))
        .float("max_failure_ratio", *max_failure_ratio)
        .text("order", order)
        .done()
}

fn resource(resource: &Resource) -> Doc {
    let Resource { cpus, memory, pids, devices, generic_resources } = resource;
    Object::default()
        .float("cpus", *cpus)
        .bytes("memory", *memory)
        .int("pids", *pids)
        .list("devices", devices, device_request)
        .list("generic_resources", generic_resources, Clone::clone)
        .done()
}

fn placement(placement: &Placement) -> Object {
    let Placement { constraints, preferences, max_replicas_per_node } = placement;
    Object::default()
        .strings("constraints", constraints)
        .list("preferences", preferences, |spread| Object::default().text("spread", spread).done())
        .optional("max_replicas_per_node", Some(*max_replicas_per_node).filter(|n| *n > 0).map(Json::from))
}

pub(super) fn device_request(request: &DeviceRequest) -> Doc {
    let DeviceRequest { capabilities, driver, count, device_ids, options } = request;
    Object::default()
        .strings("capabilities", capabilities)
        .text("driver", driver)
        .int("count", *count)
        .strings("device_ids", device_ids)
        .string_map("options", options)
        .done()
}

/// A hook that must have a command, be it an empty one.
pub(super) fn hook(hook: &ServiceHook) -> Doc {
    hook_with(Some(Doc::from(hook.command.clone())), hook)
}

/// A hook that may do without a command.
pub(super) fn lone_hook(hook: &ServiceHook, form: Form) -> Doc {
    let command = match hook.command.as_slice() {
        [] => form.in_json().then_some(Doc::Leaf(Json::Null)),
        words => Some(Doc::from(words.to_vec())),
    };
    hook_with(command, hook)
}

fn hook_with(command: Option<Doc>, hook: &ServiceHook) -> Doc {
    Object::default()
        .optional("command", command)
        .text("image", &hook.image)
        .text("user", &hook.user)
        .flag("privileged", hook.privileged)
        .text("working_dir", &hook.working_dir)
        .optional_map("environment", &hook.environment)
        .flag("per_replica", hook.per_replica)
        .extend(&hook.extensions)
        .done()
}

/// A network.
pub(crate) fn network(network: &Network, form: Form) -> Doc {
    #[rustfmt::skip]
    let Network {
        name, driver, driver_opts, ipam, external, internal, attachable, labels, enable_ipv4, enable_ipv6,
        extensions,
    } = network;
    let pool = |pool: &IpamPool| {
        Object::default()
            .text("subnet", &pool.subnet)
            .text("gateway", &pool.gateway)
            .text("ip_range", &pool.ip_range)
            .string_map("aux_addresses", &pool.aux_addresses)
            .done()
    };
    let ipam = Object::default()
        .text("driver", &ipam.driver)
        .list("config", &ipam.config, pool)
        .string_map("options", &ipam.options);
    Object::default()
        .text("name", name)
        .text("driver", driver)
        .string_map("driver_opts", driver_opts)
        .nested("ipam", ipam, form.in_json())
        .flag("external", *external)
        .flag("internal", *internal)
        .flag("attachable", *attachable)
        .string_map("labels", labels)
        .optional("enable_ipv4", enable_ipv4.map(Json::Bool))
        .optional("enable_ipv6", enable_ipv6.map(Json::Bool))
        .extend(extensions)
        .done()
}

/// A volume.
pub(crate) fn volume(volume: &Volume) -> Doc {
    let Volume { name, driver, driver_opts, external, labels, extensions } = volume;
    Object::default()
        .text("name", name)
        .text("driver", driver)
        .string_map("driver_opts", driver_opts)
        .flag("external", *external)
        .string_map("labels", labels)
        .extend(extensions)
        .done()
}

/// A secret or config. Content that came from a variable is not printed again.
pub(super) fn file_object(object: &FileObject) -> Doc {
    #[rustfmt::skip]
    let FileObject {
        name, file, environment, content, external, labels, driver, driver_opts, template_driver, extensions,
    } = object;
    let content = if environment.is_empty() { content.as_str() } else { "" };
    Object::default()
        .text("name", name)
        .text("file", file)
        .text("environment", environment)
        .text("content", content)
        .flag("external", *external)
        .string_map("labels", labels)
        .text("driver", driver)
        .string_map("driver_opts", driver_opts)
        .text("template_driver", template_driver)
        .extend(extensions)
        .done()
}

/// A model.
pub(super) fn model(model: &Model) -> Doc {
    let Model { name, model, context_size, runtime_flags, extensions } = model;
    Object::default()
        .text("name", name)
        .text("model", model)
        .int("context_size", *context_size)
        .strings("runtime_flags", runtime_flags)
        .extend(extensions)
        .done()
}
