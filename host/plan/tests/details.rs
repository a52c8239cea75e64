//! Small facts of plans that only show in rare cases. Each was found by breaking the code: no other test noticed.

use std::collections::BTreeMap;
use std::sync::Arc;

use windlass_plan::observed::{ContainerState, Image, Network, PortMapping};
use windlass_plan::options::{Build, PullOptions, Recreate, StartOptions};
use windlass_plan::{
    Action, DownOptions, Observed, Plan, PlanError, UpOptions, down, labels, pull, rebuild_from_labels, spec, start, up,
};
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
    // An engine that tells no id leaves only the name to go by.
    let networks = &mut world.container("demo-web-1").networks;
    networks.get_mut("demo_default").expect("it is attached").network_id.clear();
    assert_eq!(text(yaml, &world.observed), "nothing to do\n");
    let networks = &mut world.container("demo-web-1").networks;
    let endpoint = networks.remove("demo_default").expect("it is attached");
    networks.insert("other".to_owned(), endpoint);
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
    for (label, files) in [("/a.yaml,/b.yaml", vec!["/a.yaml", "/b.yaml"]), ("", vec![])] {
        let mut world = World::of(&project("services: { web: { image: 'web:1' } }"));
        let labels = &mut world.container("demo-web-1").labels;
        labels.insert(labels::CONFIG_FILES.to_owned(), label.to_owned());
        let found = rebuild_from_labels("demo", &world.observed).compose_files;
        assert_eq!(found, files.into_iter().map(std::path::PathBuf::from).collect::<Vec<_>>(), "{label:?}");
    }
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
    assert_eq!(made.labels.get(labels::HOOK).map(String::as_str), Some("pre_start"));
    assert_eq!(made.labels.get(labels::SERVICE).map(String::as_str), Some("web"));
    let sharing =
        planned(&yaml.replace("networks: [back]", "network_mode: host"), &Observed::default(), &UpOptions::default());
    let sharing = sharing.steps.iter().find_map(|step| match &step.action {
        Action::CreateContainer(spec) => Some(spec::hook_container(spec, "c1", 0, first)),
        _ => None,
    });
    assert_eq!(sharing.expect("it is made").service.network_mode, "host");
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

/// `down` takes what `run` left, and what has no service any more; each only when it is asked to.
#[test]
fn down_takes_orphans_and_one_off_containers_when_asked_to() {
    let both = "services: { web: { image: 'web:1' }, old: { image: 'old:1' } }";
    let mut world = World::of(&project(both)).running();
    for (name, service) in [("demo-web-run-1", "web"), ("demo-old-run-1", "old")] {
        let mut run = world.container(&format!("demo-{service}-1")).clone();
        run.id = name.to_owned();
        run.name = name.to_owned();
        run.labels.insert(labels::ONE_OFF.to_owned(), "True".to_owned());
        world.observed.containers.push(run);
    }
    let web = project("services: { web: { image: 'web:1' } }");
    let plan = |observed: &Observed, options: &DownOptions| down(&web, observed, options).expect("it can be planned");
    let removed = |plan: &Plan| {
        let names = plan.steps.iter().filter_map(|step| match &step.action {
            Action::RemoveContainer { container, .. } => Some((container.name.clone(), step.id)),
            _ => None,
        });
        names.collect::<BTreeMap<_, _>>()
    };
    let names = |plan: &Plan| removed(plan).into_keys().collect::<Vec<_>>();
    let warnings =
        |plan: &Plan| plan.notes.iter().filter(|note| note.warning).map(|note| note.text.clone()).collect::<Vec<_>>();

    let taken = plan(&world.observed, &DownOptions { remove_orphans: true, ..DownOptions::default() });
    assert_eq!(names(&taken), ["demo-old-1", "demo-old-run-1", "demo-web-1", "demo-web-run-1"]);
    assert_eq!(warnings(&taken), Vec::<String>::new());
    // The network goes when all of them are gone.
    let network = taken.steps.iter().find(|step| matches!(step.action, Action::RemoveNetwork { .. })).expect("it goes");
    for (name, id) in removed(&taken) {
        assert!(network.needs.contains(&id) || network.after.contains(&id), "{name}: {network:?}");
    }

    let left = plan(&world.observed, &DownOptions::default());
    assert_eq!(names(&left), ["demo-web-1"]);
    let [warning] = warnings(&left).try_into().expect("one warning");
    assert!(warning.contains("demo-old-1") && !warning.contains("-run-"), "{warning}");
    let ignored = plan(&world.observed, &DownOptions { ignore_orphans: true, ..DownOptions::default() });
    assert_eq!(warnings(&ignored), Vec::<String>::new());
    // What `run` left is nobody's orphan.
    world.observed.containers.retain(|container| container.name != "demo-old-1");
    assert_eq!(warnings(&plan(&world.observed, &DownOptions::default())), Vec::<String>::new());
}

