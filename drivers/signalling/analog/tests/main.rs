//! A line towards an exchange, from outside: what goes in, what comes out, in virtual time.

mod callers;
mod cells;
mod chaos;
mod chaos_fxs;
mod dialled;
mod evidence;
mod hostile;
mod ringing;
mod sound;
mod support;
mod table;
