//! lines: to be written.
