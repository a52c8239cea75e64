//! Real guests in the real host: the first-party plugins against servers on loopback, and every broken fixture.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use windlass_model::windlass::{Grants, Limits, PluginDeclaration, PluginSource, Stage};
use windlass_plugin_host::{HostOptions, PluginHost, ProjectFacts, ServiceFacts};
use windlass_runtime::engine::{Connection, EngineErrorKind};
use windlass_runtime::hooks::{CallSink, Dialer, HookCall, HookErrorKind, Input, LogSeverity, Verdict};
use windlass_runtime::{EngineError, HookError, Hooks as _};

/// Every port of every service leads to one address, or nowhere.
struct Loopback(Option<std::net::SocketAddr>);

#[async_trait]
impl Dialer for Loopback {
    async fn dial(&self, service: &str, _: u32, port: u16) -> Result<Connection, EngineError> {
        let refused = |message: String| EngineError {
            operation: format!("connect to {service}:{port}"),
            message,
            kind: EngineErrorKind::Other,
            hint: None,
        };
        let address = self.0.ok_or_else(|| refused("connection refused".to_owned()))?;
        let stream = TcpStream::connect(address).await.map_err(|error| refused(error.to_string()))?;
        Ok(Box::new(stream))
    }
}

/// An engine whose containers cannot be reached from here.
struct Nowhere;

#[async_trait]
impl Dialer for Nowhere {
    async fn dial(&self, service: &str, _: u32, port: u16) -> Result<Connection, EngineError> {
        Err(EngineError {
            operation: format!("connect to {service}:{port}"),
            message: "it cannot be probed from here".to_owned(),
            kind: EngineErrorKind::OutOfReach,
            hint: Some("publish the port".to_owned()),
        })
    }
}

#[tokio::test]
async fn a_probe_of_what_cannot_be_reached_is_not_repeated() {
    let service = ServiceFacts { name: "es".to_owned(), ..ServiceFacts::default() };
    let host = PluginHost::new(HostOptions {
        cache_dir: None,
        project_dir: std::env::temp_dir(),
        declarations: BTreeMap::new(),
        dialer: Arc::new(Nowhere),
        facts: ProjectFacts { services: vec![service], ..ProjectFacts::default() },
    });
    let error = host.probe(&call("tcp", Stage::Probe, json!({ "port": 80 }))).await.expect_err("no way leads there");
    assert_eq!(error.kind, HookErrorKind::Failed { retryable: false });
    assert!(error.message.contains("cannot be probed from here"), "{error}");
    assert_eq!(error.hint.as_deref(), Some("publish the port"));
}

#[derive(Default)]
struct Sink(Mutex<Vec<String>>);

impl CallSink for Sink {
    fn progress(&self, done: u64, total: Option<u64>, label: &str) {
        self.0.lock().expect("no test panics in here").push(format!("progress {done}/{total:?} {label}"));
    }

    fn log(&self, severity: LogSeverity, message: &str) {
        self.0.lock().expect("no test panics in here").push(format!("{severity:?} {message}"));
    }
}

/// A server that answers each request with what `answer` says of its method, path and body.
async fn server(answer: impl Fn(&str, &str, &str) -> (u16, String) + Send + Sync + 'static) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let answer = Arc::new(answer);
    let mut tasks = tokio::task::JoinSet::new();
    let serve = async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tasks.spawn(async move { serve_one(stream, &*answer).await });
        }
    };
    tokio::runtime::Handle::current().spawn(serve);
    address
}

async fn serve_one(mut stream: TcpStream, answer: &(impl Fn(&str, &str, &str) -> (u16, String) + ?Sized)) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some(end) = text.find("\r\n\r\n") {
            let length = text
                .to_lowercase()
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.split("\r\n").next()?.trim().parse().ok());
            let body = request.len() - end - 4;
            let chunked = text.to_lowercase().contains("transfer-encoding: chunked");
            if (chunked && text.ends_with("0\r\n\r\n")) || (!chunked && body >= length.unwrap_or(0)) {
                let mut words = text.split_whitespace();
                let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                let (status, reply) = answer(method, path, &text[end + 4..]);
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    reply.len()
                );
                drop(stream.write_all(format!("{head}{reply}").as_bytes()).await);
                return;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
            _ => return,
        }
    }
}

