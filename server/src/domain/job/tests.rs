//! The state machine as a table, and its laws over random event sequences.
