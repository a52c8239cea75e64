//! Small facts of plans that only show in rare cases. Each was found by breaking the code: no other test noticed.

use std::sync::Arc;

use windlass_plan::observed::{ContainerState, Image};
use windlass_plan::options::{Build, PullOptions, StartOptions};
use windlass_plan::{Action, Observed, Plan, UpOptions, labels, pull, rebuild_from_labels, spec, start, up};
use windlass_testkit::project;

mod world;
use world::World;

fn planned(yaml: &str, observed: &Observed, options: &UpOptions) -> Plan {
    up(&project(yaml), observed, options).expect("the plan can be made")
}

fn text(yaml: &str, observed: &Observed) -> String {
    windlass_plan::render(&planned(yaml, observed, &UpOptions::default()))
}

#[test]
fn without_mounted_images_there_is_no_label_about_them() {
    let world = World::of(&project("services: { web: { image: 'web:1' } }"));
    assert_eq!(world.observed.containers[0].labels.get(labels::IMAGE_VOLUMES), None);
}

/// A mounted image that was pulled anew shows in a new container only.
#[test]
fn a_mounted_image_that_changed_recreates() {
    let yaml = "services: { web: { image: 'web:1', volumes: [{ type: image, source: 'data:1', target: /data }] } }";
    let mut world = World::of(&project(yaml)).running();
    let image = |digest: &str| Image { content_digest: digest.to_owned(), ..Image::default() };
    world.observed.images.insert("data:1", "", image("sha256:old"));
    let recorded = "/data=sha256:old".to_owned();
    world.container("demo-web-1").labels.insert(labels::IMAGE_VOLUMES.to_owned(), recorded);
    assert_eq!(text(yaml, &world.observed), "nothing to do\n");
    world.observed.images.insert("data:1", "", image("sha256:new"));
    assert!(text(yaml, &world.observed).contains("a mounted image changed"));
}

/// Names are not enough: somebody may have removed the network and made another one of that name.
#[test]
fn a_container_in_another_network_of_that_name_is_recreated() {
    let yaml = "services: { web: { image: 'web:1' } }";
    let mut world = World::of(&project(yaml)).running();
    let endpoint = world.container("demo-web-1").networks.get_mut("demo_default").expect("it is attached");
    endpoint.network_id = "another".to_owned();
    assert!(text(yaml, &world.observed).contains("not attached to network demo_default"));
}

/// Who shares a namespace is another container as soon as the owner is: the hash names the owner by its id.
#[test]
fn a_sharer_of_another_container_is_recreated() {
    let yaml = "services: { vpn: { image: 'vpn:1' }, app: { image: 'app:1', network_mode: 'service:vpn' } }";
    let mut world = World::of(&project(yaml)).running();
    assert_eq!(text(yaml, &world.observed), "nothing to do\n");
    world.container("demo-vpn-1").id = "e".repeat(64);
    assert!(text(yaml, &world.observed).contains("create"), "{}", text(yaml, &world.observed));
}

#[test]
fn steps_about_orphans_say_whose_they_were() {
    let both = "services: { web: { image: 'web:1' }, old: { image: 'old:1' } }";
    let world = World::of(&project(both)).running();
    let options = UpOptions { remove_orphans: true, ..UpOptions::default() };
    let plan = planned("services: { web: { image: 'web:1' } }", &world.observed, &options);
    let services = plan.steps.iter().filter_map(|step| match &step.action {
        Action::StopContainer { .. } | Action::RemoveContainer { .. } => Some(step.service.as_deref()),
        _ => None,
    });
    assert_eq!(services.collect::<Vec<_>>(), [Some("old"), Some("old")]);
}

