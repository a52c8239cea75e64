//! Containers, images, networks and volumes, for engines that run containers one by one.

mod change;
pub(crate) mod claims;
pub(crate) mod converge;
pub(crate) mod diverge;
pub(crate) mod give_back;
pub mod hashing;
pub(crate) mod images;
pub(crate) mod images_first;
pub(crate) mod joins;
pub(crate) mod leftovers;
pub(crate) mod live;
mod networks;
mod owners;
pub(crate) mod parts;
pub(crate) mod rebuild;
pub(crate) mod resources;
pub(crate) mod restore;
pub mod spec;
pub(crate) mod start;
pub(crate) mod volumes;
