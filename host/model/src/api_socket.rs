//! `use_api_socket`: the engine's socket, and a client configuration with the registries' credentials.

use std::sync::Arc;

use crate::project::{FileObject, FileReference, Mount, MountKind, Project, Service};

/// The engine's socket, here and in the container.
const SOCKET: &str = "/var/run/docker.sock";
/// Key of the client configuration among the project's configs. No file can have it: keys have no `#`.
const CONFIG: &str = "#apisocket";
const FOLDER: &str = "/run/secrets/docker";
const FOLDER_VARIABLE: &str = "DOCKER_CONFIG";

impl Project {
    /// Whether any service is given the engine's socket.
    #[must_use]
    pub fn uses_api_socket(&self) -> bool {
        self.services.values().any(|service| service.use_api_socket)
    }

    /// Turns every `use_api_socket` into what it stands for. `settings` is the client configuration.
    pub fn attach_api_socket(&mut self, settings: String) {
        for service in self.services.values_mut().filter(|service| service.use_api_socket) {
            attach(Arc::make_mut(service));
        }
        let config = FileObject { name: CONFIG.to_owned(), content: settings, ..FileObject::default() };
        self.configs.insert(CONFIG.to_owned(), config);
    }
}

/// As the peer does it, to the byte: this is part of the configuration's hash.
fn attach(service: &mut Service) {
    service.volumes.push(Mount {
        kind: MountKind::Bind,
        source: SOCKET.to_owned(),
        target: SOCKET.to_owned(),
        ..Mount::default()
    });
    service.configs.push(FileReference {
        source: CONFIG.to_owned(),
        target: format!("{FOLDER}/config.json"),
        ..FileReference::default()
    });
    service.environment.entry(FOLDER_VARIABLE.to_owned()).or_insert_with(|| Some(FOLDER.to_owned()));
}
