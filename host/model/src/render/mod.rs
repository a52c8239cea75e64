//! `config`: a project as canonical YAML or JSON, the text of `docker compose config`.

use serde_json::{Map, Value as Json};

use crate::project::Project;

mod object;
pub(crate) mod parts;
pub(crate) mod service;
pub mod yaml;

use service::Form;

/// A project as YAML; `$` doubled so that the text can be read again.
#[must_use]
pub fn project_yaml(project: &Project) -> String {
    yaml::document(&object(project, Form::default())).replace('$', "$$")
}

/// A project as JSON, indented by two spaces, without a line feed at the end; `$` doubled.
#[must_use]
pub fn project_json(project: &Project) -> String {
    let form = Form { json: true, ..Form::default() };
    let Json::Object(map) = object(project, form) else { return String::new() };
    let mut sorted: Vec<_> = map.into_iter().collect();
    sorted.sort_by(|left, right| left.0.cmp(&right.0));
    let sorted: Map<String, Json> = sorted.into_iter().collect();
    go_escapes(&serde_json::to_string_pretty(&Json::Object(sorted)).unwrap_or_default()).replace('$', "$$")
}

/// The raw tree of `--no-interpolate`, keys sorted.
#[must_use]
pub fn tree_yaml(tree: &crate::node::Node) -> String {
    yaml::document(&sorted(crate::decode::json(tree)))
}

/// `<`, `>` and `&` as Go's JSON encoder writes them.
#[must_use]
pub(crate) fn go_escapes(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn sorted(value: Json) -> Json {
    match value {
        Json::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|left, right| left.0.cmp(&right.0));
            Json::Object(entries.into_iter().collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn object(project: &Project, form: Form) -> Json {
    let mut services: Vec<_> = project.services.values().collect();
    services.sort_by(|left, right| left.name.cmp(&right.name));
    let services: Map<String, Json> =
        services.into_iter().map(|value| (value.name.clone(), service::service(value, form))).collect();
    let mut root = object::Object::default().text("name", &project.name).put("services", Json::Object(services));
    root = root.map("networks", &project.networks, |network| printed_network(parts::network(network), form));
    root = root
        .map("volumes", &project.volumes, parts::volume)
        .map("secrets", &project.secrets, parts::file_object)
        .map("configs", &project.configs, parts::file_object)
        .map("models", &project.models, parts::model);
    root.extend(&project.extensions).done()
}

/// YAML leaves an empty `ipam` out, JSON does not.
fn printed_network(mut network: Json, form: Form) -> Json {
    let empty = network["ipam"].as_object().is_some_and(Map::is_empty);
    if empty
        && !form.json
        && let Json::Object(map) = &mut network
    {
        map.shift_remove("ipam");
    }
    network
}
