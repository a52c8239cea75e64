//! The state as it is kept: lists, events and inspections in, snapshots out. Knows no engine and no time of its own.
//!
//! Three sources tell of one container, and they overtake each other: an inspection may be newer than events that are
//! still on their way. Whoever speaks of the later moment by the engine's own clock wins, so the order of arrival does not
//! matter.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use windlass_plan::labels;
use windlass_plan::observed::{Container, Health};

use super::snapshot::{ENDS_KEPT, Ended, Facts, Instance, Link, Phase, Snapshot};
use crate::engine::{ContainerDetails, ContainerEvent};

/// Removed containers that are remembered, for those who still wait for one.
const REMOVED_KEPT: usize = 256;
/// Events that are remembered, so that those that a new subscription repeats are not counted twice.
const EVENTS_KEPT: usize = 512;

/// What is known of one container, and how recent it is.
#[derive(Debug, Clone)]
struct Entry {
    instance: Arc<Instance>,
    /// The moment that phase and health are about, by the engine's clock; 0: unknown, anything is more recent.
    as_of: i64,
    /// Begin of the last run that was counted.
    last_start: Option<i64>,
    /// Begin of a run that an inspection has told of; the event that tells of it too is still to come.
    start_due: Option<i64>,
    /// The same for an end.
    end_due: Option<i64>,
}

/// The state as it is kept.
#[derive(Debug, Default)]
pub(super) struct Book {
    revision: u64,
    entries: BTreeMap<String, Entry>,
    removed: VecDeque<String>,
    seen: HashSet<(i64, String, String)>,
    seen_order: VecDeque<(i64, String, String)>,
    latest: Option<i64>,
    link: Link,
    listed: bool,
    changed: bool,
}

