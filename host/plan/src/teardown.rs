//! `down`, `stop`, `kill`, `rm`: dependents before what they depend on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use windlass_model::Project;
use windlass_model::project::Service;
use windlass_model::windlass::Stage;

use crate::containers::live;
use crate::error::PlanResult;
use crate::graph::select;
use crate::graph::{Builder, Draft};
use crate::labels;
use crate::ledger::{self, Place};
use crate::lifecycle::Gates;
use crate::lifecycle::hooks::{Place as HookPlace, project_hooks, stage_hooks};
use crate::observed::{self, Container, ContainerState, Observed};
use crate::options::{DownOptions, KillOptions, RemoveImages, RemoveOptions, StopOptions};
use crate::step::{Action, ContainerRef, Guard, Plan, StepId, StopTimeout};

/// `down`.
///
/// # Errors
/// When the options name a service that the model does not have.
pub fn down(project: &Project, observed: &Observed, options: &DownOptions) -> PlanResult<Plan> {
    let mut builder = Builder::new(&project.name);
    let targets = select::targets(&project.services, &options.targets)?;
    let chosen = select::with_dependents(&project.services, &targets, |_| true);
    let removal = Removal { stop: true, remove: true, volumes: options.volumes, timeout: options.timeout };
    let whole = options.targets.is_empty();
    if whole {
        let before = project_hooks(&mut builder, project, Stage::PreDown, false);
        builder.set_root(before);
    }
    let mut gone = services_down(&mut builder, project, observed, (&chosen, &removal))?;
    gone.extend(orphans_down(&mut builder, project, observed, (options, &removal)));
    gone.extend(hook_containers(&mut builder, observed, &chosen));
    networks(&mut builder, project, observed, (&chosen, &gone));
    volumes(&mut builder, project, observed, (options, &gone));
    images_down(&mut builder, project, observed, (options, &chosen, &gone));
    if builder.plan().steps.is_empty() && whole {
        builder.warn(format!("No resource found to remove for project {:?}.", project.name));
    } else if whole {
        post_down(&mut builder, project);
    }
    builder.finish()
}

fn post_down(builder: &mut Builder, project: &Project) {
    let everything: Vec<StepId> = builder.all().collect();
    let mut last = Vec::new();
    for hook in project.windlass.hooks.get(&Stage::PostDown).into_iter().flatten() {
        let action = Action::PluginHook { stage: Stage::PostDown, hook: Arc::new(hook.clone()), container: None };
        let draft = Draft::new(action, "post-down hook").after(everything.iter().copied()).after(last).optional(true);
        last = vec![builder.push(draft)];
    }
}

/// `stop`.
///
/// # Errors
/// When the options name a service that the model does not have.
pub fn stop(project: &Project, observed: &Observed, options: &StopOptions) -> PlanResult<Plan> {
    let mut builder = Builder::new(&project.name);
    let chosen = select::targets(&project.services, &options.targets)?;
    let removal = Removal { stop: true, remove: false, volumes: false, timeout: options.timeout };
    services_down(&mut builder, project, observed, (&chosen, &removal))?;
    builder.finish()
}

/// `rm`: containers that do not run; with [`RemoveOptions::stop`] the others are stopped first.
///
/// # Errors
/// When the options name a service that the model does not have.
pub fn rm(project: &Project, observed: &Observed, options: &RemoveOptions) -> PlanResult<Plan> {
    let mut builder = Builder::new(&project.name);
    let chosen = select::targets(&project.services, &options.targets)?;
    let removal = Removal { stop: options.stop, remove: true, volumes: options.volumes, timeout: None };
    services_down(&mut builder, project, observed, (&chosen, &removal))?;
    builder.finish()
}

