//! The loader against a server in memory that keeps documents like the real one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value as Json, json};
use windlass_plugin::http::{NetError, Request, Response};
use windlass_plugin::testing::{MemoryInputs, World, json as answer, target};

use super::*;

/// A server with at most one index.
#[derive(Default)]
struct Server {
    version: String,
    opensearch: bool,
    index: Option<Index>,
    /// Bulk requests from which on the connection breaks.
    breaks_at: Option<usize>,
    /// Documents that are too much for now, once each, by id.
    busy: Vec<String>,
    bulks: Vec<String>,
    requests: usize,
}

#[derive(Default)]
struct Index {
    name: String,
    body: Json,
    documents: BTreeMap<String, Json>,
}

impl Server {
    fn respond(&mut self, request: &Request) -> Result<Response, NetError> {
        self.requests += 1;
        let body = String::from_utf8(request.body.clone()).unwrap();
        let path = request.path.split('?').next().unwrap();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", [""]) => answer(200, &self.info()),
            ("GET", [_, "_mapping"]) => self.mapping(),
            ("PUT", [name]) => self.create(name, &body),
            ("DELETE", [_]) => {
                self.index = None;
                answer(200, &json!({"acknowledged": true}))
            }
            ("POST", [.., "_bulk"]) => self.bulk(path, &body),
            ("POST", [_, "_refresh"]) => answer(200, &json!({})),
            ("POST", [_, "_count"]) => {
                answer(200, &json!({"count": self.index.as_ref().map_or(0, |i| i.documents.len())}))
            }
            other => panic!("unexpected request {other:?}"),
        }
    }

    fn info(&self) -> Json {
        let mut version = json!({"number": self.version});
        if self.opensearch {
            version["distribution"] = json!("opensearch");
        }
        json!({"version": version})
    }

    fn mapping(&self) -> Result<Response, NetError> {
        match &self.index {
            Some(index) => answer(200, &json!({(index.name.as_str()): {"mappings": index.body["mappings"]}})),
            None => answer(404, &json!({"error": {"type": "index_not_found_exception"}})),
        }
    }

    fn create(&mut self, name: &str, body: &str) -> Result<Response, NetError> {
        if self.index.is_some() {
            let error = json!({"error": {"type": "resource_already_exists_exception", "reason": "exists"}});
            return answer(400, &error);
        }
        self.index =
            Some(Index { name: name.into(), body: serde_json::from_str(body).unwrap(), documents: BTreeMap::new() });
        answer(200, &json!({"acknowledged": true}))
    }

    fn bulk(&mut self, path: &str, body: &str) -> Result<Response, NetError> {
        self.bulks.push(path.to_owned());
        if self.breaks_at.is_some_and(|at| self.bulks.len() >= at) {
            return Err(NetError::new("http", "the connection was closed before an answer came"));
        }
        let lines: Vec<Json> = body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let items: Vec<Json> = lines.chunks(2).map(|pair| self.put(&pair[0], &pair[1])).collect();
        answer(200, &json!({"items": items}))
    }

    /// `"lat"` must be a number, as with a real mapping.
    fn put(&mut self, action: &Json, document: &Json) -> Json {
        let id = action["index"]["_id"].as_str().unwrap().to_owned();
        if let Some(position) = self.busy.iter().position(|busy| *busy == id) {
            self.busy.remove(position);
            return json!({"index": {"status": 429, "error": {"type": "es_rejected_execution_exception"}}});
        }
        if document["lat"].is_string() {
            let cause = json!({"type": "number_format_exception", "reason": "For input string"});
            let error =
                json!({"type": "mapper_parsing_exception", "reason": "failed to parse [lat]", "caused_by": cause});
            return json!({"index": {"status": 400, "error": error}});
        }
        let documents = &mut self.index.as_mut().unwrap().documents;
        let status = if documents.insert(id, document.clone()).is_some() { 200 } else { 201 };
        json!({"index": {"status": status}})
    }
}

