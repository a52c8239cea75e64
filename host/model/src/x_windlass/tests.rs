use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::{json, windlass_schema};
use crate::diagnostic::Diagnostics;
use crate::node::{Node, SourceFile};
use crate::project::{Project, Service};
use crate::windlass::{Hook, LoadWhen, PluginSource, ProbeTiming, Stage};

/// A project in `/p` with the services `es` and `web`.
fn project() -> Project {
    let service = |name: &str| (name.to_owned(), Arc::new(Service { name: name.to_owned(), ..Service::default() }));
    Project { working_dir: "/p".into(), services: [service("es"), service("web")].into(), ..Project::default() }
}

fn tree(text: &str) -> Node {
    let file = SourceFile { path: "/p/sub/windlass.yaml".into(), text: text.to_owned() };
    let mut out = Diagnostics::default();
    let tree = crate::yaml::parse(&file.into(), &mut out).remove(0);
    assert_eq!(out.0, [], "{text}");
    tree
}

fn read(text: &str) -> (Project, Diagnostics) {
    let (mut project, mut out) = (project(), Diagnostics::default());
    let file = tree(text);
    super::apply(&tree("{}"), Some(&file), &mut project, Some("/home/me".as_ref()), &mut out);
    (project, out)
}

/// Whether a value fits a schema: the keywords that ours uses.
fn fits(value: &Json, schema: &Json, root: &Json) -> bool {
    let all = |key: &str, check: &dyn Fn(&Json) -> bool| schema.get(key).is_none_or(check);
    let each = |check: &dyn Fn(&str, &Json) -> bool| {
        value.as_object().is_none_or(|map| map.iter().all(|(key, value)| check(key, value)))
    };
    let pattern = |pattern: &Json| {
        let pattern = regex_lite::Regex::new(pattern.as_str().expect("text")).expect("a pattern");
        value.as_str().is_none_or(|text| pattern.is_match(text))
    };
    if schema == &Json::Bool(false) {
        return false;
    }
    all("$ref", &|place| {
        let place = place.as_str().expect("text").trim_start_matches('#');
        fits(value, root.pointer(place).expect("a definition"), root)
    }) && all("type", &|types| match types {
        Json::Array(types) => types.iter().any(|name| is_a(value, name)),
        name => is_a(value, name),
    }) && all("enum", &|values| values.as_array().expect("a list").contains(value))
        && all("minLength", &|_| value.as_str() != Some(""))
        && all("minimum", &|least| value.as_i64().is_none_or(|number| number >= least.as_i64().expect("a number")))
        && all("pattern", &pattern)
        && all("not", &|inner| !fits(value, inner, root))
        && all("anyOf", &|inner| inner.as_array().expect("a list").iter().any(|inner| fits(value, inner, root)))
        && all("maxItems", &|most| value.as_array().is_none_or(|items| Some(items.len() as u64) <= most.as_u64()))
        && all("items", &|inner| value.as_array().is_none_or(|items| items.iter().all(|item| fits(item, inner, root))))
        && all("required", &|names| {
            let names = names.as_array().expect("a list");
            value.as_object().is_none_or(|map| names.iter().all(|name| map.contains_key(name.as_str().expect("text"))))
        })
        && each(&|key, value| match schema.get("properties").and_then(|properties| properties.get(key)) {
            Some(inner) => fits(value, inner, root),
            None => match schema.get("additionalProperties") {
                Some(Json::Bool(allowed)) => *allowed,
                Some(inner) => fits(value, inner, root),
                None => true,
            },
        })
}

fn is_a(value: &Json, name: &Json) -> bool {
    match name.as_str().expect("text") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the schema uses the type {other}"),
    }
}

