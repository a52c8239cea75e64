//! Flags of `up` and `plan` that would be missed by nobody but those who use them: each has to change what is done.

use crate::desk::Desk;

/// `web` depends on `db`; both have data of their own that no name keeps.
const CACHES: &str = "services:
  db: { image: postgres, volumes: [/data] }
  web: { image: nginx, volumes: [/cache], depends_on: [db] }
";

/// A desk where the project runs already, and its containers' ids.
fn running() -> (Desk, Vec<String>) {
    let desk = Desk::new(CACHES);
    drop(desk.run(&["up", "-d"]).ok());
    let ids = ids(&desk);
    (desk, ids)
}

fn ids(desk: &Desk) -> Vec<String> {
    let mut all = desk.engine.snapshot().containers;
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all.into_iter().map(|container| container.id).collect()
}

#[test]
fn no_deps_leaves_dependencies_out_of_the_plan() {
    let desk = Desk::new(CACHES);
    assert!(desk.run(&["plan", "web"]).ok().out.contains("shop-db-1"));
    let alone = desk.run(&["plan", "--no-deps", "web"]).ok().out;
    assert!(alone.contains("create shop-web-1") && !alone.contains("db"), "{alone}");
}

#[test]
fn dependencies_are_recreated_only_on_demand() {
    let (desk, _) = running();
    let usual = desk.run(&["plan", "--force-recreate", "web"]).ok().out;
    assert!(usual.contains("shop-web-1") && !usual.contains("create shop-db-1"), "{usual}");
    let all = desk.run(&["plan", "--always-recreate-deps", "web"]).ok().out;
    assert!(all.lines().any(|line| line.contains("create") && line.contains("db-1")), "{all}");
}

#[test]
fn containers_are_made_anew_for_new_anonymous_volumes_only_on_demand() {
    let (desk, before) = running();
    assert!(!desk.run(&["plan"]).ok().out.contains("create"));
    assert!(desk.run(&["plan", "-V"]).ok().out.contains("create"));
    drop(desk.run(&["up", "-d"]).ok());
    assert_eq!(ids(&desk), before);
    drop(desk.run(&["up", "-d", "-V"]).ok());
    assert!(ids(&desk).iter().all(|id| !before.contains(id)), "only a new container gets new ones");
}

#[test]
fn a_wait_has_an_end() {
    let desk = Desk::new("services: { db: { image: postgres, healthcheck: { test: [CMD, check] } } }\n");
    let late = desk.run(&["up", "-d", "--wait", "--wait-timeout", "1"]);
    assert_eq!(late.code, 1, "{late}");
    assert!(late.err.contains("application not healthy after 1s"), "{late}");
    assert!(desk.engine.container("shop-db-1").is_some_and(|db| db.is_up()), "it goes on");
}

/// To leave them alone and to remove them exclude each other, however they are said.
#[test]
fn orphans_cannot_be_ignored_and_removed() {
    let desk = || Desk::new("services: { web: { image: 'web:1' } }").variable("COMPOSE_IGNORE_ORPHANS", "1");
    let by_flag = desk().run(&["up", "--dry-run", "--remove-orphans"]);
    let by_variable = desk().variable("COMPOSE_REMOVE_ORPHANS", "1").run(&["create", "--dry-run"]);
    for screen in [by_flag, by_variable] {
        assert_eq!(screen.code, 1, "{screen}");
        assert!(screen.err.contains("cannot combine COMPOSE_IGNORE_ORPHANS and --remove-orphans"), "{screen}");
    }
}

#[test]
fn without_a_command_the_help_is_shown_and_that_is_no_error() {
    let screen = Desk::new(CACHES).run(&[]).ok();
    assert!(screen.out.contains("Usage: windlass") && screen.err.is_empty(), "{screen}");
}