type Shared = Rc<RefCell<Server>>;

fn server(version: &str) -> Shared {
    Rc::new(RefCell::new(Server { version: version.to_owned(), ..Server::default() }))
}

fn world(server: &Shared, settings: &Json, text: &str) -> World {
    let peer = Rc::clone(server);
    let mut world = World::new(settings).answering(move |request| peer.borrow_mut().respond(request));
    world.inputs = MemoryInputs::default().with("./data/trucks.ndjson", "from", text);
    world
}

fn load(world: &World) -> Result<(), Failure> {
    let steps = Plugin::plan(&world.context(), &target("es"))?;
    assert_eq!(steps.len(), 1);
    Plugin::apply(&world.context(), &target("es"), &steps[0])
}

fn ids(server: &Shared) -> Vec<String> {
    server.borrow().index.as_ref().unwrap().documents.keys().cloned().collect()
}

fn trucks(count: usize) -> String {
    (1..=count).map(|n| format!("{{\"name\":\"truck {n}\",\"key\":\"k{n}\"}}\n")).collect()
}

fn foreign(documents: usize) -> Index {
    let documents = (0..documents).map(|n| (format!("theirs-{n}"), json!({}))).collect();
    Index { name: "sfdata".into(), body: json!({"mappings": {"truck": {"properties": {}}}}), documents }
}

fn sfdata() -> Json {
    json!({"index": "sfdata", "type": "truck"})
}

#[test]
fn a_load_into_version_6_makes_a_marked_index_with_a_type() {
    let es = server("6.3.2");
    let world = world(&es, &sfdata(), &trucks(3));
    load(&world).unwrap();
    assert_eq!(ids(&es), ["1", "2", "3"]);
    assert_eq!(es.borrow().bulks, ["/sfdata/truck/_bulk"]);
    let marked = json!({"mappings": {"truck": {"_meta": {"windlass": {"project": "demo", "plugin": "es-bulk"}}}}});
    assert_eq!(es.borrow().index.as_ref().unwrap().body, marked);
    assert_eq!(world.host.progress.borrow().last().unwrap(), &(3, Some(3), "documents".to_owned()));
}

#[test]
fn newer_versions_and_opensearch_have_no_type() {
    for (version, opensearch) in [("7.17.6", false), ("8.14.0", false), ("2.11.0", true), ("1.3.0", true)] {
        let es = server(version);
        es.borrow_mut().opensearch = opensearch;
        let world = world(&es, &sfdata(), &trucks(1));
        load(&world).unwrap();
        assert_eq!(es.borrow().bulks, ["/sfdata/_bulk"], "{version}");
        assert!(es.borrow().index.as_ref().unwrap().body.pointer("/mappings/_meta/windlass").is_some(), "{version}");
        assert!(
            world.host.logs.borrow().iter().any(|(_, line)| line.contains("`type: truck` is ignored")),
            "{version}"
        );
    }
}

#[test]
fn the_default_type_is_one_that_the_version_takes() {
    for (version, path) in [("6.8.2", "/i/_doc/_bulk"), ("6.1.0", "/i/doc/_bulk"), ("5.6.0", "/i/doc/_bulk")] {
        let es = server(version);
        load(&world(&es, &json!({"index": "i"}), "{}")).unwrap();
        assert_eq!(es.borrow().bulks, [path]);
    }
}

#[test]
fn replace_leaves_exactly_what_the_file_has() {
    let es = server("6.3.2");
    load(&world(&es, &sfdata(), &trucks(5))).unwrap();
    load(&world(&es, &sfdata(), &trucks(2))).unwrap();
    assert_eq!(ids(&es), ["1", "2"]);
}

