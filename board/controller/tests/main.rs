//! Both ends of the board controller's line against each other, on a line that is hurt by seed, in virtual time.

mod chaos;
mod conversation;
mod hostile;
mod line;
mod restored;
mod selftest;
mod watchdog;