/// Services that were not named and that a recreated volume takes along keep the replicas that they have.
#[test]
fn who_is_taken_along_with_a_volume_is_not_scaled() {
    let yaml = "
services:
  web: { image: 'web:1', volumes: ['data:/data'] }
  job: { image: 'job:1', volumes: ['data:/data'], scale: 2 }
volumes: { data: { labels: { a: '1' } } }
";
    let world = World::of(&project(yaml)).running();
    let changed = yaml.replace("a: '1'", "a: '2'").replace("scale: 2", "scale: 5");
    let options = UpOptions {
        targets: vec!["web".to_owned()],
        recreate_volumes: ["demo_data".to_owned()].into(),
        ..UpOptions::default()
    };
    let plan = planned(&changed, &world.observed, &options);
    let mut created: Vec<&str> = plan
        .steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::CreateContainer(spec) => Some(spec.container.name.as_str()),
            _ => None,
        })
        .collect();
    created.sort_unstable();
    assert_eq!(created, ["demo-job-1", "demo-job-2", "demo-web-1"]);
}

/// `create` starts what it had to stop for a network, and nothing else.
#[test]
fn create_starts_only_what_it_stopped() {
    let yaml = "
services:
  inside: { image: 'a:1', networks: [n] }
  outside: { image: 'b:1' }
  frozen: { image: 'c:1' }
  ended: { image: 'd:1', networks: [n] }
networks: { n: { labels: { a: '1' } } }
";
    let mut world = World::of(&project(yaml)).running();
    world.container("demo-frozen-1").state = ContainerState::Paused;
    world.container("demo-ended-1").state = ContainerState::Exited;
    let options = UpOptions { no_start: true, ..UpOptions::default() };
    let plan = planned(&yaml.replace("a: '1'", "a: '2'"), &world.observed, &options);
    let started = plan.steps.iter().filter_map(|step| match &step.action {
        Action::StartContainer { container, .. } | Action::UnpauseContainer { container } => Some(&container.name),
        _ => None,
    });
    assert_eq!(started.collect::<Vec<_>>(), ["demo-inside-1"]);
}

/// Data comes in when the engine calls the service healthy, where anything checks that.
#[test]
fn a_load_waits_for_the_health_check_that_there_is() {
    for (check, of_image, waits) in [
        ("", false, false),
        ("", true, true),
        (", healthcheck: { test: [CMD, check] }", false, true),
        (", healthcheck: { interval: 3s }", true, true),
        (", healthcheck: { disable: true }", true, false),
        (", healthcheck: { test: [NONE] }", true, false),
    ] {
        let load = "x-windlass: { infer: false, load: { data: { plugin: seed, from: ./data } } }";
        let yaml = format!("services: {{ db: {{ image: 'db:1'{check}, {load} }} }}");
        let mut world = World::of(&project(&yaml)).running();
        world.observed.images.get_mut("db:1", "").expect("it is there").has_healthcheck = of_image;
        let plan = planned(&yaml, &world.observed, &UpOptions::default());
        let healthy = plan.steps.iter().any(|step| matches!(step.action, Action::Await { .. }));
        assert_eq!(healthy, waits, "{check} {of_image}");
    }
}

/// An old container that was moved aside goes when its own replica has another one, and else is the replica again.
#[test]
fn a_container_that_was_moved_aside_is_what_its_replica_lacks() {
    let yaml = "services: { web: { image: 'web:1', scale: 2 } }";
    let aside = |world: &mut World| {
        let old = world.container("demo-web-1");
        old.name = format!("demo-web-1_{}", &old.id[..12]);
        old.state = ContainerState::Exited;
        old.name.clone()
    };
    // Without a successor: another replica is none.
    let mut world = World::of(&project(yaml)).running();
    let name = aside(&mut world);
    let plan = text(yaml, &world.observed);
    assert!(plan.contains(&format!("rename {name}")) && !plan.contains("remove"), "{plan}");
    // With one.
    let mut world = World::of(&project(yaml)).running();
    let successor = world.container("demo-web-1").clone();
    let name = aside(&mut world);
    world.observed.containers.push(windlass_plan::observed::Container { id: "f".repeat(64), ..successor });
    let plan = text(yaml, &world.observed);
    assert!(plan.contains(&format!("remove {name}")) && !plan.contains("rename"), "{plan}");
}

