//! Whole files, as a user writes them: what they come to, and what is told of their mistakes.

mod agreement;
mod generated;
mod hostile;
mod kinds;
mod mismatches;
mod mistakes;
mod several;
mod validator;
mod values;
mod world;
