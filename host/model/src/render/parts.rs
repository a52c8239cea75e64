//! Deploy, hooks, devices, and the top-level definitions as objects.

use serde_json::Value as Json;

use super::object::{Doc, Object};
use super::service::Form;
use crate::project::{
    Deploy, DeviceRequest, FileObject, IpamPool, Model, Network, Placement, Resource, ServiceHook, UpdateConfig, Volume,
};

pub(super) fn deploy(deploy: &Deploy, form: Form) -> Doc {
    let replicas = deploy.replicas.filter(|_| !form.hashed).map(Json::from);
    let resources = Object::default().optional("limits", deploy.resources.limits.as_ref().map(resource));
    let resources = resources.optional("reservations", deploy.resources.reservations.as_ref().map(resource));
    let resources = resources.extend(&deploy.resources.extensions);
    Object::default()
        .text("mode", &deploy.mode)
        .optional("replicas", replicas)
        .string_map("labels", &deploy.labels)
        .optional("update_config", deploy.update_config.as_ref().map(update_config))
        .optional("rollback_config", deploy.rollback_config.as_ref().map(update_config))
        .nested("resources", resources, form.in_json())
        .optional(
            "restart_policy",
            deploy.restart_policy.as_ref().map(|policy| {
                Object::default()
                    .text("condition", &policy.condition)
                    .duration("delay", policy.delay)
                    .optional("max_attempts", policy.max_attempts.map(Json::from))
                    .duration("window", policy.window)
                    .done()
            }),
        )
        .nested("placement", placement(&deploy.placement), form.in_json())
        .text("endpoint_mode", &deploy.endpoint_mode)
        .extend(&deploy.extensions)
        .done()
}

fn update_config(config: &UpdateConfig) -> Doc {
    Object::default()
        .optional("parallelism", config.parallelism.map(Json::from))
        .duration("delay", config.delay.filter(|delay| !delay.is_zero()))
        .text("failure_action", &config.failure_action)
        .duration("monitor", config.monitor.filter(|monitor| !monitor.is_zero()))
        .float("max_failure_ratio", config.max_failure_ratio)
        .text("order", &config.order)
        .done()
}

fn resource(resource: &Resource) -> Doc {
    Object::default()
        .float("cpus", resource.cpus)
        .bytes("memory", resource.memory)
        .int("pids", resource.pids)
        .list("devices", &resource.devices, device_request)
        .list("generic_resources", &resource.generic_resources, Clone::clone)
        .done()
}

fn placement(placement: &Placement) -> Object {
    Object::default()
        .strings("constraints", &placement.constraints)
        .list("preferences", &placement.preferences, |spread| Object::default().text("spread", spread).done())
        .optional("max_replicas_per_node", Some(placement.max_replicas_per_node).filter(|n| *n > 0).map(Json::from))
}

pub(super) fn device_request(request: &DeviceRequest) -> Doc {
    Object::default()
        .strings("capabilities", &request.capabilities)
        .text("driver", &request.driver)
        .int("count", request.count)
        .strings("device_ids", &request.device_ids)
        .string_map("options", &request.options)
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
    let pool = |pool: &IpamPool| {
        Object::default()
            .text("subnet", &pool.subnet)
            .text("gateway", &pool.gateway)
            .text("ip_range", &pool.ip_range)
            .string_map("aux_addresses", &pool.aux_addresses)
            .done()
    };
    let ipam = Object::default()
        .text("driver", &network.ipam.driver)
        .list("config", &network.ipam.config, pool)
        .string_map("options", &network.ipam.options);
    Object::default()
        .text("name", &network.name)
        .text("driver", &network.driver)
        .string_map("driver_opts", &network.driver_opts)
        .nested("ipam", ipam, form.in_json())
        .flag("external", network.external)
        .flag("internal", network.internal)
        .flag("attachable", network.attachable)
        .string_map("labels", &network.labels)
        .optional("enable_ipv4", network.enable_ipv4.map(Json::Bool))
        .optional("enable_ipv6", network.enable_ipv6.map(Json::Bool))
        .extend(&network.extensions)
        .done()
}

/// A volume.
pub(crate) fn volume(volume: &Volume) -> Doc {
    Object::default()
        .text("name", &volume.name)
        .text("driver", &volume.driver)
        .string_map("driver_opts", &volume.driver_opts)
        .flag("external", volume.external)
        .string_map("labels", &volume.labels)
        .extend(&volume.extensions)
        .done()
}

/// A secret or config. Content that came from a variable is not printed again.
pub(super) fn file_object(object: &FileObject) -> Doc {
    let content = if object.environment.is_empty() { object.content.as_str() } else { "" };
    Object::default()
        .text("name", &object.name)
        .text("file", &object.file)
        .text("environment", &object.environment)
        .text("content", content)
        .flag("external", object.external)
        .string_map("labels", &object.labels)
        .text("driver", &object.driver)
        .string_map("driver_opts", &object.driver_opts)
        .text("template_driver", &object.template_driver)
        .extend(&object.extensions)
        .done()
}

/// A model.
pub(super) fn model(model: &Model) -> Doc {
    Object::default()
        .text("name", &model.name)
        .text("model", &model.model)
        .int("context_size", model.context_size)
        .strings("runtime_flags", &model.runtime_flags)
        .extend(&model.extensions)
        .done()
}
