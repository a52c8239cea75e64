//! The interfaces of `windlass:plugin` that guests import. What is not granted fails with a reason, never in silence.

use std::time::Duration;

use wasmtime::component::Resource;
use windlass_runtime::hooks::LogSeverity;
use windlass_runtime::inputs::OpenInput;

use crate::bindings::windlass::plugin::types::{Diagnostic, Failure, Severity, Target};
use crate::bindings::windlass::plugin::{containers, host, inputs, project, secrets, settings, state, types};
use crate::limits::{Defaults, bounded};
use crate::state::State;

type Outcome<T> = wasmtime::Result<T>;

impl types::Host for State {}

const fn severity(severity: Severity) -> LogSeverity {
    match severity {
        Severity::Debug => LogSeverity::Debug,
        Severity::Info => LogSeverity::Info,
        Severity::Warning => LogSeverity::Warning,
        Severity::Error => LogSeverity::Error,
    }
}

impl host::Host for State {
    async fn log(&mut self, level: Severity, message: String, fields: Vec<(String, String)>) -> Outcome<()> {
        if self.admit_log() {
            let fields: String = fields.iter().take(20).map(|(key, value)| format!(" {key}={value}")).collect();
            self.call.sink.log(severity(level), &bounded(&format!("{message}{fields}"), Defaults::TEXT));
        }
        Ok(())
    }

    async fn report(&mut self, finding: Diagnostic) -> Outcome<()> {
        if self.admit_log() {
            let place = finding.path.map(|path| format!("{path}: ")).unwrap_or_default();
            let hint = finding.hint.map(|hint| format!(" (hint: {hint})")).unwrap_or_default();
            self.call.sink.log(
                severity(finding.severity),
                &bounded(&format!("{place}{}{hint}", finding.message), Defaults::TEXT),
            );
        }
        Ok(())
    }

    async fn progress(&mut self, done: u64, total: Option<u64>, label: String) -> Outcome<()> {
        self.call.sink.progress(done, total, &bounded(&label, 200));
        Ok(())
    }

    async fn sleep(&mut self, ms: u32) -> Outcome<()> {
        let wanted = Duration::from_millis(u64::from(ms));
        #[expect(clippy::disallowed_methods, reason = "the guest asked to sleep; the call's time limit ends it")]
        tokio::time::sleep(wanted).await;
        Ok(())
    }

    async fn remaining_ms(&mut self) -> Outcome<u64> {
        Ok(u64::try_from(self.remaining().as_millis()).unwrap_or(u64::MAX))
    }

    async fn cancelled(&mut self) -> Outcome<bool> {
        Ok(false)
    }

    async fn panicked(&mut self, message: String) -> Outcome<()> {
        self.panicked = Some(bounded(&message, Defaults::TEXT));
        Ok(())
    }
}

impl settings::Host for State {
    async fn get(&mut self) -> Outcome<String> {
        Ok(self.settings.clone())
    }
}

impl inputs::Host for State {
    async fn list_inputs(&mut self) -> Outcome<Vec<inputs::Input>> {
        let print = |input: &OpenInput| inputs::Input {
            name: input.name.clone(),
            size: input.size,
            sha256: input.sha256.clone(),
            role: input.role.clone(),
        };
        Ok(self.inputs.iter().map(print).collect())
    }

    async fn read(&mut self, name: String, offset: u64, max: u32) -> Outcome<Result<Vec<u8>, String>> {
        let Some(input) = self.inputs.iter().find(|input| input.name == name).cloned() else {
            return Ok(Err(format!("{} is no input of this call", bounded(&name, 200))));
        };
        let max = u64::from(max.min(Defaults::READ));
        let read = tokio::task::spawn_blocking(move || {
            input.read(offset, max).map_err(|error| format!("{} {error}", input.name))
        });
        Ok(read.await.unwrap_or_else(|_| Err("the file could not be read".to_owned())))
    }
}

impl secrets::Host for State {
    async fn get(&mut self, name: String) -> Outcome<Result<Option<String>, String>> {
        if self.secrets.contains(&name) {
            return Ok(Ok(self.facts.secrets.get(&name).cloned()));
        }
        let plugin = &self.call.plugin;
        Ok(Err(format!(
            "secret {name} is not granted; add under x-windlass.plugins.{plugin}: grants: {{ secrets: [{name}] }}"
        )))
    }
}

/// `state` needs a grant that the project file cannot give yet.
const NO_STATE: &str = "plugins cannot keep state in this version of Windlass";

impl state::Host for State {
    async fn get(&mut self, _: String) -> Outcome<Result<Option<Vec<u8>>, String>> {
        Ok(Err(NO_STATE.to_owned()))
    }

    async fn set(&mut self, _: String, _: Vec<u8>) -> Outcome<Result<(), String>> {
        Ok(Err(NO_STATE.to_owned()))
    }

    async fn delete(&mut self, _: String) -> Outcome<Result<(), String>> {
        Ok(Err(NO_STATE.to_owned()))
    }