impl Book {
    /// The next snapshot, if anything changed since the last one.
    pub(super) fn next_snapshot(&mut self) -> Option<Snapshot> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        self.revision += 1;
        let containers = self.entries.iter().map(|(id, entry)| (id.clone(), Arc::clone(&entry.instance)));
        Some(Snapshot {
            revision: self.revision,
            listed: self.listed,
            containers: containers.collect(),
            link: self.link.clone(),
        })
    }

    /// Whether the engine is followed.
    pub(super) fn set_link(&mut self, link: Link) {
        self.changed |= self.link != link;
        self.link = link;
    }

    /// The containers were listed before: this is a reconnection.
    pub(super) fn is_listed(&self) -> bool {
        self.listed
    }

    /// Time of the latest event, in nanoseconds since the epoch.
    pub(super) fn latest(&self) -> Option<i64> {
        self.latest
    }

    /// Takes a list of all containers of the project, made after the subscription stood. Returns the ids of containers
    /// about which the list contradicts what was known: a list says nothing of time, so they must be looked at.
    pub(super) fn list(&mut self, rows: &[Container]) -> Vec<String> {
        let mut doubtful = Vec::new();
        for row in rows {
            match self.entries.get(&row.id) {
                None => self.add(&row.id, entry_of(row)),
                Some(entry) => {
                    let known = &entry.instance;
                    let same = known.phase == row.state.into() && (known.health == row.health || known.phase.is_over());
                    if !same || known.name != row.name {
                        doubtful.push(row.id.clone());
                    }
                }
            }
        }
        let gone: Vec<String> = {
            let listed: HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
            self.entries.keys().filter(|id| !listed.contains(id.as_str())).cloned().collect()
        };
        gone.iter().for_each(|id| self.removed(id));
        // Even an empty project has a first snapshot.
        self.listed = true;
        self.changed = true;
        doubtful
    }

    /// Takes an event. `true`: it does not tell enough, the container must be looked at.
    pub(super) fn event(&mut self, event: &ContainerEvent) -> bool {
        let (action, detail) = event.action.split_once(':').unwrap_or((&event.action, ""));
        if !tells(action) || !self.is_new(event) {
            return false;
        }
        if action == "destroy" {
            self.removed(&event.id);
            return false;
        }
        if self.entries.get(&event.id).is_some_and(|entry| entry.instance.phase == Phase::Removed) {
            return false;
        }
        if !self.entries.contains_key(&event.id) {
            self.add(&event.id, entry_of_event(event));
        }
        let (id, time) = (&event.id, event.time_nano);
        match action {
            "start" => self.started(id, time),
            "die" => self.died(id, time, event.attributes.get("exitCode").and_then(|code| code.parse().ok())),
            "pause" => self.level(id, time, |instance| instance.phase = Phase::Paused),
            "unpause" => self.level(id, time, |instance| instance.phase = Phase::Running),
            "rename" => self.rename(id, event.attributes.get("name")),
            "oom" => self.change(id, |instance| instance.oom = true),
            "health_status" => match health(detail.trim()) {
                Some(health) => self.level(id, time, |instance| instance.health = Some(health)),
                None => return true,
            },
            // `create` has added it, `stop` changes nothing by itself.
            _ => {}
        }
        let entry = self.entries.get(id);
        // A stopped container has died before, unless the stop only ended its waiting for a restart.
        let gave_up = action == "stop" && entry.is_some_and(|entry| entry.instance.phase == Phase::Restarting);
        let unknown = entry.is_some_and(|entry| entry.instance.facts.is_none());
        action == "die" || gave_up || (action == "start" && unknown)
    }

    /// Takes an inspection.
    pub(super) fn inspected(&mut self, details: &ContainerDetails) {
        let row = &details.container;
        if !self.entries.contains_key(&row.id) {
            self.add(&row.id, entry_of(row));
        }
        let Some(entry) = self.entries.get_mut(&row.id) else { return };
        if entry.instance.phase == Phase::Removed {
            return;
        }
        let before = Arc::clone(&entry.instance);
        let instance = Arc::make_mut(&mut entry.instance);
        instance.facts = Some(Facts {
            tty: details.tty,
            started_at: details.started_at.clone(),
            started: details.times.started,
            restart_count: details.restart_count,
            health_log: details.health_log.clone(),
            error: details.error.clone(),
        });
        instance.name.clone_from(&row.name);
        instance.labels.clone_from(&row.labels);
        instance.oom |= details.oom_killed;
        let as_of = moment_of(entry, details);
        count(entry, details, &before);
        if as_of >= entry.as_of {
            entry.as_of = as_of;
            let instance = Arc::make_mut(&mut entry.instance);
            instance.phase = row.state.into();
            instance.health = row.health;
            instance.exit_code = row.exit_code.or(instance.exit_code);
        } else if entry.instance.health.is_none() {
            // Events tell that a container started, and not that the engine checks its health: an inspection from a moment
            // before the event is the first to say so.
            Arc::make_mut(&mut entry.instance).health = row.health;
        }
        self.changed |= *before != *entry.instance;
    }

    /// The container does not exist (any more).
    pub(super) fn removed(&mut self, id: &str) {
        let Some(entry) = self.entries.get_mut(id).filter(|entry| entry.instance.phase != Phase::Removed) else {
            return;
        };
        Arc::make_mut(&mut entry.instance).phase = Phase::Removed;
        self.changed = true;
        self.removed.push_back(id.to_owned());
        if self.removed.len() > REMOVED_KEPT
            && let Some(oldest) = self.removed.pop_front()
        {
            self.entries.remove(&oldest);
        }
    }

    fn add(&mut self, id: &str, entry: Entry) {
        self.entries.insert(id.to_owned(), entry);
        self.changed = true;
    }

    /// Not one that a new subscription repeats.
    fn is_new(&mut self, event: &ContainerEvent) -> bool {
        let key = (event.time_nano, event.id.clone(), event.action.clone());
        if !self.seen.insert(key.clone()) {
            return false;
        }
        self.seen_order.push_back(key);
        if self.seen_order.len() > EVENTS_KEPT
            && let Some(oldest) = self.seen_order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        self.latest = self.latest.max(Some(event.time_nano));
        true
    }

    fn change(&mut self, id: &str, change: impl FnOnce(&mut Instance)) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        let before = Arc::clone(&entry.instance);
        change(Arc::make_mut(&mut entry.instance));
        self.changed |= *before != *entry.instance;
    }

    /// Changes phase or health, unless what is known is about a later moment.
    fn level(&mut self, id: &str, time: i64, change: impl FnOnce(&mut Instance)) {
        let Some(entry) = self.entries.get_mut(id).filter(|entry| entry.as_of <= time) else { return };
        entry.as_of = time;
        self.change(id, change);
    }

    fn started(&mut self, id: &str, time: i64) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.last_start = entry.last_start.max(Some(time));
            if entry.start_due.take_if(|start| *start <= time).is_none() {
                Arc::make_mut(&mut entry.instance).starts += 1;
                self.changed = true;
            }
            // Events of one container come in order: the event of an end before this run was lost.
            entry.end_due = entry.end_due.filter(|end| *end > time);
        }
        self.level(id, time, |instance| {
            instance.phase = Phase::Running;
            instance.oom = false;
            // The engine begins anew with every start.
            instance.health = instance.health.map(|_| Health::Starting);
        });
    }

    /// What comes after an end (a restart, or nothing) the event does not say: the phase is left to an inspection.
    fn died(&mut self, id: &str, time: i64, code: Option<i64>) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        entry.start_due = entry.start_due.filter(|start| *start > time);
        let told = entry.end_due.take_if(|end| *end <= time);
        let instance = Arc::make_mut(&mut entry.instance);
        match instance.ends.iter_mut().find(|end| told == Some(end.time)) {
            Some(end) => end.code = end.code.or(code),
            None => remember(&mut instance.ends, Ended { code, time }),
        }
        instance.exit_code = instance.ends.back().and_then(|end| end.code);
        self.changed = true;
    }

    fn rename(&mut self, id: &str, name: Option<&String>) {
        if let Some(name) = name {
            self.change(id, |instance| name.trim_start_matches('/').clone_into(&mut instance.name));
        }
    }
}

