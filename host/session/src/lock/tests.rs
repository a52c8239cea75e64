use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::*;

struct Desk {
    base: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { base: tempfile::tempdir().expect("a directory") };
        fs_err::create_dir(desk.path("run")).expect("ours");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.base.path().join(name)
    }

    fn request(&self, engine: &str, wait: LockWait) -> LockRequest {
        LockRequest {
            place: LockPlace { runtime: Some(self.path("run")), temporary: self.path("tmp") },
            engine: engine.to_owned(),
            holder: format!("windlass up on {engine}"),
            wait,
        }
    }

    async fn take(&self, engine: &str, project: &str) -> Result<ProjectLock, LockError> {
        ProjectLock::acquire(&self.request(engine, LockWait::Never), project, |_| {}).await
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours");
}

#[tokio::test(start_paused = true)]
async fn the_second_waits_and_is_told_for_whom() {
    let desk = Desk::new();
    let first = desk.take("unix:///a", "shop").await.expect("free");
    let mut told = Vec::new();
    let patient = desk.request("unix:///a", LockWait::AtMost(Duration::from_secs(30)));
    let error = ProjectLock::acquire(&patient, "shop", |holder| told.push(holder.who.clone())).await.unwrap_err();
    assert_eq!(told, ["windlass up on unix:///a"], "once, not for every attempt");
    assert!(matches!(error, LockError::Held { waited, .. } if waited >= Duration::from_secs(30)), "{error:?}");

    let forever = desk.request("unix:///a", LockWait::Forever);
    let mut first = Some(first);
    let second = ProjectLock::acquire(&forever, "shop", |_| drop(first.take())).await;
    assert!(second.is_ok(), "taken as soon as the first one lets go");
}

#[tokio::test]
async fn engines_and_projects_do_not_keep_each_other_waiting() {
    let desk = Desk::new();
    let _held = desk.take("unix:///a", "shop").await.expect("free");
    assert!(desk.take("unix:///b", "shop").await.is_ok(), "another engine");
    assert!(desk.take("unix:///a", "blog").await.is_ok(), "another project");
    let error = desk.take("unix:///a", "shop").await.unwrap_err();
    assert!(error.to_string().contains("windlass up on unix:///a"), "{error}");
}

#[tokio::test]
async fn what_a_link_points_to_is_left_alone() {
    let desk = Desk::new();
    drop(desk.take("unix:///a", "shop").await.expect("free"));
    let file = desk.path("run/windlass").join(file_name("unix:///a", "shop"));
    let precious = desk.path("precious");
    fs_err::write(&precious, "precious").expect("ours");

    fs_err::remove_file(&file).expect("it is there");
    symlink(&precious, &file).expect("a link");
    assert!(desk.take("unix:///a", "shop").await.is_err(), "a symbolic link");

    fs_err::remove_file(&file).expect("it is there");
    fs_err::hard_link(&precious, &file).expect("a link");
    assert!(matches!(desk.take("unix:///a", "shop").await, Err(LockError::Unsafe { .. })), "a second name");
    assert_eq!(fs_err::read_to_string(&precious).expect("still there"), "precious");
}

#[tokio::test]
async fn the_directory_is_private() {
    let desk = Desk::new();
    drop(desk.take("unix:///a", "shop").await.expect("free"));
    let made = desk.path("run/windlass");
    assert_eq!(fs_err::metadata(&made).expect("made").mode() & 0o777, 0o700);
    let file = made.join(file_name("unix:///a", "shop"));
    assert_eq!(fs_err::metadata(&file).expect("made").mode() & 0o777, 0o600, "and so is the file");

    // One that an earlier version made is tightened.
    set_mode(&made, 0o755);
    assert!(desk.take("unix:///a", "shop").await.is_ok());
    assert_eq!(fs_err::metadata(&made).expect("made").mode() & 0o777, 0o700);

    // One that others could write to may hold anything: the user's own among the temporary files serves instead.
    set_mode(&made, 0o777);
    drop(desk.take("unix:///a", "shop").await.expect("there is another place"));
    let own = desk.path("tmp").join(format!("windlass-{}", rustix::process::geteuid().as_raw()));
    assert_eq!(fs_err::metadata(&own).expect("made").mode() & 0o777, 0o700);

    set_mode(&own, 0o777);
    assert!(matches!(desk.take("unix:///a", "shop").await, Err(LockError::Unsafe { .. })), "no place is left");
}

