//! What the loader makes of small projects: values, places of errors, limits.

mod support;

use support::Files;
use windlass_model::windlass::{LoadWhen, Stage};
use windlass_model::{Diagnostic, render};

/// Problems of one file as `line:column code message`.
fn problems(compose: &str) -> Vec<String> {
    let found = Files::new(&[("compose.yaml", compose)]).load(|_| {}).expect_err("it is broken");
    found.0.iter().map(print).collect()
}

fn print(problem: &Diagnostic) -> String {
    let place = problem.span.as_ref().map(|span| format!("{}:{}", span.line, span.column)).unwrap_or_default();
    format!("{place} {} {}", problem.code, problem.message)
}

#[test]
fn all_problems_of_a_file_are_told_at_once() {
    let compose = "services:\n  web:\n    image: 5\n    prots: [80]\n  db:\n    image: db\n    restrt: always\nnetworks:\n  back: { drivr: x }\n";
    assert_eq!(
        problems(compose),
        [
            "3:12 type services.web.image must be a string",
            "4:5 unknown-key services.web additional properties 'prots' not allowed",
            "7:5 unknown-key services.db additional properties 'restrt' not allowed",
            "9:11 unknown-key networks.back additional properties 'drivr' not allowed",
        ]
    );
}

#[test]
fn references_point_at_where_they_were_typed() {
    let compose = "services:\n  a:\n    image: x\n    networks: [nope]\n    volumes:\n      - data:/data\n    depends_on:\n      - b\n";
    assert_eq!(
        problems(compose),
        [
            "4:16 undefined service \"a\" refers to undefined network nope: invalid compose project",
            "6:9 undefined service \"a\" refers to undefined volume data: invalid compose project",
            "8:9 undefined service \"a\" depends on undefined service \"b\": invalid compose project",
        ]
    );
}

/// Built, built for a platform of its own, and pulled.
const PLATFORMS: &str = "services:\n  b: { build: . }\n  own: { build: ., platform: linux/s390x }\n  p: { image: x }\n";

#[test]
fn the_default_platform_is_a_built_services_own_and_a_pulled_ones_only_where_it_is_asked_for() {
    let files = Files::new(&[("compose.yaml", PLATFORMS)]);
    let load = |default_platform| {
        let variable = ("DOCKER_DEFAULT_PLATFORM".to_owned(), "linux/arm64".to_owned());
        let loaded = files.load(|options| {
            options.environment.extend([variable]);
            options.default_platform = default_platform;
        });
        loaded.expect("it loads").project
    };
    let own = |project: &windlass_model::Project, name: &str| project.services[name].platform.clone();
    let project = load(true);
    assert_eq!(["b", "own", "p"].map(|name| own(&project, name)), ["linux/arm64", "linux/s390x", ""]);
    assert_eq!(project.platform_of(&project.services["p"]), "linux/arm64");
    assert_eq!(project.platform_of(&project.services["own"]), "linux/s390x");
    assert_eq!(own(&load(false), "b"), "");
}

#[test]
fn a_build_that_does_not_know_the_default_platform_is_told_with_its_place() {
    let compose = "services:\n  b:\n    build:\n      context: .\n      platforms: [linux/amd64]\n";
    let files = Files::new(&[("compose.yaml", compose)]);
    let found = files.load(|options| {
        options.environment.insert("DOCKER_DEFAULT_PLATFORM".to_owned(), "linux/arm64".to_owned());
        options.default_platform = true;
    });
    let found: Vec<String> = found.expect_err("it is broken").0.iter().map(print).collect();
    let text =
        "platform service \"b\" build.platforms does not support value set by DOCKER_DEFAULT_PLATFORM: linux/arm64";
    assert_eq!(found, [format!("5:7 {text}")]);
}

#[test]
fn an_error_in_an_override_points_into_the_override() {
    let files = Files::new(&[
        ("compose.yaml", "services:\n  a:\n    image: x\n    ports: ['80:80']\n"),
        ("compose.override.yaml", "services:\n  a:\n    ports: ['81:eighty']\n"),
    ]);
    let problem = files.load(|_| {}).expect_err("a bad port").0.remove(0);
    let span = problem.span.expect("a place");
    assert_eq!(span.file.expect("a file").path.to_str(), Some("/p/compose.override.yaml"));
    assert_eq!((span.line, span.column), (3, 13));
}

