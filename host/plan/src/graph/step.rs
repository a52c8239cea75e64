//! The graph: steps with one effect and a cause each.

use super::claims::Held;
use super::units::{Unit, UnitId};
use crate::action::Action;

/// Index of a step in its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub usize);

/// What will happen, and why.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Project name.
    pub project: String,
    /// Steps; `needs` only refers to earlier ones, so the order is a topological one, and stable.
    pub steps: Vec<Step>,
    /// Changes that end with the new or the old, never with neither; [`Step::unit`] refers to them.
    pub units: Vec<Unit>,
    /// Sentences for the user (orphans, foreign resources, inferred probes, …).
    pub notes: Vec<Note>,
    /// Questions whose answers change the plan; the command line asks, then plans again with the answers.
    pub questions: Vec<Question>,
    /// Containers that stay as they are and run.
    pub untouched: Vec<String>,
}

/// A sentence for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// `true`: a warning; `false`: information.
    pub warning: bool,
    /// The sentence.
    pub text: String,
}

/// A question; the default answer is always no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The volume's configuration changed; recreating it loses its data.
    RecreateVolume {
        /// Engine name.
        volume: String,
    },
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its place in the plan.
    pub id: StepId,
    /// The one effect.
    pub action: Action,
    /// Why, for a person: `environment.DEBUG changed`, `container missing`, `web depends on es`.
    pub cause: String,
    /// Steps that must have succeeded (or been skipped by their guard) before.
    pub needs: Vec<StepId>,
    /// Steps that must have ended before, whatever came of them.
    pub after: Vec<StepId>,
    /// Service it belongs to; `None` for networks, volumes and project stages.
    pub service: Option<String>,
    /// Run only if this holds when its turn comes.
    pub guard: Option<Guard>,
    /// `true`: a failure is reported as a warning and dependents go on.
    pub optional: bool,
    /// The change that it is a part of, and that ends as a whole; `None`: it stands for itself.
    pub unit: Option<UnitId>,
    /// Exclusive things that somebody has from this step on.
    pub takes: Vec<Held>,
    /// Exclusive things that are free for others after this step.
    pub releases: Vec<Held>,
}

/// A condition known only while the plan runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// The image's content digest now differs from the one given (a pull or build step ran before).
    ImageChanged {
        /// Reference.
        image: String,
        /// `os/arch`, or empty.
        platform: String,
        /// Digest recorded on the existing container.
        from: String,
    },
    /// The image is not there (pulling it before did not work).
    ImageMissing {
        /// Reference.
        image: String,
        /// `os/arch`, or empty.
        platform: String,
    },
    /// None of these volumes is there: what was in them is gone.
    VolumesGone {
        /// Engine names.
        volumes: Vec<String>,
    },
    /// One of these holds, at least.
    Any(Vec<Self>),
}

impl Guard {
    /// Holds where one of the two holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self == other {
            return self;
        }
        let mut all = match self {
            Self::Any(all) => all,
            one => vec![one],
        };
        if !all.contains(&other) {
            all.push(other);
        }
        Self::Any(all)
    }
}
