//! Compose files to a [`Project`]: parse, interpolate, merge, extend, include, select, normalise, validate,
//! render and hash.
//!
//! Synchronous and pure: everything outside comes in through [`FileSource`] and [`LoadOptions`]. Input is frozen in
//! stages with different types: text → [`node::Node`] (with spans) → merged canonical `Node` → [`Project`].

pub mod diagnostic;
pub mod node;
pub mod project;
pub mod source;
pub mod windlass;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use project::Project;
pub use source::{FileSource, LoadOptions};
