//! The one integration-test binary.

mod architecture;

mod cli;
mod examples;
mod readme;
mod secrets;
mod terminal;
