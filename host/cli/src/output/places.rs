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
        Action::Probe { probe, .. } => beside(probe.span.as_ref(), of(&["x-windlass", "ready"])),
        Action::Load { dataset, .. } => beside(dataset.span.as_ref(), of(&["x-windlass", "load"])),
        // There may be several, so the key alone does not say which.
        Action::PluginHook { hook, .. } => hook.span.clone().or_else(|| of(&["x-windlass", "hooks"])),
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

/// The place of a key in the compose file, or the value's own where that stands in another file: `windlass.yaml`. What nobody
/// wrote, such as the probe of a known image, has the place of its service.
fn beside(own: Option<&Span>, key: Option<Span>) -> Option<Span> {
    let file = |span: &Span| span.file.as_ref().map(|file| file.path.clone());
    match (own, key) {
        (Some(own), Some(key)) if file(own) == file(&key) => Some(key),
        (Some(own), _) => Some(own.clone()),
        (None, key) => key,
    }
}
