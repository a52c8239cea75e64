//! Files that are no regular ones, as compose and environment files.

use std::path::PathBuf;

use crate::desk::Desk;

/// A named pipe in the desk's directory, which gives the text to the first who reads it.
fn pipe(desk: &Desk, name: &str, text: &'static str) -> PathBuf {
    let path = desk.folder.join(name);
    assert!(std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo runs").success());
    let writer = path.clone();
    // Ends with the reader: opening a pipe waits for the other side.
    std::thread::spawn(move || fs_err::write(writer, text).expect("somebody reads"));
    path
}

#[test]
fn an_environment_file_may_be_a_pipe_or_the_null_device() {
    let desk = Desk::new("services: { a: { image: \"x:${TAG:-none}\", env_file: [/dev/null] } }\n");
    desk.folder.write(".env", "TAG=default\n");
    let image = |screen: crate::desk::Screen| {
        screen.ok().out.lines().find_map(|line| line.trim().strip_prefix("image: ").map(str::to_owned))
    };
    assert_eq!(image(desk.run(&["--env-file", "/dev/null", "config"])).as_deref(), Some("x:none"));
    let path = pipe(&desk, "secrets", "TAG=piped\n").display().to_string();
    assert_eq!(image(desk.run(&["--env-file", &path, "config"])).as_deref(), Some("x:piped"));
}

#[test]
fn a_mistake_in_a_compose_file_from_a_pipe_is_shown_although_a_pipe_is_read_only_once() {
    let desk = Desk::new("services: {}\n");
    let path = pipe(&desk, "piped", "services: { a: { imag: x } }\n").display().to_string();
    let screen = desk.run(&["-f", &path, "config"]);
    assert_eq!(screen.code, 1, "{screen}");
    assert!(screen.err.contains("services.a additional properties 'imag' not allowed"), "{screen}");
    assert!(screen.err.contains("1 | services: { a: { imag: x } }"), "{screen}");
}

#[test]
fn standard_input_is_read_where_the_variable_names_it() {
    let desk = Desk::new("services: {}\n")
        .variable("COMPOSE_FILE", "-")
        .answering("name: piped\nservices: { a: { image: x } }\n");
    let screen = desk.run(&["config"]).ok();
    assert!(screen.out.starts_with("name: piped\n"), "{screen}");
}
