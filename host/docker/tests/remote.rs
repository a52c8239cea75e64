//! Engines that are not at a local socket: one with TLS, and this machine's own behind `ssh`. Both servers are the tests' own;
//! where they cannot run, the tests are skipped by name.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests; servers are waited for by asking, not by time"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use windlass_docker::{ConnectOptions, connect};
use windlass_runtime::engine::{
    Cluster as _, ContainerFilter, EngineErrorKind, ExecSpec, Instances as _, Record, Relay, Store as _,
};

/// The image of the tests (`scripts/test-images`).
const IMAGE: &str = "windlass-test/busybox:1";
/// How long a server may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // SIGTERM, so that an engine ends its own children.
        drop(Command::new("kill").arg(self.0.id().to_string()).status());
        drop(self.0.wait());
    }
}

/// Says that a test is skipped, for the list at the end of all tests.
fn skip(test: &str, why: &str) {
    if let Some(path) = std::env::var_os("WINDLASS_SKIPPED") {
        use std::io::Write as _;
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        writeln!(file.unwrap(), "remote::{test}: {why}").unwrap();
    }
}

fn program(name: &str) -> Option<PathBuf> {
    let paths = ["/usr/sbin", "/usr/bin", "/usr/local/bin", "/sbin", "/bin"];
    paths.iter().map(|directory| Path::new(directory).join(name)).find(|path| path.exists())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.starts_with(b"0\n")
}

fn run(program: &str, arguments: &[&str], directory: &Path) {
    let done = Command::new(program).args(arguments).current_dir(directory).output().unwrap();
    assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until somebody listens.
fn listens(address: &str, port: u16, server: &mut Server) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        if std::net::TcpStream::connect((address, port)).is_ok() {
            return true;
        }
        if server.0.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

/// An authority, and certificates for a server at an address and for a client.
fn certificates(directory: &Path, address: &str) {
    let openssl = |arguments: &str| {
        run("openssl", &arguments.split_whitespace().collect::<Vec<_>>(), directory);
    };
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem",
    );
    let san = format!(
        "subjectAltName=IP:{address}
extendedKeyUsage=serverAuth,clientAuth
"
    );
    std::fs::write(directory.join("san"), san).unwrap();
    for name in ["server", "client"] {
        openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
        ));
        openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out {name}.pem"
        ));
    }
    let mine = directory.join("client");
    std::fs::create_dir(&mine).unwrap();
    for (from, to) in [("ca.pem", "ca.pem"), ("client.pem", "cert.pem"), ("client.key", "key.pem")] {
        std::fs::copy(directory.join(from), mine.join(to)).unwrap();
    }
}

/// A network namespace with one link to it. An engine sets up bridges and firewall rules, and takes away those of others
/// (`--bridge=none` deletes `docker0`): it must not see the ones of this machine.
struct Namespace {
    name: String,
    link: String,
    /// Its address, and ours in front of it.
    address: String,
}

impl Namespace {
    fn new() -> Option<Self> {
        let number = std::process::id() % 60_000;
        let (name, link) = (format!("windlass-tls-{number}"), format!("wlt{number}"));
        let (net, host) = (number / 60 % 250, number % 60 * 4);
        let (near, address) = (format!("10.214.{net}.{}/30", host + 1), format!("10.214.{net}.{}", host + 2));
        let ip = |arguments: &str| {
            let arguments: Vec<&str> = arguments.split(' ').collect();
            program("ip").is_some_and(|ip| Command::new(ip).args(arguments).output().unwrap().status.success())
        };
        if !ip(&format!("netns add {name}")) {
            return None;
        }
        let made = Self { name: name.clone(), link: link.clone(), address: address.clone() };
        let up = ip(&format!("link add {link} type veth peer name eth0 netns {name}"))
            && ip(&format!("address add {near} dev {link}"))
            && ip(&format!("link set {link} up"))
            && ip(&format!("-n {name} address add {address}/30 dev eth0"))
            && ip(&format!("-n {name} link set lo up"))
            && ip(&format!("-n {name} link set eth0 up"));
        up.then_some(made)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(Command::new("ip").args(["link", "delete", &self.link]).output());
        drop(Command::new("ip").args(["netns", "delete", &self.name]).output());
    }
}

/// An engine with nothing in it, in a network of its own.
struct SecureEngine {
    _server: Server,
    network: Namespace,
}

/// Port of TLS engines.
const PORT: u16 = 2376;