    async fn list_keys(&mut self, _: String) -> Outcome<Result<Vec<String>, String>> {
        Ok(Err(NO_STATE.to_owned()))
    }
}

fn no_containers() -> Failure {
    Failure {
        message: "plugins cannot work inside containers in this version of Windlass".to_owned(),
        code: Some("denied".to_owned()),
        hint: None,
        retryable: false,
    }
}

impl containers::Host for State {
    async fn exec(
        &mut self,
        _: Target,
        _: Vec<String>,
        _: Vec<u8>,
        _: containers::ExecOptions,
    ) -> Outcome<Result<containers::ExecResult, Failure>> {
        Ok(Err(no_containers()))
    }

    async fn tail_logs(&mut self, _: Target, _: u32) -> Outcome<Result<String, Failure>> {
        Ok(Err(no_containers()))
    }

    async fn put_file(&mut self, _: Target, _: String, _: Vec<u8>, _: u32) -> Outcome<Result<(), Failure>> {
        Ok(Err(no_containers()))
    }
}

/// Handles stand for the project itself, or for the service of this index: nothing is kept in the table.
impl project::Host for State {
    async fn current(&mut self) -> Outcome<Resource<project::Run>> {
        Ok(Resource::new_own(0))
    }
}

impl project::HostRun for State {
    async fn name(&mut self, _: Resource<project::Run>) -> Outcome<String> {
        Ok(self.call.project.clone())
    }

    async fn model(&mut self, _: Resource<project::Run>) -> Outcome<String> {
        Ok(self.facts.model.clone())
    }

    async fn services(&mut self, _: Resource<project::Run>) -> Outcome<Vec<Resource<project::Service>>> {
        let count = u32::try_from(self.facts.services.len()).unwrap_or(0);
        Ok((0..count).map(Resource::new_own).collect())
    }

    async fn service(
        &mut self,
        _: Resource<project::Run>,
        name: String,
    ) -> Outcome<Option<Resource<project::Service>>> {
        let index = self.facts.services.iter().position(|service| service.name == name);
        Ok(index.and_then(|index| u32::try_from(index).ok()).map(Resource::new_own))
    }

    async fn drop(&mut self, _: Resource<project::Run>) -> Outcome<()> {
        Ok(())
    }
}

impl State {
    fn service_of(&self, handle: &Resource<project::Service>) -> Outcome<&crate::host::ServiceFacts> {
        let found = usize::try_from(handle.rep()).ok().and_then(|index| self.facts.services.get(index));
        found.ok_or_else(|| wasmtime::Error::msg("no such service handle"))
    }
}

impl project::HostService for State {
    async fn name(&mut self, this: Resource<project::Service>) -> Outcome<String> {
        Ok(self.service_of(&this)?.name.clone())
    }

    async fn image(&mut self, this: Resource<project::Service>) -> Outcome<String> {
        Ok(self.service_of(&this)?.image.clone())
    }

    async fn replicas(&mut self, this: Resource<project::Service>) -> Outcome<u32> {
        Ok(self.service_of(&this)?.replicas)
    }

    async fn state(&mut self, this: Resource<project::Service>) -> Outcome<project::ServiceState> {
        // The service that the call is about has a container; of others this version knows nothing.
        let name = self.service_of(&this)?.name.clone();
        let own = self.call.service.as_deref() == Some(&name) && self.call.container_id.is_some();
        Ok(if own { project::ServiceState::Created } else { project::ServiceState::Absent })
    }

    async fn label(&mut self, this: Resource<project::Service>, key: String) -> Outcome<Option<String>> {
        Ok(self.service_of(&this)?.labels.get(&key).cloned())
    }

    async fn model(&mut self, this: Resource<project::Service>) -> Outcome<String> {
        Ok(self.service_of(&this)?.model.clone())
    }

    async fn authority(&mut self, this: Resource<project::Service>, port: u16) -> Outcome<Option<String>> {
        let name = self.service_of(&this)?.name.clone();
        Ok(self.network.grants().knows(&name).then(|| format!("{name}:{port}")))
    }

    async fn drop(&mut self, _: Resource<project::Service>) -> Outcome<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::ProjectFacts;
    use crate::testing;

    #[tokio::test]
    async fn a_granted_secret_gives_its_value_and_another_one_nothing() {
        let values = [("TOKEN", "s3cret"), ("OTHER", "hidden")];
        let secrets = values.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let facts = ProjectFacts { secrets, ..ProjectFacts::default() };
        let mut state = testing::state(facts, &["TOKEN", "UNSET"]);
        let mut get = async |name: &str| secrets::Host::get(&mut state, name.to_owned()).await.unwrap();
        assert_eq!(get("TOKEN").await, Ok(Some("s3cret".to_owned())));
        assert_eq!(get("UNSET").await, Ok(None));
        let refused = get("OTHER").await.unwrap_err();
        assert!(refused.contains("OTHER is not granted") && !refused.contains("hidden"), "{refused}");
    }
}