/// Two services of one image on two platforms: what one of them lacks is nothing to the other.
#[test]
fn a_pull_for_one_platform_leaves_users_of_another_alone() {
    let yaml = "services: { arm: { image: 'a:1', platform: linux/arm64 }, any: { image: 'a:1' } }";
    let mut world = World::of(&project(yaml)).running();
    let shown = text(yaml, &world.observed);
    assert!(shown.contains("pull image a:1: image missing") && shown.contains("demo-arm-1"), "{shown}");
    assert!(!shown.contains("demo-any-1: recreated"), "{shown}");
    world.observed.containers.clear();
    let made = planned(yaml, &world.observed, &UpOptions::default());
    let pull = made.steps.iter().find(|step| matches!(step.action, Action::PullImage { .. })).expect("arm pulls").id;
    let waits = made.steps.iter().filter_map(|step| match &step.action {
        Action::CreateContainer(spec) => Some((spec.container.service.as_str(), step.needs.contains(&pull))),
        _ => None,
    });
    assert_eq!(waits.collect::<BTreeMap<_, _>>(), [("any", false), ("arm", true)].into());
}

/// A volume that no chosen service uses stays, and so do those who use it.
#[test]
fn a_volume_takes_nobody_along_that_the_command_is_not_about() {
    let yaml = "
services:
  web: { image: 'web:1' }
  job: { image: 'job:1', volumes: ['data:/data'] }
volumes: { data: { labels: { a: '1' } } }
";
    let mut world = World::of(&project(yaml)).running();
    world.container("demo-job-1").state = ContainerState::Exited;
    let options = UpOptions {
        targets: vec!["web".to_owned()],
        recreate_volumes: ["demo_data".to_owned()].into(),
        ..UpOptions::default()
    };
    let plan = planned(&yaml.replace("a: '1'", "a: '2'"), &world.observed, &options);
    assert_eq!(windlass_plan::render(&plan).trim_end(), "nothing to do");
}

/// Who is stopped only for a moment has its ports again afterwards, whatever the model says by then.
#[test]
fn a_port_of_a_container_that_stays_is_not_free() {
    let before = "
services:
  old: { image: 'a:1', networks: [n], ports: ['8002:80'] }
networks: { n: { labels: { a: '1' } } }
";
    let after = "
services:
  old: { image: 'a:1', networks: [n] }
  new: { image: 'b:1', networks: [n], ports: ['8002:80'] }
networks: { n: { labels: { a: '2' } } }
";
    let mut world = World::of(&project(before)).running();
    world.container("demo-old-1").ports = vec![PortMapping {
        host_ip: "0.0.0.0".to_owned(),
        public: Some(8002),
        private: 80,
        protocol: "tcp".to_owned(),
    }];
    let never = UpOptions { recreate: Recreate::Never, ..UpOptions::default() };
    let error = up(&project(after), &world.observed, &never).expect_err("the port is not free");
    assert_eq!(error.to_string(), "demo-new-1 needs port 8002, which container demo-old-1 holds");
    planned(after, &world.observed, &UpOptions::default());
}

/// A plan says what it leaves as it is: what runs and matches, and nothing that it starts.
#[test]
fn a_plan_names_what_it_leaves_as_it_is() {
    let yaml = "services: { runs: { image: 'a:1' }, ended: { image: 'b:1' } }";
    let mut world = World::of(&project(yaml)).running();
    world.container("demo-ended-1").state = ContainerState::Exited;
    assert_eq!(planned(yaml, &world.observed, &UpOptions::default()).untouched, ["demo-runs-1"]);
}

/// Where a pull brings nothing new the old container stays: one that had ended has to be started either way.
#[test]
fn who_may_be_recreated_is_started_in_any_case_when_it_had_ended() {
    let yaml = "services: { web: { image: 'web:1', pull_policy: always } }";
    for (state, either_way) in
        [(ContainerState::Running, false), (ContainerState::Paused, false), (ContainerState::Exited, true)]
    {
        let mut world = World::of(&project(yaml)).running();
        world.container("demo-web-1").state = state;
        let plan = planned(yaml, &world.observed, &UpOptions::default());
        let starts = plan.steps.iter().filter(|step| matches!(step.action, Action::StartContainer { .. }));
        assert_eq!(starts.map(|step| step.guard.is_none()).collect::<Vec<_>>(), [either_way], "{state:?}");
    }
}