/// While it is made a container has its temporary name, also for those who put files into it.
#[test]
fn files_are_copied_into_the_container_that_is_being_made() {
    let yaml = "
services: { web: { image: 'web:1', environment: { A: '1' }, configs: [c] } }
configs: { c: { content: typed } }
";
    let world = World::of(&project(yaml)).running();
    let plan = planned(&yaml.replace("A: '1'", "A: '2'"), &world.observed, &UpOptions::default());
    let created = plan.steps.iter().find_map(|step| match &step.action {
        Action::CreateContainer(spec) => Some(spec.create_name.clone()),
        _ => None,
    });
    let filled = plan.steps.iter().find_map(|step| match &step.action {
        Action::InjectFiles { container, .. } => Some(container.name.clone()),
        _ => None,
    });
    assert_ne!(created.as_deref(), Some("demo-web-1"));
    assert_eq!(created, filled);
}

/// On the way back the old container takes any address: its own may be the new one's.
#[test]
fn the_way_back_into_a_network_asks_for_no_address() {
    let yaml = "
services: { web: { image: 'web:1', environment: { A: '1' }, networks: { n: { ipv4_address: 10.9.0.5 } } } }
networks: { n: { labels: { a: '1' }, ipam: { config: [{ subnet: 10.9.0.0/24 }] } } }
";
    let world = World::of(&project(yaml)).running();
    let changed = yaml.replace("A: '1'", "A: '2'").replace("a: '1'", "a: '2'");
    let plan = planned(&changed, &world.observed, &UpOptions::default());
    let back: Vec<String> = plan
        .units
        .iter()
        .flat_map(|unit| &unit.undo)
        .filter_map(|undo| match &undo.action {
            Action::ConnectNetwork { spec, .. } => Some(
                spec.service
                    .networks
                    .get("n")
                    .and_then(Option::as_ref)
                    .map_or(String::new(), |n| n.ipv4_address.clone()),
            ),
            _ => None,
        })
        .collect();
    assert_eq!(back, [""]);
}

#[test]
fn an_age_is_the_sum_of_its_parts() {
    for (age, seconds) in [("1h30m", 5_400), ("1w2d3h4m5s", 788_645)] {
        let yaml = format!("services: {{ web: {{ image: 'web:1', pull_policy: every_{age} }} }}");
        let pulls = |now: i64| {
            let mut world = World::of(&project(&yaml)).running();
            world.observed.images.get_mut("web:1", "").expect("it is there").last_tagged = 1_000_000;
            let plan = planned(&yaml, &world.observed, &UpOptions { now, ..UpOptions::default() });
            plan.steps.iter().any(|step| matches!(step.action, Action::PullImage { .. }))
        };
        assert!(!pulls(1_000_000 + seconds), "{age}");
        assert!(pulls(1_000_000 + seconds + 1), "{age}");
    }
}

#[test]
fn what_is_built_is_pulled_too_when_it_has_an_image() {
    let project = project("services: { web: { image: 'web:1', build: . } }");
    let plan = pull(&project, &Observed::default(), &PullOptions::default()).expect("it can be planned");
    assert!(plan.steps.iter().any(|step| matches!(&step.action, Action::PullImage { image, .. } if image == "web:1")));
}

/// Without the file: names, images and numbers of replicas are those of the containers.
#[test]
fn labels_tell_images_and_numbers() {
    let world = World::of(&project("services: { web: { image: 'web:1', scale: 2 } }")).running();
    let model = rebuild_from_labels("demo", &world.observed);
    let web = &model.services["web"];
    assert_eq!((web.image.as_str(), web.scale, model.separator), ("web:1", Some(2), '-'));
}

/// A kept container goes by the name that it has, which may be one that a killed run gave it.
#[test]
fn start_calls_a_container_by_the_name_that_it_has() {
    let project = project("services: { web: { image: 'web:1' } }");
    let mut world = World::of(&project);
    world.container("demo-web-1").name = "somebody-renamed-it".to_owned();
    world.observed.containers[0].state = ContainerState::Exited;
    let plan = start(&project, &world.observed, &StartOptions::default()).expect("it can be planned");
    let text = windlass_plan::render(&plan);
    assert!(text.contains("start somebody-renamed-it"), "{text}");
    let text = windlass_plan::render(&up(&project, &world.observed, &UpOptions::default()).expect("it can be planned"));
    assert!(text.contains("start somebody-renamed-it"), "{text}");
}