fn secure_engine(directory: &Path) -> Option<SecureEngine> {
    let dockerd = program("dockerd").filter(|_| is_root() && program("openssl").is_some())?;
    let network = Namespace::new()?;
    certificates(directory, &network.address);
    std::fs::write(directory.join("none.json"), "{}").unwrap();
    let path = |name: &str| directory.join(name).display().to_string();
    let log = std::fs::File::create(directory.join("log")).unwrap();
    // Not `ip netns exec`: that mounts a new /sys, which hides the control groups.
    let child = Command::new("nsenter")
        .args([&format!("--net=/run/netns/{}", network.name), &dockerd.display().to_string()])
        .args(["--host", &format!("tcp://{}:{PORT}", network.address), "--tlsverify", "--tlscacert", &path("ca.pem")])
        .args(["--tlscert", &path("server.pem"), "--tlskey", &path("server.key")])
        .args(["--data-root", &path("data"), "--exec-root", &path("exec"), "--pidfile", &path("pid")])
        .args(["--config-file", &path("none.json"), "--bridge=none", "--iptables=false", "--ip6tables=false"])
        .args(["--storage-driver=vfs", "--cgroup-parent", &format!("/{}", network.name)])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut server = Server(child);
    let up = listens(&network.address, PORT, &mut server);
    up.then_some(SecureEngine { _server: server, network })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_with_tls_is_used_and_one_without_our_trust_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let Some(server) = secure_engine(directory.path()) else {
        return skip("an_engine_with_tls", "no engine can be started here (root, dockerd, openssl)");
    };
    let host = Some(format!("tcp://{}:{PORT}", server.network.address));
    let mine = ConnectOptions {
        host: host.clone(),
        tls_verify: true,
        cert_path: Some(directory.path().join("client")),
        ..ConnectOptions::default()
    };
    let engine = connect(mine.clone()).unwrap();
    let info = engine.info().await.unwrap();
    assert!(info.api_version >= (1, 41) && !info.architecture.is_empty(), "{info:?}");
    let record = Record { name: "kept".into(), labels: [("a".into(), "b".into())].into(), ..Record::default() };
    engine.put_record(&record).await.unwrap();
    assert_eq!(engine.get_record("kept").await.unwrap().unwrap().labels, record.labels);
    engine.remove_record("kept").await.unwrap();
    assert!(engine.list_containers(&ContainerFilter::default()).await.unwrap().is_empty());

    // Nobody vouches for the server.
    let stranger = directory.path().join("stranger");
    std::fs::create_dir(&stranger).unwrap();
    std::fs::copy(directory.path().join("client/cert.pem"), stranger.join("ca.pem")).unwrap();
    let error = connect(ConnectOptions { cert_path: Some(stranger.clone()), ..mine.clone() }).unwrap().info().await;
    let error = error.unwrap_err();
    assert_eq!(error.kind, EngineErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("certificate") && error.hint.unwrap().contains("DOCKER_CERT_PATH"));

    // No certificate of ours: the server refuses.
    std::fs::copy(directory.path().join("ca.pem"), stranger.join("ca.pem")).unwrap();
    let error = connect(ConnectOptions { cert_path: Some(stranger.clone()), ..mine.clone() }).unwrap().info().await;
    assert_eq!(error.unwrap_err().kind, EngineErrorKind::Denied);

    // Without TLS: told what to do.
    let plain = connect(ConnectOptions { host, ..ConnectOptions::default() }).unwrap().info().await.unwrap_err();
    assert!(plain.hint.is_some_and(|hint| hint.contains("DOCKER_TLS_VERIFY")), "{}", plain.message);

    // Verification off: a certificate is still wanted of us, and ours is good.
    let anyone = ConnectOptions { tls: true, tls_verify: false, ..mine };
    connect(anyone).unwrap().info().await.unwrap();
}

/// A server that lets one key in. Its own keys, port and settings; it changes nothing of this machine.
struct Sshd {
    _server: Server,
    port: u16,
    /// A `PATH` whose `ssh` has settings of its own, and writes a line for each start.
    path: String,
    starts: PathBuf,
}

fn sshd(directory: &Path, key: &str) -> Option<Sshd> {
    let (sshd, ssh) = (program("sshd").filter(|_| is_root())?, program("ssh")?);
    program("docker")?;
    for name in ["host", "user", "stranger"] {
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", name], directory);
    }
    std::fs::copy(directory.join("user.pub"), directory.join("authorized")).unwrap();
    // Made at the system's start by its own service, if that is used.
    std::fs::create_dir_all("/run/sshd").ok()?;
    let port = free_port();
    let at = directory.display();
    let settings = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host\nAuthorizedKeysFile {at}/authorized\nPidFile {at}/pid\n\
         StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
    );
    std::fs::write(directory.join("sshd"), settings).unwrap();
    let child =
        Command::new(sshd).args(["-D", "-f", &format!("{at}/sshd"), "-E", &format!("{at}/log")]).spawn().unwrap();
    let mut server = Server(child);
    if !listens("127.0.0.1", port, &mut server) {
        return None;
    }
    let bin = directory.join("bin");
    std::fs::create_dir(&bin).unwrap();
    let starts = directory.join("starts");
    let script = format!(
        "#!/bin/sh\necho \"$*\" >> {starts}\nexec {ssh} -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
         -o IdentitiesOnly=yes -o BatchMode=yes -i {at}/{key} \"$@\"\n",
        starts = starts.display(),
        ssh = ssh.display(),
    );
    let wrapper = bin.join("ssh");
    std::fs::write(&wrapper, script).unwrap();
    run("chmod", &["755", "ssh"], &bin);
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    Some(Sshd { _server: server, port, path, starts })
}

