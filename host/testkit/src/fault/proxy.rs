//! The proxy's threads: one accepts, two carry each connection.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;

use super::head::{self, Head};
use super::{Fault, Order, Scope};

/// Listens on a unix socket and passes everything to the engine's, but for the one call that it was [told](Self::arm) to
/// spoil. Ends all its connections when dropped.
#[derive(Debug)]
pub struct FaultProxy {
    socket: PathBuf,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    engine: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    order: Option<Order>,
    changing: Vec<String>,
    reading: Vec<String>,
    hit: Option<String>,
    ending: bool,
    events: Vec<UnixStream>,
    connections: Vec<Connection>,
}

/// One call under way.
#[derive(Debug)]
struct Connection {
    client: UnixStream,
    /// The way to the engine, once there is one.
    engine: Arc<OnceLock<UnixStream>>,
    thread: JoinHandle<()>,
}

/// The calls since the proxy was last armed, in order of arrival, each as `METHOD /path`.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    /// Those that change something.
    pub changing: Vec<String>,
    /// The others.
    pub reading: Vec<String>,
    /// The call that was spoiled; `None`: there were not that many.
    pub hit: Option<String>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers a call, and tells what is to happen to it.
    fn number(&self, head: &Head) -> Option<Fault> {
        let mut state = self.state();
        let scope = head.scope();
        let list = if scope == Scope::Changing { &mut state.changing } else { &mut state.reading };
        list.push(head.title());
        let number = list.len();
        let order = state.order.take_if(|order| order.scope == scope && order.number == number)?;
        state.hit = Some(head.title());
        Some(order.fault)
    }
}