#[tokio::test]
async fn a_link_in_place_of_the_directory_is_not_followed() {
    let desk = Desk::new();
    fs_err::create_dir_all(desk.path("elsewhere")).expect("ours");
    fs_err::create_dir_all(desk.path("tmp")).expect("ours");
    set_mode(&desk.path("elsewhere"), 0o700);
    let own = desk.path("tmp").join(format!("windlass-{}", rustix::process::geteuid().as_raw()));
    symlink(desk.path("elsewhere"), &own).expect("a link");
    let request = LockRequest {
        place: LockPlace { runtime: None, temporary: desk.path("tmp") },
        ..desk.request("unix:///a", LockWait::Never)
    };
    let error = ProjectLock::acquire(&request, "shop", |_| {}).await.unwrap_err();
    assert!(matches!(error, LockError::Unsafe { .. }), "{error:?}");
    assert_eq!(fs_err::read_dir(desk.path("elsewhere")).expect("there").count(), 0);
}

#[tokio::test]
async fn a_file_in_place_of_a_directory_is_told() {
    let desk = Desk::new();
    fs_err::create_dir_all(desk.path("run")).expect("ours");
    fs_err::write(desk.path("run/windlass"), "").expect("ours");
    assert!(desk.take("unix:///a", "shop").await.is_ok(), "there is another place");

    let own = desk.path("tmp").join(format!("windlass-{}", rustix::process::geteuid().as_raw()));
    fs_err::remove_dir_all(&own).expect("it was made");
    fs_err::write(&own, "").expect("ours");
    set_mode(&own, 0o600);
    assert!(matches!(desk.take("unix:///a", "shop").await, Err(LockError::Unsafe { .. })), "no place is left");

    fs_err::remove_dir_all(desk.path("tmp")).expect("it is there");
    fs_err::write(desk.path("tmp"), "").expect("ours");
    let error = desk.take("unix:///a", "shop").await.unwrap_err();
    assert!(matches!(error, LockError::Io { .. }), "where nothing can be made: {error:?}");
}

#[test]
fn what_helps_depends_on_what_is_wrong() {
    let held = |waited| LockError::Held { project: "shop".into(), holder: Holder::read("windlass up"), waited };
    let cases = [
        (held(Duration::ZERO), "--no-wait-lock"),
        (held(Duration::from_secs(1)), "stop it"),
        (LockError::Unsafe { path: "/run".into(), reason: "it is not a file" }, "XDG_RUNTIME_DIR"),
        (LockError::Io { path: "/run".into(), source: io::ErrorKind::StorageFull.into() }, "TMPDIR"),
    ];
    for (error, part) in cases {
        let hint = error.hint();
        assert!(hint.as_ref().is_some_and(|hint| hint.contains(part)), "{error}: {hint:?}");
    }
}

#[test]
fn a_holder_says_for_how_long() {
    let holder = Holder::read("windlass up web, process 7\n1000\n");
    let after = |seconds: u64| holder.at(UNIX_EPOCH + Duration::from_secs(1000 + seconds));
    assert_eq!(after(0), "windlass up web, process 7, for 0s");
    assert_eq!(after(119), "windlass up web, process 7, for 119s");
    assert_eq!(after(120), "windlass up web, process 7, for 2m");
    assert_eq!(after(3 * 3600), "windlass up web, process 7, for 3h");
    // A clock that was put back, a file of an earlier version, and one that is just being written.
    assert_eq!(holder.at(UNIX_EPOCH), "windlass up web, process 7");
    assert_eq!(Holder::read("windlass up, process 7\n").to_string(), "windlass up, process 7");
    assert_eq!(Holder::read("").to_string(), "another windlass");
}

