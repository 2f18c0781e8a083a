//! The stand-in for the services, made from their documents alone.
