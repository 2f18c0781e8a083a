//! Stores that violate conditions in different ways.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::super::objects::{Object, Request, Version};
use super::super::remote::{MemoryBucket, Remote};
use super::*;
use crate::model::{ObjectService, ObjectUrl};

/// The defect of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defect {
    /// A create overwrites an existing object.
    IgnoresAbsent,
    /// An overwrite ignores the version.
    IgnoresVersion,
    /// It refuses a create, but overwrites.
    RefusesAndCreates,
    /// It refuses an overwrite, but overwrites.
    RefusesAndOverwrites,
    /// It confirms an overwrite without doing it.
    ConfirmsAndForgets,
    /// It refuses every conditional write to an existing object.
    RefusesAll,
    /// The request with this number fails.
    FailsAt(usize),
}

/// A store in memory with a defect.
#[derive(Debug)]
struct Defective {
    defect: Defect,
    sound: Arc<Remote>,
    requests: AtomicUsize,
    probe: std::sync::Mutex<Option<Name>>,
}

impl Defective {
    fn new(defect: Defect) -> Self {
        let (service, lease) = (ObjectService::S3, Duration::from_mins(1));
        let url = ObjectUrl { service, bucket: "b".to_owned(), key: "k".to_owned(), lease };
        let sound = Remote::in_memory(&url, &MemoryBucket::default()).expect("a key");
        let (requests, probe) = (AtomicUsize::new(0), std::sync::Mutex::default());
        Self { defect, sound: Arc::new(sound), requests, probe }
    }

    fn request(&self) -> Result<(), RemoteError> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        if self.defect == Defect::FailsAt(number) {
            return Err(RemoteError::Unavailable(format!("request {number}")));
        }
        Ok(())
    }

    async fn overwrite(&self, name: &Name, bytes: Bytes) -> Result<Put, RemoteError> {
        let condition = match self.sound.get(name).await? {
            Some(object) => Condition::Version(object.version),
            None => Condition::Absent,
        };
        self.sound.put(name, bytes, &condition).await
    }

    async fn write(
        &self,
        name: &Name,
        bytes: Bytes,
        condition: &Condition,
    ) -> Result<Put, RemoteError> {
        self.request()?;
        *self.probe.lock().expect("no panic") = Some(name.clone());
        let creates = *condition == Condition::Absent;
        let exists = self.sound.get(name).await?.is_some();
        match self.defect {
            Defect::IgnoresAbsent if creates => self.overwrite(name, bytes).await,
            Defect::IgnoresVersion if !creates => self.overwrite(name, bytes).await,
            Defect::RefusesAndCreates if creates && exists => {
                self.overwrite(name, bytes).await?;
                Ok(Put::Refused)
            }
            Defect::RefusesAndOverwrites if !creates => {
                match self.sound.put(name, bytes.clone(), condition).await? {
                    done @ Put::Done(_) => Ok(done),
                    Put::Refused => {
                        self.overwrite(name, bytes).await?;
                        Ok(Put::Refused)
                    }
                }
            }
            Defect::ConfirmsAndForgets if !creates => Ok(Put::Done(Version("\"none\"".to_owned()))),
            Defect::RefusesAll if exists => Ok(Put::Refused),
            Defect::IgnoresAbsent
            | Defect::IgnoresVersion
            | Defect::RefusesAndCreates
            | Defect::RefusesAndOverwrites
            | Defect::ConfirmsAndForgets
            | Defect::RefusesAll
            | Defect::FailsAt(_) => self.sound.put(name, bytes, condition).await,
        }
    }
}

impl Objects for Defective {
    fn get<'a>(&'a self, name: &'a Name) -> Request<'a, Option<Object>> {
        Box::pin(async move {
            self.request()?;
            self.sound.get(name).await
        })
    }

    fn put<'a>(
        &'a self,
        name: &'a Name,
        bytes: Bytes,
        condition: &'a Condition,
    ) -> Request<'a, Put> {
        Box::pin(self.write(name, bytes, condition))
    }

    fn delete<'a>(&'a self, name: &'a Name) -> Request<'a, ()> {
        Box::pin(async move {
            self.request()?;
            self.sound.delete(name).await
        })
    }

    fn write_interval(&self) -> Duration {
        self.sound.write_interval()
    }

    fn is_known_to_be_sound(&self) -> bool {
        false
    }
}

/// Probes a store with a defect. Checks that the probe is deleted in any case.
async fn probed(defect: Defect) -> Result<(), ProbeError> {
    let store = Defective::new(defect);
    let result = probe(&store).await;
    let name = store.probe.lock().expect("no panic").clone().expect("a write");
    let left = store.sound.get(&name).await.expect("an answer");
    assert!(left.is_none(), "{defect:?} left {left:?}");
    result
}

#[tokio::test]
async fn a_store_that_violates_conditions_is_refused_and_the_probe_deleted() {
    let cases = [
        (Defect::IgnoresAbsent, "created an object that existed already"),
        (Defect::IgnoresVersion, "overwrote an object whose version had changed"),
        (Defect::RefusesAndCreates, "refused a write but performed it"),
        (Defect::RefusesAndOverwrites, "refused a write but performed it"),
        (Defect::ConfirmsAndForgets, "confirmed a write but did not perform it"),
        (Defect::RefusesAll, "refused to overwrite an object as it was read"),
    ];
    for (defect, part) in cases {
        let error = probed(defect).await.expect_err("refused");
        let words = error.to_string();
        assert!(words.contains(part) && words.contains("use a store with"), "{defect:?}: {words}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_request_is_reported_and_the_probe_deleted() {
    for number in 1..=6 {
        let failed = RemoteError::Unavailable(format!("request {number}"));
        assert_eq!(probed(Defect::FailsAt(number)).await, Err(ProbeError::Object(failed)));
    }
    // A failed deletion is retried.
    assert_eq!(probed(Defect::FailsAt(7)).await, Ok(()));
    assert_eq!(probed(Defect::FailsAt(99)).await, Ok(()));
}
