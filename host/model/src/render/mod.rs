//! `config`: a project as canonical YAML or JSON, the text of `docker compose config`.

use serde_json::{Map, Value as Json};

use crate::project::Project;

mod object;
pub(crate) mod parts;
pub(crate) mod service;
pub mod yaml;

pub(crate) use object::Doc;
use service::Form;

/// A project as YAML; `$` doubled so that the text can be read again.
#[must_use]
pub fn project_yaml(project: &Project) -> String {
    yaml::document(&object(project, Form::default()).into_yaml()).replace('$', "$$")
}

/// A project as JSON, indented by two spaces, without a line feed at the end; `$` doubled.
#[must_use]
pub fn project_json(project: &Project) -> String {
    let mut sorted = object(project, Form { json: true, ..Form::default() }).into_attributes();
    if project.name.is_empty() {
        sorted.push(("name".to_owned(), Doc::Leaf(Json::from(""))));
    }
    sorted.sort_by(|left, right| left.0.cmp(&right.0));
    let sorted: Map<String, Json> = sorted.into_iter().map(|(key, value)| (key, value.into_json())).collect();
    go_escapes(&serde_json::to_string_pretty(&Json::Object(sorted)).unwrap_or_default()).replace('$', "$$")
}

/// A project as data, in the form of the YAML.
#[must_use]
pub(crate) fn project_value(project: &Project) -> Json {
    object(project, Form::default()).into_json()
}

/// The raw tree of `--no-interpolate`, keys sorted.
#[must_use]
pub fn tree_yaml(tree: &crate::node::Node) -> String {
    yaml::document(&Doc::from(crate::decode::json(tree)).into_yaml())
}

/// The raw tree of `--no-interpolate` as JSON, keys sorted, without a line feed at the end.
#[must_use]
pub fn tree_json(tree: &crate::node::Node) -> String {
    let sorted = Doc::from(crate::decode::json(tree)).into_yaml();
    go_escapes(&serde_json::to_string_pretty(&sorted).unwrap_or_default())
}

/// `<`, `>` and `&` as Go's JSON encoder writes them.
#[must_use]
pub(crate) fn go_escapes(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn object(project: &Project, form: Form) -> Doc {
    let services = project.services.iter().map(|(name, value)| (name.clone(), service::service(value, form))).collect();
    object::Object::default()
        .text("name", &project.name)
        .put("services", Doc::Map(services))
        .map("networks", &project.networks, |network| parts::network(network, form))
        .map("volumes", &project.volumes, parts::volume)
        .map("secrets", &project.secrets, parts::file_object)
        .map("configs", &project.configs, parts::file_object)
        .map("models", &project.models, parts::model)
        .extend(&project.extensions)
        .done()
}
