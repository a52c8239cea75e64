//! What a plan tells others about the containers around a change. Each fact was found by breaking the code: no other test
//! noticed.

use windlass_plan::observed::{Container, Endpoint};
use windlass_plan::options::KillOptions;
use windlass_plan::step::{ContainerRef, ContainerSpec};
use windlass_plan::{Action, Observed, Plan, UpOptions, check, kill, labels, render, up};
use windlass_testkit::project;

mod world;
use world::World;

fn planned(yaml: &str, observed: &Observed, options: &UpOptions) -> Plan {
    let plan = up(&project(yaml), observed, options).expect("the plan can be made");
    assert_eq!(check(&plan), []);
    plan
}

/// With what a container is made.
fn created<'p>(plan: &'p Plan, service: &str) -> &'p ContainerSpec {
    let mut specs = plan.steps.iter().filter_map(|step| match &step.action {
        Action::CreateContainer(spec) if spec.service.name == service => Some(&**spec),
        _ => None,
    });
    specs.next().unwrap_or_else(|| panic!("{service} is not made: {}", render(plan)))
}

/// With what a container is attached to a network again.
fn attached<'p>(plan: &'p Plan, name: &str) -> &'p ContainerSpec {
    let mut specs = plan.steps.iter().filter_map(|step| match &step.action {
        Action::ConnectNetwork { container, spec, .. } if container.name == name => Some(&**spec),
        _ => None,
    });
    specs.next().unwrap_or_else(|| panic!("{name} is not attached: {}", render(plan)))
}

/// Another container like that one.
fn like(world: &mut World, name: &str, change: impl FnOnce(&mut Container)) {
    let mut other = world.container(name).clone();
    other.id = "f".repeat(64);
    change(&mut other);
    world.observed.containers.push(other);
}

/// Who shares a namespace refers to the owner by the id that it has now, unless the owner surely gets another one.
#[test]
fn an_owner_that_stays_is_named_by_its_id_and_one_that_changes_by_its_name() {
    let yaml = "
services:
  vpn: { image: 'vpn:1', environment: { A: '1' } }
  app: { image: 'app:1', environment: { A: '1' }, network_mode: 'service:vpn' }
";
    let mut world = World::of(&project(yaml)).running();
    let id = world.container("demo-vpn-1").id.clone();
    let vpn =
        |id: Option<String>| ContainerRef { id, name: "demo-vpn-1".to_owned(), service: "vpn".to_owned(), number: 1 };
    let (first, second) = yaml.split_at(yaml.find("  app").expect("it is there"));
    let app_changed = format!("{first}{}", second.replace("'1' }, network", "'2' }, network"));
    let plan = planned(&app_changed, &world.observed, &UpOptions::default());
    assert_eq!(created(&plan, "app").peers["vpn"], [vpn(Some(id.clone()))]);
    // The pull that comes first tells whether the owner is made again.
    let pulled = app_changed.replace("'vpn:1',", "'vpn:1', pull_policy: always,");
    let plan = planned(&pulled, &world.observed, &UpOptions::default());
    assert_eq!(created(&plan, "app").peers["vpn"], [vpn(Some(id))]);
    let both_changed = app_changed.replace("A: '1'", "A: '2'");
    let plan = planned(&both_changed, &world.observed, &UpOptions::default());
    assert_eq!(created(&plan, "app").peers["vpn"], [vpn(None)]);
}

const FIXED: &str = "
services:
  web: { image: 'web:1', networks: { n: { ipv4_address: 10.9.0.5 } } }
  db: { image: 'db:1', networks: [n] }
networks: { n: { labels: { a: '1' }, ipam: { config: [{ subnet: 10.9.0.0/24 }] } } }
";

fn address(container: &mut Container, address: &str) {
    let endpoint =
        Endpoint { network_id: "id-of-demo_n".to_owned(), ip_address: address.to_owned(), ..Endpoint::default() };
    container.networks.insert("demo_n".to_owned(), endpoint);
}

/// Containers that the command is not about leave a network that changes, and come back to where they were.
#[test]
fn others_come_back_into_a_network_with_the_address_that_was_theirs() {
    let mut world = World::of(&project(FIXED)).running();
    address(world.container("demo-web-1"), "10.9.0.5");
    like(&mut world, "demo-web-1", |run| {
        "demo-web-run-1".clone_into(&mut run.name);
        run.labels.insert(labels::ONE_OFF.to_owned(), "True".to_owned());
        address(run, "10.9.0.77");
    });
    let id = world.container("demo-web-1").id.clone();
    let options = UpOptions { targets: vec!["db".to_owned()], no_deps: true, ..UpOptions::default() };
    let plan = planned(&FIXED.replace("a: '1'", "a: '2'"), &world.observed, &options);
    let fixed = |spec: &ContainerSpec| {
        let network = spec.service.networks.get("n").and_then(Option::as_ref);
        network.map(|network| network.ipv4_address.clone()).unwrap_or_default()
    };
    let replica = attached(&plan, "demo-web-1");
    assert_eq!((fixed(replica).as_str(), &replica.container.id), ("10.9.0.5", &Some(id)));
    assert!(replica.one_off.is_none());
    let one_off = attached(&plan, "demo-web-run-1");
    assert_eq!((fixed(one_off).as_str(), &one_off.container.id), ("", &Some("f".repeat(64))));
    assert!(one_off.one_off.is_some());
}

