//! amd
