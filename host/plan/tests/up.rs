//! Plans of `up` as text.

use windlass_plan::options::{Build, Recreate};
use windlass_plan::{Action, Observed, PlanError, Step, StepId, UpOptions, check, labels, render, up};
use windlass_testkit::project;

mod world;
use world::World;

/// Plans, checks, prints.
fn plan(yaml: &str, observed: &Observed, options: &UpOptions) -> String {
    let plan = up(&project(yaml), observed, options).expect("the plan can be made");
    assert_eq!(check(&plan), []);
    render(&plan)
}

fn fresh(yaml: &str) -> String {
    plan(yaml, &Observed::default(), &UpOptions::default())
}

const FOODTRUCKS: &str = "
services:
  es:
    image: docker.elastic.co/elasticsearch/elasticsearch:6.3.2
    container_name: es
    ports: ['9200:9200']
    volumes: ['esdata1:/usr/share/elasticsearch/data']
    x-windlass:
      load:
        trucks: { plugin: es-bulk, from: ./trucks.ndjson, with: { index: sfdata } }
  web:
    image: foodtrucks-web
    command: python3 app.py
    depends_on: [es]
    ports: ['5000:5000']
    volumes: ['./flask-app:/opt/flask-app']
volumes: { esdata1: {} }
";

/// Changes or removes a label of a container.
fn label(world: &mut World, container: &str, key: &str, value: Option<&str>) {
    let labels = &mut world.container(container).labels;
    match value {
        Some(value) => drop(labels.insert(key.to_owned(), value.to_owned())),
        None => drop(labels.remove(key)),
    }
}

#[test]
fn a_known_image_is_probed_and_loaded_before_its_dependents_start() {
    insta::assert_snapshot!(fresh(FOODTRUCKS));
}

#[test]
fn what_runs_and_is_up_to_date_is_only_asked_whether_it_is_ready() {
    let world = World::of(&project(FOODTRUCKS)).running();
    insta::assert_snapshot!(plan(FOODTRUCKS, &world.observed, &UpOptions::default()));
}

/// Every step and every guard means the same image: that of the default platform.
#[test]
fn the_default_platform_is_pulled_and_created() {
    let mut project = project("services: { web: { image: web } }");
    project.environment.insert("DOCKER_DEFAULT_PLATFORM".to_owned(), "linux/arm64".to_owned());
    let made = up(&project, &Observed::default(), &UpOptions::default()).expect("the plan can be made");
    let platforms = made.steps.iter().filter_map(|step| match &step.action {
        Action::PullImage { platform, .. } => Some(platform.as_str()),
        Action::CreateContainer(spec) => Some(spec.platform.as_str()),
        _ => None,
    });
    assert_eq!(platforms.collect::<Vec<_>>(), ["linux/arm64", "linux/arm64"]);
}

const THREE: &str = "
services:
  db: { image: db:1, volumes: ['data:/data'] }
  api: { image: api:1, depends_on: [db] }
  web: { image: web:1, depends_on: [api], environment: { DEBUG: '0' } }
volumes: { data: {} }
";

#[test]
fn nothing_is_done_when_all_is_well() {
    let world = World::of(&project(THREE)).running();
    assert_eq!(plan(THREE, &world.observed, &UpOptions::default()), "nothing to do\n");
}

#[test]
fn a_changed_variable_recreates_its_service_only_and_is_named() {
    let world = World::of(&project(THREE)).running();
    insta::assert_snapshot!(plan(&THREE.replace("'0'", "'1'"), &world.observed, &UpOptions::default()));
}

#[test]
fn a_container_without_our_label_changed_in_configuration() {
    let mut world = World::of(&project(THREE)).running();
    label(&mut world, "demo-web-1", labels::ATTRIBUTES, None);
    let text = plan(&THREE.replace("'0'", "'1'"), &world.observed, &UpOptions::default());
    assert!(text.contains("create 0000000000"), "{text}");
    assert!(text.contains(": configuration changed"), "{text}");
}

#[test]
fn a_pull_recreates_only_if_it_brings_another_image() {
    let world = World::of(&project(THREE)).running();
    let options = UpOptions { pull: Some("always".to_owned()), targets: vec!["db".to_owned()], ..UpOptions::default() };
    insta::assert_snapshot!(plan(THREE, &world.observed, &options));
}

#[test]
fn an_image_that_changed_meanwhile_recreates() {
    let mut world = World::of(&project(THREE)).running();
    world.observed.images.get_mut("web:1", "").expect("it is there").content_digest = "sha256:other".to_owned();
    let text = plan(THREE, &world.observed, &UpOptions::default());
    assert!(text.contains(": image web:1 changed"), "{text}");
}

