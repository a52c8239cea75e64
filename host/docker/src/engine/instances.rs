//! Containers that exist: what they are, what they print, and ways into them.

use std::time::Duration;

use async_trait::async_trait;
use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use bollard::query_parameters::{
    AttachContainerOptions, KillContainerOptions, ResizeExecOptions, UploadToContainerOptions, WaitContainerOptions,
};
use futures_util::StreamExt as _;
use windlass_plan::observed::Container;
use windlass_plan::step::InjectedFile;
use windlass_runtime::engine::{
    Connection, ContainerDetails, ContainerFilter, EngineResult, ExecSession, ExecSpec, Instances, LogOptions, Output,
    Relay,
};

use super::DockerEngine;
use crate::error::{engine_error, plain};
use crate::{api, build, own_requests, streams};

/// First pause before a command that printed its last is asked again for its exit code; doubles up to the last.
const EXIT_CODE_PAUSE: Duration = Duration::from_millis(5);
/// Longest of those pauses.
const EXIT_CODE_PAUSE_MAX: Duration = Duration::from_millis(500);

#[async_trait]
impl Instances for DockerEngine {
    async fn list_containers(&self, filter: &ContainerFilter) -> EngineResult<Vec<Container>> {
        self.containers(filter).await
    }

    async fn inspect_container(&self, id: &str) -> EngineResult<ContainerDetails> {
        self.inspection(id).await.map(ContainerDetails::from)
    }

    async fn logs(&self, id: &str, tty: bool, options: &LogOptions) -> EngineResult<Output> {
        let operation = format!("read the log of container {id}");
        let answer = own_requests::logs(self.api().await?, id, options).await;
        let answer = answer.map_err(|error| engine_error(operation.clone(), &error))?;
        Ok(streams::output(api::pieces(answer), tty, operation))
    }

    async fn attach(&self, id: &str, tty: bool) -> EngineResult<Output> {
        let operation = format!("attach to container {id}");
        let api = self.api().await?;
        let failed = |error: Error| engine_error(operation.clone(), &error);
        if tty {
            let stream = own_requests::attach(api, id).await.map_err(failed)?;
            return Ok(streams::output(tokio_util::io::ReaderStream::new(stream), tty, operation));
        }
        let options =
            AttachContainerOptions { stream: true, stdout: true, stderr: true, ..AttachContainerOptions::default() };
        let attached = api.docker().attach_container(id, Some(options)).await.map_err(failed)?;
        Ok(streams::framed(attached.output, operation))
    }

    async fn exec(&self, id: &str, spec: &ExecSpec) -> EngineResult<ExecSession> {
        let operation = format!("run a command in container {id}");
        let api = self.api().await?;
        let exec = self.call(&operation, api.docker().create_exec(id, exec_options(spec))).await?.id;
        let failed = |error: Error| engine_error(operation.clone(), &error);
        if spec.tty && !spec.detach {
            let stream = own_requests::exec_with_terminal(api, &exec).await.map_err(failed)?;
            let (read, write) = tokio::io::split(stream);
            let output = streams::output(tokio_util::io::ReaderStream::new(read), true, operation);
            return Ok(ExecSession { id: exec, output, input: spec.stdin.then_some(Box::pin(write)) });
        }
        let options = StartExecOptions { detach: spec.detach, tty: spec.tty, output_capacity: None };
        match api.docker().start_exec(&exec, Some(options)).await.map_err(failed)? {
            StartExecResults::Attached { output, input } => {
                let output = streams::framed(output, operation);
                Ok(ExecSession { id: exec, output, input: spec.stdin.then_some(input) })
            }
            StartExecResults::Detached => {
                Ok(ExecSession { id: exec, output: futures_util::stream::empty().boxed(), input: None })
            }
        }
    }

    async fn exec_exit_code(&self, exec_id: &str) -> EngineResult<i64> {
        let docker = self.docker().await?;
        let mut pause = EXIT_CODE_PAUSE;
        loop {
            // The output may end before the engine has taken note of the command's end.
            let told = self.call("inspect a command", docker.inspect_exec(exec_id)).await?;
            match told.exit_code {
                Some(code) => return Ok(code),
                None => wait(pause).await,
            }
            pause = (pause * 2).min(EXIT_CODE_PAUSE_MAX);
        }
    }

    async fn exec_resize(&self, exec_id: &str, width: u16, height: u16) -> EngineResult<()> {
        let options = ResizeExecOptions { w: width.into(), h: height.into() };
        let docker = self.docker().await?;
        self.call("resize a command's terminal", docker.resize_exec(exec_id, options)).await
    }

    async fn kill_container(&self, id: &str, signal: &str) -> EngineResult<()> {
        let options = KillContainerOptions { signal: signal.to_owned() };
        let docker = self.docker().await?;
        self.call(format!("kill container {id}"), docker.kill_container(id, Some(options))).await
    }

    async fn wait_container(&self, id: &str) -> EngineResult<i64> {
        let operation = format!("wait for container {id}");
        let options = WaitContainerOptions { condition: "next-exit".to_owned() };
        match self.docker().await?.wait_container(id, Some(options)).next().await {
            Some(Ok(answer)) => Ok(answer.status_code),
            // bollard takes any code but 0 for an error.
            Some(Err(Error::DockerContainerWaitError { code, .. })) => Ok(code),
            Some(Err(error)) => Err(engine_error(operation, &error)),
            None => Err(plain(operation, "the engine ended its answer without an exit code")),
        }
    }

    async fn put_files(&self, id: &str, files: &[InjectedFile]) -> EngineResult<()> {
        let operation = format!("copy files into container {id}");
        let archives = build::archives_of(files).map_err(|error| plain(operation.clone(), error.to_string()))?;
        let docker = self.docker().await?;
        for (copy_owner, archive) in archives {
            let options = UploadToContainerOptions {
                path: "/".to_owned(),
                copy_uidgid: Some(copy_owner.to_owned()),
                no_overwrite_dir_non_dir: None,
            };
            let sent = docker.upload_to_container(id, Some(options), api::full(archive));
            self.call(operation.clone(), sent).await?;
        }
        Ok(())
    }

    async fn dial(&self, container: &Container, port: u16, relay: &Relay) -> EngineResult<Connection> {
        self.connect_to(container, port, relay).await
    }

    async fn end_dialling(&self, project: &str) -> EngineResult<()> {
        self.end_relays(project).await
    }
}

fn exec_options(spec: &ExecSpec) -> CreateExecOptions<String> {
    let attach = Some(!spec.detach);
    CreateExecOptions {
        cmd: Some(spec.command.clone()),
        env: Some(spec.environment.clone()),
        user: Some(spec.user.clone()),
        working_dir: Some(spec.working_dir.clone()),
        privileged: Some(spec.privileged),
        tty: Some(spec.tty),
        attach_stdin: Some(spec.stdin && !spec.detach),
        attach_stdout: attach,
        attach_stderr: attach,
        detach_keys: None,
    }
}

#[expect(clippy::disallowed_methods, reason = "back-off while the engine does not know yet")]
async fn wait(pause: Duration) {
    tokio::time::sleep(pause).await;
}
