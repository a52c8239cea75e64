use std::collections::{BTreeMap, VecDeque};

use windlass_runtime::state::Ended;

use super::*;

fn instance(phase: Phase, starts: u64, ends: &[(Option<i64>, i64)]) -> Instance {
    Instance {
        id: "1".into(),
        name: "shop-web-1".into(),
        service: "web".into(),
        number: 1,
        one_off: false,
        labels: BTreeMap::new(),
        phase,
        health: None,
        exit_code: None,
        oom: false,
        starts,
        ends: ends.iter().map(|(code, time)| Ended { code: *code, time: *time }).collect::<VecDeque<_>>(),
        facts: None,
    }
}

const RUN: News = News::Run { attached: false };

fn end(code: i64, again: bool) -> News {
    News::End { code, again }
}

#[test]
fn an_end_is_told_when_it_is_known_what_comes_after() {
    let mut track = Track::default();
    assert_eq!(track.look(&instance(Phase::Created, 0, &[])), []);
    assert_eq!(track.look(&instance(Phase::Running, 1, &[])), [RUN]);
    // The event came; nobody has looked at the container yet.
    assert_eq!(track.look(&instance(Phase::Running, 1, &[(Some(3), 10)])), []);
    assert!(track.is_running());
    assert_eq!(track.look(&instance(Phase::Exited, 1, &[(Some(3), 10)])), [end(3, false)]);
    assert!(!track.is_running());
    assert_eq!(track.look(&instance(Phase::Exited, 1, &[(Some(3), 10)])), [], "once");
    assert_eq!(track.look(&instance(Phase::Removed, 1, &[(Some(3), 10)])), [], "once");
}

#[test]
fn a_container_that_restarts_has_not_ended() {
    let mut track = Track::default();
    assert_eq!(track.look(&instance(Phase::Running, 1, &[])), [RUN]);
    assert_eq!(track.look(&instance(Phase::Restarting, 1, &[(Some(1), 10)])), [end(1, true)]);
    assert!(track.is_running());
    // Snapshots may pass over any number of runs.
    let later = instance(Phase::Running, 3, &[(Some(1), 10), (Some(1), 20)]);
    assert_eq!(track.look(&later), [RUN, end(1, true)]);
    let last = instance(Phase::Exited, 3, &[(Some(1), 10), (Some(1), 20), (Some(0), 30)]);
    assert_eq!(track.look(&last), [end(0, false)]);
}

#[test]
fn an_attachment_shows_the_run_that_follows_it_and_no_other() {
    let mut track = Track::default();
    track.attach();
    assert_eq!(track.look(&instance(Phase::Running, 1, &[])), [News::Run { attached: true }]);
    assert_eq!(track.look(&instance(Phase::Running, 2, &[(Some(1), 10)])), [RUN, end(1, true)]);
}

#[test]
fn a_run_that_nobody_follows_ends_unnoticed() {
    let old = instance(Phase::Running, 1, &[]);
    let mut replaced = Track::of_existing(&old, false);
    assert_eq!(replaced.look(&instance(Phase::Removed, 1, &[(Some(143), 10)])), []);
    assert!(!replaced.was_followed());
    let mut kept = Track::of_existing(&old, true);
    assert_eq!(kept.look(&instance(Phase::Exited, 1, &[(Some(143), 10)])), [end(143, false)]);
}

#[test]
fn an_exit_code_that_is_not_known_yet_is_waited_for() {
    let mut track = Track::default();
    assert_eq!(track.look(&instance(Phase::Running, 1, &[])), [RUN]);
    assert_eq!(track.look(&instance(Phase::Exited, 1, &[])), []);
    assert!(track.is_running(), "it is not known how it ended");
    assert_eq!(track.look(&instance(Phase::Exited, 1, &[(Some(4), 10)])), [end(4, false)]);
    let mut gone = Track::default();
    assert_eq!(gone.look(&instance(Phase::Running, 1, &[])), [RUN]);
    assert_eq!(gone.look(&instance(Phase::Removed, 1, &[])), []);
    assert!(!gone.is_running(), "nobody will ever tell how it ended");
}
