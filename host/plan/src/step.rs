//! What a plan is made of: steps, actions, and what the actions are about.

pub use crate::action::{
    Action, BuildOptions, BuildSecret, ContainerRef, ContainerSpec, InjectedFile, OneOff, SecretSource, StopTimeout,
};
pub use crate::graph::step::{Guard, Note, Plan, Question, Step, StepId};
