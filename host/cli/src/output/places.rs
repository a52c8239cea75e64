//! Where the user typed what a step is about.

use windlass_model::node::{Node, Span};
use windlass_model::validate::span_of;
use windlass_plan::Step;
use windlass_plan::step::Action;
use windlass_runtime::FailureKind;

/// The place of a failed step; `kind` says what about it failed.
pub(crate) fn place(typed: &Node, step: &Step, kind: FailureKind) -> Option<Span> {
    let service = step.service.as_deref();
    let of = |keys: &[&str]| span_of(typed, &[&["services", service?], keys].concat());
    match &step.action {
        Action::PullImage { .. } => of(&["image"]),
        Action::BuildImage { .. } => of(&["build"]),
        Action::CreateNetwork { key, .. } => span_of(typed, &["networks", key]),
        Action::CreateVolume { key, .. } => span_of(typed, &["volumes", key]),
        Action::StartContainer { .. } if kind == FailureKind::PortInUse => of(&["ports"]),
        Action::Await { service, .. } => of(&["depends_on", service]),
        Action::Probe { .. } => of(&["x-windlass", "ready"]),
        Action::Load { .. } => of(&["x-windlass", "load"]),
        Action::PluginHook { .. } => of(&["x-windlass", "hooks"]),
        Action::CreateContainer(_)
        | Action::StartContainer { .. }
        | Action::ExecHook { .. }
        | Action::RunHookContainer { .. } => of(&[]),
        // What they are about was not typed by anybody, or is not what failed.
        Action::RemoveNetwork { .. }
        | Action::ConnectNetwork { .. }
        | Action::DisconnectNetwork { .. }
        | Action::RemoveVolume { .. }
        | Action::InjectFiles { .. }
        | Action::StopContainer { .. }
        | Action::RestartContainer { .. }
        | Action::KillContainer { .. }
        | Action::RemoveContainer { .. }
        | Action::UnpauseContainer { .. }
        | Action::RenameContainer { .. }
        | Action::RemoveImage { .. }
        | Action::Up => None,
    }
}
