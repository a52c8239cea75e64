//! Building a plan step by step.

use crate::step::{Action, Guard, Note, Plan, Step, StepId};

/// A step that has no place in the plan yet.
#[derive(Debug)]
pub(crate) struct Draft(Step);

impl Draft {
    pub(crate) fn new(action: Action, cause: impl Into<String>) -> Self {
        Self(Step {
            id: StepId(0),
            action,
            cause: cause.into(),
            needs: Vec::new(),
            after: Vec::new(),
            service: None,
            guard: None,
            optional: false,
            completes: false,
        })
    }

    pub(crate) fn of(mut self, service: &str) -> Self {
        self.0.service = Some(service.to_owned()).filter(|name| !name.is_empty());
        self
    }

    pub(crate) fn needs(mut self, steps: impl IntoIterator<Item = StepId>) -> Self {
        self.0.needs.extend(steps);
        self
    }

    pub(crate) fn after(mut self, steps: impl IntoIterator<Item = StepId>) -> Self {
        self.0.after.extend(steps);
        self
    }

    pub(crate) fn guard(mut self, guard: Option<Guard>) -> Self {
        self.0.guard = guard;
        self
    }

    pub(crate) fn optional(mut self, optional: bool) -> Self {
        self.0.optional = optional;
        self
    }

    /// See [`Step::completes`].
    pub(crate) fn completes(mut self) -> Self {
        self.0.completes = true;
        self
    }
}

/// A plan under construction.
#[derive(Debug)]
pub(crate) struct Builder {
    plan: Plan,
    /// Steps before all others (`pre-up` hooks).
    root: Vec<StepId>,
}

impl Builder {
    pub(crate) fn new(project: &str) -> Self {
        Self { plan: Plan { project: project.to_owned(), ..Plan::default() }, root: Vec::new() }
    }

    /// Steps pushed from now on, where they need nothing else, need these.
    pub(crate) fn set_root(&mut self, root: Vec<StepId>) {
        self.root = root;
    }

    pub(crate) fn push(&mut self, draft: Draft) -> StepId {
        let Draft(mut step) = draft;
        step.id = StepId(self.plan.steps.len());
        if step.needs.is_empty() {
            step.needs.clone_from(&self.root);
        }
        step.needs.sort_unstable();
        step.needs.dedup();
        step.after.sort_unstable();
        step.after.dedup();
        let id = step.id;
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

    pub(crate) fn finish(self) -> Plan {
        self.plan
    }
}
