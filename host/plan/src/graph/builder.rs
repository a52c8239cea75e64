//! Building a plan step by step. What steps claim becomes edges, and changes that hand a claim over to each other become
//! one unit, when the plan is finished.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::error::{PlanError, PlanResult};
use crate::graph::claims::{Claim, Held};
use crate::graph::units::{Refusal, Undo, Unit, UnitId};
use crate::step::{Action, Guard, Note, Plan, Step, StepId};

/// What a step is in its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Makes the new, beside the old.
    Make,
    /// Takes something away that worked.
    Break,
    /// Removes the old before the new is in place.
    GiveUp,
    /// On the way from the old to the new.
    Change,
    /// With it the new is in place.
    Goal,
    /// Removes the old for good, so it comes after all goals.
    Discard,
}

/// The order of the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// What is new and took something from others stops; where nothing changes hands it may stay.
    Yield,
    /// What is new and only temporary goes.
    Clear,
    /// Names are given back.
    Name,
    /// Networks are joined again.
    Connect,
    /// What ran runs again.
    Start,
}

/// A step that has no place in the plan yet.
#[derive(Debug)]
pub(crate) struct Draft {
    step: Step,
    role: Option<Role>,
}

impl Draft {
    pub(crate) fn new(action: Action, cause: impl Into<String>) -> Self {
        let step = Step {
            id: StepId(0),
            action,
            cause: cause.into(),
            needs: Vec::new(),
            after: Vec::new(),
            service: None,
            guard: None,
            optional: false,
            unit: None,
            takes: Vec::new(),
            releases: Vec::new(),
        };
        Self { step, role: None }
    }

    pub(crate) fn of(mut self, service: &str) -> Self {
        self.step.service = Some(service.to_owned()).filter(|name| !name.is_empty());
        self
    }

    pub(crate) fn needs(mut self, steps: impl IntoIterator<Item = StepId>) -> Self {
        self.step.needs.extend(steps);
        self
    }

    pub(crate) fn after(mut self, steps: impl IntoIterator<Item = StepId>) -> Self {
        self.step.after.extend(steps);
        self
    }

    pub(crate) fn guard(mut self, guard: Option<Guard>) -> Self {
        self.step.guard = guard;
        self
    }

    pub(crate) fn optional(mut self, optional: bool) -> Self {
        self.step.optional = optional;
        self
    }

    /// Makes it a part of a unit.
    pub(crate) fn unit(mut self, unit: UnitId, role: Role) -> Self {
        self.step.unit = Some(unit);
        self.role = Some(role);
        self
    }

    /// See [`Step::takes`].
    pub(crate) fn takes(mut self, claims: impl IntoIterator<Item = Held>) -> Self {
        self.step.takes.extend(claims);
        self
    }

    /// See [`Step::releases`].
    pub(crate) fn releases(mut self, claims: impl IntoIterator<Item = Held>) -> Self {
        self.step.releases.extend(claims);
        self
    }
}

/// A unit under construction.
#[derive(Debug, Default)]
struct OpenUnit {
    roles: Vec<(StepId, Role)>,
    /// Steps of other units that break this one, too.
    broken_by: Vec<StepId>,
    undo: Vec<(Rank, Undo)>,
}

impl OpenUnit {
    fn with(&self, role: Role) -> Vec<StepId> {
        self.roles.iter().filter(|(_, found)| *found == role).map(|(step, _)| *step).collect()
    }
}

/// A plan under construction.
#[derive(Debug)]
pub(crate) struct Builder {
    plan: Plan,
    /// Steps before all others (`pre-up` hooks).
    root: Vec<StepId>,
    units: Vec<OpenUnit>,
    /// Units by what they change.
    by_key: BTreeMap<String, UnitId>,
    /// Units that end together.
    joined: Vec<(UnitId, UnitId)>,
    /// What is held before the plan, with what a user can do where it stays so.
    held: Vec<(Held, String)>,
    /// Existing containers (ids) that use the namespaces of others: of which, and how many stand one behind the other.
    joins: BTreeMap<String, (Vec<String>, usize)>,
}

