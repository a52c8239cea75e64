//! Where two JSON values differ, one line a place.

use std::collections::BTreeSet;

use serde_json::Value as Json;

/// `PATH: docker compose X, windlass Y` for every place. Unless `strict`, nothing and empty mean the same.
pub(super) fn differences(path: &str, theirs: &Json, ours: &Json, strict: bool, out: &mut Vec<String>) {
    if theirs == ours || (!strict && is_empty(theirs) && is_empty(ours)) {
        return;
    }
    match (theirs, ours) {
        (Json::Object(left), Json::Object(right)) => {
            let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for key in keys {
                let of = |map: &serde_json::Map<String, Json>| map.get(key).cloned().unwrap_or_default();
                differences(&format!("{path}.{key}"), &of(left), &of(right), strict, out);
            }
        }
        (Json::Array(left), Json::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                differences(&format!("{path}[{index}]"), left, right, strict, out);
            }
        }
        _ => out.push(format!("{path}: docker compose {theirs}, windlass {ours}")),
    }
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lines(theirs: &Json, ours: &Json) -> Vec<String> {
        let mut out = Vec::new();
        differences("web", theirs, ours, false, &mut out);
        out
    }

    #[test]
    fn nothing_and_empty_are_the_same() {
        assert_eq!(lines(&json!({"a": null, "b": []}), &json!({"c": {}})), [] as [&str; 0]);
    }

    #[test]
    fn a_place_has_its_path() {
        let found = lines(&json!({"a": {"b": [1, 2]}}), &json!({"a": {"b": [1, 3]}}));
        assert_eq!(found, ["web.a.b[1]: docker compose 2, windlass 3"]);
    }

    #[test]
    fn false_and_zero_are_something() {
        assert_eq!(lines(&json!({"a": false}), &json!({})), ["web.a: docker compose false, windlass null"]);
        assert_eq!(lines(&json!({"a": 0}), &json!({})).len(), 1);
    }
}