fn dist(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/dist").join(name);
    assert!(path.is_file(), "{} is missing: run `cargo xtask plugins`", path.display());
    path
}

/// A host with the plugin `bad` from a fixture, and the built-in plugins.
fn host(fixture: &str, address: Option<std::net::SocketAddr>) -> PluginHost {
    declared(fixture, address, Grants::default())
}

fn declared(fixture: &str, address: Option<std::net::SocketAddr>, grants: Grants) -> PluginHost {
    let limits = Limits { memory: Some(32 << 20), timeout: None };
    let source = Some(PluginSource::File(dist(&format!("fixtures/{fixture}.wasm"))));
    let declaration = PluginDeclaration { source, grants, limits, span: None };
    let service = ServiceFacts { name: "es".to_owned(), ..ServiceFacts::default() };
    PluginHost::new(HostOptions {
        cache_dir: None,
        project_dir: std::env::temp_dir(),
        declarations: BTreeMap::from([("bad".to_owned(), declaration)]),
        dialer: Arc::new(Loopback(address)),
        facts: ProjectFacts { services: vec![service], ..ProjectFacts::default() },
    })
}

fn call(plugin: &str, stage: Stage, settings: Json) -> HookCall {
    call_with(plugin, stage, settings, Arc::new(Sink::default()))
}

fn call_with(plugin: &str, stage: Stage, settings: Json, sink: Arc<Sink>) -> HookCall {
    HookCall {
        plugin: plugin.to_owned(),
        stage,
        run_id: "run".to_owned(),
        project: "demo".to_owned(),
        service: Some("es".to_owned()),
        number: 1,
        container_id: Some("abc".to_owned()),
        attempt: 1,
        target: None,
        settings,
        inputs: Vec::new(),
        timeout: Some(Duration::from_secs(5)),
        sink,
    }
}

/// The plugin misbehaves at `post-start`; the error names plugin, stage and service.
async fn misbehaves(settings: Json) -> HookError {
    let call = HookCall { timeout: Some(Duration::from_millis(700)), ..call("bad", Stage::PostStart, settings) };
    let error = host("misbehave", None).run(&call).await.expect_err("it misbehaves");
    let text = error.to_string();
    assert!(text.contains("`bad`") && text.contains("post-start") && text.contains("`es`"), "{text}");
    error
}

