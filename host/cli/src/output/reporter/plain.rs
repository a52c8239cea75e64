//! Plain lines, for pipes and CI: one line per resource when it finishes, what a probe waits for when that changes, failures.

use std::collections::HashMap;

use windlass_plan::StepId;
use windlass_plan::step::Action;
use windlass_runtime::Event;
use windlass_runtime::event::Stamped;
use windlass_runtime::hooks::{LogSeverity, Verdict};

use super::{Scene, words};
use crate::output::humanize;
use crate::output::ui::Ui;

/// State between events.
pub(super) struct Plain {
    verbose: bool,
    /// The protocol step that a probe's last line named.
    waiting: HashMap<StepId, String>,
}

impl Plain {
    pub(super) fn new(verbose: bool) -> Self {
        Self { verbose, waiting: HashMap::new() }
    }

    pub(super) fn event(&mut self, ui: &Ui, scene: &Scene, event: &Stamped) {
        let plan = &*scene.plan;
        match &event.event {
            Event::StepDone(id, took) => {
                let step = words::step(plan, *id);
                if let Some(done) = words::done(&step.action) {
                    ui.status(format_args!(" {} {done} {}", words::resource(step), humanize::duration(*took)));
                }
            }
            Event::ProbeAttempt { step, verdict: verdict @ Verdict::NotYet { step: stage, .. }, .. }
                if self.waiting.insert(*step, stage.clone()).as_ref() != Some(stage) =>
            {
                let step = words::step(plan, *step);
                ui.status(format_args!(" {} Waiting: {}", words::resource(step), words::verdict(verdict)));
            }
            Event::StepSkipped(id, reason) if self.verbose => {
                ui.status(format_args!(" {} Skipped: {reason}", words::resource(words::step(plan, *id))));
            }
            Event::PluginLog { severity, message, .. } if self.verbose || *severity >= LogSeverity::Warning => {
                ui.status(format_args!(" {message}"));
            }
            Event::HookOutput { line, .. } => ui.painted(format_args!("   {line}")),
            // The output of a build is what people read in the log of a CI run; how far a pull is, is not.
            Event::Transfer(id, progress) if matches!(words::step(plan, *id).action, Action::BuildImage { .. }) => {
                ui.painted(&progress.text);
            }
            Event::Transfer(_, progress) if self.verbose => {
                ui.status(format_args!("   {} {}", progress.id, progress.text));
            }
            event @ (Event::StepFailed { .. } | Event::Note { .. }) => words::show_failure(ui, scene, event),
            Event::ShutdownRequested(false) => ui.status("Gracefully stopping... press Ctrl+C again to force"),
            // A log tells what came of steps: not that they began, nor each percent of a load.
            Event::StepStarted(_)
            | Event::StepSkipped(..)
            | Event::StepCancelled(_)
            | Event::Transfer(..)
            | Event::ProbeAttempt { .. }
            | Event::LoadProgress { .. }
            | Event::PluginLog { .. }
            | Event::ShutdownRequested(true) => {}
        }
    }
}
