//! `up` and `create`: images, networks, volumes, containers, hooks, probes and loads of all services as one graph.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use windlass_model::Project;
use windlass_model::project::Service;
use windlass_model::windlass::{Hook, OnFailure, Stage};

use crate::containers::converge::Converge;
use crate::containers::images::{ImageOptions, ImagePlanner, Images};
use crate::containers::live;
use crate::containers::resources::{self, ResourcePlanner, Resources};
use crate::error::{PlanError, PlanResult};
use crate::graph::select;
use crate::graph::{Builder, Draft};
use crate::lifecycle::Lifecycle;
use crate::observed::Observed;
use crate::options::UpOptions;
use crate::step::{Action, Plan, StepId};

/// `up`, `create`: images, networks, volumes, containers, hooks, probes and loads as one graph.
///
/// # Errors
/// When the options name what the model does not have, or the model needs what the engine does not have.
pub fn up(project: &Project, observed: &Observed, options: &UpOptions) -> PlanResult<Plan> {
    let mut builder = Builder::new(&project.name);
    let targets = select::targets(&project.services, &options.targets)?;
    let chosen = if options.no_deps { targets.clone() } else { select::with_dependencies(&project.services, &targets) };
    let services: Vec<Service> =
        select::order(&project.services, &chosen)?.into_iter().map(|service| scaled(service, options)).collect();
    let services: Vec<&Service> = services.iter().collect();
    services.iter().try_for_each(|service| supported(service))?;
    let before = project_hooks(&mut builder, project, Stage::PreUp, options.no_start);
    builder.set_root(before);
    let parts = Parts::plan(&mut builder, project, observed, options, &services)?;
    let live = live::replicas(observed);
    let converge = Converge { project, observed, options, targets: &targets, parts, live, peers: BTreeMap::new() };
    services_up(&mut builder, converge, &services)?;
    orphans(&mut builder, project, observed, options);
    if !options.no_start {
        let everything = builder.all().collect();
        builder.set_root(everything);
        project_hooks(&mut builder, project, Stage::PostUp, false);
    }
    Ok(builder.finish())
}

/// What services share: images, networks and volumes.
pub(crate) struct Parts {
    pub(crate) images: Images,
    pub(crate) resources: Resources,
}

impl Parts {
    fn plan(
        builder: &mut Builder,
        project: &Project,
        observed: &Observed,
        options: &UpOptions,
        services: &[&Service],
    ) -> PlanResult<Self> {
        let image_options = ImageOptions {
            build: options.build,
            build_options: &options.build_options,
            pull: options.pull.as_deref(),
            now: options.now,
        };
        let images = ImagePlanner { project, observed, options: image_options, images: Images::default() };
        let images = images.all(builder, services)?;
        let resources = ResourcePlanner { project, observed, options, resources: Resources::default() };
        let resources = resources.all(builder, services)?;
        Ok(Self { images, resources })
    }
}

fn services_up(builder: &mut Builder, mut converge: Converge<'_>, services: &[&Service]) -> PlanResult<()> {
    let chosen: BTreeSet<&str> = services.iter().map(|service| service.name.as_str()).collect();
    let mut lifecycle = Lifecycle::new(converge.project, converge.observed, chosen);
    lifecycle.completions = completions(services);
    for service in services {
        let service = Arc::new((*service).clone());
        let replicas = converge.service(builder, &service)?;
        if !converge.options.no_start {
            lifecycle.service(builder, &service, replicas);
        }
    }
    if converge.options.wait && !converge.options.no_start {
        lifecycle.wait(builder);
    }
    Ok(())
}

/// Services that others want to see completed.
pub(crate) fn completions(services: &[&Service]) -> BTreeSet<String> {
    let edges = services.iter().flat_map(|service| &service.depends_on);
    let completed =
        edges.filter(|(_, edge)| edge.condition == windlass_model::project::Condition::ServiceCompletedSuccessfully);
    completed.map(|(name, _)| name.clone()).collect()
}

fn scaled(service: &Service, options: &UpOptions) -> Service {
    let scale = options.scale.get(&service.name).copied().or(service.scale);
    Service { scale, ..service.clone() }
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

/// Hooks around the whole project, one after another. A failure before `up` is an error, any other a warning.
pub(crate) fn project_hooks(builder: &mut Builder, project: &Project, stage: Stage, skip: bool) -> Vec<StepId> {
    let hooks = project.windlass.hooks.get(&stage).filter(|_| !skip);
    let mut last: Vec<StepId> = Vec::new();
    for hook in hooks.into_iter().flatten() {
        let optional = hook.on_failure == OnFailure::Warn || stage.entry().only_warns;
        let action = Action::PluginHook { stage, hook: Arc::new(hook.clone()), container: None };
        let draft = Draft::new(action, stage_cause(stage, hook)).needs(last).optional(optional);
        last = vec![builder.push(draft)];
    }
    last
}

/// Why a plugin is called.
pub(crate) fn stage_cause(stage: Stage, hook: &Hook) -> String {
    let target = hook.target.as_ref().map(|target| format!(" for {target}")).unwrap_or_default();
    format!("{stage} hook{target}")
}

fn orphans(builder: &mut Builder, project: &Project, observed: &Observed, options: &UpOptions) {
    let orphans: Vec<_> = live::orphans(project, observed).collect();
    if options.remove_orphans {
        for orphan in orphans {
            resources::remove(builder, orphan, options.timeout, "orphan: its service is not in the model");
        }
    } else if !options.ignore_orphans && !orphans.is_empty() {
        let names: Vec<&str> = orphans.iter().map(|container| container.name.as_str()).collect();
        builder.warn(live::orphan_warning(&names));
    }
}