#[test]
fn force_and_never_override_what_has_diverged() {
    let world = World::of(&project(THREE)).running();
    let changed = THREE.replace("'0'", "'1'");
    let never = UpOptions { recreate: Recreate::Never, ..UpOptions::default() };
    assert_eq!(plan(&changed, &world.observed, &never), "nothing to do\n");
    let force = UpOptions { recreate: Recreate::Force, targets: vec!["api".to_owned()], ..UpOptions::default() };
    let text = plan(THREE, &world.observed, &force);
    assert!(text.contains("recreation forced") && !text.contains("demo-db-1"), "{text}");
}

#[test]
fn an_optional_dependency_is_waited_for_and_its_failure_is_no_obstacle() {
    let yaml = "
services:
  db: { image: db:1, healthcheck: { test: ['CMD', 'true'] } }
  web: { image: web:1, depends_on: { db: { condition: service_healthy, required: false } } }
";
    let plan = up(&project(yaml), &Observed::default(), &UpOptions::default()).expect("the plan can be made");
    let of_db = |step: &&Step| match &step.action {
        Action::Await { service, .. } => service == "db",
        action => step.service.as_deref() == Some("db") && *action == Action::Up,
    };
    let gates: Vec<StepId> = plan.steps.iter().filter(of_db).map(|step| step.id).collect();
    assert_eq!(gates.len(), 2, "{}", render(&plan));
    let start = plan.steps.iter().find(
        |step| matches!(&step.action, Action::StartContainer { container, .. } if container.name == "demo-web-1"),
    );
    let start = start.expect("web starts");
    assert!(gates.iter().all(|gate| plan.steps[gate.0].optional || !start.needs.contains(gate)), "{}", render(&plan));
    assert!(gates.iter().all(|gate| start.needs.contains(gate) || start.after.contains(gate)), "{}", render(&plan));
}

#[test]
fn of_too_many_replicas_those_go_first_that_have_diverged() {
    let three = THREE.replace("web:1,", "web:1, scale: 3,");
    let mut world = World::of(&project(&three)).running();
    label(&mut world, "demo-web-1", labels::CONFIG_HASH, Some("another"));
    let options = UpOptions { scale: [("web".to_owned(), 2)].into(), ..UpOptions::default() };
    let text = plan(&three, &world.observed, &options);
    assert!(text.contains("remove demo-web-1: scaled to 2"), "{text}");
    assert!(!text.contains("demo-web-2") && !text.contains("demo-web-3"), "{text}");
}

#[test]
fn one_image_is_looked_at_for_each_platform_by_itself() {
    let yaml = "
services:
  arm: { image: 'a:1', platform: linux/arm64 }
  any: { image: 'a:1' }
";
    let mut world = World::of(&project(yaml)).running();
    let image = world.observed.images.get("a:1", "").expect("it is there").clone();
    let text = plan(yaml, &world.observed, &UpOptions::default());
    assert!(text.contains("pull image a:1: image missing"), "it is here for another platform only: {text}");
    world.observed.images.insert("a:1", "linux/arm64", image.clone());
    assert_eq!(plan(yaml, &world.observed, &UpOptions::default()), "nothing to do\n");
    let other = windlass_plan::observed::Image { content_digest: "sha256:other".to_owned(), ..image };
    world.observed.images.insert("a:1", "linux/arm64", other);
    let text = plan(yaml, &world.observed, &UpOptions::default());
    assert!(text.contains("demo-arm-1: image a:1 changed") && !text.contains("demo-any-1"), "{text}");
}

#[test]
fn scaling_goes_up_from_the_highest_number_and_down_from_it() {
    let world = World::of(&project(THREE)).running();
    let scale = |count| UpOptions { scale: [("web".to_owned(), count)].into(), ..UpOptions::default() };
    insta::assert_snapshot!("scale_up", plan(THREE, &world.observed, &scale(3)));
    let three = World::of(&project(&THREE.replace("web:1,", "web:1, scale: 3,"))).running();
    insta::assert_snapshot!("scale_down", plan(THREE, &three.observed, &scale(1)));
}

#[test]
fn orphans_are_named_or_removed() {
    let world = World::of(&project(THREE)).running();
    let less = "services: { db: { image: 'db:1', volumes: ['data:/data'] } }\nvolumes: { data: {} }";
    insta::assert_snapshot!("orphans_named", plan(less, &world.observed, &UpOptions::default()));
    let remove = UpOptions { remove_orphans: true, ..UpOptions::default() };
    insta::assert_snapshot!("orphans_removed", plan(less, &world.observed, &remove));
}

#[test]
fn conditions_wait_for_what_they_say() {
    insta::assert_snapshot!(fresh(
        "
services:
  db: { image: 'db:1', healthcheck: { test: [CMD, check] } }
  job: { image: 'job:1', depends_on: { db: { condition: service_healthy } } }
  cache: { image: 'cache:1', x-windlass: { ready: { plugin: tcp, with: { port: 6379 } } } }
  web:
    image: web:1
    depends_on:
      job: { condition: service_completed_successfully }
      cache: { condition: service_healthy }
      db: { condition: service_healthy, required: false }
"
    ));
}

