//! Takes the lease by one conditional write of the head. From then on other runs cannot write the
//! head; a late write of the state is refused after the first one under the new epoch (`locked.rs`).

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::model::{Holder, Lineage};
use crate::state::lease::{
    CALLS_END, POLL, Released, RemoteError, Sent, TAKEOVER_PATIENCE, Watch, locked,
};
use crate::state::{EarlierHolder, LastCalls, LeaseEnd, StateError, random_uuid};

use super::bucket::{Acknowledged, Bucket, Write, WriteError};
use super::document;
use super::head::{Head, Lines, ReadHead};
use super::objects::{Condition, Name, Object, Version};

/// A lease that this run took.
#[derive(Debug)]
pub(super) struct Lease {
    /// The head under this lease, with the journal that the previous run left.
    pub(super) read: ReadHead,
    /// The version of the head.
    pub(super) version: Version,
    /// When the write that took it was sent.
    pub(super) sent: Sent,
    /// What the previous holder may still do; `None` if there was none.
    pub(super) earlier: Option<EarlierHolder>,
}

/// The margin by which a head must be older than the lease by the store's clock, whose times are
/// whole seconds.
const STORE_CLOCK_MARGIN: Duration = Duration::from_secs(2);
/// Takes the lease. Waits at most `wait` for the release or the expiry of another run's lease.
pub(super) async fn take(
    bucket: &Bucket,
    lease: Duration,
    holder: &Holder,
    wait: Duration,
) -> Result<Lease, StateError> {
    let (started, mut watch) = (Instant::now(), Watch::default());
    loop {
        let taken = match bucket.get(&Name::Head).await? {
            None => begin(bucket, lease, holder).await?,
            Some(object) => {
                let (read, version) = parse(bucket, &object)?;
                let left = left_of(&mut watch, &object, &read.head);
                if left.is_zero() {
                    take_over(bucket, lease, holder, read, version).await?
                } else {
                    let may_wait = wait.saturating_sub(started.elapsed());
                    if may_wait.is_zero() {
                        return Err(locked(&bucket.location, read.head.holder, left));
                    }
                    sleep(POLL.min(left).min(may_wait)).await;
                    None
                }
            }
        };
        if let Some(taken) = taken {
            return Ok(taken);
        }
    }
}

/// Parses a head.
pub(super) fn parse(bucket: &Bucket, object: &Object) -> Result<(ReadHead, Version), StateError> {
    let name = bucket.named(&Name::Head);
    let read = Head::parse(&object.bytes);
    let read =
        read.map_err(|error| StateError::parse(std::path::Path::new(&name), error, document::fix))?;
    Ok((read, object.version.clone()))
}

/// Returns the time until the lease of a head expires without a renewal, as far as one answer shows
/// it; zero if the lease was released or has expired.
pub(super) fn left(object: &Object, head: &Head) -> Duration {
    left_of(&mut Watch::default(), object, head)
}

/// Marks a head as released uncleanly: the next run takes it over, and first writes the state
/// again.
pub(super) async fn release_uncleanly(
    bucket: &Bucket,
    head: &Head,
    version: &Version,
) -> Result<(), WriteError> {
    let head = Head { released: Some(Released::Uncleanly), ..head.clone() };
    let condition = Condition::Version(version.clone());
    write(bucket, &head, condition, Instant::now() + TAKEOVER_PATIENCE).await.map(drop)
}

/// Writes a head.
pub(super) async fn write(
    bucket: &Bucket,
    head: &Head,
    condition: Condition,
    until: Instant,
) -> Result<Acknowledged, WriteError> {
    let unwritable =
        |error: std::io::Error| WriteError::Failed(RemoteError::Denied(error.to_string()));
    let write_id = random_uuid().map_err(unwritable)?;
    let bytes = head.text(&write_id).map_err(|error| unwritable(error.into()))?;
    let name = &Name::Head;
    bucket.put(&Write { name, bytes, id: &write_id, condition }, until).await
}

/// Creates the first head of a state; `None` if another run was faster.
async fn begin(
    bucket: &Bucket,
    lease: Duration,
    holder: &Holder,
) -> Result<Option<Lease>, StateError> {
    if bucket.get(&Name::State).await?.is_some() {
        return Err(bucket.outdated("there is a state without its journal"));
    }
    let unwritable = StateError::io("begin", std::path::Path::new(&bucket.location));
    let lineage = Lineage(random_uuid().map_err(unwritable)?);
    let head = Head {
        lineage,
        replacement: None,
        epoch: 1,
        lease,
        holder: holder.clone(),
        released: None,
        state: None,
        journal: Lines::default(),
        last_calls: LastCalls::new(),
        unknown_calls: false,
    };
    let read = ReadHead { head, entries: Vec::new() };
    write_taken(bucket, read, Condition::Absent, None).await
}

/// Takes over a head whose lease was released or has expired: raises its epoch and keeps its
/// entries; `None` if another run was faster.
async fn take_over(
    bucket: &Bucket,
    lease: Duration,
    holder: &Holder,
    read: ReadHead,
    version: Version,
) -> Result<Option<Lease>, StateError> {
    let ReadHead { head, entries } = read;
    let clean = head.released == Some(Released::Cleanly) && entries.is_empty();
    let unknown_calls = head.unknown_calls || !clean;
    let (epoch, holder) = (head.epoch + 1, holder.clone());
    let head = Head { epoch, lease, holder, released: None, unknown_calls, ..head };
    let end = if clean { LeaseEnd::Released } else { LeaseEnd::TakenOver };
    let read = ReadHead { head, entries };
    write_taken(bucket, read, Condition::Version(version), Some(end)).await
}

async fn write_taken(
    bucket: &Bucket,
    read: ReadHead,
    condition: Condition,
    end: Option<LeaseEnd>,
) -> Result<Option<Lease>, StateError> {
    match write(bucket, &read.head, condition, Instant::now() + TAKEOVER_PATIENCE).await {
        Ok(Acknowledged { version, sent }) => {
            let calls_ended = Instant::now() + CALLS_END;
            let earlier = end.map(|lease| EarlierHolder { calls_ended, lease });
            Ok(Some(Lease { read, version, sent, earlier }))
        }
        Err(WriteError::Superseded(_)) => Ok(None),
        Err(WriteError::Failed(error)) => Err(bucket.failed("lock", &Name::Head, &error)),
    }
}

/// Returns how long to wait until a head may be taken over.
fn left_of(watch: &mut Watch<Version>, object: &Object, head: &Head) -> Duration {
    if head.released.is_some() {
        return Duration::ZERO;
    }
    let left = object.age.map(|age| (head.lease + STORE_CLOCK_MARGIN).saturating_sub(age));
    watch.left(object.version.clone(), head.lease, left)
}
