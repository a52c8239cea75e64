//! The user's wish to stop, as a value that is passed down: first graceful, then at once.

use tokio::sync::watch;

/// How urgently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Urgency {
    /// Go on.
    #[default]
    None,
    /// Start nothing new; stop gracefully.
    Graceful,
    /// Kill.
    Immediate,
}

/// Receives the wish; clone it freely.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<Urgency>);

/// Raises the wish; owned by whoever listens to signals.
#[derive(Debug)]
pub struct ShutdownTrigger(watch::Sender<Urgency>);

impl Shutdown {
    /// A trigger and its receiver.
    #[must_use]
    pub fn channel() -> (ShutdownTrigger, Self) {
        let (sender, receiver) = watch::channel(Urgency::None);
        (ShutdownTrigger(sender), Self(receiver))
    }

    /// Urgency right now.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        *self.0.borrow()
    }

    /// Resolves when the urgency is at least `level`; never, if the trigger is gone before.
    ///
    /// # Cancel safety
    /// Safe: holds no state of its own.
    pub async fn reached(&mut self, level: Urgency) {
        if self.0.wait_for(|urgency| *urgency >= level).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl ShutdownTrigger {
    /// Raises the urgency to at least `level`; it never falls.
    pub fn raise(&self, level: Urgency) {
        self.0.send_if_modified(|urgency| {
            let raised = *urgency < level;
            *urgency = (*urgency).max(level);
            raised
        });
    }

    /// One level further: none → graceful → immediate.
    pub fn escalate(&self) {
        self.0.send_modify(|urgency| {
            *urgency = match urgency {
                Urgency::None => Urgency::Graceful,
                Urgency::Graceful | Urgency::Immediate => Urgency::Immediate,
            };
        });
    }
}
