//! What goes wrong: one clear message, a hint, and the documented exit code.

use windlass_runtime::engine::EngineErrorKind;
use windlass_runtime::hooks::{HookErrorKind, Verdict};
use windlass_testkit::{Behaviour, hook_error};

use crate::desk::{Desk, Screen, session};
use crate::lifecycle::{SHOP, TRUCKS};

fn refused(desk: &Desk, args: &[&str], code: u8) -> Screen {
    let screen = desk.run(args);
    assert_eq!(screen.code, code, "{screen}");
    screen
}

#[test]
fn wrong_words_are_told_apart() {
    let desk = Desk::new(SHOP);
    let screens = [
        refused(&desk, &["up", "wbe"], 1),
        refused(&desk, &["upp"], 1),
        refused(&desk, &["up", "--detatch"], 1),
        refused(&desk, &["up", "-d", "--build", "--no-build"], 1),
        refused(&desk, &["--progress", "fancy", "ps"], 1),
        refused(&desk, &["-f", "nothere.yaml", "up"], 1),
        refused(&desk, &["config", "--format", "xml"], 1),
        refused(&desk, &["config", "--explain", "services.web.colour"], 1),
    ];
    insta::assert_snapshot!(session(&screens));
}

#[test]
fn no_engine_is_one_message_and_code_8() {
    let desk = Desk::new(SHOP);
    for call in ["observe", "list", "info"] {
        desk.engine.fail(call, EngineErrorKind::Unreachable, "connection refused");
    }
    let screens = [refused(&desk, &["up", "-d"], 8), refused(&desk, &["ps"], 8)];
    insta::assert_snapshot!(session(&screens));
}

#[test]
fn a_refused_step_stops_what_needs_it() {
    let desk = Desk::new(SHOP);
    desk.engine.fail("start shop-db-1", EngineErrorKind::Other, "address already in use");
    let failed = refused(&desk, &["up", "-d"], 1);
    assert!(!desk.engine.calls().iter().any(|call| call.starts_with("start shop-web")), "web needs db");
    desk.engine.heal();
    insta::assert_snapshot!(session(&[failed, desk.run(&["up", "-d"]).ok()]));
}

#[test]
fn a_port_that_is_taken_is_shown_where_it_was_typed_whatever_the_engine_calls_it() {
    let desk = Desk::new(SHOP);
    desk.engine.fail("start shop-web-1", EngineErrorKind::PortInUse, "the socket is somebody else's");
    let screen = refused(&desk, &["up", "-d"], 1).to_string();
    assert!(screen.contains("ports: ['127.0.0.1:8080:80']"), "{screen}");
    desk.engine.heal();
    desk.engine.fail("start shop-web-1", EngineErrorKind::Other, "no transport, no report: address already in use");
    let screen = refused(&desk, &["up", "-d"], 1).to_string();
    assert!(!screen.contains("ports: ["), "{screen}");
}

/// A job that fails, and who must not start after that.
const JOB: &str = "services:
  job: { image: busybox }
  app: { image: nginx, depends_on: { job: { condition: service_completed_successfully } } }
";

#[test]
fn no_command_starts_what_depends_on_a_job_that_failed() {
    let desk = Desk::new(JOB);
    let fails = Behaviour { exit: Some((std::time::Duration::ZERO, 1)), ..Behaviour::default() };
    drop(desk.engine.clone().with("job", fails));
    let first = refused(&desk, &["up", "-d"], 1);
    let created = desk.run(&["create"]).ok();
    // With the name alone there is no file: the condition comes from the labels.
    let screens = [
        refused(&desk, &["start"], 1),
        refused(&desk, &["-p", "shop", "start"], 1),
        refused(&desk, &["restart"], 1),
        refused(&desk, &["-p", "shop", "restart"], 1),
    ];
    drop((first, created));
    assert!(!desk.engine.calls().iter().any(|call| call.contains("start shop-app")), "{:?}", desk.engine.calls());
    insta::assert_snapshot!(session(&screens));
}

