//! Nothing that works is taken away for the sake of an image that is not there yet.

use std::collections::BTreeMap;

use crate::step::{Action, Plan, StepId};
use crate::units::UnitId;

/// Lets every stop of a change wait for all images that the change waits for later: its own, and those of everything that has
/// to be up before the new container starts. A pull or a build may take minutes, or fail; stopped before it, the old container
/// would be away for all that time, and a killed run would leave it so.
///
/// Waiting for no more than images is on purpose, see the decisions in `docs/design/claims-and-units.md`.
pub(crate) fn images_first(plan: &mut Plan) {
    let images: Vec<StepId> = plan.steps.iter().filter(|step| brings_image(&step.action)).map(|step| step.id).collect();
    if images.is_empty() {
        return;
    }
    let mut units: BTreeMap<UnitId, Vec<StepId>> = BTreeMap::new();
    for step in &plan.steps {
        if let Some(unit) = step.unit {
            units.entry(unit).or_default().push(step.id);
        }
    }
    // They must succeed; or they must have ended, for only a dependency that is not required wants them.
    let (counted_on, all) = (Before::of(plan, &images, false), Before::of(plan, &images, true));
    for steps in units.into_values() {
        let (breaks, others): (Vec<_>, Vec<_>) = steps.into_iter().partition(|step| takes_away(plan, *step));
        let (mut needed, mut awaited) = (Set::default(), Set::default());
        for other in others {
            needed.add(&counted_on.0[other.0]);
            awaited.add(&all.0[other.0]);
        }
        for step in breaks {
            let needs = needed.without(&counted_on.0[step.0]);
            let after = awaited.without(&all.0[step.0]).without(&needed);
            let step = &mut plan.steps[step.0];
            step.needs.extend(needs.members().map(|image| images[image]));
            step.after.extend(after.members().map(|image| images[image]));
        }
    }
}

/// Images never wait for such a step, so waiting for images closes no circle.
fn takes_away(plan: &Plan, step: StepId) -> bool {
    matches!(plan.steps[step.0].action, Action::StopContainer { .. } | Action::DisconnectNetwork { .. })
}

fn brings_image(action: &Action) -> bool {
    matches!(action, Action::PullImage { .. } | Action::BuildImage { .. })
}

/// For each step, the images that come before it, directly or through others.
struct Before(Vec<Set>);

impl Before {
    /// One pass, for the steps of a plan stand behind all that they wait for. `after`: what need only have ended counts, too.
    fn of(plan: &Plan, images: &[StepId], after: bool) -> Self {
        let mut sets: Vec<Set> = Vec::with_capacity(plan.steps.len());
        for step in &plan.steps {
            let mut set = Set::default();
            let awaited = step.after.iter().filter(|_| after);
            for before in step.needs.iter().chain(awaited) {
                set.add(&sets[before.0]);
                if let Ok(image) = images.binary_search(before) {
                    set.insert(image);
                }
            }
            sets.push(set);
        }
        Self(sets)
    }
}

/// Some of the images, a bit each: a plan of thousands of services has thousands of steps before each of thousands.
#[derive(Default)]
struct Set(Vec<u64>);

impl Set {
    fn insert(&mut self, member: usize) {
        let word = member / 64;
        self.0.resize(self.0.len().max(word + 1), 0);
        self.0[word] |= 1 << (member % 64);
    }

    fn add(&mut self, other: &Self) {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        self.0.iter_mut().zip(&other.0).for_each(|(own, more)| *own |= more);
    }

    fn without(&self, other: &Self) -> Self {
        let taken = other.0.iter().copied().chain(std::iter::repeat(0));
        Self(self.0.iter().zip(taken).map(|(own, taken)| own & !taken).collect())
    }

    fn members(&self) -> impl Iterator<Item = usize> {
        let bits = |(word, bits): (usize, &u64)| {
            let bits = *bits;
            (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit)
        };
        self.0.iter().enumerate().flat_map(bits)
    }
}
