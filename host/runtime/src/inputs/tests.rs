//! What is taken as an input, in which order, and what is noticed.

use super::*;

fn input(name: &str, path: &Path) -> Input {
    Input { name: name.to_owned(), path: path.to_owned(), role: "from".to_owned(), sha256: None }
}

fn names(opened: &[OpenInput]) -> Vec<&str> {
    opened.iter().map(|input| input.name.as_str()).collect()
}

#[test]
fn files_of_a_directory_come_sorted_by_their_names() {
    let directory = tempfile::tempdir().unwrap();
    // Made in an order that no directory listing keeps by chance, and enough of them.
    for number in (0..50).rev() {
        fs_err::write(directory.path().join(format!("{:02}.json", number * 7 % 50)), "x").unwrap();
    }
    fs_err::create_dir(directory.path().join("00")).unwrap();
    fs_err::write(directory.path().join("00/inner.json"), "y").unwrap();
    let opened = open(&[input("./data/", directory.path())]).unwrap();
    let mut expected: Vec<String> = (0..50).map(|number| format!("./data/{number:02}.json")).collect();
    expected.insert(1, "./data/00/inner.json".to_owned());
    expected.sort();
    assert_eq!(names(&opened), expected);
}

#[test]
fn a_size_and_a_hash_are_those_of_the_content() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    fs_err::write(&path, "abc").unwrap();
    let opened = open(&[input("a", &path)]).unwrap().remove(0);
    assert_eq!(opened.size, 3);
    assert_eq!(opened.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(opened.read(1, 5).unwrap(), b"bc");
}

#[test]
fn an_edit_in_place_is_noticed_and_a_replaced_file_stays_readable() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    fs_err::write(&path, "abc").unwrap();
    let opened = open(&[input("a", &path)]).unwrap().remove(0);
    fs_err::write(directory.path().join("b"), "xyz").unwrap();
    fs_err::rename(directory.path().join("b"), &path).unwrap();
    assert_eq!(opened.read(0, 9).unwrap_or_default(), b"abc");
    assert_eq!(opened.read(1, 1).unwrap_or_default(), b"b");
    let replaced = open(&[input("a", &path)]).unwrap().remove(0);
    fs_err::write(&path, "longer than before").unwrap();
    assert!(matches!(replaced.read(0, 9), Err(InputError::Changed { .. })));
}

#[test]
fn other_content_than_expected_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    fs_err::write(&path, "abc").unwrap();
    let sha256 = open(&[input("a", &path)]).unwrap()[0].sha256.clone();
    let expecting = Input { sha256: Some(sha256), ..input("a", &path) };
    assert!(open(std::slice::from_ref(&expecting)).is_ok());
    fs_err::write(&path, "abd").unwrap();
    assert!(matches!(open(&[expecting]), Err(InputError::Changed { .. })));
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_refused_without_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let error = open(&[input("socket", &socket)]).unwrap_err();
    assert_eq!(error.to_string(), "is a socket; inputs are files and directories");
    let error = open(&[input("null", Path::new("/dev/null"))]).unwrap_err();
    assert_eq!(error.to_string(), "is a device; inputs are files and directories");
    let pipe = directory.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let error = open(&[input("data", directory.path())]).unwrap_err();
    assert!(matches!(error, InputError::Special { .. }), "{error}");
    assert_eq!(open(&[input("pipe", &pipe)]).unwrap_err().to_string(), "is a pipe; inputs are files and directories");
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_out_of_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let (data, secret) = (directory.path().join("data"), directory.path().join("secret"));
    fs_err::create_dir(&data).unwrap();
    fs_err::write(&secret, "s").unwrap();
    fs_err::write(data.join("a"), "a").unwrap();
    std::os::unix::fs::symlink("a", data.join("b")).unwrap();
    std::os::unix::fs::symlink(".", data.join("loop")).unwrap();
    assert_eq!(names(&open(&[input("data", &data)]).unwrap()), ["data/a", "data/b"]);
    std::os::unix::fs::symlink(&secret, data.join("c")).unwrap();
    let error = open(&[input("data", &data)]).unwrap_err();
    assert_eq!(error.name(), "data/c");
    assert!(matches!(error, InputError::Outside { .. }), "{error}");
}
