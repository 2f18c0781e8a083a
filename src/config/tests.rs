//! Whole files, as a user writes them: what they come to, and what is told of their mistakes.

mod agreement;
mod extensions;
mod for_each;
mod generated;
mod hostile;
mod kinds;
mod mismatches;
mod mistakes;
mod moved;
mod ownership;
mod several;
mod validator;
mod values;
mod variables;
mod world;
