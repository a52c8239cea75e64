//! Appending to a log, and the claim that a run holds while it loads.

use std::collections::BTreeMap;

use windlass_plan::labels;
use windlass_plan::ledger::{Place, Site, Slot};

use super::decide::{Standing, decide};
use super::entry::{Draft, Entry, Owner, State};
use crate::engine::{EngineResult, Store};

/// The markers of one slot.
pub struct Ledger<'a> {
    markers: &'a dyn Store,
    slot: Slot,
    owner: Owner,
}

/// What came of appending.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Appended {
    /// The marker is the newest of its log.
    Done,
    /// Somebody else was first.
    Lost,
}

impl<'a> Ledger<'a> {
    /// The ledger of a slot, as a run uses it.
    #[must_use]
    pub fn new(markers: &'a dyn Store, slot: Slot, owner: Owner) -> Self {
        Self { markers, slot, owner }
    }

    /// What the markers say about a place.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn standing(&self, site: &Site) -> EngineResult<Standing> {
        Ok(decide(&self.entries().await?, site, &self.owner))
    }

    async fn entries(&self) -> EngineResult<Vec<Entry>> {
        let all = self.markers.list_records(labels::PROJECT, &self.slot.project).await?;
        Ok(all.iter().filter_map(|marker| Entry::read(&self.slot, marker)).collect())
    }

    /// Begins a load that `draft` describes, its steps being those whose effect is there already. `None`: another run was
    /// faster.
    ///
    /// # Errors
    /// When the engine fails: then nothing may be loaded. The marker may be there all the same; the next run sees a load
    /// that was cut off before its first step.
    pub async fn begin(&self, standing: &Standing, draft: Draft) -> EngineResult<Option<Claim<'_>>> {
        let (place, outdated) = (standing.place.clone(), standing.outdated.clone());
        let mut claim = Claim { ledger: self, place, next: standing.next, draft, outdated };
        match claim.append(State::Running).await {
            Ok(Appended::Done) => Ok(Some(claim)),
            Ok(Appended::Lost) => Ok(None),
            Err(error) => {
                // Nothing is loaded, so nothing needs to be remembered; where this fails too, the next run is only wary.
                let name = Entry::name_of(&self.slot, &claim.place, claim.next);
                drop(self.markers.remove_record(&name).await);
                Err(error)
            }
        }
    }
}

/// The right to load, as long as this run's marker is the newest of the log.
pub struct Claim<'a> {
    ledger: &'a Ledger<'a>,
    place: Place,
    next: u64,
    draft: Draft,
    /// Markers to remove once the next one is there.
    outdated: Vec<String>,
}

impl Claim<'_> {
    /// Where the data is loaded to.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Shows that this run is alive.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn renew(&mut self) -> EngineResult<Appended> {
        self.append(State::Running).await
    }

    /// Notes that a step's effect is in the data now.
    ///
    /// # Errors
    /// When the engine fails: then the step counts as not applied, and is applied again.
    pub async fn applied(&mut self, step: &str, fingerprint: &str) -> EngineResult<Appended> {
        self.draft.steps.insert(step.to_owned(), fingerprint.to_owned());
        self.append(State::Running).await
    }

    /// Takes back what was noted since the load began: nobody can vouch for it.
    pub fn doubt(&mut self, there: &BTreeMap<String, String>) {
        self.draft.steps.clone_from(there);
    }

    /// Ends the load: all is there.
    ///
    /// # Errors
    /// When the engine fails: then the load counts as cut off.
    pub async fn commit(mut self) -> EngineResult<Appended> {
        self.append(State::Committed).await
    }

    /// Ends the load: it failed. Nobody needs to wait for this run any more.
    ///
    /// # Errors
    /// When the engine fails: then others find out by waiting.
    pub async fn release(mut self) -> EngineResult<Appended> {
        self.append(State::Dirty).await
    }

    /// Adds a marker. A marker of that number made by others means that the claim is lost. So does a newer one: it shows
    /// that others went on from there, and removed the one whose place ours took.
    async fn append(&mut self, state: State) -> EngineResult<Appended> {
        let ledger = self.ledger;
        let (entry, wanted) = loop {
            let entry = self.entry(state);
            let wanted = entry.marker(&ledger.slot);
            let found = ledger.markers.put_record(&wanted).await?;
            if found.labels == wanted.labels {
                break (entry, wanted);
            }
            if found.labels.get(labels::LEDGER_RUN) != Some(&ledger.owner.run) {
                return Ok(Appended::Lost);
            }
            // Ours, from a call whose answer got lost.
            self.next += 1;
            self.outdated.push(wanted.name);
        };
        let newer = |other: &Entry| other.place == entry.place && other.number > entry.number;
        if ledger.entries().await?.iter().any(newer) {
            // Ours is below theirs and says nothing; left behind it would only be in the way.
            drop(ledger.markers.remove_record(&wanted.name).await);
            return Ok(Appended::Lost);
        }
        self.next += 1;
        self.tidy(wanted.name).await;
        Ok(Appended::Done)
    }

    fn entry(&self, state: State) -> Entry {
        Entry {
            name: Entry::name_of(&self.ledger.slot, &self.place, self.next),
            number: self.next,
            state,
            place: self.place.clone(),
            owner: self.ledger.owner.clone(),
            draft: self.draft.clone(),
        }
    }

    /// Removes what the new marker has made worthless, oldest first, up to the first that cannot be removed: it is tried
    /// again with the next marker, and until then says nothing, because a newer one is there.
    async fn tidy(&mut self, newest: String) {
        while let Some(name) = self.outdated.first() {
            if self.ledger.markers.remove_record(name).await.is_err() {
                break;
            }
            self.outdated.remove(0);
        }
        self.outdated.push(newest);
    }
}

#[cfg(test)]
mod tests;
