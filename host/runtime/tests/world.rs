//! One state for everyone: what it tells when events come, come late, or do not come at all.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use windlass_model::Project;
use windlass_plan::observed::Health;
use windlass_plan::{UpOptions, up};
use windlass_runtime::engine::{Cluster as _, Engine, EngineErrorKind};
use windlass_runtime::state::{ENDS_KEPT, Instance, Link, Phase, Pump, Snapshot};
use windlass_runtime::{Ending, ExecuteOptions, Execution, Outcome, Shutdown, World, execute};
use windlass_testkit::{Behaviour, FakeEngine, FakeHooks, Recorder, made, project};

const ONE: &str = "services: { web: { image: 'web:1' } }";
const CHECKED: &str = "services: { web: { image: 'web:1', healthcheck: { test: [CMD, check] } } }";

fn open(engine: &FakeEngine) -> (World, Pump) {
    let engine: Arc<dyn Engine> = Arc::new(engine.clone());
    World::open(&engine, "demo")
}

/// Runs a test beside the pump; the pump must end by itself when the test has dropped its view.
async fn beside<T>(pump: Pump, test: impl Future<Output = T>) -> T {
    let both = async { tokio::join!(pump.run(), test).1 };
    // In paused time this passes as soon as nobody can go on.
    tokio::time::timeout(Duration::from_secs(3600), both).await.expect("somebody waits for what does not come")
}

fn web(snapshot: &Snapshot) -> &Instance {
    snapshot.find("demo-web-1").expect("the container is known")
}

