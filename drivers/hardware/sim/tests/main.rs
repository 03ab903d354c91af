//! Everything that the simulated card, exchange and telephones must do, from outside.

mod calls;
mod contract;
mod faults;
mod hostile;
mod liar;
mod support;
mod wall;
