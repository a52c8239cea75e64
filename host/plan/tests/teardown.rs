//! Plans of `down`, `stop`, `start`, `restart`, `kill`, `rm`, `pull` and `build` as text.

use std::collections::BTreeSet;

use windlass_plan::observed::{ContainerState, Volume};
use windlass_plan::options::RemoveImages;
use windlass_plan::{
    Action, BuildCommandOptions, DownOptions, KillOptions, Observed, Plan, PullOptions, RemoveOptions, RestartOptions,
    StartOptions, StopOptions, UpOptions, build, check, down, kill, labels, pull, rebuild_from_labels, render, restart,
    rm, start, stop,
};
use windlass_testkit::project;

mod world;
use world::World;

const STACK: &str = "
services:
  db: { image: 'db:1', volumes: ['data:/data'], networks: [back] }
  api:
    image: api:1
    depends_on: { db: { condition: service_started, restart: true } }
    networks: [back, default]
    pre_stop: [{ command: drain }]
    x-windlass: { hooks: { pre-stop: [{ plugin: notify }], post-stop: [{ plugin: notify }] } }
  web: { build: ., depends_on: [api] }
networks: { back: {} }
volumes: { data: {} }
x-windlass:
  hooks:
    pre-down: [{ plugin: notify }]
    post-down: [{ plugin: notify }]
";

fn text(plan: &Plan) -> String {
    assert_eq!(check(plan), []);
    render(plan)
}

fn running() -> World {
    World::of(&project(STACK)).running()
}

fn down_text(world: &World, options: &DownOptions) -> String {
    text(&down(&project(STACK), &world.observed, options).expect("it can be planned"))
}

#[test]
fn a_run_that_failed_before_any_start_is_taken_back_and_no_other() {
    let project = project(
        "services: { db: { image: 'db:1', volumes: ['data:/d'] }, web: { image: 'web:1' } }\nvolumes: { data: }\n",
    );
    let plan = windlass_plan::up(&project, &Observed::default(), &UpOptions::default()).expect("it can be planned");
    let made = |action: &Action| {
        matches!(action, Action::CreateNetwork { .. } | Action::CreateVolume { .. } | Action::CreateContainer(_))
    };
    let until =
        |last: fn(&Action) -> bool| plan.steps.iter().filter(|step| last(&step.action)).map(|step| step.id).collect();
    let now = World::of(&project).observed;
    let none = BTreeSet::new();
    let undo = windlass_plan::undo(&plan, &until(made), &none, &now).expect("there is something to take back");
    assert_eq!(check(&undo), []);
    insta::assert_snapshot!(render(&undo));
    let started: fn(&Action) -> bool = |action| !matches!(action, Action::Up);
    assert_eq!(windlass_plan::undo(&plan, &until(started), &none, &now), None, "services run");
    assert_eq!(windlass_plan::undo(&plan, &none, &none, &now), None, "nothing was made");
    let running = World::of(&project).running().observed;
    assert_eq!(windlass_plan::undo(&plan, &until(made), &none, &running), None, "a failed start that runs");
}

#[test]
fn a_volume_that_a_failed_hook_may_have_written_to_is_not_taken_back() {
    let project = project(
        "services: { db: { image: 'db:1', volumes: ['data:/d'], pre_start: [{ image: 'seed:1', command: fill }] } }\nvolumes: { data: }\n",
    );
    let plan = windlass_plan::up(&project, &Observed::default(), &UpOptions::default()).expect("it can be planned");
    let of = |wanted: fn(&Action) -> bool| {
        plan.steps.iter().filter(|step| wanted(&step.action)).map(|step| step.id).collect::<BTreeSet<_>>()
    };
    let made = of(|action| matches!(action, Action::CreateVolume { .. } | Action::CreateContainer(_)));
    let hook = of(|action| matches!(action, Action::RunHookContainer { .. }));
    assert_eq!((made.len(), hook.len()), (2, 1));
    let now = World::of(&project).observed;
    let undo = windlass_plan::undo(&plan, &made, &hook, &now).expect("the container goes");
    assert!(!render(&undo).contains("volume"), "{}", render(&undo));
}

#[test]
fn down_goes_from_dependents_to_dependencies_and_then_networks() {
    insta::assert_snapshot!(down_text(&running(), &DownOptions::default()));
}

#[test]
fn down_with_volumes_takes_the_ledger_and_images_too() {
    let mut world = running();
    world.observed.volumes.push(Volume {
        name: "demo_windlass_db_trucks_committed".to_owned(),
        labels: [
            (labels::PROJECT.to_owned(), "demo".to_owned()),
            (labels::LEDGER_DATASET.to_owned(), "db/trucks".to_owned()),
        ]
        .into(),
        ..Volume::default()
    });
    let kept = down_text(&world, &DownOptions::default());
    assert!(!kept.contains("remove volume"), "{kept}");
    let options = DownOptions { volumes: true, images: Some(RemoveImages::Local), ..DownOptions::default() };
    insta::assert_snapshot!(down_text(&world, &options));
}

#[test]
fn ledger_entries_about_removed_containers_go_with_every_down() {
    let mut world = running();
    world.observed.volumes.push(Volume {
        name: "demo_windlass_web_trucks_committed".to_owned(),
        labels: [
            (labels::PROJECT.to_owned(), "demo".to_owned()),
            (labels::LEDGER_DATASET.to_owned(), "web/trucks".to_owned()),
            (labels::LEDGER_TARGET.to_owned(), "container:abc".to_owned()),
        ]
        .into(),
        ..Volume::default()
    });
    let plan = down_text(&world, &DownOptions::default());
    assert!(plan.contains("remove volume demo_windlass_web_trucks_committed: its container is removed"), "{plan}");
}

