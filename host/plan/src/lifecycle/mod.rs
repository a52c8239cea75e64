//! From a container that exists to a service that is UP: gates, hooks, start, probe, loads.

mod catalogue;
pub(crate) mod hooks;
pub(crate) mod restart;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use windlass_model::Project;
use windlass_model::project::{Condition, Dependency, Service};
use windlass_model::windlass::{LoadWhen, OnFailure, Probe, Stage};

use crate::containers::converge::Replica;
use crate::containers::spec;
use crate::containers::start::Start;
use crate::graph::{Builder, Draft, Rank, Role};
use crate::labels;
use crate::ledger::Slot;
use crate::lifecycle::hooks::{Place, stage_hooks};
use crate::observed::Observed;
use crate::step::{Action, ContainerRef, Guard, StepId};

/// Plans what follows creation, service by service, dependencies first.
pub(crate) struct Lifecycle<'a> {
    project: &'a Project,
    observed: &'a Observed,
    /// Services of this plan.
    chosen: BTreeSet<&'a str>,
    /// Services that others want to see completed.
    pub(crate) completions: BTreeSet<String>,
    states: BTreeMap<String, State>,
}

/// What dependents of a planned service need to know.
#[derive(Debug, Default)]
struct State {
    /// Steps after which it is UP; none: it is.
    up: Vec<StepId>,
    containers: Vec<ContainerRef>,
    probed: bool,
}

/// What a start has to wait for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gates {
    /// Steps that must succeed.
    pub(crate) needs: Vec<StepId>,
    /// Steps that must end, in whatever way.
    pub(crate) after: Vec<StepId>,
}

impl<'a> Lifecycle<'a> {
    pub(crate) fn new(project: &'a Project, observed: &'a Observed, chosen: BTreeSet<&'a str>) -> Self {
        Self { project, observed, chosen, completions: BTreeSet::new(), states: BTreeMap::new() }
    }

    /// Plans all replicas of a service; returns what to wait for until it is UP.
    pub(crate) fn service(
        &mut self,
        builder: &mut Builder,
        service: &Arc<Service>,
        replicas: Vec<Replica>,
    ) -> Vec<StepId> {
        let starts = replicas.iter().any(|replica| replica.start != Start::Runs);
        let gates = if starts { self.gates(builder, service) } else { Gates::default() };
        let hooked = pre_start_containers(builder, service, &replicas, &gates);
        let mut started = Vec::new();
        for replica in &replicas {
            let mut gates = gates.clone();
            gates.needs.extend(&hooked);
            gates.needs.extend(self.files(builder, service, replica));
            let steps = start(builder, service, replica, gates);
            started.push(self.loaders(builder, service, replica, steps));
        }
        let probe = self.probe(builder, service, starts);
        let mut up: Vec<StepId> = started.iter().flatten().copied().collect();
        let mut ready = started.clone();
        if let Some(probe) = &probe {
            for (replica, needs) in replicas.iter().zip(&mut ready) {
                *needs = vec![probe_step(builder, service, probe, (replica, needs.clone()))];
                up.extend(needs.iter());
            }
        }
        up.extend(self.loads(builder, service, &replicas, (&ready, probe.is_some())));
        if !up.is_empty() {
            let marker = Draft::new(Action::Up, up_cause(service, probe.is_some())).of(&service.name);
            up = vec![builder.push(marker.needs(up))];
        }
        let containers = replicas.into_iter().map(|replica| replica.container).collect();
        self.states.insert(service.name.clone(), State { up: up.clone(), containers, probed: probe.is_some() });
        up
    }

    /// Secrets and configs of the model for a container that exists already: it may never have had them, or older ones.
    fn files(&self, builder: &mut Builder, service: &Service, replica: &Replica) -> Option<StepId> {
        // A new one has them since it was made; with a guard it may be the old one that starts.
        let new = replica.fresh.as_ref().is_some_and(|reason| reason.guard.is_none());
        if matches!(replica.start, Start::Runs | Start::Unpause) || new {
            return None;
        }
        let files = Some(spec::injected_files(self.project, service)).filter(|files| !files.is_empty())?;
        let action = Action::InjectFiles { container: replica.container.clone(), files };
        let draft = Draft::new(action, "secrets and configs of the model").of(&service.name);
        let draft = draft.unit(replica.unit, Role::Change);
        Some(builder.push(draft.guard(replica.start.guard()).needs(replica.needs.iter().copied())))
    }

