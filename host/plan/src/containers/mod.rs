//! Containers, images, networks and volumes, for engines that run containers one by one.

pub(crate) mod converge;
pub(crate) mod diverge;
pub mod hashing;
pub(crate) mod images;
pub(crate) mod live;
pub(crate) mod rebuild;
pub(crate) mod resources;
pub mod spec;