#[test]
fn an_orphan_comes_back_under_the_name_of_the_service_that_it_was() {
    let yaml = FIXED.replace("db:", "old:").replace("'db:1'", "'old:1'");
    let world = World::of(&project(&yaml)).running();
    let without = FIXED.replace("  db: { image: 'db:1', networks: [n] }\n", "").replace("a: '1'", "a: '2'");
    let plan = planned(&without, &world.observed, &UpOptions::default());
    assert_eq!(attached(&plan, "demo-old-1").service.name, "old");
}

/// What a killed run left of a `pre_start` is removed, and nothing else happens to it, also where its network changes.
#[test]
fn a_left_over_hook_is_only_removed() {
    let mut world = World::of(&project(FIXED)).running();
    like(&mut world, "demo-web-1", |hook| {
        "demo-web-1-pre_start-0".clone_into(&mut hook.name);
        hook.labels.insert(labels::HOOK.to_owned(), "pre_start".to_owned());
    });
    let plan = planned(&FIXED.replace("a: '1'", "a: '2'"), &world.observed, &UpOptions::default());
    let text = render(&plan);
    let about: Vec<&str> = text.lines().filter(|line| line.contains("pre_start-0")).collect();
    assert_eq!(about.len(), 1, "{text}");
    assert!(about[0].contains("left by an earlier pre_start"), "{text}");
}

/// A volume is mounted through another service, too: that container goes and comes back with it, whatever the engine lists.
#[test]
fn who_mounts_a_volume_through_another_service_goes_along_when_it_is_recreated() {
    let yaml = "
services:
  web: { image: 'web:1', volumes: ['data:/data'] }
  side: { image: 'side:1', volumes_from: [web] }
volumes: { data: { labels: { a: '1' } } }
";
    let world = World::of(&project(yaml)).running();
    let options = UpOptions { recreate_volumes: ["demo_data".to_owned()].into(), ..UpOptions::default() };
    let text = render(&planned(&yaml.replace("a: '1'", "a: '2'"), &world.observed, &options));
    let removed = text.lines().position(|line| line.contains("remove volume demo_data"));
    let gone = text.lines().position(|line| line.contains("remove demo-side-1"));
    assert!(gone.is_some() && gone < removed, "{text}");
}

/// A service that is only switched off by its profile is not one that the model does not have.
#[test]
fn kill_takes_no_service_for_an_orphan_that_is_only_switched_off() {
    let yaml = "services: { web: { image: 'web:1' }, debug: { image: 'debug:1', profiles: [PROFILE] } }";
    let world = World::of(&project(&yaml.replace("PROFILE", ""))).running();
    let options = KillOptions { remove_orphans: true, ..KillOptions::default() };
    let plan = kill(&project(&yaml.replace("PROFILE", "debug")), &world.observed, &options).expect("it can be made");
    let killed = plan.steps.iter().filter_map(|step| step.service.as_deref());
    assert_eq!(killed.collect::<Vec<_>>(), ["web"]);
}

/// A container runs on one platform, so its image is built for that one, with or without contexts that are other images.
#[test]
fn an_image_is_built_for_the_platform_of_its_service() {
    let built = |more: &str| {
        let yaml = format!(
            "
services:
  base: {{ image: 'base:1', build: ./base }}
  app: {{ platform: linux/arm64, build: {{ context: ., platforms: [linux/amd64, linux/arm64] {more} }} }}
"
        );
        let plan = planned(&yaml, &Observed::default(), &UpOptions::default());
        let mut builds = plan.steps.iter().filter_map(|step| match &step.action {
            Action::BuildImage { service, .. } if service.name == "app" => service.build.clone(),
            _ => None,
        });
        builds.next().unwrap_or_else(|| panic!("nothing is built: {}", render(&plan)))
    };
    assert_eq!(built("").platforms, ["linux/arm64"]);
    let with_context = built(", additional_contexts: { base: 'service:base' }");
    assert_eq!(with_context.platforms, ["linux/arm64"]);
    assert_eq!(with_context.additional_contexts["base"], "docker-image://base:1");
}
