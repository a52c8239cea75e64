//! Loads that are cut off at every call, and loads that meet.

use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use windlass_plan::ledger::{Backing, Mounted};

use super::super::Verdict;
use super::*;
use crate::engine::{EngineError, EngineErrorKind, Record};

/// When a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Before the engine did anything.
    Before,
    /// After it did: only the answer is lost.
    After,
}

#[derive(Default)]
struct Memory {
    markers: BTreeMap<String, Record>,
    calls: usize,
    /// The call that fails, from 1; when; and whether all later ones fail too, as after a kill.
    cut: Option<(usize, Moment, bool)>,
    /// How often each step was applied.
    applied: BTreeMap<String, u32>,
    /// Draws how long calls take, so that two runs interleave in many ways.
    seed: u64,
}

#[derive(Default)]
struct Engine(Mutex<Memory>);

impl Engine {
    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap()
    }

    async fn call<T>(&self, effect: impl FnOnce(&mut Memory) -> T) -> EngineResult<T> {
        let pauses = {
            let mut memory = self.lock();
            memory.seed = memory.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (memory.seed >> 60) % 4
        };
        for _ in 0..pauses {
            tokio::task::yield_now().await;
        }
        let mut memory = self.lock();
        memory.calls += 1;
        let failing = memory.cut.filter(|(at, _, dead)| memory.calls == *at || (*dead && memory.calls > *at));
        let failed = || EngineError {
            operation: "call".to_owned(),
            message: "cut".to_owned(),
            kind: EngineErrorKind::Other,
            hint: None,
        };
        match failing {
            Some((at, Moment::After, _)) if memory.calls == at => {
                effect(&mut memory);
                Err(failed())
            }
            Some(_) => Err(failed()),
            None => Ok(effect(&mut memory)),
        }
    }

    fn is_dead(&self) -> bool {
        let memory = self.lock();
        memory.cut.is_some_and(|(at, _, dead)| dead && memory.calls >= at)
    }

    fn apply(&self, step: &str) {
        *self.lock().applied.entry(step.to_owned()).or_default() += 1;
    }
}

#[async_trait]
impl Store for Engine {
    async fn get_record(&self, name: &str) -> EngineResult<Option<Record>> {
        self.call(|memory| memory.markers.get(name).cloned()).await
    }

    async fn list_records(&self, _: &str, _: &str) -> EngineResult<Vec<Record>> {
        self.call(|memory| memory.markers.values().cloned().collect()).await
    }

    async fn put_record(&self, marker: &Record) -> EngineResult<Record> {
        let marker = marker.clone();
        self.call(|memory| memory.markers.entry(marker.name.clone()).or_insert(marker).clone()).await
    }

    async fn remove_record(&self, name: &str) -> EngineResult<()> {
        self.call(|memory| drop(memory.markers.remove(name))).await
    }
}

fn site() -> Site {
    let backing = Backing::Volume { name: "data".to_owned(), created_at: "t".to_owned(), id: Some("u".to_owned()) };
    let mounts = vec![Mounted { path: "/data".to_owned(), backing }];
    Site { container: "c".to_owned(), started_at: "s".to_owned(), mounts, declared: Vec::new() }
}

fn owner(run: &str, lock: &str) -> Owner {
    Owner { run: run.to_owned(), lock: lock.to_owned(), who: String::new() }
}

fn slot() -> Slot {
    Slot::of_dataset("p", "es", "trucks")
}

const STEPS: [&str; 3] = ["one", "two", "three"];

#[derive(Debug, PartialEq, Eq)]
enum Ran {
    Loaded { dirty: bool },
    Nothing,
    Cut,
    Lost,
}

/// A load as the runtime does it; every step's fingerprint is `print`.
async fn load(engine: &Engine, me: Owner, print: &str) -> Ran {
    match try_load(engine, me, print).await {
        Ok(ran) => ran,
        Err(_) => Ran::Cut,
    }
}

async fn try_load(engine: &Engine, me: Owner, print: &str) -> EngineResult<Ran> {
    let ledger = Ledger::new(engine, slot(), me);
    let (mut claim, dirty) = loop {
        let standing = ledger.standing(&site()).await?;
        let (mut steps, dirty) = match &standing.verdict {
            Verdict::HeldBy(_) => continue,
            Verdict::Absent => (BTreeMap::new(), false),
            Verdict::Committed(entry) => (entry.draft.steps.clone(), false),
            Verdict::Dirty(entry) => (entry.draft.steps.clone(), true),
        };
        steps.retain(|_, known| known == print);
        if matches!(standing.verdict, Verdict::Committed(_)) && steps.len() == STEPS.len() {
            return Ok(Ran::Nothing);
        }
        let draft = Draft { steps, ..Draft::default() };
        if let Some(claim) = ledger.begin(&standing, draft).await? {
            break (claim, dirty);
        }
    };
    for step in STEPS {
        if claim.draft.steps.contains_key(step) {
            continue;
        }
        if engine.is_dead() {
            return Ok(Ran::Cut);
        }
        engine.apply(step);
        if claim.applied(step, print).await? == Appended::Lost {
            return Ok(Ran::Lost);
        }
    }
    Ok(if claim.commit().await? == Appended::Done { Ran::Loaded { dirty } } else { Ran::Lost })
}

