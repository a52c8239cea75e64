//! The shapes of all attributes of the Compose specification.

use crate::node::Value;

/// What a value may look like.
pub(super) enum Shape {
    /// `null`.
    Nothing,
    /// Text.
    Text,
    /// `true`, `false`, or text that a variable may produce.
    Bool,
    /// `true` or `false`, no text.
    PureBool,
    /// A number, no text.
    PureNumber,
    /// A number or text that holds one.
    Number,
    /// A whole number or text that holds one.
    Integer,
    /// A whole number, no text.
    PureInteger,
    /// Text or number.
    TextOrNumber,
    /// Boolean, null, number or text.
    Scalar,
    /// Known keys only.
    Object(&'static [Key]),
    /// Any keys.
    Map(&'static Self),
    /// Keys are names of resources.
    Named(&'static Self),
    /// A list.
    List(&'static Self),
    /// A list without repetitions.
    UniqueList(&'static Self),
    /// One of several shapes, and what to call them.
    OneOf(&'static [Self], &'static str),
    /// One of several words.
    Enum(&'static [&'static str]),
    /// Text that a function accepts, and the pattern for people.
    Pattern(fn(&str) -> bool, &'static str),
    /// A number within bounds.
    Range(f64, f64),
}

/// A known key.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) nullable: bool,
}

impl Shape {
    /// Whether a scalar fits a scalar shape.
    pub(super) fn fits(&self, value: &Value) -> bool {
        let number = |text: &str| text.trim().parse::<f64>().is_ok();
        match (self, value) {
            (Self::Nothing, Value::Null) => true,
            (Self::Scalar, Value::Map(_) | Value::Seq(_)) => false,
            (Self::Scalar, _) => true,
            (Self::Text | Self::TextOrNumber | Self::Bool | Self::Integer | Self::Number, Value::String(_)) => true,
            (Self::Bool | Self::PureBool, Value::Bool(_)) => true,
            (
                Self::Integer | Self::PureInteger | Self::Number | Self::PureNumber | Self::TextOrNumber,
                Value::Int(_) | Value::Large(_),
            ) => true,
            (Self::Integer | Self::PureInteger, Value::Float(value)) => value.fract() == 0.0,
            (Self::Number | Self::PureNumber | Self::TextOrNumber, Value::Float(_)) => true,
            (Self::Enum(values), Value::String(text)) => values.contains(&text.as_str()),
            (Self::Pattern(accepts, _), Value::String(text)) => accepts(text),
            (Self::Range(..), Value::Int(_)) => true,
            // The schema wants a whole number, and text was cast to a float before.
            (Self::Range(..), Value::Float(value)) => value.fract() == 0.0,
            (Self::Range(..), Value::String(text)) => number(text),
            _ => false,
        }
    }

    /// Name of a scalar shape, with its article.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Bool => "a boolean or string",
            Self::PureBool => "a boolean",
            Self::PureNumber => "a number",
            Self::Number => "a number or string",
            Self::Integer => "a integer or string",
            Self::PureInteger => "a integer",
            Self::TextOrNumber => "a string or number",
            Self::Scalar => "a boolean, null, number or string",
            _ => "something else",
        }
    }

    /// Whether some text may stand there once variables have values.
    pub(super) fn takes_text(&self) -> bool {
        match self {
            Self::OneOf(options, _) => options.iter().any(Self::takes_text),
            Self::Object(_) | Self::Map(_) | Self::Named(_) | Self::List(_) | Self::UniqueList(_) | Self::Nothing => {
                false
            }
            Self::Text
            | Self::Bool
            | Self::PureBool
            | Self::PureNumber
            | Self::Number
            | Self::Integer
            | Self::PureInteger
            | Self::TextOrNumber
            | Self::Scalar
            | Self::Enum(_)
            | Self::Pattern(..)
            | Self::Range(..) => true,
        }
    }

    /// Whether it is the shape of a top-level definition.
    pub(super) fn is_definition(&self) -> bool {
        matches!(self, Self::Object(_) | Self::OneOf(..))
    }
}

use Shape::{
    Bool, Enum, Integer, List, Map, Named, Nothing, Number, Object, OneOf, Pattern, PureBool, PureInteger, PureNumber,
    Range, Scalar, Text, TextOrNumber, UniqueList,
};

const fn key(name: &'static str, shape: Shape) -> Key {
    Key { name, shape, nullable: false }
}

const fn nullable(name: &'static str, shape: Shape) -> Key {
    Key { name, shape, nullable: true }
}

const TEXTS: Shape = List(&Text);
const TEXT_OR_TEXTS: Shape = OneOf(&[Text, List(&Text)], "a string or a list of strings");
const UNIQUE_TEXTS: Shape = OneOf(&[Text, UniqueList(&Text)], "a string or a list of strings");
const KEY_VALUES: Shape = OneOf(&[Map(&Scalar), List(&Text)], "a mapping or a list of `KEY=VALUE`");
const UNIQUE_KEY_VALUES: Shape = OneOf(&[Map(&Scalar), UniqueList(&Text)], "a mapping or a list of `KEY=VALUE`");
const COMMAND: Shape = OneOf(&[Text, List(&Text)], "a string, a list of strings or null");
const DRIVER_OPTIONS: Shape = Map(&TextOrNumber);
const HOSTS: Shape = OneOf(
    &[Map(&OneOf(&[Text, List(&Text)], "a string or a list of strings")), UniqueList(&Text)],
    "a mapping or a list of `HOST=IP`",
);

/// Top level.
pub(super) const ROOT: &[Key] = &[
    key("version", Text),
    key("name", Text),
    nullable("include", List(&OneOf(&[Text, Object(INCLUDE)], "a path or a mapping"))),
    nullable("services", Named(&Object(SERVICE))),
    key("networks", Named(&OneOf(&[Object(NETWORK), Nothing], "a mapping"))),
    key("volumes", Named(&OneOf(&[Object(VOLUME), Nothing], "a mapping"))),
    key("secrets", Named(&Object(SECRET))),
    key("configs", Named(&Object(CONFIG))),
    key("models", Named(&Object(MODEL))),
];

const INCLUDE: &[Key] = &[key("path", TEXT_OR_TEXTS), key("env_file", TEXT_OR_TEXTS), key("project_directory", Text)];

const SERVICE: &[Key] = &[
    key("annotations", KEY_VALUES),
    key("attach", Bool),
    key("build", OneOf(&[Text, Object(BUILD)], "a path or a mapping")),
    key("blkio_config", Object(BLKIO)),
    key("cap_add", TEXTS),
    key("cap_drop", TEXTS),
    key("cgroup", Enum(&["host", "private"])),
    key("cgroup_parent", Text),
    nullable("command", COMMAND),
    key("configs", FILES),
    key("container_name", Pattern(container_name, "[a-zA-Z0-9][a-zA-Z0-9_.-]+")),
    key("cpu_count", Integer),
    key("cpu_percent", Range(0.0, 100.0)),
    key("cpu_shares", Number),
    key("cpu_quota", Number),
    key("cpu_period", Number),
    key("cpu_rt_period", Number),
    key("cpu_rt_runtime", Number),
    key("cpus", Number),
    key("cpuset", Text),
    key("credential_spec", Object(CREDENTIAL_SPEC)),
    key("depends_on", OneOf(&[UniqueList(&Text), Named(&Object(DEPENDENCY))], "a list of services or a mapping")),
    nullable("deploy", Object(DEPLOY)),
    nullable("develop", Object(DEVELOP)),
    key("device_cgroup_rules", UniqueList(&Text)),
    key("devices", List(&OneOf(&[Text, Object(DEVICE)], "a string or a mapping"))),
    key("dns", TEXT_OR_TEXTS),
    key("dns_opt", TEXTS),
    key("dns_search", TEXT_OR_TEXTS),
    key("domainname", Text),
    nullable("entrypoint", COMMAND),
    key(
        "env_file",
        OneOf(&[Text, List(&OneOf(&[Text, Object(ENV_FILE)], "a path or a mapping"))], "a path or a list of paths"),
    ),
    key("environment", KEY_VALUES),
    key("expose", List(&Integer)),
    key("extends", OneOf(&[Text, Object(EXTENDS)], "a service or a mapping")),
    key("external_links", UniqueList(&Text)),
    key("extra_hosts", HOSTS),
    key("gpus", OneOf(&[Enum(&["all"]), List(&Object(GPU))], "`all` or a list")),
    key("group_add", UniqueList(&TextOrNumber)),
    key("healthcheck", Object(HEALTHCHECK)),
    key("hostname", Text),
    key("image", Text),
    key("init", Bool),
    key("ipc", Text),
    key("isolation", Text),
    key("label_file", TEXT_OR_TEXTS),
    key("labels", KEY_VALUES),
    key("links", TEXTS),
    key("logging", Object(LOGGING)),
    key("mac_address", Text),
    key("mem_limit", TextOrNumber),
    key("mem_reservation", TextOrNumber),
    key("mem_swappiness", Integer),
    key("memswap_limit", TextOrNumber),
    key(
        "models",
        OneOf(
            &[UniqueList(&Text), Named(&OneOf(&[Object(SERVICE_MODEL), Nothing], "a mapping"))],
            "a list or a mapping",
        ),
    ),
    key("network_mode", Text),
    key(
        "networks",
        OneOf(
            &[UniqueList(&Text), Named(&OneOf(&[Object(SERVICE_NETWORK), Nothing], "a mapping"))],
            "a list or a mapping",
        ),
    ),
    key("oom_kill_disable", Bool),
    key("oom_score_adj", Range(-1000.0, 1000.0)),
    key("pid", Text),
    key("pids_limit", Number),
    key("platform", Text),
    key("ports", List(&OneOf(&[TextOrNumber, Object(PORT)], "a number, a string or a mapping"))),
    key("post_start", List(&Object(HOOK))),
    key("pre_start", List(&Object(PRE_START))),
    key("pre_stop", List(&Object(HOOK))),
    key("privileged", Bool),
    key("profiles", TEXTS),
    key("provider", Object(PROVIDER)),
    key(
        "pull_policy",
        Pattern(pull_policy, "always|never|build|if_not_present|missing|refresh|daily|weekly|every_([0-9]+[wdhms])+"),
    ),
    key("pull_refresh_after", Text),
    key("read_only", Bool),
    key("restart", Text),
    key("runtime", Text),
    key("scale", Integer),
    key("secrets", FILES),
    key("security_opt", UniqueList(&Text)),
    key("shm_size", TextOrNumber),
    key("stdin_open", Bool),
    key("stop_grace_period", Text),
    key("stop_signal", Text),
    key("storage_opt", DRIVER_OPTIONS),
    key("sysctls", KEY_VALUES),
    key("tmpfs", TEXT_OR_TEXTS),
    key("tty", Bool),
    key("ulimits", Map(&OneOf(&[Integer, Object(ULIMIT)], "a integer or string"))),
    key("use_api_socket", PureBool),
    key("user", Text),
    key("userns_mode", Text),
    key("uts", Text),
    key("volumes", List(&OneOf(&[Text, Object(MOUNT)], "a string or a mapping"))),
    key("volumes_from", UniqueList(&Text)),
    key("working_dir", Text),
];

const FILES: Shape = List(&OneOf(&[Text, Object(FILE)], "a name or a mapping"));
const FILE: &[Key] =
    &[key("source", Text), key("target", Text), key("uid", Text), key("gid", Text), key("mode", TextOrNumber)];

const BUILD: &[Key] = &[
    key("additional_contexts", KEY_VALUES),
    key("args", KEY_VALUES),
    key("cache_from", TEXTS),
    key("cache_to", TEXTS),
    key("context", Text),
    key("dockerfile", Text),
    key("dockerfile_inline", Text),
    key("entitlements", TEXTS),
    key("extra_hosts", HOSTS),
    key("isolation", Text),
    key("labels", KEY_VALUES),
    key("network", Text),
    key("no_cache", Bool),
    key("no_cache_filter", UNIQUE_TEXTS),
    key("platforms", TEXTS),
    key("privileged", Bool),
    key("provenance", OneOf(&[Text, Bool], "a string or boolean")),
    key("pull", Bool),
    key("sbom", OneOf(&[Text, Bool], "a string or boolean")),
    key("secrets", FILES),
    key("shm_size", TextOrNumber),
    key("ssh", KEY_VALUES),
    key("tags", TEXTS),
    key("target", Text),
    key("ulimits", Map(&OneOf(&[Integer, Object(ULIMIT)], "a integer or string"))),
];

const BLKIO: &[Key] = &[
    key("device_read_bps", List(&Object(RATE))),
    key("device_read_iops", List(&Object(RATE))),
    key("device_write_bps", List(&Object(RATE))),
    key("device_write_iops", List(&Object(RATE))),
    key("weight", Integer),
    key("weight_device", List(&Object(&[key("path", Text), key("weight", Integer)]))),
];
const RATE: &[Key] = &[key("path", Text), key("rate", TextOrNumber)];
const CREDENTIAL_SPEC: &[Key] = &[key("config", Text), key("file", Text), key("registry", Text)];

const DEPENDENCY: &[Key] = &[
    key("condition", Enum(&["service_started", "service_healthy", "service_completed_successfully"])),
    key("required", Bool),
    key("restart", Bool),
];

const DEPLOY: &[Key] = &[
    key("endpoint_mode", Text),
    key("labels", KEY_VALUES),
    key("mode", Text),
    key("placement", Object(PLACEMENT)),
    key("replicas", Integer),
    key("resources", Object(&[key("limits", Object(LIMITS)), key("reservations", Object(RESERVATIONS))])),
    key("restart_policy", Object(RESTART_POLICY)),
    key("rollback_config", Object(UPDATE)),
    key("update_config", Object(UPDATE)),
];
const PLACEMENT: &[Key] = &[
    key("constraints", TEXTS),
    key("max_replicas_per_node", Integer),
    key("preferences", List(&Object(&[key("spread", Text)]))),
];
const LIMITS: &[Key] = &[key("cpus", Number), key("memory", Text), key("pids", Integer)];
const RESERVATIONS: &[Key] = &[
    key("cpus", Number),
    key("devices", List(&Object(DEVICE_REQUEST))),
    key("generic_resources", List(&Object(GENERIC_RESOURCE))),
    key("memory", Text),
];
const GENERIC_RESOURCE: &[Key] = &[key("discrete_resource_spec", Object(&[key("kind", Text), key("value", Number)]))];
const RESTART_POLICY: &[Key] =
    &[key("condition", Text), key("delay", Text), key("max_attempts", Integer), key("window", Text)];
const UPDATE: &[Key] = &[
    key("delay", Text),
    key("failure_action", Text),
    key("max_failure_ratio", Number),
    key("monitor", Text),
    key("order", Enum(&["start-first", "stop-first"])),
    key("parallelism", Integer),
];
const DEVICE_REQUEST: &[Key] = &[
    key("capabilities", UniqueList(&Text)),
    key("count", Integer),
    key("device_ids", UniqueList(&Text)),
    key("driver", Text),
    key("options", UNIQUE_KEY_VALUES),
];
const GPU: &[Key] = DEVICE_REQUEST;

const DEVELOP: &[Key] = &[key("watch", List(&Object(WATCH)))];
const WATCH: &[Key] = &[
    key("action", Enum(&["rebuild", "sync", "restart", "sync+restart", "sync+exec"])),
    key("exec", Object(HOOK)),
    key("ignore", UNIQUE_TEXTS),
    key("include", UNIQUE_TEXTS),
    key("initial_sync", PureBool),
    key("path", Text),
    key("target", Text),
];

const DEVICE: &[Key] = &[key("source", Text), key("target", Text), key("permissions", Text)];
const ENV_FILE: &[Key] = &[key("path", Text), key("format", Text), key("required", Bool)];
const EXTENDS: &[Key] = &[key("service", Text), nullable("file", Text)];

const HEALTHCHECK: &[Key] = &[
    key("disable", Bool),
    key("interval", Text),
    key("retries", Number),
    key("start_interval", Text),
    key("start_period", Text),
    key("test", TEXT_OR_TEXTS),
    key("timeout", Text),
];
const PRE_START: &[Key] = &[
    nullable("command", COMMAND),
    key("environment", UNIQUE_KEY_VALUES),
    key("image", Text),
    key("per_replica", Bool),
    key("privileged", Bool),
    key("user", Text),
    key("working_dir", Text),
];
const HOOK: &[Key] = &[
    nullable("command", COMMAND),
    key("environment", UNIQUE_KEY_VALUES),
    key("privileged", Bool),
    key("user", Text),
    key("working_dir", Text),
];
const LOGGING: &[Key] =
    &[key("driver", Text), key("options", Map(&OneOf(&[Nothing, TextOrNumber], "a null, number or string")))];
const SERVICE_MODEL: &[Key] = &[key("endpoint_var", Text), key("model_var", Text)];
const SERVICE_NETWORK: &[Key] = &[
    key("aliases", TEXTS),
    key("driver_opts", DRIVER_OPTIONS),
    key("gw_priority", PureNumber),
    key("interface_name", Text),
    key("ipv4_address", Text),
    key("ipv6_address", Text),
    key("link_local_ips", TEXTS),
    key("mac_address", Text),
    key("priority", PureNumber),
];
const PORT: &[Key] = &[
    key("app_protocol", Text),
    key("host_ip", Text),
    key("mode", Text),
    key("name", Text),
    key("protocol", Text),
    key("published", Integer),
    key("target", Integer),
];
const PROVIDER: &[Key] = &[
    key("type", Text),
    key(
        "options",
        Map(&OneOf(
            &[Text, Bool, TextOrNumber, List(&OneOf(&[Text, Bool, TextOrNumber], "a scalar"))],
            "a scalar or a list",
        )),
    ),
];
const ULIMIT: &[Key] = &[key("hard", Integer), key("soft", Integer)];

const MOUNT: &[Key] = &[
    key("bind", Object(BIND)),
    key("consistency", Text),
    key("image", Object(&[key("subpath", Text)])),
    key("read_only", Bool),
    key("source", Text),
    key("target", Text),
    key("tmpfs", Object(&[key("mode", TextOrNumber), key("size", TextOrNumber)])),
    key("type", Enum(&["bind", "volume", "tmpfs", "cluster", "npipe", "image"])),
    key("volume", Object(&[key("labels", KEY_VALUES), key("nocopy", Bool), key("subpath", Text)])),
];
const BIND: &[Key] = &[
    key("create_host_path", Bool),
    key("propagation", Text),
    key("recursive", Enum(&["enabled", "disabled", "writable", "readonly"])),
    key("selinux", Enum(&["z", "Z"])),
];

const EXTERNAL: Shape = OneOf(&[Bool, Object(&[key("name", Text)])], "a boolean");

const NETWORK: &[Key] = &[
    key("attachable", Bool),
    key("driver", Text),
    key("driver_opts", DRIVER_OPTIONS),
    key("enable_ipv4", Bool),
    key("enable_ipv6", Bool),
    key("external", EXTERNAL),
    key("internal", Bool),
    key("ipam", Object(IPAM)),
    key("labels", KEY_VALUES),
    key("name", Text),
];
const IPAM: &[Key] = &[key("config", List(&Object(POOL))), key("driver", Text), key("options", Map(&Text))];
const POOL: &[Key] =
    &[key("aux_addresses", Map(&Text)), key("gateway", Text), key("ip_range", Text), key("subnet", Text)];

const VOLUME: &[Key] = &[
    key("driver", Text),
    key("driver_opts", DRIVER_OPTIONS),
    key("external", EXTERNAL),
    key("labels", UNIQUE_KEY_VALUES),
    key("name", Text),
];
const SECRET: &[Key] = &[
    key("driver", Text),
    key("driver_opts", DRIVER_OPTIONS),
    key("environment", Text),
    key("external", EXTERNAL),
    key("file", Text),
    key("labels", UNIQUE_KEY_VALUES),
    key("name", Text),
    key("template_driver", Text),
];
const CONFIG: &[Key] = &[
    key("content", Text),
    key("environment", Text),
    key("external", EXTERNAL),
    key("file", Text),
    key("labels", UNIQUE_KEY_VALUES),
    key("name", Text),
    key("template_driver", Text),
];
const MODEL: &[Key] =
    &[key("context_size", PureInteger), key("model", Text), key("name", Text), key("runtime_flags", TEXTS)];

fn container_name(text: &str) -> bool {
    // Not anchored in the published schema: two characters in a row that fit are enough.
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let chars: Vec<char> = text.chars().collect();
    chars.windows(2).any(|pair| pair[0].is_ascii_alphanumeric() && allowed(pair[1]))
}

fn pull_policy(text: &str) -> bool {
    let words = ["always", "never", "build", "if_not_present", "missing", "refresh", "daily", "weekly"];
    let every = text.strip_prefix("every_").is_some_and(|window| crate::units::duration(window).is_ok());
    words.contains(&text) || every
}
