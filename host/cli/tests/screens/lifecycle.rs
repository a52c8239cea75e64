//! A project's life: up, again, changed, down.

use windlass_testkit::Behaviour;

use crate::desk::{Desk, session};

/// A shop whose start order has one possibility only.
pub(crate) const SHOP: &str = "services:
  db:
    image: postgres:17
    volumes: [data:/var/lib/postgresql/data]
  web:
    image: shop-web
    build: .
    depends_on: [db]
    ports: ['127.0.0.1:8080:80']
    environment: { COLOUR: blue }
volumes:
  data:
";

/// The tutorial's stack, and the data of `windlass.yaml`.
pub(crate) const TRUCKS: &str = "services:
  es:
    image: docker.elastic.co/elasticsearch/elasticsearch:6.3.2
    volumes: [esdata1:/usr/share/elasticsearch/data]
    x-windlass:
      load: { trucks: { plugin: es-bulk, from: ./trucks.ndjson, with: { index: sfdata } } }
  web:
    image: foodtrucks-web
    depends_on: [es]
volumes:
  esdata1:
";

#[test]
fn up_twice_then_changed_then_down() {
    let desk = Desk::new(SHOP);
    let mut screens = vec![desk.run(&["up", "-d"]).ok(), desk.run(&["up", "-d"]).ok()];
    desk.compose(&SHOP.replace("blue", "green"));
    screens.extend([
        desk.run(&["--dry-run", "up", "-d"]).ok(),
        desk.run(&["up", "-d"]).ok(),
        desk.run(&["down"]).ok(),
        desk.run(&["down", "-v"]).ok(),
        desk.run(&["down"]).ok(),
    ]);
    insta::assert_snapshot!(session(&screens));
    assert!(desk.engine.snapshot().containers.is_empty() && desk.engine.snapshot().volumes.is_empty());
}

#[test]
fn a_dry_run_and_a_plan_change_nothing() {
    let desk = Desk::new(SHOP);
    let screens = [desk.run(&["--dry-run", "up", "-d"]).ok(), desk.run(&["plan"]).ok()];
    assert_eq!(desk.engine.calls(), Vec::<String>::new());
    insta::assert_snapshot!(session(&screens));
}

#[test]
fn the_tutorials_stack_says_why_it_waits_and_loads_once() {
    let desk = Desk::new(TRUCKS);
    desk.folder.write("trucks.ndjson", "{\"applicant\":\"Tacos El Rulas\"}\n");
    desk.hooks.ready_after("elasticsearch", 1);
    let first = desk.run(&["up", "-d"]).ok();
    let second = desk.run(&["up", "-d"]).ok();
    desk.folder.write("trucks.ndjson", "{\"applicant\":\"Senor Sisig\"}\n");
    insta::assert_snapshot!(session(&[first, second, desk.run(&["up", "-d"]).ok()]));
}

#[test]
fn stop_start_restart_and_rm() {
    let desk = Desk::new(SHOP);
    let up = desk.run(&["up", "-d"]).ok();
    drop(up);
    let screens = [
        desk.run(&["stop"]).ok(),
        desk.run(&["start", "web"]).ok(),
        desk.run(&["restart", "db"]).ok(),
        desk.run(&["kill", "web"]).ok(),
        desk.run(&["rm", "-f", "web"]).ok(),
        desk.run(&["create"]).ok(),
    ];
    insta::assert_snapshot!(session(&screens));
}

#[test]
fn orphans_are_named_and_removed_on_demand() {
    let desk = Desk::new(SHOP);
    let first = desk.run(&["up", "-d"]).ok();
    drop(first);
    desk.compose("services: { db: { image: 'postgres:17' } }\n");
    let screens = [desk.run(&["up", "-d"]).ok(), desk.run(&["up", "-d", "--remove-orphans"]).ok()];
    insta::assert_snapshot!(session(&screens));
}

#[test]
fn a_changed_volume_is_asked_about() {
    let before = Desk::new(SHOP);
    let first = before.run(&["up", "-d"]).ok();
    drop(first);
    before.compose(&SHOP.replace("  data:\n", "  data: { driver: other }\n"));
    let no = before.answering("n\n");
    let kept = no.run(&["up", "-d"]).ok();
    let yes = no.answering("y\n");
    insta::assert_snapshot!(session(&[kept, yes.run(&["up", "-d"]).ok()]));
}

#[test]
fn attached_output_has_prefixes_and_ends_with_the_containers() {
    let log = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    let desk = Desk::new("services:\n  job:\n    image: busybox\n");
    let engine = desk.engine.clone().with(
        "job",
        Behaviour {
            exit: Some((std::time::Duration::from_millis(300), 3)),
            log: log(&["counting", "one", "two"]),
            ..Behaviour::default()
        },
    );
    drop(engine);
    let screens = [desk.run(&["up"]), desk.run(&["up", "--no-log-prefix", "--exit-code-from", "job"])];
    assert_eq!(screens[0].code, 0, "{}", screens[0]);
    assert_eq!(screens[1].code, 3, "{}", screens[1]);
    insta::assert_snapshot!(session(&screens));
}

#[test]
fn a_container_that_ends_while_others_start_decides_too() {
    let desk = Desk::new("services:\n  job: { image: busybox }\n  web: { image: nginx }\n");
    let quick = Behaviour { exit: Some((std::time::Duration::ZERO, 4)), ..Behaviour::default() };
    drop(desk.engine.clone().with("job", quick));
    desk.engine.delay("start shop-web-1", std::time::Duration::from_millis(300));
    assert_eq!(desk.run(&["up", "--exit-code-from", "job"]).code, 4);
}
