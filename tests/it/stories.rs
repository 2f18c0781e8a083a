//! Stories: end-to-end scenarios. Each folder holds the files, the events in `world.yaml`, and
//! snapshots of the plans and outcomes.

mod story;
mod transcript;

use std::fs;
use std::path::{Path, PathBuf};

use story::Story;

/// Defines one test for each story, and the list of all.
macro_rules! stories {
    ($($name:ident),* $(,)?) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                run(stringify!($name)).await;
            }
        )*
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

stories! {
    attributes_at_the_limit,
    attributes_change_in_place,
    conflict_adopt,
    conflict_fail,
    contested_room,
    destroy_all_with_the_gate,
    drift,
    drift_repair_fails,
    first_apply,
    forget_on_remove,
    forgotten_file,
    import_after_lost_state,
    live_replace_carries_metadata,
    live_replace_partly_created,
    live_room_dissolved,
    live_room_partly_created,
    name_change_replaces,
    nothing_to_do,
    occupied_destroy_waits,
    owner_refused,
    partial_key_failure,
    prevent_destroy,
    quota_reached_during_apply,
    replace_carries_attributes,
    replace_held_back_updates,
    replace_over_limit,
    replace_unread_waits,
    replace_waits_and_updates,
    show_of_two_sides,
    side_goes_slowly,
    side_unread,
    unknown_operator,
    vanished_room,
    video_room,
    wrong_site,
}

/// Returns the folder that holds every story.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/stories")
}

/// Runs a story, and compares its transcript with the snapshots in its folder. With
/// `INSTA_UPDATE=always` it writes them instead.
async fn run(name: &str) {
    let folder = root().join(name);
    let story = Story::read(&folder);
    let transcript = story.run(&folder).await;
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(&folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::assert_snapshot!("plan", transcript.plans);
        insta::assert_snapshot!("outcome", transcript.outcomes);
    });
}

#[test]
fn every_story_folder_has_a_test() {
    let entries = fs::read_dir(root()).expect("the stories").map(|entry| entry.expect("an entry"));
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> =
        folders.map(|entry| entry.file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    assert_eq!(names, NAMES);
}
