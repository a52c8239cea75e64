//! [`PluginHost`]: the engine, the loaded components, and the calls of [`Hooks`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::Value as Json;
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, Engine};
use windlass_model::Project;
use windlass_model::windlass::{PluginDeclaration, Stage};
use windlass_runtime::hooks::{Dialer, HookCall, HookErrorKind, Input, LoadStep, PluginInfo, Verdict};
use windlass_runtime::inputs::{self, OpenInput};
use windlass_runtime::{HookError, Hooks};

use crate::bindings::exports::windlass::plugin as exported;
use crate::bindings::windlass::plugin as imported;
use crate::call::{Running, arguments};
use crate::component::{self, Loaded};
use crate::error::of_call;
use crate::grants::Grants;
use crate::limits::{Defaults, bounded};
use crate::network::{Network, lookup, tcp};
use crate::state::{Parts, State};
use crate::{error, registry, settings};

/// What the host is given.
pub struct HostOptions {
    /// Directory for compiled code; `None`: compile every time.
    pub cache_dir: Option<PathBuf>,
    /// Directory that relative paths in settings are relative to.
    pub project_dir: PathBuf,
    /// Declared plugins by name.
    pub declarations: BTreeMap<String, PluginDeclaration>,
    /// Connections to services.
    pub dialer: Arc<dyn Dialer>,
    /// What plugins may learn of the project.
    pub facts: ProjectFacts,
}

/// What plugins may learn of the project.
#[derive(Debug, Clone, Default)]
pub struct ProjectFacts {
    /// The model as JSON.
    pub model: String,
    /// Services in the order of the file.
    pub services: Vec<ServiceFacts>,
    /// Values of secrets, by name; given only to plugins with the grant.
    pub secrets: BTreeMap<String, String>,
}

/// One service.
#[derive(Debug, Clone, Default)]
pub struct ServiceFacts {
    /// Name.
    pub name: String,
    /// Image reference.
    pub image: String,
    /// Wanted replicas.
    pub replicas: u32,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Definition as JSON.
    pub model: String,
}

impl ProjectFacts {
    /// The facts of a project. Content of secrets and environment of services are left out of the model.
    #[must_use]
    pub fn of(project: &Project) -> Self {
        let services = project.services.values().map(|service| {
            let model = Json::from_iter([
                ("name", Json::from(service.name.clone())),
                ("image", Json::from(project.image_of(service))),
            ]);
            ServiceFacts {
                name: service.name.clone(),
                image: project.image_of(service),
                replicas: service.replicas(),
                labels: service.labels.clone(),
                model: model.to_string(),
            }
        });
        let services: Vec<ServiceFacts> = services.collect();
        let names: Vec<Json> = services.iter().map(|service| Json::from(service.name.clone())).collect();
        let model =
            Json::from_iter([("name", Json::from(project.name.clone())), ("services", Json::from(names))]).to_string();
        let secrets = project.secrets.iter().map(|(name, secret)| (name.clone(), secret.content.clone())).collect();
        Self { model, services, secrets }
    }
}

/// Plugins on wasmtime. Making one costs nothing; the engine starts with the first call.
pub struct PluginHost {
    options: HostOptions,
    facts: Arc<ProjectFacts>,
    machine: OnceLock<Machine>,
    loaded: Mutex<BTreeMap<String, Arc<Loaded>>>,
    /// Digests of components that were checked as a whole: a plugin may stand in many places.
    sound: Mutex<BTreeSet<String>>,
}

/// The engine and the linker.
struct Machine {
    engine: Engine,
    linker: Linker<State>,
}

impl PluginHost {
    /// A host for one project.
    #[must_use]
    pub fn new(options: HostOptions) -> Self {
        let facts = Arc::new(options.facts.clone());
        Self { options, facts, machine: OnceLock::new(), loaded: Mutex::default(), sound: Mutex::default() }
    }

