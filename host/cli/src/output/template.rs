//! The part of the Docker client's templates that people use in `--format`: `{{.Field}}`, `{{json .}}`, text between.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::errors::{CliError, CliResult};

/// Fills a template in with the fields of one row.
pub(crate) fn fill(template: &str, fields: &BTreeMap<&str, Json>) -> CliResult<String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((inner, tail)) = after.split_once("}}") else {
            return Err(CliError::usage(format!("template parsing error: unclosed action in {template:?}")));
        };
        text.push_str(&unescaped(before));
        text.push_str(&value(inner.trim(), fields)?);
        rest = tail;
    }
    text.push_str(&unescaped(rest));
    Ok(text)
}

/// Headings of a `table` template: the names of its fields in capitals.
pub(crate) fn headings(template: &str, fields: &BTreeMap<&str, Json>) -> CliResult<String> {
    let names: BTreeMap<&str, Json> = fields.keys().map(|name| (*name, Json::from(name.to_uppercase()))).collect();
    fill(template, &names)
}

fn unescaped(text: &str) -> String {
    text.replace("\\t", "\t").replace("\\n", "\n")
}

fn value(action: &str, fields: &BTreeMap<&str, Json>) -> CliResult<String> {
    if action == "json ." {
        return Ok(Json::from_iter(fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone()))).to_string());
    }
    let (json, name) = action.strip_prefix("json ").map_or((false, action), |rest| (true, rest.trim()));
    let found = name.strip_prefix('.').and_then(|name| fields.get(name));
    match found {
        Some(value) if json => Ok(value.to_string()),
        Some(Json::String(text)) => Ok(text.clone()),
        Some(value) => Ok(value.to_string()),
        None => {
            let known: Vec<&str> = fields.keys().copied().collect();
            let hint = format!("fields: {}", known.join(", "));
            Err(CliError::hinted(format!("the template action {{{{{action}}}}} is not supported"), hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_json_and_mistakes() {
        let fields = BTreeMap::from([("Name", Json::from("web-1")), ("ExitCode", Json::from(3))]);
        assert_eq!(fill("{{.Name}}\\t{{ .ExitCode }}!", &fields).unwrap(), "web-1\t3!");
        assert_eq!(fill("{{json .Name}}", &fields).unwrap(), "\"web-1\"");
        assert_eq!(headings("{{.Name}}\\t{{.ExitCode}}", &fields).unwrap(), "NAME\tEXITCODE");
        assert!(fill("{{.Nope}}", &fields).is_err());
    }
}
