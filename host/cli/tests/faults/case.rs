//! One case: a project, brought from one file to another while one call is spoiled; and the runs after it.

use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use windlass_testkit::{Calls, FaultProxy, Order};

use crate::api::State;
use crate::engine::{Engine, signal};
use crate::judge::{self, Shape};
use crate::kinds::Kind;
use crate::projects::{self, Project};

/// A run that takes longer is held to hang: none takes a tenth of it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of a case.
pub(crate) enum Verdict {
    /// All is as it should be.
    Right,
    /// What is not, and at which call.
    Wrong { what: String, call: String },
    /// The run makes fewer calls than the case's number.
    Over,
}

/// One worker: a proxy and a directory of its own, so that several can work at once.
pub(crate) struct Worker<'a> {
    engine: &'a Arc<Engine>,
    folder: PathBuf,
    proxy: FaultProxy,
    number: usize,
    tool: &'a [String],
}

/// How one command of Windlass ended.
pub(crate) struct Ran {
    /// `None`: killed.
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
    pub(crate) hung: bool,
}

/// A project in a worker's hands: its name, and what its last file leads to.
pub(crate) struct Bench<'w, 'e> {
    worker: &'w Worker<'e>,
    project: &'static Project,
    name: String,
    /// After an undisturbed run.
    wanted: Option<Shape>,
    /// The calls of an undisturbed run.
    pub(crate) calls: Calls,
}

impl<'e> Worker<'e> {
    pub(crate) fn new(engine: &'e Arc<Engine>, number: usize, tool: &'e [String]) -> Result<Self> {
        let folder = engine.path(&format!("worker-{number}"));
        fs_err::create_dir_all(&folder)?;
        let proxy = FaultProxy::start(&engine.path(&format!("proxy-{number}.sock")), &engine.socket())?;
        Ok(Self { engine, folder, proxy, number, tool })
    }

    /// Runs the change once undisturbed, and remembers what it leads to.
    pub(crate) fn bench(&self, project: &'static Project) -> Result<Bench<'_, 'e>> {
        let name = format!("wlf{}-{}", self.number, project.name);
        let mut bench = Bench { worker: self, project, name, wanted: None, calls: Calls::default() };
        bench.prepare().context("without any fault")?;
        self.proxy.arm(None);
        let ran = bench.change(None)?;
        bench.calls = self.proxy.disarm();
        ensure!(ran.code == Some(0), "{} fails without any fault:\n{}", project.name, ran.said);
        bench.wanted = Some(bench.shape(&bench.state()?));
        if let Err(what) = bench.settled() {
            bail!("{} without any fault: {what}", project.name);
        }
        bench.clear()?;
        Ok(bench)
    }
}

impl Bench<'_, '_> {
    /// One case. Errors are the harness's own trouble.
    pub(crate) fn run(&self, kind: Kind, number: usize) -> Result<Verdict> {
        self.prepare()?;
        let before = self.state()?;
        let process = Arc::new(Mutex::new(None));
        let act = self.act(kind, &process);
        self.worker.proxy.arm(Some(Order { scope: kind.scope(), number, fault: kind.fault(act) }));
        let ran = self.change(Some(&process))?;
        let calls = self.worker.proxy.disarm();
        let Some(call) = calls.hit else { return Ok(Verdict::Over) };
        let judged = self.judge(kind, &ran, &before).and_then(|()| self.settled());
        Ok(match judged {
            Ok(()) => Verdict::Right,
            Err(what) => Verdict::Wrong { what: format!("{what}{}", quoted(&ran)), call },
        })
    }

    /// Takes everything of the project away.
    pub(crate) fn clear(&self) -> Result<()> {
        self.worker.engine.api().clear(&self.name)
    }

    fn act(&self, kind: Kind, process: &Arc<Mutex<Option<u32>>>) -> Arc<dyn Fn() + Send + Sync> {
        let process = Arc::clone(process);
        let engine = Arc::clone(self.worker.engine);
        Arc::new(move || {
            let id = process.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_default();
            match kind {
                Kind::Kill => drop(signal(id, "KILL")),
                Kind::Interrupt => drop(signal(id, "INT")),
                Kind::InterruptTwice => {
                    drop(signal(id, "INT"));
                    taken(id);
                    drop(signal(id, "INT"));
                }
                Kind::Restart => drop(engine.restart()),
                _ => {}
            }
        })
    }

    /// The project as its first file says, and no other.
    fn prepare(&self) -> Result<()> {
        self.worker.engine.api().clear(&self.name)?;
        let load = self.project.load.as_ref();
        self.write(self.project.before, load.map(|load| load.before))?;
        if self.project.before.is_empty() {
            return Ok(());
        }
        let ran = self.windlass(&["up", "-d"], None)?;
        ensure!(ran.code == Some(0), "{}: the first file does not come up:\n{}", self.project.name, ran.said);
        Ok(())
    }

