//! The caller id of a call rung in, as sound: Bellcore's multiple data message, or digits. The message is the signalling
//! crate's, the modulation the dsp's; here they meet. When it is sent is the line's.
//!
//! Source: GR-30 for the order (seizure, mark, message) and the level at the subscriber; ETSI EN 300 659-1 annex A for
//! digits: `A`, the number or `B` and a reason, `C`.

use tipring_analog::callerid::{CallTime, mdmf};
use tipring_card::{BLOCK, Law};
use tipring_dsp::{Modulator, fsk::Standard};

use super::config::CallerIdForm;
use crate::{
    dial::{Dialler, KeySound, companding},
    exchange::Call,
};

/// Level at the end of a line: GR-30 has -13.5 dBm at the exchange.
const LEVEL_DBM0: f32 = -15.0;
/// The office has no clock: every call is made on New Year's Day at noon.
const TIME: CallTime = CallTime { month: 1, day: 1, hour: 12, minute: 0 };
/// Most blocks of a burst: the longest message takes 2.6 s, forty digits and their codes 6 s.
const MAX_BLOCKS: usize = 700;
/// How digits sound.
const DIGIT: KeySound = KeySound { tone_ms: 70, gap_ms: 70, low_dbm0: -13.0, high_dbm0: -11.0 };

/// The burst in G.711; none: nothing is sent.
pub(super) fn burst(call: &Call, form: CallerIdForm, law: Law) -> Option<Vec<u8>> {
    let standard = match form {
        CallerIdForm::Nothing => return None,
        CallerIdForm::Dtmf => return digits(call, law),
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

fn digits(call: &Call, law: Law) -> Option<Vec<u8>> {
    let told = match &call.from {
        _ if call.restricted => "B10",
        None => "B00",
        Some(number) => number,
    };
    let mut dialler = Dialler::of(&format!("A{told}C"), DIGIT).ok()?;
    let mut octets = Vec::new();
    let mut block = [0; BLOCK];
    while octets.len() < MAX_BLOCKS * BLOCK && dialler.fill(&mut block, law) {
        octets.extend_from_slice(&block);
    }
    Some(octets)
}
