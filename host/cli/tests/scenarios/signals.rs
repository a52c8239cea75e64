//! Ctrl-C, kill, and two at once.

use crate::harness::{Scenario, Tool, both, eventually, ours, text};

#[test]
fn the_first_interrupt_stops_gracefully() {
    both("the_first_interrupt_stops_gracefully", |tool| {
        let it = Scenario::new(
            tool,
            "sigint",
            "services:\n  a:\n    image: windlass-test/busybox:1\n    command: ['sh', '-c', 'trap \"echo bye; exit 0\" TERM; echo hello; while :; do sleep 3600 & wait $$!; done']\n",
        );
        let mut child = it.spawn(&["up"]);
        eventually("a says hello", || it.containers().first().is_some_and(|c| c["State"]["Running"] == true));
        eventually("the log is there", || it.run_as(Tool::Windlass, &["logs"]).stdout.contains("hello"));
        child.signal("INT");
        let ran = child.finish();
        assert_eq!(ran.code, 130, "{}", ran.stderr);
        assert!(ran.stdout.contains("a-1  | hello"), "{}", ran.stdout);
        let state = it.container("a")["State"].clone();
        assert_eq!(
            (state["Running"].as_bool(), state["ExitCode"].as_i64()),
            (Some(false), Some(0)),
            "stopped by its own handler"
        );
    });
}

#[test]
fn the_second_interrupt_kills() {
    ours("the_second_interrupt_kills", || {
        let it = Scenario::new(
            Tool::Windlass,
            "sigint2",
            "services:\n  a:\n    image: windlass-test/busybox:1\n    stop_grace_period: 10m\n    command: ['sh', '-c', 'trap \"\" TERM; while :; do sleep 3600 & wait $$!; done']\n",
        );
        let mut child = it.spawn(&["up"]);
        eventually("a runs", || it.containers().first().is_some_and(|c| c["State"]["Running"] == true));
        child.signal("INT");
        eventually("it stops", || it.run_as(Tool::Windlass, &["ps", "-a"]).code == 0);
        child.signal("INT");
        assert_eq!(child.finish().code, 130);
        assert_eq!(it.container("a")["State"]["Running"], false);
        assert_eq!(it.container("a")["State"]["ExitCode"], 137);
    });
}

#[test]
fn a_killed_up_is_put_right_by_the_next() {
    ours("a_killed_up_is_put_right_by_the_next", || {
        let services: String = (0..8).map(|n| format!("  s{n}:\n    image: windlass-test/busybox:1\n    command: ['sh', '-c', 'trap exit TERM; while :; do sleep 3600 & wait $$!; done']\n    environment: {{ V: '1' }}\n")).collect();
        let it = Scenario::new(Tool::Windlass, "killed", &format!("services:\n{services}"));
        it.run(&["up", "-d"]).ok();
        it.write("compose.yaml", &format!("services:\n{}", services.replace("'1'", "'2'")));
        let mut child = it.spawn(&["up", "-d"]);
        // Somewhere in the middle of eight recreations.
        eventually("a temporary name appears", || {
            it.containers().iter().any(|c| !text(&c["Name"]).starts_with(&format!("/{}-s", it.name))) || child.ended()
        });
        child.kill();
        it.run(&["up", "-d"]).ok();
        let names: Vec<String> = it.containers().iter().map(|c| text(&c["Name"])).collect();
        let wanted: Vec<String> = (0..8).map(|n| format!("/{}-s{n}-1", it.name)).collect();
        assert_eq!(names, wanted);
        assert!(
            it.containers()
                .iter()
                .all(|c| c["State"]["Running"] == true && c["Config"]["Env"].to_string().contains("V=2"))
        );
    });
}
