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
    assert_eq!(track.look(&later), [end(1, true), RUN], "who reads the new run is not told of an earlier end");
    let last = instance(Phase::Exited, 3, &[(Some(1), 10), (Some(1), 20), (Some(0), 30)]);
    assert_eq!(track.look(&last), [end(0, false)]);
}

#[test]
fn an_attachment_shows_the_run_that_follows_it_and_no_other() {
    let mut track = Track::default();
    track.attach();
    assert_eq!(track.look(&instance(Phase::Running, 1, &[])), [News::Run { attached: true }]);
    assert_eq!(track.look(&instance(Phase::Running, 2, &[(Some(1), 10)])), [end(1, true), RUN]);
}

#[test]
fn runs_and_ends_of_one_snapshot_are_told_in_their_order() {
    let ends = [(Some(1), 10), (Some(2), 20)];
    for (phase, expected) in [
        (Phase::Exited, vec![end(1, true), RUN, end(2, false)]),
        (Phase::Restarting, vec![end(1, true), RUN, end(2, true)]),
        // It ended, and nobody has looked at it since.
        (Phase::Running, vec![end(1, true), RUN]),
    ] {
        let mut track = Track::default();
        assert_eq!(track.look(&instance(Phase::Running, 1, &[])), [RUN]);
        assert_eq!(track.look(&instance(phase, 2, &ends)), expected, "{phase:?}");
    }
    // An end that is not known yet is not that of the run before.
    let mut track = Track::default();
    assert_eq!(track.look(&instance(Phase::Running, 1, &[])), [RUN]);
    assert_eq!(track.look(&instance(Phase::Running, 1, &ends[..1])), []);
    assert_eq!(track.look(&instance(Phase::Exited, 2, &ends[..1])), [end(1, true), RUN]);
    assert_eq!(track.look(&instance(Phase::Exited, 2, &ends)), [end(2, false)]);
}

#[test]
fn a_run_that_nobody_follows_ends_unnoticed() {
    let old = instance(Phase::Running, 1, &[]);
    let mut replaced = Track::of_existing(&old, false);
    assert!(!replaced.is_running(), "nobody waits for it");
    assert_eq!(replaced.look(&instance(Phase::Removed, 1, &[(Some(143), 10)])), []);
    assert!(!replaced.was_followed());
    let mut kept = Track::of_existing(&old, true);
    assert!(kept.is_running() && kept.was_followed());
    assert_eq!(kept.look(&instance(Phase::Exited, 1, &[(Some(143), 10)])), [end(143, false)]);
}

#[test]
fn what_happened_before_anybody_looked_is_not_told() {
    let before = [(Some(1), 10), (Some(1), 20)];
    for followed in [false, true] {
        let mut track = Track::of_existing(&instance(Phase::Running, 3, &before), followed);
        assert_eq!(track.look(&instance(Phase::Running, 3, &before)), []);
        let later = [before[0], before[1], (Some(0), 30)];
        let told = track.look(&instance(Phase::Exited, 3, &later));
        assert_eq!(told, if followed { vec![end(0, false)] } else { vec![] });
    }
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