impl Builder {
    pub(crate) fn new(project: &str) -> Self {
        let plan = Plan { project: project.to_owned(), ..Plan::default() };
        Self {
            plan,
            root: Vec::new(),
            units: Vec::new(),
            by_key: BTreeMap::new(),
            joined: Vec::new(),
            held: Vec::new(),
            joins: BTreeMap::new(),
        }
    }

    /// Steps pushed from now on, where they need nothing else, need these.
    pub(crate) fn set_root(&mut self, root: Vec<StepId>) {
        self.root = root;
    }

    /// Says what is held before the plan; `hint` tells what to do where somebody else wants it and nothing releases it.
    pub(crate) fn hold(&mut self, held: Held, hint: &str) {
        self.held.push((held, hint.to_owned()));
    }

    /// Says that an existing container uses the namespaces of others, `depth` of them one behind the other: where both are
    /// changed, both changes end the same way, for the engine starts it only while they run.
    pub(crate) fn uses_namespaces(&mut self, container: &str, owners: &[String], depth: usize) {
        self.joins.insert(container.to_owned(), (owners.to_vec(), depth));
    }

    /// The one unit that changes what `key` stands for.
    pub(crate) fn unit_of(&mut self, key: &str) -> UnitId {
        let units = &mut self.units;
        *self.by_key.entry(key.to_owned()).or_insert_with(|| {
            units.push(OpenUnit::default());
            UnitId(units.len() - 1)
        })
    }

    /// Both changes end with the new or both with the old.
    pub(crate) fn join(&mut self, one: UnitId, other: UnitId) {
        self.joined.push((one, other));
    }

    /// A step of another unit takes something away from this one, too.
    pub(crate) fn broken_by(&mut self, unit: UnitId, step: StepId) {
        self.units[unit.0].broken_by.push(step);
    }

    /// A step so far takes it from its holder.
    pub(crate) fn is_wanted(&self, held: &Held) -> bool {
        self.plan.steps.iter().flat_map(|step| &step.takes).any(|taken| taken.excludes(held))
    }

    /// Adds to the way back of a unit.
    pub(crate) fn undo(&mut self, unit: UnitId, rank: Rank, (of, unless): (StepId, Option<StepId>), action: Action) {
        let (refusal, cause) = match rank {
            Rank::Yield => (Refusal::Failure, "what it took is given back"),
            Rank::Clear => (Refusal::Failure, "its change was not completed"),
            Rank::Name => (Refusal::FailureIfDone, "its change was not completed"),
            Rank::Connect => (Refusal::Nothing, "its change was not completed"),
            Rank::Start => (Refusal::Failure, "its change was not completed: it runs again as it was"),
        };
        let undo = Undo { of, unless, action, cause: cause.to_owned(), refusal };
        self.units[unit.0].undo.push((rank, undo));
    }

    /// Nothing of a unit's way back so far is of use once `step` has succeeded.
    pub(crate) fn undo_nothing_after(&mut self, unit: UnitId, step: StepId) {
        for (_, undo) in &mut self.units[unit.0].undo {
            undo.unless.get_or_insert(step);
        }
    }

    pub(crate) fn push(&mut self, draft: Draft) -> StepId {
        let Draft { mut step, role } = draft;
        let id = StepId(self.plan.steps.len());
        step.id = id;
        if step.needs.is_empty() {
            step.needs.clone_from(&self.root);
        }
        if let (Some(unit), Some(role)) = (step.unit, role) {
            self.units[unit.0].roles.push((id, role));
        }
        self.plan.steps.push(step);
        id
    }

    pub(crate) fn inform(&mut self, text: impl Into<String>) {
        self.plan.notes.push(Note { warning: false, text: text.into() });
    }

    pub(crate) fn warn(&mut self, text: impl Into<String>) {
        self.plan.notes.push(Note { warning: true, text: text.into() });
    }

    pub(crate) fn plan(&mut self) -> &mut Plan {
        &mut self.plan
    }

