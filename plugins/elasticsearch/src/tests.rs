use serde_json::{Value, json};
use windlass_plugin::testing::{World, json as answer, target, text};

use super::*;

fn healthy(status: &str) -> Value {
    json!({
        "cluster_name": "docker-cluster", "status": status, "timed_out": false, "number_of_nodes": 1,
        "unassigned_shards": 5, "initializing_shards": 0
    })
}

fn check(
    settings: &Value,
    answer: impl Fn(&Request) -> Result<Response, NetError> + 'static,
) -> (Result<Verdict, Failure>, Vec<String>) {
    let world = World::new(settings).answering(answer);
    let verdict = Plugin::check(&world.context(), &target("es"));
    let asked =
        world.http.requests.borrow().iter().map(|r| format!("{} {}{}", r.method, r.authority, r.path)).collect();
    (verdict, asked)
}

fn verdict(settings: &Value, status: u16, body: &'static str) -> Verdict {
    check(settings, move |_| text(status, body)).0.unwrap()
}

fn pending(verdict: Verdict) -> (String, String, Option<String>) {
    let Verdict::NotYet(pending) = verdict else { panic!("{verdict:?}") };
    (pending.step, pending.reason, pending.hint)
}

fn impossible(verdict: Verdict) -> (String, String) {
    let Verdict::Never(impossible) = verdict else { panic!("{verdict:?}") };
    (impossible.reason, impossible.hint.unwrap())
}

#[test]
fn yellow_is_ready_by_default_and_the_server_is_not_made_to_wait_for_it() {
    let (verdict, asked) = check(&json!({}), |_| answer(200, &healthy("yellow")));
    assert_eq!(verdict.unwrap(), Verdict::Ready);
    assert_eq!(asked, ["GET es:9200/_cluster/health?timeout=1000ms&master_timeout=1000ms"]);
}

#[test]
fn red_is_not_yet() {
    let (verdict, _) = check(&json!({}), |_| answer(200, &healthy("red")));
    let (step, reason, hint) = pending(verdict.unwrap());
    assert_eq!((step.as_str(), reason.as_str()), ("status", "the cluster is red, not yellow (5 shards unassigned)"));
    assert_eq!(hint, None);
}

#[test]
fn green_asked_of_one_node_comes_with_a_hint() {
    let (verdict, _) = check(&json!({"min-status": "green"}), |_| answer(200, &healthy("yellow")));
    let (_, reason, hint) = pending(verdict.unwrap());
    assert_eq!(reason, "the cluster is yellow, not green (5 shards unassigned)");
    assert!(hint.unwrap().contains("min-status: yellow"));
}

#[test]
fn green_asked_of_three_nodes_is_just_not_yet() {
    let mut health = healthy("yellow");
    health["number_of_nodes"] = json!(3);
    let (verdict, _) = check(&json!({"min-status": "green"}), move |_| answer(200, &health));
    assert_eq!(pending(verdict.unwrap()).2, None);
}

#[test]
fn a_health_that_timed_out_is_not_believed_whatever_its_colour_and_status() {
    for status in [200, 408] {
        let mut health = healthy("green");
        health["timed_out"] = json!(true);
        let (verdict, _) = check(&json!({}), move |_| answer(status, &health));
        let (step, reason, _) = pending(verdict.unwrap());
        assert_eq!((step.as_str(), reason.contains("timed_out")), ("status", true), "{reason}");
    }
    assert!(pending(verdict(&json!({}), 408, "")).1.contains("408"));
}

#[test]
fn an_index_must_exist_and_its_own_health_counts() {
    let settings = json!({"index": "sfdata"});
    let (missing, asked) = check(&settings, |request| match request.method.as_str() {
        "HEAD" => text(404, ""),
        _ => answer(200, &healthy("green")),
    });
    assert_eq!(missing.unwrap(), not_yet("index", "index `sfdata` does not exist"));
    assert_eq!(asked[0], "HEAD es:9200/sfdata");

    let (ready, asked) = check(&settings, |_| answer(200, &healthy("yellow")));
    assert_eq!(ready.unwrap(), Verdict::Ready);
    assert!(asked[1].starts_with("GET es:9200/_cluster/health/sfdata?"), "{asked:?}");
}

#[test]
fn a_name_that_cannot_be_an_index_is_a_failure_and_not_a_wait() {
    for index in ["logs-*", "a b", "a/b", "a?b", ""] {
        let (verdict, asked) = check(&json!({"index": index}), |_| answer(200, &healthy("green")));
        assert_eq!(verdict.unwrap_err().message, format!("`{index}` cannot be the name of an index"));
        assert_eq!(asked, [] as [&str; 0]);
    }
}

#[test]
fn a_stranger_without_the_index_is_still_a_stranger() {
    let (verdict, _) = check(&json!({"index": "sfdata"}), |_| text(404, "<h1>nginx</h1>"));
    assert!(impossible(verdict.unwrap()).0.contains("not as Elasticsearch does: 404 <h1>nginx</h1>"));
}

#[test]
fn other_servers_are_never_ready() {
    for (status, body) in [(200, "<html>"), (200, "{\"status\":\"ok\"}"), (404, "{}"), (200, "")] {
        let (reason, hint) = impossible(verdict(&json!({}), status, body));
        assert!(reason.contains("not as Elasticsearch does"), "{reason}");
        assert!(hint.contains("port"), "{hint}");
    }
}

#[test]
fn a_login_is_never() {
    assert!(impossible(verdict(&json!({}), 401, "")).1.contains("xpack.security.enabled=false"));
}

#[test]
fn while_it_starts_it_is_not_yet() {
    let no_master = r#"{"error":{"type":"master_not_discovered_exception"},"status":503}"#;
    assert_eq!(verdict(&json!({}), 503, no_master), not_yet("status", "no master has been elected yet"));
    let busy = r#"{"error":{"type":"circuit_breaking_exception"},"status":429}"#;
    assert_eq!(verdict(&json!({}), 429, busy), not_yet("status", "it answered 429: circuit_breaking_exception"));
    assert_eq!(verdict(&json!({}), 502, "bad gateway"), not_yet("status", "it answered 502: bad gateway"));
}

#[test]
fn network_steps_are_named() {
    let (verdict, _) = check(&json!({}), |_| Err(NetError::new("connect", "connection refused")));
    assert_eq!(verdict.unwrap(), not_yet("connect", "connection refused"));
    let (verdict, _) = check(&json!({}), |_| Err(NetError::denied("es:9200")));
    assert_eq!(verdict.unwrap_err().code.as_deref(), Some("denied"));
}

#[test]
fn the_transport_port_is_recognised() {
    let (verdict, _) = check(&json!({"port": 9300}), |_| Err(NetError::new("http", "the answer is not HTTP")));
    assert!(impossible(verdict.unwrap()).1.contains("9200"));
}

#[test]
fn a_connection_closed_without_an_answer_hints_at_https() {
    let closed = |_: &Request| Err(NetError::new("http", "the connection was closed before an answer came"));
    assert!(pending(check(&json!({}), closed).0.unwrap()).2.unwrap().contains("https"));
    assert_eq!(pending(check(&json!({"scheme": "https"}), closed).0.unwrap()).2, None);
}

#[test]
fn the_manifest_names_every_setting() {
    let manifest: Value = serde_json::from_str(MANIFEST).unwrap();
    let mut keys: Vec<_> = manifest["settings"]["properties"].as_object().unwrap().keys().cloned().collect();
    keys.sort();
    assert_eq!(keys, ["index", "min-status", "port", "scheme", "timeout"]);
}
