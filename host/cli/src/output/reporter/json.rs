//! One JSON object an event, on standard error: `v` counts up when a field changes its meaning, new fields may come.

use serde_json::{Value as Json, json};
use windlass_plan::StepId;
use windlass_runtime::Event;
use windlass_runtime::event::Stamped;

use super::{Scene, words};
use crate::output::ui::Ui;

/// Prints an event.
pub(super) fn event(ui: &Ui, scene: &Scene, stamped: &Stamped) {
    let plan = &*scene.plan;
    let of_step = |id: StepId| {
        let step = words::step(plan, id);
        json!({ "step": id.0, "action": windlass_plan::render::verb(&step.action), "object": windlass_plan::render::subject(step),
                "service": step.service, "cause": step.cause })
    };
    let (kind, mut fields) = match &stamped.event {
        Event::StepStarted(id) => ("step.started", of_step(*id)),
        Event::StepSkipped(id, reason) => ("step.skipped", with(of_step(*id), json!({ "reason": reason }))),
        Event::StepCancelled(id) => ("step.cancelled", of_step(*id)),
        Event::StepDone(id, took) => ("step.done", with(of_step(*id), json!({ "ms": took.as_millis() }))),
        Event::StepFailed { step, message, hint, details, kind, warning } => {
            let mut more = json!({ "message": message, "hint": hint, "details": details, "warning": warning });
            if let Some(span) = scene.place(*step, *kind) {
                more["file"] = Json::from(span.file.map(|file| file.path.display().to_string()));
                more["line"] = Json::from(span.line);
                more["column"] = Json::from(span.column);
            }
            ("step.failed", with(of_step(*step), more))
        }
        Event::Transfer(id, progress) => {
            let more = json!({ "id": progress.id, "text": progress.text, "current": progress.current, "total": progress.total });
            ("transfer", with(of_step(*id), more))
        }
        Event::ProbeAttempt { step, attempt, verdict } => {
            ("probe.attempt", with(of_step(*step), json!({ "attempt": attempt, "verdict": words::verdict(verdict) })))
        }
        Event::LoadProgress { step, done, total, label } => {
            ("load.progress", with(of_step(*step), json!({ "done": done, "total": total, "label": label })))
        }
        Event::PluginLog { step, message, .. } => ("plugin.log", with(of_step(*step), json!({ "message": message }))),
        Event::HookOutput { step, line, .. } => ("hook.output", with(of_step(*step), json!({ "line": line }))),
        Event::Note { warning, text } => ("note", json!({ "warning": warning, "text": text })),
        Event::ShutdownRequested(at_once) => ("shutdown", json!({ "immediate": at_once })),
    };
    fields["v"] = Json::from(1);
    fields["type"] = Json::from(kind);
    fields["ms_since_start"] = Json::from(u64::try_from(stamped.elapsed.as_millis()).unwrap_or(u64::MAX));
    ui.status(fields);
}

fn with(mut base: Json, more: Json) -> Json {
    if let (Some(base), Json::Object(more)) = (base.as_object_mut(), more) {
        base.extend(more);
    }
    base
}