    /// What the service's dependencies must have come to.
    fn gates(&self, builder: &mut Builder, service: &Service) -> Gates {
        self.gates_along(builder, service, |_| true)
    }

    /// What those dependencies must have come to whose edges `follow` admits.
    pub(crate) fn gates_along(
        &self,
        builder: &mut Builder,
        service: &Service,
        follow: impl Fn(&Dependency) -> bool,
    ) -> Gates {
        let mut gates = Gates::default();
        for (name, edge) in service.depends_on.iter().filter(|(_, edge)| follow(edge)) {
            let Some(state) = self.states.get(name).filter(|_| self.chosen.contains(name.as_str())) else { continue };
            // Scaled to nothing: nobody is there to wait for.
            if state.containers.is_empty() {
                continue;
            }
            // A probe says more than the engine's health check, and its step is among those after which the service is UP.
            let waits = edge.condition == Condition::ServiceCompletedSuccessfully
                || (edge.condition == Condition::ServiceHealthy && !state.probed);
            if waits {
                let step = builder.push(await_step(service, name, edge, state));
                gates.needs.push(step);
            }
            // What is not required may fail, so its steps are waited for, not counted on.
            if edge.required {
                gates.needs.extend(&state.up);
            } else {
                gates.after.extend(&state.up);
            }
        }
        gates
    }

    /// The declared probe, or one from the catalogue.
    fn probe(&self, builder: &mut Builder, service: &Service, starts: bool) -> Option<Arc<Probe>> {
        if let Some(probe) = &service.windlass.ready {
            return Some(Arc::new(probe.clone()));
        }
        let reference = self.project.image_of(service);
        let (probe, meaning) = catalogue::infer(
            service,
            &reference,
            self.observed.images.get(&reference, self.project.platform_of(service)),
        )?;
        if starts {
            builder.inform(format!(
                "{}: ready when {meaning} (known image; `x-windlass: {{ infer: false }}` turns this off)",
                service.name
            ));
        }
        Some(Arc::new(probe))
    }

    /// Loads go into the first replica, one after another in the order written.
    fn loads(
        &self,
        builder: &mut Builder,
        service: &Arc<Service>,
        replicas: &[Replica],
        (ready, probed): (&[Vec<StepId>], bool),
    ) -> Vec<StepId> {
        let wanted: Vec<_> = service.windlass.load.iter().filter(|dataset| dataset.when != LoadWhen::Manual).collect();
        let Some(first) = replicas.first().filter(|_| !wanted.is_empty()) else { return Vec::new() };
        let mut needs: Vec<StepId> = ready.iter().flatten().copied().collect();
        // Without a probe the health check is the only one to say when data may come in.
        if !probed && self.has_healthcheck(service) {
            needs = vec![builder.push(healthy_step(service, replicas, needs))];
        }
        let mut loads = Vec::new();
        for dataset in wanted {
            let action = Action::Load { dataset: Arc::new(dataset.clone()), container: first.container.clone() };
            let draft = Draft::new(action, load_cause(dataset.when)).of(&service.name).needs(needs.clone());
            let step = builder.push(draft);
            // In the order written: a later one may build on what an earlier one loaded.
            needs.push(step);
            loads.push(step);
        }
        loads
    }

