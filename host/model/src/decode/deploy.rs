//! `deploy`.

use super::at::At;
use super::service::device_request;
use crate::project::{Deploy, Placement, Resource, Resources, RestartPolicy, UpdateConfig};

pub(super) fn deploy(at: &At<'_>) -> Deploy {
    Deploy {
        mode: at.at("mode").text(),
        replicas: at.at("replicas").unsigned(),
        labels: at.at("labels").string_map(),
        update_config: at.at("update_config").optional(update_config),
        rollback_config: at.at("rollback_config").optional(update_config),
        resources: Resources {
            limits: at.at("resources").at("limits").optional(resource),
            reservations: at.at("resources").at("reservations").optional(resource),
            extensions: at.at("resources").extensions(),
        },
        restart_policy: at.at("restart_policy").optional(restart_policy),
        placement: placement(&at.at("placement")),
        endpoint_mode: at.at("endpoint_mode").text(),
        extensions: at.extensions(),
    }
}

fn update_config(at: &At<'_>) -> UpdateConfig {
    UpdateConfig {
        parallelism: at.at("parallelism").unsigned(),
        delay: at.at("delay").duration(),
        failure_action: at.at("failure_action").text(),
        monitor: at.at("monitor").duration(),
        max_failure_ratio: at.at("max_failure_ratio").float(),
        order: at.at("order").text(),
    }
}

fn resource(at: &At<'_>) -> Resource {
    Resource {
        cpus: at.at("cpus").float(),
        memory: at.at("memory").bytes(),
        pids: at.at("pids").int(),
        devices: at.at("devices").each(device_request),
        generic_resources: at.at("generic_resources").each(At::json),
    }
}

fn restart_policy(at: &At<'_>) -> RestartPolicy {
    RestartPolicy {
        condition: at.at("condition").text(),
        delay: at.at("delay").duration(),
        max_attempts: at.at("max_attempts").unsigned(),
        window: at.at("window").duration(),
    }
}

fn placement(at: &At<'_>) -> Placement {
    Placement {
        constraints: at.at("constraints").strings(),
        preferences: at.at("preferences").each(|preference| preference.at("spread").text()),
        max_replicas_per_node: at.at("max_replicas_per_node").unsigned().unwrap_or(0),
    }
}