#[test]
fn hooks_stand_at_their_stages() {
    insta::assert_snapshot!(fresh(
        "
services:
  web:
    image: web:1
    pre_start: [{ image: 'migrate:1', command: migrate }]
    post_start: [{ command: warm-up }]
    secrets: [token]
    x-windlass:
      hooks:
        pre-create: [{ plugin: audit }]
        pre-start: [{ plugin: elasticsearch, target: 'es:9200' }]
        post-start: [{ plugin: notify, on-failure: warn }]
secrets: { token: { environment: TOKEN } }
x-windlass:
  hooks:
    pre-up: [{ plugin: notify }]
    post-up: [{ plugin: notify }]
"
    ));
}

#[test]
fn dependents_that_say_restart_are_stopped_and_started_around_a_recreation() {
    let yaml = "
services:
  db: { image: 'db:1', environment: { A: '1' } }
  web: { image: 'web:1', depends_on: { db: { condition: service_started, restart: true } } }
";
    let world = World::of(&project(yaml)).running();
    insta::assert_snapshot!(plan(
        &yaml.replace("'1' } }\n  web", "'2' } }\n  web"),
        &world.observed,
        &UpOptions::default()
    ));
}

#[test]
fn a_dependent_that_restarts_along_and_changed_itself_is_stopped_before_it_is_removed() {
    let yaml = "
services:
  db: { image: 'db:1', environment: { A: '1' } }
  web: { image: 'web:1', environment: { A: '1' }, depends_on: { db: { condition: service_started, restart: true } } }
";
    let world = World::of(&project(yaml)).running();
    insta::assert_snapshot!(plan(&yaml.replace("'1' }", "'2' }"), &world.observed, &UpOptions::default()));
    let gone = UpOptions { scale: [("web".to_owned(), 0)].into(), ..UpOptions::default() };
    plan(&yaml.replace("'1' }", "'2' }"), &world.observed, &gone);
}

#[test]
fn who_shares_a_namespace_is_recreated_with_it() {
    let yaml = "
services:
  vpn: { image: 'vpn:1', environment: { A: '1' } }
  app: { image: 'app:1', network_mode: 'service:vpn' }
";
    let world = World::of(&project(yaml)).running();
    assert_eq!(plan(yaml, &world.observed, &UpOptions::default()), "nothing to do\n");
    insta::assert_snapshot!(plan(&yaml.replace("A: '1'", "A: '2'"), &world.observed, &UpOptions::default()));
}

#[test]
fn a_changed_network_is_replaced_and_containers_are_reconnected() {
    let yaml = "
services: { web: { image: 'web:1' } }
networks: { default: { labels: { a: '1' } } }
";
    let world = World::of(&project(yaml)).running();
    insta::assert_snapshot!(plan(&yaml.replace("'1' } } }", "'2' } } }"), &world.observed, &UpOptions::default()));
}

#[test]
fn a_changed_volume_is_a_question_and_the_answer_decides() {
    let yaml = "
services: { db: { image: 'db:1', volumes: ['data:/data'] } }
volumes: { data: { labels: { a: '1' } } }
";
    let world = World::of(&project(yaml)).running();
    let changed = yaml.replace("a: '1'", "a: '2'");
    insta::assert_snapshot!("volume_question", plan(&changed, &world.observed, &UpOptions::default()));
    let keep = UpOptions { keep_volumes: ["demo_data".to_owned()].into(), ..UpOptions::default() };
    assert_eq!(plan(&changed, &world.observed, &keep), "nothing to do\n");
    let recreate = UpOptions { recreate_volumes: ["demo_data".to_owned()].into(), ..UpOptions::default() };
    insta::assert_snapshot!("volume_recreated", plan(&changed, &world.observed, &recreate));
}

#[test]
fn leftovers_of_a_killed_recreation_are_put_right() {
    let mut both = World::of(&project(THREE)).running();
    let mut temporary = both.container("demo-web-1").clone();
    temporary.id = "f".repeat(64);
    temporary.name = format!("{}_demo-web-1", &both.container("demo-web-1").id[..12]);
    temporary.state = windlass_plan::observed::ContainerState::Created;
    temporary.labels.insert(labels::REPLACE.to_owned(), "web-1".to_owned());
    both.observed.containers.push(temporary);
    insta::assert_snapshot!("leftover_beside_the_old", plan(THREE, &both.observed, &UpOptions::default()));
    let mut alone = both;
    alone.observed.containers.retain(|container| container.name != "demo-web-1");
    insta::assert_snapshot!("leftover_alone", plan(THREE, &alone.observed, &UpOptions::default()));
}

