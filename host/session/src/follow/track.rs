//! One container's runs and ends, told once each, from snapshots that may pass over any number of them.

use windlass_runtime::state::{Instance, Phase};

/// What is new about a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// A run began.
    Run {
        /// Somebody attached to the container before, so its output is shown already.
        attached: bool,
    },
    /// A run ended.
    End {
        /// Exit code.
        code: i64,
        /// Another run follows.
        again: bool,
    },
}

/// What was seen of one container.
#[derive(Debug, Clone, Default)]
pub(super) struct Track {
    /// Starts that were seen, by the snapshot's counter.
    starts: u64,
    /// Time of the last end that was seen.
    last_end: i64,
    /// Runs and ends that are told of, from the first one that is followed.
    runs: u64,
    ended: u64,
    /// An end of which it is not known yet whether another run follows.
    pending: Option<Option<i64>>,
    attached: bool,
    running: bool,
}

impl Track {
    /// A container that was there before anybody looked. `followed`: its present run is followed to its end.
    pub(super) fn of_existing(instance: &Instance, followed: bool) -> Self {
        let last_end = instance.ends.back().map_or(0, |end| end.time);
        Self { starts: instance.starts, last_end, runs: u64::from(followed), running: followed, ..Self::default() }
    }

    /// Somebody has attached to the container, which is about to be started.
    pub(super) fn attach(&mut self) {
        self.attached = true;
    }

    /// A run is followed that has not come to an end for good.
    pub(super) const fn is_running(&self) -> bool {
        self.running
    }

    /// A run was ever followed.
    pub(super) const fn was_followed(&self) -> bool {
        self.runs > 0
    }

    /// What is new since the last look.
    pub(super) fn look(&mut self, instance: &Instance) -> Vec<News> {
        let mut news = Vec::new();
        let run = self.run_of(instance, &mut news);
        self.ends_of(instance, &mut news);
        // Whoever reads a run is told of the end that comes next: that of an earlier run must come before the run itself.
        if matches!(instance.phase, Phase::Created | Phase::Running | Phase::Paused) {
            self.decide(instance, &mut news);
            news.extend(run);
        } else {
            news.extend(run);
            self.decide(instance, &mut news);
        }
        news
    }

    fn run_of(&mut self, instance: &Instance, news: &mut Vec<News>) -> Option<News> {
        let fresh = instance.starts.saturating_sub(self.starts);
        if fresh == 0 {
            return None;
        }
        if let Some(code) = self.pending.take() {
            news.push(News::End { code: code.unwrap_or_default(), again: true });
        }
        self.starts = instance.starts;
        self.runs += fresh;
        self.running = true;
        // An attachment shows the first run after it only.
        let attached = std::mem::take(&mut self.attached) && fresh == 1;
        Some(News::Run { attached })
    }

    fn ends_of(&mut self, instance: &Instance, news: &mut Vec<News>) {
        let fresh: Vec<_> = instance.ends.iter().filter(|end| end.time > self.last_end).collect();
        let Some(last) = fresh.last() else { return };
        self.last_end = last.time;
        // Ends of runs that are not followed are nobody's business: an old container that is replaced ends, too.
        if self.runs == 0 {
            return;
        }
        for end in fresh {
            if let Some(code) = self.pending.take() {
                news.push(News::End { code: code.unwrap_or_default(), again: true });
            }
            self.ended += 1;
            self.pending = Some(end.code);
        }
    }

    /// The event of an end does not say what comes after it: that takes another look at the container.
    fn decide(&mut self, instance: &Instance, news: &mut Vec<News>) {
        let Some(code) = self.pending else {
            // It is gone, and no end was told of.
            self.running &= !matches!(instance.phase, Phase::Removed | Phase::Dead);
            return;
        };
        let again = match instance.phase {
            // The engine sometimes knows the exit code a moment later than the end.
            Phase::Exited if code.is_none() => return,
            Phase::Exited | Phase::Dead | Phase::Removing | Phase::Removed => false,
            Phase::Restarting => true,
            // Either it runs again, or nobody has looked since it ended.
            Phase::Created | Phase::Running | Phase::Paused if self.ended < self.runs => true,
            Phase::Created | Phase::Running | Phase::Paused => return,
        };
        self.pending = None;
        self.running = again;
        news.push(News::End { code: code.unwrap_or_default(), again });
    }
}

#[cfg(test)]
mod tests;
