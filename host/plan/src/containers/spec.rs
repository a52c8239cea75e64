//! All that is needed to create a container.

use std::collections::BTreeMap;
use std::sync::Arc;

use windlass_model::Project;
use windlass_model::project::{FileObject, FileReference, MountKind, Service, ServiceHook};

use crate::error::{PlanError, PlanResult};
use crate::labels;
use crate::step::{BuildSecret, ContainerRef, ContainerSpec, InjectedFile, SecretSource};

/// Mode of secrets and configs when none is given.
const FILE_MODE: u32 = 0o444;

/// What a recreation adds to a specification.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replaced<'a> {
    /// Id of the old container.
    pub(crate) id: &'a str,
    /// The new one takes the old one's anonymous volumes.
    pub(crate) inherit: bool,
}

/// The specification of one replica.
pub(crate) fn container(
    project: &Project,
    service: &Arc<Service>,
    number: u32,
    peers: BTreeMap<String, Vec<ContainerRef>>,
    replaced: Option<Replaced<'_>>,
) -> PlanResult<ContainerSpec> {
    let name = project.container_name(service, number);
    let replaces = if service.container_name.is_empty() { format!("{}-{number}", service.name) } else { name.clone() };
    let create_name =
        replaced.map_or_else(|| name.clone(), |old| format!("{}_{name}", &old.id[..old.id.len().min(12)]));
    Ok(ContainerSpec {
        create_name,
        container: ContainerRef { id: None, name, service: service.name.clone(), number },
        project: project.name.clone(),
        working_dir: project.working_dir.clone(),
        image: project.image_of(service),
        labels: labels::of_container(project, service, number, replaced.map(|_| replaces.as_str())),
        networks: networks(project, service)?,
        volumes: volumes(project, service)?,
        file_mounts: file_mounts(project, service),
        inherit_from: replaced.filter(|old| old.inherit).map(|old| old.id.to_owned()),
        peers,
        platform: project.platform_of(service).to_owned(),
        one_off: None,
        service: Arc::clone(service),
    })
}

/// Takes from a service the fixed addresses in one of its networks that `keep` does not want. The service is copied only where
/// there is one to take: everybody else goes on sharing it.
pub(crate) fn keep_addresses(service: &mut Arc<Service>, network: &str, keep: impl Fn(&str) -> bool) {
    let goes = |address: &String| !address.is_empty() && !keep(address);
    let fixed = service.networks.get(network).and_then(Option::as_ref);
    if !fixed.is_some_and(|settings| goes(&settings.ipv4_address) || goes(&settings.ipv6_address)) {
        return;
    }
    if let Some(settings) = Arc::make_mut(service).networks.get_mut(network).and_then(Option::as_mut) {
        let fixed = [&mut settings.ipv4_address, &mut settings.ipv6_address];
        fixed.into_iter().filter(|address| goes(address)).for_each(|address| address.clear());
    }
}

/// Model key and engine name, the highest priority first.
pub(crate) fn networks(project: &Project, service: &Service) -> PlanResult<Vec<(String, String)>> {
    if !service.network_mode.is_empty() {
        return Ok(Vec::new());
    }
    let named = |key: &String| match project.networks.get(key) {
        Some(network) => Ok((key.clone(), network.name.clone())),
        None => Err(undefined(service, "network", key)),
    };
    service.networks_by_priority().into_iter().map(named).collect()
}

/// Engine names of the named volumes that a service mounts, by key.
pub(crate) fn volumes(project: &Project, service: &Service) -> PlanResult<BTreeMap<String, String>> {
    let named = service.volumes.iter().filter(|mount| mount.kind == MountKind::Volume && !mount.source.is_empty());
    let resolve = |key: &String| match project.volumes.get(key) {
        Some(volume) => Ok((key.clone(), volume.name.clone())),
        None => Err(undefined(service, "volume", key)),
    };
    named.map(|mount| resolve(&mount.source)).collect()
}