/// Events that change what is known. The others (`exec_create` of every health check, `top`, `attach`, `kill`, …) tell of
/// no state; the end that a signal leads to has an event of its own.
fn tells(action: &str) -> bool {
    matches!(
        action,
        "create" | "start" | "die" | "stop" | "pause" | "unpause" | "rename" | "oom" | "health_status" | "destroy"
    )
}

fn health(word: &str) -> Option<Health> {
    match word {
        "starting" => Some(Health::Starting),
        "healthy" => Some(Health::Healthy),
        "unhealthy" => Some(Health::Unhealthy),
        _ => None,
    }
}

/// The moment that an inspection is about. A start is told a little later than the inspection says that it was: one that
/// is about the same run has seen that start, and is not older than the event.
fn moment_of(entry: &Entry, details: &ContainerDetails) -> i64 {
    let latest = details.times.latest();
    let (Some(begin), Some(told)) = (details.times.started, entry.last_start) else { return latest };
    let same_run = begin <= told && !entry.instance.ends.iter().any(|end| begin < end.time && end.time < told);
    if same_run { latest.max(told) } else { latest }
}

/// Counts a start or an end that no event has told of so far: events may come later than the inspection, or be lost while
/// the connection was.
fn count(entry: &mut Entry, details: &ContainerDetails, before: &Instance) {
    let times = &details.times;
    if let Some(start) = times.started.filter(|start| entry.last_start.is_none_or(|last| last < *start)) {
        let first_look = entry.last_start.is_none() && before.phase != Phase::Created;
        if !first_look {
            Arc::make_mut(&mut entry.instance).starts += 1;
            entry.start_due = Some(start);
        }
        entry.last_start = Some(start);
    }
    let Some(finished) = times.finished.filter(|_| details.container.exit_code.is_some()) else { return };
    let known = entry.instance.ends.back().map(|end| end.time);
    // An end from before the project was watched is the level, not news.
    let old = known.is_none() && before.phase.is_over();
    if known.is_none_or(|time| time < finished) && !old {
        let ends = &mut Arc::make_mut(&mut entry.instance).ends;
        remember(ends, Ended { code: details.container.exit_code, time: finished });
        entry.end_due = Some(finished);
    }
}

fn remember(ends: &mut VecDeque<Ended>, end: Ended) {
    let place = ends.partition_point(|known| known.time <= end.time);
    ends.insert(place, end);
    if ends.len() > ENDS_KEPT {
        ends.pop_front();
    }
}

fn entry_of(row: &Container) -> Entry {
    let phase = Phase::from(row.state);
    let instance = Instance {
        phase,
        health: row.health,
        exit_code: row.exit_code,
        starts: u64::from(phase != Phase::Created),
        ..instance(&row.id, &row.name, row.labels.clone())
    };
    Entry { instance: Arc::new(instance), as_of: 0, last_start: None, start_due: None, end_due: None }
}

/// The attributes of an event are the container's labels and its name.
fn entry_of_event(event: &ContainerEvent) -> Entry {
    let name = event.attributes.get("name").cloned().unwrap_or_default();
    let instance = instance(&event.id, &name, event.attributes.clone());
    Entry { instance: Arc::new(instance), as_of: 0, last_start: None, start_due: None, end_due: None }
}

fn instance(id: &str, name: &str, labels: BTreeMap<String, String>) -> Instance {
    let label = |key: &str| labels.get(key).map(String::as_str).unwrap_or_default();
    Instance {
        id: id.to_owned(),
        name: name.to_owned(),
        service: label(labels::SERVICE).to_owned(),
        number: label(labels::NUMBER).parse().unwrap_or_default(),
        one_off: label(labels::ONE_OFF) == "True",
        phase: Phase::Created,
        health: None,
        exit_code: None,
        oom: false,
        starts: 0,
        ends: VecDeque::new(),
        facts: None,
        labels,
    }
}

#[cfg(test)]
mod tests;