#[test]
fn a_declared_probe_that_says_never_fails_the_run() {
    let desk = Desk::new(
        "services:\n  db:\n    image: postgres:17\n    x-windlass: { ready: tcp }\n  web: { image: nginx, depends_on: [db] }\n",
    );
    desk.hooks.on_probe("tcp", |_| {
        Ok(Verdict::Never { reason: "the data is of version 16".to_owned(), hint: Some("use postgres:16".to_owned()) })
    });
    insta::assert_snapshot!(session(&[refused(&desk, &["up", "-d"], 5)]));
}

#[test]
fn a_container_that_ends_before_it_is_ready_shows_its_log() {
    let desk = Desk::new(TRUCKS);
    desk.folder.write("trucks.ndjson", "{}\n");
    let dies = Behaviour {
        exit: Some((std::time::Duration::from_millis(300), 78)),
        log: vec!["max virtual memory areas vm.max_map_count [65530] is too low".to_owned()],
        ..Behaviour::default()
    };
    drop(desk.engine.clone().with("es", dies));
    desk.hooks.ready_after("elasticsearch", 10_000);
    let screen = desk.run(&["up", "-d"]);
    insta::assert_snapshot!(session(&[screen]));
}

#[test]
fn a_load_that_fails_is_dirty_until_it_is_finished() {
    let desk = Desk::new(TRUCKS);
    desk.folder.write("trucks.ndjson", "{}\n");
    desk.hooks.on_apply("es-bulk", |_| {
        Err(hook_error("es-bulk", HookErrorKind::Failed { retryable: false }, "line 1: mapper_parsing_exception"))
    });
    let failed = refused(&desk, &["up", "-d"], 6);
    desk.hooks.on_apply("es-bulk", |_| Ok(()));
    insta::assert_snapshot!(session(&[failed, desk.run(&["up", "-d"]).ok()]));
}

#[test]
fn a_dependency_that_ends_with_an_error_is_named() {
    let desk = Desk::new(
        "services:\n  job: { image: busybox }\n  web: { image: nginx, depends_on: { job: { condition: service_completed_successfully } } }\n",
    );
    let fails = Behaviour { exit: Some((std::time::Duration::from_millis(300), 2)), ..Behaviour::default() };
    drop(desk.engine.clone().with("job", fails));
    insta::assert_snapshot!(session(&[refused(&desk, &["up", "-d"], 1)]));
}

#[test]
fn plugins_are_looked_at_before_anything_is_made() {
    let wrong = [
        ("ready: mine", "plugin `mine` is not installed"),
        ("load: { all: { plugin: tcp } }", "plugin `tcp` cannot stand under `load`"),
        ("hooks: { post-start: [{ plugin: mine }] }", "plugin `mine` is not installed"),
    ];
    for (attached, words) in wrong {
        let desk = Desk::new(&format!("services:\n  web:\n    image: nginx\n    x-windlass: {{ {attached} }}\n"));
        for args in [&["plan"][..], &["config", "-q"], &["up", "-d"], &["create"]] {
            let screen = refused(&desk, args, 1).to_string();
            assert!(screen.contains(words) && screen.contains("compose.yaml:"), "{args:?}: {screen}");
        }
        assert!(desk.engine.calls().is_empty(), "{:?}", desk.engine.calls());
        // What needs no plugin does not ask for one.
        for args in [&["config"][..], &["ps"], &["down"]] {
            assert_eq!(desk.run(args).code, 0, "{args:?}");
        }
    }
    let warns = "services:\n  web:\n    image: nginx\n    x-windlass: { hooks: { post-start: [{ plugin: mine, on-failure: warn }] } }\n";
    let screen = refused(&Desk::new(warns), &["plan"], 0).to_string();
    assert!(screen.contains("plugin `mine` is not installed"), "{screen}");
}
