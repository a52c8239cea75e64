//! What a change waits for before it takes anything away, and what it makes of what others removed meanwhile.

use std::collections::BTreeSet;

use windlass_plan::observed::ContainerState;
use windlass_plan::options::Build;
use windlass_plan::{Action, Observed, Plan, StepId, UpOptions, check, render, up};
use windlass_testkit::project;

mod world;
use world::World;

fn planned(yaml: &str, observed: &Observed, options: &UpOptions) -> Plan {
    let plan = up(&project(yaml), observed, options).expect("the plan can be made");
    assert_eq!(check(&plan), []);
    plan
}

/// The one step of this description.
fn step(plan: &Plan, wanted: impl Fn(&Action) -> bool) -> StepId {
    let found: Vec<StepId> = plan.steps.iter().filter(|step| wanted(&step.action)).map(|step| step.id).collect();
    assert_eq!(found.len(), 1, "{}", render(plan));
    found[0]
}

fn stop_of(plan: &Plan, container: &str) -> StepId {
    step(plan, |action| matches!(action, Action::StopContainer { container: it, .. } if it.name == container))
}

fn start_of(plan: &Plan, container: &str) -> StepId {
    step(plan, |action| matches!(action, Action::StartContainer { container: it, .. } if it.name == container))
}

fn build(plan: &Plan) -> StepId {
    step(plan, |action| matches!(action, Action::BuildImage { .. }))
}

/// All steps that must have succeeded before this one.
fn counted_on(plan: &Plan, step: StepId) -> BTreeSet<StepId> {
    let mut found = BTreeSet::new();
    let mut queue = vec![step];
    while let Some(step) = queue.pop() {
        queue.extend(plan.steps[step.0].needs.iter().copied().filter(|before| found.insert(*before)));
    }
    found
}

const CHAIN: &str = "
services:
  base: { build: ./base }
  api: { image: 'api:1', depends_on: [base], environment: { A: '0' } }
  web: { image: 'web:1', depends_on: [api], environment: { A: '0' } }
  other: { image: 'other:1', environment: { A: '0' } }
";

/// A build takes minutes, and may fail: until it is through, the old container goes on.
#[test]
fn nothing_is_stopped_before_the_images_of_its_dependencies_are_there() {
    let world = World::of(&project(CHAIN)).running();
    let options = UpOptions { build: Build::Always, ..UpOptions::default() };
    let plan = planned(&CHAIN.replace("'0'", "'1'"), &world.observed, &options);
    assert!(counted_on(&plan, stop_of(&plan, "demo-web-1")).contains(&build(&plan)), "{}", render(&plan));
    assert!(!counted_on(&plan, stop_of(&plan, "demo-other-1")).contains(&build(&plan)), "{}", render(&plan));
}

/// Nor is somebody who only restarts along with a dependency, or is taken off a network for a moment.
#[test]
fn who_comes_along_with_a_change_waits_for_the_same_images() {
    let yaml = "
services:
  base: { build: ./base }
  api: { image: 'api:1', environment: { A: '0' } }
  web: { image: 'web:1', depends_on: { api: { condition: service_started, restart: true }, base: { condition: service_started } } }
";
    let world = World::of(&project(yaml)).running();
    let options = UpOptions { build: Build::Always, ..UpOptions::default() };
    let plan = planned(&yaml.replace("'0'", "'1'"), &world.observed, &options);
    assert!(counted_on(&plan, stop_of(&plan, "demo-web-1")).contains(&build(&plan)), "{}", render(&plan));

    let relabelled = format!("{CHAIN}networks: {{ default: {{ labels: {{ a: '1' }} }} }}\n");
    let world = World::of(&project(&relabelled)).running();
    let plan = planned(&relabelled.replace("a: '1'", "a: '2'"), &world.observed, &options);
    let off = step(
        &plan,
        |action| matches!(action, Action::DisconnectNetwork { container, .. } if container.name == "demo-web-1"),
    );
    for step in [off, stop_of(&plan, "demo-web-1")] {
        assert!(counted_on(&plan, step).contains(&build(&plan)), "{}", render(&plan));
    }
}

/// What only a dependency needs that may fail is waited for, and not counted on.
#[test]
fn an_image_that_nobody_requires_may_fail() {
    let yaml = "
services:
  base: { build: ./base }
  web: { image: 'web:1', depends_on: { base: { condition: service_started, required: false } }, environment: { A: '0' } }
";
    let world = World::of(&project(yaml)).running();
    let options = UpOptions { build: Build::Always, ..UpOptions::default() };
    let plan = planned(&yaml.replace("'0'", "'1'"), &world.observed, &options);
    let stop = stop_of(&plan, "demo-web-1");
    assert!(!counted_on(&plan, stop).contains(&build(&plan)), "{}", render(&plan));
    assert!(plan.steps[stop.0].after.contains(&build(&plan)), "{}", render(&plan));
}

const ONE: &str = "services: { web: { image: 'web:1' } }";

/// The engine binds a container that has run to the network's id: it can never be started in a new one of the same name.
#[test]
fn a_container_whose_network_was_removed_is_recreated() {
    let mut world = World::of(&project(ONE)).running();
    world.container("demo-web-1").state = ContainerState::Exited;
    world.observed.networks.clear();
    let text = render(&planned(ONE, &world.observed, &UpOptions::default()));
    assert!(text.contains("not attached to network demo_default"), "{text}");
}

/// One that never ran knows its network by name only, so it is kept. Its start waits for the new network all the same.
#[test]
fn a_container_that_never_ran_starts_after_its_network_is_made_again() {
    let mut world = World::of(&project(ONE));
    world.container("demo-web-1").networks.get_mut("demo_default").expect("it is attached").network_id.clear();
    world.observed.networks.clear();
    let plan = planned(ONE, &world.observed, &UpOptions::default());
    let network = step(&plan, |action| matches!(action, Action::CreateNetwork { .. }));
    assert!(counted_on(&plan, start_of(&plan, "demo-web-1")).contains(&network), "{}", render(&plan));
    assert!(!render(&plan).contains("create demo-web-1"), "{}", render(&plan));
}
