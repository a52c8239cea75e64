//! `logs -f`: the output of containers, across restarts and replacements.

use std::collections::BTreeSet;
use std::sync::Arc;

use windlass_runtime::Engine;
use windlass_runtime::engine::{EngineErrorKind, LogOptions};
use windlass_runtime::shutdown::Urgency;

use crate::error::Error;
use crate::feed::Feed;
use crate::follow::{Existing, FollowOptions, Following, Progress};
use crate::handle::Ended;
use crate::stop::Stops;
use crate::timeouts::{FOLLOW_LINGER, pause};

/// Whose logs are followed.
pub struct LogsRequest {
    /// Engine.
    pub engine: Arc<dyn Engine>,
    /// Project name.
    pub project: String,
    /// Services; `None`: all.
    pub services: Option<BTreeSet<String>>,
    /// Only the replica of this number.
    pub number: Option<u32>,
    /// What to read of the logs that are there already.
    pub options: LogOptions,
}

/// Shows the logs that are there and what is added to them, until all containers have ended and none comes back.
pub(crate) async fn live<E: From<Error>>(request: LogsRequest, feed: Feed, stops: Stops) -> Result<Ended, E> {
    let LogsRequest { engine, project, services, number, options } = request;
    let options = FollowOptions {
        project,
        services,
        number,
        timestamps: options.timestamps,
        existing: Existing::Logs(options),
        terminals: BTreeSet::new(),
        announce: false,
    };
    let starting = Following::start(&engine, feed, options);
    let Some(following) = stops.unless_stopped(starting).await else { return Ok(Ended::Interrupted) };
    let following = following.map_err(Error::from)?;
    tokio::select! {
        biased;
        () = stops.reached(Urgency::Graceful) => Ok(Ended::Interrupted),
        () = stops.unread() => Ok(Ended::Unread),
        end = to_the_end(&following) => end.map_err(E::from),
    }
}

async fn to_the_end(following: &Following) -> Result<Ended, Error> {
    let quiet = |progress: &Progress| progress.begun && progress.running.is_empty() && !progress.reading;
    loop {
        let progress = following.until(quiet).await;
        if let Some(reason) = progress.broken {
            return Err(Error::Engine(windlass_runtime::EngineError {
                operation: "follow the logs".to_owned(),
                message: reason,
                kind: EngineErrorKind::Unreachable,
                hint: None,
            }));
        }
        // Nothing that ran has ended: there is nothing that could come back.
        if progress.ends.is_empty() {
            return Ok(Ended::Done);
        }
        let back = following.until(|progress| !quiet(progress));
        tokio::select! {
            _ = back => {}
            () = pause(FOLLOW_LINGER) => return Ok(Ended::Done),
        }
    }
}
