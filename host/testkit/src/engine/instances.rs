//! Containers that exist, and ways into them.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use windlass_plan::labels;
use windlass_plan::observed::{Container, ContainerState};
use windlass_plan::step::InjectedFile;
use windlass_runtime::engine::{
    Connection, ContainerDetails, ContainerFilter, EngineErrorKind, EngineResult, ExecSession, ExecSpec, Instances,
    LogOptions, Output, OutputChunk, OutputStream, Relay,
};

use super::{FakeEngine, error, not_found};

#[async_trait]
impl Instances for FakeEngine {
    async fn list_containers(&self, filter: &ContainerFilter) -> EngineResult<Vec<Container>> {
        self.read("list")?;
        let wanted = |container: &Container| {
            filter.project.as_ref().is_none_or(|project| container.label(labels::PROJECT) == Some(project))
                && (filter.all || container.is_up())
                && filter.one_off.is_none_or(|one_off| container.is_one_off() == one_off)
                && (filter.one_off.is_none() || !container.is_hook())
                && filter.service.as_ref().is_none_or(|service| container.service() == service)
        };
        let mut containers = self.snapshot().containers;
        containers.retain(wanted);
        Ok(containers)
    }

    async fn inspect_container(&self, id: &str) -> EngineResult<ContainerDetails> {
        let record = format!("inspect {}", self.lock().name_of(id));
        self.read(&record)?;
        let state = self.lock();
        let container = state.find(id, &record)?.clone();
        let runs = state.runs.get(&container.id).cloned().unwrap_or_default();
        let tty = state.specs.get(&container.id).is_some_and(|spec| spec.service.tty);
        // Different for every run of a container.
        let started_at = format!("2026-01-01T00:{:02}:{:02}Z", runs.number / 60, runs.number % 60);
        Ok(ContainerDetails {
            container,
            tty,
            started_at,
            restart_count: i64::from(runs.restarts),
            health_log: None,
            error: String::new(),
            oom_killed: runs.oom,
            times: runs.times,
        })
    }

    async fn logs(&self, id: &str, _tty: bool, options: &LogOptions) -> EngineResult<Output> {
        let record = log_record(&self.lock().name_of(id), options);
        self.read(&record)?;
        let (lines, id) = {
            let state = self.lock();
            let container = state.find(id, "read the log")?;
            (state.log_of(container.service()), container.id.clone())
        };
        let mut lines = chunks(lines);
        if let Some(tail) = options.tail.as_ref().and_then(|tail| tail.parse::<usize>().ok()) {
            lines = lines.split_off(lines.len().saturating_sub(tail));
        }
        let now = stream::iter(lines);
        if !options.follow || !self.lock().find(&id, "")?.is_up() {
            return Ok(now.boxed());
        }
        let ended = self.subscribe(None, None).take_while(move |event| {
            let over = event.as_ref().is_ok_and(|event| event.id == id && event.action == "die");
            std::future::ready(!over)
        });
        Ok(now.chain(ended.filter_map(|_| std::future::ready(None))).boxed())
    }

    async fn attach(&self, id: &str, _tty: bool) -> EngineResult<Output> {
        let record = format!("attach {}", self.lock().name_of(id));
        self.read(&record)?;
        let (container, lines) = {
            let state = self.lock();
            let container = state.find(id, "attach to")?.clone();
            let log = state.log_of(container.service());
            (container, log)
        };
        let events = self.subscribe(None, None);
        let id = container.id.clone();
        let own = events.filter(move |event| std::future::ready(event.as_ref().map_or(true, |event| event.id == id)));
        // Ends with the run; of a run that began before nothing is printed any more.
        let run = own.take_while(|event| std::future::ready(event.as_ref().is_ok_and(|event| event.action != "die")));
        let printed = run.flat_map(move |event| {
            let begins = event.is_ok_and(|event| event.action == "start");
            stream::iter(if begins { chunks(lines.clone()) } else { Vec::new() })
        });
        Ok(printed.boxed())
    }

