//! A place to run the program at: a project directory, an engine, plugins, and a clock that stands.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use windlass::env_vars::Environment;
use windlass::errors::CliResult;
use windlass::{Backend, HooksRequest, Settings, Size, Streams, Terminals, World};
use windlass_model::windlass::Stage;
use windlass_runtime::{Engine, Hooks};
use windlass_testkit::{FakeEngine, FakeHooks, TempProject, redact};

/// A place to run the program at.
pub(crate) struct Desk {
    pub(crate) engine: FakeEngine,
    pub(crate) hooks: FakeHooks,
    pub(crate) folder: TempProject,
    variables: Vec<(String, String)>,
    answers: &'static str,
    terminals: Terminals,
    sizes: Vec<(u16, u16)>,
}

impl Desk {
    /// A directory with `compose.yaml`; the built-in plugins are there and succeed at once.
    pub(crate) fn new(compose: &str) -> Self {
        let hooks = FakeHooks::new()
            .with("elasticsearch", &[Stage::Probe])
            .with("tcp", &[Stage::Probe])
            .with("es-bulk", &[Stage::Load]);
        let folder = TempProject::new().file("compose.yaml", &named(compose));
        let private = folder.join("run").display().to_string();
        std::fs::create_dir(&private).expect("a directory of our own");
        Self {
            engine: FakeEngine::new(),
            hooks,
            folder,
            variables: vec![("XDG_RUNTIME_DIR".to_owned(), private)],
            answers: "",
            terminals: Terminals::default(),
            sizes: Vec::new(),
        }
    }

    /// Writes the compose file anew.
    pub(crate) fn compose(&self, text: &str) {
        self.folder.write("compose.yaml", &named(text));
    }

    /// With a variable in the environment.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With somebody who types these lines.
    pub(crate) const fn answering(mut self, lines: &'static str) -> Self {
        self.answers = lines;
        self
    }

    /// With a terminal of 72 columns and 20 rows.
    pub(crate) const fn on_a_terminal(mut self) -> Self {
        self.terminals = Terminals { input: true, out: true, err: true, size: Some((72, 20)) };
        self
    }

    /// With a terminal that has these sizes, columns and rows, one after the other.
    pub(crate) fn resized(mut self, sizes: &[(u16, u16)]) -> Self {
        self.sizes = sizes.to_vec();
        self.on_a_terminal()
    }

    /// Runs the program; the screen is made the same on every machine and at every speed.
    #[must_use]
    pub(crate) fn run(&self, args: &[&str]) -> Screen {
        let (out, err) = (Tape::default(), Tape::default());
        let world = World {
            args: std::iter::once("windlass").chain(args.iter().copied()).map(str::to_owned).collect(),
            environment: self.environment(),
            cwd: self.folder.path().to_path_buf(),
            streams: Streams {
                out: Box::new(out.clone()),
                err: Box::new(err.clone()),
                input: Box::new(self.answers.as_bytes()),
                terminals: self.terminals,
                size: self.size(),
            },
            backend: Box::new(Memory { engine: self.engine.clone(), hooks: self.hooks.clone() }),
            // The fake's own clock counts its calls, in seconds since the epoch.
            now: Arc::new(|| SystemTime::UNIX_EPOCH + Duration::from_secs(600)),
        };
        let code = windlass::run(world);
        let folder = self.folder.path().display().to_string();
        let steady = |tape: &Tape| without_times(&redact(&tape.text(), &[(&folder, "[dir]")]));
        Screen { command: args.join(" "), code, out: steady(&out), err: steady(&err) }
    }

    /// The first size for one glance, then the next, and the last for good.
    fn size(&self) -> Size {
        let (sizes, glances) = (self.sizes.clone(), AtomicUsize::new(0));
        let first = self.terminals.size;
        Box::new(move || {
            let glance = glances.fetch_add(1, Ordering::Relaxed);
            sizes.get(glance).or(sizes.last()).copied().or(first)
        })
    }

    fn environment(&self) -> Environment {
        let mut environment = Environment::default();
        self.variables.iter().for_each(|(name, value)| environment.set(name, value.clone()));
        environment
    }
}

/// The directory's name is another one each time, so the file says the project's.
fn named(compose: &str) -> String {
    format!("name: shop\n{compose}")
}

/// What came of a run.
pub(crate) struct Screen {
    command: String,
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Screen {
    /// The run succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self}");
        self
    }
}

impl std::fmt::Display for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "$ windlass {}    → {}", self.command, self.code)?;
        for (name, text) in [("stdout", &self.out), ("stderr", &self.err)] {
            if !text.is_empty() {
                writeln!(f, "--- {name}\n{}", text.trim_end_matches('\n'))?;
            }
        }
        Ok(())
    }
}

/// Several screens, one after another.
pub(crate) fn session(screens: &[Screen]) -> String {
    let mut text = String::new();
    for screen in screens {
        writeln!(text, "{screen}").expect("writing to a string cannot fail");
    }
    text
}

/// A stream that remembers.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<u8>>>);

impl Tape {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Engine and plugins in memory.
struct Memory {
    engine: FakeEngine,
    hooks: FakeHooks,
}

impl Backend for Memory {
    fn engine(&self, _: &Settings) -> CliResult<Arc<dyn Engine>> {
        Ok(Arc::new(self.engine.clone()))
    }

    fn engine_address(&self, settings: &Settings) -> CliResult<String> {
        Ok(settings.environment.get("DOCKER_HOST").unwrap_or("memory").to_owned())
    }

    fn engine_warning(&self, settings: &Settings) -> Option<String> {
        settings.environment.get("DOCKER_CONFIG").map(|_| "error parsing config file".to_owned())
    }

    fn hooks(&self, _: HooksRequest<'_>) -> CliResult<Arc<dyn Hooks>> {
        Ok(Arc::new(self.hooks.clone()))
    }
}

/// Every duration as `0.0s`, in as much room as it had, and no word of which one was the longest.
fn without_times(text: &str) -> String {
    let pattern = |text| regex_lite::Regex::new(text).expect("the pattern is right");
    let text = pattern(r"slowest: \w+ of \w+ with").replace_all(text, "slowest: [stage] with");
    let shorten = |found: &regex_lite::Captures<'_>| format!("{:<1$}", "0.0s", found[0].len());
    pattern(r"\b\d+\.\d+s\b").replace_all(&text, shorten).into_owned()
}
