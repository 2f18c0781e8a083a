//! The objects of a state on S3, Google Cloud Storage or Azure Blob Storage, or in memory.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    PutResult, UpdateVersion,
};

use super::answer::{Expectation, Refusal, credentials_advice};
use super::connect::{self, Connected};
use super::http::{ConnectionError, Exchange, cause, recorded};
use super::objects::{Condition, Name, Object, Objects, Put, Request, Version};
use crate::model::{ObjectService, ObjectUrl};
use crate::state::lease::RemoteError;
use crate::state::{StateError, StoreEnvironment};

/// The objects of a state in a bucket.
pub(super) struct Remote {
    store: Arc<dyn ObjectStore>,
    url: ObjectUrl,
    /// The host of the service, with its port; `None` for a bucket in memory.
    host: Option<String>,
    endpoint: Endpoint,
    /// Whether the endpoint has answered as an object store.
    answered: AtomicBool,
    /// Whether the last answer came from a service that is known to honour conditions.
    sound: AtomicBool,
}

/// Who operates the endpoint of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// The vendor.
    Vendor,
    /// Unknown: the environment names the endpoint.
    Custom,
}

/// A bucket in the memory of this process. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryBucket(Arc<InMemory>);

impl Remote {
    /// Creates the client of a state's objects. Sends nothing yet.
    ///
    /// # Errors
    /// Returns [`StateError::Unusable`] if the environment lacks or contradicts what the service
    /// needs.
    pub(super) fn connect(
        url: &ObjectUrl,
        environment: &StoreEnvironment,
    ) -> Result<Self, StateError> {
        let unusable = |why| StateError::Unusable { location: url.to_string(), why };
        let Connected { store, host, endpoint } =
            connect::connect(url, environment).map_err(unusable)?;
        Self::new(url, store, Some(host), endpoint)
    }

    /// Returns the objects of a state in a bucket in memory.
    ///
    /// # Errors
    /// Returns [`StateError::Unusable`] if the key is invalid.
    pub(super) fn in_memory(url: &ObjectUrl, bucket: &MemoryBucket) -> Result<Self, StateError> {
        let MemoryBucket(store) = bucket;
        Self::new(url, Arc::<InMemory>::clone(store), None, Endpoint::Vendor)
    }

    fn new(
        url: &ObjectUrl,
        store: Arc<dyn ObjectStore>,
        host: Option<String>,
        endpoint: Endpoint,
    ) -> Result<Self, StateError> {
        Path::parse(&url.key).map_err(|_| {
            let why = "its key has characters that object stores do not accept".to_owned();
            StateError::Unusable { location: url.to_string(), why }
        })?;
        let (answered, sound) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok(Self { store, url: url.clone(), host, endpoint, answered, sound })
    }

    async fn read(&self, name: &Name) -> Result<Option<Object>, RemoteError> {
        let (path, answered) = (self.path(name)?, self.answered.load(Ordering::Relaxed));
        let read = async {
            let result = self.store.get_opts(&path, GetOptions::default()).await?;
            let (e_tag, version) = (result.meta.e_tag.clone(), result.meta.version.clone());
            Ok((result.bytes().await?, e_tag, version))
        };
        let (result, exchange) = recorded(read).await;
        let age = match &exchange {
            Some(Exchange::Answered(answer)) => answer.age,
            Some(Exchange::Failed(..)) | None => None,
        };
        match self.outcome(result, exchange.as_ref()) {
            Ok((bytes, e_tag, version)) => {
                let version = self.version(e_tag, version, answered)?;
                Ok(Some(Object { bytes, version, age }))
            }
            Err(Refusal::NoObject) => Ok(None),
            Err(Refusal::Condition) => Err(contradiction("a read without condition")),
            Err(Refusal::Error(error)) => Err(error),
        }
    }

    async fn write(
        &self,
        name: &Name,
        bytes: Bytes,
        condition: &Condition,
    ) -> Result<Put, RemoteError> {
        let (path, answered) = (self.path(name)?, self.answered.load(Ordering::Relaxed));
        let mode = match condition {
            Condition::Absent => PutMode::Create,
            Condition::Version(version) => PutMode::Update(self.update(version)),
        };
        let attributes = Attributes::from_iter([(Attribute::CacheControl, "no-store")]);
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        let write = self.store.put_opts(&path, bytes.into(), options);
        let (result, exchange) = recorded(write).await;
        match (self.outcome(result, exchange.as_ref()), condition) {
            (Ok(PutResult { e_tag, version, extensions: _ }), _) => {
                Ok(Put::Done(self.version(e_tag, version, answered)?))
            }
            // Amazon S3 answers this if the object was deleted.
            (Err(Refusal::NoObject), Condition::Version(_)) | (Err(Refusal::Condition), _) => {
                Ok(Put::Refused)
            }
            (Err(Refusal::NoObject), Condition::Absent) => {
                Err(contradiction("a write of a new object"))
            }
            (Err(Refusal::Error(error)), _) => Err(error),
        }
    }

    async fn remove(&self, name: &Name) -> Result<(), RemoteError> {
        let path = self.path(name)?;
        let (result, exchange) = recorded(self.store.delete(&path)).await;
        match self.outcome(result, exchange.as_ref()) {
            Ok(()) | Err(Refusal::NoObject) => Ok(()),
            Err(Refusal::Condition) => Err(contradiction("a deletion without condition")),
            Err(Refusal::Error(error)) => Err(error),
        }
    }

    fn path(&self, name: &Name) -> Result<Path, RemoteError> {
        let key = &self.url.key;
        let key = match name {
            Name::State => key.clone(),
            Name::Head => format!("{key}.journal"),
            Name::Probe(random) => format!("{key}.probe-{random}"),
        };
        Path::parse(key).map_err(|error| RemoteError::Denied(cause(&error)))
    }

