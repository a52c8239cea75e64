//! The merged canonical tree to typed structs.

use std::cell::RefCell;
use std::sync::Arc;

use crate::diagnostic::Diagnostics;
use crate::node::{Node, Value};
use crate::project::{FileObject, Ipam, IpamPool, Model, Network, Project, Volume};

pub(crate) mod at;
mod build;
mod deploy;
mod service;
mod words;

use at::At;
pub(crate) use at::json;

/// Decodes a whole tree. Problems go to `out`; what cannot be read is left at its default.
pub fn project(tree: &Node, out: &mut Diagnostics) -> Project {
    let cell = RefCell::new(std::mem::take(out));
    let root = At::root(tree, &cell);
    let mut services: Vec<_> = root.at("services").entries();
    services.sort_by(|left, right| left.0.cmp(&right.0));
    let project = Project {
        name: root.at("name").text(),
        separator: '-',
        services: services
            .into_iter()
            .map(|(name, at)| (name.clone(), Arc::new(service::service(&name, &at))))
            .collect(),
        networks: root.at("networks").sorted_map(network),
        volumes: root.at("volumes").sorted_map(volume),
        secrets: root.at("secrets").sorted_map(file_object),
        configs: root.at("configs").sorted_map(file_object),
        models: root.at("models").sorted_map(model),
        extensions: root.extensions(),
        ..Project::default()
    };
    *out = cell.into_inner();
    project
}

fn network(at: &At<'_>) -> Network {
    Network {
        name: at.at("name").text(),
        driver: at.at("driver").text(),
        driver_opts: at.at("driver_opts").string_map(),
        ipam: ipam(&at.at("ipam")),
        external: at.at("external").bool(),
        internal: at.at("internal").bool(),
        attachable: at.at("attachable").bool(),
        labels: at.at("labels").string_map(),
        enable_ipv4: at.at("enable_ipv4").optional_bool(),
        enable_ipv6: at.at("enable_ipv6").optional_bool(),
        extensions: at.extensions(),
    }
}

fn ipam(at: &At<'_>) -> Ipam {
    Ipam {
        driver: at.at("driver").text(),
        options: at.at("options").string_map(),
        config: at.at("config").each(|pool| IpamPool {
            subnet: pool.at("subnet").text(),
            gateway: pool.at("gateway").text(),
            ip_range: pool.at("ip_range").text(),
            aux_addresses: pool.at("aux_addresses").string_map(),
        }),
    }
}

fn volume(at: &At<'_>) -> Volume {
    Volume {
        name: at.at("name").text(),
        driver: at.at("driver").text(),
        driver_opts: at.at("driver_opts").string_map(),
        external: at.at("external").bool(),
        labels: at.at("labels").string_map(),
        extensions: at.extensions(),
    }
}

fn file_object(at: &At<'_>) -> FileObject {
    FileObject {
        name: at.at("name").text(),
        file: at.at("file").text(),
        environment: at.at("environment").text(),
        content: at.at("content").text(),
        external: at.at("external").bool(),
        labels: at.at("labels").string_map(),
        driver: at.at("driver").text(),
        driver_opts: at.at("driver_opts").string_map(),
        template_driver: at.at("template_driver").text(),
        extensions: at.extensions(),
    }
}

fn model(at: &At<'_>) -> Model {
    Model {
        name: at.at("name").text(),
        model: at.at("model").text(),
        context_size: at.at("context_size").int(),
        runtime_flags: at.at("runtime_flags").strings(),
        extensions: at.extensions(),
    }
}

/// A file mode: a YAML number (octal in the file) or octal text.
fn mode(at: &At<'_>) -> Option<u32> {
    let node = at.node()?;
    let parsed = match &node.value {
        Value::Int(value) => u32::try_from(*value).ok(),
        Value::String(text) => u32::from_str_radix(text.trim_start_matches("0o"), 8).ok(),
        _ => None,
    };
    if parsed.is_none() {
        at.fail("mode", format!("{} must be a file mode", at.path()));
    }
    parsed
}
