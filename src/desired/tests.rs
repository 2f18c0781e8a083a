//! Whole files, as a user writes them: what they come to, and what is told of their mistakes.

mod agreement;
mod hostile;
mod mistakes;
mod several;
mod values;
mod world;
