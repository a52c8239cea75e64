//! Checks `with` against the schema of the manifest, and finds the settings that name files.
//!
//! The subset of JSON Schema that manifests use: `type`, `properties`, `required`, `additionalProperties: false`, `enum`,
//! `minimum`, `maximum`, `items`, `format: input-path`.

use serde_json::Value as Json;

/// Everything that is wrong with the settings, one sentence each.
pub(crate) fn problems(schema: &Json, settings: &Json) -> Vec<String> {
    let mut found = Vec::new();
    if schema.is_object() {
        let empty = Json::Object(serde_json::Map::new());
        let value = if settings.is_null() { &empty } else { settings };
        check(schema, value, "with", &mut found);
    }
    found
}

/// Properties that name files, with the path written.
pub(crate) fn input_paths(schema: &Json, settings: &Json) -> Vec<(String, String)> {
    let properties = schema.get("properties").and_then(Json::as_object);
    let named = properties.into_iter().flatten().filter(|(_, property)| property["format"] == "input-path");
    named.filter_map(|(name, _)| Some((name.clone(), settings.get(name)?.as_str()?.to_owned()))).collect()
}

fn check(schema: &Json, value: &Json, path: &str, found: &mut Vec<String>) {
    if let Some(wanted) = schema.get("type").filter(|wanted| !has_type(wanted, value)) {
        found.push(format!("{path} must be {}", names(wanted)));
        return;
    }
    if let Some(options) = schema.get("enum").and_then(Json::as_array).filter(|options| !options.contains(value)) {
        let list: Vec<String> = options.iter().map(plain).collect();
        found.push(format!("{path} must be one of {}", list.join(", ")));
    }
    for (key, fits) in [("minimum", (|a, b| a >= b) as fn(f64, f64) -> bool), ("maximum", |a, b| a <= b)] {
        if let (Some(bound), Some(number)) = (schema.get(key).and_then(Json::as_f64), value.as_f64())
            && !fits(number, bound)
        {
            found.push(format!("{path} must be {} {bound}", if key == "minimum" { "at least" } else { "at most" }));
        }
    }
    if let Some(map) = value.as_object() {
        object(schema, map, path, found);
    }
    if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
        list.iter().enumerate().for_each(|(index, item)| check(items, item, &format!("{path}[{index}]"), found));
    }
}

fn object(schema: &Json, map: &serde_json::Map<String, Json>, path: &str, found: &mut Vec<String>) {
    let properties = schema.get("properties").and_then(Json::as_object);
    for required in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
        if !map.contains_key(required) {
            found.push(format!("{path} needs `{required}`"));
        }
    }
    for (name, value) in map {
        match properties.and_then(|properties| properties.get(name)) {
            Some(property) => check(property, value, &format!("{path}.{name}"), found),
            None if schema["additionalProperties"] == false => {
                let known: Vec<&str> = properties.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
                let close = windlass_model::suggest::closest(name, known.iter().copied());
                let tail = close.map_or_else(
                    || format!("it knows: {}", known.join(", ")),
                    |close| format!("did you mean `{close}`?"),
                );
                found.push(format!("{path} has no setting `{name}`; {tail}"));
            }
            None => {}
        }
    }
}

fn has_type(wanted: &Json, value: &Json) -> bool {
    match wanted {
        Json::Array(options) => options.iter().any(|option| has_type(option, value)),
        Json::String(name) => match name.as_str() {
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            "null" => value.is_null(),
            _ => true,
        },
        _ => true,
    }
}

fn names(wanted: &Json) -> String {
    match wanted {
        Json::Array(options) => options.iter().map(plain).collect::<Vec<_>>().join(" or "),
        other => format!("of type {}", plain(other)),
    }
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Json {
        json!({ "type": "object", "required": ["index"], "additionalProperties": false, "properties": {
            "index": { "type": "string" },
            "mapping": { "type": "string", "format": "input-path" },
            "port": { "type": "integer", "minimum": 1, "maximum": 65535 },
            "mode": { "enum": ["replace", "append"] } } })
    }

    #[test]
    fn says_everything_that_is_wrong() {
        let settings = json!({ "indx": "a", "port": 0, "mode": "merge" });
        let expected = [
            "with needs `index`",
            "with has no setting `indx`; did you mean `index`?",
            "with.port must be at least 1",
            "with.mode must be one of replace, append",
        ];
        assert_eq!(problems(&schema(), &settings), expected);
        assert_eq!(problems(&schema(), &json!({ "index": 5 })), ["with.index must be of type string"]);
        assert_eq!(problems(&schema(), &json!({ "index": "a" })), Vec::<String>::new());
    }

    #[test]
    fn values_have_the_types_that_are_asked_for() {
        let values = [json!(1), json!(1.5), json!("a"), json!(true), json!([]), json!({}), json!(null)];
        let suits = |wanted: Json| -> String {
            values.iter().map(|value| if has_type(&wanted, value) { 'x' } else { '.' }).collect()
        };
        for (wanted, expected) in [
            (json!("integer"), "x......"),
            (json!("number"), "xx....."),
            (json!("string"), "..x...."),
            (json!("boolean"), "...x..."),
            (json!("array"), "....x.."),
            (json!("object"), ".....x."),
            (json!("null"), "......x"),
            (json!(["string", "null"]), "..x...x"),
            (json!("of a later version"), "xxxxxxx"),
            (json!(null), "xxxxxxx"),
        ] {
            assert_eq!(suits(wanted.clone()), expected, "{wanted}");
        }
        assert!(has_type(&json!("integer"), &json!(-1)) && has_type(&json!("integer"), &json!(u64::MAX)));
    }

    #[test]
    fn finds_files() {
        let settings = json!({ "index": "a", "mapping": "./m.json" });
        assert_eq!(input_paths(&schema(), &settings), [("mapping".to_owned(), "./m.json".to_owned())]);
    }
}
