//! One command's life as a run that somebody owns: load → lock → observe → plan → execute → follow.
//!
//! [`Session::spawn`] starts it and gives a [`Handle`]: events come out through a [`Sink`], requests to stop go in with a
//! [`Reason`], and [`Handle::join`] waits for the end. Nothing aborts an engine call half-way: a run is asked to stop and then
//! awaited, whoever asked and why. The session prints nothing, and reads neither files nor environment.

mod attached;
mod error;
mod event;
mod feed;
mod follow;
mod handle;
mod in_flight;
mod life;
mod lock;
mod logs;
mod request;
mod runner;
mod scope;
mod stop;
mod summary;
pub mod timeouts;
mod undo;

pub use error::Error;
pub use event::{Answer, Event, Output, Sink, Summary};
pub use handle::{Ended, Handle, Session};
pub use lock::{Holder, LockError, LockPlace, LockRequest, LockWait, ProjectLock};
pub use logs::LogsRequest;
pub use request::{
    Abort, After, Answers, FollowRequest, Follower, HooksMaker, Loaded, Planner, Proposal, Request, Subject,
};
pub use scope::scope;
pub use stop::{Asked, Reason};
