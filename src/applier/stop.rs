//! The wish to stop: no new step is started, and those under way may finish.

use tokio::sync::watch;

/// Tells a run whether it is to stop.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// Tells everyone who holds a [`Stop`] to stop.
#[derive(Debug)]
pub struct StopSwitch(watch::Sender<bool>);

impl StopSwitch {
    /// Makes a switch that is off, and what hears it.
    #[must_use]
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(receiver))
    }

    /// Asks for the stop. It cannot be taken back.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// A wish that never comes.
    pub(super) fn never() -> Self {
        StopSwitch::new().1
    }

    /// Whether the stop was asked for.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the stop is asked for; for ever where it never is.
    pub async fn wanted(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for `work`, or for the stop: none where the stop came first.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.wanted() => None,
            done = work => Some(done),
        }
    }
}
