//! Runs of plans on a fake engine, in paused time.

use std::sync::Arc;
use std::time::Duration;

use windlass_model::Project;
use windlass_model::windlass::Stage;
use windlass_plan::observed::{ContainerState, Health, Image, Volume};
use windlass_plan::options::Recreate;
use windlass_plan::{DownOptions, Plan, StopOptions, UpOptions, check, down, labels, stop, up};
use windlass_runtime::engine::{Cluster as _, EngineErrorKind};
use windlass_runtime::hooks::{HookErrorKind, Verdict};
use windlass_runtime::outcome::StepResult;
use windlass_runtime::shutdown::{ShutdownTrigger, Urgency};
use windlass_runtime::timeouts::{NAME_PATIENCE, WAY_BACK_PATIENCE};
use windlass_runtime::{Ending, ExecuteOptions, Execution, Outcome, Shutdown, execute, timeline};
use windlass_testkit::{Behaviour, FakeEngine, FakeHooks, Recorder, TempProject, hook_error, project};

/// An engine, plugins, and what happened.
struct Bench {
    engine: FakeEngine,
    hooks: FakeHooks,
    recorder: Recorder,
    options: ExecuteOptions,
}

struct Ran {
    plan: Arc<Plan>,
    outcome: Outcome,
    lines: Vec<String>,
}

impl Ran {
    fn has(&self, line: &str) -> bool {
        self.lines.iter().any(|found| found == line)
    }

    fn failure(&self) -> &str {
        let [failure] = self.outcome.failures.as_slice() else {
            panic!("one failure expected: {:?}", self.outcome.failures)
        };
        &failure.message
    }
}

fn world(engine: FakeEngine) -> Bench {
    let hooks = FakeHooks::new()
        .with("elasticsearch", &[Stage::Probe])
        .with("tcp", &[Stage::Probe])
        .with("es-bulk", &[Stage::Load])
        .with("notify", &[Stage::PreStart, Stage::PostStart, Stage::PreStop]);
    let options = ExecuteOptions { run_id: "run".to_owned(), ..ExecuteOptions::default() };
    Bench { engine, hooks, recorder: Recorder::default(), options }
}

impl Bench {
    async fn run(&self, project: &Project, plan: Plan, shutdown: Shutdown) -> Ran {
        assert_eq!(check(&plan), []);
        let plan = Arc::new(plan);
        let execution = Execution {
            plan: Arc::clone(&plan),
            project: Arc::new(project.clone()),
            engine: Arc::new(self.engine.clone()),
            hooks: Arc::new(self.hooks.clone()),
            world: None,
            options: self.options.clone(),
        };
        let before = self.recorder.lines(&plan).len();
        let outcome = execute(execution, shutdown, &self.recorder).await;
        let lines = self.recorder.lines(&plan).split_off(before.min(self.recorder.lines(&plan).len()));
        Ran { plan, outcome, lines }
    }

    async fn up_with(&self, project: &Project, options: &UpOptions) -> Ran {
        let recorder = Recorder::default();
        let fresh =
            Self { recorder, engine: self.engine.clone(), hooks: self.hooks.clone(), options: self.options.clone() };
        let plan = up(project, &self.engine.seen_by(project), options).expect("it can be planned");
        fresh.run(project, plan, Shutdown::channel().1).await
    }

    async fn up(&self, project: &Project) -> Ran {
        self.up_with(project, &UpOptions::default()).await
    }
}

fn position(lines: &[String], wanted: &str) -> usize {
    lines.iter().position(|line| line == wanted).unwrap_or_else(|| panic!("{wanted:?} is not in {lines:#?}"))
}

fn assert_order(lines: &[String], wanted: &[&str]) {
    let places: Vec<usize> = wanted.iter().map(|line| position(lines, line)).collect();
    assert!(places.is_sorted(), "{wanted:?} are not in this order in {lines:#?}");
}

const FOODTRUCKS: &str = "
services:
  es: { image: 'elasticsearch:6.3.2', volumes: ['data:/data'] }
  web: { image: 'web:1', depends_on: [es] }
volumes: { data: {} }
";

