//! Compose's own hooks: `post_start` and `pre_stop` run in the container, `pre_start` in a container of its own.

use futures_util::StreamExt as _;
use windlass_model::project::{OptionalMap, ServiceHook};
use windlass_plan::spec;
use windlass_plan::step::{ContainerRef, ContainerSpec};

use super::context::Context;
use super::end::End;
use crate::engine::{EngineError, EngineErrorKind, ExecSpec, OutputChunk, OutputStream};
use crate::event::Event;
use crate::failure::StepError;
use crate::outcome::FailureKind;
use crate::shutdown::Urgency;
use crate::state::{Instance, Phase};
use crate::timeouts::{HOOK_TAIL_BYTES, HOOK_TAIL_LINES};

/// Runs a command in a container. A container that does not run any more before its stop needs no `pre_stop`.
pub(super) async fn run(
    context: &Context,
    kind: &str,
    hook: &ServiceHook,
    container: &ContainerRef,
) -> Result<(), StepError> {
    let id = context.run.containers.resolve(container);
    let result = command(context, hook, &id).await;
    let gone = |error: &EngineError| {
        matches!(
            error.kind,
            EngineErrorKind::NotFound
                | EngineErrorKind::NotRunning
                | EngineErrorKind::BeingRemoved
                | EngineErrorKind::Conflict
        )
    };
    let (code, output) = match result {
        Err(error) if kind == "pre_stop" && gone(&error) => return Ok(()),
        other => other?,
    };
    if code == 0 {
        return Ok(());
    }
    let message = format!("{} hook exited with status {code}{}", container.service, output.tail());
    Err(StepError::new(FailureKind::Hook, message))
}

async fn command(context: &Context, hook: &ServiceHook, id: &str) -> Result<(i64, Output), EngineError> {
    let engine = &context.run.execution.engine;
    let spec = ExecSpec {
        command: hook.command.clone(),
        environment: variables(&hook.environment),
        user: hook.user.clone(),
        working_dir: hook.working_dir.clone(),
        privileged: hook.privileged,
        ..ExecSpec::default()
    };
    let mut session = engine.exec(id, &spec).await?;
    let mut output = Output::default();
    while let Some(chunk) = session.output.next().await {
        output.take(context, &chunk?);
    }
    output.finish(context);
    Ok((engine.exec_exit_code(&session.id).await?, output))
}

fn variables(environment: &OptionalMap) -> Vec<String> {
    let set = environment.iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
    set.map(|(key, value)| format!("{key}={value}")).collect()
}

/// Runs a `pre_start` entry. A failed container is kept for inspection; the next run or `down` removes it.
pub(super) async fn run_container(context: &Context, index: usize, hook: &ServiceHook, replica: &ContainerSpec) -> End {
    let name = &replica.container.service;
    if hook.per_replica {
        let message = format!(
            "service {name:?} pre_start[{index}]: per_replica is not yet supported; remove per_replica or set it to false"
        );
        return End::Failed(StepError::new(FailureKind::Hook, message));
    }
    let id = match create(context, index, hook, replica).await {
        Ok(id) => id,
        Err(error) => return End::Failed(error),
    };
    let mut shutdown = context.shutdown.clone();
    let ended = tokio::select! {
        biased;
        ended = to_end(context, &id) => ended,
        () = shutdown.reached(Urgency::Graceful) => {
            let removed = context.run.execution.engine.remove_container(&id, true, true).await;
            return removed.map_or_else(|error| End::Failed(error.into()), |()| End::Cancelled);
        }
    };
    match ended {
        Ok((0, _)) => context.run.execution.engine.remove_container(&id, true, true).await.into(),
        Ok((code, output)) => {
            let short = &id[..id.len().min(12)];
            let message = format!(
                "service {name:?} pre_start[{index}] exited with code {code}{} (hook container {short} retained for inspection)",
                output.tail()
            );
            End::Failed(StepError::new(FailureKind::Hook, message))
        }
        Err(error) => {
            // There is nothing to inspect in a container that did not come to its end; left behind it would run on, or
            // hold the network.
            if let Err(left) = context.run.execution.engine.remove_container(&id, true, true).await {
                context.warn(format!("the container of a pre_start hook is left behind: {left}"));
            }
            End::Failed(error.into())
        }
    }
}

