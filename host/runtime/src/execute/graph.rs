//! Which steps may run: bookkeeping over `needs` and `after`, linear in the edges of the plan.

use std::collections::BTreeSet;
use std::time::Duration;

use windlass_plan::units::Progress;
use windlass_plan::{Plan, StepId};

use crate::outcome::{StepRecord, StepResult};

/// State of all steps.
pub(super) struct Graph {
    /// Steps that wait for a step: `true` where they need its success.
    dependents: Vec<Vec<(usize, bool)>>,
    /// Edges still to come, by step.
    missing: Vec<usize>,
    ready: BTreeSet<usize>,
    records: Vec<Option<StepRecord>>,
    begun: Vec<bool>,
    open: usize,
}

impl Graph {
    pub(super) fn new(plan: &Plan) -> Self {
        let count = plan.steps.len();
        let mut graph = Self {
            dependents: vec![Vec::new(); count],
            missing: vec![0; count],
            ready: BTreeSet::new(),
            records: vec![None; count],
            begun: vec![false; count],
            open: count,
        };
        for step in &plan.steps {
            let needs = step.needs.iter().map(|before| (before.0, true));
            let after = step.after.iter().map(|before| (before.0, false));
            for (before, hard) in needs.chain(after) {
                graph.dependents[before].push((step.id.0, hard));
                graph.missing[step.id.0] += 1;
            }
        }
        graph.ready = (0..count).filter(|index| graph.missing[*index] == 0).collect();
        graph
    }

    /// All steps have ended.
    pub(super) fn is_done(&self) -> bool {
        self.open == 0
    }

    /// The first step whose turn has come and that `admit` lets through; it counts as running from now on.
    pub(super) fn take(&mut self, admit: impl Fn(StepId) -> bool) -> Option<StepId> {
        let index = self.ready.iter().copied().find(|index| admit(StepId(*index)))?;
        self.ready.remove(&index);
        Some(StepId(index))
    }

    /// The step's effect is on its way.
    pub(super) fn begin(&mut self, step: StepId) {
        self.begun[step.0] = true;
    }

    /// How far a step came.
    pub(super) fn progress(&self, step: StepId) -> Progress {
        match self.records[step.0].as_ref().map(|record| &record.result) {
            None if self.begun[step.0] => Progress::Running,
            None => Progress::Open,
            Some(StepResult::Done | StepResult::Warned) => Progress::Done,
            Some(StepResult::Skipped(_)) => Progress::Skipped,
            Some(StepResult::Failed) => Progress::Failed,
            Some(StepResult::Cancelled) => Progress::Cancelled,
        }
    }

    /// Records how a step ended, and cancels those that needed its success. Returns those that were cancelled, the step itself
    /// included where that is how it ended: every step that began or was waited for has an end that can be told.
    pub(super) fn end(
        &mut self,
        step: StepId,
        result: StepResult,
        times: (Option<Duration>, Option<Duration>),
    ) -> Vec<StepId> {
        let mut given_up = Vec::new();
        let record = StepRecord { result, started: times.0, finished: times.1 };
        let mut queue = vec![(step.0, record)];
        while let Some((index, record)) = queue.pop() {
            if self.records[index].is_some() {
                continue;
            }
            let satisfied = record.result.satisfied();
            if record.result == StepResult::Cancelled {
                given_up.push(StepId(index));
            }
            self.records[index] = Some(record);
            self.ready.remove(&index);
            self.open -= 1;
            for (dependent, hard) in std::mem::take(&mut self.dependents[index]) {
                self.missing[dependent] -= 1;
                if hard && !satisfied {
                    let cancelled = StepRecord { result: StepResult::Cancelled, started: None, finished: None };
                    queue.push((dependent, cancelled));
                } else if self.missing[dependent] == 0 && self.records[dependent].is_none() {
                    self.ready.insert(dependent);
                }
            }
        }
        given_up
    }

    /// Records of all steps; one that never ended counts as cancelled.
    pub(super) fn into_records(self) -> Vec<StepRecord> {
        let cancelled = StepRecord { result: StepResult::Cancelled, started: None, finished: None };
        self.records.into_iter().map(|record| record.unwrap_or_else(|| cancelled.clone())).collect()
    }
}