#[test]
fn replace_never_deletes_documents_of_somebody_else() {
    let es = server("6.3.2");
    es.borrow_mut().index = Some(foreign(4));
    let failure = load(&world(&es, &sfdata(), &trucks(2))).unwrap_err();
    assert_eq!(failure.message, "index `sfdata` holds 4 documents and was not made by Windlass; it is not replaced");
    assert_eq!((failure.code.as_deref(), failure.retryable), (Some("not-ours"), false));
    assert!(failure.hint.unwrap().contains("DELETE /sfdata"));
    assert_eq!(ids(&es).len(), 4);

    es.borrow_mut().index = Some(foreign(0));
    load(&world(&es, &sfdata(), &trucks(2))).unwrap();
    assert_eq!(ids(&es), ["1", "2"]);
}

#[test]
fn an_alias_is_not_replaced() {
    let es = server("6.3.2");
    es.borrow_mut().index = Some(Index { name: "sfdata-v1".into(), ..foreign(1) });
    let failure = load(&world(&es, &sfdata(), &trucks(2))).unwrap_err();
    assert_eq!(failure.message, "`sfdata` is an alias of sfdata-v1, and cannot be replaced");
}

#[test]
fn a_load_that_was_cut_off_ends_right_when_run_again() {
    for mode in ["replace", "append", "upsert"] {
        let settings = json!({"index": "sfdata", "mode": mode, "id": "key", "batch-docs": 2});
        let es = server("6.3.2");
        es.borrow_mut().breaks_at = Some(3);
        let failure = load(&world(&es, &settings, &trucks(9))).unwrap_err();
        assert!(failure.retryable && failure.message.contains("POST /sfdata/_doc/_bulk"), "{failure:?}");
        assert_eq!(ids(&es).len(), 4, "{mode}");

        es.borrow_mut().breaks_at = None;
        load(&world(&es, &settings, &trucks(9))).unwrap();
        assert_eq!(ids(&es).len(), 9, "{mode}");
    }
}

#[test]
fn append_keeps_what_is_there_and_writes_no_document_twice() {
    let es = server("6.3.2");
    es.borrow_mut().index = Some(foreign(2));
    let settings = json!({"index": "sfdata", "mode": "append"});
    load(&world(&es, &settings, &trucks(3))).unwrap();
    load(&world(&es, &settings, &trucks(3))).unwrap();
    assert_eq!(ids(&es).len(), 5);
    load(&world(&es, &settings, &trucks(1))).unwrap();
    assert_eq!(ids(&es).len(), 6);
}

#[test]
fn upsert_replaces_documents_of_the_same_id_only() {
    let es = server("6.3.2");
    let settings = json!({"index": "sfdata", "mode": "upsert", "id": "key"});
    load(&world(&es, &settings, &trucks(3))).unwrap();
    load(&world(&es, &settings, "{\"key\":\"k2\",\"name\":\"new\"}\n{\"key\":7}\n")).unwrap();
    assert_eq!(ids(&es), ["7", "k1", "k2", "k3"]);
    assert_eq!(es.borrow().index.as_ref().unwrap().documents["k2"]["name"], "new");

    let failure = load(&world(&es, &json!({"index": "sfdata", "mode": "upsert"}), "{}")).unwrap_err();
    assert!(failure.hint.unwrap().contains("id: FIELD"));
}

#[test]
fn several_files_are_one_dataset() {
    let es = server("6.3.2");
    let mut world = world(&es, &sfdata(), &trucks(2));
    world.inputs = world.inputs.with("more.json", "from", "[{\"a\": 1},\n {\"a\": 2}]");
    let steps = Plugin::plan(&world.context(), &target("es")).unwrap();
    assert_eq!(steps[0].title, "load trucks.ndjson and 1 more file into index `sfdata`");
    load(&world).unwrap();
    assert_eq!(ids(&es), ["1", "2", "3", "4"]);
}

