//! Engines behind `ssh`: one connection, in which every connection to the engine is a session of its own.
//!
//! The system's `ssh` does it, with the user's settings, keys and agents. A *master* signs in once and listens at a socket
//! in a private directory; further `ssh` processes are its clients, and cost no sign-in. Each runs `docker system
//! dial-stdio` there, as the `docker` command line does, or asks for a connection to an address as seen from there.

use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, BufReader, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use crate::error::is_no_way;

/// How long the sign-in may take: people type passwords and touch keys.
const SIGN_IN: Duration = Duration::from_secs(120);
/// Bytes of ssh's own words that are kept.
const WORDS: usize = 4096;
/// Where the socket's directory is made: the path of a socket must be short.
const SOCKETS: &str = "/tmp";
/// What ssh reports, with `-v`, once the other side has opened the connection it was asked for.
const OPENED: &str = "master session id";

/// ssh ended with these words.
#[derive(Debug, thiserror::Error)]
#[error("ssh: {words}")]
pub(crate) struct SshFailed {
    /// The last lines it wrote, as one.
    words: String,
}

/// A way to a host.
pub(crate) struct Ssh {
    /// Arguments of `ssh` that say where and as whom, without the host.
    options: Vec<String>,
    host: String,
    /// Environment of `ssh`; empty: this process's own.
    environment: Vec<(String, String)>,
    master: OnceCell<Master>,
}

/// The process that holds the connection, and the directory of its socket; both go with it.
struct Master {
    directory: tempfile::TempDir,
    _process: Child,
    /// How often it said that the other side has no way to an address.
    no_ways: Arc<AtomicUsize>,
    /// Reads what it says: it would stand still once the pipe is full. Ends with the master.
    _listening: JoinSet<()>,
}

impl Master {
    fn new(directory: tempfile::TempDir, mut process: Child) -> Self {
        let no_ways = Arc::new(AtomicUsize::new(0));
        let mut listening = JoinSet::new();
        if let Some(words) = process.stderr.take() {
            listening.spawn(listen(words, Arc::clone(&no_ways)));
        }
        Self { directory, _process: process, no_ways, _listening: listening }
    }
}