/// A network that got another name is another network: who was in the old one is attached to it and not made anew.
#[test]
fn a_renamed_network_takes_its_containers_along() {
    let yaml = "
services: { web: { image: 'web:1', networks: [n, m] } }
networks: { n: { name: before }, m: { } }
";
    let mut world = World::of(&project(yaml)).running();
    let renamed = yaml.replace("before", "after");
    let shown = text(&renamed, &world.observed);
    assert!(shown.contains("network before is now named after"), "{shown}");
    assert!(!shown.contains("recreated") && !shown.contains("configuration of network"), "{shown}");
    // Being off another network is a reason all the same.
    world.container("demo-web-1").networks.remove("demo_m").expect("it is attached");
    let shown = text(&renamed, &world.observed);
    assert!(shown.contains("not attached to network demo_m"), "{shown}");
}

/// A name of somebody else's network must mean one network.
#[test]
fn an_external_network_must_be_the_only_one_of_its_name() {
    let yaml = "services: { web: { image: 'web:1' } }\nnetworks: { default: { external: true, name: theirs } }";
    let network = |id: &str| Network { id: id.to_owned(), name: "theirs".to_owned(), ..Network::default() };
    let mut observed = Observed { networks: vec![network("one")], ..Observed::default() };
    assert!(text(yaml, &observed).contains("demo-web-1"));
    observed.networks.push(network("two"));
    let refused = up(&project(yaml), &observed, &UpOptions::default()).expect_err("which one is not said");
    assert_eq!(refused, PlanError::NetworkAmbiguous("theirs".to_owned()));
}

/// The label of attributes tells changes that recreate: others are not in it, and neither is what is not set.
#[test]
fn the_label_of_attributes_has_only_what_recreates() {
    let yaml = "services: { web: { image: 'web:1', pull_policy: always, profiles: [], environment: { A: '1' } } }";
    let label = windlass_plan::hashing::attributes(&project(yaml).services["web"]);
    let named: Vec<&str> = label.split(' ').filter_map(|part| part.split('=').next()).collect();
    assert_eq!(named, ["environment.A", "image", "networks"]);
}

/// Files belong to whom the compose file says, and to nobody in particular when it says nothing.
#[test]
fn files_that_are_copied_in_have_the_owner_that_was_given() {
    for (given, owner) in
        [("", None), (", uid: '103'", Some((103, 0))), (", gid: '104'", Some((0, 104))), (", uid: '0'", Some((0, 0)))]
    {
        let yaml = format!(
            "services: {{ web: {{ image: 'web:1', configs: [{{ source: c{given} }}] }} }}\nconfigs: {{ c: {{ content: typed }} }}"
        );
        let plan = planned(&yaml, &Observed::default(), &UpOptions::default());
        let owners = plan.steps.iter().find_map(|step| match &step.action {
            Action::InjectFiles { files, .. } => Some(files.iter().map(|file| file.owner).collect::<Vec<_>>()),
            _ => None,
        });
        assert_eq!(owners, Some(vec![owner]), "{given}");
    }
}

/// The check of plans sees a container that is made while its volume may still be missing.
#[test]
fn a_container_before_its_volume_breaks_the_rules_of_plans() {
    let yaml = "services: { web: { image: 'web:1', volumes: ['data:/data'] } }\nvolumes: { data: { } }";
    let mut plan = planned(yaml, &Observed::default(), &UpOptions::default());
    let is_volume = |action: &Action| matches!(action, Action::CreateVolume { .. });
    let volume = plan.steps.iter().find(|step| is_volume(&step.action)).expect("the volume is missing").id;
    for step in &mut plan.steps {
        step.needs.retain(|need| *need != volume);
        step.after.retain(|before| *before != volume);
    }
    let rules: Vec<String> = windlass_plan::check(&plan).into_iter().map(|violation| violation.rule).collect();
    assert_eq!(rules, [format!("it may run before its volumes are made (step {})", volume.0 + 1)]);
}

/// A circle is told by those who are in it, and not by those who only wait for it.
#[test]
fn a_cycle_is_told_by_its_members() {
    let yaml = "
services:
  first: { image: 'a:1', depends_on: [left] }
  left: { image: 'b:1', network_mode: 'service:right' }
  right: { image: 'c:1' }
";
    let mut project = project(yaml);
    let right = project.services.get_mut("right").expect("the file has it");
    "service:left".clone_into(&mut Arc::make_mut(right).ipc);
    let refused = up(&project, &Observed::default(), &UpOptions::default()).expect_err("nobody can be the first");
    assert_eq!(refused.to_string(), "dependency cycle detected: left -> right -> left");
}