async fn create(
    context: &Context,
    index: usize,
    hook: &ServiceHook,
    replica: &ContainerSpec,
) -> Result<String, StepError> {
    let engine = &context.run.execution.engine;
    let replica_id = context.run.containers.resolve(&replica.container);
    let spec = context.run.containers.with_peers(&spec::hook_container(replica, &replica_id, index, hook));
    // One that an earlier run kept.
    match engine.remove_container(&spec.create_name, true, true).await {
        Err(error) if error.kind != EngineErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let id = engine.create_container(&spec).await?.id;
    context.run.containers.insert(&spec.create_name, &id);
    Ok(id)
}

/// Starts it, passes its output on, and waits for its end.
async fn to_end(context: &Context, id: &str) -> Result<(i64, Output), EngineError> {
    let engine = &context.run.execution.engine;
    // Attached, not read from its log: that works with every logging driver, and loses no first line.
    let mut printed = engine.attach(id, false).await?;
    engine.start_container(id).await?;
    let mut output = Output::default();
    // What it prints is for people; whether it succeeded is told by its end, whatever becomes of its output.
    while let Some(Ok(chunk)) = printed.next().await {
        output.take(context, &chunk);
    }
    output.finish(context);
    let world = &context.run.world;
    world.look(id).await?;
    let code = world.until(|snapshot| snapshot.containers.get(id).and_then(|instance| end_of(instance))).await?;
    Ok((code, output))
}

/// Exit code of a container that has ended, once the engine has said it; -1 where it was removed before.
fn end_of(instance: &Instance) -> Option<i64> {
    match instance.phase {
        Phase::Removed => Some(instance.exit_code.unwrap_or(-1)),
        phase => instance.exit_code.filter(|_| phase.is_over()),
    }
}

/// Output of a hook: whole lines go to the reporter, the end is kept for the failure.
#[derive(Debug, Default)]
struct Output {
    stdout: Stream,
    stderr: Stream,
}

#[derive(Debug, Default)]
struct Stream {
    /// An unfinished line.
    partial: Vec<u8>,
    lines: Vec<String>,
}

impl Output {
    fn take(&mut self, context: &Context, chunk: &OutputChunk) {
        let stream = if chunk.stream == OutputStream::Stderr { &mut self.stderr } else { &mut self.stdout };
        stream.partial.extend_from_slice(&chunk.bytes);
        while let Some(end) = stream.partial.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = stream.partial.drain(..=end).collect();
            stream.line(context, chunk.stream, &line);
        }
    }

    fn finish(&mut self, context: &Context) {
        for (name, stream) in [(OutputStream::Stdout, &mut self.stdout), (OutputStream::Stderr, &mut self.stderr)] {
            let rest = std::mem::take(&mut stream.partial);
            if !rest.is_empty() {
                stream.line(context, name, &rest);
            }
        }
    }

    /// The last lines, standard error preferred, as the end of a message.
    fn tail(&self) -> String {
        let lines = if self.stderr.lines.is_empty() { &self.stdout.lines } else { &self.stderr.lines };
        let text = lines[lines.len().saturating_sub(HOOK_TAIL_LINES)..].join("\n");
        let start = (text.len().saturating_sub(HOOK_TAIL_BYTES)..).find(|at| text.is_char_boundary(*at));
        let text = text[start.unwrap_or_default()..].trim();
        if text.is_empty() { String::new() } else { format!(": {text}") }
    }
}

impl Stream {
    fn line(&mut self, context: &Context, stream: OutputStream, bytes: &[u8]) {
        let line = String::from_utf8_lossy(bytes).trim_end_matches(['\r', '\n']).to_owned();
        context.emit(Event::HookOutput { step: context.id, stream, line: line.clone() });
        self.lines.push(line);
        if self.lines.len() > HOOK_TAIL_LINES {
            self.lines.remove(0);
        }
    }
}
