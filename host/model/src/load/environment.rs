//! Environment and label files of the enabled services, and variables without a value.

use super::Loader;
use crate::diagnostic::Diagnostic;
use crate::dotenv;
use crate::node::{Node, Span};
use crate::project::{EnvFile, OptionalMap, Project, Service};
use crate::validate::span_of;

/// Fills `environment` from files, resolves bare variables, reads secrets and configs from variables.
pub(super) fn resolve(loader: &mut Loader<'_>, tree: &Node, project: &mut Project) {
    let variables = project.environment.clone();
    let with_files = !loader.options.no_env_resolution;
    for service in project.services_mut() {
        let files = if with_files { std::mem::take(&mut service.env_file) } else { Vec::new() };
        let mut environment = OptionalMap::new();
        let inline = service.environment.clone();
        for (index, file) in files.iter().enumerate() {
            let place = ["services", &service.name, "env_file", &index.to_string()].map(str::to_owned);
            env_file(loader, tree, &place, file, &known(&variables, &inline), &mut environment);
        }
        environment.append(&mut service.environment);
        for (name, value) in &mut environment {
            if value.is_none() {
                *value = variables.get(name).cloned();
            }
        }
        service.environment = environment;
    }
    if !with_files {
        return;
    }
    for object in project.secrets.values_mut().chain(project.configs.values_mut()) {
        if !object.environment.is_empty() && object.content.is_empty() {
            object.content = variables.get(&object.environment).cloned().unwrap_or_default();
        }
    }
}

/// Fills `labels` from files.
pub(super) fn labels(loader: &mut Loader<'_>, tree: &Node, project: &mut Project) {
    for service in project.services_mut() {
        label_files(loader, tree, service);
    }
}

/// Variables that a service's files may refer to: the project's, then the service's own.
fn known(variables: &Variables, inline: &OptionalMap) -> Variables {
    let own = inline.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
    own.chain(variables.clone()).collect()
}

type Variables = std::collections::BTreeMap<String, String>;

fn env_file(
    loader: &mut Loader<'_>,
    tree: &Node,
    place: &[String],
    file: &EnvFile,
    variables: &Variables,
    environment: &mut OptionalMap,
) {
    // Relative only without path resolution.
    let path = loader.folder.join(&file.path);
    let path = path.as_path();
    let span = || span_of(tree, &place.iter().map(String::as_str).collect::<Vec<_>>());
    if !file.format.is_empty() && file.format != "raw" {
        let text = format!("unsupported env_file format \"{}\"", file.format);
        loader.out.0.push(
            Diagnostic::error("env-file-format", &place.join("."), span(), text).hinted("the only format is `raw`"),
        );
        return;
    }
    match loader.named_file(path) {
        Ok(true) => {}
        Ok(false) if !file.required => return,
        Ok(false) => {
            let text = format!("env file {p} not found: stat {p}: no such file or directory", p = path.display());
            let hint = "create it, or write `{ path: …, required: false }`";
            loader.out.0.push(Diagnostic::error("env-file", &place.join("."), span(), text).hinted(hint));
            return;
        }
        // Only a file that is not there may be left out, not one that cannot be had.
        Err(reason) => {
            loader.out.0.push(Diagnostic::error("env-file", &place.join("."), span(), reason));
            return;
        }
    }
    let Some(source) = loader.read(path) else { return };
    let known = environment.clone();
    let lookup = |name: &str| variables.get(name).cloned().or_else(|| known.get(name).cloned().flatten());
    let pairs = match file.format.as_str() {
        "raw" => dotenv::parse_raw(&source.text, &lookup),
        _ => loader.dotenv(&source, &lookup),
    };
    match pairs {
        Ok(pairs) => {
            loader.remember_file(&source, &pairs, Some(&[place[0].as_str(), &place[1], "environment"].join(".")));
            environment.extend(pairs.into_iter().map(|pair| (pair.key, Some(pair.value))));
        }
        Err(error) => {
            let text = format!("failed to read {}: {error}", path.display());
            let span = Span { file: Some(source), line: error.line, column: 1, length: 1 };
            loader.out.0.push(Diagnostic::error("dotenv", &place.join("."), Some(span), text));
        }
    }
}

fn label_files(loader: &mut Loader<'_>, tree: &Node, service: &mut Service) {
    for (index, file) in service.label_file.clone().iter().enumerate() {
        let index = index.to_string();
        let place = ["services", &service.name, "label_file", &index];
        let path = loader.folder.join(file);
        let path = path.as_path();
        let missing = || format!("label file {p} not found: stat {p}: no such file or directory", p = path.display());
        if let Some(text) = loader.named_file(path).map_or_else(Some, |there| (!there).then(missing)) {
            loader.out.0.push(Diagnostic::error("label-file", &place.join("."), span_of(tree, &place), text));
            continue;
        }
        let Some(source) = loader.read(path) else { continue };
        if let Ok(pairs) = dotenv::parse(&source.text, &|_| None, &mut Vec::new()) {
            for pair in pairs {
                service.labels.entry(pair.key).or_insert(pair.value);
            }
        }
    }
}
