//! `x-windlass` in compose files, and `windlass.yaml`: from tree to [`crate::windlass`] types, with the same quality of
//! messages as everything else. [`windlass_schema`] is the published JSON Schema of the same syntax.

mod over;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::decode::json;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::node::{Mapping, Node, Value};
use crate::paths::{Base, absolute};
use crate::project::{Json, Project};
use crate::units;
use crate::windlass::{
    Dataset, Grants, Hook, InputFile, Limits, LoadWhen, OnFailure, PluginDeclaration, PluginSource, Probe, ProbeTiming,
    ProjectSettings, RelaySettings, ServiceSettings, Stage, StageScope,
};

/// The JSON Schema of `x-windlass` and `windlass.yaml`.
#[must_use]
pub fn windlass_schema() -> &'static str {
    include_str!("x_windlass.schema.json")
}

/// Keys of the top-level `x-windlass`, and of `windlass.yaml` beside `services`.
const PROJECT: &[&str] = &["plugins", "hooks", "relay"];
const TIMING: &[&str] = &["timeout", "interval", "max-interval", "attempt-timeout", "success-threshold", "stable-for"];

/// Decodes every `x-windlass` of the tree, and `windlass.yaml` over it, into the project. `home` is what `~` stands for.
pub fn apply(tree: &Node, file: Option<&Node>, project: &mut Project, home: Option<&Path>, out: &mut Diagnostics) {
    let folder = project.working_dir.clone();
    let mut read = Reader { folder: &folder, home, out };
    let mut settings = ProjectSettings::default();
    let own = file.and_then(|file| read.file(file));
    let base = tree.get("x-windlass");
    if let Some(node) = over::project(base, own.as_ref(), read.out) {
        read.project(&node, &mut settings, if base.is_some() { "x-windlass" } else { "windlass.yaml" });
    }
    let mut services: BTreeMap<String, ServiceSettings> = BTreeMap::new();
    let named = file.and_then(|file| file.get("services")).and_then(|own| read.file_services(own, project));
    for name in project.services.keys() {
        let base = tree.get("services").and_then(|all| all.get(name)).and_then(|one| one.get("x-windlass"));
        let over = named.and_then(|named| named.get(name)).map(|entry| &entry.node);
        let Some(node) = over::service(base, over, &["services", name, "x-windlass"], read.out) else { continue };
        let path = if base.is_some() { format!("services.{name}.x-windlass") } else { format!("services.{name}") };
        read.service(&node, services.entry(name.clone()).or_default(), &path);
    }
    project.windlass = settings;
    for (name, settings) in services {
        if let Some(service) = project.service_mut(&name) {
            service.windlass = settings;
        }
    }
}

struct Reader<'r> {
    /// For what stands in no file.
    folder: &'r Path,
    home: Option<&'r Path>,
    out: &'r mut Diagnostics,
}

