//! `x-windlass` in compose files, and `windlass.yaml`: from tree to [`crate::windlass`] types, with the same quality of
//! messages as everything else. [`windlass_schema`] is the published JSON Schema of the same syntax.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::decode::json;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::node::{Mapping, Node, Value};
use crate::paths::{Base, absolute};
use crate::project::{Json, Project};
use crate::units;
use crate::windlass::{
    Dataset, Grants, Hook, InputFile, Limits, LoadWhen, OnFailure, PluginDeclaration, PluginSource, Probe, ProbeTiming,
    ProjectSettings, ServiceSettings, Stage,
};

/// The JSON Schema of `x-windlass` and `windlass.yaml`.
#[must_use]
pub fn windlass_schema() -> &'static str {
    include_str!("x_windlass.schema.json")
}

/// Stages a service's hooks may name.
const SERVICE_STAGES: &[(&str, Stage)] = &[
    ("pre-create", Stage::PreCreate),
    ("pre-start", Stage::PreStart),
    ("post-start", Stage::PostStart),
    ("pre-stop", Stage::PreStop),
    ("post-stop", Stage::PostStop),
];
/// Stages the project's hooks may name.
const PROJECT_STAGES: &[(&str, Stage)] = &[
    ("resolve", Stage::Resolve),
    ("policy", Stage::Policy),
    ("pre-up", Stage::PreUp),
    ("post-up", Stage::PostUp),
    ("pre-down", Stage::PreDown),
    ("post-down", Stage::PostDown),
];

const TIMING: &[&str] = &["timeout", "interval", "max-interval", "attempt-timeout", "success-threshold", "stable-for"];

/// Decodes every `x-windlass` of the tree, and `windlass.yaml` over it, into the project.
pub fn apply(tree: &Node, file: Option<&Node>, project: &mut Project, out: &mut Diagnostics) {
    let folder = project.working_dir.clone();
    let mut read = Reader { base: Base { folder: &folder, home: None }, out };
    let mut settings = ProjectSettings::default();
    if let Some(node) = tree.get("x-windlass") {
        read.project(node, &mut settings, "x-windlass", false);
    }
    if let Some(node) = file {
        read.project(node, &mut settings, "windlass.yaml", true);
    }
    let mut services: BTreeMap<String, ServiceSettings> = BTreeMap::new();
    for (name, entry) in tree.get("services").and_then(Node::as_map).into_iter().flatten() {
        if let Some(node) = entry.node.get("x-windlass") {
            read.service(node, services.entry(name.clone()).or_default(), &format!("services.{name}.x-windlass"));
        }
    }
    if let Some(own) = file.and_then(|file| file.get("services")).and_then(Node::as_map) {
        read.file_services(own, project, &mut services);
    }
    project.windlass = settings;
    for (name, settings) in services {
        if let Some(service) = project.services.get_mut(&name) {
            service.windlass = settings;
        }
    }
}

struct Reader<'r> {
    base: Base<'r>,
    out: &'r mut Diagnostics,
}

