//! Through the ear.