#[test]
fn an_earlier_value_is_overridden_and_a_later_one_is_not() {
    let (good, bad) = ("services:\n  a:\n    image: x\n", "services:\n  a:\n    image: [x]\n");
    let related = |base: &str, over: &str| {
        let files = Files::new(&[("compose.yaml", base), ("compose.override.yaml", over)]);
        let problems = files.load(|_| {}).expect_err("an image is a text").0;
        problems.into_iter().flat_map(|problem| problem.related).map(|(text, _)| text).collect::<Vec<_>>()
    };
    assert_eq!(related(good, bad), ["it overrides"]);
    assert_eq!(related(bad, good), Vec::<String>::new());
}

#[test]
fn explain_tells_every_layer() {
    let files = Files::new(&[
        ("compose.yaml", "services:\n  a:\n    image: x\n    environment: { LEVEL: info }\n"),
        ("compose.override.yaml", "services:\n  a:\n    environment: { LEVEL: debug }\n"),
    ]);
    let loaded = files.load(|options| options.origins = true).expect("it loads");
    let layers: Vec<String> = loaded
        .explain("services.a.environment.LEVEL")
        .into_iter()
        .map(|layer| {
            let span = layer.span.expect("it was typed");
            let path = span.file.expect("in a file").path.display().to_string();
            format!("{path}:{} {} {:?}", span.line, layer.value, layer.fate)
        })
        .collect();
    assert_eq!(layers, ["/p/compose.yaml:4 \"info\" Overridden", "/p/compose.override.yaml:3 \"debug\" Counts"]);
}

#[test]
fn windlass_settings_come_from_both_places() {
    let files = Files::new(&[
        ("compose.yaml", "services:\n  es:\n    image: es\n    x-windlass: { ready: elasticsearch, infer: false }\n"),
        (
            "windlass.yaml",
            "services:\n  es:\n    load:\n      trucks: { plugin: es-bulk, from: ./t.ndjson, with: { index: i }, when: once }\n    hooks: { post-start: [notify] }\n",
        ),
    ]);
    let project = files.load(|_| {}).expect("it loads").project;
    let settings = &project.services["es"].windlass;
    assert_eq!(settings.ready.as_ref().map(|probe| probe.plugin.as_str()), Some("elasticsearch"));
    assert!(settings.no_infer);
    assert_eq!((settings.load[0].name.as_str(), settings.load[0].when), ("trucks", LoadWhen::Once));
    assert_eq!(settings.load[0].from[0].path.to_str(), Some("/p/t.ndjson"));
    assert_eq!(settings.hooks[&Stage::PostStart][0].plugin, "notify");
}

#[test]
fn a_tag_resets_inside_a_sequence_too() {
    let files = Files::new(&[
        ("compose.yaml", "services:\n  a: { image: x, cap_add: [NET_ADMIN, SYS_TIME] }\n"),
        ("compose.override.yaml", "services:\n  a:\n    cap_add: [!reset NET_ADMIN, SYS_PTRACE]\n"),
    ]);
    assert_eq!(files.load(|_| {}).expect("it loads").project.services["a"].cap_add, ["SYS_TIME", "SYS_PTRACE"]);
}

#[test]
fn layered_dependencies_load_in_linear_time() {
    let mut compose = String::from("services:\n");
    for layer in 0..40 {
        for column in 0..6 {
            let below: Vec<String> =
                (0..6).filter(|_| layer > 0).map(|below| format!("l{}c{below}", layer - 1)).collect();
            let line = format!("  l{layer}c{column}: {{ image: x, depends_on: [{}] }}\n", below.join(", "));
            compose.push_str(&line);
        }
    }
    let loaded = Files::new(&[("compose.yaml", &compose)]).load(|_| {}).expect("it loads");
    assert_eq!(loaded.project.services.len(), 240);
}

#[test]
fn bombs_and_bottomless_files_end_in_an_error() {
    let nested = format!("x: {}{}", "[".repeat(100_000), "]".repeat(100_000));
    let variable = format!("services:\n  a: {{ image: \"{}x{}\" }}\n", "${A:-".repeat(50_000), "}".repeat(50_000));
    let cyclic = "services:\n  a: &a\n    image: x\n    x-a: *a\n".to_owned();
    let bomb = (1..9).fold("x-0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, n| {
        let below = format!("*a{}", n - 1);
        format!("{text}x-{n}: &a{n} [{}]\n", [below.as_str(); 10].join(", "))
    });
    for (compose, code) in
        [(nested, "yaml-syntax"), (variable, "interpolation"), (cyclic, "yaml-cycle"), (bomb, "yaml-bomb")]
    {
        let found = Files::new(&[("compose.yaml", &compose)]).load(|_| {}).expect_err("refused");
        assert_eq!(found.0[0].code, code, "{:?}", print(&found.0[0]).chars().take(200).collect::<String>());
    }
}

