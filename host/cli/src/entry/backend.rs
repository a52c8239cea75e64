//! Where engine and plugins come from: this machine's, or a test's.

use std::sync::Arc;

use windlass_model::Project;
use windlass_plugin_host::{HostOptions, PluginHost, ProjectFacts};
use windlass_runtime::hooks::Dialer;
use windlass_runtime::{Engine, Hooks};

use crate::entry::env_vars;
use crate::entry::settings::Settings;
use crate::errors::CliResult;

/// Makes engine and plugins, each when a command first needs it.
pub trait Backend: Send + Sync {
    /// The engine. Opens no connection yet.
    ///
    /// # Errors
    /// When the address makes no sense (unknown context, unreadable certificates).
    fn engine(&self, settings: &Settings) -> CliResult<Arc<dyn Engine>>;
    /// Where the engine is: names it among the engines that this machine can reach.
    ///
    /// # Errors
    /// As [`Self::engine`].
    fn engine_address(&self, settings: &Settings) -> CliResult<String>;
    /// What a user should know about the settings that the engine is reached with.
    fn engine_warning(&self, settings: &Settings) -> Option<String>;
    /// The plugins of a project. Loads none yet.
    ///
    /// # Errors
    /// When the plugin machine cannot start.
    fn hooks(&self, request: HooksRequest<'_>) -> CliResult<Arc<dyn Hooks>>;
}

/// What the plugins need to know.
pub struct HooksRequest<'a> {
    /// Settings of the run.
    pub settings: &'a Settings,
    /// The project whose plugins they are.
    pub project: &'a Project,
    /// Way to its containers.
    pub dialer: Arc<dyn Dialer>,
}

/// Engine and plugins of this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine;

impl Backend for Machine {
    fn engine(&self, settings: &Settings) -> CliResult<Arc<dyn Engine>> {
        Ok(Arc::new(windlass_docker::connect(connect_options(settings))?))
    }

    fn engine_address(&self, settings: &Settings) -> CliResult<String> {
        Ok(windlass_docker::address(&connect_options(settings))?)
    }

    fn engine_warning(&self, settings: &Settings) -> Option<String> {
        windlass_docker::settings_problem(&connect_options(settings))
    }

    fn hooks(&self, request: HooksRequest<'_>) -> CliResult<Arc<dyn Hooks>> {
        let environment = &request.settings.environment;
        // A relative one would put the cache into whatever directory the command runs in.
        let cache = environment.path(env_vars::XDG_CACHE_HOME).filter(|cache| cache.is_absolute());
        let cache = cache.or_else(|| environment.path(env_vars::HOME).map(|home| home.join(".cache")));
        Ok(Arc::new(PluginHost::new(HostOptions {
            cache_dir: cache.map(|cache| cache.join("windlass").join("plugins")),
            project_dir: request.project.working_dir.clone(),
            declarations: request.project.windlass.plugins.clone(),
            dialer: request.dialer,
            facts: ProjectFacts::of(request.project),
        })))
    }
}

fn connect_options(settings: &Settings) -> windlass_docker::ConnectOptions {
    let environment = &settings.environment;
    let text = |name: &str| environment.get(name).map(str::to_owned);
    let home = environment.path(env_vars::HOME);
    windlass_docker::ConnectOptions {
        host: text(env_vars::DOCKER_HOST),
        context: text(env_vars::DOCKER_CONTEXT),
        docker_config_dir: environment.path(env_vars::DOCKER_CONFIG).or_else(|| home.map(|home| home.join(".docker"))),
        tls: environment.get(env_vars::DOCKER_TLS).is_some(),
        tls_verify: environment.get(env_vars::DOCKER_TLS_VERIFY).is_some(),
        cert_path: environment.path(env_vars::DOCKER_CERT_PATH),
        buildkit: environment.get(env_vars::DOCKER_BUILDKIT).map(|value| value != "0"),
        parallel: settings.parallel,
        environment: environment.all().iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
    }
}
