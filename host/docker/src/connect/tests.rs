use std::path::Path;

use super::*;

fn options(directory: &Path) -> ConnectOptions {
    ConnectOptions { docker_config_dir: Some(directory.to_owned()), ..ConnectOptions::default() }
}

fn resolved(options: &ConnectOptions) -> EngineResult<Address> {
    let config = ConfigFile::load(options.docker_config_dir.as_deref());
    resolve(options, &config)
}

/// Settings with one context, `remote`.
fn with_context(current: bool) -> tempfile::TempDir {
    context_of("ssh://me@box:2222", current)
}

fn context_of(host: &str, current: bool) -> tempfile::TempDir {
    use sha2::Digest as _;
    let directory = tempfile::tempdir().unwrap();
    let digest: String = sha2::Sha256::digest(b"remote").iter().map(|byte| format!("{byte:02x}")).collect();
    let meta = directory.path().join("contexts/meta").join(digest);
    fs_err::create_dir_all(&meta).unwrap();
    fs_err::write(
        meta.join("meta.json"),
        format!(
            r#"{{"Name":"remote","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{host}","SkipTLSVerify":false}}}}}}"#
        ),
    )
    .unwrap();
    if current {
        fs_err::write(directory.path().join("config.json"), r#"{"currentContext":"remote"}"#).unwrap();
    }
    directory
}

#[test]
fn without_settings_the_local_socket_is_used() {
    let address = resolved(&ConnectOptions::default()).unwrap();
    assert_eq!(address, Address { host: "unix:///var/run/docker.sock".into(), tls: None });
}

#[test]
fn current_context_of_the_config_file() {
    let directory = with_context(true);
    assert_eq!(resolved(&options(directory.path())).unwrap().host, "ssh://me@box:2222");
}

#[test]
fn host_wins_over_contexts() {
    let directory = with_context(true);
    let options = ConnectOptions { host: Some("tcp://10.0.0.1".into()), ..options(directory.path()) };
    assert_eq!(resolved(&options).unwrap().host, "tcp://10.0.0.1");
}

#[test]
fn an_unknown_context_says_how_to_list_them() {
    let directory = with_context(false);
    let options = ConnectOptions { context: Some("nowhere".into()), ..options(directory.path()) };
    let error = resolved(&options).unwrap_err();
    assert_eq!(error.to_string(), "failed to use the Docker context nowhere: there is no such context");
    assert!(error.hint.unwrap().contains("docker context ls"));
}

#[test]
fn tls_files_come_from_the_environment() {
    let options = ConnectOptions {
        host: Some("tcp://10.0.0.1:2376".into()),
        tls_verify: true,
        cert_path: Some("/certs".into()),
        ..ConnectOptions::default()
    };
    let tls = resolved(&options).unwrap().tls.unwrap();
    assert_eq!(tls, TlsFiles { directory: "/certs".into(), skip_verify: false, system_roots: false });
    assert!(
        resolved(&ConnectOptions { tls: true, tls_verify: false, ..options.clone() }).unwrap().tls.unwrap().skip_verify
    );
    assert_eq!(resolved(&ConnectOptions { tls_verify: false, ..options }).unwrap().tls, None);
}

#[test]
fn plain_tcp_gets_the_default_port() {
    let address = Address { host: "tcp://10.0.0.1".into(), tls: None };
    assert!(matches!(endpoint(&address, &[]).unwrap(), Endpoint::Tcp { address } if address == "10.0.0.1:2375"));
}

#[test]
fn ssh_hosts_become_arguments() {
    let way = ssh("ssh://me@box:2222", "me@box:2222", &[]).unwrap();
    assert_eq!(way.arguments(), "-o ConnectTimeout=30 -l me -p 2222 -- box");
    assert!(ssh("ssh://-oProxyCommand=x", "-oProxyCommand=x", &[]).is_err());
}

#[test]
fn an_unknown_scheme_is_refused() {
    let address = Address { host: "fd://".into(), tls: None };
    let error = endpoint(&address, &[]).err().unwrap();
    assert!(error.to_string().contains("fd://"), "{error}");
}

#[test]
fn addresses_are_completed_as_the_docker_client_does() {
    let host = |host: &str| {
        let options = ConnectOptions { host: Some(host.to_owned()), ..ConnectOptions::default() };
        resolved(&options).unwrap().host
    };
    assert_eq!(host("unix://"), "unix:///var/run/docker.sock");
    assert_eq!(host(" unix:///run/x.sock\n"), "unix:///run/x.sock");
    assert_eq!(host("tcp://"), "tcp://localhost");
    assert_eq!(host("tcp://:2376"), "tcp://localhost:2376");
    assert_eq!(host(" "), "unix:///var/run/docker.sock");
    let directory = context_of("", true);
    assert_eq!(resolved(&options(directory.path())).unwrap().host, "unix:///var/run/docker.sock");
}

#[test]
fn what_is_no_address_says_why_and_a_password_is_not_repeated() {
    let of = |host: &str| endpoint(&Address { host: host.to_owned(), tls: None }, &[]);
    let why = |host: &str| of(host).map(drop).unwrap_err().to_string();
    for port in ["tcp://h:99999", "tcp://h:abc", "tcp://[::1]:x", "tcp://h:"] {
        assert!(why(port).ends_with("the port is no number up to 65535"), "{port}");
    }
    assert!(why("tcp://h:1/path").ends_with("only a host and a port are expected"));
    let secret = why("ssh://me:secret@box");
    assert!(secret.starts_with("failed to use the engine address ssh://me:…@box: a password"), "{secret}");
    for (host, expected) in [("tcp://[::1]", "[::1]:2375"), ("tcp://[::1]:7", "[::1]:7"), ("tcp://h:7/", "h:7")] {
        assert!(matches!(of(host).unwrap(), Endpoint::Tcp { address } if address == expected), "{host}");
    }
}
