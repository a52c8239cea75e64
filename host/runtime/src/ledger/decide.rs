//! What the markers of a dataset say about the place where its data would be loaded now. Pure.

use windlass_plan::ledger::{Place, Site};

use super::entry::{Entry, Owner, State};

/// What the markers say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was ever loaded into this place.
    Absent,
    /// It was loaded.
    Committed(Entry),
    /// A load did not end: it failed, or its run was killed. What the entry lists as steps is there, the rest may be.
    Dirty(Entry),
    /// Another run is loading it, as far as anybody can tell.
    HeldBy(Entry),
}

/// A verdict, and the log that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What the markers say.
    pub verdict: Verdict,
    /// Where the data lives, or would.
    pub place: Place,
    /// Number of the next marker of the log.
    pub next: u64,
    /// Markers that are worth nothing once the log has a newer one, oldest first.
    pub outdated: Vec<String>,
}

/// Judges the markers of one slot from the place where its data would be loaded now.
#[must_use]
pub fn decide(entries: &[Entry], site: &Site, me: &Owner) -> Standing {
    let here: Vec<&Entry> = entries.iter().filter(|entry| site.holds(&entry.place)).collect();
    let Some(top) = newest(&here) else {
        return Standing {
            verdict: Verdict::Absent,
            place: site.place(),
            next: 1,
            outdated: outdated(entries, site, None),
        };
    };
    // Markers of Windlass 0.1 name their place in words that new ones do not use.
    let place = if top.number == 0 { site.place() } else { top.place.clone() };
    let verdict = match top.state {
        State::Committed => Verdict::Committed(top.clone()),
        State::Dirty => Verdict::Dirty(top.clone()),
        State::Running if is_over(top, me) => Verdict::Dirty(top.clone()),
        State::Running => Verdict::HeldBy(top.clone()),
    };
    Standing { verdict, place, next: top.number + 1, outdated: outdated(entries, site, Some(top)) }
}

/// The entry that counts: the last of its log. Where several logs are about this place (a mount came or went), one that
/// did not end well wins: to load again is a nuisance, to start on half data is an error.
fn newest<'e>(here: &[&'e Entry]) -> Option<&'e Entry> {
    let is_last = |entry: &&&Entry| !here.iter().any(|other| other.place == entry.place && other.number > entry.number);
    let rank = |entry: &&&Entry| (entry.number > 0, entry.state != State::Committed, entry.number);
    here.iter().filter(is_last).max_by_key(rank).copied()
}

/// The run that made the entry has ended: it is this one, or held the lock that this one holds now. Windlass 0.1 said
/// neither, and is taken to have ended.
fn is_over(entry: &Entry, me: &Owner) -> bool {
    let same_lock = !me.lock.is_empty() && entry.owner.lock == me.lock;
    entry.number == 0 || entry.owner.run == me.run || same_lock
}

/// Earlier markers of the same data, and markers of data that is gone.
fn outdated(entries: &[Entry], site: &Site, top: Option<&Entry>) -> Vec<String> {
    let mut found: Vec<&Entry> = entries
        .iter()
        .filter(|entry| top.is_none_or(|top| top.name != entry.name))
        .filter(|entry| site.holds(&entry.place) || site.replaced(&entry.place))
        .collect();
    found.sort_by_key(|entry| entry.number);
    // The newest goes last of all: until then a cut leaves it in charge.
    found.extend(top);
    found.into_iter().map(|entry| entry.name.clone()).collect()
}

#[cfg(test)]
mod tests;
