//! Scenarios on a real engine: intent, steps, state checks.
//!
//! Each has a project of its own and removes it. Where behaviour is shared with `docker compose`, the same steps run
//! with both tools ([`harness::both`]): a scenario that the peer fails is a wrong scenario. Without an engine, or without
//! the peer, they are skipped by name (see [`harness::skip`]).

mod adoption;
mod attached;
mod builds;
mod errors;
mod foodtrucks;
mod harness;
mod lifecycle;
mod loads;
mod plugins;
mod readiness;
mod registry;
mod signals;
