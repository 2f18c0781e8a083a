//! The state in PostgreSQL on a real server that fails: connections cut, answers lost, servers stopped.

mod servers;
