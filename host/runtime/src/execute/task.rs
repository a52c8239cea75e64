//! One step from its turn to its end.

use std::sync::Arc;

use windlass_plan::step::{Action, Guard};

use super::run::Context;
use super::{engine_step, exec, hook, load, probe, wait};
use crate::failure::StepError;
use crate::shutdown::Urgency;

/// How a step ended.
#[derive(Debug)]
pub(super) enum End {
    Done,
    /// Nothing to do; why.
    Skipped(String),
    /// Given up because the user asked to stop.
    Cancelled,
    Failed(StepError),
}

impl<E: Into<StepError>> From<Result<(), E>> for End {
    fn from(result: Result<(), E>) -> Self {
        match result {
            Ok(()) => Self::Done,
            Err(error) => Self::Failed(error.into()),
        }
    }
}

/// Runs the step.
pub(super) async fn run(context: Context) -> End {
    match blocked(&context).await {
        Ok(None) => {}
        Ok(Some(reason)) => return End::Skipped(reason),
        Err(error) => return End::Failed(error),
    }
    if !may_be_dropped(&context.action()) {
        return act(&context).await;
    }
    let mut shutdown = context.shutdown.clone();
    tokio::select! {
        biased;
        end = act(&context) => end,
        () = shutdown.reached(Urgency::Graceful) => End::Cancelled,
    }
}

/// Dropping the step half-way leaves nothing that the next run does not put right.
fn may_be_dropped(action: &Action) -> bool {
    matches!(
        action,
        Action::PullImage { .. }
            | Action::BuildImage { .. }
            | Action::Await { .. }
            | Action::Probe { .. }
            | Action::Load { .. }
            | Action::PluginHook { .. }
            | Action::ExecHook { .. }
    )
}

/// Why the step's guard does not hold.
async fn blocked(context: &Context) -> Result<Option<String>, StepError> {
    let step = &context.run.execution.plan.steps[context.step.0];
    match &step.guard {
        None | Some(Guard::LoadDue) => Ok(None),
        Some(Guard::ImageChanged { image, platform, from }) => {
            let digest = context.run.digest(image, platform).await?;
            let same = digest.is_none_or(|digest| digest == *from);
            Ok(same.then(|| format!("image {image} is the same")))
        }
        Some(Guard::ImageMissing { image, platform }) => {
            let found = context.run.execution.engine.inspect_image(image, platform).await?;
            Ok(found.map(|_| format!("image {image} is there")))
        }
    }
}

impl Context {
    /// What the step does.
    pub(super) fn action(&self) -> Action {
        self.run.execution.plan.steps[self.step.0].action.clone()
    }
}

async fn act(context: &Context) -> End {
    match context.action() {
        Action::Await { service, condition, containers, .. } => {
            wait::run(context, &service, condition, &containers).await.into()
        }
        Action::Probe { probe, container } => {
            probe::run(context, &probe::Question::of(&probe, &container)).await.into()
        }
        Action::Load { dataset, container, volumes } => {
            load::run(context, load::Request::of(&dataset, &container, volumes)).await
        }
        Action::PluginHook { stage, hook, container } => hook::run(context, stage, &hook, container.as_ref()).await,
        Action::ExecHook { kind, hook, container } => exec::run(context, kind, &hook, &container).await.into(),
        Action::RunHookContainer { index, hook, spec } => {
            exec::run_container(context, index, &hook, &Arc::clone(&spec)).await
        }
        action => engine_step::run(context, action).await.into(),
    }
}
