//! Help that teaches, and words for what is not built.

use super::desk::{Desk, THREE_ROOMS};

#[test]
fn help_shows_commands_examples_and_exit_codes() {
    insta::assert_snapshot!(Desk::empty().run("-h").ends(0).stdout);
}

#[test]
fn each_command_of_many_flags_has_examples() {
    let desk = Desk::empty();
    for command in ["plan", "apply", "destroy", "import", "emulator", "state"] {
        let ran = desk.run(&format!("{command} -h")).ends(0);
        ran.prints("Examples:\n").prints(&format!("roomctl {command}"));
    }
}

#[test]
fn what_is_not_built_is_no_flag_and_no_command() {
    let desk = Desk::applied();
    for line in ["state mv chat/lobby chat/hall", "state pull", "state push"] {
        desk.run(line).ends(64).says("not built yet");
    }
    assert_eq!(desk.read("rooms.yaml"), THREE_ROOMS);
}