#[test]
fn ten_megabytes_load() {
    let line = format!("      A: \"{}\"\n", "x".repeat(1000));
    let body: String = (0..10_000).map(|n| line.replace("A:", &format!("V{n}:"))).collect();
    let compose = format!("services:\n  a:\n    image: x\n    environment:\n{body}");
    let loaded = Files::new(&[("compose.yaml", &compose)]).load(|_| {}).expect("it loads");
    assert_eq!(loaded.project.services["a"].environment.len(), 10_000);
}

/// Quadratic work on these lines would take minutes.
#[test]
fn many_tabs_beside_many_values_are_looked_at_once() {
    let values: String = (0..60_000).map(|n| format!("      V{n}: \"{n}\"\n")).collect();
    let script = "        \techo hello\n".repeat(60_000);
    let compose = format!(
        "services:\n  a:\n    image: x\n    environment:\n{values}    labels:\n      script: |\n        first\n{script}"
    );
    let loaded = Files::new(&[("compose.yaml", &compose)]).load(|_| {}).expect("it loads");
    assert_eq!(loaded.project.services["a"].labels["script"].lines().count(), 60_001);
}

#[test]
fn what_config_prints_can_be_read_again() {
    let compose = "name: p\nservices:\n  a:\n    image: x\n    command: [\"$$HOME\", 'it''s', \"a: b\", \"# c\", \"\", \"1\", \"null\", \" lead\", \"tab\\t\", \"line\\nline\\n\", \"é 🐢\"]\n    environment: { A: \"$$x\", B: , C: \"yes\" }\n";
    let first = Files::new(&[("compose.yaml", compose)]).load(|_| {}).expect("it loads").project;
    let printed = render::project_yaml(&first);
    let second = Files::new(&[("compose.yaml", &printed)]).load(|_| {}).expect("what was printed loads").project;
    assert_eq!(first.services, second.services);
}

#[test]
fn variables_may_stay_where_values_are_needed() {
    let compose = "services:\n  a:\n    image: x:${TAG:-1}\n    mem_limit: ${MEM}\n    ports: [\"${P}:80\"]\n    environment: [A=$B]\n    volumes: [\"${D:-./d}:/d\"]\n    links: [b]\n  b: { image: y }\n";
    let files = Files::new(&[("compose.yaml", compose)]);
    let loaded = files.load(|options| options.no_interpolate = true).expect("no value is needed");
    assert_eq!(
        render::tree_yaml(&loaded.tree),
        "name: p\nnetworks:\n  default:\n    name: p_default\nservices:\n  a:\n    depends_on:\n      b:\n        condition: service_started\n        required: true\n        restart: true\n    environment:\n      - A=$B\n    image: x:${TAG:-1}\n    links:\n      - b\n    mem_limit: ${MEM}\n    networks:\n      default: null\n    ports:\n      - ${P}:80\n    volumes:\n      - source: ${D:-./d}\n        target: /d\n        type: volume\n        volume: {}\n  b:\n    image: 'y'\n    networks:\n      default: null\n"
    );
}

/// Code, message and hint of the errors of some files, of which one is named.
fn hints(files: &[(&str, &str)], named: &str) -> Vec<String> {
    let found = Files::new(files).load(|options| options.files = vec![named.into()]).expect_err("it is broken");
    let told = found.0.iter().map(|problem| {
        let hint = problem.hint.as_deref().unwrap_or_default();
        format!("{}: {} [{hint}]", problem.code, problem.message)
    });
    told.collect()
}

#[test]
fn an_override_without_its_base_says_which_file_is_missing() {
    let files = [
        ("compose.yaml", "services:\n  a: { image: x }\n"),
        ("compose.dev.yaml", "services:\n  a: { environment: { DEBUG: 1 } }\n"),
        ("alone/over.yaml", "services:\n  a: { environment: { DEBUG: 1 } }\n"),
    ];
    let found = hints(&files, "compose.dev.yaml");
    assert!(found[0].starts_with("no-image: "), "{found:?}");
    assert!(found[0].contains("name that first: -f compose.yaml -f compose.dev.yaml"), "{found:?}");
    let found = hints(&files, "alone/over.yaml");
    assert!(!found[0].contains("-f"), "nothing stands beside it: {found:?}");
}

