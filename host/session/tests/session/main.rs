//! Sessions over an engine in memory: what each reason to stop leads to, in every phase.

mod bench;
mod following;
mod planning;
mod stopping;
