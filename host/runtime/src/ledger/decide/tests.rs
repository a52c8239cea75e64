//! What markers say, as a table.

use windlass_plan::labels;
use windlass_plan::ledger::{Backing, Mounted, Slot};

use super::*;
use crate::engine::Record;
use crate::ledger::Draft;

fn site(id: &str) -> Site {
    let backing = Backing::Volume { name: "demo_data".to_owned(), created_at: "t".to_owned(), id: Some(id.to_owned()) };
    let mounts = vec![Mounted { path: "/data".to_owned(), backing }];
    Site { container: "c".to_owned(), started_at: "s".to_owned(), mounts, declared: Vec::new() }
}

fn owner(run: &str, lock: &str) -> Owner {
    Owner { run: run.to_owned(), lock: lock.to_owned(), who: format!("{run}@host") }
}

fn entry(number: u64, state: State, place: &Place, owner: Owner) -> Entry {
    let name = format!("{place}/{number}/{state:?}");
    Entry { name, number, state, place: place.clone(), owner, draft: Draft::default() }
}

fn names(entries: &[&Entry]) -> Vec<String> {
    entries.iter().map(|entry| entry.name.clone()).collect()
}

#[test]
fn the_newest_marker_counts() {
    let (here, me) = (site("u"), owner("b", "lock"));
    let first = entry(3, State::Committed, &here.place(), owner("a", "lock"));
    let second = entry(4, State::Dirty, &here.place(), owner("a", "lock"));
    let standing = decide(&[second.clone(), first.clone()], &here, &me);
    assert_eq!(standing.verdict, Verdict::Dirty(second.clone()));
    assert_eq!(standing.next, 5);
    // The newest is removed last: whatever cuts the removing off, it stays in charge.
    assert_eq!(standing.outdated, names(&[&first, &second]));
}

#[test]
fn nothing_is_known_of_another_place() {
    let (then, now) = (site("u"), site("v"));
    let marker = entry(7, State::Committed, &then.place(), owner("a", "lock"));
    let standing = decide(std::slice::from_ref(&marker), &now, &owner("b", "lock"));
    assert_eq!((&standing.verdict, standing.next), (&Verdict::Absent, 1));
    assert_eq!(standing.place, now.place());
    // That volume is gone, since another has its name.
    assert_eq!(standing.outdated, names(&[&marker]));
}

#[test]
fn a_run_is_over_when_it_held_the_lock_that_is_ours_now() {
    let here = site("u");
    let running = |owner: Owner| entry(1, State::Running, &here.place(), owner);
    let judged = |marker: Entry, me: &Owner| decide(&[marker], &here, me).verdict;
    let me = owner("b", "lock");
    assert!(matches!(judged(running(owner("a", "lock")), &me), Verdict::Dirty(_)));
    assert!(matches!(judged(running(owner("b", "other")), &me), Verdict::Dirty(_)));
    assert!(matches!(judged(running(owner("a", "other")), &me), Verdict::HeldBy(_)));
    // Who holds no lock knows nothing of others who hold none.
    assert!(matches!(judged(running(owner("a", "")), &owner("b", "")), Verdict::HeldBy(_)));
}

fn old(state: &str, target: &str) -> Record {
    let labels = [
        (labels::LEDGER_DATASET, "es/trucks"),
        (labels::LEDGER_STATE, state),
        (labels::LEDGER_TARGET, target),
        (labels::LEDGER_STEPS, r#"{"load":"print"}"#),
    ];
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    Record { name: format!("demo_windlass_es_trucks_{state}"), labels, ..Record::default() }
}

#[test]
fn markers_of_the_first_version_are_read_and_never_loaded_over_in_silence() {
    let slot = Slot::of_dataset("demo", "es", "trucks");
    let read =
        |markers: &[Record]| -> Vec<Entry> { markers.iter().filter_map(|marker| Entry::read(&slot, marker)).collect() };
    let (here, me) = (site("u"), owner("b", "lock"));
    let committed = read(&[old("committed", "volume:demo_data@t")]);
    let Verdict::Committed(entry) = decide(&committed, &here, &me).verdict else { panic!("not committed") };
    assert_eq!(entry.draft.steps["load"], "print");
    // Cut off: both markers are there, and the dirty one counts.
    let both = read(&[old("committed", "volume:demo_data@t"), old("running", "volume:demo_data@t")]);
    let standing = decide(&both, &here, &me);
    assert!(matches!(standing.verdict, Verdict::Dirty(_)));
    assert_eq!((standing.next, standing.place), (1, here.place()));
    assert_eq!(standing.outdated.len(), 2);
    // A marker of the log counts more than both.
    let newer = super::Entry { number: 1, state: State::Committed, place: here.place(), ..both[0].clone() };
    let all: Vec<Entry> = both.into_iter().chain([newer]).collect();
    assert!(matches!(decide(&all, &here, &me).verdict, Verdict::Committed(entry) if entry.number == 1));
    assert!(read(&[old("committed", "something else")]).is_empty());
}

#[test]
fn where_two_logs_are_about_one_place_the_unfinished_one_counts() {
    let here = Site {
        mounts: [site("u").mounts, vec![Mounted { path: "/b".to_owned(), backing: Backing::Bind("/b".to_owned()) }]]
            .concat(),
        ..site("u")
    };
    let data = site("u").place();
    let both = Place::Mounts([("/b".to_owned(), "bind:/b".to_owned())].into());
    let done = entry(9, State::Committed, &data, owner("a", "lock"));
    let cut = entry(2, State::Running, &both, owner("a", "lock"));
    let standing = decide(&[done, cut.clone()], &here, &owner("b", "lock"));
    assert_eq!(standing.verdict, Verdict::Dirty(cut));
}
