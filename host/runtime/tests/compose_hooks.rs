//! Compose's own hooks when things go wrong: containers that are gone, runs that are interrupted.

use std::sync::Arc;

use windlass_model::Project;
use windlass_plan::{DownOptions, StopOptions, UpOptions, down, stop, up};
use windlass_runtime::engine::EngineErrorKind;
use windlass_runtime::outcome::StepResult;
use windlass_runtime::{Ending, ExecuteOptions, Execution, Outcome, Shutdown, execute};
use windlass_testkit::{FakeEngine, FakeHooks, Recorder, project};

async fn run(engine: &FakeEngine, project: &Project, plan: windlass_plan::Plan, shutdown: Shutdown) -> Outcome {
    let execution = Execution {
        plan: Arc::new(plan),
        project: Arc::new(project.clone()),
        engine: Arc::new(engine.clone()),
        hooks: Arc::new(FakeHooks::new()),
        world: None,
        options: ExecuteOptions { run_id: "run".to_owned(), ..ExecuteOptions::default() },
    };
    execute(execution, shutdown, &Recorder::default()).await
}

async fn run_up(engine: &FakeEngine, project: &Project, shutdown: Shutdown) -> Outcome {
    let plan = up(project, &engine.seen_by(project), &UpOptions::default()).expect("it can be planned");
    run(engine, project, plan, shutdown).await
}

#[tokio::test(start_paused = true)]
async fn a_container_that_is_gone_before_its_stop_needs_no_pre_stop() {
    let project = project("services: { web: { image: 'web:1', pre_stop: [{ command: drain }] } }");
    let ways = [
        (EngineErrorKind::NotFound, true),
        (EngineErrorKind::NotRunning, true),
        (EngineErrorKind::BeingRemoved, true),
        (EngineErrorKind::Conflict, true),
        (EngineErrorKind::Other, false),
    ];
    for (kind, well) in ways {
        let engine = FakeEngine::new();
        assert_eq!(run_up(&engine, &project, Shutdown::channel().1).await.ending(), Ending::Success);
        engine.fail("exec in demo-web-1", kind, "no");
        let plan = stop(&project, &engine.snapshot(), &StopOptions::default()).expect("it can be planned");
        let outcome = run(&engine, &project, plan, Shutdown::channel().1).await;
        let done = outcome.steps.iter().all(|step| step.result == StepResult::Done);
        assert_eq!(done, well, "{kind:?}: {:?}", outcome.steps);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_runs_as_its_entry_says() {
    let yaml = "
services:
  web:
    image: 'web:1'
    post_start:
      - { command: [warm, up], user: app, working_dir: /srv, privileged: true, environment: { A: '1', FROM_SHELL: } }
      - { command: check }
";
    let (engine, project) = (FakeEngine::new(), project(yaml));
    assert_eq!(run_up(&engine, &project, Shutdown::channel().1).await.ending(), Ending::Success);
    let [first, second] = engine.execs().try_into().expect("two commands");
    assert_eq!((first.command, first.environment), (vec!["warm".to_owned(), "up".to_owned()], vec!["A=1".to_owned()]));
    assert_eq!((first.user.as_str(), first.working_dir.as_str(), first.privileged), ("app", "/srv", true));
    assert_eq!((second.user.as_str(), second.working_dir.as_str(), second.privileged), ("", "", false));
}

const SEEDED: &str = "services: { web: { image: 'web:1', pre_start: [{ image: 'web:1', command: migrate }] } }";
const SEED: &str = "demo-web-1-pre_start-0";

async fn until_it_runs(engine: &FakeEngine) {
    while engine.container(SEED).is_none_or(|found| !found.is_up()) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_pre_start_leaves_no_container() {
    let (engine, project) = (FakeEngine::new(), project(SEEDED));
    let (trigger, shutdown) = Shutdown::channel();
    let interrupt = async {
        until_it_runs(&engine).await;
        trigger.escalate();
    };
    let (outcome, ()) = tokio::join!(run_up(&engine, &project, shutdown), interrupt);
    assert_ne!(outcome.ending(), Ending::Success);
    assert!(engine.container(SEED).is_none());
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_run_left_of_a_pre_start_is_replaced_by_the_next_one_and_removed_by_down() {
    for next_is_up in [true, false] {
        let (engine, project) = (FakeEngine::new(), project(SEEDED));
        tokio::select! {
            _ = run_up(&engine, &project, Shutdown::channel().1) => panic!("the entry does not end"),
            () = until_it_runs(&engine) => {}
        }
        let left = engine.container(SEED).expect("left behind").id;
        if next_is_up {
            let ends = async {
                while engine.container(SEED).is_none_or(|found| found.id == left || !found.is_up()) {
                    tokio::task::yield_now().await;
                }
                engine.exit(SEED, 0);
            };
            let (outcome, ()) = tokio::join!(run_up(&engine, &project, Shutdown::channel().1), ends);
            assert_eq!(outcome.ending(), Ending::Success);
        } else {
            let plan = down(&project, &engine.snapshot(), &DownOptions::default()).expect("it can be planned");
            run(&engine, &project, plan, Shutdown::channel().1).await;
        }
        assert!(engine.container(SEED).is_none());
    }
}
