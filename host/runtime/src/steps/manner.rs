//! What the loop must know of an action before it runs it. Every action is named: a new one does not compile until someone
//! has thought about both questions.

use windlass_plan::Action;

use crate::outcome::FailureKind;

/// How the loop deals with an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manner {
    /// It mostly waits for something else than the engine's work, and must not keep other steps from the engine: it does
    /// not count against the limit of parallel steps.
    pub(crate) waits: bool,
    /// Dropping it half-way when the user asks to stop leaves nothing that the next run does not put right.
    pub(crate) droppable: bool,
}

/// Occupies the engine, and is always awaited: its request may already have had its effect.
const WORK: Manner = Manner { waits: false, droppable: false };
/// Occupies the engine; the engine ends the transfer when nobody listens any more.
const TRANSFER: Manner = Manner { waits: false, droppable: true };
/// Waits for the outside, and can be left at any time.
const GATE: Manner = Manner { waits: true, droppable: true };
/// Waits for the outside, and deals with a request to stop by itself.
const PATIENT: Manner = Manner { waits: true, droppable: false };

/// Whether an optional step may fail like this. Removing what others use is left to them; any other failure leaves something
/// behind that nobody else will remove, so it is one.
pub(crate) fn tolerates(action: &Action, kind: FailureKind) -> bool {
    match action {
        Action::RemoveNetwork { .. } | Action::RemoveVolume { .. } | Action::RemoveImage { .. } => {
            kind == FailureKind::InUse
        }
        Action::PullImage { .. }
        | Action::BuildImage { .. }
        | Action::CreateNetwork { .. }
        | Action::ConnectNetwork { .. }
        | Action::DisconnectNetwork { .. }
        | Action::CreateVolume { .. }
        | Action::CreateContainer(_)
        | Action::InjectFiles { .. }
        | Action::StartContainer { .. }
        | Action::StopContainer { .. }
        | Action::RestartContainer { .. }
        | Action::KillContainer { .. }
        | Action::UnpauseContainer { .. }
        | Action::RemoveContainer { .. }
        | Action::RenameContainer { .. }
        | Action::Await { .. }
        | Action::Probe { .. }
        | Action::Load { .. }
        | Action::PluginHook { .. }
        | Action::ExecHook { .. }
        | Action::RunHookContainer { .. }
        | Action::Up => true,
    }
}

/// How the loop deals with an action.
pub(crate) fn manner(action: &Action) -> Manner {
    match action {
        Action::PullImage { .. } | Action::BuildImage { .. } => TRANSFER,
        Action::CreateNetwork { .. }
        | Action::RemoveNetwork { .. }
        | Action::ConnectNetwork { .. }
        | Action::DisconnectNetwork { .. }
        | Action::CreateVolume { .. }
        | Action::RemoveVolume { .. }
        | Action::CreateContainer(_)
        | Action::InjectFiles { .. }
        | Action::StartContainer { .. }
        | Action::KillContainer { .. }
        | Action::UnpauseContainer { .. }
        | Action::RemoveContainer { .. }
        | Action::RenameContainer { .. }
        | Action::RemoveImage { .. } => WORK,
        Action::Await { .. } | Action::Probe { .. } | Action::ExecHook { .. } => GATE,
        Action::Load { .. }
        | Action::PluginHook { .. }
        | Action::RunHookContainer { .. }
        | Action::StopContainer { .. }
        | Action::RestartContainer { .. }
        | Action::Up => PATIENT,
    }
}
