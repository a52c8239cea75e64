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
    use sha2::Digest as _;
    let directory = tempfile::tempdir().unwrap();
    let digest: String = sha2::Sha256::digest(b"remote").iter().map(|byte| format!("{byte:02x}")).collect();
    let meta = directory.path().join("contexts/meta").join(digest);
    fs_err::create_dir_all(&meta).unwrap();
    fs_err::write(
        meta.join("meta.json"),
        r#"{"Name":"remote","Metadata":{},"Endpoints":{"docker":{"Host":"ssh://me@box:2222","SkipTLSVerify":false}}}"#,
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
