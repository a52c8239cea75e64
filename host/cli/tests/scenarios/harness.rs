//! Runs a tool in a project directory of its own and asks the engine what came of it.

use std::io::{BufRead as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

/// The image of the scenarios, as `scripts/test-images` makes it. The name is our own because the user's engine may have any
/// image under a common name such as `busybox`, and tests must neither depend on it nor replace it.
pub(crate) const IMAGE: &str = "windlass-test/busybox:1";

/// Who runs the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Windlass,
    Peer,
}

/// Result of one command.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// The command succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The command failed with this code, and standard error holds every one of `words`.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "no `{word}` in:\n{}", self.stderr);
        }
        self
    }
}

/// A project directory; everything of the project is removed when it goes out of scope.
pub(crate) struct Scenario {
    pub(crate) tool: Tool,
    pub(crate) name: String,
    folder: tempfile::TempDir,
}

/// A tool that runs; killed when it goes out of scope, so that a failed scenario leaves no process.
pub(crate) struct Running(Child);

impl Running {
    /// Sends a signal by name (`INT`).
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.0.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// It has ended.
    pub(crate) fn ended(&mut self) -> bool {
        self.0.try_wait().expect("it can be waited for").is_some()
    }

    /// Waits for its end and takes its output.
    pub(crate) fn finish(&mut self) -> Ran {
        let (mut out, mut err) = (self.0.stdout.take().expect("captured"), self.0.stderr.take().expect("captured"));
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            err.read_to_string(&mut text).map(|_| text)
        });
        let mut stdout = String::new();
        out.read_to_string(&mut stdout).expect("text");
        let stderr = reader.join().expect("the reader does not panic").expect("text");
        Ran { code: self.0.wait().expect("it ends").code().unwrap_or(-1), stdout, stderr }
    }

    /// Reads one line of its output and goes away, as `head -1` does.
    pub(crate) fn read_a_line_and_close(&mut self) {
        let mut lines = std::io::BufReader::new(self.0.stdout.take().expect("captured"));
        let mut line = String::new();
        assert!(lines.read_line(&mut line).expect("text") > 0, "it prints something");
    }

    /// Reads standard error until it says this.
    pub(crate) fn until_it_says(&mut self, words: &str) {
        let mut lines = std::io::BufReader::new(self.0.stderr.take().expect("captured"));
        let (mut said, mut line) = (String::new(), String::new());
        while !line.contains(words) {
            line.clear();
            assert!(lines.read_line(&mut line).expect("text") > 0, "no `{words}` in:\n{said}");
            said.push_str(&line);
        }
        // What it says later must find somebody who reads.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
    }

    /// Waits for its end, whatever it prints.
    pub(crate) fn code(&mut self) -> i32 {
        self.0.wait().expect("it ends").code().unwrap_or(-1)
    }

    /// Kills it, as a power cut would.
    pub(crate) fn kill(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Scenario {
    /// A fresh project with `compose.yaml`.
    pub(crate) fn new(tool: Tool, label: &str, compose: &str) -> Self {
        let name = format!("wlt-{label}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = tempfile::Builder::new().prefix("windlass-scenario-").tempdir().expect("a temporary directory");
        let scenario = Self { tool, name, folder };
        scenario.write("compose.yaml", compose);
        scenario
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs_err::create_dir_all(path.parent().expect("a file has a directory")).expect("the directory can be made");
        fs_err::write(path, text).expect("the file can be written");
    }

    fn command(&self, tool: Tool, args: &[&str]) -> Command {
        let mut command = match tool {
            Tool::Windlass => Command::new(env!("CARGO_BIN_EXE_windlass")),
            Tool::Peer => {
                let mut command = Command::new("docker");
                command.arg("compose");
                command
            }
        };
        command.args(["-p", &self.name]).args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_remove("COMPOSE_FILE").env_remove("COMPOSE_PROJECT_NAME").env("COLUMNS", "120");
        command
    }

    /// Runs the scenario's own tool.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_as(self.tool, args)
    }

    /// Runs the scenario's own tool with more variables.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], args: &[&str]) -> Ran {
        let mut command = self.command(self.tool, args);
        Ran::of(&command.envs(variables.iter().copied()).output().expect("the tool starts"))
    }

    /// The same without root's right to read what it may not: for everybody else nothing changes.
    pub(crate) fn run_unprivileged(&self, variables: &[(&str, &str)], args: &[&str]) -> Ran {
        let usual = self.command(self.tool, args);
        let id = Command::new("id").arg("-u").output().expect("id runs").stdout;
        if id != b"0\n" {
            return self.run_with(variables, args);
        }
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set", "-dac_override,-dac_read_search"]).arg(usual.get_program());
        command.args(usual.get_args()).current_dir(self.folder.path()).stdin(Stdio::null());
        Ran::of(&command.envs(variables.iter().copied()).output().expect("setpriv runs"))
    }

    /// Runs a given tool on the same project.
    pub(crate) fn run_as(&self, tool: Tool, args: &[&str]) -> Ran {
        Ran::of(&self.command(tool, args).output().expect("the tool starts"))
    }

    /// Runs the scenario's own tool with a text on standard input.
    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Ran {
        let mut command = match self.tool {
            Tool::Windlass => Command::new(env!("CARGO_BIN_EXE_windlass")),
            Tool::Peer => Command::new("docker"),
        };
        command.args((self.tool == Tool::Peer).then_some("compose")).args(args).current_dir(self.folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the tool starts");
        let mut pipe = child.stdin.take().expect("a pipe");
        pipe.write_all(input.as_bytes()).expect("the tool reads its input");
        drop(pipe);
        Ran::of(&child.wait_with_output().expect("the tool ends"))
    }

    /// Starts the scenario's own tool and leaves it running, output captured.
    pub(crate) fn spawn(&self, args: &[&str]) -> Running {
        Running(
            self.command(self.tool, args)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("the tool starts"),
        )
    }

    /// Every container of the project, in all states, as the engine lists them, sorted by name.
    pub(crate) fn containers(&self) -> Vec<Json> {
        let filter = format!("label=com.docker.compose.project={}", self.name);
        let listed = docker(&["ps", "-aq", "--no-trunc", "--filter", &filter]).ok().stdout;
        let ids: Vec<&str> = listed.lines().collect();
        if ids.is_empty() {
            return Vec::new();
        }
        // One that is removed meanwhile makes the client fail, and the others are printed all the same.
        let text = docker(&[&["inspect"], ids.as_slice()].concat()).stdout;
        let mut all: Vec<Json> = serde_json::from_str(&text).expect("inspect prints JSON");
        all.sort_by_key(|container| container["Name"].to_string());
        all
    }

    /// The first container of a service.
    #[track_caller]
    pub(crate) fn container(&self, service: &str) -> Json {
        let found = self
            .containers()
            .into_iter()
            .find(|container| container["Config"]["Labels"]["com.docker.compose.service"] == service);
        found.unwrap_or_else(|| panic!("no container of service {service} in {}", self.name))
    }

    /// Ids of all containers, sorted by container name.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.containers().iter().map(|container| text(&container["Id"])).collect()
    }

    /// Names of the project's networks and volumes.
    pub(crate) fn resources(&self, kind: &str) -> Vec<String> {
        let filter = format!("label=com.docker.compose.project={}", self.name);
        let listed = docker(&[kind, "ls", "--filter", &filter, "--format", "{{.Name}}"]).ok().stdout;
        listed.lines().map(str::to_owned).collect()
    }

    /// Nothing of the project is left on the engine.
    #[track_caller]
    pub(crate) fn assert_gone(&self) {
        assert_eq!(self.ids(), Vec::<String>::new(), "containers left");
        assert_eq!(self.resources("network"), Vec::<String>::new(), "networks left");
        assert_eq!(self.resources("volume"), Vec::<String>::new(), "volumes left");
    }
}

