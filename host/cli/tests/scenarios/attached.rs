//! `up` in the foreground and beside other commands: what goes on, what ends, and what is said last.

use crate::harness::{Scenario, Tool, both, eventually, ours, text};

const IDLE: &str = "image: windlass-test/busybox:1\n    init: true\n    command: sleep 3600";

fn runs(it: &Scenario, service: &str) -> bool {
    it.containers().iter().any(|container| {
        container["Config"]["Labels"]["com.docker.compose.service"] == service && container["State"]["Running"] == true
    })
}

#[test]
fn a_typo_in_one_image_stops_nothing_that_ran() {
    both("a_typo_in_one_image_stops_nothing_that_ran", |tool| {
        let file = |image: &str| {
            format!(
                "services:\n  a:\n    {IDLE}\n  b:\n    {IDLE}\n  c:\n    image: {image}\n    init: true\n    command: sleep 3600\n    pull_policy: never\n"
            )
        };
        let it = Scenario::new(tool, "typo", &file("windlass-test/busybox:1"));
        it.run(&["up", "-d"]).ok();
        let before = it.ids();
        it.write("compose.yaml", &file("windlass-test/no-such-image:1"));
        it.run(&["up"]).fails(1, &["windlass-test/no-such-image:1"]);
        assert_eq!(it.ids(), before);
        assert!(["a", "b", "c"].iter().all(|service| runs(&it, service)), "all that ran goes on");
    });
}

#[test]
fn output_of_a_driver_without_logs_is_shown() {
    both("output_of_a_driver_without_logs_is_shown", |tool| {
        let it = Scenario::new(
            tool,
            "nologs",
            "services:\n  a:\n    image: windlass-test/busybox:1\n    command: ['sh', '-c', 'echo hello; sleep 1; echo bye']\n    logging: { driver: none }\n  b:\n    image: windlass-test/busybox:1\n    command: sleep 2\n",
        );
        let ran = it.run(&["up"]).ok();
        assert!(ran.stdout.contains("a-1  | hello") && ran.stdout.contains("a-1  | bye"), "{}", ran.stdout);
        assert!(ran.stdout.contains("b-1 exited with code 0"), "{}", ran.stdout);
    });
}

#[test]
fn a_reader_that_goes_away_leaves_a_whole_project() {
    ours("a_reader_that_goes_away_leaves_a_whole_project", || {
        let talks = "image: windlass-test/busybox:1\n    init: true\n    command: ['sh', '-c', 'while :; do echo tick; sleep 0.2; done']";
        let services: String = (0..4).map(|number| format!("  s{number}:\n    {talks}\n")).collect();
        let it = Scenario::new(Tool::Windlass, "head", &format!("services:\n{services}"));
        let mut child = it.spawn(&["up"]);
        child.read_a_line_and_close();
        assert_eq!(child.code(), 141);
        assert!((0..4).all(|number| runs(&it, &format!("s{number}"))), "the project goes on");
        let before = it.ids();
        let said = it.run(&["up", "-d"]).ok().stderr;
        assert!(said.contains("up to date"), "{said}");
        assert_eq!(it.ids(), before);
    });
}

#[test]
fn a_wait_that_takes_too_long_is_an_error_and_leaves_the_containers() {
    both("a_wait_that_takes_too_long_is_an_error_and_leaves_the_containers", |tool| {
        let it = Scenario::new(
            tool,
            "timeout",
            &format!(
                "services:\n  a:\n    {IDLE}\n    healthcheck: {{ test: ['CMD', 'false'], interval: 1s, retries: 1000 }}\n"
            ),
        );
        it.run(&["up", "-d", "--wait", "--wait-timeout", "1"]).fails(1, &["application not healthy after 1s"]);
        assert!(runs(&it, "a"));
    });
}

#[test]
fn requests_to_end_stop_the_project_as_ctrl_c_does() {
    ours("requests_to_end_stop_the_project_as_ctrl_c_does", || {
        for signal in ["TERM", "HUP"] {
            let it = Scenario::new(Tool::Windlass, "sigterm", &format!("services:\n  a:\n    {IDLE}\n"));
            let mut child = it.spawn(&["up"]);
            eventually("a runs", || runs(&it, "a"));
            child.signal(signal);
            assert_eq!(child.finish().code, 130, "SIG{signal}");
            assert_eq!(it.container("a")["State"]["Running"], false, "SIG{signal}");
        }
    });
}

#[test]
fn the_last_words_say_what_died_at_once() {
    ours("the_last_words_say_what_died_at_once", || {
        let it = Scenario::new(
            Tool::Windlass,
            "dies",
            // `a` has a second to die, however busy the machine is: the last start comes after the first look at the health of `b`.
            &format!(
                "services:\n  a:\n    image: windlass-test/busybox:1\n    command: ['sh', '-c', 'echo starting; nosuchcommand']\n  \
                 b:\n    {IDLE}\n    healthcheck: {{ test: ['CMD', 'true'], interval: 1s }}\n  \
                 c:\n    {IDLE}\n    depends_on: {{ b: {{ condition: service_healthy }} }}\n"
            ),
        );
        let said = it.run(&["up", "-d"]).ok().stderr;
        for word in ["exited (127)", "starting", "nosuchcommand: not found"] {
            assert!(said.contains(word), "no `{word}` in:\n{said}");
        }
    });
}

#[test]
fn a_second_up_waits_for_the_first() {
    ours("a_second_up_waits_for_the_first", || {
        let it = Scenario::new(
            Tool::Windlass,
            "queue",
            &format!(
                "services:\n  a:\n    {IDLE}\n    healthcheck: {{ test: ['CMD', 'test', '-f', '/go'], interval: 200ms, retries: 10000 }}\n"
            ),
        );
        let mut first = it.spawn(&["up", "-d", "--wait"]);
        eventually("the first one waits for a", || runs(&it, "a"));
        it.run(&["--no-wait-lock", "up", "-d"]).fails(1, &[&it.name, "another"]);
        let mut second = it.spawn(&["up", "-d", "--wait"]);
        second.until_it_says("Waiting for windlass up");
        let before = it.ids();
        it.run_as(Tool::Windlass, &["exec", "-T", "a", "touch", "/go"]).ok();
        assert_eq!(first.finish().code, 0);
        assert_eq!(second.code(), 0);
        assert_eq!(it.ids(), before);
    });
}

#[test]
fn a_file_on_standard_input_is_read_by_commands_that_look() {
    both("a_file_on_standard_input_is_read_by_commands_that_look", |tool| {
        let it = Scenario::new(tool, "stdin", "");
        let file = format!(
            "name: {}\nservices:\n  a:\n    image: windlass-test/busybox:1\n    init: true\n    command: ['sh', '-c', 'echo hello; sleep 3600']\n    ports: ['80']\n",
            it.name
        );
        let feed = |args: &[&str]| it.run_with_input(&[&["-f", "-"], args].concat(), &file).ok().stdout;
        feed(&["up", "-d"]);
        eventually("it has said hello", || feed(&["logs"]).contains("a-1  | hello"));
        assert!(feed(&["ps"]).contains(&format!("{}-a-1", it.name)));
        assert!(feed(&["images"]).contains("windlass-test/busybox"));
        assert!(feed(&["port", "a", "80"]).contains("0.0.0.0:"));
        assert_eq!(feed(&["exec", "-T", "a", "echo", "hi"]), "hi\n");
        assert_eq!(text(&it.container("a")["State"]["Status"]), "running");
    });
}