#[test]
fn down_of_a_service_takes_its_dependents_and_leaves_what_others_use() {
    let options = DownOptions { targets: vec!["api".to_owned()], ..DownOptions::default() };
    let plan = down_text(&running(), &options);
    assert!(plan.contains("remove demo-api-1") && plan.contains("remove demo-web-1"), "{plan}");
    assert!(!plan.contains("demo-db-1") && !plan.contains("demo_back"), "{plan}");
    assert!(plan.contains("remove network demo_default"), "{plan}");
}

#[test]
fn down_of_nothing_says_so() {
    let plan =
        text(&down(&project("services: { a: { image: x } }"), &Observed::default(), &DownOptions::default()).unwrap());
    assert_eq!(plan, "nothing to do\nwarning: No resource found to remove for project \"demo\".\n");
}

#[test]
fn without_a_file_the_labels_give_services_order_networks_and_volumes() {
    let world = running();
    let model = rebuild_from_labels("demo", &world.observed);
    assert_eq!(model.services.keys().collect::<Vec<_>>(), ["api", "db", "web"]);
    let options = DownOptions { volumes: true, ..DownOptions::default() };
    insta::assert_snapshot!(text(&down(&model, &world.observed, &options).expect("it can be planned")));
}

#[test]
fn stop_leaves_what_does_not_run() {
    let mut world = running();
    world.container("demo-web-1").state = ContainerState::Exited;
    let options = StopOptions { targets: vec!["web".to_owned(), "db".to_owned()], ..StopOptions::default() };
    let plan = text(&stop(&project(STACK), &world.observed, &options).expect("it can be planned"));
    assert_eq!(plan, "  1 stop demo-db-1: container runs\n");
}

#[test]
fn start_starts_what_does_not_run_in_order() {
    let mut world = running();
    world.container("demo-web-1").state = ContainerState::Exited;
    world.container("demo-db-1").state = ContainerState::Exited;
    let plan = start(&project(STACK), &world.observed, &StartOptions::default()).expect("it can be planned");
    insta::assert_snapshot!(text(&plan));
    let error = start(&project(STACK), &Observed::default(), &StartOptions::default()).expect_err("nothing is there");
    assert_eq!(error.to_string(), "service \"db\" has no container to start");
}

#[test]
fn restart_takes_along_who_says_so() {
    let options = RestartOptions { targets: vec!["db".to_owned()], ..RestartOptions::default() };
    let plan = restart(&project(STACK), &running().observed, &options).expect("it can be planned");
    insta::assert_snapshot!(text(&plan));
}

const JOB: &str = "
services:
  job: { image: 'job:1' }
  app: { image: 'app:1', depends_on: { job: { condition: service_completed_successfully } } }
";

#[test]
fn a_condition_holds_for_start_and_restart_too_with_a_file_and_without() {
    let mut world = World::of(&project(JOB));
    world.container("demo-job-1").state = ContainerState::Exited;
    world.container("demo-job-1").exit_code = Some(1);
    let models = [project(JOB), rebuild_from_labels("demo", &world.observed)];
    for model in models {
        let plan = start(&model, &world.observed, &StartOptions::default()).expect("it can be planned");
        insta::assert_snapshot!("start_after_a_job", text(&plan));
        let plan = restart(&model, &world.observed, &RestartOptions::default()).expect("it can be planned");
        insta::assert_snapshot!("restart_after_a_job", text(&plan));
    }
}

#[test]
fn restart_alone_waits_for_nobody() {
    let mut world = World::of(&project(JOB));
    world.container("demo-job-1").state = ContainerState::Exited;
    let options = RestartOptions { no_deps: true, ..RestartOptions::default() };
    let plan = restart(&project(JOB), &world.observed, &options).expect("it can be planned");
    assert!(!text(&plan).contains("await"), "{}", text(&plan));
}

#[test]
fn kill_takes_running_containers_and_rm_those_that_do_not_run() {
    let mut world = running();
    world.container("demo-web-1").state = ContainerState::Exited;
    let project = project(STACK);
    let plan = text(&kill(&project, &world.observed, &KillOptions::default()).expect("it can be planned"));
    assert_eq!(plan, "  1 kill demo-api-1 with SIGKILL: kill\n  2 kill demo-db-1 with SIGKILL: kill\n");
    let plan = text(&rm(&project, &world.observed, &RemoveOptions::default()).expect("it can be planned"));
    assert_eq!(plan, "  1 remove demo-web-1: container has exited\n");
}

#[test]
fn pull_pulls_all_but_what_policies_exempt() {
    let yaml = "
services:
  a: { image: 'a:1' }
  b: { image: 'b:1', pull_policy: missing }
  c: { image: 'c:latest', pull_policy: missing }
  d: { build: . }
  e: { image: 'e:1', pull_policy: never }
";
    let world = World::of(&project(yaml));
    insta::assert_snapshot!(text(
        &pull(&project(yaml), &world.observed, &PullOptions::default()).expect("it can be planned")
    ));
}

#[test]
fn build_builds_what_can_be_built() {
    let plan =
        build(&project(STACK), &Observed::default(), &BuildCommandOptions::default()).expect("it can be planned");
    assert_eq!(text(&plan), "  1 build image demo-web: --build\n");
}