impl Sshd {
    fn options(&self) -> ConnectOptions {
        ConnectOptions {
            host: Some(format!("ssh://root@127.0.0.1:{}", self.port)),
            environment: vec![("PATH".to_owned(), self.path.clone()), ("HOME".to_owned(), "/nonexistent".to_owned())],
            ..ConnectOptions::default()
        }
    }

    fn starts(&self) -> usize {
        std::fs::read_to_string(&self.starts).unwrap_or_default().lines().count()
    }
}

/// The engine of this machine answers, and has the image of the tests.
fn local_engine() -> bool {
    Command::new("docker").args(["image", "inspect", IMAGE]).output().is_ok_and(|done| done.status.success())
}

/// A container that waits, gone at the end of the test.
struct Running(String);

impl Running {
    fn start() -> Self {
        let labels = ["com.docker.compose.project=windlass-remote", "com.docker.compose.config-hash=none"];
        let mut command = Command::new("docker");
        command.args(["run", "-d", "--rm", "--init"]);
        labels.iter().for_each(|label| {
            command.args(["--label", label]);
        });
        let made = command.args([IMAGE, "sleep", "600"]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self(String::from_utf8(made.stdout).unwrap().trim().to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(Command::new("docker").args(["rm", "-f", &self.0]).output());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ssh_says_is_the_error() {
    let directory = tempfile::tempdir().unwrap();
    let Some(server) = sshd(directory.path(), "stranger") else {
        return skip("what_ssh_says_is_the_error", "no sshd can be started here");
    };
    let error = connect(server.options()).unwrap().info().await.unwrap_err();
    assert_eq!(error.kind, EngineErrorKind::Unreachable);
    assert!(error.message.contains("Permission denied"), "{error}");
    assert!(error.hint.is_some_and(|hint| hint.contains("ssh")));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_through_ssh_are_few_processes() {
    let directory = tempfile::tempdir().unwrap();
    let Some(server) = sshd(directory.path(), "user").filter(|_| local_engine()) else {
        return skip("many_calls_through_ssh", "no sshd can be started here, or no engine answers");
    };
    let engine = connect(server.options()).unwrap();
    engine.info().await.unwrap();
    // Names that no container has: each stop is answered, and nothing stops.
    let stops = (0..300).map(|number| {
        let engine = &engine;
        async move { engine.stop_container(&format!("windlass-remote-none-{number}"), None).await }
    });
    let done = futures_util::future::join_all(stops).await;
    assert!(done.iter().all(Result::is_ok), "{:?}", done.into_iter().find(Result::is_err));
    // The master, and at most one for each call that may run at once, with some that closed between two calls.
    assert!(server.starts() < 40, "ssh was started {} times", server.starts());

    let mut events = engine.events(Some("windlass-remote-none"), None).await.unwrap();
    assert!(futures_util::FutureExt::now_or_never(events.next()).is_none());

    let running = Running::start();
    assert_eq!(engine.exec_exit_code(&piped_exec(&engine, &running.0).await).await.unwrap(), 3);
    // A port of the container as seen from there: nothing listens.
    let filter = ContainerFilter { all: true, ..ContainerFilter::default() };
    let listed = engine.list_containers(&filter).await.unwrap();
    let mut found = listed.into_iter().find(|container| container.id == running.0).unwrap();
    found.networks.values_mut().for_each(|attached| attached.ip_address = "127.0.0.1".to_owned());
    assert!(engine.dial(&found, server.port, &Relay::default()).await.is_ok());
    let refused = engine.dial(&found, 1, &Relay::default()).await.err().unwrap();
    assert!(refused.message.starts_with("ssh: "), "{refused}");
}

/// Reads its input to the end, and ends with 3: only where the end of the input arrives.
async fn piped_exec(engine: &windlass_docker::DockerEngine, id: &str) -> String {
    use tokio::io::AsyncWriteExt as _;
    let command = ["sh", "-c", "cat; exit 3"].map(str::to_owned).to_vec();
    let spec = ExecSpec { command, stdin: true, ..ExecSpec::default() };
    let mut session = engine.exec(id, &spec).await.unwrap();
    let mut input = session.input.take().unwrap();
    input.write_all(b"to the end").await.unwrap();
    input.shutdown().await.unwrap();
    let read = async {
        let mut all = Vec::new();
        while let Some(piece) = session.output.next().await {
            all.extend_from_slice(&piece.unwrap().bytes);
        }
        all
    };
    let read = tokio::time::timeout(PATIENCE, read).await.expect("the end of the input did not arrive");
    assert_eq!(read, b"to the end");
    session.id
}
