//! roomctl keeps a fleet of chat and live rooms as a YAML file says.

pub mod model;

pub mod desired;
pub mod state;

pub mod plan;
pub mod render;

pub mod apply;
pub mod provider;

pub mod cli;
pub mod emulator;
