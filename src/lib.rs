//! tipring: to be written.
