//! The effects of a plan's steps, one room a group of actions. [`act`] is the one place that tells actions apart.

mod compose_hooks;
mod containers;
mod context;
mod end;
mod hooks;
mod ids;
mod images;
mod load_inputs;
mod load_site;
mod loads;
mod log_tail;
mod manner;
mod networks;
mod probes;
mod volumes;
mod waits;

use windlass_plan::Action;

use crate::engine::BuildRequest;

pub(crate) use context::{Context, Run};
pub(crate) use end::End;
pub(crate) use manner::{manner, tolerates};

/// Does what an action is for: the step's own, or one on the way back of its unit.
pub(crate) async fn act(context: &Context, action: &Action) -> End {
    let end = match action {
        Action::PullImage { image, platform, quiet } => images::pull(context, image, platform, *quiet).await.into(),
        Action::BuildImage { image, service, secrets, labels, options } => {
            images::build(context, BuildRequest { image, service, secrets, labels, options }).await.into()
        }
        Action::RemoveImage { image } => images::remove(context, image).await.into(),
        Action::CreateNetwork { network, .. } => networks::create(context, network).await.into(),
        Action::RemoveNetwork { id, .. } => networks::remove(context, id).await.into(),
        Action::ConnectNetwork { network, container, spec } => {
            networks::connect(context, network, container, spec).await.into()
        }
        Action::DisconnectNetwork { network, container } => {
            networks::disconnect(context, network, container).await.into()
        }
        Action::CreateVolume { volume, .. } => volumes::create(context, volume).await.into(),
        Action::RemoveVolume { name } => volumes::remove(context, name).await.into(),
        Action::CreateContainer(spec) => containers::create(context, spec).await.into(),
        Action::InjectFiles { container, files } => containers::inject(context, container, files).await.into(),
        Action::StartContainer { container, port_range } => {
            containers::start(context, container, *port_range).await.into()
        }
        Action::StopContainer { container, timeout } => containers::stop(context, container, *timeout).await.into(),
        Action::RestartContainer { container, timeout } => {
            containers::restart(context, container, *timeout).await.into()
        }
        Action::KillContainer { container, signal } => containers::kill(context, container, signal).await.into(),
        Action::UnpauseContainer { container } => containers::unpause(context, container).await.into(),
        Action::RemoveContainer { container, volumes, force } => {
            containers::remove(context, container, *volumes, *force).await.into()
        }
        Action::RenameContainer { container, to } => containers::rename(context, container, to).await.into(),
        Action::Await { service, condition, containers, .. } => {
            waits::run(context, service, *condition, containers).await.into()
        }
        Action::Probe { probe, container } => {
            probes::run(context, &probes::Question::of(probe, container)).await.into()
        }
        Action::Load { dataset, container } => {
            loads::run(context, loads::Request::of(context, dataset, container)).await
        }
        Action::PluginHook { stage, hook, container } => hooks::run(context, *stage, hook, container.as_ref()).await,
        Action::ExecHook { kind, hook, container } => compose_hooks::run(context, kind, hook, container).await.into(),
        Action::RunHookContainer { index, hook, spec } => {
            compose_hooks::run_container(context, *index, hook, spec).await
        }
        // A point that others wait for; the loop passes it without a task.
        Action::Up => End::Done,
    };
    context.run.containers.name_in(end, action)
}
