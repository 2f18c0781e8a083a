//! Damage to the document of a store that keeps its state as one.

use roomctl::state::StateError;

use super::fixtures::{LOCK_WAIT, holder, names, read, recorded};
use super::{FileSubject, Subject};

/// A state that is stored as one document.
trait Documents: Subject {
    /// Returns the document.
    fn document(&self) -> Vec<u8>;

    /// Overwrites the document, as another program may.
    fn overwrite(&self, document: &[u8]);
}

impl Documents for FileSubject {
    fn document(&self) -> Vec<u8> {
        std::fs::read(self.0.path().join("rooms.state.json")).expect("a state")
    }

    #[expect(clippy::disallowed_methods, reason = "a test's damage need not survive a crash")]
    fn overwrite(&self, document: &[u8]) {
        std::fs::write(self.0.path().join("rooms.state.json"), document).expect("written");
    }
}

/// Runs every rule on every store that keeps its state as one document.
macro_rules! documents {
    ($($rule:ident),* $(,)?) => {
        mod document_in_file {
            $(#[tokio::test(start_paused = true)]
            async fn $rule() {
                super::$rule(&super::FileSubject::new()).await;
            })*
        }
    };
}

documents!(
    a_damaged_state_is_refused_and_not_overwritten,
    an_edited_state_is_refused,
    a_state_of_a_newer_format_is_refused,
);

/// Checks that an overwritten document can be neither read nor locked, and is not overwritten.
async fn assert_refused(
    subject: &dyn Documents,
    document: &[u8],
    matches: fn(&StateError) -> bool,
) {
    subject.overwrite(document);
    let error = subject.store().read().await.map(drop).expect_err("no state");
    assert!(matches(&error), "{error}");
    let error = subject.store().lock(holder(1), LOCK_WAIT).await.map(drop).expect_err("no state");
    assert!(matches(&error), "{error}");
    assert_eq!(subject.document(), document, "it was overwritten");
}

async fn a_damaged_state_is_refused_and_not_overwritten(subject: &dyn Documents) {
    recorded(subject, &["chat/a", "chat/b"]).await;
    let whole = subject.document();
    for document in [&whole[..whole.len() / 2], b"", b"{}", b"rooms: []\n"] {
        assert_refused(subject, document, |error| matches!(error, StateError::Damaged { .. }))
            .await;
    }
    subject.overwrite(&whole);
    assert_eq!(names(&read(subject).await), ["chat/a", "chat/b"]);
}

async fn an_edited_state_is_refused(subject: &dyn Documents) {
    recorded(subject, &["chat/a"]).await;
    let text = String::from_utf8(subject.document()).expect("UTF-8");
    let edited = text.replace("\"name\":\"chat/a\"", "\"name\":\"another\"");
    assert_ne!(edited, text);
    let is_checksum = |error: &StateError| matches!(error, StateError::Checksum { .. });
    assert_refused(subject, edited.as_bytes(), is_checksum).await;
}

async fn a_state_of_a_newer_format_is_refused(subject: &dyn Documents) {
    recorded(subject, &["chat/a"]).await;
    let text = String::from_utf8(subject.document()).expect("UTF-8");
    let newer = text.replacen("\"version\":2", "\"version\":3", 1);
    let is_newer = |error: &StateError| matches!(error, StateError::Newer { version: 3, .. });
    assert_refused(subject, newer.as_bytes(), is_newer).await;
}
