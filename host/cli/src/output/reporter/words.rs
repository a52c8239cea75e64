//! The words of a run: what a step does, did, and why it failed.

use windlass_plan::step::Action;
use windlass_plan::{Plan, Step, StepId};
use windlass_runtime::Event;
use windlass_runtime::hooks::Verdict;

use super::Scene;
use crate::output::diagnostics::show_place;
use crate::output::ui::{Style, Ui};
use crate::output::visible::colourless;

/// A step of the plan.
pub(crate) fn step(plan: &Plan, id: StepId) -> &Step {
    &plan.steps[id.0]
}

/// Kind and name of what a step is about, as `docker compose` names resources.
pub(crate) fn resource(step: &Step) -> String {
    let object = windlass_plan::render::subject(step);
    match &step.action {
        Action::PullImage { .. } | Action::BuildImage { .. } | Action::RemoveImage { .. } => format!("Image {object}"),
        Action::CreateNetwork { .. } | Action::RemoveNetwork { .. } => format!("Network {object}"),
        Action::CreateVolume { .. } | Action::RemoveVolume { .. } => format!("Volume {object}"),
        Action::CreateContainer(spec) => format!("Container {}", spec.container.name),
        Action::StartContainer { container, .. }
        | Action::StopContainer { container, .. }
        | Action::RestartContainer { container, .. }
        | Action::RemoveContainer { container, .. }
        | Action::KillContainer { container, .. }
        | Action::UnpauseContainer { container }
        | Action::InjectFiles { container, .. }
        | Action::Probe { container, .. } => format!("Container {}", container.name),
        Action::Load { dataset, container, .. } => format!("Dataset {} of {}", dataset.name, container.name),
        Action::ConnectNetwork { .. }
        | Action::DisconnectNetwork { .. }
        | Action::RenameContainer { .. }
        | Action::Await { .. }
        | Action::PluginHook { .. }
        | Action::ExecHook { .. }
        | Action::RunHookContainer { .. }
        | Action::Up => object,
    }
}

/// What the step did; `None`: not worth a line of its own.
pub(crate) fn done(action: &Action) -> Option<&'static str> {
    Some(match action {
        Action::PullImage { .. } => "Pulled",
        Action::BuildImage { .. } => "Built",
        Action::CreateNetwork { .. } | Action::CreateVolume { .. } | Action::CreateContainer(_) => "Created",
        Action::StartContainer { .. } => "Started",
        Action::StopContainer { .. } => "Stopped",
        Action::RestartContainer { .. } => "Restarted",
        Action::KillContainer { .. } => "Killed",
        Action::UnpauseContainer { .. } => "Unpaused",
        Action::RemoveContainer { .. }
        | Action::RemoveNetwork { .. }
        | Action::RemoveVolume { .. }
        | Action::RemoveImage { .. } => "Removed",
        Action::Probe { .. } => "Ready",
        Action::Load { .. } => "Loaded",
        Action::PluginHook { .. } | Action::ExecHook { .. } | Action::RunHookContainer { .. } => "Done",
        Action::ConnectNetwork { .. }
        | Action::DisconnectNetwork { .. }
        | Action::InjectFiles { .. }
        | Action::RenameContainer { .. }
        | Action::Await { .. }
        | Action::Up => return None,
    })
}

/// What the step is doing.
pub(crate) fn doing(action: &Action) -> String {
    match action {
        Action::PullImage { image, .. } => format!("pulling {image}"),
        Action::BuildImage { image, .. } => format!("building {image}"),
        Action::CreateContainer(_) | Action::InjectFiles { .. } | Action::RenameContainer { .. } => {
            "creating".to_owned()
        }
        Action::StartContainer { .. } => "starting".to_owned(),
        Action::StopContainer { .. } => "stopping".to_owned(),
        Action::RestartContainer { .. } => "restarting".to_owned(),
        Action::KillContainer { .. } => "killing".to_owned(),
        Action::UnpauseContainer { .. } => "going on".to_owned(),
        Action::RemoveContainer { .. } => "removing".to_owned(),
        Action::Await { service, condition, .. } => {
            format!("waits for {service} ({})", windlass_plan::labels::condition_name(*condition))
        }
        Action::Probe { probe, .. } => format!("probing with {}", probe.plugin),
        Action::Load { dataset, .. } => format!("loading {} with {}", dataset.name, dataset.plugin),
        Action::CreateNetwork { .. }
        | Action::RemoveNetwork { .. }
        | Action::ConnectNetwork { .. }
        | Action::DisconnectNetwork { .. }
        | Action::CreateVolume { .. }
        | Action::RemoveVolume { .. }
        | Action::RemoveImage { .. }
        | Action::PluginHook { .. }
        | Action::ExecHook { .. }
        | Action::RunHookContainer { .. }
        | Action::Up => windlass_plan::render::verb(action).to_owned(),
    }
}

/// The answer of a probe in one line.
pub(crate) fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Ready => "ready".to_owned(),
        Verdict::NotYet { step, reason, .. } => format!("{step}: {reason}"),
        Verdict::Never { reason, .. } => format!("never: {reason}"),
    }
}

/// Shows a failed step, or a note.
pub(crate) fn show_failure(ui: &Ui, scene: &Scene, event: &Event) {
    match event {
        Event::StepFailed { step: id, message, hint, details, kind, warning } => {
            let step = step(&scene.plan, *id);
            let place = step.service.as_deref().filter(|service| !message.contains(*service));
            let text = place.map_or_else(|| message.clone(), |service| format!("{service}: {message}"));
            if *warning {
                ui.warning(text);
            } else {
                ui.error(text);
                if let Some(span) = scene.place(*id, *kind) {
                    show_place(ui, &span);
                }
            }
            details.iter().for_each(|line| ui.painted(format_args!("    {}", ui.paint(Style::Dim, colourless(line)))));
            if let Some(hint) = hint {
                ui.hint(hint);
            }
        }
        Event::Note { warning: true, text } => ui.warning(text),
        Event::Note { text, .. } => ui.status(text),
        _ => {}
    }
}
