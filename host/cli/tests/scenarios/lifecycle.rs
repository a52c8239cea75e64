//! up, down, recreate, scale: what exists afterwards.

use crate::harness::{Scenario, Tool, both, docker, ours, text};

const IDLE: &str = "command: ['sh', '-c', 'trap exit TERM; while :; do sleep 3600 & wait $$!; done']";

fn two_services() -> String {
    format!(
        "services:\n  db:\n    image: windlass-test/busybox:1\n    {IDLE}\n    volumes: [data:/data]\n  web:\n    image: windlass-test/busybox:1\n    {IDLE}\n    depends_on: [db]\n    environment: {{ COLOR: blue }}\nvolumes:\n  data:\n"
    )
}

#[test]
fn up_creates_and_down_removes() {
    both("up_creates_and_down_removes", |tool| {
        let it = Scenario::new(tool, "updown", &two_services());
        it.run(&["up", "-d"]).ok();
        let names: Vec<String> = it.containers().iter().map(|c| text(&c["Name"])).collect();
        assert_eq!(names, [format!("/{}-db-1", it.name), format!("/{}-web-1", it.name)]);
        assert!(it.containers().iter().all(|c| c["State"]["Running"] == true));
        assert_eq!(it.resources("network"), [format!("{}_default", it.name)]);
        assert_eq!(it.resources("volume"), [format!("{}_data", it.name)]);
        it.run(&["down", "-t", "1"]).ok();
        assert_eq!(it.ids(), Vec::<String>::new());
        assert_eq!(it.resources("network"), Vec::<String>::new());
        assert_eq!(it.resources("volume"), [format!("{}_data", it.name)], "down keeps volumes");
        it.run(&["down", "-v"]).ok();
        it.assert_gone();
    });
}

#[test]
fn second_up_changes_nothing() {
    both("second_up_changes_nothing", |tool| {
        let it = Scenario::new(tool, "noop", &two_services());
        it.run(&["up", "-d"]).ok();
        let before = it.ids();
        it.run(&["up", "-d"]).ok();
        assert_eq!(it.ids(), before);
    });
}

#[test]
fn a_changed_service_is_recreated_and_no_other() {
    both("a_changed_service_is_recreated_and_no_other", |tool| {
        let it = Scenario::new(tool, "change", &two_services());
        it.run(&["up", "-d"]).ok();
        let (db, web) = (it.container("db")["Id"].clone(), it.container("web")["Id"].clone());
        it.write("compose.yaml", &two_services().replace("blue", "green"));
        it.run(&["up", "-d"]).ok();
        assert_eq!(it.container("db")["Id"], db);
        let new = it.container("web");
        assert_ne!(new["Id"], web);
        assert_eq!(text(&new["Name"]), format!("/{}-web-1", it.name));
        assert!(new["Config"]["Env"].to_string().contains("COLOR=green"));
        assert_eq!(new["State"]["Running"], true);
    });
}

#[test]
fn anonymous_volumes_survive_a_recreation() {
    both("anonymous_volumes_survive_a_recreation", |tool| {
        let file = format!(
            "services:\n  db:\n    image: windlass-test/busybox:1\n    {IDLE}\n    volumes: [/data]\n    environment: {{ A: '1' }}\n"
        );
        let it = Scenario::new(tool, "anon", &file);
        it.run(&["up", "-d"]).ok();
        it.run(&["exec", "-T", "db", "sh", "-c", "echo kept > /data/x"]).ok();
        it.write("compose.yaml", &file.replace("'1'", "'2'"));
        it.run(&["up", "-d"]).ok();
        assert_eq!(it.run(&["exec", "-T", "db", "cat", "/data/x"]).ok().stdout, "kept\n");
        it.run(&["up", "-d", "-V"]).ok();
        assert_ne!(it.run(&["exec", "-T", "db", "cat", "/data/x"]).code, 0, "-V makes new ones");
    });
}

