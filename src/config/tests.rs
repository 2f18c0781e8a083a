//! Tests of whole files as users write them: what they resolve to, and the findings about their
//! mistakes.

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
