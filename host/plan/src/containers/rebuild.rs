//! A model without a compose file: what the labels of existing containers, networks and volumes tell.

use std::sync::Arc;

use windlass_model::Project;
use windlass_model::project::{Condition, Dependency, Network, Service, Volume};

use crate::containers::live;
use crate::labels;
use crate::observed::{Container, Observed};

/// The model as far as the labels of what exists tell it: for `down`, `stop`, … without a compose file.
#[must_use]
pub fn rebuild_from_labels(project: &str, observed: &Observed) -> Project {
    let mut model = Project { name: project.to_owned(), separator: '-', ..Project::default() };
    for (name, containers) in live::replicas(observed) {
        let Some(first) = containers.first() else { continue };
        let scale = u32::try_from(containers.len()).unwrap_or(u32::MAX);
        model.services.insert(name.to_owned(), Arc::new(service(name, first, scale)));
        if let Some(directory) = first.label(labels::WORKING_DIR) {
            model.working_dir = directory.into();
        }
        if let Some(files) = first.label(labels::CONFIG_FILES) {
            model.compose_files = files.split(',').filter(|file| !file.is_empty()).map(Into::into).collect();
        }
    }
    let names: Vec<String> = model.services.keys().cloned().collect();
    for service in model.services_mut() {
        service.depends_on.retain(|name, _| names.contains(name));
    }
    resources(&mut model, observed);
    model
}

fn service(name: &str, container: &Container, scale: u32) -> Service {
    let depends_on = container.label(labels::DEPENDS_ON).unwrap_or_default();
    Service {
        name: name.to_owned(),
        image: container.image.clone(),
        scale: Some(scale),
        depends_on: depends_on.split(',').filter_map(dependency).collect(),
        ..Service::default()
    }
}

/// `name[:condition[:restart]]`. The label does not say whether the dependency is required; it is, like in a file that says
/// nothing: a dependent must not start after a job that failed only because nobody has the file.
fn dependency(text: &str) -> Option<(String, Dependency)> {
    let mut parts = text.split(':');
    let name = parts.next().filter(|name| !name.is_empty())?;
    let condition = match parts.next() {
        Some("service_healthy") => Condition::ServiceHealthy,
        Some("service_completed_successfully") => Condition::ServiceCompletedSuccessfully,
        _ => Condition::ServiceStarted,
    };
    let restart = parts.next() != Some("false");
    Some((name.to_owned(), Dependency { condition, restart, required: true }))
}

fn resources(model: &mut Project, observed: &Observed) {
    let own = |labels: &std::collections::BTreeMap<String, String>| labels.get(labels::PROJECT) == Some(&model.name);
    let networks = observed.networks.iter().filter(|live| own(&live.labels)).map(|live| {
        let key = live.labels.get(labels::NETWORK).unwrap_or(&live.name).clone();
        (key, Network { name: live.name.clone(), driver: live.driver.clone(), ..Network::default() })
    });
    let networks = networks.collect();
    let volumes =
        observed.volumes.iter().filter(|live| own(&live.labels) && !live.labels.contains_key(labels::LEDGER_DATASET));
    let volumes = volumes.map(|live| {
        let key = live.labels.get(labels::VOLUME).unwrap_or(&live.name).clone();
        (key, Volume { name: live.name.clone(), driver: live.driver.clone(), ..Volume::default() })
    });
    model.volumes = volumes.collect();
    model.networks = networks;
}
