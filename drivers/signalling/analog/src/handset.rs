//! Ear and mouth of a line on the audio side: blocks in, what was heard out; digits in, tones out. Allocates nothing
//! after construction.

use tipring_card::{Block, Law};
use tipring_dsp::ZoneId;

use crate::words::{Digits, Heard, Listen};

/// One line's ear and mouth.
pub struct Handset {
    _law: Law,
}

impl Handset {
    /// A handset that listens for nothing yet.
    pub fn new(law: Law, _zone: ZoneId) -> Self {
        Handset { _law: law }
    }

    /// Listens so from now on; what was half heard is forgotten.
    pub fn listen(&mut self, _listen: Listen) {}

    /// Sends digits in place of whatever else would be said.
    pub fn send(&mut self, _digits: &Digits) {}

    /// A block that came from the line.
    pub fn hear(&mut self, _block: &Block) {}

    /// The block to be sent: replaced while digits go out. Tells whether it was.
    pub fn speak(&mut self, _block: &mut Block) -> bool {
        false
    }

    /// What was heard, until `None`.
    pub fn poll(&mut self) -> Option<Heard> {
        None
    }
}
