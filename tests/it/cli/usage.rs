//! The help texts.

use super::desk::Desk;

#[test]
fn help_shows_commands_examples_and_exit_codes() {
    insta::assert_snapshot!(Desk::empty().run("-h").ends(0).stdout);
}

#[test]
fn help_of_commands_with_many_flags_has_examples() {
    let desk = Desk::empty();
    for command in ["plan", "apply", "destroy", "import", "emulator", "state"] {
        let ran = desk.run(&format!("{command} -h")).ends(0);
        ran.prints("Examples:\n").prints(&format!("roomctl {command}"));
    }
}
