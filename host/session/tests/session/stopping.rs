//! Reasons to stop, and what each does in which phase.

use std::time::Duration;

use windlass_model::Project;
use windlass_plan::observed::{Health, Observed};
use windlass_plan::{RestartOptions, StopOptions, UpOptions};
use windlass_runtime::engine::EngineErrorKind;
use windlass_session::{Asked, Ended, Error, LockError, LockWait, ProjectLock, Reason, Request};
use windlass_testkit::Behaviour;

use crate::bench::{Bench, SHOP};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn the_first_signal_completes_what_was_begun() {
    let bench = Bench::new();
    bench.engine.delay("create demo-db-1", MINUTE);
    let mut session = bench.spawn(bench.detached(SHOP, &[]));
    bench.tape.until("begins: create demo-db-1").await;
    assert_eq!(session.stop(Reason::Signal), Asked::Ending);
    assert!(matches!(session.join().await, Ok(Ended::Interrupted)));
    assert!(bench.engine.container("demo-db-1").is_some(), "the call was awaited");
    assert_eq!(bench.calls("start"), Vec::<String>::new());
    assert!(bench.tape.has("cancelled: start demo-db-1"), "what is given up is told: {:#?}", bench.tape.lines());
}

#[tokio::test(start_paused = true)]
async fn a_handle_that_is_dropped_asks_to_stop_and_aborts_nothing() {
    let bench = Bench::new();
    bench.engine.delay("create demo-db-1", MINUTE);
    let session = bench.spawn(bench.detached(SHOP, &[]));
    bench.tape.until("begins: create demo-db-1").await;
    drop(session);
    bench.tape.until("ended").await;
    assert!(bench.engine.container("demo-db-1").is_some(), "the call was awaited");
    assert_eq!(bench.calls("start"), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_third_signal_is_for_the_caller_who_learns_what_is_under_way() {
    let bench = Bench::new();
    bench.engine.delay("create demo-db-1", HOUR);
    let session = bench.spawn(bench.detached("services: { db: { image: postgres } }", &[]));
    bench.tape.until("begins: create demo-db-1").await;
    let asked = [(); 3].map(|()| session.stop(Reason::Signal));
    assert_eq!(asked, [Asked::Ending, Asked::Ending, Asked::Leave]);
    assert_eq!(session.in_flight(), ["create demo-db-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_limits_the_waiting_and_leaves_the_containers() {
    let checked = "services: { db: { image: postgres, healthcheck: { test: [CMD, check] } } }";
    let bench = Bench::new();
    let limit = Duration::from_secs(10);
    let waiting = |project: &Project, observed: &Observed| {
        windlass_plan::up(project, observed, &UpOptions { wait: true, ..UpOptions::default() })
    };
    let request = || Request { deadline: Some(limit), ..bench.request(checked, waiting) };
    let ended = bench.run(request()).await;
    assert!(matches!(ended, Ended::TimedOut(at) if at == limit), "{ended:?}");
    assert_eq!(bench.running(), ["demo-db-1"], "it goes on");
    bench.engine.set_health("demo-db-1", Health::Healthy);
    assert!(matches!(bench.run(request()).await, Ended::Done), "the next one is in time");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_does_not_count_what_is_done() {
    let bench = Bench::new();
    bench.engine.delay("pull postgres", HOUR);
    bench.engine.delay("create demo-web-1", MINUTE);
    let limit = Duration::from_secs(1);
    let ended = bench.run(Request { deadline: Some(limit), ..bench.detached(SHOP, &[]) }).await;
    assert!(matches!(ended, Ended::Done), "{ended:?}");
    assert_eq!(bench.running(), ["demo-db-1", "demo-web-1"]);
}

#[tokio::test(start_paused = true)]
async fn the_summary_does_not_call_running_what_died_at_once() {
    let bench = Bench::new();
    let dies = Behaviour { exit: Some((Duration::from_millis(50), 127)), ..Behaviour::default() };
    drop(bench.engine.clone().with("db", dies));
    assert!(matches!(bench.run(bench.detached(SHOP, &["db"])).await, Ended::Done));
    assert!(bench.tape.has("summary [\"demo-db-1 Exited Some(127)\"]"), "{:#?}", bench.tape.lines());
}

#[tokio::test(start_paused = true)]
async fn the_summary_has_the_last_lines_of_what_failed() {
    let log: Vec<String> = (1..=8).map(|number| format!("line {number}")).collect();
    let ends = |code| Behaviour { exit: Some((Duration::ZERO, code)), log: log.clone(), ..Behaviour::default() };
    for (code, told) in
        [(3, "{\"demo-job-1\": [\"line 4\", \"line 5\", \"line 6\", \"line 7\", \"line 8\"]}"), (0, "{}")]
    {
        let bench = Bench::new();
        drop(bench.engine.clone().with("job", ends(code)));
        assert!(matches!(bench.run(bench.detached("services: { job: { image: busybox } }", &[])).await, Ended::Done));
        let expected = format!("summary [\"demo-job-1 Exited Some({code})\"] {told}");
        assert!(bench.tape.has(&expected), "{:#?}", bench.tape.lines());
        // No more than these are read: a log can be of any length.
        let reads = (bench.engine.reads("log "), bench.engine.reads("log demo-job-1 tail 5"));
        assert_eq!(reads, if code == 0 { (0, 0) } else { (1, 1) });
    }
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_the_waiting_for_the_lock() {
    let bench = Bench::new();
    let held = ProjectLock::acquire(&bench.lock(LockWait::Never), "demo", |_| {}).await.expect("free");
    let mut session = bench.spawn(bench.detached(SHOP, &[]));
    bench.tape.until("waits for windlass up, process 1").await;
    session.stop(Reason::Signal);
    assert!(matches!(session.join().await, Ok(Ended::Interrupted)));
    assert_eq!(bench.engine.calls(), Vec::<String>::new());
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn the_engine_is_looked_at_under_the_lock() {
    let bench = Bench::new();
    let held = ProjectLock::acquire(&bench.lock(LockWait::Never), "demo", |_| {}).await.expect("free");
    let mut session = bench.spawn(bench.detached(SHOP, &["db"]));
    bench.tape.until("waits for").await;
    // Whoever holds the lock creates the container meanwhile.
    let other = Request { lock: None, ..bench.detached(SHOP, &["db"]) };
    assert!(matches!(bench.run(other).await, Ended::Done));
    drop(held);
    assert!(matches!(session.join().await, Ok(Ended::Done)));
    assert_eq!(bench.calls("create demo-db-1").len(), 1, "it was seen: {:?}", bench.engine.calls());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_want_to_wait_is_told_who_holds_the_lock() {
    let bench = Bench::new();
    let _held = ProjectLock::acquire(&bench.lock(LockWait::Never), "demo", |_| {}).await.expect("free");
    let request = Request { lock: Some(bench.lock(LockWait::Never)), ..bench.detached(SHOP, &[]) };
    let error = bench.spawn(request).join().await.unwrap_err();
    let Error::Lock(LockError::Held { holder, .. }) = error else { panic!("{error:?}") };
    assert_eq!(holder.who, "windlass up, process 1");
    assert!(holder.since.is_some(), "since when is told, too");
    // A dry run changes nothing, so it needs no lock.
    let dry = Request { dry_run: true, ..bench.detached(SHOP, &[]) };
    assert!(matches!(bench.run(dry).await, Ended::Done));
    assert_eq!(bench.engine.calls(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_a_question() {
    let bench = Bench::new();
    let before = "services: { db: { image: postgres, volumes: [data:/data] } }\nvolumes: { data: }\n";
    assert!(matches!(bench.run(bench.detached(before, &[])).await, Ended::Done));
    let after = before.replace("{ data: }", "{ data: { driver: other } }");
    let mut session = bench.spawn(bench.detached(&after, &[]));
    bench.tape.until("asks").await;
    session.stop(Reason::Signal);
    assert!(matches!(session.join().await, Ok(Ended::Interrupted)));
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_run_made_is_taken_back_and_that_can_be_interrupted() {
    let failing = |bench: &Bench| bench.engine.fail("create demo-web-1", EngineErrorKind::Other, "no space");
    let bench = Bench::new();
    failing(&bench);
    assert!(matches!(bench.run(bench.detached(SHOP, &["web"])).await, Ended::Failed { .. } | Ended::Done));
    let bench = Bench::new();
    let web = "services: { web: { image: nginx } }";
    failing(&bench);
    let ended = bench.run(bench.detached(web, &[])).await;
    assert!(matches!(ended, Ended::Failed { .. }), "{ended:?}");
    assert_eq!(bench.calls("remove network"), ["remove network demo_default"]);

    let bench = Bench::new();
    failing(&bench);
    bench.engine.delay("remove network", MINUTE);
    let mut session = bench.spawn(bench.detached(web, &[]));
    bench.tape.until("began taking back").await;
    session.stop(Reason::Signal);
    let ended = session.join().await;
    assert!(matches!(ended, Ok(Ended::Interrupted)), "{ended:?}");
    assert!(bench.tape.has("warning: what the failed run made is still there"), "{:#?}", bench.tape.lines());
}

#[tokio::test(start_paused = true)]
async fn a_restart_can_be_hurried() {
    let bench = Bench::new();
    assert!(matches!(bench.run(bench.detached(SHOP, &[])).await, Ended::Done));
    bench.engine.delay("restart demo-db-1", MINUTE);
    let options = RestartOptions { targets: vec!["db".to_owned()], ..RestartOptions::default() };
    let plan = move |project: &_, observed: &_| windlass_plan::restart(project, observed, &options);
    let mut session = bench.spawn(bench.request(SHOP, plan));
    bench.tape.until("begins: restart demo-db-1").await;
    session.stop(Reason::Signal);
    session.stop(Reason::Signal);
    assert!(matches!(session.join().await, Ok(Ended::Interrupted)));
    assert_eq!(bench.calls("kill"), ["kill demo-db-1"]);
    assert_eq!(bench.running(), ["demo-db-1", "demo-web-1"], "the restart was awaited");
}

#[tokio::test(start_paused = true)]
async fn a_kill_that_comes_too_late_is_no_failure() {
    let bench = Bench::new();
    assert!(matches!(bench.run(bench.detached(SHOP, &[])).await, Ended::Done));
    bench.engine.delay("stop demo-web-1", MINUTE);
    bench.engine.fail("kill demo-web-1", EngineErrorKind::NotRunning, "container is not running");
    let plan = |project: &_, observed: &_| windlass_plan::stop(project, observed, &StopOptions::default());
    let mut session = bench.spawn(bench.request(SHOP, plan));
    bench.tape.until("begins: stop demo-web-1").await;
    session.stop(Reason::Signal);
    session.stop(Reason::Signal);
    assert!(matches!(session.join().await, Ok(Ended::Interrupted)));
    assert_eq!(bench.calls("kill"), ["kill demo-web-1"]);
    assert!(!bench.tape.has("failed: stop demo-web-1"), "{:#?}", bench.tape.lines());
}
