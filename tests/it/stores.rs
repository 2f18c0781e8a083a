//! The conformance suite of the stores: every store passes every rule.

#[cfg(feature = "object-store")]
mod bucket;
mod documents;
mod fixtures;
mod folds;
pub(crate) mod lease;
mod lineage;
mod locks;
pub(crate) mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod readers;

use std::path::Path;
use std::pin::Pin;

use roomctl::state::{self, Store, StoreEnvironment};
use tempfile::TempDir;

pub(crate) use fixtures::{calls, holder};
use memory::MemoryStore;

/// A state in one kind of store.
trait Subject {
    /// Opens the state as a new process does.
    fn store(&self) -> Box<dyn Store>;

    /// Takes the lock away from its holder.
    fn lose_lock(&self) -> Pin<Box<dyn Future<Output = ()> + '_>>;
}

struct FileSubject(TempDir);

struct MemorySubject(MemoryStore);

impl FileSubject {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }
}

impl MemorySubject {
    fn new() -> Self {
        Self(MemoryStore::default())
    }
}

impl Subject for FileSubject {
    fn store(&self) -> Box<dyn Store> {
        opened(&self.0.path().join("rooms.state.json"))
    }

    fn lose_lock(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        let lock = self.0.path().join("rooms.state.json.lock");
        Box::pin(async move { std::fs::remove_file(lock).expect("removed") })
    }
}

impl Subject for MemorySubject {
    fn store(&self) -> Box<dyn Store> {
        Box::new(self.0.clone())
    }

    fn lose_lock(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async { self.0.end_lease() })
    }
}

/// Ends the current lease by hand.
#[cfg(any(feature = "object-store", feature = "postgres"))]
async fn end_lease(subject: &dyn Subject) {
    let held = subject.store().held().await.expect("an answer").expect("a holder");
    subject.store().unlock(held).await.expect("ended");
}

/// Opens the state in a file.
pub(crate) fn opened(path: &Path) -> Box<dyn Store> {
    state::open(&path.into(), &StoreEnvironment::default()).expect("a file needs no environment")
}

/// Runs every rule of every theme on every kind of store.
macro_rules! conformance {
    ($($theme:ident { $($rule:ident),* $(,)? })*) => {
        mod file {
            $($(#[tokio::test(start_paused = true)]
            async fn $rule() {
                super::$theme::$rule(&super::FileSubject::new()).await;
            })*)*
        }

        mod in_memory {
            $($(#[tokio::test(start_paused = true)]
            async fn $rule() {
                super::$theme::$rule(&super::MemorySubject::new()).await;
            })*)*
        }

        #[cfg(feature = "object-store")]
        mod in_bucket {
            $($(#[tokio::test(start_paused = true)]
            async fn $rule() {
                super::$theme::$rule(&super::bucket::BucketSubject::new()).await;
            })*)*
        }

        /// Checks every rule on a server, all concurrently, because they mostly wait.
        #[cfg(any(feature = "object-store", feature = "postgres"))]
        async fn check_every_rule<S: Subject>(state: impl Fn(&str) -> S) {
            tokio::join!($($(async {
                $theme::$rule(&state(stringify!($rule))).await;
            }),*),*);
        }
    };
}

conformance! {
    folds {
        a_missing_state_is_new_and_stays_new_without_entries,
        a_folded_record_is_read_back,
        appended_entries_survive_a_crash,
        an_open_intent_survives_every_fold,
        the_last_entry_of_a_room_counts,
        concurrent_appends_are_all_durable,
        a_fold_that_changes_nothing_keeps_the_serial,
        removed_rooms_and_providers_are_no_longer_recorded,
        a_run_without_calls_keeps_the_last_calls,
        nothing_is_appended_after_the_fold,
        a_hundred_thousand_rooms_are_stored,
    }
    lineage {
        each_state_keeps_its_own_lineage,
        the_lineage_of_a_new_state_is_known_before_its_first_entry,
        only_a_new_state_continues_an_earlier_lineage,
        a_replace_sets_the_record_with_its_lineage_and_serial,
        a_replaced_state_and_later_entries_survive_a_crash,
        a_whole_record_can_replace_a_new_state,
        a_moved_state_is_readable_and_cannot_be_locked,
    }
    locks {
        a_second_holder_is_refused_and_the_error_names_the_first,
        a_second_holder_waits_for_the_lock,
        a_run_that_lost_its_lock_can_write_nothing,
        the_holder_is_read_without_taking_the_lock,
        unlock_ends_a_lease_but_not_an_os_lock,
    }
    readers {
        readers_see_open_intents_and_the_run_in_progress,
        concurrent_readers_see_complete_folds,
        a_read_includes_all_earlier_appends,
    }
}