    /// All steps so far.
    pub(crate) fn all(&self) -> impl Iterator<Item = StepId> + use<> {
        (0..self.plan.steps.len()).map(StepId)
    }

    /// The plan, with the edges that its claims ask for.
    ///
    /// # Errors
    /// When a step takes what a container holds that the plan leaves as it is: nothing of such a plan may be run, for it
    /// would fail after something was stopped.
    pub(crate) fn finish(mut self) -> PlanResult<Plan> {
        self.refuse_what_is_taken()?;
        self.start_owners_first();
        self.stay_without_owners();
        let handovers = self.order_claims();
        let mut ties = std::mem::take(&mut self.joined);
        ties.extend(self.shared_namespaces());
        ties.extend(&handovers);
        let handing: BTreeSet<UnitId> =
            handovers.iter().filter(|(from, to)| from != to).flat_map(|(from, to)| [*from, *to]).collect();
        for group in self.groups(&ties) {
            self.close(&group, group.iter().any(|unit| handing.contains(unit)));
        }
        self.renumber();
        Ok(self.plan)
    }

    fn refuse_what_is_taken(&self) -> PlanResult<()> {
        let released: Vec<&Held> = self.plan.steps.iter().flat_map(|step| &step.releases).collect();
        for (held, hint) in &self.held {
            let taken = self.plan.steps.iter().flat_map(|step| &step.takes).find(|taken| taken.excludes(held));
            let Some(taken) = taken else { continue };
            let released = released.iter().any(|release| release.holder == held.holder && release.claim == held.claim);
            // Stopped for a moment, for a network perhaps: it has it again in the end.
            let again = self.plan.steps.iter().flat_map(|step| &step.takes);
            let mut again = again.filter(|taken| taken.holder == held.holder && taken.claim.overlaps(&held.claim));
            if !released || again.next().is_some() {
                return Err(PlanError::Taken {
                    claim: held.claim.to_string(),
                    wanted_by: taken.name.clone(),
                    held_by: held.name.clone(),
                    hint: hint.clone(),
                });
            }
        }
        Ok(())
    }

    /// Owners of namespaces start before those that use them, wherever either was planned.
    fn start_owners_first(&mut self) {
        let created = self.plan.steps.iter().filter_map(|step| match &step.action {
            Action::CreateContainer(spec) => Some((spec.container.name.as_str(), crate::labels::joins(spec))),
            _ => None,
        });
        let made: BTreeMap<&str, Vec<String>> = created.collect();
        let mut starts: BTreeMap<String, StepId> = BTreeMap::new();
        let mut uses: Vec<(StepId, Vec<String>)> = Vec::new();
        for step in &self.plan.steps {
            let Action::StartContainer { container, .. } = &step.action else { continue };
            let owners = if let Some(id) = &container.id {
                starts.insert(id.clone(), step.id);
                self.joins.get(id).map(|(owners, _)| owners.clone())
            } else {
                made.get(container.name.as_str()).cloned()
            };
            uses.extend(owners.map(|owners| (step.id, owners)));
        }
        for (user, owners) in uses {
            for owner in owners.iter().filter_map(|owner| starts.get(owner)) {
                if !self.reaches(user, *owner) {
                    self.plan.steps[user.0].needs.push(*owner);
                }
            }
        }
    }

    /// Nobody comes back to the namespaces of a container that goes before its successor is there (for a volume).
    fn stay_without_owners(&mut self) {
        let gone = self.plan.steps.iter().filter_map(|step| match &step.action {
            Action::RemoveContainer { container, .. } => Some((container.id.clone()?, step.id)),
            _ => None,
        });
        let given_up: BTreeSet<StepId> = self.units.iter().flat_map(|unit| unit.with(Role::GiveUp)).collect();
        let gone: BTreeMap<String, StepId> = gone.filter(|(_, step)| given_up.contains(step)).collect();
        for (user, (owners, _)) in &self.joins {
            let removed = owners.iter().find_map(|owner| gone.get(owner));
            let (Some(unit), Some(removed)) = (self.by_key.get(user), removed) else { continue };
            for (rank, undo) in &mut self.units[unit.0].undo {
                if *rank == Rank::Start {
                    undo.unless.get_or_insert(*removed);
                }
            }
        }
    }