#[test]
fn scale_up_and_down() {
    both("scale_up_and_down", |tool| {
        let it = Scenario::new(tool, "scale", &two_services());
        it.run(&["up", "-d", "--scale", "web=3"]).ok();
        let web = |it: &Scenario| it.containers().iter().filter(|c| text(&c["Name"]).contains("-web-")).count();
        assert_eq!(web(&it), 3);
        it.run(&["up", "-d", "--scale", "web=1"]).ok();
        assert_eq!(web(&it), 1);
        assert_eq!(text(&it.container("web")["Name"]), format!("/{}-web-1", it.name));
    });
}

#[test]
fn orphans_are_named_and_removed_on_request() {
    both("orphans_are_named_and_removed_on_request", |tool| {
        let it = Scenario::new(tool, "orphan", &two_services());
        it.run(&["up", "-d"]).ok();
        it.write(
            "compose.yaml",
            &format!(
                "services:\n  db:\n    image: windlass-test/busybox:1\n    {IDLE}\n    volumes: [data:/data]\nvolumes:\n  data:\n"
            ),
        );
        let said = it.run(&["up", "-d"]).ok().stderr;
        assert!(said.contains("orphan") && said.contains("web-1"), "{said}");
        assert_eq!(it.ids().len(), 2);
        it.run(&["up", "-d", "--remove-orphans"]).ok();
        assert_eq!(it.ids().len(), 1);
    });
}

#[test]
fn aliases_survive_a_network_change() {
    // The peer loses them (it reconnects without endpoint settings), so this one is ours alone.
    ours("aliases_survive_a_network_change", || {
        let file = |extra: &str| {
            format!(
                "services:\n  db:\n    image: windlass-test/busybox:1\n    {IDLE}\n    networks: {{ back: {{ aliases: [store] }} }}\n  web:\n    image: windlass-test/busybox:1\n    {IDLE}\n    networks: [back]\nnetworks:\n  back:\n    labels: {{ v: '{extra}' }}\n"
            )
        };
        let it = Scenario::new(Tool::Windlass, "alias", &file("1"));
        it.run(&["up", "-d"]).ok();
        it.write("compose.yaml", &file("2"));
        it.run(&["up", "-d"]).ok();
        it.run(&["exec", "-T", "web", "nslookup", "store"]).ok();
        it.run(&["exec", "-T", "web", "nslookup", "db"]).ok();
    });
}

#[test]
fn profiles_and_env_files_select_and_fill_in() {
    both("profiles_and_env_files_select_and_fill_in", |tool| {
        let file = format!(
            "services:\n  a:\n    image: windlass-test/busybox:1\n    {IDLE}\n    environment: {{ WHO: '${{WHO:-nobody}}' }}\n  b:\n    image: windlass-test/busybox:1\n    {IDLE}\n    profiles: [extra]\n"
        );
        let it = Scenario::new(tool, "profile", &file);
        it.write("other.env", "WHO=somebody\n");
        it.run(&["--env-file", "other.env", "up", "-d"]).ok();
        assert_eq!(it.ids().len(), 1);
        assert!(it.container("a")["Config"]["Env"].to_string().contains("WHO=somebody"));
        it.run(&["--env-file", "other.env", "--profile", "extra", "up", "-d"]).ok();
        assert_eq!(it.ids().len(), 2);
    });
}

#[test]
fn stop_start_restart_keep_the_container() {
    both("stop_start_restart_keep_the_container", |tool| {
        let it = Scenario::new(tool, "stop", &two_services());
        it.run(&["up", "-d"]).ok();
        let before = it.ids();
        it.run(&["stop", "-t", "1"]).ok();
        assert!(it.containers().iter().all(|c| c["State"]["Running"] == false));
        it.run(&["start"]).ok();
        assert!(it.containers().iter().all(|c| c["State"]["Running"] == true));
        let started = it.container("web")["State"]["StartedAt"].clone();
        it.run(&["restart", "-t", "1", "web"]).ok();
        assert_ne!(it.container("web")["State"]["StartedAt"], started);
        assert_eq!(it.ids(), before);
    });
}

