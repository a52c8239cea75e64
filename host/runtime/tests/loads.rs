//! Loads on a fake engine, in paused time: each once, or told.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use windlass_model::Project;
use windlass_model::windlass::Stage;
use windlass_plan::observed::{ContainerState, Volume};
use windlass_plan::{DownOptions, StopOptions, UpOptions, check, down, labels, stop, up};
use windlass_runtime::engine::{Cluster, EngineErrorKind};
use windlass_runtime::event::{Event, Stamped};
use windlass_runtime::hooks::HookErrorKind;
use windlass_runtime::timeouts::{LOAD_LEASE, LOAD_RENEWAL};
use windlass_runtime::{Ending, ExecuteOptions, Execution, Outcome, Shutdown, execute};
use windlass_testkit::{FakeEngine, FakeHooks, Recorder, TempProject, hook_error, project};

/// One machine with the plugin `bulk`; several may share an engine.
#[derive(Clone)]
struct Machine {
    engine: FakeEngine,
    hooks: FakeHooks,
    name: &'static str,
}

struct Ran {
    outcome: Outcome,
    lines: Vec<String>,
    events: Vec<Stamped>,
}

impl Ran {
    fn has(&self, part: &str) -> bool {
        self.lines.iter().any(|line| line.contains(part))
    }

    fn failure(&self) -> &str {
        let [failure] = self.outcome.failures.as_slice() else {
            panic!("one failure expected: {:?} {:#?}", self.outcome.failures, self.lines)
        };
        &failure.message
    }
}

impl Machine {
    fn new(name: &'static str, engine: &FakeEngine) -> Self {
        Self { engine: engine.clone(), hooks: FakeHooks::new().with("bulk", &[Stage::Load]), name }
    }

    async fn run(&self, project: &Project, plan: windlass_plan::Plan, shutdown: Shutdown) -> Ran {
        assert_eq!(check(&plan), []);
        let (plan, recorder) = (Arc::new(plan), Recorder::default());
        let execution = Execution {
            plan: Arc::clone(&plan),
            project: Arc::new(project.clone()),
            engine: Arc::new(self.engine.clone()),
            hooks: Arc::new(self.hooks.clone()),
            world: None,
            options: ExecuteOptions {
                run_id: format!("run {} of {}", self.engine.calls().len(), self.name),
                lock_id: format!("lock of {}", self.name),
                who: format!("user@{}", self.name),
                ..ExecuteOptions::default()
            },
        };
        let outcome = execute(execution, shutdown, &recorder).await;
        Ran { outcome, lines: recorder.lines(&plan), events: recorder.events() }
    }

    async fn up_until(&self, project: &Project, shutdown: Shutdown) -> Ran {
        let plan = up(project, &self.engine.seen_by(project), &UpOptions::default()).expect("it can be planned");
        self.run(project, plan, shutdown).await
    }

    async fn up(&self, project: &Project) -> Ran {
        self.up_until(project, Shutdown::channel().1).await
    }

    /// `up`, which ends well.
    async fn ups(&self, project: &Project) -> Ran {
        let ran = self.up(project).await;
        assert_eq!(ran.outcome.ending(), Ending::Success, "{:#?}", ran.lines);
        ran
    }

    async fn stop(&self, project: &Project) {
        let plan = stop(project, &self.engine.snapshot(), &StopOptions::default()).expect("it can be planned");
        self.run(project, plan, Shutdown::channel().1).await;
    }

    async fn down(&self, project: &Project, volumes: bool) -> Ran {
        let options = DownOptions { volumes, ..DownOptions::default() };
        let plan = down(project, &self.engine.snapshot(), &options).expect("it can be planned");
        self.run(project, plan, Shutdown::channel().1).await
    }

    /// How many loads were applied since the last time.
    fn applied(&self) -> usize {
        let calls = self.hooks.calls();
        self.hooks.forget_calls();
        calls.iter().filter(|call| call.starts_with("apply ")).count()
    }

    fn markers(&self) -> Vec<Volume> {
        let mut volumes = self.engine.snapshot().volumes;
        volumes.retain(|volume| volume.labels.contains_key(labels::LEDGER_DATASET));
        volumes
    }

    fn states(&self) -> Vec<String> {
        self.markers().iter().map(|marker| marker.labels[labels::LEDGER_STATE].clone()).collect()
    }
}

