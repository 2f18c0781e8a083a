//! Crash injection: after a number of sends, answers and appends the run never continues.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use roomctl::model::{Lineage, Recorded};
use roomctl::state::{
    Access, Durable, Entry, Folded, Held, Holder, LastCalls, Lost, ReadStore, Snapshot, StateError,
    Store, WriteStore,
};
use tokio::sync::watch;

/// Counts the moments of a run. From a given moment on it blocks forever.
#[derive(Clone, Debug)]
pub(crate) struct Fuse(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    blows_at: u64,
    passed: AtomicU64,
    blown: watch::Sender<bool>,
}

/// A store whose every append has two moments: before it and after it.
pub(crate) struct Fused {
    pub(crate) store: Box<dyn Store>,
    pub(crate) fuse: Fuse,
}

struct FusedLock {
    store: Arc<dyn WriteStore>,
    fuse: Fuse,
}

impl Fuse {
    /// Creates a fuse that never blows.
    pub(crate) fn never() -> Self {
        Self::after(u64::MAX)
    }

    /// Creates a fuse that blows after `moments` moments.
    pub(crate) fn after(moments: u64) -> Self {
        let (blown, _) = watch::channel(false);
        Self(Arc::new(Inner { blows_at: moments, passed: AtomicU64::new(0), blown }))
    }

    /// Lets a moment pass, or blows and never returns.
    pub(crate) async fn pass(&self) {
        if self.0.passed.fetch_add(1, Ordering::Relaxed) >= self.0.blows_at {
            self.0.blown.send_replace(true);
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the fuse has blown.
    pub(crate) async fn blown(&self) {
        let mut blown = self.0.blown.subscribe();
        blown.wait_for(|blown| *blown).await.expect("the fuse exists");
    }
}

impl ReadStore for Fused {
    fn read(&self) -> Access<'_, Snapshot> {
        self.store.read()
    }
}

impl Store for Fused {
    fn lock(&self, holder: Holder, wait: Duration) -> Access<'_, Arc<dyn WriteStore>> {
        Box::pin(async move {
            let (store, fuse) = (self.store.lock(holder, wait).await?, self.fuse.clone());
            let locked: Arc<dyn WriteStore> = Arc::new(FusedLock { store, fuse });
            Ok(locked)
        })
    }

    fn held(&self) -> Access<'_, Option<Held>> {
        self.store.held()
    }

    fn unlock(&self, held: Held) -> Access<'_, ()> {
        self.store.unlock(held)
    }
}

impl WriteStore for FusedLock {
    fn snapshot(&self) -> &Snapshot {
        self.store.snapshot()
    }

    fn lineage(&self) -> Result<Lineage, StateError> {
        self.store.lineage()
    }

    fn continue_lineage(&self, lineage: Lineage) -> Result<(), StateError> {
        self.store.continue_lineage(lineage)
    }

    fn reserve(&self, entries: usize) -> Access<'_, ()> {
        self.store.reserve(entries)
    }

    fn check(&self) -> Access<'_, ()> {
        self.store.check()
    }

    fn send_window(&self) -> Option<Duration> {
        self.store.send_window()
    }

    fn append(&self, entries: Vec<Entry>) -> Access<'_, Durable> {
        Box::pin(async move {
            self.fuse.pass().await;
            let durable = self.store.append(entries).await?;
            self.fuse.pass().await;
            Ok(durable)
        })
    }

    fn replace(&self, recorded: Recorded) -> Access<'_, ()> {
        self.store.replace(recorded)
    }

    fn lost(&self) -> Lost<'_> {
        self.store.lost()
    }

    fn fold(&self, last_calls: LastCalls) -> Access<'_, Folded> {
        Box::pin(async move {
            self.fuse.pass().await;
            self.store.fold(last_calls).await
        })
    }
}
