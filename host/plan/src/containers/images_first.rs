//! Nothing that works is taken away for the sake of an image that is not there yet.

use std::collections::{BTreeMap, BTreeSet};

use crate::step::{Action, Plan, StepId};
use crate::units::UnitId;

/// Lets every stop of a change wait for all images that the change waits for later: its own, and those of everything that has
/// to be up before the new container starts. A pull or a build may take minutes, or fail; stopped before it, the old container
/// would be away for all that time, and a killed run would leave it so.
///
/// Waiting for no more than images is on purpose, see the decisions in `docs/design/claims-and-units.md`.
pub(crate) fn images_first(plan: &mut Plan) {
    let mut units: BTreeMap<UnitId, Vec<StepId>> = BTreeMap::new();
    for step in &plan.steps {
        if let Some(unit) = step.unit {
            units.entry(unit).or_default().push(step.id);
        }
    }
    for steps in units.into_values() {
        let (breaks, others): (Vec<_>, Vec<_>) = steps.into_iter().partition(|step| takes_away(plan, *step));
        if breaks.is_empty() {
            continue;
        }
        let wanted = Images::before(plan, &others);
        for step in breaks {
            let known = Images::before(plan, &[step]);
            let step = &mut plan.steps[step.0];
            step.needs.extend(wanted.counted_on.difference(&known.counted_on));
            step.after.extend(wanted.awaited.difference(&known.awaited));
        }
    }
}

/// Images never wait for such a step, so waiting for images closes no circle.
fn takes_away(plan: &Plan, step: StepId) -> bool {
    matches!(plan.steps[step.0].action, Action::StopContainer { .. } | Action::DisconnectNetwork { .. })
}

/// Steps that make images present.
#[derive(Default)]
struct Images {
    /// They must succeed.
    counted_on: BTreeSet<StepId>,
    /// They must have ended: only a dependency that is not required wants them.
    awaited: BTreeSet<StepId>,
}

impl Images {
    /// Those that the steps wait for, perhaps through others.
    fn before(plan: &Plan, steps: &[StepId]) -> Self {
        let counted_on = reached(plan, steps, |_| [].iter());
        let all = reached(plan, steps, |step| plan.steps[step.0].after.iter());
        let images = |steps: BTreeSet<StepId>| -> BTreeSet<StepId> {
            let image = |step: &StepId| {
                matches!(plan.steps[step.0].action, Action::PullImage { .. } | Action::BuildImage { .. })
            };
            steps.into_iter().filter(image).collect()
        };
        let counted_on = images(counted_on);
        let awaited = images(all).difference(&counted_on).copied().collect();
        Self { counted_on, awaited }
    }
}

/// All steps that must have succeeded before these, and what `more` adds to each.
fn reached<'p, More>(plan: &'p Plan, steps: &[StepId], more: impl Fn(StepId) -> More) -> BTreeSet<StepId>
where
    More: Iterator<Item = &'p StepId>,
{
    let mut reached = BTreeSet::new();
    let mut queue = steps.to_vec();
    while let Some(step) = queue.pop() {
        let before = plan.steps[step.0].needs.iter().chain(more(step));
        queue.extend(before.copied().filter(|before| reached.insert(*before)));
    }
    reached
}
