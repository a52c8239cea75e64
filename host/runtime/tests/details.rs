//! Small facts of runs that only show in rare cases. Each was found by breaking the code: no other test noticed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;
use windlass_model::windlass::Stage;
use windlass_plan::options::KillOptions;
use windlass_plan::{UpOptions, kill, up};
use windlass_runtime::engine::EngineErrorKind;
use windlass_runtime::hooks::Verdict;
use windlass_runtime::shutdown::Urgency;
use windlass_runtime::state::{Link, LinkNews, LinkWatch};
use windlass_runtime::timeouts::{JITTER, backoff};
use windlass_runtime::{Ending, ExecuteOptions, Execution, Outcome, Shutdown, execute};
use windlass_testkit::{FakeEngine, FakeHooks, Recorder, project};

async fn run(engine: &FakeEngine, hooks: &FakeHooks, yaml: &str, plan: windlass_plan::Plan) -> Outcome {
    let execution = Execution {
        plan: Arc::new(plan),
        project: Arc::new(project(yaml)),
        engine: Arc::new(engine.clone()),
        hooks: Arc::new(hooks.clone()),
        world: None,
        options: ExecuteOptions { run_id: "run".to_owned(), ..ExecuteOptions::default() },
    };
    execute(execution, Shutdown::channel().1, &Recorder::default()).await
}

async fn run_up(engine: &FakeEngine, hooks: &FakeHooks, yaml: &str) -> Outcome {
    let project = project(yaml);
    let plan = up(&project, &engine.seen_by(&project), &UpOptions::default()).expect("it can be planned");
    run(engine, hooks, yaml, plan).await
}

/// Whoever waits already is woken, and a level once reached does not fall again.
#[tokio::test(start_paused = true)]
async fn those_who_wait_for_the_end_are_told_of_it() {
    let (trigger, shutdown) = Shutdown::channel();
    let mut waits = shutdown.clone();
    let raise = async {
        tokio::task::yield_now().await;
        trigger.raise(Urgency::Graceful);
    };
    let both = async { tokio::join!(biased; waits.reached(Urgency::Graceful), raise) };
    tokio::time::timeout(Duration::from_secs(60), both).await.expect("it is told");
    trigger.raise(Urgency::Immediate);
    trigger.raise(Urgency::Graceful);
    assert_eq!(shutdown.urgency(), Urgency::Immediate);
}

#[test]
fn pauses_differ_by_the_jitter_and_no_more() {
    let pause = Duration::from_secs(1);
    let drawn: Vec<f64> = (0..500).map(|seed| backoff(pause, pause, 1, seed).as_secs_f64()).collect();
    let (least, most) = (drawn.iter().copied().fold(f64::MAX, f64::min), drawn.iter().copied().fold(0.0, f64::max));
    assert!(least >= 1.0 - JITTER && most <= 1.0 + JITTER, "{least} to {most}");
    assert!(least < 1.0 - JITTER / 2.0 && most > 1.0 + JITTER / 2.0, "{least} to {most}");
}

#[test]
fn a_lost_connection_is_told_once_and_only_after_there_was_one() {
    let lost = Link::Reconnecting { reason: "reset".to_owned() };
    let mut watch = LinkWatch::default();
    assert_eq!(watch.note(&lost), None, "the first connection is slow to come: nothing is lost");
    assert_eq!(watch.note(&Link::Connected), None);
    assert_eq!(watch.note(&lost), Some(LinkNews::Lost { reason: "reset".to_owned() }));
    assert_eq!(watch.note(&lost), None);
    assert_eq!(watch.note(&Link::Connected), Some(LinkNews::Found));
    assert_eq!(watch.note(&Link::Connected), None);
}

/// A signal that comes too late found what it was sent for; any other failure is one.
#[tokio::test(start_paused = true)]
async fn a_signal_that_could_not_be_sent_is_a_failure_unless_it_came_too_late() {
    let yaml = "services: { web: { image: 'web:1' } }";
    let ways = [
        (EngineErrorKind::NotRunning, Ending::Success),
        (EngineErrorKind::NotFound, Ending::Success),
        (EngineErrorKind::Denied, Ending::Failed),
    ];
    for (kind, ending) in ways {
        let (engine, hooks) = (FakeEngine::new(), FakeHooks::new());
        assert_eq!(run_up(&engine, &hooks, yaml).await.ending(), Ending::Success);
        engine.fail("kill demo-web-1", kind, "no");
        let plan = kill(&project(yaml), &engine.snapshot(), &KillOptions::default()).expect("it can be planned");
        assert_eq!(run(&engine, &hooks, yaml, plan).await.ending(), ending, "{kind:?}");
    }
}

/// Replicas that start at one moment must not ask at one moment for ever.
#[tokio::test(start_paused = true)]
async fn replicas_do_not_probe_in_step() {
    let yaml = "services: { web: { image: 'web:1', scale: 2, x-windlass: { ready: tcp } } }";
    let asked: Arc<Mutex<BTreeMap<u32, Vec<Instant>>>> = Arc::default();
    let (engine, hooks) = (FakeEngine::new(), FakeHooks::new().with("tcp", &[Stage::Probe]));
    let seen = Arc::clone(&asked);
    hooks.on_probe("tcp", move |call| {
        seen.lock().unwrap().entry(call.number).or_default().push(Instant::now());
        if call.attempt > 5 {
            return Ok(Verdict::Ready);
        }
        Ok(Verdict::NotYet { step: "connect".to_owned(), reason: "connection refused".to_owned(), hint: None })
    });
    assert_eq!(run_up(&engine, &hooks, yaml).await.ending(), Ending::Success);
    let asked = asked.lock().unwrap();
    assert_eq!((asked.len(), asked[&1].len(), asked[&2].len()), (2, 6, 6));
    assert_eq!(asked[&1][0], asked[&2][0], "both start at one moment");
    let differ = asked[&1][1..].iter().zip(&asked[&2][1..]).filter(|(one, other)| one != other).count();
    assert!(differ >= 3, "{asked:?}");
}