impl FaultProxy {
    /// Listens at `socket`, which must not exist yet, for an engine at `engine`.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn start(socket: &Path, engine: &Path) -> io::Result<Self> {
        let listener = UnixListener::bind(socket)?;
        let shared = Arc::new(Shared { engine: engine.to_owned(), state: Mutex::default() });
        let accepting = Arc::clone(&shared);
        let thread = std::thread::spawn(move || accept(&listener, &accepting));
        Ok(Self { socket: socket.to_owned(), shared, listener: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Forgets all calls and spoils one of those to come; `None`: only counts.
    pub fn arm(&self, order: Option<Order>) {
        let mut state = self.shared.state();
        (state.order, state.hit) = (order, None);
        state.changing.clear();
        state.reading.clear();
    }

    /// What was called since, and no more faults.
    #[must_use]
    pub fn disarm(&self) -> Calls {
        let mut state = self.shared.state();
        state.order = None;
        Calls { changing: state.changing.clone(), reading: state.reading.clone(), hit: state.hit.clone() }
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.state().ending = true;
        // Wakes the one who accepts.
        drop(UnixStream::connect(&self.socket));
        if let Some(listener) = self.listener.take() {
            drop(listener.join());
        }
        let connections = std::mem::take(&mut self.shared.state().connections);
        for Connection { client, engine, thread } in connections {
            drop(client.shutdown(Shutdown::Both));
            // An engine may keep a stream of output open after its client has gone.
            if let Some(engine) = engine.get() {
                drop(engine.shutdown(Shutdown::Both));
            }
            drop(thread.join());
        }
        drop(fs_err::remove_file(&self.socket));
    }
}

fn accept(listener: &UnixListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        let mut state = shared.state();
        if state.ending {
            return;
        }
        state.connections.retain(|connection| !connection.thread.is_finished());
        let Ok(stream) = stream else { continue };
        let (Ok(client), Ok(whole)) = (stream.try_clone(), stream.try_clone()) else { continue };
        let (owner, engine) = (Arc::clone(shared), Arc::<OnceLock<UnixStream>>::default());
        let upstream = Arc::clone(&engine);
        let thread = std::thread::spawn(move || {
            // A client that goes away ends its connection with an error, which is nobody's concern.
            drop(serve(&owner, stream, &upstream));
            // Where the engine could not be reached, too: the list of connections holds the same stream, which would stay open.
            drop(whole.shutdown(Shutdown::Both));
        });
        state.connections.push(Connection { client, engine, thread });
    }
}

/// One connection: one call.
fn serve(shared: &Shared, mut client: UnixStream, upstream: &OnceLock<UnixStream>) -> io::Result<()> {
    let Some(head) = Head::read(&mut client)? else { return Ok(()) };
    let fault = shared.number(&head);
    match &fault {
        Some(Fault::Status(code)) => {
            head.drain(&mut client)?;
            client.write_all(&refusal(*code, &head.title()))?;
            // Dropping it is no end: the list of connections holds the same stream.
            return client.shutdown(Shutdown::Both);
        }
        Some(Fault::CutBefore) => return client.shutdown(Shutdown::Both),
        // The fault itself, not a wait for something.
        Some(Fault::Delay(time)) => std::thread::sleep(*time),
        _ => {}
    }
    let mut engine = UnixStream::connect(&shared.engine)?;
    // It is set once: a connection is one call.
    drop(upstream.set(engine.try_clone()?));
    if head.is_events() {
        shared.state().events.push(client.try_clone()?);
    }
    engine.write_all(&head.for_engine())?;
    engine.write_all(&head.rest)?;
    let upward = upload(client.try_clone()?, engine.try_clone()?);
    let passed = answer(shared, &head, fault, &mut client, &mut engine);
    drop(client.shutdown(Shutdown::Both));
    drop(engine.shutdown(Shutdown::Both));
    drop(upward.join());
    passed
}

/// Carries the request's body, and later the end of the client's stream, to the engine.
fn upload(mut client: UnixStream, mut engine: UnixStream) -> JoinHandle<()> {
    std::thread::spawn(move || {
        drop(io::copy(&mut client, &mut engine));
        drop(engine.shutdown(Shutdown::Write));
    })
}

/// Carries the answer. A fault that needs the engine's work done waits for the whole of it, or for its head where the answer
/// may never end.
fn answer(
    shared: &Shared,
    head: &Head,
    fault: Option<Fault>,
    client: &mut UnixStream,
    engine: &mut UnixStream,
) -> io::Result<()> {
    let mut held = Vec::new();
    if let Some(fault) = fault.filter(|fault| !matches!(fault, Fault::Delay(_))) {
        if head.is_endless() {
            let (first, rest) = head::read(engine)?.unwrap_or_default();
            held = [first, rest].concat();
        } else {
            engine.read_to_end(&mut held)?;
        }
        match fault {
            Fault::CutAfter => return Ok(()),
            Fault::EndEvents => {
                shared.state().events.drain(..).for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
            }
            Fault::Then(act) => act(),
            Fault::Status(_) | Fault::CutBefore | Fault::Delay(_) => {}
        }
    }
    client.write_all(&held)?;
    io::copy(engine, client).map(drop)
}

fn refusal(code: u16, title: &str) -> Vec<u8> {
    let body = serde_json::json!({ "message": format!("fault on purpose: {code} for {title}") }).to_string();
    format!(
        "HTTP/1.1 {code} Fault\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// An engine that counts its calls and answers `done`.
    fn engine(path: &Path) -> Arc<AtomicUsize> {
        let listener = UnixListener::bind(path).expect("it can listen");
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                if head::read(&mut stream).expect("a head").is_some() {
                    counted.fetch_add(1, Ordering::SeqCst);
                    stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ndone").expect("written");
                }
            }
        });
        count
    }

    /// The answer's text; empty: the connection ended without one.
    fn call(proxy: &FaultProxy, line: &str) -> String {
        let mut stream = UnixStream::connect(proxy.socket()).expect("it listens");
        stream.write_all(format!("{line} HTTP/1.1\r\nContent-Length: 0\r\n\r\n").as_bytes()).expect("written");
        let mut text = String::new();
        drop(stream.read_to_string(&mut text));
        text
    }

    fn spoiled(scope: Scope, number: usize, fault: Fault) -> (Vec<String>, usize, Calls) {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let count = engine(&folder.path().join("engine"));
        let proxy = FaultProxy::start(&folder.path().join("proxy"), &folder.path().join("engine")).expect("it starts");
        proxy.arm(Some(Order { scope, number, fault }));
        let lines = ["GET /a", "POST /b", "POST /c", "GET /d"];
        let answers = lines.iter().map(|line| call(&proxy, line)).collect();
        (answers, count.load(Ordering::SeqCst), proxy.disarm())
    }

    #[test]
    fn a_status_replaces_the_engines_answer_to_one_call() {
        let (answers, reached, calls) = spoiled(Scope::Changing, 2, Fault::Status(409));
        assert!(answers[2].starts_with("HTTP/1.1 409 ") && answers[2].contains("POST /c"), "{answers:?}");
        assert_eq!((reached, calls.hit.as_deref()), (3, Some("POST /c")));
        assert_eq!(
            (calls.changing, calls.reading),
            (vec!["POST /b".into(), "POST /c".into()], vec!["GET /a".into(), "GET /d".into()])
        );
        assert!([0, 1, 3].iter().all(|n| answers[*n].ends_with("done")), "{answers:?}");
    }

    #[test]
    fn a_cut_comes_before_or_after_the_engines_work() {
        let (answers, reached, _) = spoiled(Scope::Reading, 2, Fault::CutBefore);
        assert_eq!((answers[3].as_str(), reached), ("", 3));
        let (answers, reached, _) = spoiled(Scope::Reading, 2, Fault::CutAfter);
        assert_eq!((answers[3].as_str(), reached), ("", 4));
    }

    #[test]
    fn what_is_to_happen_happens_after_the_work_and_the_answer_still_comes() {
        let happened = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&happened);
        let (answers, reached, _) =
            spoiled(Scope::Changing, 1, Fault::Then(Arc::new(move || seen.store(1, Ordering::SeqCst))));
        assert_eq!((happened.load(Ordering::SeqCst), reached), (1, 4));
        assert!(answers[1].ends_with("done"));
    }

    /// Engines are like that: one went on with the output of a container for an hour after its reader had left.
    #[test]
    fn an_engine_that_never_ends_its_answer_does_not_keep_the_proxy() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let listener = UnixListener::bind(folder.path().join("engine")).expect("it can listen");
        let proxy = FaultProxy::start(&folder.path().join("proxy"), &folder.path().join("engine")).expect("it starts");
        let mut client = UnixStream::connect(proxy.socket()).expect("it listens");
        client.write_all(b"GET /logs HTTP/1.1\r\nContent-Length: 0\r\n\r\n").expect("written");
        let (mut open, _) = listener.accept().expect("a connection");
        drop(head::read(&mut open).expect("a head"));
        open.write_all(b"HTTP/1.1 200 OK\r\n\r\nfirst line").expect("written");
        drop(client);
        drop(proxy);
    }

    #[test]
    fn without_an_engine_the_client_is_not_kept_waiting() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let proxy = FaultProxy::start(&folder.path().join("proxy"), &folder.path().join("engine")).expect("it starts");
        assert_eq!(call(&proxy, "GET /a"), "");
    }

    #[test]
    fn an_order_that_is_never_reached_hits_nothing() {
        let (_, reached, calls) = spoiled(Scope::Changing, 3, Fault::CutBefore);
        assert_eq!((reached, calls.hit), (4, None));
    }
}
