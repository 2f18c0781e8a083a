//! The state as a file, with its journal, backup copies and lock beside it.

mod difference;
mod disk;
mod fold;
mod folder;
mod load;
mod lock_file;
mod locked;
mod queue;
mod repair;
mod rescue;
mod session;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::error::text;
use super::format::SharedRooms;
use super::repair::Repair;
use super::{Access, Held, Holder, ReadStore, Snapshot, StateError, Store, WriteStore};

use disk::{Disk, LocalDisk};
use folder::Folder;
use load::Read;
use lock_file::{Attempt, Earlier, Ended, LockFile};

use locked::Locked;

use repair::FileRepair;

/// The interval at which a lock of another run is tried again.
const POLL: Duration = Duration::from_millis(200);

/// A state in a local file. Reads it, or takes its lock to write it.
///
/// Symbolic links are followed, so that a new state replaces the file and not the link. All files
/// have mode 0600.
#[derive(Clone)]
pub(super) struct FileStore {
    path: PathBuf,
    disk: Arc<dyn Disk>,
    shared: SharedRooms,
}

impl FileStore {
    /// Creates the store of a path. Reads nothing yet.
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        let (path, disk) = (path.into(), Arc::new(LocalDisk));
        Self { path, disk, shared: SharedRooms::default() }
    }

    /// Lets the record share the rooms that are recorded exactly as they are declared, to save
    /// memory.
    pub(super) fn sharing(self, shared: SharedRooms) -> Self {
        Self { shared, ..self }
    }

    /// Takes the lock, and computes what a repair would write.
    pub(super) async fn repair(
        &self,
        holder: Holder,
        wait: Duration,
    ) -> Result<Option<Repair>, StateError> {
        let found = self.locked(holder, wait, FileRepair::compute).await?;
        Ok(found.map(Repair::from))
    }

    /// Takes the lock, and passes it to `next`.
    async fn locked<T: Send + 'static>(
        &self,
        holder: Holder,
        wait: Duration,
        next: fn(Folder, LockFile) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let start = tokio::time::Instant::now();
        loop {
            let holder = holder.clone();
            let attempt = move |folder: Folder| match LockFile::take(&folder.lock, holder)? {
                Attempt::Held(by) => Ok(Attempt::Held(by)),
                Attempt::Taken(lock) => next(folder, lock).map(Attempt::Taken),
            };
            let held_by = match self.blocking(attempt).await? {
                Attempt::Taken(taken) => return Ok(taken),
                Attempt::Held(by) => by,
            };
            let left = wait.saturating_sub(start.elapsed());
            if left.is_zero() {
                let (location, holder) = (text(&self.path), held_by.map(Box::new));
                return Err(StateError::Locked { location, holder, lease_ends: None });
            }
            tokio::time::sleep(POLL.min(left)).await;
        }
    }

    async fn blocking<T, F>(&self, work: F) -> Result<T, StateError>
    where
        T: Send + 'static,
        F: FnOnce(Folder) -> Result<T, StateError> + Send + 'static,
    {
        let store = self.clone();
        blocking(&self.path, move || {
            work(Folder::of(&store.path, store.disk).sharing(store.shared))
        })
        .await
    }
}

impl ReadStore for FileStore {
    fn read(&self) -> Access<'_, Snapshot> {
        Box::pin(self.blocking(|folder| {
            let Earlier { last_calls, ended } = lock_file::earlier(&folder.lock)?;
            let Read { recorded, found, in_progress } = load::read(&folder)?;
            Ok(Snapshot {
                recorded: Arc::new(recorded),
                found,
                last_calls,
                ended_uncleanly: ended == Ended::Uncleanly,
                in_progress,
                folded: None,
                earlier: None,
            })
        }))
    }
}

impl Store for FileStore {
    fn lock(&self, holder: Holder, wait: Duration) -> Access<'_, Arc<dyn WriteStore>> {
        Box::pin(async move {
            let locked = self.locked(holder, wait, Locked::open).await?;
            Ok(Arc::new(locked) as Arc<dyn WriteStore>)
        })
    }

    fn held(&self) -> Access<'_, Option<Held>> {
        Box::pin(self.blocking(|folder| lock_file::held(&folder.lock)))
    }

    fn unlock(&self, _: Held) -> Access<'_, ()> {
        Box::pin(async {
            let Some(Held { holder, lease: _ }) = self.held().await? else { return Ok(()) };
            let (location, holder) = (text(&self.path), holder.map(Box::new));
            Err(StateError::Locked { location, holder, lease_ends: None })
        })
    }
}

/// Runs blocking disk work on a separate thread. A paused tokio clock does not advance meanwhile.
async fn blocking<T: Send + 'static>(
    state: &Path,
    work: impl FnOnce() -> Result<T, StateError> + Send + 'static,
) -> Result<T, StateError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(StateError::Stopped { location: text(state) }),
        },
    }
}

#[cfg(test)]
mod memory_disk;
#[cfg(test)]
mod tests;
