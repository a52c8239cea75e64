//! What one engine cannot do, though the file asks for it: errors where the peer refuses too, and a warning where it would
//! say nothing. For the commands that create; `config` only prints.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::load::Loaded;
use crate::node::{Node, Span};
use crate::project::{FileObject, FileReference, MountKind, Project, Service};
use crate::validate::span_of;

const ORCHESTRATORS: &str = "only orchestrators act on it";

/// Attributes of a service that are never sent to an engine, and why.
const IGNORED: &[(&[&str], &str)] = &[
    (&["credential_spec"], "it is not sent to engines"),
    (&["deploy", "endpoint_mode"], ORCHESTRATORS),
    (&["deploy", "labels"], ORCHESTRATORS),
    (&["deploy", "placement"], ORCHESTRATORS),
    (&["deploy", "rollback_config"], ORCHESTRATORS),
    (&["deploy", "update_config"], ORCHESTRATORS),
    (&["deploy", "resources", "limits", "devices"], "only reservations of devices count"),
    (&["deploy", "resources", "limits", "generic_resources"], ORCHESTRATORS),
    (&["deploy", "resources", "reservations", "cpus"], "engines cannot reserve CPUs"),
    (&["deploy", "resources", "reservations", "generic_resources"], ORCHESTRATORS),
    (&["deploy", "resources", "reservations", "pids"], "engines cannot reserve processes"),
    (&["deploy", "restart_policy", "delay"], "engines choose the delay themselves"),
    (&["deploy", "restart_policy", "window"], "engines do not look at it"),
];

impl Loaded {
    /// What an engine of this operating system (`linux`, `windows`) cannot do of this project.
    #[must_use]
    pub fn engine_limits(&self, os: &str) -> Diagnostics {
        let mut found = Limits { tree: &self.tree, out: Diagnostics::default(), ignored: BTreeMap::new() };
        for service in self.project.services.values() {
            found.refused(&self.project, service);
            found.ignored(&self.project, service, os);
        }
        let mut out = found.out;
        out.0.extend(found.ignored.into_iter().map(|(attribute, ignored)| ignored.told(&attribute)));
        out
    }
}

/// An attribute that has no effect, and where it stands first.
struct Ignored {
    reason: &'static str,
    services: Vec<String>,
    path: String,
    span: Option<Span>,
}

impl Ignored {
    /// One warning, however many services have the attribute.
    fn told(self, attribute: &str) -> Diagnostic {
        let (noun, names) = (if self.services.len() == 1 { "service" } else { "services" }, self.services.join(", "));
        let text = format!("`{attribute}` of {noun} {names} is ignored: {}", self.reason);
        Diagnostic::warning("ignored", &self.path, self.span, text)
    }
}

struct Limits<'t> {
    tree: &'t Node,
    out: Diagnostics,
    ignored: BTreeMap<String, Ignored>,
}