const GOOD: &[&str] = &[
    "{}",
    "services: { es: { ready: elasticsearch } }",
    "services: { es: { ready: { plugin: http, with: { path: / }, target: 'es:9200', timeout: 1m30s, interval: .5s, success-threshold: 2 } } }",
    "services: { es: { infer: false, load: { trucks: { plugin: es-bulk, from: ./t.ndjson, when: once } } } }",
    "services: { es: { load: { t: { plugin: es-bulk, from: [a, b], when: manual, target: 'es:9200', timeout: 5m } } } }",
    "services: { web: { hooks: { pre-start: [ { plugin: elasticsearch, target: 'es:9200' } ], post-stop: [ notify ] } } }",
    "hooks: { post-up: [ { plugin: notify, with: { text: up }, on-failure: warn, retries: 3, timeout: 10s } ] }",
    "plugins: { notify: { source: ./n.wasm, grants: { dial: ['chat:443', 'es:*'], read: ./t, secrets: [T] }, limits: { memory: 64MiB, timeout: 10s } } }",
    "plugins: { a: , b: { source: 'oci://h/r:1' }, c: { limits: { memory: 1000000 } } }",
    "plugins: { a: { source: 'https://x/a.wasm#sha256=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef' } }",
    "plugins: { a: { source: 'file:///a.wasm' }, b: { source: './odd://name.wasm' } }",
    "services: { es: , web: { hooks: , load: } }",
    "relay: { image: alpine }",
    "relay:",
];

/// Text, and a piece of the message.
const BAD: &[(&str, &str)] = &[
    ("hooks: { policy: [ ours ] }", "hooks.policy: plugins are not called at this stage yet"),
    ("hooks: { resolve: [ ours ] }", "hooks.resolve: plugins are not called at this stage yet"),
    ("relay: { image: 5 }", "relay.image must be the name of an image"),
    ("relay: { image: '' }", "relay.image must be the name of an image"),
    ("relay: { network: x }", "relay has no attribute 'network'"),
    ("plugin: {}", "has no attribute 'plugin'"),
    ("plugins: [a]", "plugins must be a mapping of names"),
    ("services: [es]", "services must be a mapping of names"),
    ("services: { es: { redy: x } }", "services.es has no attribute 'redy'"),
    ("services: { es: { ready: 5 } }", "must be the name of a probe plugin"),
    ("services: { es: { ready: { with: {} } } }", "services.es.ready needs `plugin`"),
    ("services: { es: { ready: { plugin: x, timeout: 5 } } }", "missing unit in duration"),
    ("services: { es: { ready: { plugin: x, timeout: 5q } } }", "unknown unit \"q\""),
    ("services: { es: { ready: { plugin: x, success-threshold: 0 } } }", "must be a number from 1 on"),
    ("services: { es: { ready: { plugin: x, with: text } } }", "ready.with must be a mapping"),
    ("services: { es: { ready: { plugin: x, target: es } } }", "target must be SERVICE:PORT"),
    ("services: { es: { ready: { plugin: x, target: 'es:0' } } }", "target must be SERVICE:PORT"),
    ("services: { es: { infer: 'no' } }", "infer must be true or false"),
    ("services: { es: { load: [x] } }", "load must be a mapping of names to datasets"),
    ("services: { es: { load: { t: { from: x } } } }", "services.es.load.t needs `plugin`"),
    ("services: { es: { load: { t: { plugin: x, when: never } } } }", "must be one of changed, once, always, manual"),
    ("services: { es: { load: { t: { plugin: x, from: [5] } } } }", "from must be a string or a list of strings"),
    ("services: { es: { hooks: { post-up: [x] } } }", "has no attribute 'post-up'"),
    ("services: { es: { hooks: { pre-start: x } } }", "pre-start must be a list of hooks"),
    ("services: { es: { hooks: { pre-start: [{ plugin: x, on-failure: stop }] } } }", "must be one of fail, warn"),
    ("services: { es: { hooks: { pre-start: [{ plugin: x, retries: -1 }] } } }", "must be a number from 0 on"),
    ("services: { es: { load: { '': { plugin: x } } } }", "a dataset needs a name"),
    ("services: { es: { load: { t: { plugin: x, timeout: 0s } } } }", "load.t.timeout: it must be longer than 0s"),
    ("services: { es: { ready: { plugin: x, timeout: 0m0.0s } } }", "ready.timeout: it must be longer than 0s"),
    ("services: { es: { ready: { plugin: x, attempt-timeout: '0' } } }", "attempt-timeout: it must be longer than 0s"),
    ("services: { es: { hooks: { pre-start: [{ plugin: x, timeout: 0s }] } } }", "timeout: it must be longer than 0s"),
    ("plugins: { a: { limits: { timeout: 0ms } } }", "limits.timeout: it must be longer than 0s"),
    ("hooks: { pre-start: [x] }", "has no attribute 'pre-start'"),
    ("plugins: { a: { grants: { dial: [chat] } } }", "\"chat\" is not HOST:PORT"),
    ("plugins: { a: { grants: { dial: ['chat:https'] } } }", "\"chat:https\" is not HOST:PORT"),
    ("plugins: { a: { grants: { net: [x] } } }", "has no attribute 'net'"),
    ("plugins: { a: { limits: { memory: lots } } }", "limits.memory: invalid size"),
    ("plugins: { a: { limits: { memory: -1 } } }", "-1 is no amount of memory"),
    ("plugins: { a: { source: 'ftp://x/a.wasm' } }", "ftp:// is not known"),
    ("plugins: { a: { source: 'OCI://x/a' } }", "OCI:// is not known"),
    ("plugins: { a: { source: 'http://x/a.wasm' } }", "not fetched over plain HTTP"),
    ("plugins: { a: { source: 'https://x/a.wasm' } }", "needs its digest"),
];

