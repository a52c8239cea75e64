//! Changes that end with the new or the old, never with neither.
//!
//! A unit is what one change consists of: make the new, stop the old, put the new in its place, start it, remove the old.
//! Units that hand a claim over to each other are one. The rules here are pure, and the only ones: the executor asks them
//! after every step, and the property tests drive a model of an engine by them.

use super::step::{Plan, StepId};
use crate::action::Action;

/// Index of a unit in its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId(pub usize);

/// One change.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Unit {
    /// Its steps, in the order of the plan.
    pub steps: Vec<StepId>,
    /// Steps that take something away that worked until then. Once one of them has begun, the unit is seen through, even
    /// when the run is ending.
    pub breaks: Vec<StepId>,
    /// Steps that must all have succeeded for the new to be in place. None: there is no new one, the old just goes.
    pub goals: Vec<StepId>,
    /// Those of `breaks` that remove the old one before the new one is in place, where an engine leaves no other way: a
    /// volume goes only after every container that mounts it.
    pub gives_up: Vec<StepId>,
    /// How to get back to the old one when a goal cannot be reached, in this order.
    pub undo: Vec<Undo>,
}

/// One effect on the way back.
#[derive(Debug, Clone, PartialEq)]
pub struct Undo {
    /// The step whose effect it takes back: nothing is done where that step never had its turn.
    pub of: StepId,
    /// Nothing is done either where this step succeeded.
    pub unless: Option<StepId>,
    /// The effect.
    pub action: Action,
    /// What it leads to, for a person: `its change was not completed: it runs again as it was`.
    pub cause: String,
    /// What a refusal of the engine means.
    pub refusal: Refusal,
}

/// What it means that the engine refuses an effect on the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The way back is blocked: the user must know.
    Failure,
    /// Where the step failed that is taken back, there was nothing to take back.
    FailureIfDone,
    /// Nothing: it was worth a try, and the next run repairs it.
    Nothing,
}

impl Undo {
    /// Whether it is a failure that the engine refuses it.
    #[must_use]
    pub fn must_succeed(&self, progress: impl Fn(StepId) -> Progress) -> bool {
        // A removal that failed may have removed all the same: then there is nothing to bring back.
        let gone = self.unless.is_some_and(|step| progress(step) == Progress::Failed);
        match self.refusal {
            Refusal::Failure => !gone,
            Refusal::FailureIfDone => progress(self.of) == Progress::Done,
            Refusal::Nothing => false,
        }
    }
}

/// How far a step came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Its turn has not come yet.
    Open,
    /// It runs.
    Running,
    /// It did what it was for.
    Done,
    /// Its guard did not hold: it had nothing to do.
    Skipped,
    /// It failed; its effect may be there all the same.
    Failed,
    /// Its turn never came.
    Cancelled,
}

impl Progress {
    /// Its effect is there, or may be.
    const fn had_effect(self) -> bool {
        match self {
            Self::Running | Self::Done | Self::Failed => true,
            Self::Open | Self::Skipped | Self::Cancelled => false,
        }
    }

    const fn ended(self) -> bool {
        match self {
            Self::Done | Self::Skipped | Self::Failed | Self::Cancelled => true,
            Self::Open | Self::Running => false,
        }
    }
}

impl Unit {
    /// Something was taken away, so the unit must be seen through.
    #[must_use]
    pub fn begun(&self, progress: impl Fn(StepId) -> Progress) -> bool {
        self.breaks.iter().any(|step| progress(*step).had_effect())
    }

    /// What is left to do after the unit's last step has ended. `None`: a step of it may still run. An empty list: the new
    /// is in place, or nothing was touched.
    #[must_use]
    pub fn way_back(&self, progress: impl Fn(StepId) -> Progress) -> Option<Vec<&Undo>> {
        if !self.steps.iter().all(|step| progress(*step).ended()) {
            return None;
        }
        let reached = |step: &StepId| matches!(progress(*step), Progress::Done | Progress::Skipped);
        if self.goals.iter().all(reached) {
            return Some(Vec::new());
        }
        let due = |undo: &&Undo| {
            let replaced = undo.unless.is_some_and(|step| progress(step) == Progress::Done);
            progress(undo.of).had_effect() && !replaced
        };
        Some(self.undo.iter().filter(due).collect())
    }
}

/// While a run is ending a step has its turn only where it completes a unit that was begun, or where it does nothing.
#[must_use]
pub fn completes(plan: &Plan, step: StepId, progress: impl Fn(StepId) -> Progress) -> bool {
    let step = &plan.steps[step.0];
    let begun = step.unit.is_some_and(|unit| plan.units[unit.0].begun(progress));
    begun || matches!(step.action, Action::Up)
}