impl Drop for Scenario {
    fn drop(&mut self) {
        for id in self.ids() {
            drop(docker(&["rm", "-f", "-v", &id]));
        }
        for kind in ["network", "volume"] {
            for name in self.resources(kind) {
                drop(docker(&[kind, "rm", &name]));
            }
        }
    }
}

/// Runs the docker client.
pub(crate) fn docker(args: &[&str]) -> Ran {
    Ran::of(&Command::new("docker").args(args).stdin(Stdio::null()).output().expect("the docker client starts"))
}

/// A JSON string without quotes.
pub(crate) fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Waits until `check` holds; fails with `what` after a generous time.
#[track_caller]
pub(crate) fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !check() {
        assert!(begin.elapsed() < Duration::from_secs(60), "never happened: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Runs a scenario with Windlass, and with `docker compose` where it is installed.
pub(crate) fn both(name: &str, scenario: impl Fn(Tool)) {
    if !engine_or_skip(name) {
        return;
    }
    scenario(Tool::Windlass);
    if peer_or_skip(name) {
        scenario(Tool::Peer);
    }
}

/// Runs a scenario that only Windlass can pass.
pub(crate) fn ours(name: &str, scenario: impl Fn()) {
    if engine_or_skip(name) {
        scenario();
    }
}

/// Runs a scenario that needs both tools at once.
pub(crate) fn together(name: &str, scenario: impl Fn()) {
    if engine_or_skip(name) && peer_or_skip(name) {
        scenario();
    }
}

fn engine_or_skip(name: &str) -> bool {
    let there = docker(&["version"]).code == 0 && docker(&["image", "inspect", IMAGE]).code == 0;
    if !there {
        skip(name, &format!("no engine answers, or it has no image {IMAGE} (scripts/test-images makes it)"));
    }
    there
}

fn peer_or_skip(name: &str) -> bool {
    let there = docker(&["compose", "version"]).code == 0;
    if !there {
        skip(name, "comparison with `docker compose`, which is not installed");
    }
    there
}

#[expect(clippy::print_stderr, reason = "a skipped test says why, in the test's own output")]
/// Says that a test was skipped, and why: on standard error, and as a line of the file that `WINDLASS_SKIPPED` names, which
/// `make test` counts at its end.
pub(crate) fn skip(name: &str, why: &str) {
    let line = format!("{name}: {why}");
    eprintln!("skipped {line}");
    if let Some(path) = std::env::var_os("WINDLASS_SKIPPED") {
        let file = fs_err::OpenOptions::new().create(true).append(true).open(Path::new(&path));
        let written = file.and_then(|mut file| writeln!(file, "{line}"));
        written.expect("the list of skipped tests can be written");
    }
}
