//! A line towards an exchange, from outside: what goes in, what comes out, in virtual time.

mod callers;
mod chaos;
mod dialled;
mod hostile;
mod ringing;
mod sound;
mod support;
mod table;