#[test]
fn refused_documents_are_told_with_their_line() {
    let es = server("6.3.2");
    let text = "[\n{\"lat\": 1},\n{\"lat\": \"x\"},\n{\"lat\":\n 2}\n,{\"lat\": \"y\"}]";
    let world = world(&es, &sfdata(), text);
    let failure = load(&world).unwrap_err();
    assert_eq!(
        failure.message,
        "2 of 4 documents were refused by the server; first ./data/trucks.ndjson:3: \
         mapper_parsing_exception: failed to parse [lat]: For input string"
    );
    let places: Vec<_> = world.host.reports.borrow().iter().map(|report| report.path.clone().unwrap()).collect();
    assert_eq!(places, ["./data/trucks.ndjson:3", "./data/trucks.ndjson:6"]);
    assert_eq!(ids(&es), ["1", "3"]);
}

#[test]
fn only_the_first_problems_are_told_but_all_are_counted() {
    let es = server("6.3.2");
    let world = world(&es, &sfdata(), &"{\"lat\": \"x\"}\n".repeat(25));
    assert!(load(&world).unwrap_err().message.starts_with("25 of 25 documents were refused"));
    assert_eq!(world.host.reports.borrow().len(), 10);
}

#[test]
fn a_bad_line_changes_nothing() {
    let es = server("6.3.2");
    let text = "{\"a\":1}\n{\"a\":\n[1,2]\n{\"b\" 3}\n";
    let failure = load(&world(&es, &sfdata(), "{\"a\":1}\nnot json\n{\"a\":2}\n")).unwrap_err();
    assert!(
        failure.message.starts_with(
            "1 of 3 documents cannot be loaded; nothing was changed; first ./data/trucks.ndjson:2: not a JSON object"
        ),
        "{failure:?}"
    );
    assert!(load(&world(&es, &sfdata(), text)).is_err());
    assert_eq!(es.borrow().requests, 0);
}

#[test]
fn a_document_without_the_id_field_is_a_bad_line() {
    let es = server("6.3.2");
    let settings = json!({"index": "sfdata", "id": "key"});
    let failure = load(&world(&es, &settings, "{\"key\":\"a\"}\n{\"name\":\"b\"}\n")).unwrap_err();
    assert!(failure.message.contains("trucks.ndjson:2: no field `key` to take the id from"), "{failure:?}");
    let failure = load(&world(&es, &settings, "{\"key\":null}\n")).unwrap_err();
    assert!(failure.message.contains("neither text nor a number"), "{failure:?}");
}

#[test]
fn documents_that_the_server_has_no_time_for_are_sent_again_alone() {
    let es = server("6.3.2");
    es.borrow_mut().busy = vec!["2".into(), "2".into()];
    let world = world(&es, &sfdata(), &trucks(3));
    load(&world).unwrap();
    assert_eq!(ids(&es), ["1", "2", "3"]);
    assert_eq!(es.borrow().bulks.len(), 3);
    let done: Vec<u64> = world.host.progress.borrow().iter().map(|(done, _, _)| *done).collect();
    assert_eq!(done, [0, 2, 2, 3]);
}

#[test]
fn a_server_that_stays_busy_ends_the_load() {
    let es = server("6.3.2");
    es.borrow_mut().busy = vec!["2".into(); 50];
    let failure = load(&world(&es, &sfdata(), &trucks(3))).unwrap_err();
    assert!(failure.message.contains("too busy for 1 documents") && failure.retryable, "{failure:?}");
}

#[test]
fn batches_are_cut_by_documents_and_by_bytes() {
    for (limit, requests) in
        [(json!({"batch-docs": 4}), 3), (json!({"batch-bytes": 70}), 5), (json!({"batch-bytes": 1}), 10)]
    {
        let es = server("6.3.2");
        let mut settings = sfdata();
        settings.as_object_mut().unwrap().extend(limit.as_object().unwrap().clone());
        load(&world(&es, &settings, &trucks(10))).unwrap();
        assert_eq!((es.borrow().bulks.len(), ids(&es).len()), (requests, 10), "{limit}");
    }
}

