//! The command-line tool: arguments, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    roomctl::cli::main(std::env::args_os()).into()
}