#[test]
fn exec_passes_input_output_and_exit_code() {
    both("exec_passes_input_output_and_exit_code", |tool| {
        let it = Scenario::new(tool, "exec", &two_services());
        it.run(&["up", "-d"]).ok();
        let ran = it.run(&[
            "exec",
            "-T",
            "-e",
            "X=y",
            "-w",
            "/tmp",
            "web",
            "sh",
            "-c",
            "echo $X; pwd; echo oops >&2; exit 7",
        ]);
        assert_eq!((ran.code, ran.stdout.as_str()), (7, "y\n/tmp\n"));
        assert!(ran.stderr.contains("oops"));
        it.run(&["exec", "-T", "nosuch", "true"]).fails(1, &["nosuch"]);
    });
}

#[test]
fn logs_have_prefix_and_tail() {
    both("logs_have_prefix_and_tail", |tool| {
        let it = Scenario::new(
            tool,
            "logs",
            "services:\n  talk:\n    image: windlass-test/busybox:1\n    command: ['sh', '-c', 'echo one; echo two; echo three']\n",
        );
        it.run(&["up", "-d"]).ok();
        crate::harness::eventually("the container ended", || it.container("talk")["State"]["Running"] == false);
        assert_eq!(it.run(&["logs"]).ok().stdout, "talk-1  | one\ntalk-1  | two\ntalk-1  | three\n");
        assert_eq!(it.run(&["logs", "--tail", "1"]).ok().stdout, "talk-1  | three\n");
        assert_eq!(it.run(&["logs", "--no-log-prefix", "talk"]).ok().stdout, "one\ntwo\nthree\n");
    });
}

#[test]
fn an_image_is_built_with_args_and_target() {
    both("an_image_is_built_with_args_and_target", |tool| {
        let it = Scenario::new(
            tool,
            "build",
            "services:\n  app:\n    build: { context: ., args: { WORD: hello }, target: two }\n    command: cat /word\n",
        );
        it.write("Dockerfile", "FROM windlass-test/busybox:1 AS one\nARG WORD\nRUN echo $WORD > /word\nFROM one AS two\nLABEL stage=two\nFROM one AS three\nLABEL stage=three\n");
        it.run(&["up", "-d"]).ok();
        crate::harness::eventually("the container ended", || it.container("app")["State"]["Running"] == false);
        assert_eq!(it.run(&["logs", "--no-log-prefix"]).ok().stdout, "hello\n");
        let image = format!("{}-app", it.name);
        assert_eq!(docker(&["image", "inspect", "-f", "{{.Config.Labels.stage}}", &image]).ok().stdout, "two\n");
        it.write("Dockerfile", "FROM windlass-test/busybox:1 AS two\nRUN echo changed > /word\n");
        it.run(&["up", "-d", "--build"]).ok();
        crate::harness::eventually("the container ended", || it.container("app")["State"]["Running"] == false);
        assert_eq!(it.run(&["logs", "--no-log-prefix"]).ok().stdout, "changed\n");
        it.run(&["down", "--rmi", "local"]).ok();
        assert_ne!(docker(&["image", "inspect", &image]).code, 0);
    });
}

#[test]
fn secrets_and_configs_reach_the_container() {
    both("secrets_and_configs_reach_the_container", |tool| {
        let it = Scenario::new(
            tool,
            "secret",
            "services:\n  app:\n    image: windlass-test/busybox:1\n    command: ['sh', '-c', 'cat /run/secrets/token /etc/motd /run/secrets/word; echo']\n    secrets: [token, word]\n    configs: [{ source: motd, target: /etc/motd }]\nsecrets:\n  token: { file: ./token.txt }\n  word: { environment: WORD }\nconfigs:\n  motd: { content: \"hi\\n\" }\n",
        );
        it.write("token.txt", "t0k3n\n");
        it.write(".env", "WORD=fromenv\n");
        it.run(&["up", "-d"]).ok();
        crate::harness::eventually("the container ended", || it.container("app")["State"]["Running"] == false);
        assert_eq!(it.run(&["logs", "--no-log-prefix"]).ok().stdout, "t0k3n\nhi\nfromenv\n");
    });
}