async fn until_web(world: &World, holds: impl Fn(&Instance) -> bool) -> Arc<Snapshot> {
    let revision =
        world.until(|snapshot| holds(web(snapshot)).then_some(snapshot.revision)).await.expect("the fake engine obeys");
    let now = world.now();
    assert!(now.revision >= revision);
    now
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_before_somebody_looks_and_then_one_list_is_made() {
    let engine = made(FakeEngine::new(), ONE).await;
    let (world, pump) = open(&engine);
    drop(world);
    pump.run().await;
    assert_eq!((engine.reads("events"), engine.reads("list")), (0, 0));
    let (world, pump) = open(&engine);
    let (waits, more) = (world.clone(), world.clone());
    beside(pump, async move {
        let (one, other) = tokio::join!(waits.listed(), more.listed());
        assert_eq!(one.expect("the fake engine obeys").containers.len(), 1);
        assert_eq!(web(&other.expect("the fake engine obeys")).phase, Phase::Created);
        drop((world, waits, more));
    })
    .await;
    assert_eq!((engine.reads("events"), engine.reads("list"), engine.reads("inspect")), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn events_move_the_state_and_only_a_first_start_and_an_end_cost_an_inspection() {
    let engine = made(FakeEngine::new(), CHECKED).await;
    let (world, pump) = open(&engine);
    beside(pump, async {
        let world = world;
        world.listed().await.expect("the fake engine obeys");
        engine.start("demo-web-1");
        let started = until_web(&world, |web| web.phase == Phase::Running && web.facts.is_some()).await;
        assert_eq!((web(&started).health, web(&started).starts), (Some(Health::Starting), 1));
        engine.set_health("demo-web-1", Health::Healthy);
        until_web(&world, |web| web.health == Some(Health::Healthy)).await;
        engine.pause_container("demo-web-1").await.expect("the fake engine obeys");
        until_web(&world, |web| web.phase == Phase::Paused).await;
        engine.unpause_container("demo-web-1").await.expect("the fake engine obeys");
        until_web(&world, |web| web.phase == Phase::Running).await;
        engine.oom("demo-web-1");
        until_web(&world, |web| web.oom).await;
        assert_eq!(engine.reads("inspect"), 1);
        engine.exit("demo-web-1", 137);
        let ended = until_web(&world, |web| web.phase == Phase::Exited).await;
        assert_eq!(web(&ended).exit_code, Some(137));
        assert_eq!(engine.reads("inspect"), 2);
        engine.rename_container("demo-web-1", "old").await.expect("the fake engine obeys");
        world.until(|snapshot| snapshot.find("old").map(|_| ())).await.expect("the fake engine obeys");
        let id = world.now().find("old").expect("the fake engine obeys").id.clone();
        engine.remove_container("old", false, false).await.expect("the fake engine obeys");
        let gone = |snapshot: &Snapshot| (snapshot.containers[&id].phase == Phase::Removed).then_some(());
        world.until(gone).await.expect("the fake engine obeys");
        assert!(world.now().find("old").is_none(), "a name is free once its container is removed");
        assert!(world.now().replicas("web").is_empty());
        assert_eq!((engine.reads("list"), engine.reads("inspect")), (1, 2));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn commands_in_containers_cost_no_call_and_no_new_state() {
    let engine = made(FakeEngine::new(), CHECKED).await;
    let (world, pump) = open(&engine);
    beside(pump, async {
        let world = world;
        engine.start("demo-web-1");
        world.look("demo-web-1").await.expect("the fake engine obeys");
        let (before, inspections) = (world.now().revision, engine.reads("inspect"));
        for number in 0..5000 {
            engine.tell("demo-web-1", &format!("exec_create: check {number}"));
            engine.tell("demo-web-1", &format!("exec_start: check {number}"));
            engine.tell("demo-web-1", "exec_die");
            engine.tell("demo-web-1", "top");
            engine.tell("demo-web-1", "attach");
        }
        engine.set_health("demo-web-1", Health::Healthy);
        let healthy = until_web(&world, |web| web.health == Some(Health::Healthy)).await;
        assert!(healthy.revision <= before + 2, "{before} {}", healthy.revision);
        assert_eq!((engine.reads("inspect"), engine.reads("list")), (inspections, 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_events_is_taken_in_batches_and_takes_bounded_memory() {
    let engine = made(FakeEngine::new(), ONE).await;
    let (world, pump) = open(&engine);
    beside(pump, async {
        let world = world;
        let first = world.listed().await.expect("the fake engine obeys").revision;
        for _ in 0..3000 {
            engine.start("demo-web-1");
            engine.exit("demo-web-1", 3);
        }
        let last = until_web(&world, |web| web.starts == 3000 && web.phase == Phase::Exited).await;
        assert_eq!(web(&last).ends.len(), ENDS_KEPT);
        assert!(web(&last).ends.iter().all(|end| end.code == Some(3)));
        // 6000 events: a new state and an inspection for a few hundred of them, not for each.
        assert!(last.revision - first < 120, "{}", last.revision);
        assert!(engine.reads("inspect") < 60, "{}", engine.reads("inspect"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_that_a_restart_follows_at_once_is_not_lost() {
    let restarting = "services: { web: { image: 'web:1', restart: always } }";
    let crash = Behaviour { exit: Some((Duration::from_millis(5), 9)), ..Behaviour::default() };
    let engine = made(FakeEngine::new().with_runs("web", vec![crash, Behaviour::default()]), restarting).await;
    let (world, pump) = open(&engine);
    beside(pump, async {
        let world = world;
        world.listed().await.expect("the fake engine obeys");
        engine.start("demo-web-1");
        let seen = until_web(&world, |web| web.phase == Phase::Restarting).await;
        assert_eq!(web(&seen).exit_code, Some(9));
        let back = until_web(&world, |web| web.phase == Phase::Running && web.starts == 2).await;
        let codes: Vec<_> = web(&back).ends.iter().map(|end| end.code).collect();
        assert_eq!(codes, [Some(9)]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_happened_in_a_gap_is_told_from_the_last_event_on() {
    let engine = made(FakeEngine::new(), ONE).await;
    let (world, pump) = open(&engine);
    beside(pump, async {
        let world = world;
        world.listed().await.expect("the fake engine obeys");
        engine.start("demo-web-1");
        until_web(&world, |web| web.starts == 1 && web.facts.is_some()).await;
        engine.break_events("connection reset");
        // A whole life while nobody listens: the level alone would not tell.
        engine.exit("demo-web-1", 1);
        engine.start("demo-web-1");
        let lost = world.until(|snapshot| (snapshot.link != Link::Connected).then(|| snapshot.link.clone())).await;
        assert_eq!(lost.expect("the fake engine obeys"), Link::Reconnecting { reason: "connection reset".to_owned() });
        let back = until_web(&world, |web| web.starts == 2 && web.ends.len() == 1).await;
        assert_eq!(web(&back).ends[0].code, Some(1));
        world.until(|snapshot| (snapshot.link == Link::Connected).then_some(())).await.expect("the fake engine obeys");
        // The events that are repeated are not counted twice.
        engine.drop_events();
        world.until(|snapshot| (snapshot.link != Link::Connected).then_some(())).await.expect("the fake engine obeys");
        world.until(|snapshot| (snapshot.link == Link::Connected).then_some(())).await.expect("the fake engine obeys");
        let again = world.look("demo-web-1").await.expect("the fake engine obeys");
        assert_eq!((again.starts, again.ends.len(), again.phase), (2, 1, Phase::Running));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn events_that_are_lost_for_good_are_put_right_by_the_list() {
    let engine = made(FakeEngine::new(), CHECKED).await;
    let (world, pump) = open(&engine);
    beside(pump, async {
        let world = world;
        engine.start("demo-web-1");
        world.look("demo-web-1").await.expect("the fake engine obeys");
        let id = world.now().find("demo-web-1").expect("the fake engine obeys").id.clone();
        engine.fail("events", EngineErrorKind::Unreachable, "connection refused");
        engine.drop_events();
        engine.set_health("demo-web-1", Health::Healthy);
        engine.exit("demo-web-1", 4);
        engine.rename_container("demo-web-1", "renamed").await.expect("the fake engine obeys");
        engine.forget_events();
        world.until(|snapshot| (snapshot.link != Link::Connected).then_some(())).await.expect("the fake engine obeys");
        engine.heal();
        let ended =
            |snapshot: &Snapshot| snapshot.containers.get(&id).filter(|web| web.phase == Phase::Exited).map(Arc::clone);
        let web = world.until(ended).await.expect("the fake engine obeys");
        assert_eq!((web.name.as_str(), web.exit_code, web.ends.len()), ("renamed", Some(4), 1));
        engine.drop_events();
        engine.remove_container("renamed", false, false).await.expect("the fake engine obeys");
        engine.forget_events();
        world
            .until(|snapshot| (snapshot.containers[&id].phase == Phase::Removed).then_some(()))
            .await
            .expect("the fake engine obeys");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_stays_away_is_given_up_on_and_everyone_is_told() {
    let engine = made(FakeEngine::new(), ONE).await;
    let (world, pump) = open(&engine);
    beside(pump, async {
        let world = world;
        world.listed().await.expect("the fake engine obeys");
        engine.fail("events", EngineErrorKind::Unreachable, "connection refused");
        engine.drop_events();
        world
            .until(|snapshot| matches!(snapshot.link, Link::Reconnecting { .. }).then_some(()))
            .await
            .expect("the fake engine obeys");
        let (look, wait) = tokio::join!(world.look("demo-web-1"), world.until(|_| None::<()>));
        for error in [look.unwrap_err(), wait.unwrap_err()] {
            assert_eq!((error.kind, error.message.as_str()), (EngineErrorKind::Unreachable, "connection refused"));
        }
        assert_eq!(world.now().link, Link::Broken { reason: "connection refused".to_owned() });
        assert!(world.look("demo-web-1").await.is_err(), "nobody waits for an answer that will not come");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_refuses_us_or_its_events_is_not_asked_again() {
    for kind in [EngineErrorKind::Denied, EngineErrorKind::Refused] {
        let engine = made(FakeEngine::new(), ONE).await;
        engine.fail("events", kind, "permission denied");
        let (world, pump) = open(&engine);
        beside(pump, async {
            let world = world;
            assert_eq!(world.listed().await.unwrap_err().message, "permission denied");
        })
        .await;
        assert_eq!(engine.reads("events"), 1, "{kind:?}");
    }
}

/// The first list alone says how a container is; nobody has to look at each.
#[tokio::test(start_paused = true)]
async fn the_list_tells_what_containers_are() {
    let engine = made(FakeEngine::new(), CHECKED).await;
    for (starts, health, code) in
        [(0, None, None), (1, Some(Health::Healthy), None), (1, Some(Health::Unhealthy), Some(3))]
    {
        match code {
            Some(code) => engine.exit("demo-web-1", code),
            None if starts == 1 => {
                engine.start("demo-web-1");
                engine.set_health("demo-web-1", Health::Healthy);
            }
            None => {}
        }
        let (world, pump) = open(&engine);
        beside(pump, async {
            let world = world;
            let first = world.listed().await.expect("the fake engine obeys");
            let web = web(&first);
            assert_eq!((web.starts, web.health, web.exit_code), (starts, health, code));
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_that_the_engine_stumbles_over_is_repeated_a_few_times() {
    let engine = made(FakeEngine::new(), ONE).await;
    let (world, pump) = open(&engine);
    beside(pump, async {
        let world = world;
        world.listed().await.expect("the fake engine obeys");
        let kinds = [(EngineErrorKind::Other, 4), (EngineErrorKind::Unanswered, 4), (EngineErrorKind::Denied, 1)];
        for (kind, tries) in kinds {
            let before = engine.reads("inspect demo-web-1");
            engine.fail("inspect demo-web-1", kind, "it stumbles");
            assert_eq!(world.look("demo-web-1").await.unwrap_err().kind, kind);
            assert_eq!(engine.reads("inspect demo-web-1") - before, tries, "{kind:?}");
            engine.heal();
        }
        assert_eq!(world.look("demo-web-1").await.expect("it is well again").phase, Phase::Created);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_look_is_as_recent_as_its_request_even_when_events_are_late() {
    let engine = made(FakeEngine::new(), ONE).await;
    engine.start("demo-web-1");
    engine.exit("demo-web-1", 1);
    let (world, pump) = open(&engine);
    beside(pump, async {
        let world = world;
        assert_eq!(web(&world.listed().await.expect("the fake engine obeys")).phase, Phase::Exited);
        // Nobody tells of this start.
        engine.drop_events();
        engine.start("demo-web-1");
        engine.forget_events();
        assert_eq!(world.look("demo-web-1").await.expect("the fake engine obeys").phase, Phase::Running);
        assert_eq!(world.look("nobody").await.unwrap_err().kind, EngineErrorKind::NotFound);
    })
    .await;
}

/// Runs `up` with a view of its own.
async fn run(engine: &FakeEngine, project: &Project) -> Outcome {
    run_with(engine, project, &UpOptions::default()).await
}

async fn run_with(engine: &FakeEngine, project: &Project, options: &UpOptions) -> Outcome {
    let plan = up(project, &engine.seen_by(project), options).expect("it can be planned");
    let execution = Execution {
        plan: Arc::new(plan),
        project: Arc::new(project.clone()),
        engine: Arc::new(engine.clone()),
        hooks: Arc::new(FakeHooks::new()),
        world: None,
        options: ExecuteOptions { run_id: "run".to_owned(), ..ExecuteOptions::default() },
    };
    let (_trigger, calm) = Shutdown::channel();
    execute(execution, calm, &Recorder::default()).await
}

fn crash(milliseconds: u64, code: i64) -> Behaviour {
    Behaviour { exit: Some((Duration::from_millis(milliseconds), code)), ..Behaviour::default() }
}

fn healthy(milliseconds: u64) -> Behaviour {
    Behaviour { health: Some((Duration::from_millis(milliseconds), Health::Healthy)), ..Behaviour::default() }
}

const DEPENDS: &str = "
services:
  db: { image: 'db:1', restart: POLICY, healthcheck: { test: [CMD, check] } }
  app: { image: 'app:1', depends_on: { db: { condition: service_healthy } } }
";

#[tokio::test(start_paused = true)]
async fn a_dependency_that_its_restart_policy_brings_back_is_waited_for() {
    for policy in ["always", "unless-stopped", "on-failure", "'on-failure:3'"] {
        let runs = vec![crash(50, 1), crash(400, 1), healthy(300)];
        let engine = FakeEngine::new().with_runs("db", runs);
        let outcome = run(&engine, &project(&DEPENDS.replace("POLICY", policy))).await;
        assert_eq!(outcome.ending(), Ending::Success, "{policy}: {:?}", outcome.failures);
        assert!(engine.container("demo-app-1").is_some_and(|app| app.is_up()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_dependency_whose_policy_gives_up_or_whose_check_does_fails() {
    let engine = FakeEngine::new().with_runs("db", vec![crash(50, 1)]);
    let outcome = run(&engine, &project(&DEPENDS.replace("POLICY", "'on-failure:2'"))).await;
    assert_eq!(outcome.failures[0].message, "dependency failed to start: container demo-db-1 exited (1)");
    let never = Behaviour { health: Some((Duration::from_millis(100), Health::Unhealthy)), ..Behaviour::default() };
    let engine = FakeEngine::new().with_runs("db", vec![crash(50, 1), never]);
    let outcome = run(&engine, &project(&DEPENDS.replace("POLICY", "always"))).await;
    assert_eq!(outcome.failures[0].message, "dependency failed to start: container demo-db-1 is unhealthy");
}

const JOB: &str = "
services:
  job: { image: 'job:1', restart: POLICY }
  app: { image: 'app:1', depends_on: { job: { condition: service_completed_successfully } } }
";

#[tokio::test(start_paused = true)]
async fn a_job_with_a_restart_policy_is_done_when_it_ended_well_once() {
    let engine = FakeEngine::new().with_runs("job", vec![crash(50, 7), crash(50, 7), crash(50, 0)]);
    let outcome = run(&engine, &project(&JOB.replace("POLICY", "on-failure"))).await;
    assert_eq!(outcome.ending(), Ending::Success, "{:?}", outcome.failures);
    let engine = FakeEngine::new().with_runs("job", vec![crash(50, 7), crash(50, 0), crash(50, 7)]);
    let outcome = run(&engine, &project(&JOB.replace("POLICY", "always"))).await;
    assert_eq!(outcome.ending(), Ending::Success, "{:?}", outcome.failures);
    let engine = FakeEngine::new().with_runs("job", vec![crash(50, 7)]);
    let outcome = run(&engine, &project(&JOB.replace("POLICY", "'on-failure:2'"))).await;
    assert_eq!(outcome.failures[0].message, "service \"job\" didn't complete successfully: exit 7");
}

#[tokio::test(start_paused = true)]
async fn running_is_no_success_for_wait_until_it_has_lasted() {
    let waited = UpOptions { wait: true, ..UpOptions::default() };
    let engine = FakeEngine::new().with("web", crash(300, 7));
    let outcome = run_with(&engine, &project(ONE), &waited).await;
    assert_eq!(outcome.failures[0].message, "container demo-web-1 exited (7)");
    let engine = FakeEngine::new().with_runs("web", vec![crash(300, 7), crash(400, 7), Behaviour::default()]);
    let policy = "services: { web: { image: 'web:1', restart: always } }";
    let begin = tokio::time::Instant::now();
    let outcome = run_with(&engine, &project(policy), &waited).await;
    assert_eq!(outcome.ending(), Ending::Success, "{:?}", outcome.failures);
    assert!(begin.elapsed().as_millis() > 1700, "its third run is what lasts, by the test's own clock");
    // A health check is the better judge, and nothing is waited for after a service that ran before.
    let engine = FakeEngine::new().with("web", healthy(300));
    let begin = tokio::time::Instant::now();
    assert_eq!(run_with(&engine, &project(CHECKED), &waited).await.ending(), Ending::Success);
    assert_eq!(run_with(&engine, &project(CHECKED), &waited).await.ending(), Ending::Success);
    assert_eq!(begin.elapsed().as_millis(), 300, "by the test's own clock");
    let engine = FakeEngine::new();
    assert_eq!(run_with(&engine, &project(ONE), &waited).await.ending(), Ending::Success);
    let begin = tokio::time::Instant::now();
    assert_eq!(run_with(&engine, &project(ONE), &waited).await.ending(), Ending::Success);
    assert_eq!(begin.elapsed().as_millis(), 0, "it runs for long: nothing is left to wait for");
}

#[tokio::test(start_paused = true)]
async fn fifty_who_wait_for_one_cost_one_list_and_one_subscription() {
    let mut yaml = "services:\n  db: { image: 'db:1', healthcheck: { test: [CMD, check] } }\n".to_owned();
    for number in 0..50 {
        let app = "{ image: 'app:1', depends_on: { db: { condition: service_healthy } } }";
        writeln!(yaml, "  app{number}: {app}").expect("it is written to a string");
    }
    let engine = FakeEngine::new().with("db", healthy(500));
    let project = project(&yaml);
    let outcome = run(&engine, &project).await;
    assert_eq!(outcome.ending(), Ending::Success, "{:?}", outcome.failures);
    assert_eq!((engine.reads("events"), engine.reads("list")), (1, 1));
    assert!(engine.reads("inspect demo-db-1") <= 4, "{}", engine.reads("inspect demo-db-1"));
}
