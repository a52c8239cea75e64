//! Volumes, binds, tmpfs: `HostConfig.Binds` where the short form can say it, `HostConfig.Mounts` where it cannot.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use bollard::models::{
    Mount, MountBindOptions, MountBindOptionsPropagationEnum, MountImageOptions, MountTmpfsOptions, MountType,
    MountVolumeOptions,
};
use windlass_model::project::{self, BindOptions, MountKind, VolumeOptions};
use windlass_runtime::engine::EngineResult;

use super::Context;
use crate::convert::resources::{some_map, some_text};

/// A mount taken over from the container that is replaced: an anonymous volume with its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inherited {
    /// Volume name, or host path of a bind.
    pub(crate) source: String,
    /// Path in the container.
    pub(crate) target: String,
    /// It is a volume (else a bind).
    pub(crate) volume: bool,
    /// Read-only.
    pub(crate) read_only: bool,
}

/// What is sent.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Mounts {
    /// Short forms.
    pub(super) binds: Vec<String>,
    /// Long forms.
    pub(super) mounts: Vec<Mount>,
}

enum Entry {
    Bind(String),
    Mount(Box<Mount>),
}

/// One entry a target: the last of the service's volumes wins, an inherited volume stands in for an anonymous one, and
/// secrets and configs never displace a volume.
pub(super) fn mounts(context: &Context<'_>) -> EngineResult<Mounts> {
    let mut by_target: BTreeMap<String, Entry> = BTreeMap::new();
    for (source, target) in &context.spec.file_mounts {
        by_target.insert(target.clone(), Entry::Mount(Box::new(file_mount(source, target))));
    }
    for inherited in &context.facts.inherited {
        by_target.insert(inherited.target.clone(), Entry::Mount(Box::new(inherited_mount(inherited))));
    }
    for volume in &context.service().volumes {
        let kept = volume.source.is_empty()
            && volume.kind == MountKind::Volume
            && context.facts.inherited.iter().any(|inherited| inherited.target == volume.target);
        if !kept {
            by_target.insert(volume.target.clone(), entry(context, volume)?);
        }
    }
    let mut mounts = Mounts::default();
    for entry in by_target.into_values() {
        match entry {
            Entry::Bind(bind) => mounts.binds.push(bind),
            Entry::Mount(mount) => mounts.mounts.push(*mount),
        }
    }
    Ok(mounts)
}

fn entry(context: &Context<'_>, volume: &project::Mount) -> EngineResult<Entry> {
    match volume.kind {
        MountKind::Bind if is_plain_bind(volume.bind.as_ref()) => Ok(Entry::Bind(bind_string(volume, &volume.source))),
        MountKind::Volume if is_plain_volume(volume) => {
            Ok(Entry::Bind(bind_string(volume, volume_name(context, &volume.source))))
        }
        MountKind::Bind
        | MountKind::Volume
        | MountKind::Tmpfs
        | MountKind::Npipe
        | MountKind::Cluster
        | MountKind::Image => long_form(context, volume).map(|mount| Entry::Mount(Box::new(mount))),
    }
}

fn is_plain_bind(options: Option<&BindOptions>) -> bool {
    options.is_none_or(|bind| bind.create_host_path && bind.propagation.is_empty() && bind.recursive.is_empty())
}

fn is_plain_volume(volume: &project::Mount) -> bool {
    let plain = volume.volume.as_ref().is_none_or(|options| *options == VolumeOptions::default());
    !volume.source.is_empty() && plain
}

/// `SOURCE:TARGET:rw|ro[,z|Z]`.
fn bind_string(volume: &project::Mount, source: &str) -> String {
    let access = if volume.read_only { "ro" } else { "rw" };
    let selinux = volume.bind.as_ref().map_or("", |bind| bind.selinux.as_str());
    let separator = if selinux.is_empty() { "" } else { "," };
    format!("{source}:{}:{access}{separator}{selinux}", volume.target)
}

fn volume_name<'a>(context: &'a Context<'_>, key: &'a str) -> &'a str {
    context.spec.volumes.get(key).map_or(key, String::as_str)
}

fn long_form(context: &Context<'_>, volume: &project::Mount) -> EngineResult<Mount> {
    let source = match volume.kind {
        MountKind::Volume => volume_name(context, &volume.source),
        MountKind::Bind | MountKind::Tmpfs | MountKind::Npipe | MountKind::Cluster | MountKind::Image => &volume.source,
    };
    Ok(Mount {
        target: Some(volume.target.clone()),
        source: some_text(source),
        typ: Some(mount_type(volume.kind)),
        read_only: Some(volume.read_only),
        consistency: some_text(&volume.consistency),
        bind_options: of_kind(volume, MountKind::Bind, volume.bind.as_ref())
            .map(|options| bind_options(context, options))
            .transpose()?,
        volume_options: of_kind(volume, MountKind::Volume, volume.volume.as_ref())
            .map(|options| volume_options(context, options))
            .transpose()?,
        tmpfs_options: of_kind(volume, MountKind::Tmpfs, volume.tmpfs.as_ref()).map(tmpfs_options),
        image_options: image_options(context, volume)?,
    })
}

