//! The same run on a terminal, in a pipe, as JSON, and in silence.

use std::time::Duration;

use crate::desk::Desk;
use crate::lifecycle::{SHOP, TRUCKS};

/// The frames of a live area: each time it was drawn, as a person saw it, without repetitions.
fn frames(text: &str) -> Vec<String> {
    let plain =
        regex_lite::Regex::new("\x1b\\[[0-9;]*m").expect("the pattern is right").replace_all(text, "").into_owned();
    let erase = regex_lite::Regex::new("\x1b\\[[0-9]+F\x1b\\[J").expect("the pattern is right");
    let spinner = regex_lite::Regex::new("[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]").expect("the pattern is right");
    let mut frames: Vec<String> =
        erase.split(&plain).map(|frame| spinner.replace_all(frame, "⠋").into_owned()).collect();
    frames.dedup();
    frames
}

#[test]
fn a_terminal_shows_a_line_a_service_that_collapses() {
    let desk = Desk::new(TRUCKS).on_a_terminal();
    desk.folder.write("trucks.ndjson", "{}\n");
    desk.hooks.ready_after("elasticsearch", 1);
    desk.hooks.takes("es-bulk", Duration::from_millis(150));
    let screen = desk.run(&["up", "-d"]).ok();
    let frames = frames(&screen.err);
    let waits =
        frames.iter().find(|frame| frame.contains("connection refused")).expect("the probe's last answer is shown");
    let loads = frames.iter().find(|frame| frame.contains("loading trucks")).expect("the load is shown");
    insta::assert_snapshot!(format!("{waits}\n==\n{loads}"));
    let drawn =
        frames.iter().flat_map(|frame| frame.lines()).filter(|line| line.starts_with("[+]") || line.starts_with(" ⠋"));
    let summary = frames.last().into_iter().flat_map(|frame| frame.lines());
    for line in drawn.chain(summary) {
        assert!(line.chars().count() <= 72, "wider than the terminal: {line}");
    }
}

#[test]
fn colours_can_be_forbidden_on_a_terminal() {
    let coloured = Desk::new(SHOP).on_a_terminal().run(&["up", "-d"]).ok();
    assert!(coloured.err.contains("\x1b[32m"), "{coloured}");
    let plain = Desk::new(SHOP).on_a_terminal().variable("NO_COLOR", "1").run(&["up", "-d"]).ok();
    assert!(!plain.err.contains("\x1b[32m") && plain.err.contains("\x1b["), "cursor movement stays: {plain}");
    let never = Desk::new(SHOP).on_a_terminal().run(&["--ansi", "never", "up", "-d"]).ok();
    assert!(!never.err.contains('\x1b'), "{never}");
}

#[test]
fn json_is_an_object_an_event() {
    let screen = Desk::new(SHOP).run(&["--progress", "json", "up", "-d"]).ok();
    let mut kinds = Vec::new();
    for line in screen.err.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(event["v"], 1, "{line}");
        let field = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        kinds.push(
            [field("type"), field("action"), field("object"), field("cause")]
                .join(" | ")
                .trim_end_matches([' ', '|'])
                .to_owned(),
        );
    }
    insta::assert_snapshot!(kinds.join("\n"));
}

#[test]
fn quiet_says_nothing_when_all_is_well() {
    let screen = Desk::new(SHOP).run(&["--progress", "quiet", "up", "-d"]).ok();
    assert_eq!((screen.out.as_str(), screen.err.as_str()), ("", ""));
}

/// A terminal that is erased as a whole may keep what was on it, frame after frame.
#[test]
fn the_live_area_leaves_rows_of_a_low_terminal_free() {
    for rows in [3, 4, 6] {
        let screen = Desk::new(SHOP).resized(&[(72, rows)]).run(&["up", "-d"]).ok();
        let ups = screen.err.split("\x1b[").filter_map(|part| part.split_once("F\x1b[J").or(part.split_once('F')));
        let highest = ups.filter_map(|(rows, _)| rows.parse::<u16>().ok()).max();
        assert!(highest.is_some_and(|highest| (1..=rows - 2).contains(&highest)), "{rows}: {highest:?}\n{screen}");
    }
}
