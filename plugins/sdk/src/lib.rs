//! Write Windlass plugins in Rust.
//!
//! ```ignore
//! use windlass_plugin::{Context, Failure, Probe, Target, Verdict, not_yet};
//!
//! pub struct Plugin;
//!
//! impl Probe for Plugin {
//!     fn check(ctx: &Context<'_>, target: &Target) -> Result<Verdict, Failure> {
//!         let (host, port) = target.endpoint(Some(6379))?;
//!         Ok(match ctx.tcp.connect(&host, port, ctx.patience(std::time::Duration::from_secs(1))) {
//!             Ok(_) => Verdict::Ready,
//!             Err(error) => not_yet(error.step, error.reason),
//!         })
//!     }
//! }
//!
//! windlass_plugin::export!(Plugin: probe);
//! windlass_plugin::manifest!("../manifest.json");
//! ```
//!
//! A crate with `crate-type = ["cdylib"]`, built for `wasm32-unknown-unknown` and made a component with `wit-component`
//! (in this repository: `cargo xtask plugins`). Everything that talks to the outside is behind small traits in a
//! [`Context`], so that the same code is tested natively with [`testing`].

pub mod bindings;
mod context;
pub mod host;
pub mod http;
pub mod inputs;
pub mod net;
pub mod records;
pub mod settings;
mod stages;
pub mod tcp;
pub mod testing;
mod types;

/// WASI, for what the wrappers do not cover.
pub use bindings::imports::wasi;
pub use bindings::imports::windlass::plugin::types::{Call, Diagnostic, Failure, Severity, Target};
/// Imports without a wrapper of their own.
pub use bindings::imports::windlass::plugin::{containers, project, secrets, state};
pub use context::Context;
pub use host::Host;
pub use http::Http;
pub use inputs::Inputs;
pub use stages::{
    Change, Command, ConfigTransform, Impossible, Loader, Pending, Policy, PostStart, PostStop, PreCreate, PreStart,
    PreStop, Probe, StageHook, Step, Verdict,
};
pub use tcp::Tcp;
pub use types::{failure, never, not_yet};

/// Exports a type as the plugin, for the stages whose traits it implements:
/// `export!(Plugin: probe, loader);`. Stages: `config_transform`, `policy`, `pre_create`, `pre_start`, `probe`,
/// `post_start`, `loader`, `pre_stop`, `post_stop`, `stage`, `command`. Does nothing on native targets.
#[macro_export]
macro_rules! export {
    ($plugin:ident: $($stage:ident),+ $(,)?) => {
        $(
            #[cfg(target_family = "wasm")]
            $crate::bindings::$stage::export!($plugin with_types_in $crate::bindings::$stage);
        )+
    };
}

/// Embeds the manifest, a JSON file beside the source, as the custom section `windlass:plugin-manifest`, and makes it
/// available as `MANIFEST`.
#[macro_export]
macro_rules! manifest {
    ($path:literal) => {
        /// The manifest, as embedded.
        pub const MANIFEST: &str = include_str!($path);

        #[cfg(target_family = "wasm")]
        const _: () = {
            #[expect(unsafe_code, reason = "a custom section is named this way; nothing else can clash with it")]
            #[unsafe(link_section = "windlass:plugin-manifest")]
            #[used]
            static SECTION: [u8; MANIFEST.len()] = *include_bytes!($path);
        };
    };
}