/// `kill`: running containers at once, one-off ones too.
///
/// # Errors
/// When the options name a service that the model does not have.
pub fn kill(project: &Project, observed: &Observed, options: &KillOptions) -> PlanResult<Plan> {
    let mut builder = Builder::new(&project.name);
    let chosen = select::targets(&project.services, &options.targets)?;
    let signal = if options.signal.is_empty() { "SIGKILL" } else { &options.signal };
    let known = |name: &str| project.services.contains_key(name) || project.disabled_services.contains_key(name);
    let wanted = observed.containers.iter().filter(|container| {
        let orphan = options.remove_orphans && options.targets.is_empty() && !known(container.service());
        container.is_up() && (chosen.contains(container.service()) || orphan)
    });
    for container in wanted {
        let action = Action::KillContainer { container: container.reference(), signal: signal.to_owned() };
        builder.push(Draft::new(action, "kill").of(container.service()));
    }
    builder.finish()
}

/// What happens to a container.
struct Removal {
    stop: bool,
    remove: bool,
    volumes: bool,
    timeout: Option<StopTimeout>,
}

/// Containers of services, each after those of its dependents, whatever came of them. Returns the last steps.
fn services_down(
    builder: &mut Builder,
    project: &Project,
    observed: &Observed,
    (chosen, removal): (&BTreeSet<&str>, &Removal),
) -> PlanResult<Vec<StepId>> {
    let mut live = live::replicas(observed);
    let order = select::order(&project.services, chosen)?;
    let mut ends: BTreeMap<&str, Vec<StepId>> = BTreeMap::new();
    let dependents = dependents(&order);
    for service in order.into_iter().rev() {
        let above = dependents.get(service.name.as_str()).into_iter().flatten();
        let after: Vec<StepId> = above.flat_map(|name| ends.get(name).cloned().unwrap_or_default()).collect();
        let containers = live.remove(service.name.as_str()).unwrap_or_default();
        let steps =
            containers.into_iter().flat_map(|container| container_down(builder, service, container, (removal, &after)));
        let mut own: Vec<StepId> = steps.collect();
        if own.is_empty() {
            // Nothing of its own to wait for: those below wait for what is above.
            own = after;
        }
        ends.insert(&service.name, own);
    }
    Ok(ends.into_values().flatten().collect::<BTreeSet<_>>().into_iter().collect())
}

fn dependents<'a>(order: &[&'a Arc<Service>]) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut dependents: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for service in order {
        let declared = service.depends_on.keys().map(String::as_str);
        for dependency in declared.chain(select::peers(service)) {
            dependents.entry(dependency).or_default().push(&service.name);
        }
    }
    dependents
}

/// Hooks, stop, hooks, removal; returns the last step, if anything is to be done.
fn container_down(
    builder: &mut Builder,
    service: &Service,
    container: &Container,
    (removal, after): (&Removal, &[StepId]),
) -> Option<StepId> {
    let reference = container.reference();
    let up = container.is_up();
    if up && !removal.stop {
        return None;
    }
    let after = after.iter().copied();
    let mut needs: Vec<StepId> = Vec::new();
    if up {
        needs = before_stop(builder, service, container, Gates { needs: Vec::new(), after: after.clone().collect() });
        let stop = Action::StopContainer { container: reference.clone(), timeout: removal.timeout };
        needs = vec![
            builder.push(Draft::new(stop, state_cause(container)).of(&service.name).needs(needs).after(after.clone())),
        ];
        needs =
            stage_hooks(builder, (service, Stage::PostStop), &reference, HookPlace { needs, ..HookPlace::default() });
    }
    if removal.remove {
        let remove = Action::RemoveContainer { container: reference, volumes: removal.volumes, force: true };
        let draft = Draft::new(remove, state_cause(container)).of(&service.name).needs(needs).after(after);
        needs = vec![builder.push(draft)];
    }
    needs.last().copied()
}

