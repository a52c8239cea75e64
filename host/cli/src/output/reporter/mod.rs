//! What a person or a machine sees of a run: events in, text out. Nothing else prints while a plan runs.

use std::sync::{Arc, Mutex, PoisonError};

use windlass_model::node::{Node, Span};
use windlass_plan::{Plan, StepId};
use windlass_runtime::event::{EventSink, Stamped};
use windlass_runtime::{Event, FailureKind, Outcome};

use crate::entry::context::Context;
use crate::entry::settings::Progress;
use crate::output::ui::Ui;

mod json;
mod live;
mod plain;
pub(crate) mod words;

/// Renders the events of one run.
pub(crate) struct Reporter {
    ui: Arc<Ui>,
    scene: Scene,
    kind: Kind,
}

/// What the events of a run are about.
pub(crate) struct Scene {
    pub(crate) plan: Arc<Plan>,
    /// The project as it was typed, where it was loaded from files.
    typed: Option<Arc<Node>>,
}

enum Kind {
    Live(Mutex<live::Live>),
    Plain(Mutex<plain::Plain>),
    Json,
    Quiet,
}

impl Reporter {
    /// A reporter of the kind that the settings want; `title` names the operation.
    /// `typed` is the project as it was typed, where it was loaded from files.
    pub(crate) fn new(context: &Context, title: &'static str, plan: Arc<Plan>, typed: Option<Arc<Node>>) -> Self {
        let kind = match context.settings.progress {
            Progress::Tty => Kind::Live(Mutex::new(live::Live::new(title, &plan, context.settings.verbose))),
            Progress::Plain => Kind::Plain(Mutex::new(plain::Plain::new(context.settings.verbose))),
            Progress::Json => Kind::Json,
            Progress::Quiet => Kind::Quiet,
        };
        let scene = Scene { plan, typed };
        Self { ui: Arc::clone(&context.ui), scene, kind }
    }

    /// It shows how long things take, and must be drawn anew from time to time.
    pub(crate) const fn is_live(&self) -> bool {
        matches!(self.kind, Kind::Live(_))
    }

    /// Draws the live area anew, for its timers.
    pub(crate) fn redraw(&self) {
        if let Kind::Live(live) = &self.kind {
            live.lock().unwrap_or_else(PoisonError::into_inner).draw(&self.ui, &self.scene.plan);
        }
    }

    /// The run is over: the live area goes away, failures stay.
    pub(crate) fn finish(&self, outcome: &Outcome) {
        if let Kind::Live(live) = &self.kind {
            live.lock().unwrap_or_else(PoisonError::into_inner).finish(&self.ui, outcome);
        }
    }
}

impl Scene {
    /// Where the user typed what a failed step is about.
    pub(crate) fn place(&self, step: StepId, kind: FailureKind) -> Option<Span> {
        crate::output::places::place(self.typed.as_ref()?, words::step(&self.plan, step), kind)
    }
}

impl EventSink for Reporter {
    fn emit(&self, event: Stamped) {
        match &self.kind {
            Kind::Live(live) => {
                live.lock().unwrap_or_else(PoisonError::into_inner).event(&self.ui, &self.scene, &event);
            }
            Kind::Plain(plain) => {
                plain.lock().unwrap_or_else(PoisonError::into_inner).event(&self.ui, &self.scene, &event);
            }
            Kind::Json => json::event(&self.ui, &self.scene, &event),
            Kind::Quiet => {
                if let Event::StepFailed { .. } | Event::Note { warning: true, .. } = event.event {
                    words::show_failure(&self.ui, &self.scene, &event.event);
                }
            }
        }
    }
}
