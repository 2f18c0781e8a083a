//! The imperative part: observe, carry out, record, recover.
