//! One marker of a log, and its labels.

use std::collections::BTreeMap;

use windlass_plan::labels;
use windlass_plan::ledger::{Place, Slot};

use crate::engine::Record;

/// State of a dataset, as the newest marker of its log says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A run is loading it, or was when it was killed.
    Running,
    /// The data is there.
    Committed,
    /// A load has failed: some of the data may be there.
    Dirty,
}

impl State {
    const ALL: [Self; 3] = [Self::Running, Self::Committed, Self::Dirty];

    fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Committed => "committed",
            Self::Dirty => "dirty",
        }
    }
}

/// Who loads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// A word that no other run uses.
    pub run: String,
    /// Id of the lock that the run holds while it loads: another run with the same id has ended. Empty: no lock is held.
    pub lock: String,
    /// Whom others are told to wait for: `user@host, process 4711`.
    pub who: String,
}

/// What a load is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// Hash over settings and inputs.
    pub input: String,
    /// SHA-256 of the plugin.
    pub plugin: String,
    /// Steps whose effect is in the data, with their fingerprints.
    pub steps: BTreeMap<String, String>,
}

/// A marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name of the marker.
    pub name: String,
    /// Place in the log, from 1; 0: a marker of Windlass 0.1, which kept no log.
    pub number: u64,
    /// State.
    pub state: State,
    /// Where the data lives.
    pub place: Place,
    /// Who made it.
    pub owner: Owner,
    /// What was loaded, or is being loaded.
    pub draft: Draft,
}

impl Entry {
    /// The marker, when it is one of the slot; `None`: another's, or nothing that this version can read.
    #[must_use]
    pub fn read(slot: &Slot, marker: &Record) -> Option<Self> {
        let label = |key: &str| marker.labels.get(key).cloned().unwrap_or_default();
        let number = match marker.labels.get(labels::LEDGER_SLOT) {
            Some(key) if *key == slot.key() => label(labels::LEDGER_ENTRY).parse().ok()?,
            None if label(labels::LEDGER_DATASET) == slot.title() => 0,
            _ => return None,
        };
        let state = label(labels::LEDGER_STATE);
        Some(Self {
            name: marker.name.clone(),
            number,
            state: State::ALL.into_iter().find(|known| known.name() == state)?,
            place: Place::parse(&label(labels::LEDGER_TARGET))?,
            owner: Owner {
                run: label(labels::LEDGER_RUN),
                lock: label(labels::LEDGER_LOCK),
                who: label(labels::LEDGER_WHO),
            },
            draft: Draft {
                input: label(labels::LEDGER_INPUT),
                plugin: label(labels::LEDGER_PLUGIN),
                steps: serde_json::from_str(&label(labels::LEDGER_STEPS)).unwrap_or_default(),
            },
        })
    }

    /// Name of a marker: slot and place as hashes, because volume names take few characters.
    pub(super) fn name_of(slot: &Slot, place: &Place, number: u64) -> String {
        format!("{}_windlass_{}_{}_{number}", slot.project, slot.key(), place.key())
    }

    /// The marker to make.
    pub(super) fn marker(&self, slot: &Slot) -> Record {
        let mut marks = labels::of_project(&slot.project);
        let key = self.name.strip_prefix(&format!("{}_", slot.project)).unwrap_or(&self.name).to_owned();
        let own = [
            (labels::VOLUME, key),
            (labels::LEDGER_DATASET, slot.title()),
            (labels::LEDGER_SLOT, slot.key()),
            (labels::LEDGER_ENTRY, self.number.to_string()),
            (labels::LEDGER_STATE, self.state.name().to_owned()),
            (labels::LEDGER_TARGET, self.place.to_string()),
            (labels::LEDGER_INPUT, self.draft.input.clone()),
            (labels::LEDGER_PLUGIN, self.draft.plugin.clone()),
            (labels::LEDGER_STEPS, serde_json::to_string(&self.draft.steps).unwrap_or_default()),
            (labels::LEDGER_RUN, self.owner.run.clone()),
            (labels::LEDGER_LOCK, self.owner.lock.clone()),
            (labels::LEDGER_WHO, self.owner.who.clone()),
        ];
        marks.extend(own.map(|(key, value)| (key.to_owned(), value)));
        Record { name: self.name.clone(), labels: marks, created_at: String::new() }
    }
}
