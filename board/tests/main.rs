//! Profiles, trees and what is found in them.

mod hostile;
mod inst2;
mod inst3;
mod inst7;
mod pages;
mod support;
