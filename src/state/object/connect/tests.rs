//! What the environment says of each service.