#[test]
fn a_mapping_file_is_taken_in_every_form() {
    let properties = json!({"lat": {"type": "float"}});
    for file in [
        json!({"properties": properties}),
        json!({"truck": {"properties": properties}}),
        json!({"mappings": {"properties": properties}, "settings": {"number_of_replicas": 0}}),
        json!({"mappings": {"truck": {"properties": properties, "_meta": {"mine": 1}}}}),
    ] {
        for (version, place) in [("6.3.2", "/mappings/truck"), ("8.0.0", "/mappings")] {
            let es = server(version);
            let mut settings = sfdata();
            settings["mapping"] = json!("m.json");
            let mut world = world(&es, &settings, &trucks(1));
            world.inputs = world.inputs.with("m.json", "mapping", &file.to_string());
            load(&world).unwrap();
            let body = es.borrow().index.as_ref().unwrap().body.clone();
            assert_eq!(body.pointer(&format!("{place}/properties")), Some(&properties), "{version} {file}");
            assert!(body.pointer(&format!("{place}/_meta/windlass")).is_some(), "{version} {file}");
            assert_eq!(body.get("settings"), file.get("settings"));
        }
    }
}

#[test]
fn names_that_mean_several_indexes_never_reach_the_server() {
    for index in ["*", "a,b", "_all", "-x", "a/b", "a?x", "A", "", "..", "a%2fb"] {
        let es = server("6.3.2");
        let failure = load(&world(&es, &json!({"index": index}), &trucks(1))).unwrap_err();
        assert!(failure.message.contains("cannot be the name of an index"), "{index}: {failure:?}");
        assert_eq!(es.borrow().requests, 0);
    }
}

#[test]
fn the_fingerprint_follows_content_and_meaning_only() {
    let es = server("6.3.2");
    let print = |settings: &Json, text: &str| {
        Plugin::plan(&world(&es, settings, text).context(), &target("es")).unwrap().remove(0).fingerprint
    };
    let base = print(&sfdata(), &trucks(2));
    assert_eq!(print(&json!({"index": "sfdata", "type": "truck", "batch-docs": 7, "timeout": "5s"}), &trucks(2)), base);
    assert_ne!(print(&sfdata(), &trucks(3)), base);
    assert_ne!(print(&json!({"index": "sfdata", "type": "van"}), &trucks(2)), base);
    assert_ne!(print(&json!({"index": "sfdata", "type": "truck", "mode": "append"}), &trucks(2)), base);
    assert_eq!(es.borrow().requests, 0);
}

#[test]
fn a_step_of_another_input_is_not_applied() {
    let es = server("6.3.2");
    let step = Plugin::plan(&world(&es, &sfdata(), &trucks(2)).context(), &target("es")).unwrap().remove(0);
    let failure = Plugin::apply(&world(&es, &sfdata(), &trucks(3)).context(), &target("es"), &step).unwrap_err();
    assert!(failure.retryable && failure.message.contains("changed between plan and load"), "{failure:?}");
}

#[test]
fn stopping_is_heard_between_batches() {
    let es = server("6.3.2");
    let world = world(&es, &sfdata(), &trucks(2));
    world.host.cancel.set(true);
    let failure = load(&world).unwrap_err();
    assert!(failure.retryable && failure.message.contains("stopped after 0 of 2 documents"), "{failure:?}");
}

#[test]
fn an_empty_file_makes_an_empty_index() {
    let es = server("6.3.2");
    load(&world(&es, &sfdata(), "\n")).unwrap();
    assert_eq!(ids(&es), [] as [&str; 0]);
}

#[test]
fn the_manifest_names_every_setting() {
    let manifest: Json = serde_json::from_str(MANIFEST).unwrap();
    let mut keys: Vec<_> = manifest["settings"]["properties"].as_object().unwrap().keys().cloned().collect();
    keys.sort();
    let all = ["batch-bytes", "batch-docs", "id", "index", "mapping", "mode", "port", "scheme", "timeout", "type"];
    assert_eq!(keys, all);
    assert_eq!(manifest["settings"]["properties"]["mapping"]["format"], "input-path");
}
