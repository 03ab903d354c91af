//! Frames of the serial line to values and back, octet by octet. It decides nothing: what a frame means and whether it
//! comes at the right time is the machines'.
//!
//! On the wire: `00`, the stuffed frame, `00`. Stuffing (COBS) takes every zero out of the frame, so a zero is always an end
//! and whoever lost his place has it again at the next one. In the frame: version, session (2), sequence, kind, length,
//! payload, CRC-16 (2). What has two octets has the higher one first.

use crc::{CRC_16_IBM_3740, Crc};
use heapless::Vec;

/// Most octets of a payload.
pub const MAX_PAYLOAD: usize = 64;
/// Octets in front of the payload.
const HEAD: usize = 6;
/// Octets behind it.
const CHECK: usize = 2;
/// Most octets of a frame before it is stuffed. Below 254, so stuffing adds one octet and no more.
pub const MAX_FRAME: usize = HEAD + MAX_PAYLOAD + CHECK;
/// Most octets of a frame on the wire.
pub const MAX_WIRE: usize = MAX_FRAME + 3;

const DELIMITER: u8 = 0;
/// Polynomial 0x1021, begins with 0xffff, not reflected, nothing added at the end; of `123456789` it is 0x29b1.
const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_IBM_3740);

/// What a message carries.
pub type Payload = Vec<u8, MAX_PAYLOAD>;
/// A frame as it goes over the line.
pub type Wire = Vec<u8, MAX_WIRE>;

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Version of the protocol that its payload is written in.
    pub version: u8,
    /// Which handshake it belongs to; zero: none.
    pub session: u16,
    /// Counts the frames of its sender.
    pub sequence: u8,
    /// What it is: its payload's form.
    pub kind: u8,
    /// What it carries.
    pub payload: Payload,
}

/// Why octets between two delimiters are no frame. It is never answered: nobody knows who it was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// More octets than a frame has.
    Long,
    /// The stuffing leads past the end.
    Stuffing,
    /// Fewer octets than a frame without payload has.
    Short,
    /// The length is not that of the payload.
    Length,
    /// The check sum is another.
    Check,
}

impl Frame {
    /// As it goes over the line.
    pub fn encode(&self) -> Wire {
        let [session_high, session_low] = self.session.to_be_bytes();
        let length = self.payload.len() as u8;
        let mut frame: Vec<u8, MAX_FRAME> = Vec::new();
        let head = [self.version, session_high, session_low, self.sequence, self.kind, length];
        // There is room: the payload's type bounds it.
        let _ = frame.extend_from_slice(&head);
        let _ = frame.extend_from_slice(&self.payload);
        let _ = frame.extend_from_slice(&CRC.checksum(&frame).to_be_bytes());
        stuff(&frame)
    }

    fn read(frame: &[u8]) -> Result<Frame, Fault> {
        let (said, check) = frame.split_last_chunk::<CHECK>().ok_or(Fault::Short)?;
        let (head, payload) = said.split_first_chunk::<HEAD>().ok_or(Fault::Short)?;
        let [version, session_high, session_low, sequence, kind, length] = *head;
        if CRC.checksum(said) != u16::from_be_bytes(*check) {
            return Err(Fault::Check);
        }
        if usize::from(length) != payload.len() {
            return Err(Fault::Length);
        }
        let payload = Payload::from_slice(payload).map_err(|_| Fault::Length)?;
        Ok(Frame { version, session: u16::from_be_bytes([session_high, session_low]), sequence, kind, payload })
    }
}

/// Delimiter, stuffed octets, delimiter.
fn stuff(frame: &[u8]) -> Wire {
    let mut wire = Wire::new();
    let _ = wire.push(DELIMITER);
    let _ = wire.extend_from_slice(&stuffed(frame));
    let _ = wire.push(DELIMITER);
    wire
}

/// Takes the zeros out.
pub(crate) fn stuffed(frame: &[u8]) -> Wire {
    let mut wire = Wire::new();
    for run in frame.split(|octet| *octet == 0) {
        let _ = wire.push(run.len() as u8 + 1);
        let _ = wire.extend_from_slice(run);
    }
    wire
}

/// Takes the stuffing out.
pub(crate) fn unstuff(stuffed: &[u8]) -> Result<Vec<u8, MAX_FRAME>, Fault> {
    let mut frame = Vec::new();
    let mut rest = stuffed;
    while let [code, behind @ ..] = rest {
        let (run, behind) = behind.split_at_checked(usize::from(*code).wrapping_sub(1)).ok_or(Fault::Stuffing)?;
        frame.extend_from_slice(run).map_err(|_| Fault::Long)?;
        if !behind.is_empty() {
            frame.push(0).map_err(|_| Fault::Long)?;
        }
        rest = behind;
    }
    Ok(frame)
}

/// Finds frames in what comes in, octet by octet.
#[derive(Default)]
pub struct Decoder {
    stuffed: Vec<u8, { MAX_FRAME + 1 }>,
    /// More came than a frame has: the rest until the next delimiter is nothing.
    over: bool,
}

