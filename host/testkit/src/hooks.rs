//! Plugins in memory: scripted verdicts and loads.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use windlass_model::windlass::Stage;
use windlass_runtime::hooks::{HookCall, HookError, HookErrorKind, Hooks, Input, LoadStep, PluginInfo, Verdict};

type Script<T> = Arc<dyn Fn(&HookCall) -> Result<T, HookError> + Send + Sync>;

/// Plugins in memory. Clones share their state. A plugin that nobody declared does not exist.
#[derive(Clone, Default)]
pub struct FakeHooks {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    plugins: BTreeMap<String, PluginInfo>,
    probes: BTreeMap<String, Script<Verdict>>,
    runs: BTreeMap<String, Script<()>>,
    applies: BTreeMap<String, Script<()>>,
    steps: BTreeMap<String, Vec<LoadStep>>,
    takes: BTreeMap<String, Duration>,
    calls: Vec<String>,
}

impl FakeHooks {
    /// No plugins.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A plugin with these stages; its digest is made of its name. Probes say ready, hooks succeed, loads have one step.
    #[must_use]
    pub fn with(self, plugin: &str, stages: &[Stage]) -> Self {
        let info = PluginInfo {
            name: plugin.to_owned(),
            version: "1.0.0".to_owned(),
            digest: format!("digest-of-{plugin}"),
            stages: stages.to_vec(),
        };
        self.lock().plugins.insert(plugin.to_owned(), info);
        self
    }

    /// Another build of a plugin.
    pub fn set_digest(&self, plugin: &str, digest: &str) {
        if let Some(info) = self.lock().plugins.get_mut(plugin) {
            digest.clone_into(&mut info.digest);
        }
    }

    /// What a probe answers.
    pub fn on_probe(
        &self,
        plugin: &str,
        answer: impl Fn(&HookCall) -> Result<Verdict, HookError> + Send + Sync + 'static,
    ) {
        self.lock().probes.insert(plugin.to_owned(), Arc::new(answer));
    }

    /// Not yet for the first `attempts` attempts, then ready.
    pub fn ready_after(&self, plugin: &str, attempts: u32) {
        self.on_probe(plugin, move |call| {
            if call.attempt > attempts {
                return Ok(Verdict::Ready);
            }
            Ok(Verdict::NotYet { step: "connect".to_owned(), reason: "connection refused".to_owned(), hint: None })
        });
    }

    /// What a call at another stage comes to.
    pub fn on_run(&self, plugin: &str, answer: impl Fn(&HookCall) -> Result<(), HookError> + Send + Sync + 'static) {
        self.lock().runs.insert(plugin.to_owned(), Arc::new(answer));
    }

    /// What applying a load step comes to.
    pub fn on_apply(&self, plugin: &str, answer: impl Fn(&HookCall) -> Result<(), HookError> + Send + Sync + 'static) {
        self.lock().applies.insert(plugin.to_owned(), Arc::new(answer));
    }

    /// Steps of a load: id and fingerprint.
    pub fn set_steps(&self, plugin: &str, steps: &[(&str, &str)]) {
        let step = |(id, fingerprint): &(&str, &str)| LoadStep {
            id: (*id).to_owned(),
            title: format!("load {id}"),
            fingerprint: (*fingerprint).to_owned(),
        };
        self.lock().steps.insert(plugin.to_owned(), steps.iter().map(step).collect());
    }

    /// How long every call of a plugin takes.
    pub fn takes(&self, plugin: &str, duration: Duration) {
        self.lock().takes.insert(plugin.to_owned(), duration);
    }

    /// All calls in order: `probe elasticsearch of es, attempt 1`, `apply es-bulk into es: trucks`, …
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        self.lock().calls.clone()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.lock().calls.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn begin(&self, plugin: &str, record: String) {
        let takes = {
            let mut state = self.lock();
            state.calls.push(record);
            state.takes.get(plugin).copied()
        };
        if let Some(duration) = takes {
            wait(duration).await;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a fake that takes the time it is told to take")]
async fn wait(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// A plugin's failure.
#[must_use]
pub fn hook_error(plugin: &str, kind: HookErrorKind, message: &str) -> HookError {
    HookError { plugin: plugin.to_owned(), message: message.to_owned(), kind, hint: None, stderr: Vec::new() }
}

/// As the host does: a file that does not have the content that the call says is refused.
fn check_inputs(call: &HookCall) -> Result<(), HookError> {
    let refused = |error: windlass_runtime::inputs::InputError| {
        let message = format!("its input {} {error}", error.name());
        hook_error(&call.plugin, HookErrorKind::Load, &message)
    };
    windlass_runtime::inputs::open(&call.inputs).map(drop).map_err(refused)
}

fn service(call: &HookCall) -> &str {
    call.service.as_deref().unwrap_or("the project")
}

#[async_trait]
impl Hooks for FakeHooks {
    async fn describe(&self, plugin: &str) -> Result<PluginInfo, HookError> {
        let found = self.lock().plugins.get(plugin).cloned();
        found.ok_or_else(|| hook_error(plugin, HookErrorKind::Load, "is not installed"))
    }

    async fn look(&self, plugin: &str, _settings: &[&Value]) -> Result<PluginInfo, HookError> {
        self.describe(plugin).await
    }

    async fn setting_inputs(&self, _plugin: &str, _settings: &Value) -> Result<Vec<Input>, HookError> {
        Ok(Vec::new())
    }

    async fn probe(&self, call: &HookCall) -> Result<Verdict, HookError> {
        let of = call.target.as_deref().unwrap_or(service(call)).to_owned();
        self.begin(&call.plugin, format!("probe {} of {of}, attempt {}", call.plugin, call.attempt)).await;
        let script = self.lock().probes.get(&call.plugin).cloned();
        script.map_or(Ok(Verdict::Ready), |script| script(call))
    }

    async fn run(&self, call: &HookCall) -> Result<(), HookError> {
        let record = format!("{} {} of {}", call.stage, call.plugin, service(call));
        self.begin(&call.plugin, record).await;
        let script = self.lock().runs.get(&call.plugin).cloned();
        script.map_or(Ok(()), |script| script(call))
    }

    async fn plan_load(&self, call: &HookCall) -> Result<Vec<LoadStep>, HookError> {
        check_inputs(call)?;
        let steps = self.lock().steps.get(&call.plugin).cloned();
        Ok(steps.unwrap_or_else(|| {
            // As real loaders: what would be loaded is told by the content of the inputs.
            let fingerprint = call.inputs.iter().filter_map(|input| input.sha256.as_deref()).collect();
            vec![LoadStep { id: "all".to_owned(), title: "load all".to_owned(), fingerprint }]
        }))
    }

    async fn apply_load(&self, call: &HookCall, step: &LoadStep) -> Result<(), HookError> {
        check_inputs(call)?;
        let record = format!("apply {} into {}: {}", call.plugin, service(call), step.id);
        self.begin(&call.plugin, record).await;
        let script = self.lock().applies.get(&call.plugin).cloned();
        script.map_or(Ok(()), |script| script(call))
    }
}
