//! The help texts.

use super::test_dir::TestDir;

#[test]
fn help_shows_commands_examples_and_exit_codes() {
    insta::assert_snapshot!(TestDir::empty().run("-h").exits(0).stdout);
}

#[test]
fn help_of_commands_with_many_flags_has_examples() {
    let dir = TestDir::empty();
    for command in ["plan", "apply", "destroy", "import", "emulator", "state"] {
        let ran = dir.run(&format!("{command} -h")).exits(0);
        ran.stdout_has("Examples:\n").stdout_has(&format!("roomctl {command}"));
    }
}