    fn lock_sound(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.sound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn machine(&self) -> &Machine {
        self.machine.get_or_init(|| Machine::new().expect("the configuration is fixed and valid"))
    }

    /// Loads a plugin once; compiling happens off the event loop.
    async fn load(&self, plugin: &str) -> Result<Arc<Loaded>, HookError> {
        let known = || self.loaded.lock().unwrap_or_else(PoisonError::into_inner).get(plugin).cloned();
        if let Some(loaded) = known() {
            return Ok(loaded);
        }
        let (bytes, _) = registry::find(plugin, &self.options.declarations)?;
        let (engine, name, folder) = (self.machine().engine.clone(), plugin.to_owned(), self.options.cache_dir.clone());
        let compiled =
            tokio::task::spawn_blocking(move || component::load(&engine, &name, &bytes, folder.as_deref())).await;
        let loaded = compiled.map_err(|_| error::load(plugin, "broke the compiler", None))??;
        let loaded = Arc::new(loaded);
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).insert(plugin.to_owned(), Arc::clone(&loaded));
        Ok(loaded)
    }

    /// Loads the plugin of a call and checks stage and settings.
    async fn prepare(&self, call: &HookCall, stage: Stage) -> Result<Arc<Loaded>, HookError> {
        let loaded = self.load(&call.plugin).await?;
        if !loaded.info.stages.contains(&stage) {
            let stages: Vec<&str> = loaded.info.stages.iter().map(|stage| stage.name()).collect();
            let text = format!("does not implement it; it implements {}", stages.join(", "));
            return Err(of_call(call, HookErrorKind::Load, &text, None));
        }
        let problems = settings::problems(&loaded.manifest.settings, &call.settings);
        if !problems.is_empty() {
            return Err(of_call(call, HookErrorKind::Load, &problems.join("; "), None));
        }
        Ok(loaded)
    }

    async fn running(&self, call: &HookCall, loaded: &Loaded, default: Duration) -> Result<Running, HookError> {
        let declaration = self.options.declarations.get(&call.plugin);
        let limits = declaration.map(|declaration| &declaration.limits);
        let limit = call.timeout.or_else(|| limits.and_then(|limits| limits.timeout)).unwrap_or(default);
        let services = self.facts.services.iter().map(|service| service.name.clone()).collect();
        let own = call.service.clone().map(|service| (service, call.number));
        let network = Network::new(Grants::of_call(call, declaration), Arc::clone(&self.options.dialer), services, own);
        let parts = Parts {
            memory: limits.and_then(|limits| limits.memory).unwrap_or(Defaults::MEMORY),
            call: call.clone(),
            facts: Arc::clone(&self.facts),
            inputs: self.inputs(call, loaded).await?,
            secrets: declaration.map(|declaration| declaration.grants.secrets.clone()).unwrap_or_default(),
            read: declaration.map(|declaration| declaration.grants.read.clone()).unwrap_or_default(),
            network: Arc::new(network),
            deadline: Instant::now() + limit,
        };
        Ok(Running::new(&self.machine().engine, State::new(parts), limit))
    }

    /// The files of `from`, then those that settings name, hashed. A file system may take its time, or for ever: the rest
    /// of the program must not wait for it.
    async fn inputs(&self, call: &HookCall, loaded: &Loaded) -> Result<Vec<OpenInput>, HookError> {
        let own = setting_inputs(&loaded.manifest.settings, &call.settings, &self.options.project_dir);
        let mut wanted: Vec<Input> = Vec::new();
        for input in call.inputs.iter().cloned().chain(own) {
            if !wanted.iter().any(|known| known.name == input.name) {
                wanted.push(input);
            }
        }
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let roles: Vec<(String, String)> = wanted.iter().map(|one| (one.name.clone(), one.role.clone())).collect();
        let opened = tokio::task::spawn_blocking(move || inputs::open(&wanted)).await;
        let opened = opened.map_err(|_| of_call(call, HookErrorKind::Load, "its inputs could not be read", None))?;
        opened.map_err(|problem| {
            let cause = std::error::Error::source(&problem).map(|cause| format!(": {cause}")).unwrap_or_default();
            let message = format!("its input {} {problem}{cause}", problem.name());
            let role = roles.iter().find(|(name, _)| name == problem.name()).map(|(_, role)| role);
            of_call(call, HookErrorKind::Load, &message, role.map(|role| format!("`{role}` names it")))
        })
    }