fn pending(verdict: &Verdict) -> (&str, &str) {
    match verdict {
        Verdict::NotYet { step, reason, .. } => (step, reason),
        other => panic!("not pending: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_elasticsearch_probe_reads_the_cluster_health() {
    let status = Arc::new(Mutex::new("red"));
    let shown = Arc::clone(&status);
    let address = server(move |_, path, _| {
        assert!(path.starts_with("/_cluster/health"), "{path}");
        (200, json!({ "cluster_name": "c", "status": *shown.lock().expect("fine"), "timed_out": false, "number_of_nodes": 1 }).to_string())
    })
    .await;
    let host = host("bare", Some(address));
    let verdict = host.probe(&call("elasticsearch", Stage::Probe, Json::Null)).await.expect("it answers");
    assert_eq!(pending(&verdict).0, "status");
    *status.lock().expect("fine") = "yellow";
    assert_eq!(host.probe(&call("elasticsearch", Stage::Probe, Json::Null)).await.expect("it answers"), Verdict::Ready);
    let green = call("elasticsearch", Stage::Probe, json!({ "min-status": "green" }));
    assert_eq!(pending(&host.probe(&green).await.expect("it answers")).0, "status");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_is_refused_for_http_and_tcp() {
    let host = host("bare", None);
    for plugin in ["elasticsearch", "http", "tcp"] {
        let settings = if plugin == "elasticsearch" { Json::Null } else { json!({ "port": 9200 }) };
        let verdict = host.probe(&call(plugin, Stage::Probe, settings)).await.expect("it answers");
        assert_eq!(pending(&verdict).0, "connect", "{plugin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tcp_probe_reaches_a_service_by_name() {
    let address = server(|_, _, _| (200, String::new())).await;
    let host = host("bare", Some(address));
    let verdict = host.probe(&call("tcp", Stage::Probe, json!({ "port": 80 }))).await.expect("it answers");
    assert_eq!(verdict, Verdict::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_checked_against_the_schema() {
    let error = host("bare", None).probe(&call("http", Stage::Probe, json!({ "prt": 80 }))).await.expect_err("a slip");
    assert!(error.to_string().contains("did you mean `port`?"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn es_bulk_reports_failed_items_with_their_lines() {
    let address = server(|method, path, body| match (method, path) {
        ("GET", "/") => (200, json!({ "version": { "number": "6.3.2" }, "tagline": "You Know, for Search" }).to_string()),
        ("POST", path) if path.contains("_bulk") => {
            let documents = body.lines().filter(|line| line.contains("name")).count();
            let items: Vec<Json> = (0..documents)
                .map(|n| match n {
                    1 => json!({ "index": { "status": 400, "error": { "type": "mapper_parsing_exception", "reason": "failed to parse" } } }),
                    _ => json!({ "index": { "status": 201 } }),
                })
                .collect();
            (200, json!({ "took": 1, "errors": true, "items": items }).to_string())
        }
        ("PUT", _) => (200, json!({ "acknowledged": true }).to_string()),
        ("GET" | "HEAD", _) => (404, json!({ "error": { "type": "index_not_found_exception" }, "status": 404 }).to_string()),
        _ => (200, json!({ "_shards": {}, "count": 3 }).to_string()),
    })
    .await;
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("data.ndjson");
    fs_err::write(&file, "{\"name\": \"a\"}\n{\"name\": \"b\"}\n{\"name\": \"c\"}\n").expect("written");
    let inputs = vec![Input { name: "./data.ndjson".to_owned(), path: file, role: "from".to_owned(), sha256: None }];
    let host = host("bare", Some(address));
    let call = HookCall { inputs, ..call("es-bulk", Stage::Load, json!({ "index": "trucks", "type": "truck" })) };
    // The limit that the file gives is one of applying, not of planning.
    let hurried = HookCall { timeout: Some(Duration::ZERO), ..call.clone() };
    let steps = host.plan_load(&hurried).await.expect("a plan");
    assert_eq!(steps.len(), 1);
    let error = host.apply_load(&call, &steps[0]).await.expect_err("one item fails").to_string();
    assert!(error.contains("data.ndjson") && error.contains("failed to parse") && error.contains('2'), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_loop_ends_at_its_limit() {
    let error = misbehaves(json!({ "do": "loop" })).await;
    assert_eq!(error.kind, HookErrorKind::Timeout);
    assert!(error.to_string().contains("did not return within 700 ms"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sleeping_for_ever_ends_at_its_limit() {
    assert_eq!(misbehaves(json!({ "do": "sleep" })).await.kind, HookErrorKind::Timeout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_bomb_is_told_its_limit() {
    let error = misbehaves(json!({ "do": "memory" })).await;
    assert!(error.to_string().contains("more than 32 MiB"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_shows_its_message_and_standard_error() {
    let error = misbehaves(json!({ "do": "stderr-then-panic", "text": "the last words" })).await;
    assert_eq!(error.kind, HookErrorKind::Trap);
    assert!(error.stderr.iter().any(|line| line.contains("the last words")), "{:?}", error.stderr);
    let error = misbehaves(json!({ "do": "panic", "text": "no truck today" })).await;
    assert!(error.to_string().contains("panicked") && error.to_string().contains("no truck today"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn traps_are_named() {
    assert!(misbehaves(json!({ "do": "trap" })).await.to_string().contains("trapped"));
    let deep = misbehaves(json!({ "do": "recursion" })).await.to_string();
    assert!(deep.contains("stack overflowed") || deep.contains("memory"), "{deep}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undeclared_dial_is_refused_with_the_line_to_add() {
    for way in ["dial-http", "dial-tcp"] {
        let error = misbehaves(json!({ "do": way, "host": "evil.example", "port": 80 })).await;
        assert_eq!(error.kind, HookErrorKind::Denied, "{way}: {error}");
        assert!(error.to_string().contains("evil.example"), "{way}: {error}");
        let hint = error.hint.expect("the line to add");
        assert!(hint.contains("x-windlass.plugins.bad") && hint.contains("dial"), "{hint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_granted_dial_reaches_the_service() {
    let address = server(|_, _, _| (200, "hello".to_owned())).await;
    let host = declared("misbehave", Some(address), Grants { dial: vec!["es:80".to_owned()], ..Grants::default() });
    let settings = json!({ "do": "dial-http", "host": "es", "port": 80, "text": "/" });
    let error =
        host.run(&call("bad", Stage::PostStart, settings)).await.expect_err("the fixture tells answers as failures");
    assert!(error.to_string().contains("200"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_flood_is_cut_and_counted() {
    let sink = Arc::new(Sink::default());
    let call = call_with("bad", Stage::PostStart, json!({ "do": "log-flood", "count": 5000 }), Arc::clone(&sink));
    host("misbehave", None).run(&call).await.expect("flooding alone is no failure");
    let lines = sink.0.lock().expect("fine");
    assert_eq!(lines.len(), 1001);
    assert!(lines[1000].contains("4000 more log lines dropped"), "{}", lines[1000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_there_to_look_around_in() {
    let error = misbehaves(json!({ "do": "look-around" })).await.to_string();
    assert!(!error.contains("HOME") && !error.contains("PATH"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ungranted_files_and_secrets_are_refused() {
    let error = misbehaves(json!({ "do": "secret", "text": "TOKEN" })).await.to_string();
    assert!(error.contains("TOKEN") && error.contains("not granted"), "{error}");
    let error = misbehaves(
        json!({ "do": "read", "file": concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "text": "/etc/passwd" }),
    )
    .await
    .to_string();
    assert!(error.contains("no input of this call") || error.contains("/etc/passwd"), "{error}");
    assert!(!error.contains("root:"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lying_loaders_are_refused() {
    let host = host("misbehave", None);
    for (what, words) in [
        ("duplicate-steps", "two steps"),
        ("many-steps", "at most"),
        ("huge-step", "too long"),
        ("empty-step", "without an id"),
    ] {
        let settings = json!({ "do": what, "count": 100_000 });
        let error = host.plan_load(&call("bad", Stage::Load, settings)).await.expect_err("refused").to_string();
        assert!(error.contains(words) || error.contains("memory"), "{what}: {error}");
    }
}

/// The project's stages share one interface, which is told the stage's name; a container's stages have one each.
#[tokio::test(flavor = "multi_thread")]
async fn stages_of_the_project_go_through_the_interface_that_they_share() {
    let of = |settings| HookCall { service: None, container_id: None, ..call("bad", Stage::PostUp, settings) };
    let host = host("misbehave", None);
    host.run(&of(json!({ "do": "nothing" }))).await.expect("it does nothing");
    let error = host.run(&of(json!({ "do": "fail", "text": "the trucks are gone" }))).await.expect_err("it fails");
    assert!(error.to_string().contains("the trucks are gone"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_call_does_not_spoil_the_next() {
    let host = host("misbehave", None);
    host.run(&call("bad", Stage::PostStart, json!({ "do": "panic" }))).await.expect_err("it panics");
    host.run(&call("bad", Stage::PostStart, json!({ "do": "nothing" }))).await.expect("a fresh store");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_worlds_are_told_apart() {
    let wrong = host("wrong-version", None).describe("bad").await.expect_err("0.2").to_string();
    assert!(wrong.contains("speaks windlass:plugin 0.2.0; this host offers 0.1"), "{wrong}");
    let unknown = host("unknown-import", None).describe("bad").await.expect_err("unknown").to_string();
    assert!(unknown.contains("imports") && unknown.contains("does not offer"), "{unknown}");
    let stage =
        host("bare", None).run(&call("bad", Stage::PostStart, Json::Null)).await.expect_err("only a probe").to_string();
    assert!(stage.contains("does not implement it; it implements probe"), "{stage}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_component_says_so() {
    let folder = tempfile::tempdir().expect("a directory");
    for (bytes, words) in
        [(b"\0asm\x01\0\0\0".as_slice(), "core WebAssembly module"), (b"hello".as_slice(), "not WebAssembly")]
    {
        let path = folder.path().join("x.wasm");
        fs_err::write(&path, bytes).expect("written");
        let declaration = PluginDeclaration { source: Some(PluginSource::File(path)), ..PluginDeclaration::default() };
        let host = PluginHost::new(HostOptions {
            cache_dir: None,
            project_dir: folder.path().to_path_buf(),
            declarations: BTreeMap::from([("x".to_owned(), declaration)]),
            dialer: Arc::new(Loopback(None)),
            facts: ProjectFacts::default(),
        });
        let error = host.describe("x").await.expect_err("refused").to_string();
        assert!(error.contains(words), "{error}");
    }
    let error = host("bare", None).describe("elasticserch").await.expect_err("a slip");
    assert_eq!(error.hint.as_deref(), Some("did you mean `elasticsearch`?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn compiled_code_is_cached_and_found_again() {
    let cache = tempfile::tempdir().expect("a directory");
    let folder = cache.path().join("code");
    let make = || {
        PluginHost::new(HostOptions {
            cache_dir: Some(folder.clone()),
            project_dir: std::env::temp_dir(),
            declarations: BTreeMap::new(),
            dialer: Arc::new(Loopback(None)),
            facts: ProjectFacts::default(),
        })
    };
    let first = make().describe("tcp").await.expect("it loads");
    let files = || {
        fs_err::read_dir(&folder)
            .expect("the directory")
            .map(|entry| entry.expect("an entry").file_name())
            .collect::<Vec<_>>()
    };
    let before = files();
    assert_eq!(before.len(), 1, "{before:?}");
    // Spoiled code is compiled anew, not trusted.
    let path = folder.join(&before[0]);
    fs_err::write(&path, b"not compiled code").expect("written");
    assert_eq!(make().describe("tcp").await.expect("it loads again"), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_tells_what_loading_would_without_compiling() {
    let cache = tempfile::tempdir().expect("a directory");
    let make = |fixture: &str| {
        let source = Some(PluginSource::File(dist(&format!("fixtures/{fixture}.wasm"))));
        let declaration = PluginDeclaration { source, ..PluginDeclaration::default() };
        PluginHost::new(HostOptions {
            cache_dir: Some(cache.path().join("code")),
            project_dir: std::env::temp_dir(),
            declarations: BTreeMap::from([("bad".to_owned(), declaration)]),
            dialer: Arc::new(Loopback(None)),
            facts: ProjectFacts::default(),
        })
    };
    for (plugin, fixture) in [("bad", "misbehave"), ("bad", "bare"), ("es-bulk", "bare"), ("tcp", "bare")] {
        let looked = make(fixture).look(plugin, &[]).await.expect("it is fine");
        assert!(!cache.path().join("code").exists(), "{plugin} was compiled");
        assert_eq!(looked, host(fixture, None).describe(plugin).await.expect("it loads"), "{plugin} {fixture}");
    }
    for fixture in ["wrong-version", "unknown-import"] {
        let looked = make(fixture).look("bad", &[]).await.expect_err("refused").to_string();
        assert_eq!(looked, host(fixture, None).describe("bad").await.expect_err("refused").to_string());
    }
    let slip = json!({ "prt": 80 });
    let error = make("bare").look("tcp", &[&slip]).await.expect_err("a slip").to_string();
    assert!(error.contains("did you mean `port`?"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_finds_damage_in_any_part_and_says_in_plain_words_that_a_file_is_not_there() {
    let folder = tempfile::tempdir().expect("a directory");
    let look = async |name: &str| {
        let declaration = PluginDeclaration {
            source: Some(PluginSource::File(folder.path().join(name))),
            ..PluginDeclaration::default()
        };
        let host = PluginHost::new(HostOptions {
            cache_dir: None,
            project_dir: std::env::temp_dir(),
            declarations: BTreeMap::from([("bad".to_owned(), declaration)]),
            dialer: Arc::new(Loopback(None)),
            facts: ProjectFacts::default(),
        });
        host.look("bad", &[]).await.map(drop).map_err(|error| error.to_string())
    };
    let whole = fs_err::read(dist("fixtures/misbehave.wasm")).expect("it is built");
    fs_err::write(folder.path().join("whole"), &whole).expect("written");
    assert_eq!(look("whole").await, Ok(()));
    for part in 1..8 {
        let mut damaged = whole.clone();
        let middle = whole.len() * part / 8;
        damaged[middle..middle + 64].fill(0xff);
        fs_err::write(folder.path().join("damaged"), &damaged).expect("written");
        let told = look("damaged").await;
        // Nobody can tell that the bytes of a text are others than they were.
        if told.is_ok() {
            assert!(part > 4, "the {part}. eighth is code");
            continue;
        }
        assert!(told.expect_err("refused").contains("is not valid WebAssembly"), "{part}");
    }
    let missing =
        format!("plugin `bad` cannot be read: {}: there is no such file", folder.path().join("gone").display());
    assert_eq!(look("gone").await, Err(missing));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_are_pipes_or_were_edited_are_refused() {
    let folder = tempfile::tempdir().expect("a directory");
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let input = |path: &Path, sha256: Option<&str>| Input {
        name: "./data".to_owned(),
        path: path.to_owned(),
        role: "from".to_owned(),
        sha256: sha256.map(str::to_owned),
    };
    let host = host("misbehave", None);
    let refused = async |input: Input| {
        let call = HookCall { inputs: vec![input], ..call("bad", Stage::Load, json!({ "do": "nothing" })) };
        host.plan_load(&call).await.expect_err("refused")
    };
    let error = refused(input(&pipe, None)).await;
    assert!(error.to_string().contains("its input ./data is a pipe"), "{error}");
    assert_eq!(error.hint.as_deref(), Some("`from` names it"));
    let file = folder.path().join("file");
    fs_err::write(&file, "B").expect("written");
    let error = refused(input(&file, Some("559aead08264d5795d3909718cdd05abd49572e84fe55590eef31a88a08fdffd"))).await;
    assert!(error.to_string().contains("./data was edited while it was loaded"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_for_one_port_does_not_open_another() {
    let address = server(|_, _, _| (200, "hello".to_owned())).await;
    let host =
        declared("misbehave", Some(address), Grants { dial: vec!["127.0.0.1:81".to_owned()], ..Grants::default() });
    let settings = json!({ "do": "dial-http", "host": "127.0.0.1", "port": address.port(), "text": "/" });
    let error = host.run(&call("bad", Stage::PostStart, settings)).await.expect_err("another port");
    assert_eq!(error.kind, HookErrorKind::Denied, "{error}");
}
