//! The machine of a line towards an exchange.

use tipring_card::Micros;

use crate::words::{Config, Input, Output};

/// One line.
pub struct Fxo {
    _config: Config,
}

impl Fxo {
    /// A line that is not open yet.
    pub fn new(config: Config) -> Self {
        Fxo { _config: config }
    }

    /// Something happened.
    pub fn handle(&mut self, _now: Micros, _input: Input) {}

    /// What is to be done, until `None`.
    pub fn poll(&mut self) -> Option<Output> {
        None
    }

    /// When to handle [`Input::Timer`].
    pub fn deadline(&self) -> Option<Micros> {
        None
    }
}