    /// Calls a function that takes call and target.
    async fn invoke<T>(
        &self,
        call: &HookCall,
        stage: Stage,
        function: (&str, &str),
        default: Duration,
    ) -> Result<T, HookError>
    where
        T: wasmtime::component::Lift + wasmtime::component::ComponentType + Send + Sync + 'static,
    {
        let loaded = self.prepare(call, stage).await?;
        let running = self.running(call, &loaded, default).await?;
        running.invoke(&self.machine().linker, &loaded, function, arguments(call)).await
    }
}

fn setting_inputs(schema: &Json, with: &Json, folder: &Path) -> Vec<Input> {
    let resolve = |(role, name): (String, String)| Input { path: folder.join(&name), name, role, sha256: None };
    settings::input_paths(schema, with).into_iter().map(resolve).collect()
}

impl Machine {
    fn new() -> wasmtime::Result<Self> {
        let mut config = Config::new();
        config.epoch_interruption(true).wasm_component_model(true);
        let engine = Engine::new(&config)?;
        let linker = link(&engine)?;
        tick(&engine);
        Ok(Self { engine, linker })
    }
}

/// Everything of WASI 0.2 and of our package; the network parts replaced by ours.
fn link(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker: Linker<State> = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    linker.allow_shadowing(true);
    wasmtime_wasi::p2::bindings::sockets::tcp::add_to_linker::<State, tcp::Tcp>(&mut linker, |state| state)?;
    wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::add_to_linker::<State, lookup::Lookup>(
        &mut linker,
        |state| state,
    )?;
    linker.allow_shadowing(false);
    imported::types::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    imported::host::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    imported::project::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    imported::settings::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    imported::inputs::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    imported::state::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    imported::secrets::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    imported::containers::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker)
}

/// A thread that advances the epoch while the engine lives, so that endless loops yield.
fn tick(engine: &Engine) {
    let weak = engine.weak();
    let work = move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(Defaults::TICK);
        }
    };
    // Without the thread (no more threads on this system) loops are not interrupted, but nothing else breaks.
    drop(std::thread::Builder::new().name("epoch".to_owned()).spawn(work));
}

#[async_trait]
impl Hooks for PluginHost {
    async fn describe(&self, plugin: &str) -> Result<PluginInfo, HookError> {
        self.load(plugin).await.map(|loaded| loaded.info.clone())
    }

    async fn look(&self, plugin: &str, settings: &[&Json]) -> Result<PluginInfo, HookError> {
        let (name, declarations) = (plugin.to_owned(), self.options.declarations.clone());
        let known = self.lock_sound().clone();
        let looked = tokio::task::spawn_blocking(move || {
            let (bytes, built_in) = registry::find(&name, &declarations)?;
            let looked = component::look(&name, &bytes)?;
            if !built_in && !known.contains(&looked.info.digest) {
                component::check_whole(&name, &bytes)?;
            }
            Ok(looked)
        });
        let looked = looked.await.map_err(|_| error::load(plugin, "cannot be read", None))??;
        self.lock_sound().insert(looked.info.digest.clone());
        let problems = settings.iter().flat_map(|with| crate::settings::problems(&looked.manifest.settings, with));
        let problems: Vec<String> = problems.collect();
        if problems.is_empty() { Ok(looked.info) } else { Err(error::load(plugin, problems.join("; "), None)) }
    }

    async fn setting_inputs(&self, plugin: &str, settings: &Json) -> Result<Vec<Input>, HookError> {
        let loaded = self.load(plugin).await?;
        Ok(setting_inputs(&loaded.manifest.settings, settings, &self.options.project_dir))
    }