/// Engine names of the named volumes that a service mounts, sorted: where its data lives.
#[must_use]
pub fn volume_names(project: &Project, service: &Service) -> Vec<String> {
    let names = volumes(project, service).unwrap_or_default();
    names.into_values().collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

fn undefined(service: &Service, kind: &'static str, key: &str) -> PlanError {
    PlanError::Undefined { service: service.name.clone(), kind, key: key.to_owned() }
}

/// Secrets and configs of a service with their definitions and paths in the container.
fn granted<'a>(
    project: &'a Project,
    service: &'a Service,
) -> impl Iterator<Item = (&'a FileReference, &'a FileObject, String)> {
    let secrets = service.secrets.iter().map(|file| (file, project.secrets.get(&file.source), "/run/secrets/"));
    let configs = service.configs.iter().map(|file| (file, project.configs.get(&file.source), "/"));
    let all = secrets.chain(configs);
    all.filter_map(|(file, object, base)| Some((file, object?, target(file, base))))
}

fn target(file: &FileReference, base: &str) -> String {
    match file.target.as_str() {
        "" => format!("{base}{}", file.source),
        absolute if absolute.starts_with('/') => absolute.to_owned(),
        relative => format!("{base}{relative}"),
    }
}

fn file_mounts(project: &Project, service: &Service) -> Vec<(String, String)> {
    let files = granted(project, service).filter(|(_, object, _)| !object.file.is_empty());
    files.map(|(_, object, target)| (object.file.clone(), target)).collect()
}

/// Secrets and configs whose content the model holds; they are copied in.
pub(crate) fn injected_files(project: &Project, service: &Service) -> Vec<InjectedFile> {
    let typed = granted(project, service).filter(|(_, object, _)| object.file.is_empty() && !object.external);
    typed
        .map(|(file, object, target)| InjectedFile {
            target,
            content: object.content.clone().into_bytes(),
            mode: file.mode.unwrap_or(FILE_MODE),
            owner: owner(file),
        })
        .collect()
}

/// Secrets of a service's build, with what BuildKit needs to find them.
pub(crate) fn build_secrets(project: &Project, service: &Service) -> Vec<BuildSecret> {
    let references = service.build.iter().flat_map(|build| &build.secrets);
    let secret = |file: &FileReference| {
        let object = project.secrets.get(&file.source)?;
        let id = if file.target.is_empty() { file.source.clone() } else { file.target.clone() };
        let source = if object.file.is_empty() {
            SecretSource::Value(object.content.clone())
        } else {
            SecretSource::File(object.file.clone())
        };
        Some(BuildSecret { id, source })
    };
    references.filter_map(secret).collect()
}

/// The owner that a compose file gives; the loader has seen to it that both are numbers.
fn owner(file: &FileReference) -> Option<(u64, u64)> {
    let number = |text: &str| text.parse().unwrap_or_default();
    (!file.uid.is_empty() || !file.gid.is_empty()).then(|| (number(&file.uid), number(&file.gid)))
}

/// The container that runs a `pre_start` entry against a replica that exists (`id`) and does not run: the replica's
/// volumes, networks and environment, and little else of the service.
#[must_use]
pub fn hook_container(replica: &ContainerSpec, id: &str, index: usize, hook: &ServiceHook) -> ContainerSpec {
    let service = &replica.service;
    let mut environment = service.environment.clone();
    environment.extend(hook.environment.clone());
    let image = if hook.image.is_empty() { &replica.image } else { &hook.image };
    let run = Service {
        name: service.name.clone(),
        image: image.clone(),
        command: (!hook.command.is_empty()).then(|| hook.command.clone()),
        user: hook.user.clone(),
        working_dir: hook.working_dir.clone(),
        privileged: hook.privileged,
        environment,
        networks: service.networks.clone(),
        network_mode: service.network_mode.clone(),
        volumes_from: vec![format!("container:{id}")],
        ..Service::default()
    };
    let mut labels = labels::of_image(&replica.project, &service.name);
    labels.insert(labels::HOOK.to_owned(), "pre_start".to_owned());
    let name = format!("{}-pre_start-{index}", replica.container.name);
    ContainerSpec {
        create_name: name.clone(),
        container: ContainerRef { id: None, name, service: service.name.clone(), number: 0 },
        image: image.clone(),
        labels,
        volumes: BTreeMap::new(),
        file_mounts: Vec::new(),
        inherit_from: None,
        service: Arc::new(run),
        ..replica.clone()
    }
}