#[test]
fn the_schema_and_the_reader_agree() {
    let schema: Json = serde_json::from_str(windlass_schema()).expect("the schema is JSON");
    for text in GOOD {
        assert_eq!(read(text).1.0, [], "{text}");
        assert!(fits(&json(&tree(text)), &schema, &schema), "{text}");
    }
    for (text, expected) in BAD {
        let messages: Vec<String> = read(text).1.0.into_iter().map(|problem| problem.message).collect();
        assert!(messages.len() == 1 && messages[0].contains(expected), "{text}: {messages:#?}");
        assert!(!fits(&json(&tree(text)), &schema, &schema), "{text}");
    }
}

#[test]
fn paths_are_relative_to_the_file_they_stand_in() {
    let (project, out) = read(
        "plugins: { n: { source: ./n.wasm, grants: { read: [../t, ~/u] } } }\nservices: { es: { load: { a: { plugin: x, from: a.ndjson } } } }",
    );
    assert_eq!(out.0, []);
    let plugin = &project.windlass.plugins["n"];
    assert_eq!(plugin.source, Some(PluginSource::File("/p/sub/n.wasm".into())));
    assert_eq!(plugin.grants.read, [std::path::Path::new("/p/t"), "/home/me/u".as_ref()]);
    let input = &project.services["es"].windlass.load[0].from[0];
    assert_eq!((input.name.as_str(), input.path.to_str()), ("a.ndjson", Some("/p/sub/a.ndjson")));
}

#[test]
fn the_file_stands_over_the_compose_file() {
    let (mut project, mut out) = (project(), Diagnostics::default());
    let compose = tree(
        "x-windlass: { relay: { image: its }, hooks: { post-up: [a] } }\nservices: { es: { x-windlass: { ready: tcp, infer: false, load: { one: { plugin: l }, two: { plugin: l } } } } }",
    );
    let file = tree(
        "relay: { image: own }\nhooks: { pre-up: [b] }\nservices: { es: { ready: http, load: { one: { plugin: m } } } }",
    );
    super::apply(&compose, Some(&file), &mut project, None, &mut out);
    assert_eq!(out.0, []);
    let hooks = |stage: Stage| {
        project.windlass.hooks[&stage].iter().map(|hook: &Hook| hook.plugin.as_str()).collect::<Vec<_>>()
    };
    assert_eq!((hooks(Stage::PostUp), hooks(Stage::PreUp)), (vec!["a"], vec!["b"]));
    assert_eq!(project.windlass.relay.image, "own");
    let es = &project.services["es"].windlass;
    assert_eq!((es.ready.as_ref().map(|probe| probe.plugin.as_str()), es.no_infer), (Some("http"), true));
    let loads: Vec<_> = es.load.iter().map(|dataset| (dataset.name.as_str(), dataset.plugin.as_str())).collect();
    assert_eq!(loads, [("one", "m"), ("two", "l")]);
}

