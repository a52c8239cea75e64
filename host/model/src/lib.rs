//! Compose files to a [`Project`]: parse, interpolate, merge, extend, include, select, normalise, validate,
//! render and hash.
//!
//! Synchronous and pure: everything outside comes in through [`FileSource`] and [`LoadOptions`]. Input is frozen in
//! stages with different types: text → [`node::Node`] (with spans) → merged canonical `Node` → [`Project`].

mod advice;
mod api_socket;
pub mod canonical;
pub mod decode;
pub mod diagnostic;
pub mod dotenv;
pub mod hash;
pub mod interpolate;
mod limits;
pub mod load;
pub mod merge;
pub mod node;
pub mod normalise;
pub mod paths;
pub mod pin;
pub mod project;
pub mod reference;
pub mod render;
pub mod schema;
pub mod source;
pub mod suggest;
pub mod units;
pub mod validate;
pub mod windlass;
pub mod x_windlass;
pub mod yaml;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use load::{Loaded, load, project_name};
pub use project::Project;
pub use source::{FileKind, FileSource, LoadOptions};
pub use x_windlass::windlass_schema;