/// What a cut at one call leaves, and what the next run makes of it. Answers whether the cut call was reached.
async fn cut_off(at: usize, moment: Moment, dead: bool, old: bool) -> bool {
    let engine = Engine::default();
    if old {
        assert_eq!(load(&engine, owner("before", "lock"), "old print").await, Ran::Loaded { dirty: false });
        let mut memory = engine.lock();
        (memory.calls, memory.applied) = (0, BTreeMap::new());
    }
    engine.lock().cut = Some((at, moment, dead));
    let first = load(&engine, owner("a", "lock"), "print").await;
    let reached = engine.lock().calls >= at;
    engine.lock().cut = None;
    let before: u32 = engine.lock().applied.values().sum();
    let second = load(&engine, owner("b", "lock"), "print").await;
    let place = format!("call {at}, {moment:?}, dead {dead}, loaded before {old}: {first:?}, then {second:?}");
    let applied = engine.lock().applied.clone();
    assert!(STEPS.iter().all(|step| applied.contains_key(*step)), "a step was never applied: {place}");
    let again: u32 = applied.values().map(|times| times - 1).sum();
    assert!(again <= 1, "more than the step whose end was not noted is applied again: {applied:?}, {place}");
    assert!(again == 0 || second == Ran::Loaded { dirty: true }, "applied again without a word: {place}");
    if moment == Moment::After {
        assert_eq!(again, 0, "the marker was made: {place}");
    }
    if before > 0 && first == Ran::Cut && second == Ran::Nothing {
        assert_eq!(before, 3, "half of the data counts as all: {place}");
    }
    assert_eq!(load(&engine, owner("c", "lock"), "print").await, Ran::Nothing, "{place}");
    let left: Vec<String> = engine.lock().markers.keys().cloned().collect();
    assert!(left.len() <= 2, "{left:?}: {place}");
    reached
}

#[tokio::test]
async fn whatever_call_cuts_a_load_off_the_next_run_ends_it_and_says_so() {
    for old in [false, true] {
        for dead in [false, true] {
            for moment in [Moment::Before, Moment::After] {
                let mut at = 1;
                while cut_off(at, moment, dead, old).await {
                    at += 1;
                }
                assert!(at > 12, "the load makes too few calls for this test: {at}");
            }
        }
    }
}

#[tokio::test]
async fn of_two_machines_one_loads_and_the_other_waits() {
    for seed in 0..500 {
        let engine = Engine::default();
        engine.lock().seed = seed;
        let (a, b) = tokio::join!(
            load(&engine, owner("a", "lock of a"), "print"),
            load(&engine, owner("b", "lock of b"), "print")
        );
        let applied = engine.lock().applied.clone();
        assert!(applied.values().all(|times| *times == 1) && applied.len() == 3, "seed {seed}: {applied:?}");
        let loaded = [&a, &b].into_iter().filter(|ran| **ran == Ran::Loaded { dirty: false }).count();
        let nothing = [&a, &b].into_iter().filter(|ran| **ran == Ran::Nothing).count();
        assert_eq!((loaded, nothing), (1, 1), "seed {seed}: {a:?} {b:?}");
    }
}

/// Another run believes that this one is dead, though it is not.
#[tokio::test]
async fn whoever_was_taken_for_dead_finds_out_before_it_can_do_more() {
    for (taker_commits, tidied) in [(false, false), (true, false), (true, true)] {
        let engine = Engine::default();
        let slow = Ledger::new(&engine, slot(), owner("slow", "lock of slow"));
        let standing = slow.standing(&site()).await.unwrap();
        let mut claim = slow.begin(&standing, Draft::default()).await.unwrap().unwrap();
        let taker = Ledger::new(&engine, slot(), owner("taker", "lock of taker"));
        let standing = taker.standing(&site()).await.unwrap();
        assert!(matches!(standing.verdict, Verdict::HeldBy(_)));
        let mut taken = taker.begin(&standing, Draft::default()).await.unwrap().unwrap();
        if tidied {
            // Several markers later no name of the slow one's log is in use any more.
            assert_eq!(taken.renew().await.unwrap(), Appended::Done);
            assert_eq!(taken.renew().await.unwrap(), Appended::Done);
        }
        if taker_commits {
            assert_eq!(taken.commit().await.unwrap(), Appended::Done);
        }
        assert_eq!(claim.applied("one", "print").await.unwrap(), Appended::Lost);
        let standing = taker.standing(&site()).await.unwrap();
        assert_eq!(matches!(standing.verdict, Verdict::Committed(_)), taker_commits);
        assert!(engine.lock().markers.values().all(|marker| marker.labels[labels::LEDGER_RUN] == "taker"));
    }
}

#[tokio::test]
async fn a_lost_answer_does_not_lose_the_claim() {
    let engine = Engine::default();
    let ledger = Ledger::new(&engine, slot(), owner("a", "lock"));
    let standing = ledger.standing(&site()).await.unwrap();
    let mut claim = ledger.begin(&standing, Draft::default()).await.unwrap().unwrap();
    let calls = engine.lock().calls;
    engine.lock().cut = Some((calls + 1, Moment::After, false));
    assert!(claim.renew().await.is_err());
    assert_eq!(claim.applied("one", "print").await.unwrap(), Appended::Done);
    assert_eq!(claim.commit().await.unwrap(), Appended::Done);
    assert_eq!(engine.lock().markers.len(), 1);
}