#[test]
fn a_service_that_is_not_there_gets_a_hint() {
    let (_, out) = read("services: { wbe: { ready: http } }");
    assert_eq!(out.0[0].message, "windlass.yaml names service \"wbe\", which the compose file does not have");
    assert_eq!(out.0[0].hint.as_deref(), Some("did you mean `web`?"));
    let span = out.0[0].span.as_ref().expect("a place");
    assert_eq!((span.line, span.column), (1, 13));
}

/// Both places read, without problems.
fn both(compose: &str, file: &str) -> Project {
    let (mut project, mut out) = (project(), Diagnostics::default());
    super::apply(&tree(compose), Some(&tree(file)), &mut project, None, &mut out);
    assert_eq!(out.0, [], "{compose} {file}");
    project
}

#[test]
fn the_file_changes_one_key_and_leaves_the_others() {
    let project = both(
        "x-windlass: { plugins: { n: { source: ./n.wasm, grants: { dial: ['a:1'] }, limits: { memory: 1MiB } } } }\nservices: { es: { x-windlass: { ready: { plugin: tcp, with: { port: 80 }, timeout: 5s }, load: { d: { plugin: l, from: x, when: once } }, hooks: { post-start: [a] } } } }",
        "plugins: { n: { grants: { dial: ['b:2'] }, limits: { timeout: 3s } } }\nservices: { es: { ready: { timeout: 9s, with: { banner: hi } }, load: { d: { when: always } }, hooks: { post-start: [b] } } }",
    );
    let plugin = &project.windlass.plugins["n"];
    assert_eq!(plugin.source, Some(PluginSource::File("/p/sub/n.wasm".into())));
    assert_eq!(plugin.grants.dial, ["a:1", "b:2"]);
    assert_eq!((plugin.limits.memory, plugin.limits.timeout), (Some(1 << 20), Some(Duration::from_secs(3))));
    let es = &project.services["es"].windlass;
    let ready = es.ready.as_ref().expect("a probe");
    assert_eq!((ready.plugin.as_str(), ready.timing.timeout), ("tcp", Duration::from_secs(9)));
    assert_eq!(ready.with, serde_json::json!({ "port": 80, "banner": "hi" }));
    assert_eq!((es.load[0].from.len(), es.load[0].when), (1, LoadWhen::Always));
    let hooks: Vec<&str> = es.hooks[&Stage::PostStart].iter().map(|hook| hook.plugin.as_str()).collect();
    assert_eq!(hooks, ["a", "b"]);
}

#[test]
fn another_plugin_keeps_nothing_and_tags_mean_what_they_mean_in_compose_files() {
    let compose = "services: { es: { x-windlass: { ready: { plugin: tcp, with: { port: 80 }, timeout: 5s }, hooks: { post-start: [a] } } } }";
    let ready = |file: &str| both(compose, file).services["es"].windlass.ready.clone();
    for other in ["http", "{ plugin: http }"] {
        let probe = ready(&format!("services: {{ es: {{ ready: {other} }} }}")).expect("a probe");
        assert_eq!((probe.with, probe.timing), (Json::Null, ProbeTiming::default()), "{other}");
    }
    let same = ready("services: { es: { ready: tcp } }").expect("a probe");
    assert_eq!(same.with, serde_json::json!({ "port": 80 }));
    assert_eq!(ready("services: { es: { ready: !reset null } }"), None);
    assert_eq!(ready("services: { es: !reset null }"), None);
    let replaced = both(compose, "services: { es: { hooks: { post-start: !override [b] } } }");
    assert_eq!(replaced.services["es"].windlass.hooks[&Stage::PostStart].len(), 1);
}

#[test]
fn a_probe_that_must_be_stable_for_longer_than_it_is_asked_is_refused() {
    let messages = |text: &str| read(text).1.0.into_iter().map(|problem| problem.message).collect::<Vec<_>>();
    let wrong = messages("services: { es: { ready: { plugin: x, stable-for: 1m, timeout: 1m } } }");
    assert_eq!(wrong, ["services.es.ready.stable-for must be shorter than timeout: it would never be ready"]);
    assert_eq!(messages("services: { es: { ready: { plugin: x, stable-for: 59s } } }"), Vec::<String>::new());
}
