//! `up` in the foreground: what ends it, what is stopped then, and what is shown meanwhile.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use windlass_plan::observed::Health;
use windlass_runtime::engine::{EngineErrorKind, LogOptions};
use windlass_session::timeouts::OUTPUT_BUDGET;
use windlass_session::{Abort, Asked, Ended, Error, Event, Handle, LogsRequest, Reason, Session, Sink};
use windlass_testkit::Behaviour;

use crate::bench::{Bench, SHOP, Tape};

const MINUTE: Duration = Duration::from_secs(60);

fn exits(after: Duration, code: i64) -> Behaviour {
    Behaviour { exit: Some((after, code)), log: vec![format!("leaves with {code}")], ..Behaviour::default() }
}

fn behave(bench: &Bench, service: &str, runs: Vec<Behaviour>) {
    drop(bench.engine.clone().with_runs(service, runs));
}

#[tokio::test(start_paused = true)]
async fn output_and_ends_are_told_in_order_until_all_have_ended() {
    let bench = Bench::new();
    behave(&bench, "job", vec![exits(MINUTE, 3)]);
    let ended = bench.run(bench.attached("services: { job: { image: busybox } }", &[], Abort::Never, None)).await;
    assert!(matches!(ended, Ended::Done), "{ended:?}");
    let lines = bench.tape.lines();
    let place = |part: &str| lines.iter().position(|line| line.contains(part)).unwrap_or_else(|| panic!("{lines:#?}"));
    assert!(place("attaching to job-1") < place("job-1 | leaves with 3"));
    assert!(place("job-1 | leaves with 3") < place("job-1 exited 3"));
    assert_eq!(lines.iter().filter(|line| line.contains("leaves with")).count(), 1, "once: {lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn an_up_stays_while_its_only_container_is_restarting() {
    let bench = Bench::new();
    behave(&bench, "job", vec![exits(MINUTE, 1), exits(MINUTE, 1), Behaviour::default()]);
    let yaml = "services: { job: { image: busybox, restart: always } }";
    let mut session = bench.spawn(bench.attached(yaml, &[], Abort::OnExit, None));
    bench.tape.until("job-1 exited 1 again").await;
    let early = tokio::time::timeout(10 * MINUTE, session.join()).await;
    assert!(early.is_err(), "it ended: {early:?}");
    assert_eq!(bench.tape.lines().iter().filter(|line| line.contains("exited 1 again")).count(), 2);
    assert_eq!(bench.engine.reads("log demo-job-1 follow since 0."), 2, "each later run from its start on");
    session.stop(Reason::Signal);
    assert!(matches!(session.join().await, Ok(Ended::Interrupted)));
    assert_eq!(bench.running(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_failure_stops_nothing_that_runs() {
    let bench = Bench::new();
    assert!(matches!(bench.run(bench.detached(SHOP, &[])).await, Ended::Done));
    bench.engine.forget_calls();
    bench.engine.fail("pull nginx:typo", EngineErrorKind::NotFound, "manifest unknown");
    let typo = SHOP.replace("nginx", "nginx:typo");
    let ended = bench.run(bench.attached(&typo, &[], Abort::Never, None)).await;
    assert!(matches!(ended, Ended::Failed { .. }), "{ended:?}");
    assert_eq!(bench.running(), ["demo-db-1", "demo-web-1"]);
    assert_eq!(bench.calls("stop"), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_signal_stops_what_this_up_was_asked_for() {
    let bench = Bench::new();
    let mut session = bench.spawn(bench.attached(SHOP, &["web"], Abort::Never, None));
    bench.tape.until("summary").await;
    session.stop(Reason::Signal);
    assert!(matches!(session.join().await, Ok(Ended::Interrupted)));
    assert_eq!(bench.calls("stop"), ["stop demo-web-1"]);
    assert_eq!(bench.running(), ["demo-db-1"], "a dependency was not asked for");
    assert!(bench.tape.has("stopping") && bench.tape.has("web-1 exited 143"), "{:#?}", bench.tape.lines());
}

/// A build that goes wrong is what one interrupts: what runs is none of this run's doing yet.
#[tokio::test(start_paused = true)]
async fn a_signal_before_anything_was_started_stops_nothing() {
    let always = SHOP.replace("image: nginx,", "image: nginx, pull_policy: always,");
    for signals in [1, 2] {
        let bench = Bench::new();
        assert!(matches!(bench.run(bench.detached(&always, &[])).await, Ended::Done));
        bench.engine.delay("pull nginx", MINUTE);
        let changed = always.replace("image: postgres", "image: postgres, pull_policy: always");
        let mut session = bench.spawn(bench.attached(&changed, &["web"], Abort::Never, None));
        bench.tape.until("attaching").await;
        bench.tape.until("begins: pull image nginx").await;
        for _ in 0..signals {
            assert_eq!(session.stop(Reason::Signal), Asked::Ending);
        }
        assert!(matches!(session.join().await, Ok(Ended::Interrupted)));
        assert_eq!(bench.running(), ["demo-db-1", "demo-web-1"], "{:#?}", bench.tape.lines());
        assert_eq!((bench.calls("stop"), bench.calls("kill")), (vec![], vec![]));
        assert!(!bench.tape.has("stopping"), "{:#?}", bench.tape.lines());
    }
}

#[tokio::test(start_paused = true)]
async fn a_signal_between_two_starts_stops_what_this_up_was_asked_for_and_is_told_once() {
    let bench = Bench::new();
    bench.engine.delay("start demo-web-1", MINUTE);
    let mut session = bench.spawn(bench.attached(SHOP, &[], Abort::Never, None));
    bench.tape.until("begins: start demo-web-1").await;
    session.stop(Reason::Signal);
    assert!(matches!(session.join().await, Ok(Ended::Interrupted)));
    assert_eq!(bench.running(), Vec::<String>::new());
    let told =
        bench.tape.lines().iter().filter(|line| *line == "stopping" || line.contains("ShutdownRequested")).count();
    assert_eq!(told, 1, "{:#?}", bench.tape.lines());
}

#[tokio::test(start_paused = true)]
async fn the_second_signal_kills_that_and_nothing_else() {
    let bench = Bench::new();
    let mut session = bench.spawn(bench.attached(SHOP, &["web"], Abort::Never, None));
    bench.tape.until("summary").await;
    bench.engine.delay("stop demo-web-1", MINUTE);
    session.stop(Reason::Signal);
    bench.tape.until("begins: stop demo-web-1").await;
    session.stop(Reason::Signal);
    assert!(matches!(session.join().await, Ok(Ended::Interrupted)));
    let killed = bench.calls("kill");
    assert!(!killed.is_empty() && killed.iter().all(|call| call == "kill demo-web-1"), "{killed:?}");
    assert_eq!(bench.running(), ["demo-db-1"]);
}

#[tokio::test(start_paused = true)]
async fn who_asks_twice_at_once_has_that_killed_without_a_stop() {
    let failures =
        [(None, None), (Some(EngineErrorKind::NotRunning), None), (Some(EngineErrorKind::Other), Some("warning: "))];
    for (failure, warning) in failures {
        let bench = Bench::new();
        let mut session = bench.spawn(bench.attached(SHOP, &["web"], Abort::Never, None));
        bench.tape.until("summary").await;
        if let Some(kind) = failure {
            bench.engine.fail("kill demo-web-1", kind, "no such process");
        }
        session.stop(Reason::Signal);
        session.stop(Reason::Signal);
        assert!(matches!(session.join().await, Ok(Ended::Interrupted)));
        assert_eq!((bench.calls("stop"), bench.calls("kill")), (vec![], vec!["kill demo-web-1".to_owned()]));
        assert_eq!(bench.tape.has("web-1 exited 137"), failure.is_none(), "{:#?}", bench.tape.lines());
        assert_eq!(bench.tape.has("warning: "), warning.is_some(), "{:#?}", bench.tape.lines());
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_stopped_does_not_keep_the_rest_running() {
    let yaml = format!("{SHOP}  job: {{ image: busybox }}\n");
    let bench = Bench::new();
    let mut session = bench.spawn(bench.attached(&yaml, &[], Abort::Never, None));
    bench.tape.until("summary").await;
    bench.engine.fail("stop demo-job-1", EngineErrorKind::Other, "no way");
    bench.engine.delay("stop demo-web-1", MINUTE);
    session.stop(Reason::Signal);
    assert!(matches!(session.join().await, Ok(Ended::Interrupted)));
    assert_eq!(bench.running(), ["demo-job-1"], "the database was stopped long after the failure");
}

#[tokio::test(start_paused = true)]
async fn abort_flags_stop_all_and_tell_the_code_of_the_first() {
    for (abort, code, stops) in [(Abort::OnExit, 0, true), (Abort::OnFailure, 0, false), (Abort::OnFailure, 4, true)] {
        let bench = Bench::new();
        behave(&bench, "db", vec![exits(MINUTE, code)]);
        behave(&bench, "web", vec![exits(10 * MINUTE, 0)]);
        let ended = bench.run(bench.attached(SHOP, &[], abort, None)).await;
        if stops {
            assert!(matches!(ended, Ended::Aborted { code: found } if found == code), "{ended:?}");
            assert_eq!(bench.calls("stop"), ["stop demo-web-1"], "{abort:?} {code}");
        } else {
            assert!(matches!(ended, Ended::Done), "{ended:?}");
            assert_eq!(bench.calls("stop"), Vec::<String>::new());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_chosen_services_code_counts_whoever_ended_first() {
    let yaml = "services: { migrate: { image: a }, test: { image: b }, web: { image: c } }";
    // Both end while the third is still starting.
    let bench = Bench::new();
    behave(&bench, "migrate", vec![exits(Duration::from_secs(1), 0)]);
    behave(&bench, "test", vec![exits(Duration::from_secs(2), 0)]);
    bench.engine.delay("start demo-web-1", MINUTE);
    let ended = bench.run(bench.attached(yaml, &[], Abort::OnExit, Some("test"))).await;
    assert!(matches!(ended, Ended::Aborted { code: 0 }), "{ended:?}");

    let bench = Bench::new();
    behave(&bench, "migrate", vec![exits(Duration::from_secs(1), 0)]);
    behave(&bench, "test", vec![exits(Duration::from_secs(2), 1)]);
    bench.engine.delay("start demo-web-1", MINUTE);
    let ended = bench.run(bench.attached(yaml, &[], Abort::OnExit, Some("test"))).await;
    assert!(matches!(ended, Ended::Aborted { code: 1 }), "{ended:?}");

    // The other one ends first, and the chosen one is stopped because of it.
    let bench = Bench::new();
    behave(&bench, "migrate", vec![exits(MINUTE, 0)]);
    let ended = bench.run(bench.attached(yaml, &[], Abort::OnExit, Some("test"))).await;
    assert!(matches!(ended, Ended::Aborted { code: 143 }), "{ended:?}");

    // The same of containers that ran before.
    let bench = Bench::new();
    assert!(matches!(bench.run(bench.detached(yaml, &[])).await, Ended::Done));
    let mut session = bench.spawn(bench.attached(yaml, &[], Abort::OnExit, Some("test")));
    assert!(tokio::time::timeout(MINUTE, session.join()).await.is_err(), "all of them run");
    bench.engine.exit("demo-migrate-1", 0);
    assert!(matches!(session.join().await, Ok(Ended::Aborted { code: 143 })), "{:#?}", bench.tape.lines());
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_aborts_does_not_wait_for_the_rest_of_the_run() {
    let bench = Bench::new();
    behave(&bench, "db", vec![exits(Duration::from_secs(1), 9)]);
    let health = Some((10 * MINUTE, windlass_plan::observed::Health::Healthy));
    behave(&bench, "slow", vec![Behaviour { health, ..Behaviour::default() }]);
    let yaml = "services:
  db: { image: postgres }
  slow: { image: s, healthcheck: { test: 'true' } }
  web: { image: nginx, depends_on: { slow: { condition: service_healthy } } }
";
    let ended = bench.run(bench.attached(yaml, &[], Abort::OnFailure, None)).await;
    assert!(matches!(ended, Ended::Aborted { code: 9 }), "{ended:?}");
    assert_eq!(bench.running(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_closed_output_ends_the_following_and_not_the_run() {
    let bench = Bench::new();
    bench.engine.delay("start demo-db-1", MINUTE);
    let mut session = bench.spawn(bench.attached(SHOP, &[], Abort::Never, None));
    bench.tape.until("begins: start demo-db-1").await;
    session.stop(Reason::ClosedOutput);
    assert!(matches!(session.join().await, Ok(Ended::Unread)));
    assert_eq!(bench.running(), ["demo-db-1", "demo-web-1"]);
    assert_eq!(bench.calls("stop"), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_container_without_output_gets_one_note_and_the_rest_goes_on() {
    let bench = Bench::new();
    behave(&bench, "db", vec![exits(MINUTE, 0)]);
    behave(&bench, "web", vec![exits(2 * MINUTE, 0)]);
    bench.engine.fail("attach demo-db-1", EngineErrorKind::Other, "no way");
    let ended = bench.run(bench.attached(SHOP, &[], Abort::Never, None)).await;
    assert!(matches!(ended, Ended::Done), "{ended:?}");
    let notes: Vec<_> = bench.tape.lines().into_iter().filter(|line| line.starts_with("no output")).collect();
    assert_eq!(notes, ["no output of db-1: no way"]);
    assert!(bench.tape.has("web-1 | leaves with 0") && bench.tape.has("db-1 exited 0"), "{:#?}", bench.tape.lines());
}

#[tokio::test(start_paused = true)]
async fn a_broken_event_stream_is_opened_again() {
    let bench = Bench::new();
    let mut session = bench.spawn(bench.attached(SHOP, &[], Abort::Never, None));
    bench.tape.until("summary").await;
    bench.engine.fail("events", EngineErrorKind::Unreachable, "nobody answers");
    bench.engine.drop_events();
    bench.tape.until("warning: the connection to the engine was lost").await;
    assert_eq!(bench.engine.reads("log "), 0);
    // It is tried again and again meanwhile.
    assert!(tokio::time::timeout(MINUTE / 2, session.join()).await.is_err());
    assert!(bench.engine.reads("events") > 5);
    bench.engine.heal();
    assert!(tokio::time::timeout(MINUTE, session.join()).await.is_err(), "the containers go on");
    // The output broke off as well, and is read from there on.
    let resumed = bench.engine.reads("log demo-db-1 follow since 1");
    assert_eq!((resumed, bench.engine.reads("log demo-web-1 follow since 1")), (1, 1));
    bench.engine.exit("demo-web-1", 5);
    bench.tape.until("web-1 exited 5").await;
    told_once(&bench);
    session.stop(Reason::Signal);
    assert!(matches!(session.join().await, Ok(Ended::Interrupted)));
    assert_eq!(bench.running(), Vec::<String>::new());
}

/// The loss of the connection, and its return.
fn told_once(bench: &Bench) {
    let lines = bench.tape.lines();
    let told = lines.iter().filter(|line| line.contains("the connection to the engine")).count();
    assert_eq!(told, 2, "{lines:#?}");
    assert!(bench.tape.has("the connection to the engine is there again"), "{lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_told_where_nothing_is_followed() {
    let bench = Bench::new();
    let yaml = "services:
  db: { image: postgres, healthcheck: { test: [CMD, check] } }
  web: { image: nginx, depends_on: { db: { condition: service_healthy } } }
";
    let mut session = bench.spawn(bench.detached(yaml, &[]));
    assert!(tokio::time::timeout(MINUTE, session.join()).await.is_err(), "it waits for the health check");
    bench.engine.drop_events();
    bench.tape.until("was lost").await;
    bench.tape.until("is there again").await;
    bench.engine.set_health("demo-db-1", Health::Healthy);
    assert!(matches!(session.join().await, Ok(Ended::Done)));
    told_once(&bench);
}

fn logs(bench: &Bench) -> Handle<Error> {
    let request = LogsRequest {
        engine: std::sync::Arc::new(bench.engine.clone()),
        project: "demo".to_owned(),
        services: Some(["web".to_owned()].into()),
        number: None,
        options: LogOptions { follow: true, tail: Some("all".to_owned()), timestamps: true, ..LogOptions::default() },
    };
    Session::follow_logs(request, std::sync::Arc::clone(&bench.tape) as std::sync::Arc<dyn Sink>)
}

#[tokio::test(start_paused = true)]
async fn followed_logs_outlive_a_restart() {
    let bench = Bench::new();
    behave(&bench, "web", vec![Behaviour { log: vec!["hello".to_owned()], ..Behaviour::default() }]);
    assert!(matches!(bench.run(bench.detached(SHOP, &[])).await, Ended::Done));
    let mut session = logs(&bench);
    bench.tape.until("web-1 | hello").await;
    bench.engine.exit("demo-web-1", 0);
    bench.engine.start("demo-web-1");
    let early = tokio::time::timeout(10 * MINUTE, session.join()).await;
    assert!(early.is_err(), "it ended with the restart: {early:?}");
    let asked = ["log demo-web-1 follow timestamps tail all", "log demo-web-1 follow timestamps since 0."];
    assert_eq!(asked.map(|words| bench.engine.reads(words)), [1, 1], "first all of it, then the new run");
    bench.engine.fail("events", EngineErrorKind::Unreachable, "nobody answers");
    bench.engine.drop_events();
    bench.tape.until("was lost").await;
    bench.engine.heal();
    assert!(tokio::time::timeout(MINUTE, session.join()).await.is_err(), "the containers go on");
    assert!(bench.tape.has("is there again"));
    assert_eq!(bench.engine.reads("log demo-web-1 follow timestamps since 1"), 1, "from where it broke off");
    bench.engine.exit("demo-web-1", 0);
    assert!(matches!(session.join().await, Ok(Ended::Done)), "nothing comes back");
}

#[tokio::test(start_paused = true)]
async fn followed_logs_of_what_has_ended_end() {
    let bench = Bench::new();
    behave(&bench, "web", vec![exits(Duration::ZERO, 0)]);
    assert!(matches!(bench.run(bench.detached(SHOP, &[])).await, Ended::Done));
    bench.engine.exit("demo-web-1", 0);
    assert!(matches!(logs(&bench).join().await, Ok(Ended::Done)));
    assert!(bench.tape.has("web-1 | leaves with 0"));
}

/// Keeps output for itself, as a terminal that takes nothing would.
#[derive(Default)]
struct Hoarder {
    tape: Arc<Tape>,
    kept: Mutex<Option<Vec<Event>>>,
}

impl Sink for Hoarder {
    fn event(&self, event: Event) {
        let mut kept = self.kept.lock().expect("nobody panics with it");
        match (&mut *kept, event) {
            (Some(kept), event @ Event::Output(_)) => kept.push(event),
            (_, event) => self.tape.event(event),
        }
    }
}

/// What a container printed before its end is shown, however slow the terminal is.
#[tokio::test(start_paused = true)]
async fn an_up_does_not_end_before_the_output_of_its_containers_is_shown() {
    let bench = Bench::new();
    let long = "x".repeat(OUTPUT_BUDGET as usize);
    let log = vec![long, "the last words".to_owned()];
    behave(&bench, "job", vec![Behaviour { exit: Some((MINUTE, 3)), log, ..Behaviour::default() }]);
    let sink = Arc::new(Hoarder { tape: Arc::clone(&bench.tape), kept: Mutex::new(Some(Vec::new())) });
    let request = bench.attached("services: { job: { image: busybox } }", &[], Abort::Never, None);
    let mut session = Session::spawn(request, Arc::clone(&sink) as Arc<dyn Sink>);
    let early = tokio::time::timeout(10 * MINUTE, session.join()).await;
    assert!(early.is_err(), "it ended: {early:?}");
    assert!(bench.running().is_empty() && !bench.tape.has("the last words"));
    drop(sink.kept.lock().expect("nobody panics with it").take());
    assert!(matches!(session.join().await, Ok(Ended::Done)));
    assert!(bench.tape.has("the last words"), "{:#?}", bench.tape.lines());
}