    async fn probe(&self, call: &HookCall) -> Result<Verdict, HookError> {
        let loaded = self.prepare(call, Stage::Probe).await?;
        let running = self.running(call, &loaded, Defaults::PROBE).await?;
        let network = running.network();
        let arguments = arguments(call);
        let asked = running.invoke(&self.machine().linker, &loaded, ("probe", "check"), arguments);
        let verdict: exported::probe::Verdict = asked.await?;
        // "Not yet" for what cannot be reached from here would be asked again until the time is over.
        if let (exported::probe::Verdict::NotYet(_), Some((why, hint))) = (&verdict, network.out_of_reach()) {
            return Err(of_call(call, HookErrorKind::Failed { retryable: false }, &why, hint));
        }
        let text = |text: &str| bounded(text, Defaults::TEXT);
        Ok(match verdict {
            exported::probe::Verdict::Ready => Verdict::Ready,
            exported::probe::Verdict::NotYet(pending) => Verdict::NotYet {
                step: text(&pending.step),
                reason: text(&pending.reason),
                hint: pending.hint.as_deref().map(text),
            },
            exported::probe::Verdict::Never(never) => {
                Verdict::Never { reason: text(&never.reason), hint: never.hint.as_deref().map(text) }
            }
        })
    }

    async fn run(&self, call: &HookCall) -> Result<(), HookError> {
        let interface = call.stage.entry().interface;
        if interface != "stage" {
            return self.invoke(call, call.stage, (interface, interface), Defaults::timeout(call.stage)).await;
        }
        let loaded = self.prepare(call, call.stage).await?;
        let running = self.running(call, &loaded, Defaults::HOOK).await?;
        let (record, _) = arguments(call);
        let arguments = (record, call.stage.name().to_owned(), "{}".to_owned());
        let answer: Option<String> =
            running.invoke(&self.machine().linker, &loaded, ("stage", "run-stage"), arguments).await?;
        drop(answer);
        Ok(())
    }

    async fn plan_load(&self, call: &HookCall) -> Result<Vec<LoadStep>, HookError> {
        let call = HookCall { timeout: None, ..call.clone() };
        let steps: Vec<exported::loader::Step> =
            self.invoke(&call, Stage::Load, ("loader", "plan"), Defaults::PLAN_LOAD).await?;
        check_steps(&call, &steps)?;
        Ok(steps
            .into_iter()
            .map(|step| LoadStep { id: step.id, title: step.title, fingerprint: step.fingerprint })
            .collect())
    }

    async fn apply_load(&self, call: &HookCall, step: &LoadStep) -> Result<(), HookError> {
        let loaded = self.prepare(call, Stage::Load).await?;
        let running = self.running(call, &loaded, Defaults::APPLY_LOAD).await?;
        let (record, target) = arguments(call);
        let step = exported::loader::Step {
            id: step.id.clone(),
            title: step.title.clone(),
            fingerprint: step.fingerprint.clone(),
        };
        running.invoke(&self.machine().linker, &loaded, ("loader", "apply"), (record, target, step)).await
    }
}

/// A plan that cannot be kept a ledger of is refused.
fn check_steps(call: &HookCall, steps: &[exported::loader::Step]) -> Result<(), HookError> {
    let mut seen = std::collections::BTreeSet::new();
    let wrong = if steps.len() > Defaults::LOAD_STEPS {
        Some(format!("planned {} steps; at most {} are allowed", steps.len(), Defaults::LOAD_STEPS))
    } else {
        steps.iter().find_map(|step| match step {
            step if step.id.is_empty() => Some("planned a step without an id".to_owned()),
            step if step.id.len() + step.title.len() + step.fingerprint.len() > Defaults::TEXT => {
                Some("planned a step whose texts are too long".to_owned())
            }
            step if !seen.insert(&step.id) => Some(format!("planned two steps with the id `{}`", step.id)),
            _ => None,
        })
    };
    match wrong {
        Some(text) => Err(of_call(call, HookErrorKind::Failed { retryable: false }, &text, None)),
        None => Ok(()),
    }
}