    /// Classifies the result of a call. The errors of `object_store` contain URLs, which may have a
    /// signature: they are used only if nothing was sent.
    fn outcome<T>(
        &self,
        result: object_store::Result<T>,
        exchange: Option<&Exchange>,
    ) -> Result<T, Refusal> {
        let refusal = match (result, exchange) {
            (Ok(value), exchange) => {
                self.note(exchange);
                return Ok(value);
            }
            (Err(_), Some(Exchange::Answered(answer))) if self.is_store(&answer.host) => {
                answer.refusal(self.expectation())
            }
            (Err(_), Some(Exchange::Answered(answer))) => {
                Refusal::Error(answer.without_credentials(self.expectation()))
            }
            (Err(_), Some(Exchange::Failed(host, why))) => Refusal::Error(self.failed(host, why)),
            (Err(error), None) => unsent(&error),
        };
        match refusal {
            Refusal::NoObject | Refusal::Condition => self.note(exchange),
            Refusal::Error(_) => {}
        }
        Err(refusal)
    }

    /// Records that an object store answered, and whether it is known to honour conditions.
    fn note(&self, exchange: Option<&Exchange>) {
        let server = match exchange {
            Some(Exchange::Answered(answer)) => answer.server.as_deref().unwrap_or_default(),
            // A bucket in memory sends no response, and honours conditions.
            Some(Exchange::Failed(..)) | None => return self.sound.store(true, Ordering::Relaxed),
        };
        let named = match self.url.service {
            ObjectService::S3 => server == "AmazonS3",
            ObjectService::Gcs => server == "UploadServer",
            ObjectService::Azure => server.starts_with("Windows-Azure-Blob"),
        };
        self.sound.store(named && self.endpoint == Endpoint::Vendor, Ordering::Relaxed);
        self.answered.store(true, Ordering::Relaxed);
    }

    fn failed(&self, host: &str, why: &ConnectionError) -> RemoteError {
        let (sentence, answered) = (why.sentence(), self.answered.load(Ordering::Relaxed));
        let missing = format!("{sentence}, so there are no credentials for the state");
        match (self.is_store(host), answered, why) {
            (true, false, ConnectionError::Unconnected(why)) => RemoteError::Unreachable(format!(
                "{why}; check the endpoint, and that this machine reaches it"
            )),
            (true, _, ConnectionError::Unconnected(_) | ConnectionError::Unanswered(_)) => {
                RemoteError::Unavailable(sentence.to_owned())
            }
            (false, true, _) => RemoteError::Unavailable(missing),
            (false, false, _) => {
                let advice = credentials_advice(self.url.service);
                RemoteError::Denied(format!("{missing}; {advice}"))
            }
        }
    }

    fn is_store(&self, host: &str) -> bool {
        self.host.as_deref() == Some(host)
    }

    fn expectation(&self) -> Expectation<'_> {
        let ObjectUrl { service, bucket, key: _, lease: _ } = &self.url;
        let answered = self.answered.load(Ordering::Relaxed);
        Expectation { service: *service, bucket, answered }
    }

    /// Returns the version in an answer. An answer without one is not an object store's: it comes
    /// from a proxy, or if the store has not answered before, from a wrong endpoint.
    fn version(
        &self,
        e_tag: Option<String>,
        generation: Option<String>,
        answered: bool,
    ) -> Result<Version, RemoteError> {
        let version = if self.has_generations() { generation } else { e_tag };
        let version = version.filter(|version| !version.is_empty()).map(Version);
        version.ok_or_else(|| {
            let why = "the answer of the store contains no version of the object";
            if answered {
                RemoteError::Unavailable(why.to_owned())
            } else {
                RemoteError::Denied(format!("{why}: check the endpoint"))
            }
        })
    }

    fn update(&self, Version(version): &Version) -> UpdateVersion {
        let version = Some(version.clone());
        if self.has_generations() {
            UpdateVersion { e_tag: None, version }
        } else {
            UpdateVersion { e_tag: version, version: None }
        }
    }

    /// Returns whether objects have generations: Google's have, unless the bucket is in memory.
    fn has_generations(&self) -> bool {
        self.url.service == ObjectService::Gcs && self.host.is_some()
    }
}

impl Objects for Remote {
    fn get<'a>(&'a self, name: &'a Name) -> Request<'a, Option<Object>> {
        Box::pin(self.read(name))
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
        Box::pin(self.remove(name))
    }

    /// Google allows one write per second of the same object:
    /// <https://cloud.google.com/storage/quotas#objects>.
    fn write_interval(&self) -> Duration {
        match self.url.service {
            ObjectService::S3 | ObjectService::Azure => Duration::from_secs(1),
            ObjectService::Gcs => Duration::from_millis(1100),
        }
    }

    fn is_known_to_be_sound(&self) -> bool {
        self.sound.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store: _, url, host, endpoint: _, answered: _, sound: _ } = self;
        write!(f, "Remote({url} at {})", host.as_deref().unwrap_or("memory"))
    }
}

/// Classifies an error before anything was sent: the answer of a bucket in memory, or unusable
/// credentials.
fn unsent(error: &Error) -> Refusal {
    if matches!(error, Error::NotFound { .. }) {
        return Refusal::NoObject;
    }
    if matches!(error, Error::AlreadyExists { .. } | Error::Precondition { .. }) {
        return Refusal::Condition;
    }
    let why = format!("the credentials for the state cannot be used: {}", cause(error));
    Refusal::Error(RemoteError::Denied(why))
}

fn contradiction(what: &str) -> RemoteError {
    RemoteError::Unavailable(format!("the answer of the store does not fit {what}"))
}

#[cfg(test)]
mod tests;