#[tokio::test(start_paused = true)]
async fn a_dependent_starts_when_the_probe_says_ready() {
    let world = world(FakeEngine::new());
    world.hooks.ready_after("elasticsearch", 3);
    let ran = world.up(&project(FOODTRUCKS)).await;
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:#?}", ran.lines);
    assert_order(
        &ran.lines,
        &["done: start demo-es-1", "done: probe demo-es-1 with elasticsearch", "done: up es", "done: start demo-web-1"],
    );
    assert_eq!(world.hooks.calls().len(), 4);
    // Three pauses of 100 ms, which do not grow yet, each with 20 % jitter and the clock's one millisecond.
    let waited = ran.outcome.elapsed.as_secs_f64();
    assert!((0.24..0.364).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn replicas_that_share_a_range_of_ports_start_one_after_the_other() {
    let world = world(FakeEngine::new());
    for number in 1..=3 {
        world.engine.delay(&format!("start demo-web-{number}"), Duration::from_secs(10));
    }
    let ran = world.up(&project("services: { web: { image: 'web:1', scale: 3, ports: ['8000-8010:80'] } }")).await;
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:#?}", ran.lines);
    // Of the clock that stands still: at once they would take ten.
    assert!(ran.outcome.elapsed >= Duration::from_secs(30), "{:?}", ran.outcome.elapsed);
}

#[tokio::test(start_paused = true)]
async fn a_second_up_changes_nothing() {
    let world = world(FakeEngine::new());
    let project = project(FOODTRUCKS);
    world.up(&project).await;
    world.engine.forget_calls();
    let again = world.up(&project).await;
    assert_eq!(world.engine.calls(), Vec::<String>::new());
    assert_eq!(again.lines, ["done: probe demo-es-1 with elasticsearch", "done: up es"]);
}

#[tokio::test(start_paused = true)]
async fn an_inferred_probe_that_never_succeeds_is_a_warning() {
    let world = world(FakeEngine::new());
    world.hooks.ready_after("elasticsearch", u32::MAX - 1);
    let ran = world.up(&project(FOODTRUCKS)).await;
    assert_eq!(ran.outcome.ending(), Ending::Success);
    let warned = "warned: probe demo-es-1 with elasticsearch: es is not ready after 60s, last answer: connect: \
                  connection refused; going on without it";
    assert_order(&ran.lines, &[warned, "done: start demo-web-1"]);
}

const PROBED: &str = "
services:
  es: { image: 'es:1', x-windlass: { ready: { plugin: elasticsearch, timeout: 5s } } }
  web: { image: 'web:1', depends_on: [es] }
";

#[tokio::test(start_paused = true)]
async fn a_declared_probe_that_never_succeeds_fails_with_its_last_answer_and_the_log() {
    let log = (1..=12).map(|line| format!("line {line}")).collect();
    let world = world(FakeEngine::new().with("es", Behaviour { log, ..Behaviour::default() }));
    world.hooks.ready_after("elasticsearch", u32::MAX - 1);
    let ran = world.up(&project(PROBED)).await;
    assert_eq!(ran.failure(), "es is not ready after 5s, last answer: connect: connection refused");
    let details = &ran.outcome.failures[0].details;
    assert_eq!((details.len(), details[0].as_str(), details[9].as_str()), (10, "line 3", "line 12"));
    assert_eq!(world.engine.reads("log demo-es-1 tail 10"), 1, "a log can be of any length");
    assert_eq!(world.engine.container("demo-web-1").unwrap().state, ContainerState::Created);
    assert_eq!(ran.outcome.elapsed, Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_probe_ends_at_once_when_its_container_exits() {
    let exit = Some((Duration::from_secs(1), 3));
    let world = world(FakeEngine::new().with("es", Behaviour { exit, ..Behaviour::default() }));
    world.hooks.ready_after("elasticsearch", u32::MAX - 1);
    let ran = world.up(&project(PROBED)).await;
    assert_eq!(
        ran.failure(),
        "container demo-es-1 exited (3) before it was ready, last answer: connect: connection refused"
    );
    assert_eq!(ran.outcome.elapsed, Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn never_is_final() {
    let world = world(FakeEngine::new());
    world.hooks.on_probe("elasticsearch", |_| {
        Ok(Verdict::Never { reason: "wrong password".to_owned(), hint: Some("set PASSWORD".to_owned()) })
    });
    let ran = world.up(&project(PROBED)).await;
    assert_eq!(ran.failure(), "es will not get ready: wrong password");
    assert_eq!(ran.outcome.failures[0].hint.as_deref(), Some("set PASSWORD"));
    assert_eq!(world.hooks.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn thresholds_and_stability_count_answers_in_a_row() {
    let yaml = PROBED.replace("timeout: 5s", "success-threshold: 2, stable-for: 1s");
    let world = world(FakeEngine::new());
    world.hooks.on_probe("elasticsearch", |call| {
        let not_yet = Verdict::NotYet { step: "status".to_owned(), reason: "red".to_owned(), hint: None };
        Ok(if call.attempt == 2 { not_yet } else { Verdict::Ready })
    });
    let ran = world.up(&project(&yaml)).await;
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:?}", ran.lines);
    assert!(ran.outcome.elapsed >= Duration::from_secs(1), "{:?}", ran.outcome.elapsed);
    assert!(world.hooks.calls().len() > 4);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_hangs_is_cut_off_and_asked_again() {
    let world = world(FakeEngine::new());
    world.hooks.takes("elasticsearch", Duration::from_secs(3));
    let ran = world.up(&project(PROBED)).await;
    assert_eq!(ran.failure(), "es is not ready after 5s, last answer: attempt: no answer within 2s");
}

const CONDITIONS: &str = "
services:
  db: { image: 'db:1', healthcheck: { test: [CMD, check] } }
  job: { image: 'job:1', depends_on: { db: { condition: service_healthy } } }
  web: { image: 'web:1', depends_on: { job: { condition: service_completed_successfully } } }
";

fn healthy_after(seconds: u64, health: Health) -> Behaviour {
    Behaviour { health: Some((Duration::from_secs(seconds), health)), ..Behaviour::default() }
}

fn exits_after(seconds: u64, code: i64) -> Behaviour {
    Behaviour { exit: Some((Duration::from_secs(seconds), code)), ..Behaviour::default() }
}

#[tokio::test(start_paused = true)]
async fn conditions_are_met_by_events_without_polling() {
    let engine = FakeEngine::new().with("db", healthy_after(7, Health::Healthy)).with("job", exits_after(2, 0));
    let ran = world(engine).up(&project(CONDITIONS)).await;
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:?}", ran.lines);
    assert_eq!(ran.outcome.elapsed, Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_met_any_more_fails_with_composes_words() {
    let unhealthy = FakeEngine::new().with("db", healthy_after(1, Health::Unhealthy));
    let ran = world(unhealthy).up(&project(CONDITIONS)).await;
    assert_eq!(ran.failure(), "dependency failed to start: container demo-db-1 is unhealthy");
    let exited = FakeEngine::new().with("db", exits_after(1, 1));
    let ran = world(exited).up(&project(CONDITIONS)).await;
    assert_eq!(ran.failure(), "dependency failed to start: container demo-db-1 exited (1)");
    let failing = FakeEngine::new().with("db", healthy_after(1, Health::Healthy)).with("job", exits_after(1, 5));
    let ran = world(failing).up(&project(CONDITIONS)).await;
    assert_eq!(ran.failure(), "service \"job\" didn't complete successfully: exit 5");
    let unchecked = CONDITIONS.replace(", healthcheck: { test: [CMD, check] }", "");
    let ran = world(FakeEngine::new()).up(&project(&unchecked)).await;
    assert_eq!(ran.failure(), "dependency failed to start: container demo-db-1 has no healthcheck configured");
}

#[tokio::test(start_paused = true)]
async fn an_optional_dependency_only_warns() {
    let yaml = CONDITIONS.replace("service_healthy }", "service_healthy, required: false }");
    let engine = FakeEngine::new().with("db", healthy_after(1, Health::Unhealthy)).with("job", exits_after(1, 0));
    let ran = world(engine).up(&project(&yaml)).await;
    assert_eq!(ran.outcome.ending(), Ending::Success);
    assert!(ran.has("warned: await db service_healthy: dependency failed to start: container demo-db-1 is unhealthy"));
}

#[tokio::test(start_paused = true)]
async fn a_broken_event_stream_is_opened_again_and_nothing_is_missed() {
    let world = world(FakeEngine::new().with("db", Behaviour::default()).with("job", exits_after(1, 0)));
    let engine = world.engine.clone();
    let project = project(CONDITIONS);
    let breaking = async {
        while !engine.container("demo-db-1").is_some_and(|db| db.is_up()) {
            tokio::time::advance(Duration::from_millis(10)).await;
        }
        engine.drop_events();
        engine.set_health("demo-db-1", Health::Healthy);
    };
    let (ran, ()) = tokio::join!(world.up(&project), breaking);
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:?}", ran.lines);
}

#[tokio::test(start_paused = true)]
async fn what_was_dialled_through_goes_with_every_run() {
    let good = world(FakeEngine::new());
    good.up(&project("services: { web: { image: 'web:1' } }")).await;
    assert_eq!(good.engine.reads("end dialling demo"), 1);
    let failing = world(FakeEngine::new().with("db", exits_after(1, 1)));
    failing.up(&project(CONDITIONS)).await.failure();
    assert_eq!(failing.engine.reads("end dialling demo"), 1);
    let (trigger, shutdown) = Shutdown::channel();
    trigger.raise(Urgency::Graceful);
    let plan = up(&project(CONDITIONS), &good.engine.snapshot(), &UpOptions::default()).unwrap();
    let ran = good.run(&project(CONDITIONS), plan, shutdown).await;
    assert_eq!((ran.outcome.ending(), good.engine.reads("end dialling demo")), (Ending::Interrupted, 2));
    // It is told, and fails nothing.
    good.engine.fail("end dialling", EngineErrorKind::Other, "busy");
    let ran = good.up(&project("services: { web: { image: 'web:1' } }")).await;
    assert!(ran.outcome.ending() == Ending::Success && ran.lines.iter().any(|line| line.contains("busy")));
}

fn trucks(folder: &TempProject) -> Project {
    let yaml = format!(
        "
services:
  es:
    image: es:1
    volumes: ['data:/data']
    x-windlass: {{ load: {{ trucks: {{ plugin: es-bulk, from: {} }} }} }}
  web: {{ image: 'web:1', depends_on: [es] }}
volumes: {{ data: {{}} }}
",
        folder.join("trucks.ndjson").display()
    );
    project(&yaml)
}

#[tokio::test(start_paused = true)]
async fn data_is_loaded_once_and_again_when_its_input_changes() {
    let folder = TempProject::new().file("trucks.ndjson", "{\"name\":\"one\"}\n");
    let project = trucks(&folder);
    let world = world(FakeEngine::new());
    let first = world.up(&project).await;
    assert_order(
        &first.lines,
        &["done: load trucks into demo-es-1 with es-bulk", "done: up es", "done: start demo-web-1"],
    );
    assert_eq!(world.hooks.calls(), ["apply es-bulk into es: all"]);
    let second = world.up(&project).await;
    assert!(second.has("skipped: load trucks into demo-es-1 with es-bulk: already loaded, unchanged"));
    folder.write("trucks.ndjson", "{\"name\":\"two\"}\n");
    world.hooks.set_steps("es-bulk", &[("all", "2")]);
    world.hooks.forget_calls();
    let third = world.up(&project).await;
    assert!(third.has("done: load trucks into demo-es-1 with es-bulk"));
    assert_eq!(world.hooks.calls(), ["apply es-bulk into es: all"]);
}

#[tokio::test(start_paused = true)]
async fn only_steps_whose_fingerprint_changed_are_applied_again() {
    let folder = TempProject::new().file("trucks.ndjson", "1");
    let (project, world) = (trucks(&folder), world(FakeEngine::new()));
    world.hooks.set_steps("es-bulk", &[("index", "a"), ("data", "b")]);
    world.up(&project).await;
    folder.write("trucks.ndjson", "2");
    world.hooks.set_steps("es-bulk", &[("index", "a"), ("data", "c")]);
    world.hooks.forget_calls();
    world.up(&project).await;
    assert_eq!(world.hooks.calls(), ["apply es-bulk into es: data"]);
}

#[tokio::test(start_paused = true)]
async fn a_load_that_was_cut_off_is_dirty_and_done_again() {
    let folder = TempProject::new().file("trucks.ndjson", "1");
    let (project, world) = (trucks(&folder), world(FakeEngine::new()));
    world.hooks.on_apply("es-bulk", |_| {
        Err(hook_error("es-bulk", HookErrorKind::Failed { retryable: false }, "rejected line 7"))
    });
    let failed = world.up(&project).await;
    assert_eq!(failed.failure(), "load of trucks into es: plugin `es-bulk` rejected line 7");
    assert_eq!(world.engine.container("demo-web-1").unwrap().state, ContainerState::Created);
    world.hooks.on_apply("es-bulk", |_| Ok(()));
    let again = world.up(&project).await;
    assert!(
        again.has("note: load of trucks into es was cut off before (dirty): it is done again"),
        "{:?}",
        again.lines
    );
    assert_eq!(again.outcome.ending(), Ending::Success);
    let third = world.up(&project).await;
    assert!(third.has("skipped: load trucks into demo-es-1 with es-bulk: already loaded, unchanged"));
}

#[tokio::test(start_paused = true)]
async fn a_new_volume_knows_nothing_of_old_loads() {
    let folder = TempProject::new().file("trucks.ndjson", "1");
    let (project, world) = (trucks(&folder), world(FakeEngine::new()));
    world.up(&project).await;
    let teardown = down(&project, &world.engine.snapshot(), &DownOptions::default()).unwrap();
    world.run(&project, teardown, Shutdown::channel().1).await;
    let is_marker = |volume: &Volume| volume.labels.contains_key(labels::LEDGER_SLOT);
    assert!(world.engine.snapshot().volumes.iter().any(is_marker));
    // A backup changes the time of the volume's directory: its data is the same.
    let mut volume = world.engine.snapshot().volumes.into_iter().find(|volume| volume.name == "demo_data").unwrap();
    volume.created_at = "another time".to_owned();
    world.engine.insert_volume(volume.clone());
    let same = world.up(&project).await;
    assert!(same.has("skipped: load trucks into demo-es-1 with es-bulk: already loaded, unchanged"));
    // Somebody removes the data but not the ledger.
    volume.labels.insert(labels::VOLUME_ID.to_owned(), "another volume".to_owned());
    world.engine.insert_volume(volume);
    let again = world.up(&project).await;
    assert!(again.has("done: load trucks into demo-es-1 with es-bulk"));
}

#[tokio::test(start_paused = true)]
async fn down_with_volumes_leaves_nothing_of_the_project() {
    let folder = TempProject::new().file("trucks.ndjson", "1");
    let (project, world) = (trucks(&folder), world(FakeEngine::new()));
    world.up(&project).await;
    let options = DownOptions { volumes: true, ..DownOptions::default() };
    let teardown = down(&project, &world.engine.snapshot(), &options).unwrap();
    let ran = world.run(&project, teardown, Shutdown::channel().1).await;
    assert_eq!(ran.outcome.ending(), Ending::Success);
    let left = world.engine.snapshot();
    assert_eq!((left.containers.len(), left.networks.len(), left.volumes.len()), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_retryable_failure_of_a_loader_is_tried_again() {
    let folder = TempProject::new().file("trucks.ndjson", "1");
    let (project, world) = (trucks(&folder), world(FakeEngine::new()));
    world.hooks.on_apply("es-bulk", |call| match call.attempt {
        1 | 2 => Err(hook_error("es-bulk", HookErrorKind::Failed { retryable: true }, "was refused")),
        _ => Ok(()),
    });
    assert_eq!(world.up(&project).await.outcome.ending(), Ending::Success);
    assert_eq!(world.hooks.calls().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_tutorials_own_words_work_a_probe_before_the_start_and_a_loader_after_it() {
    let folder = TempProject::new().file("trucks.ndjson", "1");
    let yaml = format!(
        "
services:
  es:
    image: es:1
    x-windlass: {{ hooks: {{ post-start: [{{ plugin: es-bulk, from: {} }}] }} }}
  web:
    image: web:1
    depends_on: [es]
    x-windlass: {{ hooks: {{ pre-start: [{{ plugin: elasticsearch, target: 'es:9200' }}] }} }}
",
        folder.join("trucks.ndjson").display()
    );
    let (project, world) = (project(&yaml), world(FakeEngine::new()));
    world.hooks.ready_after("elasticsearch", 1);
    let ran = world.up(&project).await;
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:?}", ran.lines);
    assert_eq!(
        world.hooks.calls(),
        [
            "apply es-bulk into es: all",
            "probe elasticsearch of es:9200, attempt 1",
            "probe elasticsearch of es:9200, attempt 2"
        ]
    );
    assert_order(&ran.lines, &["done: call plugin elasticsearch at pre-start of demo-web-1", "done: start demo-web-1"]);
}

/// Stages of services must be among those that the plugin names; those of the project are one interface.
#[tokio::test(start_paused = true)]
async fn a_plugin_is_asked_for_the_projects_stages_without_naming_them() {
    let world = world(FakeEngine::new());
    let yaml = "
services: { web: { image: 'web:1' } }
x-windlass: { hooks: { pre-up: [{ plugin: notify }], post-up: [{ plugin: notify }] } }
";
    let ran = world.up(&project(yaml)).await;
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:#?}", ran.lines);
    assert_eq!(world.hooks.calls(), ["pre-up notify of the project", "post-up notify of the project"]);
    let yaml = "services: { web: { image: 'web:1', x-windlass: { hooks: { post-start: [{ plugin: tcp-only }] } } } }";
    let hooks = FakeHooks::new().with("tcp-only", &[Stage::PreStart]);
    let world = Bench { engine: FakeEngine::new(), hooks, ..world };
    let ran = world.up(&project(yaml)).await;
    assert_eq!(ran.failure(), "plugin `tcp-only` cannot stand under `post-start`");
    assert_eq!(ran.outcome.failures[0].hint.as_deref(), Some("it takes part at: pre-start"));
}

#[tokio::test(start_paused = true)]
async fn hooks_are_retried_and_may_only_warn() {
    let yaml = "
services:
  web:
    image: web:1
    x-windlass:
      hooks:
        pre-start: [{ plugin: notify, retries: 2 }]
        post-start: [{ plugin: missing, on-failure: warn }]
";
    let world = world(FakeEngine::new());
    world.hooks.on_run("notify", |call| match call.attempt {
        1 | 2 => Err(hook_error("notify", HookErrorKind::Failed { retryable: true }, "was refused")),
        _ => Ok(()),
    });
    let ran = world.up(&project(yaml)).await;
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:?}", ran.lines);
    assert_eq!(world.hooks.calls().len(), 3);
    assert!(ran.has(
        "warned: call plugin missing at post-start of demo-web-1: post-start of web: plugin `missing` is not installed"
    ));
}

const PREPARED: &str = "services: { web: { image: 'web:1', pre_start: [{ image: 'web:1', command: migrate }] } }";

#[tokio::test(start_paused = true)]
async fn a_pre_start_that_is_interrupted_or_cannot_start_leaves_no_container() {
    let world = world(FakeEngine::new());
    let (trigger, shutdown) = Shutdown::channel();
    let project = project(PREPARED);
    let engine = world.engine.clone();
    let interrupt = async {
        while engine.container("demo-web-1-pre_start-0").is_none_or(|found| !found.is_up()) {
            tokio::task::yield_now().await;
        }
        trigger.escalate();
    };
    let plan = up(&project, &world.engine.snapshot(), &UpOptions::default()).unwrap();
    let (ran, ()) = tokio::join!(world.run(&project, plan, shutdown), interrupt);
    assert_eq!(ran.outcome.ending(), Ending::Interrupted);
    assert_eq!(world.engine.container("demo-web-1-pre_start-0"), None);
    world.engine.fail("start demo-web-1-pre_start-0", EngineErrorKind::Other, "no space left on device");
    let ran = world.up(&project).await;
    assert_eq!(ran.failure(), "failed to start demo-web-1-pre_start-0: no space left on device");
    assert_eq!(world.engine.container("demo-web-1-pre_start-0"), None);
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_run_left_of_a_pre_start_is_found_and_removed() {
    let world = world(FakeEngine::new().with("web", exits_after(1, 0)));
    let with_hook = project(PREPARED);
    {
        // A run that is killed: dropped while the hook runs.
        let running = world.up(&with_hook);
        let killed = async {
            while world.engine.container("demo-web-1-pre_start-0").is_none_or(|found| !found.is_up()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            ran = running => panic!("{:?}", ran.lines),
            () = killed => {}
        }
    }
    assert!(world.engine.container("demo-web-1-pre_start-0").is_some_and(|found| found.is_up()));
    // The entry is gone from the file meanwhile: nobody makes a container of its name.
    let ran = world.up(&project("services: { web: { image: 'web:1' } }")).await;
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:?}", ran.lines);
    assert_eq!(world.engine.container("demo-web-1-pre_start-0"), None);
    assert!(world.engine.container("demo-web-1").is_some_and(|web| web.is_replica()));
}

#[tokio::test(start_paused = true)]
async fn composes_hooks_run_and_their_failure_shows_the_end_of_their_output() {
    let yaml = "
services:
  web:
    image: web:1
    pre_start: [{ image: 'web:1', command: migrate }]
    post_start: [{ command: warm-up }]
    pre_stop: [{ command: drain }]
";
    let world = world(FakeEngine::new());
    let project = project(yaml);
    let engine = world.engine.clone();
    let hook_ends = async {
        while engine.container("demo-web-1-pre_start-0").is_none_or(|found| !found.is_up()) {
            tokio::task::yield_now().await;
        }
        engine.exit("demo-web-1-pre_start-0", 0);
    };
    let (ran, ()) = tokio::join!(world.up(&project), hook_ends);
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:?}", ran.lines);
    let calls = world.engine.calls();
    assert_order(
        &calls,
        &[
            "start demo-web-1-pre_start-0",
            "remove demo-web-1-pre_start-0",
            "start demo-web-1",
            "exec in demo-web-1: warm-up",
        ],
    );
    world.engine.on_exec("drain", "first\nlast\n", 4);
    let plan = stop(&project, &world.engine.snapshot(), &StopOptions::default()).unwrap();
    let ran = world.run(&project, plan, Shutdown::channel().1).await;
    assert_eq!(ran.failure(), "web hook exited with status 4: first\nlast");
}

#[tokio::test(start_paused = true)]
async fn a_recreation_keeps_the_name_and_anonymous_volumes() {
    let image = Image {
        id: "i".to_owned(),
        content_digest: "d".to_owned(),
        volumes: vec!["/var".to_owned()],
        ..Image::default()
    };
    let world = world(FakeEngine::new().with_image("web:1", image));
    let yaml = "services: { web: { image: 'web:1', environment: { A: '1' } } }";
    world.up(&project(yaml)).await;
    let before = world.engine.container("demo-web-1").unwrap();
    let ran = world.up(&project(&yaml.replace("'1' }", "'2' }"))).await;
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:?}", ran.lines);
    let after = world.engine.container("demo-web-1").unwrap();
    assert_ne!(before.id, after.id);
    assert_eq!(before.mounts, after.mounts);
    assert_eq!(after.state, ContainerState::Running);
    assert_eq!(world.engine.snapshot().containers.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pull_that_brings_the_same_image_recreates_nothing_and_another_one_does() {
    let world = world(FakeEngine::new());
    let project = project("services: { web: { image: 'web:1' } }");
    let options = UpOptions { pull: Some("always".to_owned()), ..UpOptions::default() };
    world.up_with(&project, &options).await;
    let before = world.engine.container("demo-web-1").unwrap().id;
    let same = world.up_with(&project, &options).await;
    assert!(same.has("skipped: stop demo-web-1: image web:1 is the same"), "{:?}", same.lines);
    assert_eq!(world.engine.container("demo-web-1").unwrap().id, before);
    let newer = Image { id: "new".to_owned(), content_digest: "new".to_owned(), ..Image::default() };
    world.engine.publish("web:1", newer);
    let other = world.up_with(&project, &options).await;
    assert_eq!(other.outcome.ending(), Ending::Success);
    assert_ne!(world.engine.container("demo-web-1").unwrap().id, before);
}

/// The stop for a dependency or a network is sure, the recreation is not: whoever is not recreated after all runs again.
#[tokio::test(start_paused = true)]
async fn who_was_stopped_for_others_runs_again_where_its_own_recreation_is_needless() {
    let with_dependency = "
services:
  db: { image: 'db:1', environment: { A: '1' } }
  web: { image: 'web:1', pull_policy: always, depends_on: { db: { condition: service_started, restart: true } } }
";
    let on_network = "
services: { web: { image: 'web:1', pull_policy: always, networks: [n] } }
networks: { n: { labels: { A: '1' } } }
";
    for yaml in [with_dependency, on_network] {
        let world = world(FakeEngine::new());
        world.up(&project(yaml)).await;
        let before = world.engine.container("demo-web-1").unwrap();
        let changed = project(&yaml.replace("A: '1'", "A: '2'"));
        let ran = world.up(&changed).await;
        assert_eq!(ran.outcome.ending(), Ending::Success, "{:#?}", ran.lines);
        let after = world.engine.container("demo-web-1").unwrap();
        assert_eq!((after.id, after.state), (before.id, ContainerState::Running), "{:#?}", ran.lines);
        assert!(after.networks.keys().eq(before.networks.keys()), "{:?}", after.networks);
        let again = world.up(&changed).await;
        assert!(!again.lines.iter().any(|line| line.starts_with("done: start")), "{:#?}", again.lines);
    }
}

/// Values from the environment are in no hash: an old container that starts again gets those of now.
#[tokio::test(start_paused = true)]
async fn who_is_not_recreated_after_all_gets_its_files_before_it_starts_again() {
    let web = project(
        "services: { web: { image: 'web:1', pull_policy: always, configs: [c] } }\nconfigs: { c: { content: typed } }",
    );
    let world = world(FakeEngine::new());
    world.up(&web).await;
    let old = world.engine.container("demo-web-1").unwrap().id;
    world.engine.stop_container(&old, None).await.expect("it runs");
    let ran = world.up(&web).await;
    assert_order(&ran.lines, &["done: copy files to demo-web-1", "done: start demo-web-1"]);
    assert_eq!(world.engine.container("demo-web-1").unwrap().id, old);
}

/// One that the command is not about is started for whichever dependency it was stopped for.
#[tokio::test(start_paused = true)]
async fn a_dependent_of_two_that_is_not_asked_for_runs_again_for_either() {
    let yaml = "
services:
  a: { image: 'a:1', environment: { A: '1' } }
  b: { image: 'b:1', pull_policy: always }
  web: { image: 'web:1', depends_on: { a: { condition: service_started, restart: true }, b: { condition: service_started, restart: true } } }
";
    let world = world(FakeEngine::new());
    world.up(&project(yaml)).await;
    let options = UpOptions { targets: vec!["a".to_owned(), "b".to_owned()], ..UpOptions::default() };
    let ran = world.up_with(&project(&yaml.replace("'1' }", "'2' }")), &options).await;
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:#?}", ran.lines);
    assert!(ran.has("done: stop demo-web-1"), "{:#?}", ran.lines);
    assert_eq!(world.engine.container("demo-web-1").unwrap().state, ContainerState::Running, "{:#?}", ran.lines);
}

/// A run that was killed leaves the old container aside, or off its network: it is made good also where only an image may change.
#[tokio::test(start_paused = true)]
async fn what_a_killed_run_left_is_put_right_where_the_recreation_is_needless() {
    let web = project("services: { web: { image: 'web:1', pull_policy: always } }");
    for aside in [true, false] {
        for newer in [false, true] {
            let world = world(FakeEngine::new());
            world.up(&web).await;
            let old = world.engine.container("demo-web-1").unwrap();
            world.engine.stop_container(&old.id, None).await.expect("it runs");
            if aside {
                let name = format!("demo-web-1_{}", &old.id[..12]);
                world.engine.rename_container(&old.id, &name).await.expect("it is there");
            } else {
                world.engine.disconnect_network("demo_default", &old.id).await.expect("it is there");
            }
            if newer {
                let image = Image { id: "new".to_owned(), content_digest: "new".to_owned(), ..Image::default() };
                world.engine.publish("web:1", image);
            }
            let ran = world.up(&web).await;
            assert_eq!(ran.outcome.ending(), Ending::Success, "{:#?}", ran.lines);
            assert_eq!(containers(&world.engine), named(&[("demo-web-1", ContainerState::Running)]));
            let now = world.engine.container("demo-web-1").unwrap();
            assert_eq!(
                (now.id == old.id, now.networks.contains_key("demo_default")),
                (!newer, true),
                "{:#?}",
                ran.lines
            );
        }
    }
}

/// As with a build of both: only the dependency's image is another one.
#[tokio::test(start_paused = true)]
async fn who_restarts_along_runs_again_whichever_image_changed() {
    let own_image_too = "
services:
  a: { image: 'a:1', pull_policy: always }
  web: { image: 'web:1', pull_policy: always, depends_on: { a: { condition: service_started, restart: true } } }
";
    let two_dependencies = "
services:
  a: { image: 'a:1', pull_policy: always }
  b: { image: 'b:1', pull_policy: always }
  web: { image: 'web:1', depends_on: { a: { condition: service_started, restart: true }, b: { condition: service_started, restart: true } } }
";
    for (yaml, image) in [(own_image_too, "a:1"), (two_dependencies, "a:1"), (two_dependencies, "b:1")] {
        let world = world(FakeEngine::new());
        let project = project(yaml);
        world.up(&project).await;
        let newer = Image { id: "new".to_owned(), content_digest: "new".to_owned(), ..Image::default() };
        world.engine.publish(image, newer);
        let ran = world.up(&project).await;
        assert_eq!(ran.outcome.ending(), Ending::Success, "{:#?}", ran.lines);
        assert_eq!(world.engine.container("demo-web-1").unwrap().state, ContainerState::Running, "{:#?}", ran.lines);
        assert!(ran.has("done: start demo-web-1"), "{:#?}", ran.lines);
        let again = world.up(&project).await;
        assert!(!again.has("done: start demo-web-1"), "where nothing changed it goes on: {:#?}", again.lines);
    }
}

#[tokio::test(start_paused = true)]
async fn an_image_that_cannot_be_pulled_is_built() {
    let world = world(FakeEngine::new());
    world.engine.fail("pull", EngineErrorKind::NotFound, "no such repository");
    let ran = world.up(&project("services: { web: { image: 'web:1', build: . } }")).await;
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:?}", ran.lines);
    assert!(ran.has("done: build image web:1"));
    let refused = world.up(&project("services: { db: { image: 'db:1' } }")).await;
    assert_eq!(refused.failure(), "failed to pull db:1: no such repository");
}

/// Names and states of all containers, sorted.
fn containers(engine: &FakeEngine) -> Vec<(String, ContainerState)> {
    engine.snapshot().containers.into_iter().map(|container| (container.name, container.state)).collect()
}

fn named(wanted: &[(&str, ContainerState)]) -> Vec<(String, ContainerState)> {
    wanted.iter().map(|(name, state)| ((*name).to_owned(), *state)).collect()
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_a_change_that_was_begun_is_seen_through_and_the_failed_one_is_taken_back() {
    let yaml = "
services:
  a: { image: 'a:1', environment: { A: '1' } }
  b: { image: 'b:1', environment: { A: '1' } }
";
    let world = world(FakeEngine::new());
    world.up(&project(yaml)).await;
    let old = world.engine.container("demo-b-1").unwrap().id;
    world.engine.fail("stop demo-b-1", EngineErrorKind::Other, "no");
    world.engine.delay("stop demo-a-1", Duration::from_secs(1));
    let changed = project(&yaml.replace("'1' }", "'2' }"));
    let ran = world.up(&changed).await;
    assert_eq!(ran.failure(), "failed to stop demo-b-1: no");
    assert_order(&ran.lines, &["done: stop demo-a-1", "done: start demo-a-1"]);
    let both = named(&[("demo-a-1", ContainerState::Running), ("demo-b-1", ContainerState::Running)]);
    assert_eq!(containers(&world.engine), both, "{:#?}", ran.lines);
    assert_eq!(world.engine.container("demo-b-1").unwrap().id, old, "the old one goes on");
    assert_eq!(world.engine.environment("demo-a-1")["A"].as_deref(), Some("2"), "the new one runs");
    world.engine.heal();
    assert_eq!(world.up(&changed).await.outcome.ending(), Ending::Success);
    assert_eq!(containers(&world.engine), both);
}

#[tokio::test(start_paused = true)]
async fn a_new_container_that_cannot_start_makes_room_for_the_old_one() {
    let yaml = "services: { web: { image: 'web:1', environment: { A: '1' } } }";
    let world = world(FakeEngine::new());
    world.up(&project(yaml)).await;
    let old = world.engine.container("demo-web-1").unwrap().id;
    world.engine.fail("start demo-web-1", EngineErrorKind::Other, "exec format error");
    let changed = project(&yaml.replace("'1' }", "'2' }"));
    let plan = up(&changed, &world.engine.snapshot(), &UpOptions::default()).unwrap();
    let engine = world.engine.clone();
    let heal_when_removed = async {
        while !engine.calls().iter().any(|call| call.starts_with("rename demo-web-1_")) {
            tokio::task::yield_now().await;
        }
        engine.heal();
    };
    let (ran, ()) = tokio::join!(world.run(&changed, plan, Shutdown::channel().1), heal_when_removed);
    assert_eq!(ran.failure(), "failed to start demo-web-1: exec format error");
    assert!(ran.has("note: demo-web-1: its change was not completed: it runs again as it was"), "{:#?}", ran.lines);
    assert_eq!(containers(&world.engine), named(&[("demo-web-1", ContainerState::Running)]));
    assert_eq!(world.engine.container("demo-web-1").unwrap().id, old);
}

#[tokio::test(start_paused = true)]
async fn a_container_that_was_stopped_for_two_reasons_is_told_once_to_run_again() {
    let yaml = "
services: { web: { image: 'web:1', environment: { A: '1' }, networks: [n] } }
networks: { n: { labels: { l: '1' } } }
";
    let world = world(FakeEngine::new());
    world.up(&project(yaml)).await;
    world.engine.fail("rename demo-web-1", EngineErrorKind::Other, "no");
    let changed = project(&yaml.replace("'1' }", "'2' }"));
    let ran = world.up(&changed).await;
    let told = ran.lines.iter().filter(|line| line.contains("demo-web-1: its change was not completed: it runs again"));
    assert_eq!(told.count(), 1, "{:#?}", ran.lines);
    assert_eq!(containers(&world.engine), named(&[("demo-web-1", ContainerState::Running)]));
}

/// Somebody removes a container after it was planned to be replaced: what the change wanted of it is the case.
#[tokio::test(start_paused = true)]
async fn an_old_container_that_somebody_removes_meanwhile_does_not_take_the_new_one_along() {
    let yaml = "services: { web: { image: 'web:1', environment: { A: '1' } } }";
    let world = world(FakeEngine::new());
    world.up(&project(yaml)).await;
    let old = world.engine.container("demo-web-1").unwrap().id;
    let changed = project(&yaml.replace("'1' }", "'2' }"));
    let plan = up(&changed, &world.engine.snapshot(), &UpOptions::default()).unwrap();
    world.engine.remove_container(&old, false, true).await.expect("it was there");
    let ran = world.run(&changed, plan, Shutdown::channel().1).await;
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:#?}", ran.lines);
    assert_eq!(containers(&world.engine), named(&[("demo-web-1", ContainerState::Running)]));
    assert_eq!(world.engine.environment("demo-web-1")["A"].as_deref(), Some("2"));
}

/// It can neither be started again as planned nor on the way back, which is one failure.
#[tokio::test(start_paused = true)]
async fn a_dependent_that_somebody_removes_meanwhile_is_told_once() {
    let yaml = "
services:
  db: { image: 'db:1', environment: { A: '1' } }
  web: { image: 'web:1', depends_on: { db: { condition: service_started, restart: true } } }
";
    let world = world(FakeEngine::new());
    world.up(&project(yaml)).await;
    let web = world.engine.container("demo-web-1").unwrap().id;
    let changed = project(&yaml.replace("'1' }", "'2' }"));
    let plan = up(&changed, &world.engine.seen_by(&changed), &UpOptions::default()).unwrap();
    world.engine.remove_container(&web, false, true).await.expect("it was there");
    let ran = world.run(&changed, plan, Shutdown::channel().1).await;
    assert!(ran.failure().contains("start"), "{:#?}", ran.lines);
    assert_eq!(world.engine.environment("demo-db-1")["A"].as_deref(), Some("2"));
}

/// Lets all calls succeed once this one was made so often.
async fn heal_after(engine: &FakeEngine, times: usize, call: &str) {
    while engine.calls().iter().filter(|made| *made == call).count() < times {
        tokio::time::advance(Duration::from_millis(10)).await;
    }
    engine.heal();
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_restarts_is_waited_for_on_the_way_back() {
    let yaml = "services: { web: { image: 'web:1', environment: { A: '1' } } }";
    let world = world(FakeEngine::new());
    world.up(&project(yaml)).await;
    let old = world.engine.container("demo-web-1").unwrap().id;
    world.engine.fail("start demo-web-1", EngineErrorKind::Unreachable, "connection refused");
    let changed = project(&yaml.replace("'1' }", "'2' }"));
    // The first container's start, the new one's in vain, and two more in vain for the old one.
    let (ran, ()) = tokio::join!(world.up(&changed), heal_after(&world.engine, 4, "start demo-web-1"));
    assert_eq!(ran.failure(), "failed to start demo-web-1: connection refused");
    assert_eq!(ran.outcome.failures.len(), 1, "{:#?}", ran.outcome.failures);
    let told = ran.lines.iter().filter(|line| line.contains("the engine does not answer")).count();
    assert_eq!(told, 1, "once, however often it is asked: {:#?}", ran.lines);
    assert_eq!(world.engine.container("demo-web-1").unwrap().id, old);
    assert_eq!(containers(&world.engine), named(&[("demo-web-1", ContainerState::Running)]));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_by_no_container_is_asked_for_again_for_a_while() {
    let world = world(FakeEngine::new());
    world.engine.fail("create demo-web-1", EngineErrorKind::Conflict, "the name is in use");
    let web = project("services: { web: { image: 'web:1' } }");
    let (ran, ()) = tokio::join!(world.up(&web), heal_after(&world.engine, 3, "create demo-web-1"));
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:#?}", ran.lines);

    world.engine.fail("create demo-db-1", EngineErrorKind::Conflict, "the name is in use");
    let refused = world.up(&project("services: { db: { image: 'db:1' } }")).await;
    assert_eq!(refused.failure(), "failed to create demo-db-1: the name is in use");
    assert!(refused.outcome.elapsed < NAME_PATIENCE * 2, "{:?}", refused.outcome.elapsed);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_does_not_come_back_is_given_up() {
    let yaml = "services: { web: { image: 'web:1', environment: { A: '1' } } }";
    let world = world(FakeEngine::new());
    world.up(&project(yaml)).await;
    world.engine.fail("start demo-web-1", EngineErrorKind::Unreachable, "connection refused");
    let ran = world.up(&project(&yaml.replace("'1' }", "'2' }"))).await;
    let failed: Vec<&str> = ran.outcome.failures.iter().map(|failure| failure.message.as_str()).collect();
    assert_eq!(failed, ["failed to start demo-web-1: connection refused"; 2], "the change, and its way back");
    assert!(ran.outcome.elapsed < WAY_BACK_PATIENCE * 2, "{:?}", ran.outcome.elapsed);
}

#[tokio::test(start_paused = true)]
async fn a_request_to_stop_takes_no_container_away_that_has_not_been_stopped() {
    let yaml =
        "services: { web: { image: 'web:1', configs: [c], environment: { A: '1' } } }\nconfigs: { c: { content: x } }";
    let world = world(FakeEngine::new());
    world.up(&project(yaml)).await;
    let old = world.engine.container("demo-web-1").unwrap().id;
    world.engine.delay("copy", Duration::from_secs(2));
    let changed = project(&yaml.replace("'1' }", "'2' }"));
    let plan = up(&changed, &world.engine.snapshot(), &UpOptions::default()).unwrap();
    let (trigger, shutdown) = Shutdown::channel();
    let (ran, ()) = tokio::join!(world.run(&changed, plan, shutdown), escalate(&trigger, Duration::from_secs(1)));
    assert_eq!(ran.outcome.ending(), Ending::Interrupted);
    assert_eq!(containers(&world.engine), named(&[("demo-web-1", ContainerState::Running)]), "{:#?}", ran.lines);
    assert_eq!(world.engine.container("demo-web-1").unwrap().id, old);
}

#[tokio::test(start_paused = true)]
async fn a_dependent_that_was_stopped_for_a_recreation_runs_again_whatever_happens() {
    let yaml = "
services:
  db: { image: 'db:1', environment: { A: '1' } }
  web: { image: 'web:1', depends_on: { db: { condition: service_started, restart: true } } }
";
    let world = world(FakeEngine::new());
    world.up(&project(yaml)).await;
    world.engine.fail("stop demo-db-1", EngineErrorKind::Other, "no");
    let ran = world.up(&project(&yaml.replace("'1' }", "'2' }"))).await;
    assert_eq!(ran.failure(), "failed to stop demo-db-1: no");
    let both = named(&[("demo-db-1", ContainerState::Running), ("demo-web-1", ContainerState::Running)]);
    assert_eq!(containers(&world.engine), both, "{:#?}", ran.lines);
}

const SWAP: &str = "
services:
  a: { image: 'a:1', ports: ['81:80'] }
  b: { image: 'b:1', ports: ['82:80'], depends_on: [a] }
";

#[tokio::test(start_paused = true)]
async fn two_services_swap_a_port_in_one_run_and_both_go_back_where_one_cannot() {
    let world = world(FakeEngine::new());
    world.up(&project(SWAP)).await;
    let swapped = project(&SWAP.replace("81", "x").replace("82", "81").replace('x', "82"));
    world.engine.fail("start demo-b-1", EngineErrorKind::Other, "no");
    let engine = world.engine.clone();
    let heal = async {
        while !engine.calls().iter().any(|call| call.starts_with("rename demo-b-1_")) {
            tokio::task::yield_now().await;
        }
        engine.heal();
    };
    let (failed, ()) = tokio::join!(world.up(&swapped), heal);
    assert_eq!(failed.failure(), "failed to start demo-b-1: no");
    let both = named(&[("demo-a-1", ContainerState::Running), ("demo-b-1", ContainerState::Running)]);
    assert_eq!(containers(&world.engine), both, "{:#?}", failed.lines);
    assert_eq!(world.engine.container("demo-a-1").unwrap().ports[0].public, Some(81), "both are as before");
    let done = world.up(&swapped).await;
    assert_eq!(done.outcome.ending(), Ending::Success, "{:#?}", done.lines);
    assert_eq!(containers(&world.engine), both);
    assert_eq!(world.engine.container("demo-a-1").unwrap().ports[0].public, Some(82));
}

#[tokio::test(start_paused = true)]
async fn two_services_swap_their_names_in_one_run() {
    let yaml = "services: { a: { image: 'a:1', container_name: one }, b: { image: 'b:1', container_name: two } }";
    let world = world(FakeEngine::new());
    world.up(&project(yaml)).await;
    let swapped = project(&yaml.replace("one", "x").replace("two", "one").replace("name: x", "name: two"));
    let ran = world.up(&swapped).await;
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:#?}", ran.lines);
    assert_eq!(containers(&world.engine), named(&[("one", ContainerState::Running), ("two", ContainerState::Running)]));
    assert_eq!(world.engine.container("one").unwrap().service(), "b");
}

#[tokio::test(start_paused = true)]
async fn a_renamed_service_takes_over_port_and_name_from_the_orphan_or_is_refused_before_anything_stops() {
    let yaml = "services: { web: { image: 'web:1', container_name: fixed, ports: ['80:80'] } }";
    let world = world(FakeEngine::new());
    world.up(&project(yaml)).await;
    let renamed = project(&yaml.replace("web: {", "site: {"));
    let error = up(&renamed, &world.engine.snapshot(), &UpOptions::default()).expect_err("the orphan is in the way");
    assert_eq!(error.to_string(), "fixed needs container name fixed, which container fixed holds");
    assert!(error.hint().expect("what to do").contains("--remove-orphans"));
    let options = UpOptions { remove_orphans: true, ..UpOptions::default() };
    world.engine.fail("start fixed", EngineErrorKind::Other, "no");
    let engine = world.engine.clone();
    let heal = async {
        while !engine.calls().iter().any(|call| call.starts_with("rename fixed_")) {
            tokio::task::yield_now().await;
        }
        engine.heal();
    };
    let (failed, ()) = tokio::join!(world.up_with(&renamed, &options), heal);
    assert_eq!(failed.failure(), "failed to start fixed: no");
    assert_eq!(containers(&world.engine), named(&[("fixed", ContainerState::Running)]), "{:#?}", failed.lines);
    assert_eq!(world.engine.container("fixed").unwrap().service(), "web", "the orphan runs again");
    let ran = world.up_with(&renamed, &options).await;
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:#?}", ran.lines);
    assert_eq!(containers(&world.engine), named(&[("fixed", ContainerState::Running)]));
    assert_eq!(world.engine.container("fixed").unwrap().service(), "site");
}

#[tokio::test(start_paused = true)]
async fn a_paused_container_goes_on_without_being_made_again() {
    let yaml = "services: { web: { image: 'web:1', environment: { A: '1' } } }";
    let world = world(FakeEngine::new());
    world.up(&project(yaml)).await;
    world.engine.pause("demo-web-1");
    world.engine.forget_calls();
    let ran = world.up(&project(yaml)).await;
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:#?}", ran.lines);
    assert_eq!(world.engine.calls(), ["unpause demo-web-1"]);
    assert_eq!(containers(&world.engine), named(&[("demo-web-1", ContainerState::Running)]));
}

#[tokio::test(start_paused = true)]
async fn down_goes_on_after_a_failure() {
    let world = world(FakeEngine::new());
    let project = project("services: { db: { image: 'db:1' }, web: { image: 'web:1', depends_on: [db] } }");
    world.up(&project).await;
    world.engine.fail("stop demo-web-1", EngineErrorKind::Other, "stuck");
    let plan = down(&project, &world.engine.snapshot(), &DownOptions::default()).unwrap();
    let keeping = Bench { options: ExecuteOptions { keep_going: true, ..world.options.clone() }, ..world };
    let ran = keeping.run(&project, plan, Shutdown::channel().1).await;
    assert_eq!(ran.failure(), "failed to stop demo-web-1: stuck");
    assert!(ran.has("done: remove demo-db-1"), "{:?}", ran.lines);
}

async fn escalate(trigger: &ShutdownTrigger, after: Duration) {
    tokio::time::advance(after).await;
    tokio::task::yield_now().await;
    trigger.escalate();
}

#[tokio::test(start_paused = true)]
async fn a_request_to_stop_ends_the_waiting_and_starts_nothing_new() {
    let world = world(FakeEngine::new());
    world.hooks.ready_after("elasticsearch", u32::MAX - 1);
    let project = project(FOODTRUCKS);
    let plan = up(&project, &world.engine.snapshot(), &UpOptions::default()).unwrap();
    let (trigger, shutdown) = Shutdown::channel();
    let (ran, ()) = tokio::join!(world.run(&project, plan, shutdown), escalate(&trigger, Duration::from_secs(1)));
    assert_eq!(ran.outcome.ending(), Ending::Interrupted);
    assert!(ran.has("shutdown"));
    assert_eq!(world.engine.container("demo-web-1").unwrap().state, ContainerState::Created);
    assert!(ran.outcome.elapsed < Duration::from_secs(2), "{:?}", ran.outcome.elapsed);
}

#[tokio::test(start_paused = true)]
async fn a_load_interrupted_by_the_user_is_dirty() {
    let folder = TempProject::new().file("trucks.ndjson", "1");
    let (project, world) = (trucks(&folder), world(FakeEngine::new()));
    world.hooks.takes("es-bulk", Duration::from_secs(3600));
    let plan = up(&project, &world.engine.snapshot(), &UpOptions::default()).unwrap();
    let (trigger, shutdown) = Shutdown::channel();
    let ask = async {
        while world.hooks.calls().is_empty() {
            tokio::task::yield_now().await;
        }
        trigger.escalate();
    };
    let (ran, ()) = tokio::join!(world.run(&project, plan, shutdown), ask);
    assert_eq!(ran.outcome.ending(), Ending::Interrupted);
    world.hooks.takes("es-bulk", Duration::ZERO);
    let again = world.up(&project).await;
    assert!(again.has("note: load of trucks into es was cut off before (dirty): it is done again"));
}

#[tokio::test(start_paused = true)]
async fn asking_twice_kills_what_is_slow_to_stop() {
    let world = world(FakeEngine::new());
    let project = project("services: { web: { image: 'web:1' } }");
    world.up(&project).await;
    world.engine.delay("stop", Duration::from_secs(10));
    let plan = stop(&project, &world.engine.snapshot(), &StopOptions::default()).unwrap();
    let (trigger, shutdown) = Shutdown::channel();
    let twice = async {
        escalate(&trigger, Duration::from_secs(1)).await;
        escalate(&trigger, Duration::from_secs(1)).await;
    };
    let (ran, ()) = tokio::join!(world.run(&project, plan, shutdown), twice);
    assert_eq!(ran.outcome.interrupted, Urgency::Immediate);
    assert_eq!(world.engine.container("demo-web-1").unwrap().exit_code, Some(137));
}

#[tokio::test(start_paused = true)]
async fn the_critical_path_is_the_chain_that_decided() {
    let world = world(FakeEngine::new());
    world.hooks.takes("elasticsearch", Duration::from_millis(1500));
    let ran = world.up(&project(FOODTRUCKS)).await;
    let timeline = timeline::summary(&ran.plan, &ran.outcome);
    let path: Vec<String> = timeline
        .critical_path
        .iter()
        .map(|id| windlass_plan::render::verb(&ran.plan.steps[id.0].action).to_owned())
        .collect();
    assert_eq!(path[path.len() - 3..], ["start", "probe", "start"]);
    let es = timeline.services.iter().find(|service| service.service == "es").expect("es took part");
    assert_eq!(es.up_at, Some(Duration::from_millis(1500)));
    let stages: Vec<&str> = es.stages.iter().map(|stage| stage.stage).collect();
    assert_eq!(stages, ["image", "create", "start", "ready"]);
}

/// Any graph of services, any limit: every step ends, and a second run has nothing to do.
#[tokio::test(start_paused = true)]
async fn any_graph_terminates_under_any_limit() {
    let mut seed: u64 = 42;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for round in 0..30 {
        let count = 1 + random(12);
        let mut yaml = "services:\n".to_owned();
        for service in 0..count {
            let mut edges = Vec::new();
            for other in 0..service {
                if random(3) == 0 {
                    let restart = random(2) == 0;
                    edges.push(format!("s{other}: {{ condition: service_started, restart: {restart} }}"));
                }
            }
            let probe = if random(3) == 0 { ", x-windlass: { ready: tcp }" } else { "" };
            let line = format!(
                "  s{service}: {{ image: 'i:1', scale: {}, environment: {{ A: 'x{round}' }}, depends_on: {{ {} }}{probe} }}\n",
                random(3),
                edges.join(", ")
            );
            yaml.push_str(&line);
        }
        let world = world(FakeEngine::new());
        world.engine.take_at_once(1 + usize::try_from(random(4)).unwrap());
        let model = project(&yaml);
        let first = world.up(&model).await;
        assert_eq!(first.outcome.ending(), Ending::Success, "{yaml}\n{:?}", first.outcome.failures);
        assert!(first.outcome.steps.iter().all(|step| step.result != StepResult::Cancelled));
        let changed = project(&yaml.replace("'x", "'y"));
        let forced = UpOptions { recreate: Recreate::Diverged, ..UpOptions::default() };
        let second = world.up_with(&changed, &forced).await;
        assert_eq!(second.outcome.ending(), Ending::Success, "{yaml}\n{:?}", second.outcome.failures);
        world.engine.forget_calls();
        world.up(&changed).await;
        assert_eq!(world.engine.calls(), Vec::<String>::new(), "{yaml}");
    }
}

/// The engine finishes what a killed run had asked it for after the next run has looked.
#[tokio::test(start_paused = true)]
async fn a_container_that_a_killed_run_had_asked_for_does_not_stand_in_the_way() {
    let world = world(FakeEngine::new());
    let project = project("services: { web: { image: 'web:1', network_mode: none } }");
    let early = up(&project, &world.engine.snapshot(), &UpOptions::default()).unwrap();
    world.up_with(&project, &UpOptions { no_start: true, ..UpOptions::default() }).await;
    let late = world.engine.container("demo-web-1").unwrap().id;
    let ran = world.run(&project, early.clone(), Shutdown::channel().1).await;
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:?}", ran.outcome.failures);
    let own = world.engine.container("demo-web-1").unwrap();
    assert_eq!((own.state, own.id != late), (ContainerState::Running, true));
    // One that runs, or that somebody else made, is left alone.
    let refused = world.run(&project, early, Shutdown::channel().1).await;
    assert!(refused.failure().contains("is already in use"), "{}", refused.failure());
    assert_eq!(world.engine.container("demo-web-1").unwrap().id, own.id);
}

/// The hash of one in the namespaces of another names the other's id: that of the container which the killed run had made.
#[tokio::test(start_paused = true)]
async fn nor_does_one_in_the_namespaces_of_what_a_killed_run_had_made() {
    let world = world(FakeEngine::new());
    let project = project(
        "services: { vpn: { image: 'a:1', network_mode: none }, app: { image: 'a:1', network_mode: 'service:vpn' } }",
    );
    let early = up(&project, &world.engine.snapshot(), &UpOptions::default()).unwrap();
    world.up_with(&project, &UpOptions { no_start: true, ..UpOptions::default() }).await;
    let late = world.engine.container("demo-app-1").unwrap();
    let ran = world.run(&project, early, Shutdown::channel().1).await;
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:?}", ran.outcome.failures);
    let own = world.engine.container("demo-app-1").unwrap();
    assert_eq!(
        (own.state, own.joins),
        (ContainerState::Running, vec![world.engine.container("demo-vpn-1").unwrap().id])
    );
    assert_ne!(own.id, late.id);
}

#[tokio::test(start_paused = true)]
async fn down_leaves_what_others_use_but_a_failure_to_remove_is_one() {
    for (kind, ending) in [(EngineErrorKind::InUse, Ending::Success), (EngineErrorKind::Other, Ending::Failed)] {
        let world = world(FakeEngine::new());
        let project = project("services: { web: { image: 'web:1' } }");
        world.up(&project).await;
        let plan = down(&project, &world.engine.snapshot(), &DownOptions::default()).unwrap();
        world.engine.fail("remove network", kind, "no");
        let ran = world.run(&project, plan, Shutdown::channel().1).await;
        assert_eq!(ran.outcome.ending(), ending, "{:?}", ran.lines);
    }
}

/// Whether its image changed is known only after the pull.
#[tokio::test(start_paused = true)]
async fn a_paused_container_goes_on_when_the_pull_brings_nothing_new() {
    let model = project("services: { web: { image: 'web:1', pull_policy: always } }");
    let world = world(FakeEngine::new());
    world.up(&model).await;
    let before = world.engine.container("demo-web-1").unwrap().id;
    world.engine.pause("demo-web-1");
    let ran = world.up(&model).await;
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:#?}", ran.lines);
    let web = world.engine.container("demo-web-1").unwrap();
    assert_eq!((web.id, web.state), (before, ContainerState::Running));
}

/// The engine made the container, and nobody learns its id. Its number must not be lost: the next run would count on.
#[tokio::test(start_paused = true)]
async fn a_container_whose_creation_was_not_answered_is_made_all_the_same() {
    let model = project("services: { web: { image: 'web:1', scale: 2 } }");
    let world = world(FakeEngine::new());
    world.engine.lose_answer("create demo-web-2");
    let ran = world.up(&model).await;
    assert_eq!(ran.outcome.ending(), Ending::Success, "{:#?}", ran.lines);
    let names: Vec<_> = world.engine.snapshot().containers.iter().map(|made| (made.name.clone(), made.state)).collect();
    let running = |name: &str| (name.to_owned(), ContainerState::Running);
    assert_eq!(names, [running("demo-web-1"), running("demo-web-2")]);
}
