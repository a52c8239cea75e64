//! `up` and `create`: images, networks, volumes, containers, hooks, probes and loads of all services as one graph.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use windlass_model::Project;
use windlass_model::project::Service;
use windlass_model::windlass::Stage;

use crate::containers::converge::Converge;
use crate::containers::give_back::give_back;
use crate::containers::images_first::images_first;
use crate::containers::parts::Parts;
use crate::containers::resources::Scope;
use crate::containers::restore::restore;
use crate::containers::{claims, joins, leftovers, live, volumes};
use crate::error::{PlanError, PlanResult};
use crate::graph::Builder;
use crate::graph::select;
use crate::lifecycle::Lifecycle;
use crate::lifecycle::hooks::project_hooks;
use crate::observed::Observed;
use crate::options::UpOptions;
use crate::step::{Plan, StepId};

/// `up`, `create`: images, networks, volumes, containers, hooks, probes and loads as one graph.
///
/// # Errors
/// When the options name what the model does not have, or the model needs what the engine does not have.
pub fn up(project: &Project, observed: &Observed, options: &UpOptions) -> PlanResult<Plan> {
    let all_observed = observed;
    let stripped = leftovers::without(observed);
    let observed = stripped.as_ref().unwrap_or(observed);
    let mut builder = Builder::new(&project.name);
    let targets = select::targets(&project.services, &options.targets)?;
    if let Some(unknown) = options.scale.keys().find(|name| !project.services.contains_key(*name)) {
        return Err(PlanError::NoSuchService(unknown.clone()));
    }
    let chosen = if options.no_deps { targets.clone() } else { select::with_dependencies(&project.services, &targets) };
    let drawn_in = volumes::drawn_in(project, observed, options, &chosen);
    let live = live::replicas(observed);
    let all: BTreeSet<&str> = chosen.iter().copied().chain(drawn_in.iter().map(String::as_str)).collect();
    let as_found = |service: &Arc<Service>| {
        let found = live.get(service.name.as_str()).map_or(0, Vec::len);
        let wanted = scaled(service, options).replicas();
        with_scale(service, u32::try_from(found).ok().map(|found| found.min(wanted)))
    };
    let services = select::order(&project.services, &all)?
        .into_iter()
        .map(|service| if drawn_in.contains(&service.name) { as_found(service) } else { scaled(service, options) });
    let services: Vec<Arc<Service>> = services.collect();
    services.iter().try_for_each(|service| supported(service))?;
    claims::hold(&mut builder, project, observed);
    let left = leftovers::remove(&mut builder, project, all_observed, &chosen);
    builder.set_root(left);
    let before = project_hooks(&mut builder, project, Stage::PreUp, options.no_start);
    if !before.is_empty() {
        builder.set_root(before);
    }
    let cut_off = joins::cut_off(project, observed, &services, options.remove_orphans);
    let scope = Scope { project, observed, options, services: &services, cut_off: &cut_off };
    let parts = Parts::plan(&mut builder, &scope)?;
    let mut converge = Converge {
        project,
        observed,
        options,
        targets: &targets,
        planned: &services,
        cut_off: &cut_off,
        drawn_in: &drawn_in,
        parts,
        live,
        peers: BTreeMap::new(),
        settled: BTreeSet::new(),
    };
    let ups = services_up(&mut builder, &mut converge, &services)?;
    orphans(&mut builder, &mut converge);
    restore(&converge, &mut builder, &ups)?;
    images_first(builder.plan());
    if !options.no_start {
        let everything = builder.all().collect();
        builder.set_root(everything);
        project_hooks(&mut builder, project, Stage::PostUp, false);
    }
    builder.finish()
}

/// Returns the steps after which services are UP.
fn services_up(
    builder: &mut Builder,
    converge: &mut Converge<'_>,
    services: &[Arc<Service>],
) -> PlanResult<BTreeMap<String, Vec<StepId>>> {
    let chosen: BTreeSet<&str> = services.iter().map(|service| service.name.as_str()).collect();
    let mut lifecycle = Lifecycle::new(converge.project, converge.observed, chosen);
    lifecycle.completions = completions(services);
    for service in services {
        let mut replicas = converge.service(builder, service)?;
        // One that stays may never have run, and its network may be gone since it was made.
        for replica in replicas.iter_mut().filter(|replica| replica.fresh.is_none()) {
            replica.needs.extend(converge.parts.resources.ready(service));
        }
        replicas.iter_mut().for_each(|replica| give_back(converge, builder, service, replica));
        if !converge.options.no_start {
            lifecycle.service(builder, service, replicas);
        }
    }
    if converge.options.wait && !converge.options.no_start {
        lifecycle.wait(builder);
    }
    Ok(lifecycle.ups())
}

/// Services that others want to see completed.
pub(crate) fn completions<'a>(services: impl IntoIterator<Item = &'a Arc<Service>>) -> BTreeSet<String> {
    let edges = services.into_iter().flat_map(|service| &service.depends_on);
    let completed =
        edges.filter(|(_, edge)| edge.condition == windlass_model::project::Condition::ServiceCompletedSuccessfully);
    completed.map(|(name, _)| name.clone()).collect()
}

fn scaled(service: &Arc<Service>, options: &UpOptions) -> Arc<Service> {
    with_scale(service, options.scale.get(&service.name).copied().or(service.scale))
}

/// The service in that many replicas; the same one where it says so itself.
fn with_scale(service: &Arc<Service>, scale: Option<u32>) -> Arc<Service> {
    let mut scaled = Arc::clone(service);
    if scaled.scale != scale {
        Arc::make_mut(&mut scaled).scale = scale;
    }
    scaled
}

fn supported(service: &Service) -> PlanResult<()> {
    let unsupported = |attribute| Err(PlanError::Unsupported { service: service.name.clone(), attribute });
    if service.provider.is_some() {
        return unsupported("provider");
    }
    if !service.models.is_empty() {
        return unsupported("models");
    }
    if !service.container_name.is_empty() && service.replicas() > 1 {
        return Err(PlanError::FixedNameScaled {
            service: service.name.clone(),
            name: service.container_name.clone(),
            replicas: service.replicas(),
        });
    }
    Ok(())
}

fn orphans(builder: &mut Builder, converge: &mut Converge<'_>) {
    let (observed, options) = (converge.observed, converge.options);
    let orphans: Vec<_> = live::orphans(converge.project, observed)
        .filter(|orphan| !converge.parts.resources.removed.contains_key(&orphan.id))
        .collect();
    if options.remove_orphans {
        for orphan in orphans {
            converge.settled.insert(orphan.id.clone());
            let service = Service { name: orphan.service().to_owned(), ..Service::default() };
            converge.retire(builder, &service, orphan, ("orphan: its service is not in the model", true));
        }
    } else if !options.ignore_orphans && !orphans.is_empty() {
        let names: Vec<&str> = orphans.iter().map(|container| container.name.as_str()).collect();
        builder.warn(live::orphan_warning(&names));
    }
}
