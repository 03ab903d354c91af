//! Everything that the simulated card, exchange and telephones must do, from outside.

mod calls;
mod contract;
mod faults;
mod fxo;
mod hostile;
mod liar;
mod office;
mod outgoing;
mod subscriber;
mod support;
mod wall;
