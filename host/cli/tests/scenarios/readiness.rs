//! Who waits for whom, and that nobody waits longer than the truth.

use crate::harness::{Scenario, Tool, both, ours, text};

const IDLE: &str = "command: ['sh', '-c', 'trap exit TERM; while :; do sleep 3600 & wait $$!; done']";

#[test]
fn service_healthy_holds_the_dependent_back() {
    both("service_healthy_holds_the_dependent_back", |tool| {
        let file = format!(
            "services:\n  db:\n    image: windlass-test/busybox:1\n    command: ['sh', '-c', 'trap exit TERM; sleep 1; touch /ready; while :; do sleep 3600 & wait $$!; done']\n    healthcheck: {{ test: ['CMD', 'test', '-f', '/ready'], interval: 300ms, retries: 50 }}\n  web:\n    image: windlass-test/busybox:1\n    {IDLE}\n    depends_on: {{ db: {{ condition: service_healthy }} }}\n"
        );
        let it = Scenario::new(tool, "healthy", &file);
        it.run(&["up", "-d"]).ok();
        let healthy_at = text(
            &it.container("db")["State"]["Health"]["Log"]
                .as_array()
                .expect("a health log")
                .iter()
                .find(|entry| entry["ExitCode"] == 0)
                .expect("a success")["End"],
        );
        let started_at = text(&it.container("web")["State"]["StartedAt"]);
        assert!(instant(&started_at) >= instant(&healthy_at), "web started {started_at}, db healthy {healthy_at}");
    });
}

/// Both stamps of the engine, in one comparable form: to the second they are text, below it digits.
fn instant(stamp: &str) -> (String, String) {
    let (seconds, rest) = stamp.split_once('.').unwrap_or((stamp, ""));
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (seconds.to_owned(), format!("{digits:0<9}"))
}

#[test]
fn completed_successfully_waits_for_the_job_and_fails_with_it() {
    both("completed_successfully_waits_for_the_job_and_fails_with_it", |tool| {
        let file = |code: u8| {
            format!(
                "services:\n  job:\n    image: windlass-test/busybox:1\n    command: ['sh', '-c', 'sleep 0.5; exit {code}']\n  web:\n    image: windlass-test/busybox:1\n    {IDLE}\n    depends_on: {{ job: {{ condition: service_completed_successfully }} }}\n"
            )
        };
        let it = Scenario::new(tool, "job", &file(0));
        it.run(&["up", "-d"]).ok();
        assert_eq!(it.container("web")["State"]["Running"], true);
        it.run(&["down", "-t", "0"]).ok();
        it.write("compose.yaml", &file(3));
        it.run(&["up", "-d"]).fails(1, &["job", "didn't complete successfully: exit 3"]);
        assert!(it.containers().iter().all(|c| c["State"]["Running"] == false), "web must not run");
    });
}

#[test]
fn an_unhealthy_dependency_fails_the_start() {
    both("an_unhealthy_dependency_fails_the_start", |tool| {
        let file = format!(
            "services:\n  db:\n    image: windlass-test/busybox:1\n    {IDLE}\n    healthcheck: {{ test: ['CMD', 'false'], interval: 200ms, retries: 2 }}\n  web:\n    image: windlass-test/busybox:1\n    {IDLE}\n    depends_on: {{ db: {{ condition: service_healthy }} }}\n"
        );
        let it = Scenario::new(tool, "unhealthy", &file);
        it.run(&["up", "-d"]).fails(1, &["db-1", "is unhealthy"]);
        assert_eq!(it.container("web")["State"]["Running"], false);
    });
}

#[test]
fn a_probe_holds_the_dependent_of_a_short_depends_on() {
    ours("a_probe_holds_the_dependent_of_a_short_depends_on", || {
        let file = "services:\n  api:\n    image: windlass-test/busybox:1\n    command: ['sh', '-c', 'trap exit TERM; sleep 1; mkdir /w; echo hi > /w/index.html; touch -d @0 /w; httpd -p 8080 -h /w; while :; do sleep 3600 & wait $$!; done']\n    x-windlass: { ready: { plugin: http, with: { port: 8080, path: /index.html } } }\n  web:\n    image: windlass-test/busybox:1\n    command: ['sh', '-c', 'wget -qO- http://api:8080/index.html || exit 9']\n    depends_on: [api]\n";
        let it = Scenario::new(Tool::Windlass, "probe", file);
        let ran = it.run(&["up", "-d"]).ok();
        assert!(ran.stderr.contains("api"), "{}", ran.stderr);
        crate::harness::eventually("web ended", || it.container("web")["State"]["Status"] == "exited");
        assert_eq!(it.container("web")["State"]["ExitCode"], 0, "web asked before api answered");
    });
}

#[test]
fn a_probe_stops_when_its_container_exits() {
    ours("a_probe_stops_when_its_container_exits", || {
        let file = "services:\n  api:\n    image: windlass-test/busybox:1\n    command: ['sh', '-c', 'echo the database is gone; exit 4']\n    x-windlass: { ready: { plugin: tcp, with: { port: 8080 }, timeout: 10m } }\n";
        let it = Scenario::new(Tool::Windlass, "exit", file);
        it.run(&["up", "-d"]).fails(5, &["api", "exited (4)", "the database is gone"]);
    });
}

#[test]
fn a_probe_that_never_succeeds_says_which_step_fails() {
    ours("a_probe_that_never_succeeds_says_which_step_fails", || {
        let file = format!(
            "services:\n  api:\n    image: windlass-test/busybox:1\n    {IDLE}\n    x-windlass: {{ ready: {{ plugin: tcp, with: {{ port: 8080 }}, timeout: 1s }} }}\n  web:\n    image: windlass-test/busybox:1\n    {IDLE}\n    depends_on: [api]\n"
        );
        let it = Scenario::new(Tool::Windlass, "never", &file);
        it.run(&["up", "-d"]).fails(5, &["api", "connect", "refused"]);
        assert_ne!(it.container("web")["State"]["Running"], true);
        it.run(&["down", "-t", "0"]).ok();
        it.assert_gone();
    });
}
