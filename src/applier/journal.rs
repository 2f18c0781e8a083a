//! Writes the journal entries around a call: its intent before, its result after.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::{Address, Pending, PendingKind, RecordedRoom, Room, Timestamp};
use crate::state::{Durable, Entry, StateError, WriteStore};

/// Writes entries durably. After a failed write no more calls may be sent.
#[derive(Clone)]
pub(super) struct JournalWriter {
    store: Arc<dyn WriteStore>,
    is_broken: Arc<AtomicBool>,
}

impl JournalWriter {
    pub(super) fn new(store: Arc<dyn WriteStore>) -> Self {
        Self { store, is_broken: Arc::default() }
    }

    /// Returns whether entries can no longer be written.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    /// Marks the journal as broken: no entry can be written any more.
    pub(super) fn mark_broken(&self) {
        self.is_broken.store(true, Ordering::Relaxed);
    }

    /// Writes that a call is about to be sent, and returns until when it may be sent.
    pub(super) async fn intent(
        &self,
        address: &Address,
        record: &RecordedRoom,
        kind: PendingKind,
        at: Timestamp,
        target: Option<Arc<Room>>,
    ) -> Result<Durable, StateError> {
        let mut record = record.clone();
        record.pending = Some(Box::new(Pending::new(kind, at, target)));
        self.written(vec![Entry::Intent(address.clone(), record)]).await
    }

    /// Writes a room's new record.
    pub(super) async fn record(
        &self,
        address: &Address,
        record: &RecordedRoom,
    ) -> Result<(), StateError> {
        self.append(vec![Entry::Result(address.clone(), record.clone())]).await
    }

    /// Writes that a room is no longer recorded.
    pub(super) async fn remove(&self, address: &Address) -> Result<(), StateError> {
        self.append(vec![Entry::Removed(address.clone())]).await
    }

    /// Writes that a call did nothing: the record is as it was before its intent.
    pub(super) async fn restore(
        &self,
        address: &Address,
        before: Option<&RecordedRoom>,
    ) -> Result<(), StateError> {
        match before {
            Some(record) => self.record(address, record).await,
            None => self.remove(address).await,
        }
    }

    /// Writes several entries at once.
    pub(super) async fn append(&self, entries: Vec<Entry>) -> Result<(), StateError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.written(entries).await.map(drop)
    }

    async fn written(&self, entries: Vec<Entry>) -> Result<Durable, StateError> {
        let written = self.store.append(entries).await;
        if written.is_err() {
            self.mark_broken();
        }
        written
    }
}
