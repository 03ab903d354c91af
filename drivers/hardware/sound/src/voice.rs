//! What a loudspeaker says besides the call: the ring and the chime. Samples at 8 kHz, block by block; no clock, no
//! allocation.

use tipring_dsp::Tone;

/// The ring warbles between these, this often: what carries through a room on a small loudspeaker.
const RING_HZ: [f32; 2] = [1_000.0, 800.0];
const WARBLE_SAMPLES: usize = 320;
/// The chime's two notes, and how long each sounds.
const CHIME_HZ: [f32; 2] = [659.0, 523.0];
const NOTE_SAMPLES: usize = 4_000;
/// From note to note the chime fades to a tenth.
const FADE_DB: f32 = 20.0;

/// Level and frequency change in steps of so many samples.
const STEP: usize = 40;

/// Ring and chime of one device.
#[derive(Clone, Debug)]
pub(crate) struct Voice {
    ring: Tone,
    ring_at: usize,
    chime: Tone,
    /// Samples of the chime that have sounded.
    chimed: Option<usize>,
    ring_dbm0: f32,
    chime_dbm0: f32,
}

impl Voice {
    pub fn new(ring_dbm0: f32, chime_dbm0: f32) -> Voice {
        let silent = Tone::new(RING_HZ[0], ring_dbm0);
        Voice { ring: silent, ring_at: 0, chime: silent, chimed: None, ring_dbm0, chime_dbm0 }
    }

    /// Adds the ring to a block.
    pub fn ring(&mut self, samples: &mut [i16]) {
        self.ring.set_dbm0(self.ring_dbm0);
        for piece in samples.chunks_mut(STEP) {
            self.ring.set_hz(RING_HZ[self.ring_at / WARBLE_SAMPLES % RING_HZ.len()]);
            self.ring.add_to(piece);
            self.ring_at = self.ring_at.wrapping_add(piece.len());
        }
    }

    /// Adds the chime to a block. True: it is over.
    pub fn chime(&mut self, samples: &mut [i16]) -> bool {
        let mut at = self.chimed.unwrap_or(0);
        for piece in samples.chunks_mut(STEP) {
            let Some(hz) = CHIME_HZ.get(at / NOTE_SAMPLES) else {
                break;
            };
            let faded = (at % NOTE_SAMPLES) as f32 / NOTE_SAMPLES as f32 * FADE_DB;
            self.chime.set_hz(*hz);
            self.chime.set_dbm0(self.chime_dbm0 - faded);
            self.chime.add_to(piece);
            at += piece.len();
        }
        let is_over = at >= CHIME_HZ.len() * NOTE_SAMPLES;
        self.chimed = (!is_over).then_some(at);
        is_over
    }

    /// Nobody waits for the chime any more.
    pub fn still(&mut self) {
        self.chimed = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chime_sounds_for_a_second_and_can_sound_again() {
        let mut voice = Voice::new(-10.0, -10.0);
        for _ in 0..2 {
            let mut blocks = 0;
            loop {
                let mut block = [0; 80];
                blocks += 1;
                let over = voice.chime(&mut block);
                assert!(block.iter().any(|sample| *sample != 0), "block {blocks}");
                if over {
                    break;
                }
            }
            assert_eq!(blocks, 100);
        }
    }

    #[test]
    fn a_chime_that_was_stilled_begins_anew() {
        let mut voice = Voice::new(-10.0, -10.0);
        (0..50).for_each(|_| assert!(!voice.chime(&mut [0; 80])));
        voice.still();
        assert_eq!((0..).take_while(|_| !voice.chime(&mut [0; 80])).count(), 99);
    }

    #[test]
    fn the_ring_is_added_to_what_is_there() {
        let (mut quiet, mut loud) = ([0; 80], [1_000; 80]);
        Voice::new(-10.0, 0.0).ring(&mut quiet);
        Voice::new(-10.0, 0.0).ring(&mut loud);
        assert!(quiet.iter().zip(&loud).all(|(q, l)| q + 1_000 == *l));
    }
}
