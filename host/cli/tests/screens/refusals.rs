//! What is refused before anything is done, and in which words.

use windlass_runtime::hooks::Verdict;
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

#[test]
fn flags_for_the_lock_are_refused_by_commands_that_take_none() {
    let desk = Desk::new(ONE);
    for command in [&["ps"][..], &["plan"], &["config"], &["logs"], &["ls"], &["build"], &["pull"], &["version"]] {
        for flag in ["--no-wait-lock", "--wait-lock=5"] {
            let before = desk.run(&[&[flag], command].concat());
            let name = flag.split('=').next().unwrap_or_default();
            assert_eq!(before.code, 1, "{before}");
            let words = format!("error: `{}` takes no lock: {name} has no effect on it\n", command[0]);
            assert!(before.err.starts_with(&words), "{before}");
            let after = desk.run(&[command, &[flag]].concat());
            assert!(after.code == 1 && after.err.contains("unexpected argument"), "{after}");
            let help = desk.run(&[command, &["--help"]].concat()).ok().out;
            assert!(!help.contains("wait-lock"), "{help}");
        }
    }
    for args in [&["--no-wait-lock", "up", "-d"][..], &["up", "-d", "--no-wait-lock"], &["--wait-lock=5", "down"]] {
        drop(desk.run(args).ok());
    }
    assert!(desk.run(&["stop", "--help"]).ok().out.contains("--no-wait-lock"));
    for both in [&["--no-wait-lock", "--wait-lock=5", "up"][..], &["--no-wait-lock", "up", "--wait-lock=5"]] {
        assert_eq!(desk.run(both).code, 1);
    }
}

#[test]
fn a_runtime_directory_that_is_none_is_told_once_and_another_place_is_used() {
    let desk = Desk::new(ONE);
    let private = desk.folder.join("tmp").display().to_string();
    let desk = desk.variable("XDG_RUNTIME_DIR", "run/user").variable("TMPDIR", &private);
    let screen = desk.run(&["up", "-d"]).ok();
    let words =
        "warning: XDG_RUNTIME_DIR is not used: run/user is not an absolute path; the project's lock is kept below";
    assert_eq!(screen.err.matches(words).count(), 1, "{screen}");
    assert!(desk.folder.join("tmp").is_dir(), "it was kept there");
}

#[test]
fn a_missing_file_of_a_hook_of_the_project_is_told_before_anything_is_made() {
    let hook = |stage: &str| {
        format!("{ONE}x-windlass: {{ hooks: {{ {stage}: [ {{ plugin: notify, from: ./gone.txt }} ] }} }}\n")
    };
    let desk = Desk::new(&hook("pre-up"));
    drop(desk.hooks.clone().with("notify", &[windlass_model::windlass::Stage::PreUp]));
    let screen = desk.run(&["up", "-d"]);
    assert_eq!(screen.code, 1, "{screen}");
    assert!(screen.err.contains("a file of hook `notify` cannot be read: [dir]/gone.txt"), "{screen}");
    assert!(screen.err.contains("^^^^^^^^^^"), "its place is shown: {screen}");
    assert!(!desk.engine.calls().iter().any(|call| call.starts_with("create")), "{:?}", desk.engine.calls());
}

#[test]
fn settings_of_docker_that_cannot_be_read_are_told_once_and_nothing_else_changes() {
    let desk = Desk::new(ONE).variable("DOCKER_CONFIG", "/broken");
    for args in [&["up", "-d"][..], &["ps"], &["down"]] {
        let screen = desk.run(args).ok();
        assert_eq!(screen.err.matches("warning: error parsing config file").count(), 1, "{screen}");
    }
    assert!(!desk.run(&["config"]).ok().err.contains("warning"), "no engine is wanted");
}

#[test]
fn keys_of_a_hook_that_mean_nothing_to_its_plugin_are_refused() {
    let told = |stage: &str, hook: &str| {
        let hooks = format!("x-windlass: {{ hooks: {{ {stage}: [ {{ {hook} }} ] }} }}");
        let desk = Desk::new(&format!("services: {{ a: {{ image: nginx, {hooks} }} }}\n"));
        drop(desk.hooks.clone().with("plain", &[windlass_model::windlass::Stage::PreStart]));
        desk.run(&["config", "-q"])
    };
    let wrong = told("pre-start", "plugin: tcp, target: 'b:1', when: manual, retries: 2");
    assert_eq!(wrong.code, 1, "{wrong}");
    assert!(wrong.err.contains("error: no effect here: when, retries; plugin `tcp` is a probe"), "{wrong}");
    let wrong = told("post-start", "plugin: es-bulk, success-threshold: 2");
    assert!(wrong.code == 1 && wrong.err.contains("plugin `es-bulk` is a loader"), "{wrong}");
    let wrong = told("pre-start", "plugin: plain, interval: 1s");
    assert!(wrong.code == 1 && wrong.err.contains("plugin `plain` is neither a probe nor a loader"), "{wrong}");
    let warned = told("pre-start", "plugin: plain, when: once, on-failure: warn").ok();
    assert!(warned.err.contains("warning: no effect here: when; plugin `plain`"), "{warned}");
    for (stage, fine) in [
        ("pre-start", "plugin: tcp, target: 'b:1', timeout: 5s, interval: 1s, stable-for: 1s"),
        ("post-start", "plugin: es-bulk, from: [compose.yaml], when: once, timeout: 5s"),
        ("pre-start", "plugin: plain, from: [compose.yaml], retries: 2, timeout: 5s"),
    ] {
        assert_eq!(told(stage, fine).ok().err, "", "{fine}");
    }
}

#[test]
fn an_entry_for_a_plugin_that_nobody_knows_is_refused_although_nothing_uses_it() {
    let entry = |name: &str| format!("{ONE}x-windlass: {{ plugins: {{ {name}: {{ limits: {{ timeout: 5s }} }} }} }}\n");
    let wrong = Desk::new(&entry("elasticsaerch")).run(&["config", "-q"]);
    assert_eq!(wrong.code, 1, "{wrong}");
    assert!(wrong.err.contains("elasticsaerch") && wrong.err.contains("  --> compose.yaml:3:"), "{wrong}");
    drop(Desk::new(&entry("tcp")).run(&["config", "-q"]).ok());
}

#[test]
fn a_probe_that_fails_is_shown_where_it_was_written() {
    let desk = Desk::new(ONE);
    desk.folder.write("windlass.yaml", "services:\n  a:\n    ready: tcp\n");
    desk.hooks.on_probe("tcp", |_| Ok(Verdict::Never { reason: "no".to_owned(), hint: None }));
    let screen = desk.run(&["up", "-d"]);
    assert!(screen.code == 5 && screen.err.contains("  --> windlass.yaml:3:12\n"), "{screen}");
}
