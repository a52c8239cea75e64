//! What every plan must hold to. Tests run it after every planning, and the command line before every run.

use crate::step::{Action, ContainerRef, Plan, Step, StepId};

/// A rule that a plan breaks: a defect of the planner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("defect in the plan, step {}: {rule}", step.0 + 1)]
pub struct Violation {
    /// Step.
    pub step: StepId,
    /// What is wrong.
    pub rule: String,
}

/// All rules that the plan breaks; empty for every plan of this crate.
#[must_use]
pub fn check(plan: &Plan) -> Vec<Violation> {
    let checker = Checker { plan, ancestors: ancestors(plan) };
    let mut found: Vec<Violation> =
        plan.steps.iter().enumerate().flat_map(|(index, step)| checker.step(index, step)).collect();
    if found.is_empty() {
        found = checker.claims().chain(checker.units()).collect();
    }
    found
}

/// By step: all steps that end before it starts, as bits.
fn ancestors(plan: &Plan) -> Vec<Vec<u64>> {
    let words = plan.steps.len().div_ceil(64);
    let mut all: Vec<Vec<u64>> = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        let mut bits = vec![0; words];
        for before in step.needs.iter().chain(&step.after).filter(|before| before.0 < all.len()) {
            bits[before.0 / 64] |= 1 << (before.0 % 64);
            for (bit, inherited) in bits.iter_mut().zip(&all[before.0]) {
                *bit |= inherited;
            }
        }
        all.push(bits);
    }
    all
}

struct Checker<'a> {
    plan: &'a Plan,
    ancestors: Vec<Vec<u64>>,
}

impl Checker<'_> {
    fn step(&self, index: usize, step: &Step) -> Vec<Violation> {
        let mut rules = Vec::new();
        if step.id.0 != index {
            rules.push(format!("its id is {}", step.id.0 + 1));
        }
        if step.needs.iter().chain(&step.after).any(|before| before.0 >= step.id.0) {
            rules.push("it waits for a step that does not come before it".to_owned());
        }
        if step.cause.is_empty() {
            rules.push("it has no cause".to_owned());
        }
        if rules.is_empty() {
            rules.extend(self.order(step));
        }
        rules.into_iter().map(|rule| Violation { step: step.id, rule }).collect()
    }

    /// Steps about one container, network or volume are ordered among each other.
    fn order(&self, step: &Step) -> Vec<String> {
        let earlier = self.plan.steps[..step.id.0].iter();
        match &step.action {
            Action::StartContainer { container, .. }
            | Action::InjectFiles { container, .. }
            | Action::UnpauseContainer { container }
            | Action::RestartContainer { container, .. } => {
                self.after_all(step, earlier.filter(|other| makes(&other.action, container)), "its container is made")
            }
            Action::Probe { container, .. } | Action::Load { container, .. } => {
                self.after_all(step, earlier.filter(|other| starts(&other.action, container)), "its container starts")
            }
            Action::RemoveContainer { container, .. } => {
                self.after_all(step, earlier.filter(|other| stops(&other.action, container)), "its container stops")
            }
            Action::ConnectNetwork { network, .. } => self.after_all(
                step,
                earlier.filter(|other| makes_network(&other.action, network)),
                "its network is made",
            ),
            Action::RemoveNetwork { name, .. } => {
                self.after_all(step, earlier.filter(|other| detaches(&other.action, name)), "containers are off it")
            }
            Action::CreateContainer(spec) => {
                let networks = earlier
                    .clone()
                    .filter(|other| spec.networks.iter().any(|(_, name)| makes_network(&other.action, name)));
                let mut rules = self.after_all(step, networks, "its networks are made");
                let volumes =
                    earlier.filter(|other| spec.volumes.values().any(|name| makes_volume(&other.action, name)));
                rules.extend(self.after_all(step, volumes, "its volumes are made"));
                rules
            }
            Action::PullImage { .. }
            | Action::BuildImage { .. }
            | Action::RemoveImage { .. }
            | Action::CreateNetwork { .. }
            | Action::DisconnectNetwork { .. }
            | Action::CreateVolume { .. }
            | Action::RemoveVolume { .. }
            | Action::StopContainer { .. }
            | Action::KillContainer { .. }
            | Action::RenameContainer { .. }
            | Action::Await { .. }
            | Action::PluginHook { .. }
            | Action::ExecHook { .. }
            | Action::RunHookContainer { .. }
            | Action::Up => Vec::new(),
        }
    }

    /// Nobody takes what another still holds.
    fn claims(&self) -> impl Iterator<Item = Violation> {
        let takes = self.plan.steps.iter().flat_map(|step| step.takes.iter().map(move |held| (step.id, held)));
        takes.flat_map(move |(taker, taken)| {
            let releases = self.plan.steps.iter().filter(move |step| {
                step.releases.iter().any(|held| held.excludes(taken)) && !self.precedes(step.id, taker)
            });
            releases.map(move |step| Violation {
                step: taker,
                rule: format!("it may take {} before step {} releases it", taken.claim, step.id.0 + 1),
            })
        })
    }

    /// What a unit removes goes after what replaces it is in place, unless it has to be given up before.
    fn units(&self) -> impl Iterator<Item = Violation> {
        self.plan.units.iter().flat_map(move |unit| {
            let given_up = |step: StepId| unit.gives_up.contains(&step);
            let discards = unit.steps.iter().copied().filter(move |step| {
                matches!(&self.plan.steps[step.0].action, Action::RemoveContainer { container, .. } if container.id.is_some())
                    && !given_up(*step)
            });
            discards.flat_map(move |step| {
                let early = unit.goals.iter().filter(move |goal| !self.precedes(**goal, step));
                early.map(move |goal| Violation {
                    step,
                    rule: format!("it may remove a container before its successor is in place (step {})", goal.0 + 1),
                })
            })
        })
    }

    fn after_all<'p>(&self, step: &Step, others: impl Iterator<Item = &'p Step>, rule: &str) -> Vec<String> {
        let mut late = others.filter(|other| !self.precedes(other.id, step.id));
        late.next().map(|other| format!("it may run before {rule} (step {})", other.id.0 + 1)).into_iter().collect()
    }

    fn precedes(&self, before: StepId, step: StepId) -> bool {
        self.ancestors[step.0][before.0 / 64] & (1 << (before.0 % 64)) != 0
    }
}

fn same(one: &ContainerRef, other: &ContainerRef) -> bool {
    match (&one.id, &other.id) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one.name == other.name,
        _ => false,
    }
}

fn makes(action: &Action, container: &ContainerRef) -> bool {
    let created = matches!(action, Action::CreateContainer(spec) if [&spec.create_name, &spec.container.name].contains(&&container.name));
    let renamed = matches!(action, Action::RenameContainer { to, .. } if *to == container.name);
    container.id.is_none() && (created || renamed)
}

fn starts(action: &Action, container: &ContainerRef) -> bool {
    matches!(action, Action::StartContainer { container: started, .. } | Action::RestartContainer { container: started, .. } if same(started, container))
}

fn stops(action: &Action, container: &ContainerRef) -> bool {
    matches!(action, Action::StopContainer { container: stopped, .. } if same(stopped, container))
}

fn makes_network(action: &Action, name: &str) -> bool {
    matches!(action, Action::CreateNetwork { network, .. } if network.name == name)
}

fn makes_volume(action: &Action, name: &str) -> bool {
    matches!(action, Action::CreateVolume { volume, .. } if volume.name == name)
}

fn detaches(action: &Action, name: &str) -> bool {
    matches!(action, Action::DisconnectNetwork { network, .. } if network == name)
}
