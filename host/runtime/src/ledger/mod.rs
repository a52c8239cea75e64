//! What is loaded where: a log for each dataset and place, kept in the engine as labelled empty volumes of the project.
//!
//! Labels cannot be changed once a marker is made, so nothing is: a load *appends* markers, and removes those that a newer
//! one has made worthless. The newest counts ([`decide`]). Names carry the number of the marker in its log, and making a
//! marker that exists answers with the one that is there: whoever finds its own word in the answer was first. That makes
//! appending the lock between two machines or users, with no other means than the engine.
//!
//! `docs/design/ledger.md` says what follows from that, and what cannot be had.

mod decide;
mod entry;
mod log;

pub use decide::{Standing, Verdict, decide};
pub use entry::{Draft, Entry, Owner, State};
pub use log::{Appended, Claim, Ledger};