    fn shared_namespaces(&self) -> Vec<(UnitId, UnitId)> {
        let unit = |id: &String| self.by_key.get(id).copied();
        let tie = |user: &String, owner: &String| Some((unit(owner)?, unit(user)?));
        let all = self.joins.iter();
        all.flat_map(|(user, (owners, _))| owners.iter().filter_map(move |owner| tie(user, owner))).collect()
    }

    /// Who takes something comes after who releases it. Returns the units between which something changes hands.
    fn order_claims(&mut self) -> Vec<(UnitId, UnitId)> {
        let mut handovers = Vec::new();
        for (release, take) in self.meetings() {
            self.plan.steps[take.0].needs.push(release);
            let units = (self.plan.steps[release.0].unit, self.plan.steps[take.0].unit);
            if let (Some(from), Some(to)) = units {
                handovers.push((from, to));
            }
        }
        handovers
    }

    /// Pairs of steps of which one releases what the other takes.
    fn meetings(&self) -> BTreeSet<(StepId, StepId)> {
        let mut takers: BTreeMap<String, Vec<(StepId, &Held)>> = BTreeMap::new();
        for step in &self.plan.steps {
            for held in &step.takes {
                takers.entry(bucket(&held.claim)).or_default().push((step.id, held));
            }
        }
        let mut pairs = BTreeSet::new();
        for step in &self.plan.steps {
            for held in &step.releases {
                let candidates = takers.get(&bucket(&held.claim)).into_iter().flatten();
                pairs.extend(candidates.filter(|(_, taken)| taken.excludes(held)).map(|(taker, _)| (step.id, *taker)));
            }
        }
        pairs
    }

    /// Units that hand something over to each other, directly or through others, are one.
    fn groups(&self, handovers: &[(UnitId, UnitId)]) -> Vec<Vec<UnitId>> {
        let mut group: Vec<usize> = (0..self.units.len()).collect();
        for (from, to) in handovers {
            let (from, to) = (group[from.0], group[to.0]);
            let (low, high) = (from.min(to), from.max(to));
            group.iter_mut().filter(|of| **of == high).for_each(|of| *of = low);
        }
        let mut groups: BTreeMap<usize, Vec<UnitId>> = BTreeMap::new();
        for (unit, of) in group.into_iter().enumerate() {
            groups.entry(of).or_default().push(UnitId(unit));
        }
        groups.into_values().collect()
    }

    /// Makes one unit of a group. Nothing is taken away before all that is new is made: what cannot even be made must cost
    /// nobody anything. `hands_over`: what is new may be in the way of what comes back.
    fn close(&mut self, group: &[UnitId], hands_over: bool) {
        let all = |builder: &Self, role| -> Vec<StepId> {
            group.iter().flat_map(|unit| builder.units[unit.0].with(role)).collect()
        };
        let (made, mut breaks) = (all(self, Role::Make), all(self, Role::Break));
        let (goals, discards) = (all(self, Role::Goal), all(self, Role::Discard));
        if group.len() > 1 {
            self.order_where_possible(&made, &breaks);
        }
        self.order_where_possible(&goals, &discards);
        let gives_up = all(self, Role::GiveUp);
        breaks.extend(group.iter().flat_map(|unit| &self.units[unit.0].broken_by).chain(&gives_up));
        let mut undo: Vec<(Rank, Undo)> =
            group.iter().flat_map(|unit| std::mem::take(&mut self.units[unit.0].undo)).collect();
        undo.retain(|(rank, _)| hands_over || *rank != Rank::Yield);
        undo.sort_by_key(|(rank, undo)| (*rank, self.depth(&undo.action)));
        let id = UnitId(self.plan.units.len());
        let real = !breaks.is_empty() || !undo.is_empty();
        let members = group.iter().flat_map(|unit| self.units[unit.0].roles.clone());
        let steps: BTreeSet<StepId> = members.map(|(step, _)| step).collect();
        for step in &steps {
            self.plan.steps[step.0].unit = real.then_some(id);
        }
        if real {
            let undo = undo.into_iter().map(|(_, undo)| undo).collect();
            self.plan.units.push(Unit { steps: steps.into_iter().collect(), breaks, goals, gives_up, undo });
        }
    }

