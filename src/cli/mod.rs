//! The wiring: arguments, environment, and one short file for each command.
