//! What every port says in this tick: its octets as they came, and as linear samples once somebody needs them.

use alloc::vec::Vec;

use tipring_card::{BLOCK, Block, Law};
use tipring_dsp::g711::Companding;

/// One block of linear samples.
pub(crate) type Linear = [i16; BLOCK];

pub(crate) struct Ears {
    octets: Vec<Block>,
    laws: Vec<Law>,
    linear: Vec<Linear>,
    decoded: Vec<bool>,
}

impl Ears {
    pub(crate) fn new(capacity: usize) -> Ears {
        Ears {
            octets: alloc::vec![[0; BLOCK]; capacity],
            laws: alloc::vec![Law::A; capacity],
            linear: alloc::vec![[0; BLOCK]; capacity],
            decoded: alloc::vec![false; capacity],
        }
    }

    /// Room for a new block of a port. What was there is over.
    pub(crate) fn refill(&mut self, index: usize, law: Law) -> &mut Block {
        self.laws[index] = law;
        self.decoded[index] = false;
        &mut self.octets[index]
    }

    pub(crate) fn octets(&self, index: usize) -> &Block {
        &self.octets[index]
    }

    pub(crate) fn law(&self, index: usize) -> Law {
        self.laws[index]
    }

    pub(crate) fn linear(&mut self, index: usize) -> &Linear {
        if !self.decoded[index] {
            self.decoded[index] = true;
            companding(self.laws[index]).decode_into(&self.octets[index], &mut self.linear[index]);
        }
        &self.linear[index]
    }
}

pub(crate) fn companding(law: Law) -> Companding {
    match law {
        Law::A => Companding::A,
        Law::Mu => Companding::Mu,
    }
}
