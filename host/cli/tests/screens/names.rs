//! Which services a command is about: those of enabled profiles, those that are named; and names that nobody has.

use std::time::Duration;

use windlass_plan::observed::ContainerState;
use windlass_testkit::Behaviour;

use crate::desk::Desk;

const GUESTS: &str = "services:
  web: { image: nginx }
  guest: { image: busybox, profiles: [party] }
";

fn state(desk: &Desk, name: &str) -> Option<ContainerState> {
    desk.engine.container(name).map(|container| container.state)
}

/// A desk where all services run, those of the profile too.
fn party() -> Desk {
    let desk = Desk::new(GUESTS);
    drop(desk.run(&["--profile", "party", "up", "-d"]).ok());
    desk
}

#[test]
fn a_command_without_names_leaves_services_of_other_profiles_alone() {
    for command in [&["stop"][..], &["kill"], &["rm", "-fs"], &["down"], &["down", "--remove-orphans"]] {
        let desk = party();
        drop(desk.run(command).ok());
        assert_eq!(state(&desk, "shop-guest-1"), Some(ContainerState::Running), "{command:?}");
        assert_ne!(state(&desk, "shop-web-1"), Some(ContainerState::Running), "{command:?}");
    }
    let desk = party();
    desk.engine.forget_calls();
    drop(desk.run(&["restart"]).ok());
    assert!(!desk.engine.calls().iter().any(|call| call.contains("guest")), "{:?}", desk.engine.calls());
}

#[test]
fn a_service_that_is_named_needs_no_profile() {
    for command in [&["stop", "guest"][..], &["kill", "guest"], &["rm", "-fs", "guest"], &["down", "guest"]] {
        let desk = party();
        drop(desk.run(command).ok());
        assert_ne!(state(&desk, "shop-guest-1"), Some(ContainerState::Running), "{command:?}");
        assert_eq!(state(&desk, "shop-web-1"), Some(ContainerState::Running), "{command:?}");
    }
}

/// Nothing is going to be started for it, so that it is not enabled is no mistake of the file.
#[test]
fn what_exists_can_be_stopped_though_its_dependency_is_not_enabled() {
    let desk = Desk::new(
        "services:
  web: { image: nginx, depends_on: [guest] }
  guest: { image: busybox, profiles: [party] }
",
    );
    drop(desk.run(&["--profile", "party", "up", "-d"]).ok());
    assert_ne!(desk.run(&["up", "-d"]).code, 0);
    drop(desk.run(&["stop"]).ok());
    let running = Some(ContainerState::Running);
    assert!(state(&desk, "shop-web-1") != running && state(&desk, "shop-guest-1") == running);
}

#[test]
fn start_does_not_miss_what_no_profile_enables() {
    let desk = Desk::new(GUESTS);
    drop(desk.run(&["up", "-d"]).ok());
    drop(desk.run(&["stop"]).ok());
    drop(desk.run(&["start"]).ok());
    assert_eq!(state(&desk, "shop-web-1"), Some(ContainerState::Running));
}

#[test]
fn names_that_no_enabled_service_has_are_refused_before_anything_is_done() {
    let commands = [
        &["up", "-d", "--scale", "wbe=2"][..],
        &["create", "--scale", "wbe=2"],
        &["plan", "--scale", "wbe=2"],
        &["up", "-d", "--scale", "guest=2"],
        &["up", "--exit-code-from", "wbe"],
        &["up", "--exit-code-from", "guest"],
    ];
    for command in commands {
        let desk = Desk::new(GUESTS);
        let screen = desk.run(command);
        assert_ne!(screen.code, 0, "{screen}");
        assert!(screen.err.contains("no such service"), "{screen}");
        assert!(desk.engine.calls().is_empty(), "{:?}", desk.engine.calls());
    }
}

/// A dependency that was not named goes on running: it has no code that could be the result.
#[test]
fn without_a_code_of_its_own_the_result_is_that_of_the_end_that_led_to_it() {
    let desk = Desk::new("services:\n  db: { image: postgres }\n  job: { image: busybox, depends_on: [db] }\n");
    let fails = Behaviour { exit: Some((Duration::from_millis(50), 7)), ..Behaviour::default() };
    drop(desk.engine.clone().with("job", fails));
    assert_eq!(desk.run(&["up", "--exit-code-from", "db", "job"]).code, 7);
}

#[test]
fn exec_does_nothing_when_it_is_to_run_dry() {
    let desk = party();
    let screen = desk.run(&["--dry-run", "exec", "web", "touch", "/x"]);
    assert_ne!(screen.code, 0, "{screen}");
    assert!(screen.err.contains("dry-run"), "{screen}");
}

#[test]
fn minus_one_is_no_limit_for_a_stop() {
    for command in [&["stop", "-t", "-1"][..], &["stop", "-t=-1"], &["restart", "--timeout", "-1"], &["down", "-t-1"]] {
        drop(party().run(command).ok());
    }
}

/// The second in which a container shows that it stays up is no waiting for it.
#[test]
fn one_second_is_enough_to_wait_for_what_only_has_to_run() {
    let desk = Desk::new(GUESTS);
    drop(desk.run(&["up", "-d", "--wait", "--wait-timeout", "1"]).ok());
}
