//! A Docker Engine of the harness's own: beside the user's, in a network namespace of its own, and gone afterwards.
//!
//! Faults include restarts of the engine, and thousands of containers come and go: neither is for an engine that somebody else
//! uses. In a namespace of its own its bridges, firewall rules and host ports meet nobody else's.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::api::Api;

/// The image of the tests, as `scripts/test-images` makes it.
pub(crate) const IMAGE: &str = "windlass-test/busybox:1";
/// A start takes two seconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why the harness cannot run here; `None`: it can.
pub(crate) fn missing() -> Option<&'static str> {
    let runs = |program: &str, args: &[&str]| {
        let ran =
            Command::new(program).args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        ran.is_ok_and(|status| status.success())
    };
    if !runs("docker", &["image", "inspect", IMAGE]) {
        Some("no engine answers, or it has no image windlass-test/busybox:1 (scripts/test-images makes it)")
    } else if !runs("dockerd", &["--version"]) {
        Some("no `dockerd` in PATH to start an engine of its own")
    } else if !runs("unshare", &["--net", "true"]) {
        Some("an engine of its own needs the rights to make a network namespace (root)")
    } else {
        None
    }
}

/// An engine that runs until it is dropped.
pub(crate) struct Engine {
    folder: tempfile::TempDir,
    /// Holds the namespace while the engine is away.
    namespace: Child,
    daemon: Mutex<Child>,
}

impl Engine {
    /// Starts it and gives it the image of the tests.
    pub(crate) fn start() -> Result<Self> {
        // Not below /tmp, which may be in memory.
        let folder = tempfile::Builder::new().prefix("windlass-faults-").tempdir_in("/var/tmp")?;
        fs_err::write(folder.path().join("none.json"), "{}")?;
        let namespace = namespace()?;
        let daemon = Mutex::new(daemon(folder.path(), namespace.id())?);
        let engine = Self { folder, namespace, daemon };
        engine.wait()?;
        engine.load()?;
        Ok(engine)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("docker.sock")
    }

    pub(crate) fn api(&self) -> Api {
        Api::new(&self.socket())
    }

    /// Files of one worker.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a container wrote to a file of a volume; empty where there is no such volume or file.
    pub(crate) fn in_volume(&self, volume: &str, file: &str) -> String {
        let path = self.folder.path().join("data/volumes").join(volume).join("_data").join(file);
        fs_err::read_to_string(path).unwrap_or_default()
    }

    /// A command inside the network namespace; the process is the command's own, so that signals reach it.
    pub(crate) fn inside(&self, program: &Path) -> Command {
        inside(self.namespace.id(), program)
    }

    /// Stops it with everything that runs, and starts it again.
    pub(crate) fn restart(&self) -> Result<()> {
        let mut running = self.daemon.lock().unwrap_or_else(PoisonError::into_inner);
        stop(&mut running)?;
        *running = daemon(self.folder.path(), self.namespace.id())?;
        drop(running);
        self.wait()
    }

    fn wait(&self) -> Result<()> {
        let (begin, api) = (Instant::now(), self.api());
        while api.call("GET", "/_ping").map_or(true, |answer| answer.status != 200) {
            let ended = self.daemon.lock().unwrap_or_else(PoisonError::into_inner).try_wait()?;
            if ended.is_some() || begin.elapsed() > PATIENCE {
                let log = fs_err::read_to_string(self.folder.path().join("dockerd.log")).unwrap_or_default();
                let last: Vec<&str> = log.lines().rev().take(10).collect();
                bail!("the private engine does not answer; the end of its log, last line first:\n{}", last.join("\n"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn load(&self) -> Result<()> {
        let mut save = Command::new("docker").args(["save", IMAGE]).stdout(Stdio::piped()).spawn()?;
        let mut load = Command::new("docker");
        load.arg("--host").arg(format!("unix://{}", self.socket().display())).args(["load", "--quiet"]);
        let loaded = load.stdin(save.stdout.take().context("piped")?).stdout(Stdio::null()).status()?;
        if !save.wait()?.success() || !loaded.success() {
            bail!("the image {IMAGE} could not be copied to the private engine");
        }
        Ok(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(stop(&mut self.daemon.lock().unwrap_or_else(PoisonError::into_inner)));
        drop(self.namespace.kill());
        drop(self.namespace.wait());
    }
}

/// A process that holds a network namespace with a loopback interface.
fn namespace() -> Result<Child> {
    let mut command = Command::new("unshare");
    command.args(["--net", "sh", "-c", "ip link set lo up && echo ready && exec sleep infinity"]);
    let mut holder = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(holder.stdout.take().context("piped")?).read_line(&mut line)?;
    if line.trim() != "ready" {
        drop(holder.kill());
        bail!("no network namespace");
    }
    Ok(holder)
}

/// Not `ip netns exec`: that mounts a new /sys, which hides the control groups.
fn inside(namespace: u32, program: &Path) -> Command {
    let mut command = Command::new("nsenter");
    command.arg(format!("--net=/proc/{namespace}/ns/net")).arg(program);
    command
}

fn daemon(folder: &Path, namespace: u32) -> Result<Child> {
    let log = fs_err::OpenOptions::new().create(true).append(true).open(folder.join("dockerd.log"))?.into_file();
    let mut command = inside(namespace, Path::new("dockerd"));
    for (flag, name) in
        [("--data-root", "data"), ("--exec-root", "exec"), ("--pidfile", "dockerd.pid"), ("--config-file", "none.json")]
    {
        command.arg(flag).arg(folder.join(name));
    }
    command.arg("--host").arg(format!("unix://{}", folder.join("docker.sock").display()));
    command.args(["--cgroup-parent", "/windlass-faults", "--shutdown-timeout", "5"]);
    Ok(command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?)
}

/// Asks it to end and waits for that: a killed engine leaves mounts behind.
fn stop(daemon: &mut Child) -> Result<()> {
    signal(daemon.id(), "TERM")?;
    daemon.wait()?;
    Ok(())
}

/// Sends a signal by name (`INT`).
pub(crate) fn signal(process: u32, name: &str) -> Result<()> {
    Command::new("kill").args([&format!("-{name}"), &process.to_string()]).stderr(Stdio::null()).status()?;
    Ok(())
}

/// Reads everything that an engine answers to one request.
pub(crate) fn exchange(socket: &Path, request: &[u8]) -> std::io::Result<Vec<u8>> {
    use std::io::Write as _;
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
