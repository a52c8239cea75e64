//! What all steps of a run share.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell, mpsc};
use windlass_plan::{Step, StepId};

use super::ids::Containers;
use crate::engine::EngineResult;
use crate::event::Event;
use crate::execution::Execution;
use crate::hooks::{CallSink, LogSeverity};
use crate::shutdown::Shutdown;
use crate::state::World;

/// A digest that is looked up once, by whoever needs it first.
type SharedDigest = Arc<OnceCell<Option<String>>>;

/// What all steps of a run share.
pub(crate) struct Run {
    pub(crate) execution: Execution,
    pub(crate) containers: Containers,
    pub(crate) world: World,
    /// Starts that publish a range of ports, one at a time.
    pub(crate) port_ranges: Mutex<()>,
    digests: Mutex<HashMap<(String, String), SharedDigest>>,
    /// Loads of one thing, one at a time, by its key.
    load_turns: Mutex<HashMap<String, Arc<Mutex<()>>>>,
}

impl Run {
    pub(crate) fn new(execution: Execution, world: World) -> Self {
        let containers = Containers::of_plan(&execution.plan);
        Self {
            execution,
            containers,
            world,
            port_ranges: Mutex::new(()),
            digests: Mutex::default(),
            load_turns: Mutex::default(),
        }
    }

    /// The turn of loads with this key.
    pub(crate) async fn load_turn(&self, key: &str) -> Arc<Mutex<()>> {
        Arc::clone(self.load_turns.lock().await.entry(key.to_owned()).or_default())
    }

    /// Content digest of a local image; `None`: not there. Asked once; steps that may change it come before.
    pub(crate) async fn digest(&self, image: &str, platform: &str) -> EngineResult<Option<String>> {
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
pub(crate) struct Context {
    pub(crate) run: Arc<Run>,
    pub(crate) id: StepId,
    pub(crate) shutdown: Shutdown,
    events: mpsc::UnboundedSender<(StepId, Event)>,
}

impl Context {
    pub(crate) fn new(
        run: &Arc<Run>,
        id: StepId,
        shutdown: &Shutdown,
        events: &mpsc::UnboundedSender<(StepId, Event)>,
    ) -> Self {
        Self { run: Arc::clone(run), id, shutdown: shutdown.clone(), events: events.clone() }
    }

    /// The step.
    pub(crate) fn step(&self) -> &Step {
        &self.run.execution.plan.steps[self.id.0]
    }

    /// Reports to the loop.
    pub(crate) fn emit(&self, event: Event) {
        // The loop outlives all tasks; if it is gone, nobody is left to be told.
        drop(self.events.send((self.id, event)));
    }

    pub(crate) fn note(&self, text: impl Into<String>) {
        self.emit(Event::Note { warning: false, text: text.into() });
    }

    pub(crate) fn warn(&self, text: impl Into<String>) {
        self.emit(Event::Note { warning: true, text: text.into() });
    }

    /// Something to draw jitter from: differs between runs and steps.
    pub(crate) fn seed(&self) -> u64 {
        let text = self.run.execution.options.run_id.bytes();
        text.fold(self.id.0 as u64 + 1, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)))
    }
}

impl CallSink for Context {
    fn progress(&self, done: u64, total: Option<u64>, label: &str) {
        self.emit(Event::LoadProgress { step: self.id, done, total, label: label.to_owned() });
    }

    fn log(&self, severity: LogSeverity, message: &str) {
        self.emit(Event::PluginLog { step: self.id, severity, message: message.to_owned() });
    }
}
