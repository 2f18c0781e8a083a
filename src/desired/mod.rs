//! YAML to [`crate::model::Desired`]: the files, checked and resolved.
