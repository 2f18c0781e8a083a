//! The one integration-test binary.

mod architecture;

mod crash;
mod faults;
mod properties;
mod rate;
mod stories;
mod support;
