//! instructions: to be written.