    /// Loaders under `post-start` of a container that runs: the run that started it may not have got to them, or not to
    /// their end, and dependents must not start on half of the data.
    fn loaders(
        &self,
        builder: &mut Builder,
        service: &Service,
        replica: &Replica,
        mut needs: Vec<StepId>,
    ) -> Vec<StepId> {
        let hooks = service.windlass.hooks.get(&Stage::PostStart).map(Vec::as_slice).unwrap_or_default();
        if replica.start != Start::Runs || calls_post_start(builder, &replica.container) {
            return needs;
        }
        for (index, hook) in hooks.iter().enumerate() {
            // Whether the plugin is a loader is not known before it is looked at. What gives it inputs takes it for one, and
            // so does the ledger where it was one before.
            let slot = Slot::of_hook(&self.project.name, &service.name, hooks, index);
            if hook.from.is_empty() && !slot.has_markers(&self.observed.volumes) {
                continue;
            }
            let (stage, container) = (Stage::PostStart, Some(replica.container.clone()));
            let action = Action::PluginHook { stage, hook: Arc::new(hook.clone()), container };
            let draft = Draft::new(action, load_cause(hook.when)).of(&service.name);
            needs = vec![builder.push(draft.needs(needs).optional(hook.on_failure == OnFailure::Warn))];
        }
        needs
    }

    fn has_healthcheck(&self, service: &Service) -> bool {
        let image = self.observed.images.get(&self.project.image_of(service), self.project.platform_of(service));
        match &service.healthcheck {
            Some(check) => !check.disable && check.test.first().is_none_or(|word| word != "NONE"),
            None => image.is_some_and(|image| image.has_healthcheck),
        }
    }

    /// Steps after which services are UP, by service.
    pub(crate) fn ups(&self) -> BTreeMap<String, Vec<StepId>> {
        self.states.iter().map(|(name, state)| (name.clone(), state.up.clone())).collect()
    }

    /// `--wait`: all run, and are healthy where the engine checks that; completed where somebody wants that.
    pub(crate) fn wait(&self, builder: &mut Builder) {
        for (name, state) in &self.states {
            if state.containers.is_empty() {
                continue;
            }
            let completes = self.completions.contains(name);
            let condition = if completes { Condition::ServiceCompletedSuccessfully } else { Condition::ServiceStarted };
            let action = Action::Await {
                service: name.clone(),
                condition,
                containers: state.containers.clone(),
                dependent: String::new(),
            };
            builder.push(Draft::new(action, "--wait").of(name).needs(state.up.iter().copied()));
        }
    }
}

fn await_step(service: &Service, dependency: &str, edge: &Dependency, state: &State) -> Draft {
    let action = Action::Await {
        service: dependency.to_owned(),
        condition: edge.condition,
        containers: state.containers.clone(),
        dependent: service.name.clone(),
    };
    let cause = format!("{} depends on {dependency} ({})", service.name, labels::condition_name(edge.condition));
    let draft = Draft::new(action, cause).of(&service.name).optional(!edge.required);
    if edge.required { draft.needs(state.up.iter().copied()) } else { draft.after(state.up.iter().copied()) }
}

/// Data goes into a service that is healthy, where the engine checks that and no probe says it.
fn healthy_step(service: &Service, replicas: &[Replica], needs: Vec<StepId>) -> Draft {
    let action = Action::Await {
        service: service.name.clone(),
        condition: Condition::ServiceHealthy,
        containers: replicas.iter().map(|replica| replica.container.clone()).collect(),
        dependent: service.name.clone(),
    };
    Draft::new(action, "data is loaded when the service is healthy").of(&service.name).needs(needs)
}

/// The plan calls the `post-start` hooks of the container already, because it starts it.
fn calls_post_start(builder: &mut Builder, container: &ContainerRef) -> bool {
    builder.plan().steps.iter().any(|step| {
        matches!(&step.action, Action::PluginHook { stage: Stage::PostStart, container: Some(of), .. } if of == container)
    })
}

fn load_cause(when: LoadWhen) -> &'static str {
    match when {
        LoadWhen::Once => "unless loaded before",
        LoadWhen::Changed => "unless loaded before and unchanged",
        LoadWhen::Always => "loaded at every `up`",
        LoadWhen::Manual => "asked for",
    }
}

fn up_cause(service: &Service, probed: bool) -> String {
    let loads = service.windlass.load.iter().any(|dataset| dataset.when != LoadWhen::Manual);
    match (probed, loads) {
        (false, false) => "started",
        (true, false) => "started and ready",
        (false, true) => "started and loaded",
        (true, true) => "started, ready and loaded",
    }
    .to_owned()
}

