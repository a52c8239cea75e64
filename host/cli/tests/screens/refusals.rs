//! What is refused before anything is done, and in which words.

use windlass_testkit::Behaviour;

use crate::desk::Desk;
use crate::lifecycle::TRUCKS;

const ONE: &str = "services: { a: { image: nginx } }\n";

#[test]
fn commands_that_are_missing_are_called_by_their_names() {
    let desk = Desk::new(ONE);
    for args in [&["top"][..], &["-p", "x", "cp", "a:/x", "."], &["run", "--rm", "a"], &["help", "watch"]] {
        let screen = desk.run(args);
        let name = args.iter().find(|word| ["top", "cp", "run", "watch"].contains(*word)).expect("one is named");
        assert_eq!(screen.code, 1, "{screen}");
        assert!(screen.err.starts_with(&format!("error: `{name}` is not there yet\n")), "{screen}");
        assert!(screen.err.contains("hint: ") && !screen.err.contains("similar"), "{screen}");
    }
    assert!(desk.run(&["stpo"]).err.contains("similar subcommand exists: 'stop'"));
}

#[test]
fn logs_of_a_replica_that_is_not_there() {
    let desk = Desk::new(ONE);
    drop(desk.run(&["up", "-d"]).ok());
    for args in
        [&["logs", "--index", "7", "a"][..], &["logs", "-f", "--index", "7", "a"], &["exec", "--index", "7", "a", "x"]]
    {
        let screen = desk.run(args);
        assert_eq!(screen.code, 1, "{screen}");
        assert_eq!(screen.err, "error: service \"a\" is not running container #7\n");
    }
    drop(desk.run(&["logs", "--index", "0", "a"]).ok());
    drop(desk.run(&["exec", "-T", "--index", "0", "a", "x"]).ok());
}

#[test]
fn the_last_lines_are_a_number_or_all() {
    let desk = Desk::new(ONE);
    let talks = Behaviour { log: vec!["one".to_owned(), "two".to_owned()], ..Behaviour::default() };
    drop(desk.engine.clone().with("a", talks));
    drop(desk.run(&["up", "-d"]).ok());
    let all = desk.run(&["logs"]).ok().out;
    assert!(!all.is_empty());
    for tail in [&["--tail", "-1"][..], &["-n", "-1"], &["--tail=all"], &["-n", "1000"]] {
        assert_eq!(desk.run(&[&["logs"], tail].concat()).ok().out, all, "{tail:?}");
    }
    for tail in ["abc", "", "1.5"] {
        let screen = desk.run(&["logs", "--tail", tail]);
        assert!(screen.code == 1 && screen.err.contains("a number of lines or `all` is needed"), "{screen}");
    }
}

#[test]
fn a_file_to_load_that_is_not_there_is_told_before_anything_is_made() {
    let desk = Desk::new(TRUCKS);
    for args in [&["plan"][..], &["up", "-d"], &["--dry-run", "up", "-d"]] {
        let screen = desk.run(args);
        assert_eq!(screen.code, 1, "{screen}");
        let words = "the file of dataset `trucks` cannot be read: [dir]/trucks.ndjson: there is no such file";
        assert!(screen.err.contains(words), "{screen}");
        assert!(screen.err.contains("from: ./trucks.ndjson") && screen.err.contains("^^^^^^^^^^^^^^^"), "{screen}");
    }
    assert!(!desk.engine.calls().iter().any(|call| call.starts_with("create")), "{:?}", desk.engine.calls());
    drop(desk.run(&["config", "-q"]).ok());
    desk.folder.write("trucks.ndjson", "{}\n");
    drop(desk.run(&["plan"]).ok());
}

#[test]
fn a_file_to_load_may_be_made_by_a_container_or_never_be_wanted() {
    let load = |mode: &str, when: &str| {
        format!(
            "services:
  gen: {{ image: nginx, volumes: ['./made:/out{mode}'] }}
  es:
    image: elasticsearch:8
    x-windlass: {{ load: {{ d: {{ plugin: es-bulk, from: ./made/d.ndjson, when: {when}, with: {{ index: a }} }} }} }}
"
        )
    };
    drop(Desk::new(&load("", "changed")).run(&["plan"]).ok());
    drop(Desk::new(&load(":ro", "manual")).run(&["plan"]).ok());
    assert_eq!(Desk::new(&load(":ro", "changed")).run(&["plan"]).code, 1);
}
