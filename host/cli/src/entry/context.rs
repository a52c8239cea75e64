//! What every command is given.

use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use windlass_model::node::Node;
use windlass_runtime::Engine;
use windlass_runtime::engine::Traced;

use crate::entry::backend::Backend;
use crate::entry::settings::Settings;
use crate::entry::{env_vars, trace};
use crate::errors::CliResult;
use crate::output::ui::Ui;

/// What every command is given.
pub(crate) struct Context {
    /// The one who prints.
    pub(crate) ui: Arc<Ui>,
    /// Values of the global flags.
    pub(crate) settings: Settings,
    /// Where engine and plugins come from.
    pub(crate) backend: Box<dyn Backend>,
    /// The project as it was typed, once it was loaded: failures of its steps name the place.
    pub(crate) typed: OnceLock<Arc<Node>>,
    /// The time.
    pub(crate) now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl Context {
    /// The engine.
    pub(crate) fn engine(&self) -> CliResult<Arc<dyn Engine>> {
        let engine = self.backend.engine(&self.settings)?;
        Ok(if self.traced() { Arc::new(Traced::new(engine)) } else { engine })
    }

    /// Somebody wants to see the calls of the engine.
    pub(crate) fn traced(&self) -> bool {
        self.settings.verbose || self.settings.environment.get(env_vars::RUST_LOG).is_some_and(trace::wanted)
    }

    /// Seconds since the epoch, now.
    pub(crate) fn unix_now(&self) -> i64 {
        let now = (self.now)().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
    }
}
