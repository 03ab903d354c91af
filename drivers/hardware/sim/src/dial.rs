//! Digits as sound, `123W45`: used by a card's own generator and by telephones. DTMF and pauses only; it hears nothing.
//!
//! Source: DAHDI's dial strings (`T` DTMF, `W` pause of 500 ms) and its default tone lengths, 100 ms on, 100 ms off.

use tipring_card::{BLOCK, CardError, Law};
use tipring_dsp::{KeyTone, g711::Companding};

/// Longest dial string, as with DAHDI.
pub const MAX_DIAL: usize = 255;
/// How long a `W` is.
const WAIT_SAMPLES: usize = 4_000;
/// What a card's own generator sends.
const CARD_KEYS: KeySound = KeySound { tone_ms: 100, gap_ms: 100, low_dbm0: -11.0, high_dbm0: -9.0 };

/// How keys sound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeySound {
    pub tone_ms: u16,
    pub gap_ms: u16,
    pub low_dbm0: f32,
    pub high_dbm0: f32,
}

/// What is left to send.
#[derive(Debug)]
pub(crate) struct Dialler {
    keys: std::vec::IntoIter<u8>,
    sound: KeySound,
    tone: Option<KeyTone>,
    wait_left: usize,
}

impl Dialler {
    /// Reads a card's dial string.
    pub fn new(digits: &str) -> Result<Dialler, CardError> {
        Dialler::of(digits, CARD_KEYS)
    }

    /// Reads a string of keys, to be sent with a sound of its own.
    pub fn of(digits: &str, sound: KeySound) -> Result<Dialler, CardError> {
        if digits.len() > MAX_DIAL {
            return Err(CardError::Busy);
        }
        let mut keys = Vec::with_capacity(digits.len());
        for key in digits.bytes().map(|b| b.to_ascii_uppercase()) {
            match key {
                b'T' => {}
                b'W' | b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D' => keys.push(key),
                _ => return Err(CardError::Invalid),
            }
        }
        Ok(Dialler { keys: keys.into_iter(), sound, tone: None, wait_left: 0 })
    }

    /// The next octets, at most a block; false when everything was out before them (they are silence then).
    pub fn fill(&mut self, into: &mut [u8], law: Law) -> bool {
        let mut samples = [0_i16; BLOCK];
        let samples = &mut samples[..into.len().min(BLOCK)];
        let mut done = 0;
        while done < samples.len() {
            if self.wait_left > 0 {
                let take = self.wait_left.min(samples.len() - done);
                self.wait_left -= take;
                done += take;
            } else if let Some(tone) = &mut self.tone {
                done += tone.fill(&mut samples[done..]);
                if tone.left() == 0 {
                    self.tone = None;
                }
            } else {
                match self.keys.next() {
                    Some(b'W') => self.wait_left = WAIT_SAMPLES,
                    Some(key) => {
                        let KeySound { tone_ms, gap_ms, low_dbm0, high_dbm0 } = self.sound;
                        self.tone = KeyTone::with(key, low_dbm0, high_dbm0, tone_ms, gap_ms);
                    }
                    None => break,
                }
            }
        }
        companding(law).encode_into(samples, into);
        done > 0
    }
}

/// The dsp's word for a law.
pub(crate) fn companding(law: Law) -> Companding {
    match law {
        Law::A => Companding::A,
        Law::Mu => Companding::Mu,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dial_string_takes_its_time() {
        let mut dialler = Dialler::new("T1w2").unwrap();
        let mut block = [0; 80];
        let mut blocks = 0;
        while dialler.fill(&mut block, Law::A) {
            blocks += 1;
            assert!(blocks < 1_000);
        }
        assert_eq!(blocks, 20 + 50 + 20);
        assert!(block.iter().all(|&o| o == 0xD5), "silence after the end");
    }

    #[test]
    fn what_cannot_be_dialled_is_refused() {
        assert_eq!(Dialler::new("P12").err(), Some(CardError::Invalid));
        assert_eq!(Dialler::new("1é").err(), Some(CardError::Invalid));
        assert_eq!(Dialler::new(&"1".repeat(256)).err(), Some(CardError::Busy));
    }
}
