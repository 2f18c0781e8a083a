//! The one integration-test binary.

mod architecture;

mod crash;
mod faults;
mod kill;
mod properties;
mod rate;
mod stories;
mod support;
