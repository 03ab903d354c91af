//! Everything that the simulated card, exchange and telephones must do, from outside.

mod contract;
