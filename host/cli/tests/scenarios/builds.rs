//! Builds with either builder: what the context may hold, and contexts that are other services.

use std::process::Command;

use crate::harness::{Scenario, both, docker};

/// The values of `DOCKER_BUILDKIT`: the classic builder, and BuildKit.
const BUILDERS: [&str; 2] = ["0", "1"];

const COPY: &str = "FROM windlass-test/busybox:1\nCOPY . /x\n";

#[test]
fn either_builder_builds() {
    both("either_builder_builds", |tool| {
        for builder in BUILDERS {
            let it = Scenario::new(tool, "builder", "services: { app: { build: . } }\n");
            it.write("Dockerfile", COPY);
            it.write("word", builder);
            it.run_with(&[("DOCKER_BUILDKIT", builder)], &["build"]).ok();
            let image = format!("{}-app", it.name);
            assert_eq!(docker(&["run", "--rm", &image, "cat", "/x/word"]).ok().stdout, builder);
            docker(&["rmi", &image]).ok();
        }
    });
}

#[test]
fn a_pipe_in_the_context_is_neither_opened_nor_in_the_way() {
    both("a_pipe_in_the_context_is_neither_opened_nor_in_the_way", |tool| {
        for builder in BUILDERS {
            let it = Scenario::new(tool, "pipe", "services: { app: { build: . } }\n");
            it.write("Dockerfile", COPY);
            it.write("word", "here");
            assert!(Command::new("mkfifo").arg(it.path("pipe")).status().expect("mkfifo runs").success());
            it.run_with(&[("DOCKER_BUILDKIT", builder)], &["build"]).ok();
            let image = format!("{}-app", it.name);
            assert_eq!(docker(&["run", "--rm", &image, "cat", "/x/word"]).ok().stdout, "here");
            docker(&["rmi", &image]).ok();
        }
    });
}

#[test]
fn a_file_that_may_not_be_read_is_named_by_the_classic_builder() {
    both("a_file_that_may_not_be_read_is_named_by_the_classic_builder", |tool| {
        let it = Scenario::new(tool, "closed", "services: { app: { build: . } }\n");
        it.write("Dockerfile", COPY);
        it.write("closed", "secret");
        let nobody = std::os::unix::fs::PermissionsExt::from_mode(0o000);
        fs_err::set_permissions(it.path("closed"), nobody).expect("it is ours");
        it.run_unprivileged(&[("DOCKER_BUILDKIT", "0")], &["build"]).fails(1, &["closed"]);
        assert_ne!(docker(&["image", "inspect", &format!("{}-app", it.name)]).code, 0, "nothing was built");
    });
}

#[test]
fn a_service_is_a_context_of_another_one() {
    both("a_service_is_a_context_of_another_one", |tool| {
        let it = Scenario::new(
            tool,
            "service-context",
            "services:\n  base: { build: base }\n  top:\n    build: { context: top, additional_contexts: { under: 'service:base' } }\n",
        );
        it.write("base/Dockerfile", "FROM windlass-test/busybox:1\nRUN echo one > /word\n");
        it.write("top/Dockerfile", "FROM under\nRUN echo two >> /word\n");
        let (base, top) = (format!("{}-base", it.name), format!("{}-top", it.name));
        it.run_with(&[("DOCKER_BUILDKIT", "0")], &["build"])
            .fails(1, &["classic builder doesn't support additional contexts"]);
        assert_ne!(docker(&["image", "inspect", &top]).code, 0);
        it.run_with(&[("DOCKER_BUILDKIT", "1")], &["build"]).ok();
        assert_eq!(docker(&["run", "--rm", &top, "cat", "/word"]).ok().stdout, "one\ntwo\n");
        docker(&["rmi", &top, &base]).ok();
    });
}
