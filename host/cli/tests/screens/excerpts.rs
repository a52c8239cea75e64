//! The lines of files in messages: safe for the terminal, and with the caret below its place.

use crate::desk::Desk;

/// What stays of a run's messages.
fn told(compose: &str) -> String {
    let screen = Desk::new(compose).variable("COLUMNS", "80").run(&["config", "-q"]);
    assert_eq!(screen.code, 1, "{screen}");
    screen.err
}

#[test]
fn what_a_terminal_would_obey_is_shown_instead() {
    let files = [
        ("services: {} # \x1b[31mred\x1b]0;owned\x07\n", r"\x1b[31mred\x1b]0;owned\x07"),
        ("services: { a: { image: x, \"\\e[31mred\\a\": 1 } }\n", r"\x1b[31mred\x07"),
        ("services: { a: { image: x, mem_limit: \"\\e]0;owned\\a\" } }\n", r"\x1b]0;owned\x07"),
        ("services:\n  a:\n    image: x\n    bogus: 1 # \u{9b}31m \u{202e} rtl\n", r"\u009b31m \u202e rtl"),
    ];
    for (compose, shown) in files {
        let text = told(compose);
        assert!(text.contains(shown), "{text:?}");
        assert!(!text.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')), "{text:?}");
    }
    let desk = Desk::new("services: { a: { image: x } }\n");
    let named = desk.run(&["config", "\x1b[31m"]);
    assert!(named.err.contains(r"\x1b[31m"), "{named}");
    let json = Desk::new(files[3].0).run(&["config", "-q", "--format", "json"]);
    assert!(json.code == 1 && !json.err.contains('\u{202e}'), "{json}");
}

#[test]
fn carets_count_columns() {
    let text = told("services:\n  a: { image: \"日本語日本語\", bogus: 1 }\n");
    assert!(
        text.contains("  3 |   a: { image: \"日本語日本語\", bogus: 1 }\n    |                               ^^^^^\n"),
        "{text}"
    );
    let text = told("services: { a: { image: x,\t\tbogus: 1 } }\n");
    assert!(
        text.contains(
            "  2 | services: { a: { image: x,        bogus: 1 } }\n    |                                   ^^^^^\n"
        ),
        "{text}"
    );
}

#[test]
fn long_lines_are_cut_to_what_fits() {
    let long =
        format!("services: {{ a: {{ image: {}, bogus: 1, command: {} }} }}\n", "x".repeat(1500), "y".repeat(1500));
    let deep = format!("services: {}\n", "[".repeat(40_000));
    for compose in [long, deep] {
        let text = told(&compose);
        let lines = text.lines().filter(|line| line.contains(" | "));
        lines.for_each(|line| assert!(line.chars().count() <= 80, "{line}"));
        assert!(text.contains('…') && text.contains('^'), "{text}");
    }
}
