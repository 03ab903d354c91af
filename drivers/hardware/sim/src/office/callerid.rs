//! The caller id of a call rung in, as sound: Bellcore's multiple data message, sent between the first and the second
//! ring. The message is the signalling crate's, the modulation the dsp's; here they meet.
//!
//! Source: GR-30 for the order (seizure, mark, message) and the level at the subscriber.

use tipring_analog::callerid::{CallTime, mdmf};
use tipring_card::{BLOCK, Law};
use tipring_dsp::{Modulator, fsk::Standard};

use super::config::CallerIdForm;
use crate::{dial::companding, exchange::Call};

/// Level at the end of a line: GR-30 has -13.5 dBm at the exchange.
const LEVEL_DBM0: f32 = -15.0;
/// The office has no clock: every call is made on New Year's Day at noon.
const TIME: CallTime = CallTime { month: 1, day: 1, hour: 12, minute: 0 };
/// Most blocks of a burst: the longest message takes 2.6 s.
const MAX_BLOCKS: usize = 400;

/// The burst in G.711; none: nothing is sent.
pub(super) fn burst(call: &Call, form: CallerIdForm, law: Law) -> Option<Vec<u8>> {
    let standard = match form {
        CallerIdForm::Nothing => return None,
        CallerIdForm::Bell202 | CallerIdForm::Damaged => Standard::Bell202,
        CallerIdForm::V23 => Standard::V23,
    };
    let name = call.name.as_deref().filter(|_| !call.restricted);
    let mut message = mdmf(call.from.as_deref(), name, call.restricted, TIME);
    if let Some(byte) = message.last_mut().filter(|_| form == CallerIdForm::Damaged) {
        *byte ^= 0x10;
    }
    let mut modulator = Modulator::new(standard, LEVEL_DBM0, &message)?;
    let mut octets = Vec::new();
    for _ in 0..MAX_BLOCKS {
        let (mut samples, mut block) = ([0; BLOCK], [0; BLOCK]);
        let written = modulator.fill(&mut samples);
        companding(law).encode_into(&samples, &mut block);
        octets.extend_from_slice(&block);
        if written < BLOCK {
            break;
        }
    }
    Some(octets)
}
