//! No process is started that nobody asked for: neither a helper such as `tput`, nor anything else.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Commands that need neither an engine nor a plugin.
const COMMANDS: [&[&str]; 4] = [&["config"], &["version"], &["--help"], &["up", "--help"]];

/// Names that command line tools like to start: the size of the terminal, pagers, shells, the Docker client, git.
const TRAPS: [&str; 8] = ["tput", "stty", "sh", "less", "docker", "docker-compose", "git", "locale"];

/// A directory with a small project.
fn project() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    fs_err::write(directory.path().join("compose.yaml"), "services:\n  web: { image: nginx }\n").expect("a file");
    directory
}

/// Runs the program where no stream is a terminal, with nothing in its environment but PATH.
fn run(mut command: Command, directory: &Path, path: &Path) {
    let output = command
        .current_dir(directory)
        .env_clear()
        .env("PATH", path)
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn nothing_in_path_is_called() {
    let project = project();
    let traps = tempfile::tempdir().expect("a directory");
    for name in TRAPS {
        let trap = traps.path().join(name);
        fs_err::write(&trap, "#!/bin/sh\n: > \"$0.called\"\n").expect("a trap");
        fs_err::set_permissions(&trap, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    for args in COMMANDS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
        command.args(args);
        run(command, project.path(), traps.path());
    }
    let called: Vec<String> = TRAPS
        .into_iter()
        .filter(|name| traps.path().join(format!("{name}.called")).exists())
        .map(str::to_owned)
        .collect();
    assert_eq!(called, [] as [&str; 0]);
}

/// Where the system's tracer is installed, it shows that there is no other way either.
#[test]
fn the_kernel_sees_no_other_program() {
    if Command::new("strace").arg("-V").output().is_err() {
        return;
    }
    let project = project();
    for args in COMMANDS {
        let trace = project.path().join("trace");
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-e", "trace=execve,execveat,fork,vfork", "-o"]).arg(&trace);
        command.arg(env!("CARGO_BIN_EXE_windlass")).args(args);
        run(command, project.path(), Path::new("/usr/local/bin:/usr/bin:/bin"));
        let calls = fs_err::read_to_string(&trace).expect("a trace");
        assert_eq!(calls.lines().count(), 1, "windlass {args:?} does more than start itself:\n{calls}");
    }
}