#[test]
fn a_variable_without_a_value_is_named_as_the_cause() {
    let compose = "services:\n  a:\n    image: x\n    volumes: [\"${SOCK}:/s\"]\n    ports: [\"${PORT}:80x\"]\n";
    let found = hints(&[("compose.yaml", compose)], "compose.yaml");
    let expected =
        ["SOCK is not set", "PORT is not set", "unset-variable: The \"SOCK\"", "unset-variable: The \"PORT\""];
    for (line, words) in found.iter().zip(expected) {
        assert!(line.contains(words), "{words}: {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn common_slips_have_hints() {
    let compose = "services:\n  a:\n    extends:\n    service: b\n    depends: [b]\n    env: { A: 1 }\n    ports: [\"1514/udp:1514/udp\"]\n  b: { image: x }\n";
    let found = hints(&[("compose.yaml", compose)], "compose.yaml").join("\n");
    for words in [
        "'service' not allowed [indent it: `service` belongs below `extends`]",
        "'depends' not allowed [did you mean `depends_on`?]",
        "'env' not allowed [did you mean `environment`?]",
    ] {
        assert!(found.contains(words), "{words}: {found}");
    }
    let compose = "services:\n  a: { image: x, ports: [\"1514/udp:1514/udp\"] }\n";
    let found = hints(&[("compose.yaml", compose)], "compose.yaml").join("\n");
    assert!(found.contains("[the protocol stands once, at the end: 1514:1514/udp]"), "{found}");
}

#[test]
fn variables_are_those_of_the_merged_files_and_need_no_value() {
    let files = [
        ("compose.yaml", "services:\n  a: { image: \"x:${TAG:?give one}\", command: \"${OLD}\" }\n"),
        ("over.yaml", "services:\n  a: { command: \"${NEW:-n}\" }\n"),
    ];
    let loaded = Files::new(&files)
        .load(|options| {
            options.files = vec!["compose.yaml".into(), "over.yaml".into()];
            options.no_interpolate = true;
        })
        .expect("no value is wanted");
    let names: Vec<(&str, bool)> = loaded.variables.iter().map(|it| (it.name.as_str(), it.required)).collect();
    assert_eq!(names, [("NEW", false), ("TAG", true)]);
}

/// Problems and warnings of a load, in order.
fn told(files: &Files, change: impl FnOnce(&mut windlass_model::LoadOptions)) -> Vec<String> {
    match files.load(change) {
        Ok(loaded) => loaded.warnings.iter().map(print).collect(),
        Err(problems) => problems.0.iter().map(print).collect(),
    }
}

const ONE: (&str, &str) = ("compose.yaml", "services: { a: { image: x } }\n");

#[test]
fn a_windlass_file_that_cannot_be_had_is_not_taken_for_none() {
    let reason = |file: &str| told(&Files::new(&[ONE, (file, "")]), |_| {});
    assert_eq!(reason("windlass.yaml/inner"), [" unreadable-file open /p/windlass.yaml: it is a directory"]);
    assert_eq!(reason("windlass.yaml@NotFound"), [" unreadable-file open /p/windlass.yaml: it is a link to nothing"]);
    assert_eq!(reason("windlass.yml@PermissionDenied"), [" unreadable-file open /p/windlass.yml: permission denied"]);
    assert_eq!(reason("windlass.txt"), Vec::<String>::new());
}

#[test]
fn only_an_environment_file_that_is_not_there_may_be_left_out() {
    let service = "services: { a: { image: x, env_file: [{ path: x.env, required: false }] } }\n";
    let optional = |file: &str| told(&Files::new(&[("compose.yaml", service), (file, "")]), |_| {});
    assert_eq!(optional("y.env"), Vec::<String>::new());
    assert_eq!(optional("x.env@NotFound"), Vec::<String>::new());
    assert_eq!(optional("x.env/y"), ["1:39 env-file failed to read /p/x.env: read /p/x.env: is a directory"]);
    assert_eq!(optional("x.env@PermissionDenied"), ["1:39 env-file open /p/x.env: permission denied"]);
    let default = |file: &str| told(&Files::new(&[ONE, (file, "")]), |_| {});
    assert_eq!(default(".env/bin"), Vec::<String>::new());
    assert_eq!(default(".env@PermissionDenied"), [" env-file open /p/.env: permission denied"]);
    let named = |file: &str| told(&Files::new(&[ONE, (file, "")]), |options| options.env_files.push("x.env".into()));
    assert_eq!(named("y.env"), [" env-file couldn't find env file: /p/x.env"]);
    assert_eq!(named("x.env/y"), [" env-file failed to read /p/x.env: read /p/x.env: is a directory"]);
    let labels = "services: { a: { image: x, label_file: l } }\n";
    let labels = told(&Files::new(&[("compose.yaml", labels), ("l/inner", "")]), |_| {});
    assert_eq!(labels, ["1:40 label-file failed to read /p/l: read /p/l: is a directory"]);
}

#[test]
fn a_raw_environment_file_in_another_syntax_is_an_error_at_its_line() {
    let service = "services: { a: { image: x, env_file: [{ path: x.env, format: raw }] } }\n";
    let found = told(&Files::new(&[("compose.yaml", service), ("x.env", "A=1\nB: 2\n")]), |_| {});
    assert_eq!(found, ["2:1 dotenv failed to read /p/x.env: line 2: variable 'B: 2' contains whitespaces"]);
}

#[test]
fn variables_of_the_loader_say_what_they_mean_or_are_refused() {
    let files = Files::new(&[
        ("compose.yaml", "services: { a: { image: 'x:${TAG:-none}' } }\n"),
        ("over.yaml", "services: { b: { image: y } }\n"),
        (".env", "TAG=file\n"),
        ("x.env", "TAG=x\n"),
    ]);
    let load = |name: &str, value: &str| {
        let pair = (name.to_owned(), value.to_owned());
        let loaded = files.load(|options| {
            options.environment.extend([pair, ("COMPOSE_FILE".into(), "compose.yaml:over.yaml".into())]);
        });
        loaded.map(|loaded| loaded.project).map_err(|problems| print(&problems.0[0]))
    };
    let image =
        |value: &str| load("COMPOSE_DISABLE_ENV_FILE", value).map(|project| project.services["a"].image.clone());
    for yes in ["1", "t", "TRUE", "true", "True"] {
        assert_eq!(image(yes), Ok("x:none".to_owned()), "{yes}");
    }
    for no in ["", "0", "f", "FALSE"] {
        assert_eq!(image(no), Ok("x:file".to_owned()), "{no}");
    }
    let refused = " environment COMPOSE_DISABLE_ENV_FILE must be true or false (found: \"yes\")";
    assert_eq!(image("yes"), Err(refused.to_owned()));
    let services = |value: &str| load("COMPOSE_PATH_SEPARATOR", value).map(|project| project.services.len());
    assert_eq!(services(""), Ok(2));
    let tag = load("COMPOSE_ENV_FILES", "x.env,").map(|project| project.services["a"].image.clone());
    assert_eq!(tag, Ok("x:x".to_owned()));
}

#[test]
fn standard_input_may_be_named_by_the_variable_too() {
    let files = Files::new(&[]);
    let loaded = files.load(|options| {
        options.environment.insert("COMPOSE_FILE".to_owned(), "-".to_owned());
        assert!(options.reads_stdin());
        options.stdin = Some(b"name: n\nservices: { a: { image: x } }\n".to_vec());
    });
    assert_eq!(loaded.expect("it loads").project.name, "n");
}

#[test]
fn the_project_directory_is_no_file_and_an_impossible_name_has_no_example() {
    let files = Files::new(&[ONE]);
    let found = told(&files, |options| options.project_directory = Some("compose.yaml".into()));
    assert_eq!(found, [" project-directory the project directory /p/compose.yaml is not a directory"]);
    let hint = |name: &str| {
        let problems = files.load(|options| options.project_name = Some(name.to_owned())).expect_err("a wrong name");
        problems.0[0].hint.clone()
    };
    assert_eq!(hint("A.B").as_deref(), Some("for example `ab`"));
    assert_eq!(hint("."), None);
}

#[test]
fn what_an_included_file_says_of_plugins_is_not_dropped_in_silence() {
    let files = Files::new(&[
        ("compose.yaml", "include: [sub/compose.yaml, beside.yaml]\nservices: { a: { image: x } }\n"),
        ("windlass.yaml", "{}\n"),
        ("beside.yaml", "services: { c: { image: x } }\n"),
        ("sub/compose.yaml", "services: { b: { image: x } }\nx-windlass: { plugins: {} }\n"),
        ("sub/windlass.yaml", "{}\n"),
    ]);
    let expected = [
        "1:11 windlass /p/sub/windlass.yaml is not read: the compose file beside it is included",
        "2:1 windlass the x-windlass of an included file is not read",
    ];
    assert_eq!(told(&files, |_| {}), expected);
    assert_eq!(told(&files, |options| options.windlass_file = false), Vec::<String>::new());
}
