//! The planner: pure functions from what is desired, recorded and observed to a plan.