/// The container of a `pre_start` entry: the replica's volumes, networks and environment, and little else of the service.
#[test]
fn a_pre_start_container_is_what_its_entry_says() {
    let yaml = "
services:
  web:
    image: 'web:1'
    container_name: site
    command: serve
    user: app
    working_dir: /srv
    environment: { A: service, B: service }
    networks: [back]
    volumes: ['data:/data', /anonymous]
    configs: [c]
    pre_start:
      - { image: 'tools:1', command: [migrate, up], user: root, working_dir: /work, privileged: true, environment: { B: entry } }
      - { command: check }
networks: { back: {} }
volumes: { data: {} }
configs: { c: { file: ./c } }
";
    let plan = planned(yaml, &Observed::default(), &UpOptions::default());
    let entries: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::RunHookContainer { index, hook, spec } => Some((*index, hook, spec)),
            _ => None,
        })
        .collect();
    let [(0, first, replica), (1, second, _)] = entries.as_slice() else { panic!("{entries:?}") };
    let made = spec::hook_container(replica, "c1", 0, first);
    let run = &made.service;
    assert_eq!((made.create_name.as_str(), made.container.name.as_str()), ("site-pre_start-0", "site-pre_start-0"));
    assert_eq!((made.image.as_str(), run.image.as_str(), run.name.as_str()), ("tools:1", "tools:1", "web"));
    assert_eq!(run.command.as_deref(), Some(&["migrate".to_owned(), "up".to_owned()][..]));
    assert_eq!((run.user.as_str(), run.working_dir.as_str(), run.privileged), ("root", "/work", true));
    let values = |name: &str| run.environment.get(name).cloned().flatten();
    assert_eq!((values("A").as_deref(), values("B").as_deref()), (Some("service"), Some("entry")));
    assert!(run.networks.contains_key("back") && made.networks == replica.networks);
    // Its mounts are the replica's, by way of the engine: nothing is mounted twice.
    assert_eq!(run.volumes_from, ["container:c1"]);
    assert!(run.volumes.is_empty() && made.volumes.is_empty() && made.file_mounts.is_empty());
    assert_eq!((made.container.number, made.inherit_from.as_deref()), (0, None));
    let other = spec::hook_container(replica, "c1", 1, second);
    assert_eq!((other.image.as_str(), other.service.user.as_str()), ("web:1", ""));
}

/// Without the file, `down` and the others still know of which kind networks and volumes are.
#[test]
fn labels_tell_drivers() {
    let mut world = World::of(&project(
        "services: { web: { image: 'web:1', volumes: ['data:/data'] } }
volumes: { data: {} }",
    ));
    world.observed.networks[0].driver = "overlay".to_owned();
    world.observed.volumes[0].driver = "nfs".to_owned();
    let model = rebuild_from_labels("demo", &world.observed);
    assert_eq!((model.networks["default"].driver.as_str(), model.volumes["data"].driver.as_str()), ("overlay", "nfs"));
}

/// A plan of thousands of services carries none of them twice.
#[test]
fn steps_share_the_services_of_the_model() {
    let model = project("services: { web: { build: ., image: 'web:1', networks: { default: { aliases: [w] } } } }");
    let options = UpOptions { build: Build::Always, ..UpOptions::default() };
    let made = up(&model, &Observed::default(), &options).expect("the plan can be made");
    let carried = made.steps.iter().filter_map(|step| match &step.action {
        Action::CreateContainer(spec) => Some(&spec.service),
        Action::BuildImage { service, .. } => Some(service),
        _ => None,
    });
    let shared: Vec<bool> = carried.map(|service| Arc::ptr_eq(service, &model.services["web"])).collect();
    assert_eq!(shared, [true, true]);
}