fn alone() -> Machine {
    Machine::new("here", &FakeEngine::new())
}

/// Service `es` with what is given, `web` that depends on it, and a file `trucks` with the content `A`.
fn trucks(es: &str) -> (Project, PathBuf, TempProject) {
    let folder = TempProject::new().file("trucks", "A");
    let file = folder.join("trucks");
    let es = es.replace("FILE", &file.display().to_string());
    let yaml = format!(
        "
services:
  es: {{ image: 'es:1', {es} }}
  web: {{ image: 'web:1', depends_on: [es] }}
volumes: {{ data: {{}}, more: {{}}, ram: {{ driver_opts: {{ type: tmpfs, device: tmpfs }} }} }}
"
    );
    (project(&yaml), file, folder)
}

const LOAD: &str = "x-windlass: { load: { trucks: { plugin: bulk, from: FILE } } }";
const HOOK: &str = "x-windlass: { hooks: { post-start: [{ plugin: bulk, from: FILE }] } }";

fn in_volume(rest: &str) -> String {
    format!("volumes: ['data:/data'], {rest}")
}

#[tokio::test(start_paused = true)]
async fn an_input_that_is_edited_while_it_is_loaded_is_not_committed_even_when_the_edit_is_taken_back() {
    for (way, rest) in [("load", LOAD), ("hook", HOOK)] {
        let (project, file, _folder) = trucks(&in_volume(rest));
        let machine = alone();
        let edited = file.clone();
        machine.hooks.on_apply("bulk", move |_| {
            fs_err::write(&edited, "B").unwrap();
            Ok(())
        });
        let failed = machine.up(&project).await;
        assert!(failed.failure().contains("was edited while it was loaded"), "{way}: {}", failed.failure());
        assert_eq!(machine.engine.container("demo-web-1").unwrap().state, ContainerState::Created, "{way}");
        assert_eq!(machine.states(), ["dirty"], "{way}");
        fs_err::write(&file, "A").unwrap();
        machine.hooks.on_apply("bulk", |_| Ok(()));
        assert_eq!(machine.applied(), 1);
        let again = machine.ups(&project).await;
        assert!(again.has("was cut off before (dirty): it is done again"), "{way}: {:#?}", again.lines);
        assert_eq!(machine.applied(), 1, "{way}");
        assert_eq!(machine.states(), ["committed"], "{way}");
        machine.ups(&project).await;
        assert_eq!(machine.applied(), 0, "{way}");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_say_which_content_their_inputs_must_have() {
    let (project, _file, _folder) = trucks(&in_volume(LOAD));
    let machine = alone();
    machine.hooks.on_apply("bulk", |call| {
        let expected = call.inputs[0].sha256.as_deref();
        assert_eq!(expected, Some("559aead08264d5795d3909718cdd05abd49572e84fe55590eef31a88a08fdffd"));
        Ok(())
    });
    machine.ups(&project).await;
    assert_eq!(machine.applied(), 1);
}

#[tokio::test(start_paused = true)]
async fn half_data_keeps_dependents_from_starting_wherever_the_loader_stands() {
    for (way, rest) in [("load", LOAD), ("hook", HOOK)] {
        let (project, _file, _folder) = trucks(&in_volume(rest));
        let machine = alone();
        let fails = |_: &_| Err(hook_error("bulk", HookErrorKind::Failed { retryable: false }, "rejected line 7"));
        machine.hooks.on_apply("bulk", fails);
        for _ in 0..2 {
            assert!(machine.up(&project).await.failure().contains("rejected line 7"), "{way}");
            assert_eq!(machine.engine.container("demo-es-1").unwrap().state, ContainerState::Running, "{way}");
            assert_eq!(machine.engine.container("demo-web-1").unwrap().state, ContainerState::Created, "{way}");
        }
        machine.hooks.on_apply("bulk", |_| Ok(()));
        machine.ups(&project).await;
        assert_eq!(machine.applied(), 3, "{way}");
    }
}

/// The run that started the container was killed before it came to its loader.
#[tokio::test(start_paused = true)]
async fn a_loader_that_was_never_reached_is_caught_up_with() {
    let (project, _file, _folder) = trucks(&in_volume(HOOK));
    let machine = alone();
    machine.ups(&project).await;
    for marker in machine.markers() {
        Cluster::remove_volume(&machine.engine, &marker.name).await.unwrap();
    }
    assert_eq!(machine.applied(), 1);
    machine.ups(&project).await;
    assert_eq!(machine.applied(), 1);
}

#[tokio::test(start_paused = true)]
async fn names_that_look_alike_are_different_loads() {
    let both = "x-windlass: { load: { 'a b': { plugin: bulk, from: FILE }, a-b: { plugin: bulk, from: FILE } }, \
                hooks: { post-start: [{ plugin: bulk, from: FILE, with: { n: 1 } }, { plugin: bulk, from: FILE, with: { n: 2 } }] } }";
    let (project, _file, _folder) = trucks(&in_volume(both));
    let machine = alone();
    machine.ups(&project).await;
    assert_eq!(machine.applied(), 4);
    machine.ups(&project).await;
    assert_eq!(machine.applied(), 0);
}

#[tokio::test(start_paused = true)]
async fn data_in_memory_is_loaded_again_after_every_start_and_data_in_a_volume_is_not() {
    let places = [
        ("", 1),
        ("tmpfs: ['/data'],", 1),
        ("volumes: ['ram:/data'],", 1),
        ("volumes: ['data:/data'],", 0),
        ("volumes: ['data:/data'], tmpfs: ['/tmp'],", 0),
        ("volumes: ['/srv/es:/data'],", 0),
    ];
    for (place, expected) in places {
        let (project, _file, _folder) = trucks(&format!("{place} {LOAD}"));
        let machine = alone();
        machine.ups(&project).await;
        assert_eq!(machine.applied(), 1, "{place}");
        machine.ups(&project).await;
        assert_eq!(machine.applied(), 0, "{place}");
        machine.stop(&project).await;
        machine.ups(&project).await;
        assert_eq!(machine.applied(), expected, "{place}");
        // What an earlier run of the container held is of no interest any more.
        assert_eq!(machine.states(), ["committed"], "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_image_over_the_same_directory_or_a_further_volume_loads_nothing_again() {
    let machine = alone();
    let (project, file, _folder) = trucks(&format!("volumes: ['/srv/es:/data'], {LOAD}"));
    machine.ups(&project).await;
    let mut bumped = project.clone();
    bumped.service_mut("es").unwrap().image = "es:2".to_owned();
    assert!(machine.ups(&bumped).await.has("already loaded"));
    assert_eq!(machine.applied(), 1);
    let (project, _, _folder) = trucks(&in_volume(&LOAD.replace("FILE", &file.display().to_string())));
    let machine = alone();
    machine.ups(&project).await;
    let more = "volumes: ['data:/data', 'more:/more'],";
    let (project, _, _folder) = trucks(&format!("{more} {}", LOAD.replace("FILE", &file.display().to_string())));
    assert!(machine.ups(&project).await.has("already loaded"));
    assert_eq!(machine.applied(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_new_build_of_a_plugin_loads_again_only_when_it_would_load_something_else() {
    let (project, _file, _folder) = trucks(&in_volume(LOAD));
    let machine = alone();
    machine.ups(&project).await;
    machine.hooks.set_digest("bulk", "a new build");
    assert!(machine.ups(&project).await.has("already loaded, unchanged"));
    assert_eq!(machine.applied(), 1);
    machine.hooks.set_steps("bulk", &[("all", "2")]);
    machine.hooks.set_digest("bulk", "another");
    machine.ups(&project).await;
    assert_eq!(machine.applied(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_load_goes_on_behind_the_steps_that_were_applied() {
    let (project, _file, _folder) = trucks(&in_volume(LOAD));
    let machine = alone();
    machine.hooks.set_steps("bulk", &[("one", "1"), ("two", "1"), ("three", "1")]);
    let tries = Arc::new(std::sync::atomic::AtomicU32::new(0));
    machine.hooks.on_apply("bulk", move |_| match tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        1 => Err(hook_error("bulk", HookErrorKind::Failed { retryable: false }, "no")),
        _ => Ok(()),
    });
    machine.up(&project).await;
    machine.ups(&project).await;
    let expected = ["one", "two", "two", "three"].map(|step| format!("apply bulk into es: {step}"));
    assert_eq!(machine.hooks.calls(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_request_to_stop_leaves_a_mark_that_the_next_run_goes_on_from() {
    for rest in [LOAD, HOOK] {
        let (project, _file, _folder) = trucks(&in_volume(rest));
        let machine = alone();
        machine.hooks.takes("bulk", Duration::from_secs(3600));
        let (trigger, shutdown) = Shutdown::channel();
        let asks = async {
            while machine.hooks.calls().is_empty() {
                tokio::task::yield_now().await;
            }
            trigger.escalate();
        };
        let (ran, ()) = tokio::join!(machine.up_until(&project, shutdown), asks);
        assert!(ran.outcome.elapsed < Duration::from_secs(60), "{:?}", ran.outcome.elapsed);
        assert_eq!(machine.states(), ["dirty"]);
        machine.hooks.takes("bulk", Duration::ZERO);
        assert!(machine.ups(&project).await.has("(dirty)"));
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_machines_one_loads_for_as_long_as_it_takes_and_the_other_is_told_for_whom_it_waits() {
    let (project, _file, _folder) = trucks(&in_volume(LOAD));
    let engine = FakeEngine::new();
    let (one, other) = (Machine::new("one", &engine), Machine::new("other", &engine));
    one.ups(&project).await;
    one.applied();
    // The file changes for both; a load takes many leases.
    for machine in [&one, &other] {
        machine.hooks.set_steps("bulk", &[("all", "2")]);
        machine.hooks.set_digest("bulk", "new");
        machine.hooks.takes("bulk", Duration::from_secs(1000));
    }
    let (first, second) = tokio::join!(one.up(&project), other.up(&project));
    assert_eq!(one.applied() + other.applied(), 1, "{:#?} {:#?}", first.lines, second.lines);
    let told = |ran: &Ran| ran.has("waits for user@") && ran.has("already loaded, unchanged");
    let failed = |ran: &Ran| ran.has("another run began it at the same moment");
    assert!(
        [&first, &second].into_iter().any(|ran| told(ran) || failed(ran)),
        "{:#?} {:#?}",
        first.lines,
        second.lines
    );
}

/// A run that cannot show that it is alive is taken for dead by others, so it must not go on behind their backs.
#[tokio::test(start_paused = true)]
async fn a_load_that_cannot_be_renewed_is_given_up_when_its_lease_ends_and_not_before() {
    for (outage, ending) in [(LOAD_LEASE / 2, Ending::Success), (LOAD_LEASE * 3, Ending::Failed)] {
        let (project, _file, _folder) = trucks(&in_volume(LOAD));
        let machine = alone();
        machine.hooks.takes("bulk", LOAD_LEASE * 5);
        let breaks = async {
            while machine.hooks.calls().is_empty() {
                tokio::task::yield_now().await;
            }
            machine.engine.fail("create volume", EngineErrorKind::Unreachable, "connection refused");
            for _ in 0..outage.as_secs() {
                tokio::time::advance(Duration::from_secs(1)).await;
            }
            machine.engine.heal();
        };
        let (ran, ()) = tokio::join!(machine.up(&project), breaks);
        assert_eq!(ran.outcome.ending(), ending, "{:#?}", ran.lines);
        let given_up = ran.outcome.elapsed < LOAD_LEASE + LOAD_RENEWAL * 2;
        assert_eq!(given_up, ending == Ending::Failed, "{:?}", ran.outcome.elapsed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_of_another_machine_that_shows_no_life_is_taken_over() {
    let (project, _file, _folder) = trucks(&in_volume(LOAD));
    let engine = FakeEngine::new();
    let (killed, next) = (Machine::new("killed", &engine), Machine::new("next", &engine));
    killed.hooks.takes("bulk", Duration::from_secs(1000));
    let began = async {
        while killed.hooks.calls().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = killed.up(&project) => panic!("it takes its time"),
        () = began => {}
    }
    assert_eq!(next.states(), ["running"]);
    let ran = next.ups(&project).await;
    assert!(ran.has("waits for user@killed, which is loading it"), "{:#?}", ran.lines);
    assert!(ran.has("nothing was heard of user@killed for 60 s; its load is taken over"), "{:#?}", ran.lines);
    assert_eq!(next.applied(), 1);
    // On the machine itself nobody waits: the lock says that the run has ended.
    killed.hooks.takes("bulk", Duration::ZERO);
    assert!(killed.ups(&project).await.has("already loaded"));
}

#[tokio::test(start_paused = true)]
async fn markers_go_exactly_with_their_data() {
    let machine = alone();
    let (project, _file, _folder) = trucks(&in_volume(LOAD));
    machine.ups(&project).await;
    machine.down(&project, false).await;
    assert_eq!(machine.states(), ["committed"]);
    machine.ups(&project).await;
    assert_eq!(machine.applied(), 1);
    machine.down(&project, true).await;
    assert_eq!(machine.engine.snapshot().volumes, []);
    // A directory of the machine stays, and with it what is known of it.
    let (project, _file, _folder) = trucks(&format!("volumes: ['/srv/es:/data'], {LOAD}"));
    machine.ups(&project).await;
    machine.down(&project, true).await;
    assert_eq!(machine.states(), ["committed"]);
    machine.ups(&project).await;
    assert_eq!(machine.applied(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_could_not_be_removed_keeps_its_marker() {
    let machine = alone();
    let (project, _file, _folder) = trucks(&in_volume(LOAD));
    machine.ups(&project).await;
    machine.engine.fail("remove volume demo_data", windlass_runtime::engine::EngineErrorKind::InUse, "in use");
    let ran = machine.down(&project, true).await;
    assert!(ran.has("volume demo_data is still there"), "{:#?}", ran.lines);
    assert_eq!(machine.states(), ["committed"]);
}

#[tokio::test(start_paused = true)]
async fn markers_of_the_first_version_count_and_are_replaced_when_something_is_loaded() {
    let machine = alone();
    let (project, _file, _folder) = trucks(&in_volume(LOAD));
    machine.ups(&project).await;
    let data = machine.engine.snapshot().volumes.into_iter().find(|volume| volume.name == "demo_data").unwrap();
    let mut marker = machine.markers().remove(0);
    Cluster::remove_volume(&machine.engine, &marker.name).await.unwrap();
    marker.name = "demo_windlass_es_trucks_committed".to_owned();
    marker.labels.remove(labels::LEDGER_SLOT);
    marker.labels.insert(labels::LEDGER_TARGET.to_owned(), format!("volume:demo_data@{}", data.created_at));
    marker.labels.insert(labels::LEDGER_INPUT.to_owned(), "a hash with the plugin in it".to_owned());
    machine.engine.insert_volume(marker);
    machine.applied();
    assert!(machine.ups(&project).await.has("already loaded, unchanged"));
    machine.hooks.set_steps("bulk", &[("all", "2")]);
    machine.ups(&project).await;
    assert_eq!(machine.applied(), 1);
    let names: Vec<String> = machine.markers().into_iter().map(|marker| marker.name).collect();
    assert!(names.len() == 1 && !names[0].ends_with("committed"), "{names:?}");
}

#[tokio::test(start_paused = true)]
async fn when_says_how_often() {
    for (when, applied) in [("always", [1, 1, 1]), ("once", [1, 0, 0]), ("changed", [1, 0, 1])] {
        let load = format!("x-windlass: {{ load: {{ trucks: {{ plugin: bulk, from: FILE, when: {when} }} }} }}");
        let (project, _file, _folder) = trucks(&in_volume(&load));
        let machine = alone();
        for (run, expected) in applied.into_iter().enumerate() {
            if run == 2 {
                machine.hooks.set_steps("bulk", &[("all", "2")]);
                machine.hooks.set_digest("bulk", "new");
            }
            machine.ups(&project).await;
            assert_eq!(machine.applied(), expected, "{when}, run {run}");
        }
    }
}

/// Of several steps it is told how far the load is; of a single one there is nothing to tell.
#[tokio::test(start_paused = true)]
async fn a_load_of_several_steps_says_how_far_it_is() {
    let folder = TempProject::new().file("trucks.ndjson", "1");
    let file = folder.path().join("trucks.ndjson");
    let load = LOAD.replace("FILE", &file.display().to_string());
    let project = project(&format!("services: {{ db: {{ image: 'db:1', {load} }} }}"));
    let cases = [(&[("all", "1")][..], vec![]), (&[("index", "1"), ("data", "2")][..], vec![(0, 2), (1, 2)])];
    for (steps, expected) in cases {
        let machine = Machine::new("one", &FakeEngine::new());
        machine.hooks.set_steps("bulk", steps);
        let events = machine.ups(&project).await.events;
        let told = events.into_iter().filter_map(|stamped| match stamped.event {
            Event::LoadProgress { done, total, .. } => Some((done, total.unwrap_or_default())),
            _ => None,
        });
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }
}
