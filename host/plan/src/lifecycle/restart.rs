//! `start` and `restart`: containers stay what they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use windlass_model::Project;
use windlass_model::project::{Condition, Dependency, Service};

use crate::containers::claims;
use crate::containers::converge::Replica;
use crate::containers::live;
use crate::containers::spec;
use crate::containers::start::{Start, start_of};
use crate::error::{PlanError, PlanResult};
use crate::graph::select;
use crate::graph::{Builder, Draft};
use crate::lifecycle::{Lifecycle, after_start};
use crate::observed::{Container, Observed};
use crate::options::{RestartOptions, StartOptions};
use crate::step::{Action, Plan};
use crate::teardown::before_stop;
use crate::up::completions;

/// `start`.
///
/// # Errors
/// When the options name a service that the model does not have, or one without containers.
pub fn start(project: &Project, observed: &Observed, options: &StartOptions) -> PlanResult<Plan> {
    let mut builder = Builder::new(&project.name);
    let targets = select::targets(&project.services, &options.targets)?;
    let chosen = select::with_dependencies(&project.services, &targets);
    let services = select::order(&project.services, &chosen)?;
    let mut live = live::replicas(observed);
    claims::hold(&mut builder, project, observed);
    let mut lifecycle = Lifecycle::new(project, observed, chosen);
    lifecycle.completions = completions(services.iter().copied());
    for service in services {
        let containers = live.remove(service.name.as_str()).unwrap_or_default();
        if containers.is_empty() && service.replicas() > 0 && targets.contains(service.name.as_str()) {
            return Err(PlanError::NothingToStart(service.name.clone()));
        }
        let replicas: PlanResult<Vec<Replica>> =
            containers.into_iter().map(|container| kept(&mut builder, project, service, container)).collect();
        lifecycle.service(&mut builder, service, replicas?);
    }
    if options.wait {
        lifecycle.wait(&mut builder);
    }
    builder.finish()
}

fn kept(
    builder: &mut Builder,
    project: &Project,
    service: &Arc<Service>,
    container: &Container,
) -> PlanResult<Replica> {
    let (start, cause) = start_of(container);
    let mut spec = spec::container(project, service, container.number(), BTreeMap::new(), None)?;
    spec.container = container.reference();
    let takes = claims::at_start(&spec, true);
    Ok(Replica {
        container: container.reference(),
        needs: Vec::new(),
        start,
        spec: Arc::new(spec),
        cause,
        fresh: None,
        previous: Some(container.id.clone()),
        unit: builder.unit_of(&container.id),
        takes,
    })
}

/// `restart`: in dependency order along `restart: true` and along conditions, with the hooks of both ends, and ready at the end.
/// A container whose condition does not come about is left as it is: it runs on, or goes on not to run.
///
/// # Errors
/// When the options name a service that the model does not have.
pub fn restart(project: &Project, observed: &Observed, options: &RestartOptions) -> PlanResult<Plan> {
    let mut builder = Builder::new(&project.name);
    let targets = select::targets(&project.services, &options.targets)?;
    let follow = !options.no_deps;
    let chosen = select::with_dependents(&project.services, &targets, |edge| follow && edge.restart);
    let mut live = live::replicas(observed);
    let dependencies = if follow { chosen.clone() } else { BTreeSet::new() };
    let mut lifecycle = Lifecycle::new(project, observed, dependencies);
    for service in select::order(&project.services, &chosen)? {
        let containers = live.remove(service.name.as_str()).unwrap_or_default();
        // A dependency that only has to be started is started: nobody waits for its restart unless he says so.
        let waits = |edge: &Dependency| edge.restart || edge.condition != Condition::ServiceStarted;
        let gates = lifecycle.gates_along(&mut builder, service, waits);
        let mut replicas = Vec::new();
        for container in containers {
            // Nothing is drained for a restart that may not come.
            let mut needs = before_stop(&mut builder, service, container, gates.clone());
            needs.extend(&gates.needs);
            let action = Action::RestartContainer { container: container.reference(), timeout: options.timeout };
            let draft = Draft::new(action, "restart").of(&service.name).needs(needs);
            let restarted = builder.push(draft.after(gates.after.iter().copied()));
            let reference = container.reference();
            let needs = after_start(&mut builder, service, &reference, (restarted, None));
            replicas.push(Replica { needs, start: Start::Runs, ..kept(&mut builder, project, service, container)? });
        }
        lifecycle.service(&mut builder, service, replicas);
    }
    builder.finish()
}
