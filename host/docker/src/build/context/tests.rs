use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;

/// Entries by name: type, mode, and the content or the link's target.
fn entries(archive: &[u8]) -> BTreeMap<String, (tar::EntryType, u32, String)> {
    let mut archive = tar::Archive::new(archive);
    let read = |entry: io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.unwrap();
        assert_eq!((entry.header().uid().unwrap(), entry.header().gid().unwrap()), (0, 0));
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let kind = entry.header().entry_type();
        let mode = entry.header().mode().unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let link = entry.link_name().unwrap().map(|link| link.to_string_lossy().into_owned());
        (name, (kind, mode, link.unwrap_or(text)))
    };
    archive.entries().unwrap().map(read).collect()
}

fn packed(directory: &Path, dockerfile: &Dockerfile) -> BTreeMap<String, (tar::EntryType, u32, String)> {
    let mut out = Vec::new();
    write(directory, dockerfile, &mut out).unwrap();
    entries(&out)
}

fn names(directory: &Path, dockerfile: &Dockerfile) -> Vec<String> {
    packed(directory, dockerfile).into_keys().collect()
}

fn inside(path: &str) -> Dockerfile {
    Dockerfile::Inside(PathBuf::from(path))
}

#[test]
fn every_kind_of_file_is_sent_as_what_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs_err::write(at("Dockerfile"), "FROM scratch").unwrap();
    fs_err::create_dir(at("d")).unwrap();
    fs_err::write(at("d/script"), "#!/bin/sh").unwrap();
    fs_err::set_permissions(at("d/script"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let long = format!("{}/{}", "n".repeat(120), "m".repeat(200));
    fs_err::create_dir(at(&"n".repeat(120))).unwrap();
    fs_err::write(at(&long), "deep").unwrap();
    symlink("../../etc/passwd", at("out")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    let sparse = fs_err::File::create(at("sparse")).unwrap();
    sparse.set_len(3 << 20).unwrap();
    let found = packed(directory.path(), &inside("Dockerfile"));
    assert_eq!(found["d/script"], (tar::EntryType::Regular, 0o755, "#!/bin/sh".to_owned()));
    assert_eq!(found[&long].2, "deep");
    assert_eq!((found["out"].0, found["out"].2.as_str()), (tar::EntryType::Symlink, "../../etc/passwd"));
    assert_eq!(found["dangling"].2, "nowhere");
    assert_eq!(found["pipe"].0, tar::EntryType::Fifo);
    assert_eq!(found["sparse"].2.len(), 3 << 20);
    assert!(!found.contains_key("socket"), "a socket has no meaning in an image");
}

#[test]
fn the_dockerfile_and_the_patterns_are_sent_whatever_they_say() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs_err::create_dir(at("docker")).unwrap();
    fs_err::write(at("docker/App.Dockerfile"), "FROM scratch").unwrap();
    fs_err::write(at("docker/other"), "").unwrap();
    fs_err::write(at("kept"), "").unwrap();
    fs_err::write(at(".dockerignore"), "*\n!kept\n.dockerignore\n").unwrap();
    let sent = names(directory.path(), &inside("docker/App.Dockerfile"));
    assert_eq!(sent, [".dockerignore", "docker/App.Dockerfile", "kept"]);
}

#[test]
fn patterns_of_the_dockerfile_win() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for (name, text) in
        [("Dockerfile", ""), ("a", ""), ("b", ""), (".dockerignore", "a"), ("Dockerfile.dockerignore", "b")]
    {
        fs_err::write(at(name), text).unwrap();
    }
    let sent = names(directory.path(), &inside("Dockerfile"));
    assert_eq!(sent, [".dockerignore", "Dockerfile", "Dockerfile.dockerignore", "a"]);
}

#[test]
fn a_dockerfile_from_elsewhere_does_not_get_into_the_image() {
    let directory = tempfile::tempdir().unwrap();
    fs_err::write(directory.path().join("a"), "").unwrap();
    let text = Dockerfile::Text(b"FROM scratch\nCOPY . .".to_vec());
    let found = packed(directory.path(), &text);
    assert_eq!(found.keys().collect::<Vec<_>>(), [IGNORE, OUTSIDE, "a"]);
    assert_eq!(found[IGNORE].2, format!("{IGNORE}\n{OUTSIDE}\n"));
    fs_err::write(directory.path().join(IGNORE), "a").unwrap();
    let found = packed(directory.path(), &text);
    assert_eq!(found[IGNORE].2, format!("a\n{OUTSIDE}\n"));
    assert!(!found.contains_key("a"));
}

#[test]
fn links_to_the_dockerfile_count_as_what_they_lead_to() {
    let (directory, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = |name: &str| directory.path().join(name);
    fs_err::write(at("real"), "FROM a").unwrap();
    fs_err::write(elsewhere.path().join("far"), "FROM b").unwrap();
    symlink("real", at("near")).unwrap();
    symlink(elsewhere.path().join("far"), at("away")).unwrap();
    assert_eq!(Dockerfile::find(directory.path(), "near").unwrap(), inside("real"));
    assert_eq!(Dockerfile::find(directory.path(), "away").unwrap(), Dockerfile::Text(b"FROM b".to_vec()));
    let missing = Dockerfile::find(directory.path(), "none").unwrap_err();
    assert!(missing.to_string().contains("none"), "{missing}");
}

#[test]
fn patterns_that_cannot_be_read_are_an_error() {
    let directory = tempfile::tempdir().unwrap();
    fs_err::write(directory.path().join("Dockerfile"), "").unwrap();
    fs_err::create_dir(directory.path().join(IGNORE)).unwrap();
    let error = write(directory.path(), &inside("Dockerfile"), &mut io::sink()).unwrap_err();
    assert!(error.to_string().contains(IGNORE), "{error}");
}

#[test]
fn a_file_keeps_the_size_that_the_archive_promised() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    fs_err::write(&path, "12345678").unwrap();
    let read = |size: u64| {
        let file = fs_err::File::open(&path).unwrap();
        let mut content = Exactly { left: size, path: &path, file: file.take(size) };
        let mut text = String::new();
        content.read_to_string(&mut text).map(|_| text)
    };
    assert_eq!(read(4).unwrap(), "1234", "it grew: cut where it was");
    let error = read(9).unwrap_err();
    assert!(error.to_string().contains("log became shorter"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_read_breaks_the_stream_and_names_the_file() {
    use futures_util::StreamExt as _;
    let directory = tempfile::tempdir().unwrap();
    let Sending { body, reading } = send(directory.path().join("gone"), inside("Dockerfile"));
    let Body::Right(stream) = body else { panic!("a stream") };
    let pieces: Vec<_> = stream.collect().await;
    assert!(pieces.last().unwrap().is_err(), "an archive that ends in order would be taken for the whole");
    let error = reading.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("gone"), "{error}");
}
