//! Containers in the namespaces of others: an engine starts them only while those run.

use windlass_plan::observed::{ContainerState, joined};
use windlass_plan::{Action, Observed, Plan, PlanError, UpOptions, labels, render, up};
use windlass_testkit::project;

mod world;
use world::World;

fn two(vpn: &str, app: &str) -> String {
    format!("services: {{ vpn: {{ image: 'i:1' {vpn} }}, app: {{ image: 'i:1', pid: 'service:vpn' {app} }} }}")
}

fn only(targets: &[&str]) -> UpOptions {
    UpOptions { targets: targets.iter().map(|name| (*name).to_owned()).collect(), ..UpOptions::default() }
}

fn planned(yaml: &str, observed: &Observed, options: &UpOptions) -> Plan {
    up(&project(yaml), observed, options).expect("the plan can be made")
}

#[test]
fn whose_namespaces_a_container_uses_is_told_by_its_mode_and_its_labels() {
    let world = World::of(&project(&two("", "")));
    let find = |name: &str| world.observed.containers.iter().find(|found| found.name == name).expect("it exists");
    assert_eq!(find("demo-app-1").joins, [find("demo-vpn-1").id.clone()]);
    let labels = [(labels::JOINS.to_owned(), "b,a".to_owned())].into();
    assert_eq!(joined("container:c", &labels), ["a", "b", "c"]);
    assert_eq!(joined("container:a", &labels), ["a", "b"]);
    assert_eq!(joined("demo_default", &Default::default()), <[String; 0]>::default());
}

/// It could not be started again: what it joined is another container then.
#[test]
fn who_is_not_asked_for_goes_on_beside_a_new_owner() {
    let world = World::of(&project(&two("", ""))).running();
    let plan = planned(&two(", environment: { A: '1' }", ""), &world.observed, &only(&["vpn"]));
    let stops_app = |action: &Action| {
        matches!(action, Action::StopContainer { container, .. } | Action::RemoveContainer { container, .. }
            if container.name == "demo-app-1")
    };
    assert!(plan.steps.iter().any(|step| step.action.object() == "demo-vpn-1"), "{}", render(&plan));
    assert!(!plan.steps.iter().any(|step| stops_app(&step.action)), "{}", render(&plan));
    let told = "demo-app-1 goes on in the namespaces of the old demo-vpn-1, which is removed: `up app` recreates it";
    assert_eq!(plan.notes.iter().map(|note| note.text.as_str()).collect::<Vec<_>>(), [told]);
}

/// A network that both are on is changed: the one that cannot be stopped is off it for a moment.
#[test]
fn who_cannot_be_stopped_leaves_a_network_as_it_runs() {
    let with = |label: &str, vpn: &str| {
        format!("{} \nnetworks: {{ default: {{ labels: {{ l: '{label}' }} }} }}", two(vpn, ""))
    };
    let world = World::of(&project(&with("1", ""))).running();
    let plan = planned(&with("2", ", environment: { A: '1' }"), &world.observed, &only(&["vpn"]));
    let of_app: Vec<&str> = plan
        .steps
        .iter()
        .filter(|step| step.service.as_deref() == Some("app"))
        .map(|step| step.action.verb())
        .collect();
    assert_eq!(of_app, ["disconnect", "connect"], "{}", render(&plan));
}

#[test]
fn without_dependencies_the_owner_must_run() {
    let mut world = World::of(&project(&two("", ""))).running();
    let alone = UpOptions { no_deps: true, ..only(&["app"]) };
    let changed = two("", ", environment: { A: '1' }");
    planned(&changed, &world.observed, &alone);
    world.container("demo-vpn-1").state = ContainerState::Exited;
    let refused = up(&project(&changed), &world.observed, &alone).expect_err("nothing would start it");
    let expected = PlanError::OwnerStopped { service: "app".to_owned(), owner: "vpn".to_owned() };
    assert_eq!(refused, expected);
    // Nothing is started, so nothing has to run.
    planned(&changed, &world.observed, &UpOptions { no_start: true, ..alone });
}

/// An orphan's namespaces: it goes only when the container that left them runs, and on the way back it starts first.
#[test]
fn the_owner_that_goes_is_there_until_its_user_has_changed() {
    let world = World::of(&project(&two("", ""))).running();
    let options = UpOptions { remove_orphans: true, ..UpOptions::default() };
    let plan = planned("services: { app: { image: 'i:1' } }", &world.observed, &options);
    let unit = plan.units.iter().find(|unit| unit.undo.len() > 1).expect("both are one change");
    let started: Vec<&str> = unit
        .undo
        .iter()
        .filter_map(|undo| match &undo.action {
            Action::StartContainer { container, .. } => Some(container.name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(started, ["demo-vpn-1", "demo-app-1"], "{}", render(&plan));
    let start =
        plan.steps.iter().find(|step| matches!(step.action, Action::StartContainer { .. })).expect("app starts");
    let removal = plan.steps.iter().find(|step| step.action.verb() == "remove" && step.action.object() == "demo-vpn-1");
    assert!(removal.expect("vpn goes").needs.contains(&start.id), "{}", render(&plan));
}

/// Both are new: an owner that took nothing from anybody goes on running where its user does not start.
#[test]
fn a_new_owner_has_nothing_to_give_back() {
    let plan = planned(&two("", ""), &Observed::default(), &UpOptions::default());
    let back: Vec<_> = plan.units.iter().flat_map(|unit| &unit.undo).collect();
    assert!(back.is_empty(), "{back:#?}");
}
