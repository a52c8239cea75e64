//! Fakes, to test plugins natively: no network, no files, no time passes.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use crate::http::{Request, Response};
use crate::inputs::Input;
use crate::net::NetError;
use crate::tcp::TcpStream;
use crate::{Call, Context, Diagnostic, Host, Http, Inputs, Severity, Target, Tcp};

/// The service `NAME`, replica 1.
pub fn target(service: &str) -> Target {
    Target { service: service.to_owned(), index: 1, container_id: Some("c0ffee".to_owned()), authority: None }
}

/// A whole fake world. Set what the test needs, take a [`World::context`], look at what happened.
pub struct World {
    /// Call of the context.
    pub call: Call,
    /// Settings of the context.
    pub settings: String,
    /// Host.
    pub host: FakeHost,
    /// Network.
    pub http: FakeHttp,
    /// Network.
    pub tcp: FakeTcp,
    /// Files.
    pub inputs: MemoryInputs,
}

impl World {
    /// A world with these settings, where nothing answers.
    pub fn new(settings: &serde_json::Value) -> Self {
        let call = Call { run_id: "r1".into(), project: "demo".into(), stage: "probe".into(), attempt: 1 };
        Self {
            call,
            settings: settings.to_string(),
            host: FakeHost::default(),
            http: FakeHttp::default(),
            tcp: FakeTcp::default(),
            inputs: MemoryInputs::default(),
        }
    }

    /// Answers every HTTP request.
    #[must_use]
    pub fn answering(mut self, answer: impl Fn(&Request) -> Result<Response, NetError> + 'static) -> Self {
        self.http.answer = Box::new(answer);
        self
    }

    /// The context.
    pub fn context(&self) -> Context<'_> {
        Context {
            call: &self.call,
            host: &self.host,
            http: &self.http,
            tcp: &self.tcp,
            inputs: &self.inputs,
            settings_json: &self.settings,
        }
    }
}

/// Records what the plugin says. Time passes only when it sleeps.
#[derive(Debug)]
pub struct FakeHost {
    /// Log lines.
    pub logs: RefCell<Vec<(Severity, String)>>,
    /// Findings.
    pub reports: RefCell<Vec<Diagnostic>>,
    /// Progress: done, total, label.
    pub progress: RefCell<Vec<(u64, Option<u64>, String)>>,
    /// Time asleep.
    pub slept: Cell<Duration>,
    /// Time of the call.
    pub limit: Duration,
    /// What `cancelled` says.
    pub cancel: Cell<bool>,
}

impl Default for FakeHost {
    fn default() -> Self {
        Self {
            logs: RefCell::default(),
            reports: RefCell::default(),
            progress: RefCell::default(),
            slept: Cell::default(),
            limit: Duration::from_secs(60),
            cancel: Cell::default(),
        }
    }
}

impl Host for FakeHost {
    fn log(&self, severity: Severity, message: &str) {
        self.logs.borrow_mut().push((severity, message.to_owned()));
    }

    fn report(&self, diagnostic: &Diagnostic) {
        self.reports.borrow_mut().push(diagnostic.clone());
    }

    fn progress(&self, done: u64, total: Option<u64>, label: &str) {
        self.progress.borrow_mut().push((done, total, label.to_owned()));
    }

    fn sleep(&self, duration: Duration) {
        self.slept.set(self.slept.get() + duration);
    }

    fn remaining(&self) -> Duration {
        self.limit.saturating_sub(self.slept.get())
    }

    fn cancelled(&self) -> bool {
        self.cancel.get()
    }

    fn now(&self) -> Duration {
        self.slept.get()
    }
}

/// Answers a request.
pub type Answer = Box<dyn Fn(&Request) -> Result<Response, NetError>>;

/// A network with one peer.
pub struct FakeHttp {
    /// The peer.
    pub answer: Answer,
    /// All requests, in order.
    pub requests: RefCell<Vec<Request>>,
}

impl Default for FakeHttp {
    fn default() -> Self {
        Self { answer: Box::new(|_| Err(NetError::new("connect", "connection refused"))), requests: RefCell::default() }
    }
}

impl Http for FakeHttp {
    fn send(&self, request: &Request) -> Result<Response, NetError> {
        self.requests.borrow_mut().push(request.clone());
        (self.answer)(request)
    }
}

/// An answer with a JSON body.
///
/// # Errors
/// Never; the type is that of [`Http::send`].
pub fn json(status: u16, body: &serde_json::Value) -> Result<Response, NetError> {
    text(status, &body.to_string())
}

/// An answer with a text body.
///
/// # Errors
/// Never; the type is that of [`Http::send`].
pub fn text(status: u16, body: &str) -> Result<Response, NetError> {
    Ok(Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() })
}

/// A peer that sends these pieces after the connection and then stays silent; `None`: nobody listens.
#[derive(Debug, Default)]
pub struct FakeTcp {
    /// What the peer sends.
    pub banner: Option<Vec<Vec<u8>>>,
    /// Whether it then closes.
    pub closes: bool,
    /// Who was dialled.
    pub dialled: RefCell<Vec<(String, u16)>>,
}

impl Tcp for FakeTcp {
    fn connect(&self, host: &str, port: u16, _timeout: Duration) -> Result<Box<dyn TcpStream>, NetError> {
        self.dialled.borrow_mut().push((host.to_owned(), port));
        let pieces = self.banner.clone().ok_or_else(|| NetError::new("connect", "connection refused"))?;
        Ok(Box::new(FakeStream { pieces: pieces.into(), closes: self.closes }))
    }
}

struct FakeStream {
    pieces: VecDeque<Vec<u8>>,
    closes: bool,
}

impl TcpStream for FakeStream {
    fn read(&mut self, _max: usize, timeout: Duration) -> Result<Vec<u8>, NetError> {
        match self.pieces.pop_front() {
            Some(piece) => Ok(piece),
            None if self.closes => Ok(Vec::new()),
            None => Err(NetError::new("read", format!("nothing was received within {} ms", timeout.as_millis()))),
        }
    }

    fn write(&mut self, _bytes: &[u8], _timeout: Duration) -> Result<(), NetError> {
        Ok(())
    }
}

/// Inputs in memory.
#[derive(Debug, Default)]
pub struct MemoryInputs {
    files: Vec<(Input, Vec<u8>)>,
    /// Bytes given at a time; 0: as many as asked for.
    pub piece: usize,
}

impl MemoryInputs {
    /// Adds a file. Its digest is made up of its content, without being SHA-256.
    #[must_use]
    pub fn with(mut self, name: &str, role: &str, content: &str) -> Self {
        let sum = content.bytes().fold(7u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let input = Input {
            name: name.to_owned(),
            size: content.len() as u64,
            sha256: format!("{sum:016x}").repeat(4),
            role: role.to_owned(),
        };
        self.files.push((input, content.as_bytes().to_vec()));
        self
    }
}

impl Inputs for MemoryInputs {
    fn list(&self) -> Vec<Input> {
        self.files.iter().map(|(input, _)| input.clone()).collect()
    }

    fn read(&self, name: &str, offset: u64, max: u32) -> Result<Vec<u8>, String> {
        let (_, content) = self.files.iter().find(|(input, _)| input.name == name).ok_or("no such input")?;
        let rest = content.get(usize::try_from(offset).unwrap_or(usize::MAX)..).unwrap_or_default();
        let most = if self.piece == 0 { max as usize } else { self.piece.min(max as usize) };
        Ok(rest[..rest.len().min(most)].to_vec())
    }
}