impl Decoder {
    /// One octet more. `None`: no frame has ended. Nothing between two delimiters is nothing.
    pub fn push(&mut self, octet: u8) -> Option<Result<Frame, Fault>> {
        if octet != DELIMITER {
            self.over |= self.stuffed.push(octet).is_err();
            return None;
        }
        let stuffed = core::mem::take(&mut self.stuffed);
        if core::mem::take(&mut self.over) {
            return Some(Err(Fault::Long));
        }
        if stuffed.is_empty() {
            return None;
        }
        Some(unstuff(&stuffed).and_then(|frame| Frame::read(&frame)))
    }

    /// Forgets what it has: the line was opened anew.
    pub fn clear(&mut self) {
        *self = Decoder::default();
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec as List;

    use super::*;

    fn frame(payload: &[u8]) -> Frame {
        let payload = Payload::from_slice(payload).expect("short enough");
        Frame { version: 1, session: 0x0102, sequence: 3, kind: 4, payload }
    }

    fn decoded(octets: &[u8]) -> List<Result<Frame, Fault>> {
        let mut decoder = Decoder::default();
        octets.iter().filter_map(|octet| decoder.push(*octet)).collect()
    }

    /// A frame's octets with a right check sum, stuffed.
    fn sealed(said: &[u8]) -> Wire {
        let mut frame = List::from(said);
        frame.extend(CRC.checksum(said).to_be_bytes());
        stuff(&frame)
    }

    #[test]
    fn the_check_sum_has_the_check_value_of_its_catalogue() {
        assert_eq!(CRC.checksum(b"123456789"), 0x29b1);
    }

    #[test]
    fn every_length_goes_over_the_line_and_back_zeros_and_all() {
        for length in 0..=MAX_PAYLOAD {
            for fill in [0x00, 0x01, 0x5a, 0xff] {
                let sent = frame(&[fill; MAX_PAYLOAD][..length]);
                let wire = sent.encode();
                assert!(wire[1..wire.len() - 1].iter().all(|octet| *octet != 0), "a zero inside: {wire:02x?}");
                assert_eq!((wire.len(), decoded(&wire)), (length + 11, [Ok(sent)].into()));
            }
        }
    }

    #[test]
    fn stuffing_is_as_it_is_written_down_everywhere() {
        let cases: [(&[u8], &[u8]); 5] = [
            (&[], &[1]),
            (&[0], &[1, 1]),
            (&[0x11, 0x22, 0, 0x33], &[3, 0x11, 0x22, 2, 0x33]),
            (&[0x11, 0, 0, 0], &[2, 0x11, 1, 1, 1]),
            (&[1, 2, 3], &[4, 1, 2, 3]),
        ];
        for (plain, stuffed) in cases {
            let wire = stuff(plain);
            assert_eq!(&wire[1..wire.len() - 1], stuffed);
            assert_eq!(unstuff(stuffed).as_deref(), Ok(plain));
        }
    }

    #[test]
    fn what_is_no_frame_is_named() {
        let good = frame(&[7, 8]).encode();
        let mut flipped = good.clone();
        flipped[4] ^= 0x10;
        assert_eq!(decoded(&flipped), [Err(Fault::Check)]);
        assert_eq!(decoded(&[&good[..6], &[0]].concat()), [Err(Fault::Stuffing)]);
        assert_eq!(decoded(&[3, 1, 1, 0]), [Err(Fault::Short)]);
        assert_eq!(decoded(&sealed(&[1, 0, 0, 0, 1])), [Err(Fault::Short)]);
        assert_eq!(decoded(&sealed(&[1, 0, 0, 0, 1, 2, 9])), [Err(Fault::Length)]);
        assert_eq!(decoded(&[&[9; 500][..], &[0]].concat()), [Err(Fault::Long)]);
        assert_eq!(decoded(&[0; 9]), []);
    }

    #[test]
    fn after_any_noise_the_next_frame_but_one_is_heard_and_with_its_own_delimiter_the_next() {
        let good = frame(&[7, 8]);
        for noise in [&[0x55_u8; 3][..], &[0xff; 300], &[0x02], &good.encode()[..7]] {
            let heard = decoded(&[noise, &good.encode()].concat());
            assert_eq!(heard.len(), 2, "{heard:?}");
            assert!(heard[0].is_err());
            assert_eq!(heard[1], Ok(good.clone()));
        }
    }

    #[test]
    fn every_flip_of_up_to_three_bits_is_found() {
        let good = frame(&[7, 0]);
        let wire = good.encode();
        let bits = wire.len() * 8;
        let flipped = |at: &[usize]| {
            let mut wire = wire.clone();
            at.iter().for_each(|bit| wire[bit / 8] ^= 1 << (bit % 8));
            wire
        };
        for a in 0..bits {
            for b in a..bits {
                // The third one anywhere near, which is where bits go together.
                for c in b..bits.min(b + 12) {
                    let heard = decoded(&flipped(&[a, b, c]));
                    let whole = heard.iter().flatten().all(|frame| *frame == good);
                    assert!(whole, "bits {a} {b} {c}: {heard:?}");
                }
            }
        }
    }
}
