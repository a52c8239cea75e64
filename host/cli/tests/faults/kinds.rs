//! The faults, and what is right after each.

use std::sync::Arc;
use std::time::Duration;

use windlass_testkit::{Fault, Scope};

/// What happens at the numbered call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The engine never sees a changing call; Windlass gets this status.
    Status(u16),
    /// A changing call arrives late.
    Delay,
    /// The connection of a changing call ends before the engine sees it.
    CutBefore,
    /// The engine does what a changing call asks, and the connection ends before the answer.
    CutAfter,
    /// A call that only looks gets this status.
    ReadStatus(u16),
    /// The connection of a call that only looks ends without an answer.
    ReadCut,
    /// SIGKILL when the engine did what a changing call asks.
    Kill,
    /// SIGINT then.
    Interrupt,
    /// SIGINT then, and again.
    InterruptTwice,
    /// The engine restarts then.
    Restart,
    /// All event streams end then.
    EndEvents,
}

/// In the order of the table.
pub(crate) const KINDS: &[(&str, Kind)] = &[
    ("500", Kind::Status(500)),
    ("409", Kind::Status(409)),
    ("404", Kind::Status(404)),
    ("delay", Kind::Delay),
    ("cut-before", Kind::CutBefore),
    ("cut-after", Kind::CutAfter),
    ("read-500", Kind::ReadStatus(500)),
    ("read-404", Kind::ReadStatus(404)),
    ("read-cut", Kind::ReadCut),
    ("kill", Kind::Kill),
    ("int", Kind::Interrupt),
    ("int-twice", Kind::InterruptTwice),
    ("events-end", Kind::EndEvents),
    ("restart", Kind::Restart),
];

impl Kind {
    /// Which calls are numbered.
    pub(crate) fn scope(self) -> Scope {
        if matches!(self, Self::ReadStatus(_) | Self::ReadCut) { Scope::Reading } else { Scope::Changing }
    }

    /// The proxy's part; `act` is the harness's own.
    pub(crate) fn fault(self, act: Arc<dyn Fn() + Send + Sync>) -> Fault {
        match self {
            Self::Status(code) | Self::ReadStatus(code) => Fault::Status(code),
            // Long enough for everything that does not wait for the call to overtake it.
            Self::Delay => Fault::Delay(Duration::from_millis(400)),
            Self::CutBefore | Self::ReadCut => Fault::CutBefore,
            Self::CutAfter => Fault::CutAfter,
            Self::EndEvents => Fault::EndEvents,
            Self::Kill | Self::Interrupt | Self::InterruptTwice | Self::Restart => Fault::Then(act),
        }
    }

    /// Nobody is left to say a word or to put anything right.
    pub(crate) fn kills(self) -> bool {
        self == Self::Kill
    }

    /// The user asked for the end, which is no error.
    pub(crate) fn interrupts(self) -> bool {
        matches!(self, Self::Interrupt | Self::InterruptTwice)
    }

    /// Whether the run must succeed all the same.
    pub(crate) fn harmless(self) -> bool {
        matches!(self, Self::Delay | Self::EndEvents)
    }

    /// The answer says that the thing is gone or in use, and neither is true. A run may take the engine's word: what it leaves
    /// behind then is for the next one.
    pub(crate) fn misleads(self) -> bool {
        matches!(self, Self::Status(404 | 409))
    }

    /// The engine stops every container, so that what runs afterwards tells nothing about Windlass.
    pub(crate) fn stops_all(self) -> bool {
        self == Self::Restart
    }
}