async fn listen(words: ChildStderr, no_ways: Arc<AtomicUsize>) {
    let mut lines = BufReader::new(words).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        if is_no_way(&String::from_utf8_lossy(&line)) {
            no_ways.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Ssh {
    pub(crate) fn new(options: Vec<String>, host: String, environment: Vec<(String, String)>) -> Self {
        Self { options, host, environment, master: OnceCell::new() }
    }

    /// All arguments, for messages and tests.
    #[cfg(test)]
    pub(crate) fn arguments(&self) -> String {
        [self.options.join(" "), self.host.clone()].join(" -- ").trim().to_owned()
    }

    /// A connection to the engine there.
    pub(crate) async fn engine(&self) -> io::Result<SshStream> {
        let mut command = self.client().await?;
        command.args(["-T", "--", &self.host, "docker", "system", "dial-stdio"]);
        SshStream::start(command)
    }

    /// A connection to an address as seen from there; resolves when it stands.
    pub(crate) async fn forward(&self, address: &str) -> io::Result<SshStream> {
        let mut command = self.client().await?;
        command.args(["-v", "-W", address, "--", &self.host]);
        let master = self.master.get().map(|master| &master.no_ways);
        let known = master.map(|count| count.load(Ordering::Relaxed));
        let mut stream = SshStream::start(command)?;
        let opened = stream.opened().await;
        // The client is told only that it failed; the master is told why. Where it says so too late for this attempt, the
        // next one has it.
        match (opened, master.map(|count| count.load(Ordering::Relaxed))) {
            (Err(error), now) if now > known => Err(io::Error::new(io::ErrorKind::HostUnreachable, error)),
            (opened, _) => opened.map(|()| stream),
        }
    }

    /// `ssh` as a client of the master.
    async fn client(&self) -> io::Result<Command> {
        let master = self.master.get_or_try_init(|| self.sign_in()).await?;
        let mut command = self.command();
        command.arg("-S").arg(master.directory.path().join("s")).args(["-o", "ControlMaster=no"]);
        Ok(command)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("ssh");
        if !self.environment.is_empty() {
            command.env_clear().envs(self.environment.iter().cloned());
        }
        command.args(&self.options).args(["-o", "RemoteCommand=none"]).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts the master. It says so itself when it is ready: its local command runs once its socket listens.
    async fn sign_in(&self) -> io::Result<Master> {
        let directory = tempfile::Builder::new().prefix("windlass-ssh-").tempdir_in(SOCKETS)?;
        let mut command = self.command();
        command.args(["-M", "-N", "-T", "-S"]).arg(directory.path().join("s"));
        // Its words tell why an address cannot be reached, at a level that the user's settings may leave out.
        let ready = ["LogLevel=INFO", "ControlPersist=no", "PermitLocalCommand=yes", "LocalCommand=echo ready"];
        command.args(ready.iter().flat_map(|option| ["-o", option])).args(["--", &self.host]);
        let mut process = command.spawn()?;
        let output = process.stdout.take().ok_or_else(no_pipes)?;
        let mut line = String::new();
        let told = tokio::time::timeout(SIGN_IN, BufReader::new(output).read_line(&mut line)).await;
        match told {
            Ok(Ok(bytes)) if bytes > 0 => Ok(Master::new(directory, process)),
            Ok(_) => Err(failed(&rest(process.stderr.take()).await)),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "ssh did not sign in within two minutes")),
        }
    }
}

fn no_pipes() -> io::Error {
    io::Error::other("ssh was started without pipes")
}

/// What a process writes until it closes its standard error.
async fn rest(stderr: Option<ChildStderr>) -> Vec<u8> {
    let mut words = Vec::new();
    if let Some(stderr) = stderr {
        // What could be read counts, whatever ended the reading.
        drop(stderr.take(WORDS as u64).read_to_end(&mut words).await);
    }
    words
}

fn failed(words: &[u8]) -> io::Error {
    let text = String::from_utf8_lossy(words);
    let told = text.lines().map(str::trim).filter(|line| !line.is_empty() && !is_noise(line));
    let words = told.collect::<Vec<_>>().join("; ");
    let words = if words.is_empty() { "it ended without a word".to_owned() } else { words };
    io::Error::new(io::ErrorKind::ConnectionRefused, SshFailed { words })
}

/// What says nothing about a failure.
fn is_noise(line: &str) -> bool {
    line.starts_with("debug1:") || line.starts_with("OpenSSH_") || line.starts_with("Warning: Permanently added")
}

/// The pipes of an `ssh` process, which lives as long as they do.
pub(crate) struct SshStream {
    input: Option<ChildStdin>,
    output: ChildStdout,
    words: ChildStderr,
    heard: Vec<u8>,
    /// Something came through: then an end is an end, and no failure.
    answered: bool,
    _process: Child,
}

impl SshStream {
    fn start(mut command: Command) -> io::Result<Self> {
        let mut process = command.stdin(Stdio::piped()).spawn()?;
        let (input, output, words) = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (Some(input), Some(output), Some(words)) = (input, output, words) else { return Err(no_pipes()) };
        Ok(Self { input: Some(input), output, words, heard: Vec::new(), answered: false, _process: process })
    }

    /// Waits until the other side has opened the connection.
    async fn opened(&mut self) -> io::Result<()> {
        let mut buffer = [0; 512];
        while !String::from_utf8_lossy(&self.heard).contains(OPENED) {
            let read = self.words.read(&mut buffer).await?;
            if read == 0 {
                return Err(failed(&self.heard));
            }
            self.heard.extend_from_slice(&buffer[..read]);
        }
        Ok(())
    }

    /// Takes what ssh says, so that it never waits for us; true at its end.
    fn listen(&mut self, cx: &mut Context<'_>) -> bool {
        let mut buffer = [0; 512];
        loop {
            let mut read = ReadBuf::new(&mut buffer);
            match Pin::new(&mut self.words).poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) if read.filled().is_empty() => return true,
                Poll::Ready(Ok(())) => {
                    let room = WORDS.saturating_sub(self.heard.len()).min(read.filled().len());
                    self.heard.extend_from_slice(&read.filled()[..room]);
                }
                Poll::Ready(Err(_)) => return true,
                Poll::Pending => return false,
            }
        }
    }
}

impl AsyncRead for SshStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let silent = self.listen(cx);
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.output).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            self.answered = true;
            return Poll::Ready(Ok(()));
        }
        if self.answered {
            return Poll::Ready(Ok(()));
        }
        // It ended before the engine said anything: why is in ssh's own words, all of which are waited for.
        if silent || self.listen(cx) { Poll::Ready(Err(failed(&self.heard))) } else { Poll::Pending }
    }
}

impl AsyncWrite for SshStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.input {
            Some(input) => Pin::new(input).poll_write(cx, buf),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.input {
            Some(input) => Pin::new(input).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Closes the pipe, which is how the other side learns that nothing more comes.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        self.input = None;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_ssh_without_its_chatter() {
        let error = failed(b"OpenSSH_9.2p1\ndebug1: x\nme@box: Permission denied (publickey).\r\n");
        assert_eq!(error.to_string(), "ssh: me@box: Permission denied (publickey).");
        assert_eq!(failed(b"").to_string(), "ssh: it ended without a word");
    }
}
