//! What is heard of one line: samples since its sound came to the switch, with marks.

use tipring_card::{BLOCK, Block, Law};
use tipring_switch::{Port, TapId};

use crate::probe::companding;

/// Most samples that are kept of one call: the oldest stay.
const MOST: usize = 90 * 8_000;

/// The ear of one line.
#[derive(Debug)]
pub struct Ear {
    pub law: Law,
    /// The line's place in the switch, as it was last told.
    pub port: Option<Port>,
    tap: Option<TapId>,
    samples: Vec<i16>,
    /// Where the probe began that is being sent, on either line.
    probe: Option<usize>,
}

impl Default for Ear {
    fn default() -> Self {
        Ear { law: Law::A, port: None, tap: None, samples: Vec::new(), probe: None }
    }
}

impl Ear {
    /// A new call.
    pub fn begins(&mut self, tap: TapId) {
        (self.tap, self.probe) = (Some(tap), None);
        self.samples.clear();
    }

    pub fn hears(&mut self, tap: TapId, block: &Block) {
        if self.tap == Some(tap) && self.samples.len() < MOST {
            let mut samples = [0; BLOCK];
            companding(self.law).decode_into(block, &mut samples);
            self.samples.extend_from_slice(&samples);
        }
    }

    pub fn probe_began(&mut self) {
        self.probe = Some(self.samples.len());
    }

    /// Nothing of an earlier probe.
    pub fn forgets_probe(&mut self) {
        self.probe = None;
    }

    /// The present moment, for [`Ear::since`].
    pub fn mark(&self) -> usize {
        self.samples.len()
    }

    /// All since a moment.
    pub fn since(&self, mark: usize) -> &[i16] {
        self.samples.get(mark..).unwrap_or_default()
    }

    /// What came since the probe began.
    pub fn of_probe(&self) -> &[i16] {
        self.probe.map_or(&[], |mark| self.since(mark))
    }
}
