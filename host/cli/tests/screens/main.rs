//! What a user sees, over an engine and plugins in memory: hermetic, so that a snapshot holds every word.
//!
//! The program runs in this process with a world of its own: no environment, a fixed clock, a fixed width, its own streams.

mod desk;
mod excerpts;
mod failures;
mod files;
mod flags;
mod lifecycle;
mod listings;
mod names;
mod progress;
mod refusals;
