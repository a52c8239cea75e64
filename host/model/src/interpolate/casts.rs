//! Text that a path turns into a number or boolean, whether or not it held a variable.

use crate::node::Value;

/// What a path wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Float,
    Bool,
}

use Kind::{Bool, Float, Int};

/// Paths below a service; `*` stands for one segment.
const SERVICE: &[(&str, Kind)] = &[
    ("cpu_count", Int),
    ("cpu_percent", Float),
    ("cpu_period", Int),
    ("cpu_quota", Int),
    ("cpu_rt_period", Int),
    ("cpu_rt_runtime", Int),
    ("cpu_shares", Int),
    ("cpus", Float),
    ("oom_score_adj", Int),
    ("pids_limit", Int),
    ("deploy.replicas", Int),
    ("deploy.update_config.parallelism", Int),
    ("deploy.update_config.max_failure_ratio", Float),
    ("deploy.rollback_config.parallelism", Int),
    ("deploy.rollback_config.max_failure_ratio", Float),
    ("deploy.restart_policy.max_attempts", Int),
    ("deploy.placement.max_replicas_per_node", Int),
    ("healthcheck.retries", Int),
    ("healthcheck.disable", Bool),
    ("ports.*.target", Int),
    ("scale", Int),
    ("ulimits.*", Int),
    ("ulimits.*.hard", Int),
    ("ulimits.*.soft", Int),
    ("init", Bool),
    ("depends_on.*.required", Bool),
    ("depends_on.*.restart", Bool),
    ("oom_kill_disable", Bool),
    ("privileged", Bool),
    ("read_only", Bool),
    ("stdin_open", Bool),
    ("tty", Bool),
    ("volumes.*.read_only", Bool),
    ("volumes.*.volume.nocopy", Bool),
];

/// Attributes of top-level definitions.
const TOP: &[(&str, &[&str])] = &[
    ("networks", &["external", "internal", "attachable", "enable_ipv4", "enable_ipv6"]),
    ("volumes", &["external"]),
    ("secrets", &["external"]),
    ("configs", &["external"]),
];

/// What the path of a scalar wants; `None`: text stays text.
pub(super) fn kind_at(path: &[String]) -> Option<Kind> {
    let (section, rest) = path.split_first()?;
    let (_, inner) = rest.split_first()?;
    if section == "services" {
        return SERVICE.iter().find(|(pattern, _)| matches(pattern, inner)).map(|(_, kind)| *kind);
    }
    let (_, attributes) = TOP.iter().find(|(name, _)| name == section)?;
    match inner {
        [attribute] if attributes.contains(&attribute.as_str()) => Some(Bool),
        _ => None,
    }
}

fn matches(pattern: &str, path: &[String]) -> bool {
    let mut segments = pattern.split('.');
    let all = path.iter().all(|segment| segments.next().is_some_and(|wanted| wanted == "*" || wanted == segment));
    all && segments.next().is_none()
}

/// The typed value, and a warning for outdated booleans; or the reason why not.
pub(super) fn cast(kind: Kind, text: &str) -> Result<(Value, Option<String>), String> {
    match kind {
        Int => text
            .parse::<i64>()
            .map(|value| (Value::Int(value), None))
            .map_err(|_| format!("strconv.ParseInt: parsing \"{text}\": invalid syntax")),
        Float => text
            .parse::<f64>()
            .map(|value| (Value::Float(value), None))
            .map_err(|_| format!("strconv.ParseFloat: parsing \"{text}\": invalid syntax")),
        Bool => boolean(text).ok_or_else(|| format!("invalid boolean: {text}")),
    }
}

fn boolean(text: &str) -> Option<(Value, Option<String>)> {
    let old = |value: bool| {
        let text = format!("\"{text}\" for boolean is not supported by YAML 1.2, please use `{value}`");
        Some((Value::Bool(value), Some(text)))
    };
    match text.to_ascii_lowercase().as_str() {
        "true" => Some((Value::Bool(true), None)),
        "false" => Some((Value::Bool(false), None)),
        "yes" | "y" | "on" => old(true),
        "no" | "n" | "off" => old(false),
        _ => None,
    }
}