impl Limits<'_> {
    fn fail(&mut self, path: &[&str], message: String, hint: Option<&str>) {
        let mut problem = Diagnostic::error("unsupported", &path.join("."), span_of(self.tree, path), message);
        problem.hint = hint.map(str::to_owned);
        self.out.0.push(problem);
    }

    fn ignore(&mut self, service: &Service, path: &[&str], reason: &'static str) {
        let full: Vec<&str> = ["services", &service.name].into_iter().chain(path.iter().copied()).collect();
        let named = path.iter().filter(|key| key.parse::<usize>().is_err()).copied().collect::<Vec<_>>().join(".");
        let span = span_of(self.tree, &full);
        let first = || Ignored { reason, services: Vec::new(), path: full.join("."), span };
        let entry = self.ignored.entry(named).or_insert_with(first);
        if !entry.services.contains(&service.name) {
            entry.services.push(service.name.clone());
        }
    }

    fn refused(&mut self, project: &Project, service: &Service) {
        let name = service.name.as_str();
        for (attribute, used) in [("provider", service.provider.is_some()), ("models", !service.models.is_empty())] {
            if used {
                let text = format!("service {name:?} uses `{attribute}`, which is not supported yet");
                self.fail(&["services", name, attribute], text, None);
            }
        }
        for reference in &service.secrets {
            self.file("secret", reference, project.secrets.get(&reference.source));
        }
        for reference in &service.configs {
            self.file("config", reference, project.configs.get(&reference.source));
        }
        for reference in service.build.iter().flat_map(|build| &build.secrets) {
            self.file("secret", reference, project.secrets.get(&reference.source));
        }
        self.owners(service);
        self.mac_address(service);
    }

    fn file(&mut self, kind: &str, reference: &FileReference, object: Option<&FileObject>) {
        let Some(object) = object else { return };
        let plural = format!("{kind}s");
        let key = reference.source.as_str();
        if object.external {
            let text = format!("unsupported external {kind} {}", object.name);
            self.fail(
                &[&plural, key, "external"],
                text,
                Some("only orchestrators keep them: give a `file` or `environment`"),
            );
        }
        for (attribute, value) in [("driver", &object.driver), ("template_driver", &object.template_driver)] {
            if !value.is_empty() {
                let text = format!("`{attribute}` of {kind} {key} is not supported");
                self.fail(&[&plural, key, attribute], text, Some("give a `file` or `environment` instead"));
            }
        }
    }

    /// Only numbers: the names of users are known inside the image alone.
    fn owners(&mut self, service: &Service) {
        for (kind, references) in [("secrets", &service.secrets), ("configs", &service.configs)] {
            for (index, reference) in references.iter().enumerate() {
                for (attribute, value) in [("uid", &reference.uid), ("gid", &reference.gid)] {
                    if !value.is_empty() && value.parse::<u32>().is_err() {
                        let text = format!("`{attribute}` of {} is not a number: {value}", reference.source);
                        let path = ["services", &service.name, kind, &index.to_string(), attribute];
                        self.fail(
                            &path,
                            text,
                            Some("an owner is given by its number, as `id` prints it in the container"),
                        );
                    }
                }
            }
        }
    }

    /// The service and its primary network may both set the MAC address; if both do, the addresses must be equal.
    fn mac_address(&mut self, service: &Service) {
        let Some((key, primary)) = service.primary_network() else { return };
        let own = primary.map_or("", |network| network.mac_address.as_str());
        if service.mac_address.is_empty() || own.is_empty() || own == service.mac_address {
            return;
        }
        let text = format!("the service-level mac_address should have the same value as network {key}");
        self.fail(&["services", &service.name, "mac_address"], text, Some("both mean the same: keep one of the two"));
    }

    fn ignored(&mut self, project: &Project, service: &Service, os: &str) {
        let Some(own) = self.tree.get("services").and_then(|services| services.get(&service.name)) else { return };
        for (path, reason) in IGNORED {
            if typed(own, path).is_some() {
                self.ignore(service, path, reason);
            }
        }
        if service.deploy.as_ref().is_some_and(|deploy| !matches!(deploy.mode.as_str(), "" | "replicated")) {
            self.ignore(service, &["deploy", "mode"], ORCHESTRATORS);
        }
        if os == "linux" && service.cpu_count != 0 {
            self.ignore(service, &["cpu_count"], "only engines on Windows act on it");
        }
        for (index, _) in service.volumes.iter().enumerate().filter(|(_, mount)| !mount.consistency.is_empty()) {
            self.ignore(service, &["volumes", &index.to_string(), "consistency"], "today's engines do not look at it");
        }
        for (index, reference) in service.build.iter().flat_map(|build| &build.secrets).enumerate() {
            self.build_secret(service, &index.to_string(), reference);
        }
        self.foreign_options(service);
        let bound = |object: Option<&FileObject>| object.is_some_and(|object| !object.file.is_empty());
        for (kind, references, objects) in
            [("secrets", &service.secrets, &project.secrets), ("configs", &service.configs, &project.configs)]
        {
            for (index, reference) in references.iter().enumerate() {
                if bound(objects.get(&reference.source)) {
                    self.owner(service, (kind, &index.to_string()), reference);
                }
            }
        }
    }

    /// Options of a mount that belong to another type of mount. Only an engine minds them, so `config` does not tell.
    fn foreign_options(&mut self, service: &Service) {
        for (index, mount) in service.volumes.iter().enumerate() {
            let path = ["services", &service.name, "volumes", &index.to_string()].map(str::to_owned);
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let options = [
                ("bind", MountKind::Bind, mount.bind.is_some()),
                ("volume", MountKind::Volume, mount.volume.is_some()),
                ("tmpfs", MountKind::Tmpfs, mount.tmpfs.is_some()),
            ];
            for (option, _, _) in options.into_iter().filter(|(_, kind, given)| *given && *kind != mount.kind) {
                let text = format!("mount of type `{}` should not define `{option}` option", mount.kind.name());
                let warning = Diagnostic::warning("mount-option", &path.join("."), span_of(self.tree, &path), text);
                self.out.0.push(warning);
            }
        }
    }

    /// A Dockerfile says itself with which owner and mode it mounts a secret.
    fn build_secret(&mut self, service: &Service, index: &str, reference: &FileReference) {
        let given = [
            ("uid", !reference.uid.is_empty()),
            ("gid", !reference.gid.is_empty()),
            ("mode", reference.mode.is_some()),
        ];
        for (attribute, _) in given.into_iter().filter(|(_, given)| *given) {
            let reason = "the `RUN --mount=type=secret` that uses it says these";
            self.ignore(service, &["build", "secrets", index, attribute], reason);
        }
    }

    /// A file is mounted as it is on the host.
    fn owner(&mut self, service: &Service, (kind, index): (&str, &str), reference: &FileReference) {
        let given = [
            ("uid", !reference.uid.is_empty()),
            ("gid", !reference.gid.is_empty()),
            ("mode", reference.mode.is_some()),
        ];
        for (attribute, _) in given.into_iter().filter(|(_, given)| *given) {
            self.ignore(service, &[kind, index, attribute], "a file is mounted with the owner and mode that it has");
        }
    }
}

/// The value at a path, if there is one that means something.
fn typed<'n>(node: &'n Node, path: &[&str]) -> Option<&'n Node> {
    let found = path.iter().try_fold(node, |node, key| node.get(key))?;
    let empty = found.is_null()
        || found.as_map().is_some_and(crate::node::Mapping::is_empty)
        || found.as_seq().is_some_and(<[Node]>::is_empty);
    (!empty).then_some(found)
}
