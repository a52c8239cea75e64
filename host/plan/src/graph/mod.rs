//! The graph of steps: what it is made of, how it is built, what it must hold to, and how it reads as text. Nothing here
//! decides what happens to a container.

mod builder;
pub mod check;
pub mod claims;
pub mod render;
pub(crate) mod select;
pub(crate) mod step;
pub mod units;

pub(crate) use builder::{Builder, Draft, Rank, Role};
