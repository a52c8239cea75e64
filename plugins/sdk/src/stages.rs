//! One trait a stage, and the way from the generated exports to it. When each is called, how often, and what a failure
//! means stands in `wit/stages.wit`.

use crate::bindings::imports::windlass::plugin::settings;
use crate::host::{WitHost, install_panic_hook};
use crate::http::WasiHttp;
use crate::inputs::WitInputs;
use crate::tcp::WasiTcp;
use crate::{Call, Context, Diagnostic, Failure, Target, bindings};

pub use bindings::config_transform::exports::windlass::plugin::config_transform::Change;
pub use bindings::loader::exports::windlass::plugin::loader::Step;
pub use bindings::probe::exports::windlass::plugin::probe::{Impossible, Pending, Verdict};

/// Builds the context of a real call.
fn with_context<R>(call: &Call, run: impl FnOnce(&Context<'_>) -> R) -> R {
    install_panic_hook();
    let settings_json = settings::get();
    run(&Context {
        call,
        host: &WitHost,
        http: &WasiHttp,
        tcp: &WasiTcp,
        inputs: &WitInputs,
        settings_json: &settings_json,
    })
}

/// Stage `resolve`.
pub trait ConfigTransform: 'static {
    /// Changes to the model, with reasons.
    ///
    /// # Errors
    /// Stop the run before anything happened.
    fn transform(ctx: &Context<'_>, model: &str) -> Result<Vec<Change>, Failure>;
}

impl<T: ConfigTransform> bindings::config_transform::exports::windlass::plugin::config_transform::Guest for T {
    fn transform(call: Call, model: String) -> Result<Vec<Change>, Failure> {
        with_context(&call, |ctx| T::transform(ctx, &model))
    }
}

/// Stage `policy`.
pub trait Policy: 'static {
    /// Findings; those of severity `error` stop the run.
    ///
    /// # Errors
    /// Stop the run.
    fn review(ctx: &Context<'_>, model: &str) -> Result<Vec<Diagnostic>, Failure>;
}

impl<T: Policy> bindings::policy::exports::windlass::plugin::policy::Guest for T {
    fn review(call: Call, model: String) -> Result<Vec<Diagnostic>, Failure> {
        with_context(&call, |ctx| T::review(ctx, &model))
    }
}

/// Stage `probe`: one attempt; the host owns interval, back-off and deadline.
pub trait Probe: 'static {
    /// Is the service ready?
    ///
    /// # Errors
    /// When the question could not be asked.
    fn check(ctx: &Context<'_>, target: &Target) -> Result<Verdict, Failure>;
}

impl<T: Probe> bindings::probe::exports::windlass::plugin::probe::Guest for T {
    fn check(call: Call, target: Target) -> Result<Verdict, Failure> {
        with_context(&call, |ctx| T::check(ctx, &target))
    }
}

/// Stage `load`.
pub trait Loader: 'static {
    /// The steps, in order. Changes nothing.
    ///
    /// # Errors
    /// Fail the load.
    fn plan(ctx: &Context<'_>, target: &Target) -> Result<Vec<Step>, Failure>;

    /// Applies one step; must end right when it was cut off before.
    ///
    /// # Errors
    /// Leave the dataset dirty.
    fn apply(ctx: &Context<'_>, target: &Target, step: &Step) -> Result<(), Failure>;
}

impl<T: Loader> bindings::loader::exports::windlass::plugin::loader::Guest for T {
    fn plan(call: Call, target: Target) -> Result<Vec<Step>, Failure> {
        with_context(&call, |ctx| T::plan(ctx, &target))
    }

    fn apply(call: Call, target: Target, step: Step) -> Result<(), Failure> {
        with_context(&call, |ctx| T::apply(ctx, &target, &step))
    }
}

/// Stages of the project: `pre-up`, `post-up`, `pre-down`, `post-down`.
pub trait StageHook: 'static {
    /// Runs at the stage `name`; `payload` and result are JSON.
    ///
    /// # Errors
    /// At a `pre-…` stage stop the run; else a warning.
    fn run_stage(ctx: &Context<'_>, name: &str, payload: &str) -> Result<Option<String>, Failure>;
}

impl<T: StageHook> bindings::stage::exports::windlass::plugin::stage::Guest for T {
    fn run_stage(call: Call, name: String, payload: String) -> Result<Option<String>, Failure> {
        with_context(&call, |ctx| T::run_stage(ctx, &name, &payload))
    }
}

/// Subcommands.
pub trait Command: 'static {
    /// Runs; the result is the exit code.
    ///
    /// # Errors
    /// Are printed; the exit code is 1.
    fn run_command(ctx: &Context<'_>, name: &str, args: &[String]) -> Result<u8, Failure>;
}

impl<T: Command> bindings::command::exports::windlass::plugin::command::Guest for T {
    fn run_command(call: Call, name: String, args: Vec<String>) -> Result<u8, Failure> {
        with_context(&call, |ctx| T::run_command(ctx, &name, &args))
    }
}

/// The stages that get a container and answer yes or no.
macro_rules! container_stage {
    ($(#[$doc:meta])* $name:ident, $function:ident) => {
        $(#[$doc])*
        pub trait $name: 'static {
            /// Runs at the stage.
            ///
            /// # Errors
            /// Fail the service, or warn, as the stage says.
            fn $function(ctx: &Context<'_>, target: &Target) -> Result<(), Failure>;
        }

        impl<T: $name> bindings::$function::exports::windlass::plugin::$function::Guest for T {
            fn $function(call: Call, target: Target) -> Result<(), Failure> {
                with_context(&call, |ctx| T::$function(ctx, &target))
            }
        }
    };
}

container_stage!(
    /// Stage `pre-create`.
    PreCreate, pre_create
);
container_stage!(
    /// Stage `pre-start`.
    PreStart, pre_start
);
container_stage!(
    /// Stage `post-start`.
    PostStart, post_start
);
container_stage!(
    /// Stage `pre-stop`.
    PreStop, pre_stop
);
container_stage!(
    /// Stage `post-stop`.
    PostStop, post_stop
);
