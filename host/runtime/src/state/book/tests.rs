//! What events and inspections that overtake each other lead to.

use windlass_plan::observed::ContainerState;

use super::*;
use crate::engine::Times;

fn event(action: &str, time_nano: i64) -> ContainerEvent {
    ContainerEvent { id: "web".to_owned(), action: action.to_owned(), attributes: BTreeMap::new(), time_nano }
}

fn row() -> Container {
    Container {
        id: "web".to_owned(),
        name: "demo-web-1".to_owned(),
        image: "web:1".to_owned(),
        image_id: String::new(),
        command: String::new(),
        state: ContainerState::Running,
        health: None,
        exit_code: None,
        status: String::new(),
        created: 0,
        labels: BTreeMap::new(),
        networks: BTreeMap::new(),
        mounts: Vec::new(),
        ports: Vec::new(),
        joins: Vec::new(),
    }
}

/// An inspection of a container that runs since `started`.
fn runs_since(started: i64) -> ContainerDetails {
    ContainerDetails {
        container: row(),
        tty: false,
        started_at: String::new(),
        restart_count: 0,
        health_log: None,
        error: String::new(),
        oom_killed: false,
        times: Times { started: Some(started), finished: None, ..Times::default() },
    }
}

fn starts(book: &Book) -> u64 {
    book.entries["web"].instance.starts
}

/// Every look costs a call: one is due at the first start only, for the facts that no event tells.
#[test]
fn events_that_tell_enough_lead_to_no_inspection() {
    let mut book = Book::default();
    assert!(!book.event(&event("create", 10)));
    assert!(!book.event(&event("pause", 20)), "what is not known yet is no matter while it does not start");
    assert!(book.event(&event("start", 30)));
    book.inspected(&runs_since(29));
    assert!(!book.event(&event("start", 50)), "all that can be known is known");
}

/// The engine tells of a start a little later than the inspection says that it was: both are about one start.
#[test]
fn a_start_that_was_inspected_first_is_counted_once() {
    let mut book = Book::default();
    assert!(!book.event(&event("create", 10)));
    book.inspected(&runs_since(29));
    assert_eq!(starts(&book), 1);
    // An event that was late and is about an earlier run: its start was not counted so far.
    assert!(!book.event(&event("start", 20)));
    assert_eq!(starts(&book), 2);
    assert!(!book.event(&event("start", 30)));
    assert_eq!(starts(&book), 2);
    // The next one is another.
    assert!(!book.event(&event("start", 60)));
    assert_eq!(starts(&book), 3);
}