/// Compose's `pre_start`: once per service, when no replica runs, against the first replica.
fn pre_start_containers(
    builder: &mut Builder,
    service: &Arc<Service>,
    replicas: &[Replica],
    gates: &Gates,
) -> Vec<StepId> {
    let all_start = replicas.iter().all(|replica| !matches!(replica.start, Start::Runs | Start::Unpause));
    let Some(first) = replicas.first().filter(|_| all_start) else { return Vec::new() };
    let guards = replicas.iter().map(|replica| replica.start.guard());
    let guard = guards.reduce(|one, other| Some(one?.or(other?))).flatten();
    let mut needs: Vec<StepId> = first.needs.iter().chain(&gates.needs).copied().collect();
    let mut last = Vec::new();
    for (index, hook) in service.pre_start.iter().enumerate() {
        let action = Action::RunHookContainer { index, hook: Arc::new(hook.clone()), spec: Arc::clone(&first.spec) };
        let draft = Draft::new(action, "pre_start of the service").of(&service.name).guard(guard.clone());
        let draft = draft.unit(first.unit, Role::Change);
        let step = builder.push(draft.needs(needs.clone()).after(gates.after.iter().copied()));
        needs.push(step);
        last = vec![step];
    }
    last
}

/// Pre-start hooks, start, post-start hooks; returns the steps after which it has started.
fn start(builder: &mut Builder, service: &Arc<Service>, replica: &Replica, gates: Gates) -> Vec<StepId> {
    if replica.start == Start::Runs {
        return replica.needs.clone();
    }
    let guard = replica.start.guard();
    let mut needs: Vec<StepId> = replica.needs.iter().chain(&gates.needs).copied().collect();
    if replica.start == Start::Unpause {
        let action = Action::UnpauseContainer { container: replica.container.clone() };
        let draft = Draft::new(action, &replica.cause).of(&service.name).needs(needs).after(gates.after);
        return vec![builder.push(draft)];
    }
    let hard = needs.clone();
    let place = Place { needs, guard: guard.clone(), unit: Some((replica.unit, Role::Change)) };
    needs = stage_hooks(builder, (service, Stage::PreStart), &replica.container, place);
    needs.extend(hard);
    let port_range = service.ports.iter().any(|port| port.published.contains('-'));
    let action = Action::StartContainer { container: replica.container.clone(), port_range };
    let draft = Draft::new(action, &replica.cause).of(&service.name).guard(guard.clone());
    let draft = draft.unit(replica.unit, Role::Goal).takes(replica.takes.iter().cloned());
    let started = builder.push(draft.needs(needs).after(gates.after));
    // What was there before has a way back of its own; one that is new and in the way of it has to yield.
    if replica.previous.is_none() {
        let action = Action::StopContainer { container: replica.container.clone(), timeout: None };
        builder.undo(replica.unit, Rank::Yield, (started, None), action);
    }
    after_start(builder, service, &replica.container, (started, guard))
}

/// Compose's `post_start`, then plugins; returns the start and the last of them.
pub(crate) fn after_start(
    builder: &mut Builder,
    service: &Arc<Service>,
    container: &ContainerRef,
    (started, guard): (StepId, Option<Guard>),
) -> Vec<StepId> {
    let mut needs = vec![started];
    for hook in &service.post_start {
        let action =
            Action::ExecHook { kind: "post_start", hook: Arc::new(hook.clone()), container: container.clone() };
        let draft = Draft::new(action, "post_start of the service").of(&service.name).guard(guard.clone());
        needs = vec![builder.push(draft.needs(needs))];
    }
    let place = Place { needs, guard, unit: None };
    needs = stage_hooks(builder, (service, Stage::PostStart), container, place);
    needs.push(started);
    needs
}

fn probe_step(
    builder: &mut Builder,
    service: &Service,
    probe: &Arc<Probe>,
    (replica, needs): (&Replica, Vec<StepId>),
) -> StepId {
    let action = Action::Probe { probe: Arc::clone(probe), container: replica.container.clone() };
    let cause = match (probe.inferred, &replica.start) {
        (true, _) => "probe of a known image",
        (false, Start::Runs) => "still ready?",
        (false, _) => "declared probe",
    };
    builder.push(Draft::new(action, cause).of(&service.name).needs(needs).optional(probe.inferred))
}