impl Reader<'_> {
    fn fail(&mut self, node: &Node, path: &str, message: String, hint: Option<String>) {
        let problem = Diagnostic::error("windlass", path, Some(node.span.clone()), message);
        self.out.0.push(Diagnostic { hint, ..problem });
    }

    /// Absolute; relative to the file in which the node stands.
    fn path(&self, text: &str, node: &Node) -> PathBuf {
        let file = node.span.file.as_ref().filter(|file| file.path != Path::new("-"));
        let beside = file.and_then(|file| file.path.parent()).map(|folder| self.folder.join(folder));
        let folder = beside.as_deref().unwrap_or(self.folder);
        PathBuf::from(absolute(text, Base { folder, home: self.home }))
    }

    /// The entries of a mapping with names that the user chose; nothing written means none.
    fn named<'n>(&mut self, node: &'n Node, path: &str, what: &str) -> Option<&'n Mapping> {
        if node.as_map().is_none() && !node.is_null() {
            self.fail(node, path, format!("{path} must be a mapping of names to {what}"), None);
        }
        node.as_map()
    }

    /// The mapping, after a check of its keys. Nothing written means none.
    fn keys<'n>(&mut self, node: &'n Node, path: &str, known: &[&str]) -> Option<&'n Mapping> {
        let Some(map) = node.as_map() else {
            if !node.is_null() {
                self.fail(node, path, format!("{path} must be a mapping"), None);
            }
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

    /// What `windlass.yaml` says beside `services`, after a check of its keys.
    fn file(&mut self, node: &Node) -> Option<Node> {
        let map = self.keys(node, "windlass.yaml", &[PROJECT, &["services"]].concat())?;
        let known = map.iter().filter(|(name, _)| PROJECT.contains(&name.as_str()));
        let known: Mapping = known.map(|(name, entry)| (name.clone(), entry.clone())).collect();
        Some(Node { value: Value::Map(known), ..node.clone() })
    }

    fn project(&mut self, node: &Node, settings: &mut ProjectSettings, path: &str) {
        let Some(map) = self.keys(node, path, PROJECT) else { return };
        if let Some(plugins) = map.get("plugins") {
            let plugins = self.named(&plugins.node, &format!("{path}.plugins"), "plugins");
            for (name, entry) in plugins.into_iter().flatten() {
                let declaration = self.plugin(&entry.node, &format!("{path}.plugins.{name}"));
                settings.plugins.insert(name.clone(), declaration);
            }
        }
        if let Some(entry) = map.get("hooks") {
            self.hooks(&entry.node, StageScope::Project, &mut settings.hooks, &format!("{path}.hooks"));
        }
        if let Some(entry) = map.get("relay") {
            self.relay(&entry.node, &mut settings.relay, &format!("{path}.relay"));
        }
    }

    fn relay(&mut self, node: &Node, settings: &mut RelaySettings, path: &str) {
        let Some(image) = self.keys(node, path, &["image"]).and_then(|map| map.get("image")) else { return };
        match image.node.as_str().filter(|text| !text.is_empty()) {
            Some(text) => text.clone_into(&mut settings.image),
            None => self.fail(&image.node, path, format!("{path}.image must be the name of an image"), None),
        }
    }

    /// The services of `windlass.yaml`; those that the compose file does not have are reported.
    fn file_services<'n>(&mut self, own: &'n Node, project: &Project) -> Option<&'n Mapping> {
        let own = self.named(own, "services", "settings of services")?;
        for (name, entry) in own.iter().filter(|(name, _)| !project.services.contains_key(name.as_str())) {
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
        Some(own)
    }

    fn plugin(&mut self, node: &Node, path: &str) -> PluginDeclaration {
        let mut declaration = PluginDeclaration { span: Some(node.span.clone()), ..PluginDeclaration::default() };
        let Some(map) = self.keys(node, path, &["source", "grants", "limits"]) else { return declaration };
        if let Some(entry) = map.get("source") {
            declaration.source = self.source(&entry.node, &format!("{path}.source"));
            declaration.span = Some(entry.node.span.clone());
        }
        if let Some(entry) = map.get("grants") {
            declaration.grants = self.grants(&entry.node, &format!("{path}.grants"));
        }
        if let Some(entry) = map.get("limits") {
            declaration.limits = self.limits(&entry.node, &format!("{path}.limits"));
        }
        declaration
    }

    fn source(&mut self, node: &Node, path: &str) -> Option<PluginSource> {
        let Some(text) = node.as_str().filter(|text| !text.is_empty()) else {
            self.fail(node, path, format!("{path} must be a path, oci://… or https://…"), None);
            return None;
        };
        if text.starts_with("oci://") {
            return Some(PluginSource::Oci(text.to_owned()));
        }
        if text.starts_with("http://") {
            let hint = "use https://…#sha256=DIGEST, or fetch the file and name its path";
            self.fail(node, path, format!("{path}: a plugin is not fetched over plain HTTP"), Some(hint.to_owned()));
            return None;
        }
        let scheme = text.split_once("://").map(|(scheme, _)| scheme).filter(|scheme| is_scheme(scheme));
        if let Some(scheme) = scheme.filter(|scheme| !matches!(*scheme, "https" | "file")) {
            let text = format!("{path}: {scheme}:// is not known");
            self.fail(node, path, text, Some("a path, oci://… or https://…#sha256=DIGEST are".to_owned()));
            return None;
        }
        if scheme != Some("https") {
            return Some(PluginSource::File(self.path(text.strip_prefix("file:").unwrap_or(text), node)));
        }
        let digest = text.split_once("#sha256=").map_or("", |(_, digest)| digest);
        if digest.len() != 64 || !digest.bytes().all(|b| b.is_ascii_hexdigit()) {
            let hint = "append `#sha256=` and the 64 hexadecimal digits that `sha256sum FILE` prints";
            self.fail(node, path, format!("{path}: a plugin from the web needs its digest"), Some(hint.to_owned()));
            return None;
        }
        Some(PluginSource::Https(text.to_owned()))
    }

    fn grants(&mut self, node: &Node, path: &str) -> Grants {
        let Some(map) = self.keys(node, path, &["dial", "read", "secrets"]) else { return Grants::default() };
        let dial = self.texts(map, "dial", path);
        for (target, node) in &dial {
            let valid = target
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && (port == "*" || port_number(port)));
            if !valid {
                let host = target.split(':').next().filter(|host| !host.is_empty()).unwrap_or("HOST");
                let hint = format!("write `{host}:443`, or `{host}:*` for every port of a service");
                self.fail(node, path, format!("{path}.dial: \"{target}\" is not HOST:PORT"), Some(hint));
            }
        }
        let read = self.texts(map, "read", path).into_iter().map(|(file, node)| self.path(&file, &node)).collect();
        let secrets = self.texts(map, "secrets", path).into_iter().map(|(name, _)| name).collect();
        Grants { dial: dial.into_iter().map(|(target, _)| target).collect(), read, secrets }
    }

    fn limits(&mut self, node: &Node, path: &str) -> Limits {
        let Some(map) = self.keys(node, path, &["memory", "timeout"]) else { return Limits::default() };
        let size = |text: &str| {
            let bytes = units::bytes(text)?;
            u64::try_from(bytes).ok().filter(|bytes| *bytes > 0).ok_or_else(|| format!("{text} is no amount of memory"))
        };
        let place = format!("{path}.memory");
        Limits {
            memory: map.get("memory").and_then(|entry| self.parsed(&entry.node, &place, size)),
            timeout: self.limit(map, "timeout", path),
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
            self.hooks(&entry.node, StageScope::Service, &mut settings.hooks, &format!("{path}.hooks"));
        }
    }

    fn ready(&mut self, node: &Node, path: &str) -> Option<Probe> {
        let (plugin, with, target, timing) = match &node.value {
            Value::String(plugin) => (plugin.clone(), Json::Null, None, ProbeTiming::default()),
            Value::Map(_) => {
                let known = [&["plugin", "with", "target"], TIMING].concat();
                let map = self.keys(node, path, &known)?;
                (
                    self.plugin_name(map, node, path)?,
                    self.with(map, path),
                    self.target(map, path),
                    self.timing(map, path),
                )
            }
            _ => {
                let text = format!("{path} must be the name of a probe plugin, or a mapping with `plugin`");
                self.fail(node, path, text, None);
                return None;
            }
        };
        Some(Probe { plugin, with, timing, target, inferred: false, span: Some(node.span.clone()) })
    }

    fn datasets(&mut self, node: &Node, settings: &mut ServiceSettings, path: &str) {
        for (name, entry) in self.named(node, path, "datasets").into_iter().flatten() {
            if name.is_empty() {
                let text = format!("{path}: a dataset needs a name, which the ledger keeps it by");
                self.out.0.push(Diagnostic::error("windlass", path, Some(entry.key.clone()), text));
            }
            let Some(dataset) = self.dataset(name, &entry.node, &format!("{path}.{name}")) else { continue };
            match settings.load.iter_mut().find(|known| known.name == *name) {
                Some(known) => *known = dataset,
                None => settings.load.push(dataset),
            }
        }
    }

    fn dataset(&mut self, name: &str, node: &Node, path: &str) -> Option<Dataset> {
        if node.is_null() {
            self.fail(node, path, format!("{path} needs `plugin`"), None);
        }
        let map = self.keys(node, path, &["plugin", "from", "with", "when", "target", "timeout"])?;
        Some(Dataset {
            name: name.to_owned(),
            plugin: self.plugin_name(map, node, path)?,
            from: self.inputs(map, path),
            with: self.with(map, path),
            when: self.when(map, path),
            target: self.target(map, path),
            timeout: self.limit(map, "timeout", path),
            span: Some(node.span.clone()),
        })
    }

    fn hooks(&mut self, node: &Node, scope: StageScope, hooks: &mut BTreeMap<Stage, Vec<Hook>>, path: &str) {
        let names: Vec<&str> = Stage::of(scope).map(Stage::name).collect();
        let Some(map) = self.keys(node, path, &names) else { return };
        for stage in Stage::of(scope) {
            let name = stage.name();
            let Some(entry) = map.get(name) else { continue };
            let place = format!("{path}.{name}");
            if entry.node.is_null() {
                continue;
            }
            let Some(items) = entry.node.as_seq() else {
                self.fail(
                    &entry.node,
                    &place,
                    format!("{place} must be a list of hooks"),
                    Some(format!("write `{name}: [ … ]`")),
                );
                continue;
            };
            if !stage.entry().wired && !items.is_empty() {
                self.fail(
                    &entry.node,
                    &place,
                    format!("{place}: plugins are not called at this stage yet"),
                    Some("remove it: a hook that never runs would guard nothing".to_owned()),
                );
                continue;
            }
            hooks.insert(stage, items.iter().filter_map(|item| self.hook(item, &place)).collect());
        }
    }

    fn hook(&mut self, node: &Node, path: &str) -> Option<Hook> {
        if let Value::String(plugin) = &node.value {
            return Some(Hook { span: Some(node.span.clone()), ..bare(plugin) });
        }
        if node.is_null() {
            self.fail(
                node,
                path,
                format!("{path}: an item must be the name of a plugin, or a mapping with `plugin`"),
                None,
            );
        }
        let known = [&["plugin", "with", "target", "from", "when", "retries", "on-failure"], TIMING].concat();
        let map = self.keys(node, path, &known)?;
        Some(Hook {
            with: self.with(map, path),
            target: self.target(map, path),
            from: self.inputs(map, path),
            when: self.when(map, path),
            // A mistake in it is reported by `timing`.
            timeout: map.get("timeout").and_then(|entry| units::duration(&entry.node.scalar_text()?).ok()),
            timing: self.timing(map, path),
            retries: self.number(map, "retries", path, 0).unwrap_or(0),
            on_failure: self.word(map, "on-failure", path, &[("fail", OnFailure::Fail), ("warn", OnFailure::Warn)]),
            span: Some(node.span.clone()),
            ..bare(&self.plugin_name(map, node, path)?)
        })
    }

    fn timing(&mut self, map: &Mapping, path: &str) -> ProbeTiming {
        let base = ProbeTiming::default();
        let timing = ProbeTiming {
            timeout: self.limit(map, "timeout", path).unwrap_or(base.timeout),
            interval: self.duration(map, "interval", path).unwrap_or(base.interval),
            max_interval: self.duration(map, "max-interval", path).unwrap_or(base.max_interval),
            attempt_timeout: self.limit(map, "attempt-timeout", path).unwrap_or(base.attempt_timeout),
            success_threshold: self.number(map, "success-threshold", path, 1).unwrap_or(base.success_threshold),
            stable_for: self.duration(map, "stable-for", path).unwrap_or(base.stable_for),
        };
        if let Some(entry) = map.get("stable-for").filter(|_| timing.stable_for >= timing.timeout) {
            let text = format!("{path}.stable-for must be shorter than timeout: it would never be ready");
            let hint = format!("timeout is {:?}", timing.timeout);
            self.fail(&entry.node, path, text, Some(hint));
        }
        timing
    }

    fn inputs(&mut self, map: &Mapping, path: &str) -> Vec<InputFile> {
        let listed = self.texts(map, "from", path);
        let input =
            |(name, node): (String, Node)| InputFile { path: self.path(&name, &node), name, span: Some(node.span) };
        listed.into_iter().map(input).collect()
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
        let valid = text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port_number(port));
        if !valid {
            self.fail(&entry.node, path, format!("{path}.target must be SERVICE:PORT, like es:9200"), None);
        }
        valid.then_some(text)
    }

    fn plugin_name(&mut self, map: &Mapping, node: &Node, path: &str) -> Option<String> {
        let entry = map.get("plugin");
        let text = entry.and_then(|entry| entry.node.as_str()).filter(|text| !text.is_empty());
        if text.is_none() {
            let place = entry.map_or(node, |entry| &entry.node);
            self.fail(place, path, format!("{path} needs `plugin`, the name of one"), None);
        }
        text.map(str::to_owned)
    }

    /// Settings of the plugin: the plugin's own schema says more.
    fn with(&mut self, map: &Mapping, path: &str) -> Json {
        let Some(entry) = map.get("with").filter(|entry| !entry.node.is_null()) else { return Json::Null };
        if entry.node.as_map().is_none() {
            self.fail(&entry.node, path, format!("{path}.with must be a mapping"), None);
        }
        json(&entry.node)
    }

    fn number(&mut self, map: &Mapping, key: &str, path: &str, least: u32) -> Option<u32> {
        let entry = map.get(key)?;
        let parsed = if let Value::Int(value) = entry.node.value { u32::try_from(value).ok() } else { None };
        let parsed = parsed.filter(|value| *value >= least);
        if parsed.is_none() {
            self.fail(&entry.node, path, format!("{path}.{key} must be a number from {least} on"), None);
        }
        parsed
    }

    fn duration(&mut self, map: &Mapping, key: &str, path: &str) -> Option<std::time::Duration> {
        let entry = map.get(key)?;
        self.parsed(&entry.node, &format!("{path}.{key}"), units::duration)
    }

    /// A duration within which something has to happen.
    fn limit(&mut self, map: &Mapping, key: &str, path: &str) -> Option<std::time::Duration> {
        let positive = |text: &str| {
            let limit = units::duration(text)?;
            if limit.is_zero() { Err("it must be longer than 0s".to_owned()) } else { Ok(limit) }
        };
        self.parsed(&map.get(key)?.node, &format!("{path}.{key}"), positive)
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

    /// One text or a list of texts.
    fn texts(&mut self, map: &Mapping, key: &str, path: &str) -> Vec<(String, Node)> {
        let Some(entry) = map.get(key) else { return Vec::new() };
        let items = match &entry.node.value {
            Value::Seq(items) => items.as_slice(),
            _ => std::slice::from_ref(&entry.node),
        };
        let mut texts = Vec::new();
        for item in items {
            match item.as_str().filter(|text| !text.is_empty()) {
                Some(text) => texts.push((text.to_owned(), item.clone())),
                None => self.fail(item, path, format!("{path}.{key} must be a string or a list of strings"), None),
            }
        }
        texts
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn port_number(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0)
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

#[cfg(test)]
mod tests;