    async fn exec(&self, id: &str, spec: &ExecSpec) -> EngineResult<ExecSession> {
        let line = spec.command.join(" ");
        let name = self.lock().name_of(id);
        let operation = format!("exec in {name}: {line}");
        self.call(operation.clone()).await?;
        let mut state = self.lock();
        if state.find(id, &operation)?.state != ContainerState::Running {
            return Err(error(EngineErrorKind::NotRunning, &operation, format!("container {name} is not running")));
        }
        let scripted = state.commands.iter().find(|(word, ..)| line.contains(word)).cloned();
        let (_, output, code) = scripted.unwrap_or_default();
        let exec_id = state.new_id();
        state.execs.insert(exec_id.clone(), code);
        state.exec_specs.push(spec.clone());
        let chunk = OutputChunk { stream: OutputStream::Stdout, bytes: Bytes::from(output) };
        let output = stream::iter((!chunk.bytes.is_empty()).then_some(Ok(chunk))).boxed();
        Ok(ExecSession { id: exec_id, output, input: None })
    }

    async fn exec_exit_code(&self, exec_id: &str) -> EngineResult<i64> {
        let code = self.lock().execs.get(exec_id).copied();
        code.ok_or_else(|| not_found("inspect command", format!("No such exec instance: {exec_id}")))
    }

    async fn exec_resize(&self, _exec_id: &str, _width: u16, _height: u16) -> EngineResult<()> {
        Ok(())
    }

    async fn kill_container(&self, id: &str, signal: &str) -> EngineResult<()> {
        let operation = self.on_container("kill", id).await?;
        let mut state = self.lock();
        let container = state.find(id, &operation)?;
        if !container.is_up() {
            return Err(error(
                EngineErrorKind::NotRunning,
                &operation,
                format!("container {} is not running", container.id),
            ));
        }
        let name = container.name.clone();
        state.exit(&name, if signal == "SIGTERM" { 143 } else { 137 });
        Ok(())
    }

    async fn wait_container(&self, id: &str) -> EngineResult<i64> {
        let mut events = self.subscribe(None, None);
        let wanted = self.lock().find(id, "wait")?.id.clone();
        while let Some(event) = events.next().await {
            let event = event?;
            if event.id == wanted && event.action == "die" {
                return Ok(event.attributes.get("exitCode").and_then(|code| code.parse().ok()).unwrap_or_default());
            }
        }
        Err(not_found("wait", "the event stream ended".to_owned()))
    }

    async fn put_files(&self, id: &str, files: &[InjectedFile]) -> EngineResult<()> {
        let targets: Vec<&str> = files.iter().map(|file| file.target.as_str()).collect();
        let record = format!("copy {} to {}", targets.join(" "), self.lock().name_of(id));
        self.call(record).await
    }

    async fn dial(&self, container: &Container, port: u16, _relay: &Relay) -> EngineResult<Connection> {
        let operation = format!("connect to {}:{port}", container.name);
        self.check(&operation)?;
        if self.lock().find(&container.id, &operation)?.state != ContainerState::Running {
            return Err(not_found(&operation, "container is not running".to_owned()));
        }
        let (near, _far) = tokio::io::duplex(1024);
        Ok(Box::new(near))
    }

    async fn end_dialling(&self, project: &str) -> EngineResult<()> {
        self.read(&format!("end dialling {project}"))
    }
}

/// What of a log is asked for, in words: `log web-1 follow since 12.0 tail 5`.
fn log_record(name: &str, options: &LogOptions) -> String {
    let LogOptions { follow, tail, since, until, timestamps } = options;
    let mut words = format!("log {name}");
    for (word, wanted) in [(" follow", follow), (" timestamps", timestamps)] {
        words.push_str(if *wanted { word } else { "" });
    }
    for (word, value) in [("since", since), ("until", until), ("tail", tail)] {
        words.extend(value.iter().flat_map(|value| [" ", word, " ", value.as_str()]));
    }
    words
}

/// Lines as they are printed.
fn chunks(lines: Vec<String>) -> Vec<EngineResult<OutputChunk>> {
    let chunk = |line| Ok(OutputChunk { stream: OutputStream::Stdout, bytes: Bytes::from(format!("{line}\n")) });
    lines.into_iter().map(chunk).collect()
}
