//! One step from its turn to its end.

use tokio::time::Instant;
use windlass_plan::step::{Action, Guard};

use crate::failure::StepError;
use crate::shutdown::Urgency;
use crate::steps::{self, Context, End};
use crate::timeouts::{EVENTS_RETRY, EVENTS_RETRY_MAX, WAY_BACK_PATIENCE, backoff, pause};

/// Runs the step.
pub(super) async fn run(context: Context) -> End {
    match blocked(&context).await {
        Ok(None) => {}
        Ok(Some(reason)) => return End::Skipped(reason),
        Err(error) => return End::Failed(error),
    }
    if !steps::manner(&context.step().action).droppable {
        return steps::act(&context, &context.step().action).await;
    }
    let mut shutdown = context.shutdown.clone();
    tokio::select! {
        biased;
        end = steps::act(&context, &context.step().action) => end,
        () = shutdown.reached(Urgency::Graceful) => End::Cancelled,
    }
}

/// One effect on the way back of a unit. It is not given up when the user asks to stop: it is what stopping means. An engine
/// that does not answer may be restarting, so it is asked again for a while: what is not taken back now stays stopped. The
/// user who asks to stop twice is not kept waiting for that.
pub(super) async fn take_back(context: Context, action: Action) -> End {
    let mut shutdown = context.shutdown.clone();
    let began = Instant::now();
    let mut attempt: u32 = 1;
    loop {
        attempt += 1;
        let end = steps::act(&context, &action).await;
        let again = matches!(&end, End::Failed(error) if error.unanswered);
        if !again || began.elapsed() >= WAY_BACK_PATIENCE || shutdown.urgency() == Urgency::Immediate {
            return end;
        }
        if attempt == 2 {
            let limit = WAY_BACK_PATIENCE.as_secs();
            context.warn(format!(
                "the engine does not answer: what was begun is taken back once it does (tried for {limit}s)"
            ));
        }
        tokio::select! {
            () = pause(backoff(EVENTS_RETRY, EVENTS_RETRY_MAX, attempt, attempt.into())) => {}
            () = shutdown.reached(Urgency::Immediate) => return end,
        }
    }
}

/// Why the step's guard does not hold.
async fn blocked(context: &Context) -> Result<Option<String>, StepError> {
    match &context.step().guard {
        None => Ok(None),
        Some(guard) => unmet(context, guard).await,
    }
}

/// Why it does not hold.
async fn unmet(context: &Context, guard: &Guard) -> Result<Option<String>, StepError> {
    match guard {
        Guard::Any(guards) => {
            let mut reasons = Vec::new();
            for guard in guards {
                match Box::pin(unmet(context, guard)).await? {
                    None => return Ok(None),
                    Some(reason) => reasons.push(reason),
                }
            }
            Ok(Some(reasons.join(", ")))
        }
        Guard::ImageChanged { image, platform, from } => {
            let digest = context.run.digest(image, platform).await?;
            let same = digest.is_none_or(|digest| digest == *from);
            Ok(same.then(|| format!("image {image} is the same")))
        }
        Guard::VolumesGone { volumes } => {
            for volume in volumes {
                if context.run.execution.engine.inspect_volume(volume).await?.is_some() {
                    return Ok(Some(format!("volume {volume} is still there")));
                }
            }
            Ok(None)
        }
        Guard::ImageMissing { image, platform } => {
            let found = context.run.execution.engine.inspect_image(image, platform).await?;
            Ok(found.map(|_| format!("image {image} is there")))
        }
    }
}
