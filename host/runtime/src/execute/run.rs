//! What all steps of a run share.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell, mpsc};
use windlass_plan::StepId;

use super::Execution;
use super::containers::Containers;
use crate::engine::EngineResult;
use crate::event::Event;
use crate::hooks::{CallSink, LogSeverity};
use crate::shutdown::Shutdown;
use crate::watch::Watch;

/// A digest that is looked up once, by whoever needs it first.
type SharedDigest = Arc<OnceCell<Option<String>>>;

/// What all steps of a run share.
pub(super) struct Run {
    pub(super) execution: Execution,
    pub(super) containers: Containers,
    pub(super) watch: Watch,
    /// Starts that publish a range of ports, one at a time.
    pub(super) port_ranges: Mutex<()>,
    digests: Mutex<HashMap<(String, String), SharedDigest>>,
}

impl Run {
    pub(super) fn new(execution: Execution, watch: Watch) -> Self {
        let containers = Containers::of_plan(&execution.plan);
        Self { execution, containers, watch, port_ranges: Mutex::new(()), digests: Mutex::default() }
    }

    /// Content digest of a local image; `None`: not there. Asked once; steps that may change it come before.
    pub(super) async fn digest(&self, image: &str, platform: &str) -> EngineResult<Option<String>> {
        let key = (image.to_owned(), platform.to_owned());
        let cell = Arc::clone(self.digests.lock().await.entry(key).or_default());
        let ask = || async {
            let found = self.execution.engine.inspect_image(image, platform).await?;
            Ok(found.map(|image| image.content_digest))
        };
        cell.get_or_try_init(ask).await.cloned()
    }
}

/// One step's view of the run.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) run: Arc<Run>,
    pub(super) step: StepId,
    pub(super) shutdown: Shutdown,
    events: mpsc::UnboundedSender<(StepId, Event)>,
}

impl Context {
    pub(super) fn new(
        run: &Arc<Run>,
        step: StepId,
        shutdown: &Shutdown,
        events: &mpsc::UnboundedSender<(StepId, Event)>,
    ) -> Self {
        Self { run: Arc::clone(run), step, shutdown: shutdown.clone(), events: events.clone() }
    }

    /// Reports to the loop.
    pub(super) fn emit(&self, event: Event) {
        // The loop outlives all tasks; if it is gone, nobody is left to be told.
        drop(self.events.send((self.step, event)));
    }

    pub(super) fn warn(&self, text: impl Into<String>) {
        self.emit(Event::Note { warning: true, text: text.into() });
    }

    /// Something to draw jitter from: differs between runs and steps.
    pub(super) fn seed(&self) -> u64 {
        let text = self.run.execution.options.run_id.bytes();
        text.fold(self.step.0 as u64 + 1, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)))
    }
}

impl CallSink for Context {
    fn progress(&self, done: u64, total: Option<u64>, label: &str) {
        self.emit(Event::LoadProgress { step: self.step, done, total, label: label.to_owned() });
    }

    fn log(&self, severity: LogSeverity, message: &str) {
        self.emit(Event::PluginLog { step: self.step, severity, message: message.to_owned() });
    }
}