#[test]
fn builds_and_pulls_wait_only_for_what_they_need() {
    insta::assert_snapshot!(fresh(
        "
services:
  base: { build: ./base }
  web: { build: { context: ./web, additional_contexts: { base: 'service:base' } } }
  both: { build: ./both, image: 'registry/both:1' }
  one: { image: 'same:1' }
  two: { image: 'same:1' }
"
    ));
}

#[test]
fn build_flags_and_policies() {
    let yaml = "services: { web: { build: ., image: 'web:1' }, db: { image: 'db:1', pull_policy: daily } }";
    let mut world = World::of(&project(yaml)).running();
    world.observed.images.get_mut("db:1", "").expect("it is there").last_tagged = 1_000_000;
    let at = |now, build| UpOptions { now, build, ..UpOptions::default() };
    let text = plan(yaml, &world.observed, &at(1_000_000 + 3600, Build::Missing));
    assert_eq!(text, "nothing to do\n");
    let text = plan(yaml, &world.observed, &at(1_000_000 + 25 * 3600, Build::Always));
    assert!(text.contains("pull image db:1: last pull is too old for its pull policy"), "{text}");
    assert!(text.contains("build image web:1: --build"), "{text}");
}

#[test]
fn no_start_creates_and_no_deps_leaves_the_rest_alone() {
    let options = UpOptions { no_start: true, no_deps: true, targets: vec!["web".to_owned()], ..UpOptions::default() };
    insta::assert_snapshot!(plan(THREE, &Observed::default(), &options));
}

#[test]
fn what_cannot_be_planned_is_said() {
    let refuse = |yaml: &str, options: &UpOptions| {
        up(&project(yaml), &Observed::default(), options).expect_err("there is no such plan")
    };
    let external = "services: { a: { image: x } }\nnetworks: { default: { external: true, name: theirs } }";
    assert_eq!(refuse(external, &UpOptions::default()), PlanError::ExternalNetworkMissing("theirs".to_owned()));
    let volume = "services: { a: { image: x, volumes: ['data:/v'] } }\nvolumes: { data: { external: true } }";
    assert_eq!(refuse(volume, &UpOptions::default()).to_string(), "external volume \"data\" not found");
    let named = UpOptions { targets: vec!["nope".to_owned()], ..UpOptions::default() };
    assert_eq!(refuse(THREE, &named).to_string(), "no such service: nope");
    let scale = UpOptions { scale: [("a".to_owned(), 2)].into(), ..UpOptions::default() };
    let error = refuse("services: { a: { image: x, container_name: fixed } }", &scale);
    assert!(matches!(error, PlanError::FixedNameScaled { replicas: 2, .. }), "{error}");
}

#[test]
fn user_labels_never_win_over_composes_and_dependencies_are_sorted() {
    let yaml = "
services:
  web:
    image: web:1
    labels: { com.docker.compose.project: theirs, mine: '1' }
    depends_on: { b: { condition: service_started }, a: { condition: service_healthy, restart: true } }
  a: { image: 'a:1' }
  b: { image: 'b:1' }
";
    let plan = up(&project(yaml), &Observed::default(), &UpOptions::default()).expect("it can be planned");
    let web = plan.steps.iter().find_map(|step| match &step.action {
        windlass_plan::Action::CreateContainer(spec) if spec.service.name == "web" => Some(spec),
        _ => None,
    });
    let found = &web.expect("web is created").labels;
    assert_eq!(found["com.docker.compose.project"], "demo");
    assert_eq!(found["mine"], "1");
    assert_eq!(found[labels::DEPENDS_ON], "a:service_healthy:true,b:service_started:false");
    assert_eq!(found[labels::NUMBER], "1");
    assert_eq!(found[labels::ONE_OFF], "False");
    assert_eq!(found[labels::CONFIG_FILES], "/project/compose.yaml");
    assert_eq!(found[labels::WORKING_DIR], "/project");
}

#[test]
fn a_container_that_never_ran_gets_its_files_before_its_start() {
    let yaml = "
services:
  web: { image: 'web:1', configs: [c] }
configs: { c: { content: typed } }
";
    // As `create` leaves it: the peer copies files only before a start.
    let world = World::of(&project(yaml));
    let told = plan(yaml, &world.observed, &UpOptions::default());
    let steps: Vec<&str> = told.lines().map(str::trim).take(2).collect();
    assert_eq!(
        steps,
        [
            "1 copy files to demo-web-1: secrets and configs of the model",
            "2 start demo-web-1: container is not started (needs 1)",
        ]
    );
    let running = World::of(&project(yaml)).running();
    assert!(!plan(yaml, &running.observed, &UpOptions::default()).contains("copy files"));
}