/// Compose's `pre_stop`, then plugins. A container that does not really run (paused, restarting) takes no command.
pub(crate) fn before_stop(
    builder: &mut Builder,
    service: &Service,
    container: &Container,
    gates: Gates,
) -> Vec<StepId> {
    if container.state != ContainerState::Running {
        return Vec::new();
    }
    let Gates { mut needs, after } = gates;
    for hook in &service.pre_stop {
        let action =
            Action::ExecHook { kind: "pre_stop", hook: Arc::new(hook.clone()), container: container.reference() };
        let draft = Draft::new(action, "pre_stop of the service").of(&service.name);
        needs = vec![builder.push(draft.needs(needs).after(after.iter().copied()))];
    }
    plugin_hooks(builder, service, &container.reference(), Gates { needs, after })
}

fn plugin_hooks(builder: &mut Builder, service: &Service, container: &ContainerRef, gates: Gates) -> Vec<StepId> {
    let Gates { mut needs, after } = gates;
    for hook in service.windlass.hooks.get(&Stage::PreStop).into_iter().flatten() {
        let action = Action::PluginHook {
            stage: Stage::PreStop,
            hook: Arc::new(hook.clone()),
            container: Some(container.clone()),
        };
        let draft = Draft::new(action, "pre-stop hook").of(&service.name).optional(true);
        needs = vec![builder.push(draft.needs(needs).after(after.iter().copied()))];
    }
    needs
}

fn state_cause(container: &Container) -> &'static str {
    match container.state {
        ContainerState::Created => "container is not started",
        ContainerState::Running => "container runs",
        ContainerState::Paused => "container is paused",
        ContainerState::Restarting => "container restarts",
        ContainerState::Removing | ContainerState::Dead => "container is dead",
        ContainerState::Exited => "container has exited",
    }
}

fn orphans_down(
    builder: &mut Builder,
    project: &Project,
    observed: &Observed,
    (options, removal): (&DownOptions, &Removal),
) -> Vec<StepId> {
    let known = |name: &str| project.services.contains_key(name) || project.disabled_services.contains_key(name);
    let orphans: Vec<&Container> = observed
        .containers
        .iter()
        .filter(|container| container.is_one_off() || (container.is_replica() && !known(container.service())))
        .collect();
    if options.remove_orphans {
        let nameless = Service::default();
        let remove = |container| container_down(builder, &nameless, container, (removal, &[]));
        return orphans.into_iter().filter_map(remove).collect();
    }
    let left: Vec<&str> = orphans.iter().filter(|found| found.is_replica()).map(|found| found.name.as_str()).collect();
    if !left.is_empty() && !options.ignore_orphans {
        builder.warn(live::orphan_warning(&left));
    }
    Vec::new()
}

/// Containers of `pre_start` entries that failed and were kept.
fn hook_containers(builder: &mut Builder, observed: &Observed, chosen: &BTreeSet<&str>) -> Vec<StepId> {
    let kept = observed
        .containers
        .iter()
        .filter(|container| container.labels.contains_key(labels::HOOK) && chosen.contains(container.service()));
    kept.map(|container| {
        let action = Action::RemoveContainer { container: container.reference(), volumes: true, force: true };
        builder.push(Draft::new(action, "container of a hook").of(container.service()))
    })
    .collect()
}

/// The project's networks that no service uses that stays.
fn networks(
    builder: &mut Builder,
    project: &Project,
    observed: &Observed,
    (chosen, gone): (&BTreeSet<&str>, &[StepId]),
) {
    let staying = project.services.values().filter(|service| !chosen.contains(service.name.as_str()));
    let kept: BTreeSet<&str> = staying.flat_map(|service| service.networks.keys().map(String::as_str)).collect();
    for (key, network) in &project.networks {
        let own = observed
            .networks
            .iter()
            .filter(|live| live.name == network.name && live.labels.get(labels::PROJECT) == Some(&project.name));
        if network.external || kept.contains(key.as_str()) {
            continue;
        }
        for live in own {
            let action = Action::RemoveNetwork { id: live.id.clone(), name: live.name.clone() };
            let draft = Draft::new(action, "no container is left").after(gone.iter().copied()).optional(true);
            builder.push(draft);
        }
    }
}

