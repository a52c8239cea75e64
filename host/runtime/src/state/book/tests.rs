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
        state: ContainerState::Running,
        ..Container::default()
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

fn phase(book: &Book) -> Phase {
    book.entries["web"].instance.phase
}

/// The inspection names the moment at which the container started, and the event a slightly later one: an inspection of that
/// run is not older than the event for it.
#[test]
fn an_inspection_of_the_run_that_an_event_told_of_is_believed() {
    let mut book = Book::default();
    assert!(book.event(&event("start", 3)));
    assert!(book.event(&event("die", 5)));
    assert!(book.event(&event("start", 30)));
    let mut details = runs_since(29);
    details.container.state = ContainerState::Paused;
    book.inspected(&details);
    assert_eq!(phase(&book), Phase::Paused);
}

/// An inspection may be answered late: what it says of an earlier run is no news of the present one.
#[test]
fn an_inspection_of_an_earlier_run_is_not_believed() {
    let mut book = Book::default();
    assert!(book.event(&event("start", 10)));
    assert!(book.event(&event("die", 20)));
    assert!(book.event(&event("start", 30)));
    let mut details = runs_since(9);
    details.container.state = ContainerState::Exited;
    details.container.exit_code = Some(1);
    details.times.finished = Some(20);
    book.inspected(&details);
    assert_eq!(phase(&book), Phase::Running);
}

/// Every look costs a call: a list that says what is known, or is older than an end, asks for none.
#[test]
fn a_list_that_contradicts_nothing_leads_to_no_look() {
    let mut book = Book::default();
    let with = |state, health| Container { state, health, ..row() };
    let healthy = [with(ContainerState::Running, Some(Health::Healthy))];
    assert!(book.list(&healthy).is_empty());
    assert!(book.list(&healthy).is_empty());
    assert_eq!(book.list(&[with(ContainerState::Running, Some(Health::Unhealthy))]), ["web"]);
    assert_eq!(book.list(&[with(ContainerState::Exited, Some(Health::Healthy))]), ["web"]);
    // The health of a container that has ended is no matter: some engines go on telling the last one.
    let mut book = Book::default();
    assert!(book.list(&[with(ContainerState::Exited, None)]).is_empty());
    assert!(book.list(&[with(ContainerState::Exited, Some(Health::Unhealthy))]).is_empty());
}

/// For those who still wait for one of them, but not for ever.
#[test]
fn the_last_removed_containers_are_remembered() {
    let mut book = Book::default();
    for number in 0..=REMOVED_KEPT {
        assert_eq!(book.entries.len(), number, "none is forgotten so far");
        book.inspected(&ContainerDetails { container: Container { id: number.to_string(), ..row() }, ..runs_since(1) });
        book.removed(&number.to_string());
    }
    assert_eq!(book.entries.len(), REMOVED_KEPT);
    assert!(!book.entries.contains_key("0") && book.entries.contains_key("1"));
}
