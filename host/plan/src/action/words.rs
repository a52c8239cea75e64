//! The words for an action.

use super::Action;
use crate::labels;

impl Action {
    /// What it does, in one or two words.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::PullImage { .. } => "pull image",
            Self::BuildImage { .. } => "build image",
            Self::CreateNetwork { .. } => "create network",
            Self::RemoveNetwork { .. } => "remove network",
            Self::ConnectNetwork { .. } => "connect",
            Self::DisconnectNetwork { .. } => "disconnect",
            Self::CreateVolume { .. } => "create volume",
            Self::RemoveVolume { .. } => "remove volume",
            Self::CreateContainer(_) => "create",
            Self::InjectFiles { .. } => "copy files to",
            Self::StartContainer { .. } => "start",
            Self::StopContainer { .. } => "stop",
            Self::RestartContainer { .. } => "restart",
            Self::KillContainer { .. } => "kill",
            Self::UnpauseContainer { .. } => "unpause",
            Self::RemoveContainer { .. } => "remove",
            Self::RenameContainer { .. } => "rename",
            Self::RemoveImage { .. } => "remove image",
            Self::Await { .. } => "await",
            Self::Probe { .. } => "probe",
            Self::Load { .. } => "load",
            Self::PluginHook { .. } => "call plugin",
            Self::ExecHook { .. } => "run in",
            Self::RunHookContainer { .. } => "run container",
            Self::Up => "up",
        }
    }

    /// What it is about, for a person; empty for [`Action::Up`], which is about its step's service.
    #[must_use]
    pub fn object(&self) -> String {
        match self {
            Self::PullImage { image, .. } | Self::BuildImage { image, .. } | Self::RemoveImage { image } => {
                image.clone()
            }
            Self::CreateNetwork { network, .. } => network.name.clone(),
            Self::RemoveNetwork { name, .. } | Self::RemoveVolume { name } => name.clone(),
            Self::CreateVolume { volume, .. } => volume.name.clone(),
            Self::ConnectNetwork { network, container, .. } => format!("{} to {network}", container.name),
            Self::DisconnectNetwork { network, container } => format!("{} from {network}", container.name),
            Self::CreateContainer(spec) => spec.create_name.clone(),
            Self::InjectFiles { container, .. }
            | Self::StartContainer { container, .. }
            | Self::StopContainer { container, .. }
            | Self::RestartContainer { container, .. }
            | Self::UnpauseContainer { container }
            | Self::RemoveContainer { container, .. } => container.name.clone(),
            Self::KillContainer { container, signal } => format!("{} with {signal}", container.name),
            Self::RenameContainer { container, to } => format!("{} to {to}", container.name),
            Self::Await { service, condition, .. } => format!("{service} {}", labels::condition_name(*condition)),
            Self::Probe { probe, container } => format!("{} with {}", container.name, probe.plugin),
            Self::Load { dataset, container, .. } => {
                format!("{} into {} with {}", dataset.name, container.name, dataset.plugin)
            }
            Self::PluginHook { stage, hook, container } => {
                let place = container.as_ref().map(|container| format!(" of {}", container.name)).unwrap_or_default();
                format!("{} at {}{place}", hook.plugin, stage)
            }
            Self::ExecHook { kind, container, .. } => format!("{} ({kind})", container.name),
            Self::RunHookContainer { index, spec, .. } => format!("pre_start[{index}] of {}", spec.container.service),
            Self::Up => String::new(),
        }
    }
}