impl Reader<'_> {
    fn fail(&mut self, node: &Node, path: &str, message: String, hint: Option<String>) {
        let problem = Diagnostic::error("windlass", path, Some(node.span.clone()), message);
        self.out.0.push(Diagnostic { hint, ..problem });
    }

    /// The mapping, after a check of its keys.
    fn keys<'n>(&mut self, node: &'n Node, path: &str, known: &[&str]) -> Option<&'n Mapping> {
        let Some(map) = node.as_map() else {
            self.fail(node, path, format!("{path} must be a mapping"), None);
            return None;
        };
        for (name, entry) in map.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
            let close = crate::suggest::closest(name, known.iter().copied());
            let hint = close.map_or_else(
                || format!("known here: {}", known.join(", ")),
                |close| format!("did you mean `{close}`?"),
            );
            let problem = Diagnostic::error(
                "unknown-key",
                path,
                Some(entry.key.clone()),
                format!("{path} has no attribute '{name}'"),
            );
            self.out.0.push(problem.hinted(hint));
        }
        Some(map)
    }

    fn project(&mut self, node: &Node, settings: &mut ProjectSettings, path: &str, file: bool) {
        let known: &[&str] = if file { &["plugins", "hooks", "services"] } else { &["plugins", "hooks"] };
        let Some(map) = self.keys(node, path, known) else { return };
        if let Some(plugins) = map.get("plugins").and_then(|entry| entry.node.as_map()) {
            for (name, entry) in plugins {
                let declaration = self.plugin(&entry.node, &format!("{path}.plugins.{name}"));
                settings.plugins.insert(name.clone(), declaration);
            }
        }
        if let Some(entry) = map.get("hooks") {
            self.hooks(&entry.node, PROJECT_STAGES, &mut settings.hooks, &format!("{path}.hooks"));
        }
    }

    fn file_services(&mut self, own: &Mapping, project: &Project, services: &mut BTreeMap<String, ServiceSettings>) {
        for (name, entry) in own {
            if project.services.contains_key(name) {
                self.service(&entry.node, services.entry(name.clone()).or_default(), &format!("services.{name}"));
                continue;
            }
            let names: Vec<&str> = project.services.keys().map(String::as_str).collect();
            let close = crate::suggest::closest(name, names.iter().copied());
            let hint = close.map_or_else(
                || format!("the compose file has: {}", names.join(", ")),
                |close| format!("did you mean `{close}`?"),
            );
            let text = format!("windlass.yaml names service \"{name}\", which the compose file does not have");
            self.out
                .0
                .push(Diagnostic::error("unknown-service", "services", Some(entry.key.clone()), text).hinted(hint));
        }
    }

    fn plugin(&mut self, node: &Node, path: &str) -> PluginDeclaration {
        let mut declaration = PluginDeclaration { span: Some(node.span.clone()), ..PluginDeclaration::default() };
        if node.is_null() {
            return declaration;
        }
        let Some(map) = self.keys(node, path, &["source", "grants", "limits"]) else { return declaration };
        declaration.source =
            map.get("source").and_then(|entry| entry.node.scalar_text()).map(|text| self.source(&text));
        if let Some(entry) = map.get("grants") {
            declaration.grants = self.grants(&entry.node, &format!("{path}.grants"));
        }
        if let Some(entry) = map.get("limits") {
            declaration.limits = self.limits(&entry.node, &format!("{path}.limits"));
        }
        declaration
    }

    fn source(&self, text: &str) -> PluginSource {
        if text.starts_with("oci://") {
            PluginSource::Oci(text.to_owned())
        } else if text.starts_with("https://") {
            PluginSource::Https(text.to_owned())
        } else {
            PluginSource::File(PathBuf::from(absolute(text.strip_prefix("file:").unwrap_or(text), self.base)))
        }
    }

    fn grants(&mut self, node: &Node, path: &str) -> Grants {
        let Some(map) = self.keys(node, path, &["dial", "read", "secrets"]) else { return Grants::default() };
        let dial = self.texts(map, "dial", path);
        for (target, node) in &dial {
            let valid = target
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && (port == "*" || port.parse::<u16>().is_ok()));
            if !valid {
                let hint = format!("write `{target}:443`, or `{target}:*` for every port of a service");
                self.fail(node, path, format!("grant \"{target}\" must be HOST:PORT"), Some(hint));
            }
        }
        let read = self
            .texts(map, "read", path)
            .into_iter()
            .map(|(file, _)| PathBuf::from(absolute(&file, self.base)))
            .collect();
        let secrets = self.texts(map, "secrets", path).into_iter().map(|(name, _)| name).collect();
        Grants { dial: dial.into_iter().map(|(target, _)| target).collect(), read, secrets }
    }

    fn limits(&mut self, node: &Node, path: &str) -> Limits {
        let Some(map) = self.keys(node, path, &["memory", "timeout"]) else { return Limits::default() };
        let memory = map.get("memory").and_then(|entry| self.parsed(&entry.node, path, units::bytes));
        Limits {
            memory: memory.and_then(|bytes| u64::try_from(bytes).ok()),
            timeout: self.duration(map, "timeout", path),
        }
    }

    fn service(&mut self, node: &Node, settings: &mut ServiceSettings, path: &str) {
        let Some(map) = self.keys(node, path, &["ready", "load", "hooks", "infer"]) else { return };
        if let Some(entry) = map.get("infer") {
            match entry.node.value {
                Value::Bool(infer) => settings.no_infer = !infer,
                _ => self.fail(&entry.node, path, format!("{path}.infer must be true or false"), None),
            }
        }
        if let Some(entry) = map.get("ready") {
            settings.ready = self.ready(&entry.node, &format!("{path}.ready"));
        }
        if let Some(entry) = map.get("load") {
            self.datasets(&entry.node, settings, &format!("{path}.load"));
        }
        if let Some(entry) = map.get("hooks") {
            self.hooks(&entry.node, SERVICE_STAGES, &mut settings.hooks, &format!("{path}.hooks"));
        }
    }

    fn ready(&mut self, node: &Node, path: &str) -> Option<Probe> {
        let (plugin, with, target, timing) = match &node.value {
            Value::String(plugin) => (plugin.clone(), Json::Null, None, ProbeTiming::default()),
            _ => {
                let known = [&["plugin", "with", "target"], TIMING].concat();
                let map = self.keys(node, path, &known)?;
                (self.required(map, "plugin", node, path)?, with(map), self.target(map, path), self.timing(map, path))
            }
        };
        Some(Probe { plugin, with, timing, target, inferred: false, span: Some(node.span.clone()) })
    }

    fn datasets(&mut self, node: &Node, settings: &mut ServiceSettings, path: &str) {
        let Some(map) = node.as_map() else {
            self.fail(node, path, format!("{path} must be a mapping of names to datasets"), None);
            return;
        };
        for (name, entry) in map {
            let Some(dataset) = self.dataset(name, &entry.node, &format!("{path}.{name}")) else { continue };
            settings.load.retain(|known| known.name != *name);
            settings.load.push(dataset);
        }
    }

    fn dataset(&mut self, name: &str, node: &Node, path: &str) -> Option<Dataset> {
        let map = self.keys(node, path, &["plugin", "from", "with", "when", "target", "timeout"])?;
        Some(Dataset {
            name: name.to_owned(),
            plugin: self.required(map, "plugin", node, path)?,
            from: self.inputs(map, path),
            with: with(map),
            when: self.when(map, path),
            target: self.target(map, path),
            timeout: self.duration(map, "timeout", path),
            span: Some(node.span.clone()),
        })
    }

    fn hooks(&mut self, node: &Node, stages: &[(&str, Stage)], hooks: &mut BTreeMap<Stage, Vec<Hook>>, path: &str) {
        let names: Vec<&str> = stages.iter().map(|(name, _)| *name).collect();
        let Some(map) = self.keys(node, path, &names) else { return };
        for (name, stage) in stages {
            let Some(entry) = map.get(*name) else { continue };
            let place = format!("{path}.{name}");
            let Some(items) = entry.node.as_seq() else {
                self.fail(
                    &entry.node,
                    &place,
                    format!("{place} must be a list of hooks"),
                    Some(format!("write `{name}: [ … ]`")),
                );
                continue;
            };
            hooks.insert(*stage, items.iter().filter_map(|item| self.hook(item, &place)).collect());
        }
    }

    fn hook(&mut self, node: &Node, path: &str) -> Option<Hook> {
        if let Value::String(plugin) = &node.value {
            return Some(Hook { span: Some(node.span.clone()), ..bare(plugin) });
        }
        let known = [&["plugin", "with", "target", "from", "when", "retries", "on-failure"], TIMING].concat();
        let map = self.keys(node, path, &known)?;
        Some(Hook {
            with: with(map),
            target: self.target(map, path),
            from: self.inputs(map, path),
            when: self.when(map, path),
            timeout: self.duration(map, "timeout", path),
            timing: self.timing(map, path),
            retries: self.number(map, "retries", path).unwrap_or(0),
            on_failure: self.word(map, "on-failure", path, &[("fail", OnFailure::Fail), ("warn", OnFailure::Warn)]),
            span: Some(node.span.clone()),
            ..bare(&self.required(map, "plugin", node, path)?)
        })
    }

    fn timing(&mut self, map: &Mapping, path: &str) -> ProbeTiming {
        let base = ProbeTiming::default();
        ProbeTiming {
            timeout: self.duration(map, "timeout", path).unwrap_or(base.timeout),
            interval: self.duration(map, "interval", path).unwrap_or(base.interval),
            max_interval: self.duration(map, "max-interval", path).unwrap_or(base.max_interval),
            attempt_timeout: self.duration(map, "attempt-timeout", path).unwrap_or(base.attempt_timeout),
            success_threshold: self.number(map, "success-threshold", path).unwrap_or(base.success_threshold),
            stable_for: self.duration(map, "stable-for", path).unwrap_or(base.stable_for),
        }
    }

    fn inputs(&mut self, map: &Mapping, path: &str) -> Vec<InputFile> {
        let base = self.base;
        let own = |(name, _): (String, Node)| InputFile { path: PathBuf::from(absolute(&name, base)), name };
        let listed = texts_of(map, "from");
        if let Err(node) = &listed {
            self.fail(node, path, format!("{path}.from must be a path or a list of paths"), None);
        }
        listed.unwrap_or_default().into_iter().map(own).collect()
    }

    fn when(&mut self, map: &Mapping, path: &str) -> LoadWhen {
        let words = [
            ("changed", LoadWhen::Changed),
            ("once", LoadWhen::Once),
            ("always", LoadWhen::Always),
            ("manual", LoadWhen::Manual),
        ];
        self.word(map, "when", path, &words)
    }

    /// One of several words; the first is the default.
    fn word<T: Copy>(&mut self, map: &Mapping, key: &str, path: &str, words: &[(&str, T)]) -> T {
        let Some(entry) = map.get(key) else { return words[0].1 };
        let text = entry.node.scalar_text().unwrap_or_default();
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return *value;
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.fail(&entry.node, path, format!("{path}.{key} must be one of {}", known.join(", ")), None);
        words[0].1
    }

    fn target(&mut self, map: &Mapping, path: &str) -> Option<String> {
        let entry = map.get("target")?;
        let text = entry.node.scalar_text().unwrap_or_default();
        let valid = text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        if !valid {
            self.fail(&entry.node, path, format!("{path}.target must be SERVICE:PORT, like es:9200"), None);
        }
        valid.then_some(text)
    }

    fn required(&mut self, map: &Mapping, key: &str, node: &Node, path: &str) -> Option<String> {
        let text = map.get(key).and_then(|entry| entry.node.scalar_text()).filter(|text| !text.is_empty());
        if text.is_none() {
            self.fail(node, path, format!("{path} needs `{key}`"), None);
        }
        text
    }

    fn number(&mut self, map: &Mapping, key: &str, path: &str) -> Option<u32> {
        let entry = map.get(key)?;
        let parsed = entry.node.scalar_text().and_then(|text| text.parse().ok());
        if parsed.is_none() {
            self.fail(&entry.node, path, format!("{path}.{key} must be a number from 0 on"), None);
        }
        parsed
    }

    fn duration(&mut self, map: &Mapping, key: &str, path: &str) -> Option<std::time::Duration> {
        let entry = map.get(key)?;
        self.parsed(&entry.node, &format!("{path}.{key}"), units::duration)
    }

    fn parsed<T>(&mut self, node: &Node, path: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match parse(&node.scalar_text().unwrap_or_default()) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.fail(node, path, format!("{path}: {reason}"), None);
                None
            }
        }
    }

    fn texts(&mut self, map: &Mapping, key: &str, path: &str) -> Vec<(String, Node)> {
        texts_of(map, key).unwrap_or_else(|node| {
            self.fail(&node, path, format!("{path}.{key} must be a list of strings"), None);
            Vec::new()
        })
    }
}

fn texts_of(map: &Mapping, key: &str) -> Result<Vec<(String, Node)>, Node> {
    let Some(entry) = map.get(key) else { return Ok(Vec::new()) };
    let items = match &entry.node.value {
        Value::Seq(items) => items.clone(),
        _ => vec![entry.node.clone()],
    };
    items
        .into_iter()
        .map(|item| item.as_str().map(|text| (text.to_owned(), item.clone())).ok_or(item.clone()))
        .collect()
}

fn with(map: &Mapping) -> Json {
    map.get("with").map_or(Json::Null, |entry| json(&entry.node))
}

fn bare(plugin: &str) -> Hook {
    Hook {
        plugin: plugin.to_owned(),
        with: Json::Null,
        target: None,
        from: Vec::new(),
        when: LoadWhen::default(),
        timeout: None,
        timing: ProbeTiming::default(),
        retries: 0,
        on_failure: OnFailure::default(),
        span: None,
    }
}
