//! The one integration-test binary.

mod architecture;

mod cli;
mod clock;
mod conformance;
mod crash;
mod examples;
mod failing_services;
mod faults;
mod journal;
mod kill;
mod leases;
mod origin;
mod ownership;
mod properties;
mod rate;
mod readme;
mod secrets;
mod stores;
mod stories;
mod support;
mod terminal;
mod workflows;