/// With `-v` the model's volumes; and always the markers of the ledger whose data goes, after it is gone: a marker without
/// its data says nothing, but data without its marker would be loaded again, over what the application has written.
fn volumes(builder: &mut Builder, project: &Project, observed: &Observed, (options, gone): (&DownOptions, &[StepId])) {
    if !options.targets.is_empty() {
        return;
    }
    let named: BTreeSet<&str> = project
        .volumes
        .values()
        .filter(|volume| options.volumes && !volume.external)
        .map(|volume| volume.name.as_str())
        .collect();
    let (markers, data): (Vec<_>, Vec<_>) =
        observed.volumes.iter().partition(|live| live.labels.contains_key(labels::LEDGER_DATASET));
    let mut before = gone.to_vec();
    for live in data.iter().filter(|live| named.contains(live.name.as_str())) {
        let action = Action::RemoveVolume { name: live.name.clone() };
        before.push(builder.push(Draft::new(action, "--volumes").after(gone.iter().copied()).optional(true)));
    }
    for live in markers {
        let Some((cause, volumes)) = marker_goes(live, &named, options.volumes) else { continue };
        let action = Action::RemoveVolume { name: live.name.clone() };
        let guard = (!volumes.is_empty()).then_some(Guard::VolumesGone { volumes });
        let draft = Draft::new(action, cause).guard(guard).after(before.iter().copied());
        builder.push(draft.optional(true));
    }
}

/// Why a marker goes, and which volumes must be gone before; `None`: its data stays.
fn marker_goes(
    marker: &observed::Volume,
    named: &BTreeSet<&str>,
    anonymous: bool,
) -> Option<(&'static str, Vec<String>)> {
    let place = marker.labels.get(labels::LEDGER_TARGET).and_then(|target| Place::parse(target));
    // Nobody can read it: it is in the way at most, and goes with the rest.
    let Some(place) = place else { return anonymous.then_some(("--volumes: ledger of loads", Vec::new())) };
    if place.ends_with_container() {
        return Some(("its container is removed", Vec::new()));
    }
    let volumes = place.volumes();
    // Those that nobody named go with their containers.
    let going: Vec<String> =
        volumes.iter().filter(|name| named.contains(*name)).map(|name| (*name).to_owned()).collect();
    let goes = !going.is_empty() || (anonymous && volumes.iter().any(|name| ledger::is_anonymous(name)));
    goes.then_some(("--volumes: ledger of loads", going))
}

fn images_down(
    builder: &mut Builder,
    project: &Project,
    observed: &Observed,
    (options, chosen, gone): (&DownOptions, &BTreeSet<&str>, &[StepId]),
) {
    let Some(which) = options.images else { return };
    let services = project.services.values().filter(|service| chosen.contains(service.name.as_str()));
    let local = |service: &Service| service.image.is_empty() || is_own(project, observed, service);
    let wanted: BTreeSet<String> = services
        // An image with a name in the file may be anybody's, unless its label says that it was built for this project.
        .filter(|service| which == RemoveImages::All || local(service))
        .map(|service| (project.image_of(service), project.platform_of(service)))
        .filter(|(image, platform)| observed.images.contains(image, platform))
        .map(|(image, _)| image)
        .collect();
    for image in wanted {
        let cause = if which == RemoveImages::All { "--rmi all" } else { "--rmi local" };
        let draft = Draft::new(Action::RemoveImage { image }, cause).after(gone.iter().copied()).optional(true);
        builder.push(draft);
    }
}

/// The image was built for this project.
fn is_own(project: &Project, observed: &Observed, service: &Service) -> bool {
    let image = observed.images.get(&project.image_of(service), project.platform_of(service));
    image.is_some_and(|image| image.labels.get(labels::PROJECT) == Some(&project.name))
}
