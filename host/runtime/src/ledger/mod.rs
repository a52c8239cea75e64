//! What is loaded where: markers in the engine, as labelled empty volumes of the project.
//!
//! A volume's labels cannot be changed, so a dataset has two markers. `running` is made before the first step and removed
//! after `committed` is made anew. Whatever cuts a load off, `running` is left behind: then the dataset is dirty. An entry
//! counts only for the target it names (volume and its creation time), so one that outlives its volume says nothing.

mod input;

use std::collections::BTreeMap;

use windlass_plan::labels;

use crate::engine::{EngineResult, Record, Store};

pub(crate) use input::Recipe;

/// Ledger of one dataset.
pub struct Ledger<'a> {
    engine: &'a dyn Store,
    project: String,
    service: String,
    dataset: String,
}

/// What identifies a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Where the data lives.
    pub target: String,
    /// Hash over plugin, settings and inputs.
    pub input: String,
    /// SHA-256 of the plugin.
    pub plugin: String,
}

/// State of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerState {
    /// Never loaded into this target.
    Absent,
    /// A load was cut off.
    Dirty,
    /// Loaded.
    Committed {
        /// What was loaded.
        entry: LedgerEntry,
        /// Fingerprints by step.
        steps: BTreeMap<String, String>,
    },
}

impl<'a> Ledger<'a> {
    /// The ledger of a dataset of a service.
    #[must_use]
    pub fn new(engine: &'a dyn Store, project: &str, service: &str, dataset: &str) -> Self {
        Self { engine, project: project.to_owned(), service: service.to_owned(), dataset: dataset.to_owned() }
    }

    /// What the markers say about `target`.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn state(&self, target: &str) -> EngineResult<LedgerState> {
        let (running, committed) = (self.name("running"), self.name("committed"));
        let (running, committed) =
            futures_util::future::try_join(self.engine.get_record(&running), self.engine.get_record(&committed))
                .await?;
        let about_target =
            |marker: &Record| marker.labels.get(labels::LEDGER_TARGET).is_some_and(|recorded| recorded == target);
        if running.as_ref().is_some_and(about_target) {
            return Ok(LedgerState::Dirty);
        }
        let Some(marker) = committed.filter(about_target) else { return Ok(LedgerState::Absent) };
        let label = |key: &str| marker.labels.get(key).cloned().unwrap_or_default();
        let entry = LedgerEntry {
            target: target.to_owned(),
            input: label(labels::LEDGER_INPUT),
            plugin: label(labels::LEDGER_PLUGIN),
        };
        let steps = serde_json::from_str(&label(labels::LEDGER_STEPS)).unwrap_or_default();
        Ok(LedgerState::Committed { entry, steps })
    }

    /// Marks a load as begun.
    ///
    /// # Errors
    /// When the marker cannot be made: then nothing may be loaded.
    pub async fn begin(&self, entry: &LedgerEntry) -> EngineResult<()> {
        // One that was left behind may be about another target.
        self.remove("running").await?;
        self.create("running", entry, &BTreeMap::new()).await
    }

    /// Marks it as done, with the fingerprints of its steps.
    ///
    /// # Errors
    /// When a marker cannot be made or removed: then the dataset stays dirty.
    pub async fn commit(&self, entry: &LedgerEntry, steps: &BTreeMap<String, String>) -> EngineResult<()> {
        self.remove("committed").await?;
        self.create("committed", entry, steps).await?;
        self.remove("running").await
    }

    async fn create(&self, state: &str, entry: &LedgerEntry, steps: &BTreeMap<String, String>) -> EngineResult<()> {
        let name = self.name(state);
        let mut marks = labels::of_project(&self.project);
        let key = name.strip_prefix(&format!("{}_", self.project)).unwrap_or(&name).to_owned();
        let own = [
            (labels::VOLUME, key),
            (labels::LEDGER_DATASET, format!("{}/{}", self.service, self.dataset)),
            (labels::LEDGER_STATE, state.to_owned()),
            (labels::LEDGER_TARGET, entry.target.clone()),
            (labels::LEDGER_INPUT, entry.input.clone()),
            (labels::LEDGER_PLUGIN, entry.plugin.clone()),
            (labels::LEDGER_STEPS, serde_json::to_string(steps).unwrap_or_default()),
        ];
        marks.extend(own.map(|(key, value)| (key.to_owned(), value)));
        self.engine.put_record(&Record { name, labels: marks, ..Record::default() }).await.map(drop)
    }

    async fn remove(&self, state: &str) -> EngineResult<()> {
        self.engine.remove_record(&self.name(state)).await
    }

    /// Name of a marker; what volume names do not take becomes `-`.
    fn name(&self, state: &str) -> String {
        let allowed = |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
        let dataset = self.dataset.replace(|character| !allowed(character), "-");
        format!("{}_windlass_{}_{dataset}_{state}", self.project, self.service)
    }
}
