//! The one integration-test binary.

mod architecture;

mod cli;
mod examples;
mod readme;
mod secrets;
mod terminal;

mod crash;
mod faults;
mod kill;
mod properties;
mod rate;
mod stories;
mod support;