fn of_kind<'a, T>(volume: &project::Mount, kind: MountKind, options: Option<&'a T>) -> Option<&'a T> {
    options.filter(|_| volume.kind == kind)
}

fn mount_type(kind: MountKind) -> MountType {
    match kind {
        MountKind::Volume => MountType::VOLUME,
        MountKind::Bind => MountType::BIND,
        MountKind::Tmpfs => MountType::TMPFS,
        MountKind::Npipe => MountType::NPIPE,
        MountKind::Cluster => MountType::CLUSTER,
        MountKind::Image => MountType::IMAGE,
    }
}

fn bind_options(context: &Context<'_>, bind: &BindOptions) -> EngineResult<MountBindOptions> {
    if matches!(bind.recursive.as_str(), "writable" | "readonly") {
        context.need("volumes.bind.recursive", (1, 44), "25")?;
    }
    if bind.create_host_path && !bind.propagation.is_empty() {
        context.need("volumes.bind.create_host_path with volumes.bind.propagation", (1, 42), "23")?;
    }
    let propagation = match bind.propagation.as_str() {
        "" => None,
        word => Some(
            MountBindOptionsPropagationEnum::from_str(word)
                .map_err(|_| context.invalid(format!("`volumes.bind.propagation` has an unknown value: {word}")))?,
        ),
    };
    Ok(MountBindOptions {
        propagation,
        non_recursive: (bind.recursive == "disabled").then_some(true),
        create_mountpoint: bind.create_host_path.then_some(true),
        read_only_non_recursive: (bind.recursive == "writable").then_some(true),
        read_only_force_recursive: (bind.recursive == "readonly").then_some(true),
    })
}

fn volume_options(context: &Context<'_>, volume: &VolumeOptions) -> EngineResult<MountVolumeOptions> {
    if !volume.subpath.is_empty() {
        context.need("volumes.volume.subpath", (1, 45), "26")?;
    }
    Ok(MountVolumeOptions {
        no_copy: volume.nocopy.then_some(true),
        labels: some_map(&volume.labels),
        driver_config: None,
        subpath: some_text(&volume.subpath),
    })
}

fn tmpfs_options(tmpfs: &project::TmpfsOptions) -> MountTmpfsOptions {
    MountTmpfsOptions {
        size_bytes: (tmpfs.size != 0).then_some(tmpfs.size),
        mode: (tmpfs.mode != 0).then(|| tmpfs.mode.into()),
        options: None,
    }
}

fn image_options(context: &Context<'_>, volume: &project::Mount) -> EngineResult<Option<MountImageOptions>> {
    if volume.kind != MountKind::Image {
        return Ok(None);
    }
    context.need("volumes.type: image", (1, 48), "28")?;
    Ok(volume.image.as_ref().map(|image| MountImageOptions { subpath: some_text(&image.subpath) }))
}

/// A secret or config from a file: read-only, and the file must exist.
fn file_mount(source: &str, target: &str) -> Mount {
    Mount {
        target: Some(target.to_owned()),
        source: Some(source.to_owned()),
        typ: Some(MountType::BIND),
        read_only: Some(true),
        ..Mount::default()
    }
}

fn inherited_mount(inherited: &Inherited) -> Mount {
    Mount {
        target: Some(inherited.target.clone()),
        source: Some(inherited.source.clone()),
        typ: Some(if inherited.volume { MountType::VOLUME } else { MountType::BIND }),
        read_only: Some(inherited.read_only),
        ..Mount::default()
    }
}

/// `SERVICE[:ro|rw]` as that service's container, `container:NAME[:mode]` as it is named; the mode is kept.
pub(super) fn volumes_from(context: &Context<'_>) -> EngineResult<Vec<String>> {
    let resolve = |entry: &String| match entry.strip_prefix("container:") {
        Some(container) => Ok(container.to_owned()),
        None => {
            let (service, mode) = entry.split_once(':').unwrap_or((entry, ""));
            let separator = if mode.is_empty() { "" } else { ":" };
            Ok(format!("{}{separator}{mode}", context.peer(service, "volume")?))
        }
    };
    context.service().volumes_from.iter().map(resolve).collect()
}