    fn write(&self, file: &str, data: Option<&str>) -> Result<()> {
        let plugins = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/dist/fixtures");
        fs_err::write(
            self.worker.folder.join("compose.yaml"),
            projects::text(file, &self.name, self.worker.number, plugins),
        )?;
        if let Some(data) = data {
            fs_err::write(self.worker.folder.join("data.txt"), data)?;
        }
        Ok(())
    }

    /// The change itself.
    fn change(&self, process: Option<&Mutex<Option<u32>>>) -> Result<Ran> {
        self.write(self.project.after, self.project.load.as_ref().map(|load| load.after))?;
        self.windlass(self.project.command, process)
    }

    /// Runs Windlass in the engine's network, so that it can reach the containers.
    fn windlass(&self, args: &[&str], process: Option<&Mutex<Option<u32>>>) -> Result<Ran> {
        let mut command = self.worker.engine.inside(Path::new(&self.worker.tool[0]));
        command.args(&self.worker.tool[1..]).args(["-p", &self.name]).args(args).current_dir(&self.worker.folder);
        command.env("DOCKER_HOST", format!("unix://{}", self.worker.proxy.socket().display()));
        // Locks of projects are the harness's own: another one may have projects of the same names on another engine.
        command.env("XDG_RUNTIME_DIR", &self.worker.folder);
        for name in ["COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "DOCKER_CONTEXT", "COMPOSE_PROFILES"] {
            command.env_remove(name);
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        if let Some(process) = process {
            *process.lock().unwrap_or_else(PoisonError::into_inner) = Some(child.id());
        }
        finish(child)
    }

    fn state(&self) -> Result<State> {
        self.worker.engine.api().state(&self.name)
    }

    fn shape(&self, state: &State) -> Shape {
        Shape::of(state, &self.name)
    }

    /// Right after the spoiled run.
    fn judge(&self, kind: Kind, ran: &Ran, before: &State) -> Result<(), String> {
        judge::words(kind, ran)?;
        let after = self.state().map_err(|error| format!("{error:#}"))?;
        if ran.code == Some(0) && !kind.stops_all() && !kind.misleads() {
            judge::same(self.wanted.as_ref(), &self.shape(&after)).map_err(|what| format!("exit 0, but {what}"))?;
        }
        if kind.kills() || kind.stops_all() {
            return Ok(());
        }
        judge::kept(self.project, before, &after)
    }

    /// The runs after it: the next one puts everything right, and the one after that has nothing to do.
    fn settled(&self) -> Result<(), String> {
        let tell = |error: anyhow::Error| format!("{error:#}");
        let next = self.windlass(self.project.command, None).map_err(tell)?;
        if next.code != Some(0) {
            return Err(format!("the next run fails with {:?}:{}", next.code, quoted(&next)));
        }
        let state = self.state().map_err(tell)?;
        judge::same(self.wanted.as_ref(), &self.shape(&state)).map_err(|what| format!("after the next run {what}"))?;
        self.loaded().map_err(|what| format!("after the next run {what}"))?;
        self.worker.proxy.arm(None);
        let last = self.windlass(self.project.command, None).map_err(tell)?;
        let changing = self.worker.proxy.disarm().changing;
        if last.code != Some(0) || !changing.is_empty() {
            return Err(format!("the run after the next one is not idle (exit {:?}): {changing:?}", last.code));
        }
        Ok(())
    }

    fn loaded(&self) -> Result<(), String> {
        let Some(load) = &self.project.load else { return Ok(()) };
        let log = self.worker.engine.in_volume(&format!("{}_{}", self.name, load.volume), "log");
        judge::loaded(load, &log)
    }
}

/// Waits until a process has taken a signal: a second one that comes before is the same as one.
fn taken(process: u32) {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(2) {
        let status = fs_err::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let pending = status.lines().filter(|line| line.starts_with("SigPnd") || line.starts_with("ShdPnd"));
        if pending.flat_map(|line| line.split_whitespace().nth(1)).all(|mask| mask.bytes().all(|digit| digit == b'0')) {
            return;
        }
    }
}

fn finish(mut child: Child) -> Result<Ran> {
    let (id, begin) = (child.id(), Instant::now());
    let waiting = std::thread::spawn(move || {
        // The output is taken while it comes, or a full pipe would stop the process.
        let mut output = Output { status: std::process::ExitStatus::default(), stdout: Vec::new(), stderr: Vec::new() };
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let reader = std::thread::spawn(move || read(out));
        output.stderr = read(err);
        output.stdout = reader.join().unwrap_or_default();
        child.wait().map(|status| Output { status, ..output })
    });
    let mut hung = false;
    while !waiting.is_finished() {
        if begin.elapsed() > PATIENCE && !hung {
            hung = true;
            signal(id, "KILL")?;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let Ok(output) = waiting.join() else { bail!("the reader panicked") };
    let output = output?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    Ok(Ran { code: output.status.code(), said, hung })
}

fn read(stream: Option<impl std::io::Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        drop(stream.read_to_end(&mut bytes));
    }
    bytes
}

/// The last lines of what it said, for a report.
fn quoted(ran: &Ran) -> String {
    let lines: Vec<&str> = ran.said.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(6)..];
    last.iter().map(|line| format!("\n      | {line}")).collect()
}