    /// How many have to run before what a start starts.
    fn depth(&self, action: &Action) -> usize {
        let id = if let Action::StartContainer { container, .. } = action { container.id.as_ref() } else { None };
        id.and_then(|id| self.joins.get(id)).map_or(0, |(_, depth)| *depth)
    }

    /// Edges between all pairs, but for those that would close a circle.
    fn order_where_possible(&mut self, before: &[StepId], after: &[StepId]) {
        for late in after {
            for early in before {
                if early != late && !self.reaches(*late, *early) {
                    self.plan.steps[late.0].needs.push(*early);
                }
            }
        }
    }

    /// `to` waits, perhaps through others, for `from`.
    fn reaches(&self, from: StepId, to: StepId) -> bool {
        let mut seen = BTreeSet::new();
        let mut queue = vec![to];
        while let Some(step) = queue.pop() {
            if step == from {
                return true;
            }
            let step = &self.plan.steps[step.0];
            queue.extend(step.needs.iter().chain(&step.after).filter(|before| seen.insert(**before)));
        }
        false
    }

    /// Puts steps after all that they wait for, otherwise in the order in which they were pushed.
    fn renumber(&mut self) {
        let order = self.topological();
        let mut place = vec![StepId(0); order.len()];
        for (index, old) in order.iter().enumerate() {
            place[old.0] = StepId(index);
        }
        let moved = |steps: &mut Vec<StepId>| {
            steps.iter_mut().for_each(|step| *step = place[step.0]);
            steps.sort_unstable();
            steps.dedup();
        };
        let mut steps: Vec<Option<Step>> = std::mem::take(&mut self.plan.steps).into_iter().map(Some).collect();
        for old in order {
            let mut step = steps[old.0].take().expect("every step has one place");
            step.id = place[old.0];
            moved(&mut step.needs);
            moved(&mut step.after);
            self.plan.steps.push(step);
        }
        for unit in &mut self.plan.units {
            [&mut unit.steps, &mut unit.breaks, &mut unit.goals, &mut unit.gives_up].into_iter().for_each(&moved);
            for undo in &mut unit.undo {
                undo.of = place[undo.of.0];
                undo.unless = undo.unless.map(|step| place[step.0]);
            }
        }
    }

    fn topological(&self) -> Vec<StepId> {
        let count = self.plan.steps.len();
        let mut waiting = vec![0_usize; count];
        let mut dependents: Vec<Vec<StepId>> = vec![Vec::new(); count];
        for step in &self.plan.steps {
            let before: BTreeSet<StepId> = step.needs.iter().chain(&step.after).copied().collect();
            waiting[step.id.0] = before.len();
            before.into_iter().for_each(|early| dependents[early.0].push(step.id));
        }
        let free = (0..count).filter(|index| waiting[*index] == 0).map(|index| Reverse(StepId(index)));
        let mut ready: BinaryHeap<Reverse<StepId>> = free.collect();
        let mut order = Vec::with_capacity(count);
        while let Some(Reverse(step)) = ready.pop() {
            order.push(step);
            for dependent in &dependents[step.0] {
                waiting[dependent.0] -= 1;
                if waiting[dependent.0] == 0 {
                    ready.push(Reverse(*dependent));
                }
            }
        }
        // A circle is a defect of the planner. Its steps keep their places, and `check` names them.
        let placed: BTreeSet<StepId> = order.iter().copied().collect();
        order.extend((0..count).map(StepId).filter(|step| !placed.contains(step)));
        order
    }
}

/// Claims of different buckets never overlap.
fn bucket(claim: &Claim) -> String {
    match claim {
        Claim::Port { protocol, .. } => format!("port {protocol}"),
        other => other.to_string(),
    }
}