#[tokio::test]
async fn a_runtime_directory_that_is_none_is_not_used_and_the_reason_is_told() {
    let desk = Desk::new();
    let own = desk.path("tmp").join(format!("windlass-{}", rustix::process::geteuid().as_raw()));
    fs_err::write(desk.path("file"), "").expect("ours");
    fs_err::create_dir(desk.path("open")).expect("ours");
    set_mode(&desk.path("open"), 0o1777);
    let odd = [
        (PathBuf::from("run"), "is not an absolute path"),
        (desk.path("gone"), "does not exist"),
        (desk.path("file"), "is not a directory"),
        (desk.path("open"), "can be written to by other users"),
        // It is everybody's own, and nobody can make anything there.
        (PathBuf::from("/proc/self"), "/proc/self/windlass cannot be used: No such file"),
    ];
    for (runtime, reason) in odd {
        let place = LockPlace { runtime: Some(runtime), temporary: desk.path("tmp") };
        let complaint = place.complaint().expect("it is told");
        assert!(complaint.contains(reason), "{complaint}");
        assert_eq!(place.directory().expect("there is another place"), own, "{reason}");
    }
    assert!(!desk.path("gone").exists() && !desk.path("open/windlass").exists(), "nothing is made there");
    let usual = LockPlace { runtime: Some(desk.path("run")), temporary: desk.path("tmp") };
    assert_eq!(usual.complaint(), None);
    assert_eq!(usual.directory().expect("it is fit"), desk.path("run/windlass"));
}

#[tokio::test]
async fn who_does_not_want_to_wait_is_told_that_waiting_is_possible() {
    let desk = Desk::new();
    let _held = desk.take("unix:///a", "shop").await.expect("free");
    let error = desk.take("unix:///a", "shop").await.unwrap_err();
    assert!(error.hint().is_some_and(|hint| hint.contains("leave out --no-wait-lock")), "{:?}", error.hint());
}

/// Whoever holds it may be another program.
#[tokio::test]
async fn what_a_stranger_wrote_into_the_file_keeps_nobody_from_waiting() {
    let desk = Desk::new();
    let held = desk.take("unix:///a", "shop").await.expect("free");
    let file = desk.path("run/windlass").join(file_name("unix:///a", "shop"));
    let mut odd = b"wind\xfflass".to_vec();
    odd.resize(1 << 20, b'x');
    fs_err::write(&file, odd).expect("ours");
    let error = desk.take("unix:///a", "shop").await.unwrap_err();
    assert!(matches!(&error, LockError::Held { holder, .. } if holder.who.len() < 5000), "{error}");
    drop(held);
}

#[tokio::test]
async fn what_is_no_file_in_place_of_the_lock_is_told_with_the_way_out() {
    let desk = Desk::new();
    drop(desk.take("unix:///a", "shop").await.expect("free"));
    let file = desk.path("run/windlass").join(file_name("unix:///a", "shop"));
    fs_err::remove_file(&file).expect("it is there");
    fs_err::create_dir(&file).expect("ours");
    let error = desk.take("unix:///a", "shop").await.unwrap_err();
    assert!(matches!(error, LockError::Unsafe { reason: "it is not a file", .. }), "{error:?}");
    fs_err::remove_dir(&file).expect("ours");
    symlink(desk.path("anything"), &file).expect("a link");
    let error = desk.take("unix:///a", "shop").await.unwrap_err();
    assert!(matches!(error, LockError::Unsafe { reason: "it is a link", .. }), "{error:?}");
}

/// A process that may write nothing at all to files stands for a full disk.
#[test]
fn a_full_disk_keeps_nobody_from_the_lock() {
    let test = std::env::current_exe().expect("this test");
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$0\" --ignored --exact lock::tests::where_nothing_can_be_written";
    let run = std::process::Command::new("sh").args(["-c", script]).arg(test).output().expect("sh runs");
    let out = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && out.contains("1 passed"), "{out}");
}

#[tokio::test]
#[ignore = "a_full_disk_keeps_nobody_from_the_lock runs it, with a limit"]
async fn where_nothing_can_be_written() {
    let desk = Desk::new();
    fs_err::write(desk.path("probe"), "x").expect_err("nothing can be written");
    let _held = desk.take("unix:///a", "shop").await.expect("it can be had all the same");
    let error = desk.take("unix:///a", "shop").await.unwrap_err();
    assert!(error.to_string().contains("another windlass"), "{error}");
}
