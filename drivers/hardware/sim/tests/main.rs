//! Everything that the simulated card, exchange and telephones must do, from outside.

mod calls;
mod contract;
mod faults;
mod fxo;
mod hostile;
mod joined;
mod liar;
mod lossy;
mod office;
mod outgoing;
mod pair;
mod subscriber;
mod support;
mod wall;
