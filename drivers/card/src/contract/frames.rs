//! Clauses about HDLC frames on a pair of D channels: the octets of the check sum, the first frame. No Q.921 here.

use alloc::{format, string::String, vec, vec::Vec};

use super::{Bench, Ends, STEP, Stop, Verdict, events, failed, octet};
use crate::{CardError, Hook, Micros, Signalling};

/// Lengths of the frames that must pass: the shortest that Q.921 knows, and up to its N201.
const LENGTHS: [usize; 8] = [4, 5, 16, 31, 64, 127, 255, 260];
/// Frames in flight at an opening that may be lost (their ends abort each other).
const MAY_BE_LOST: u32 = 1;

pub(super) fn a_frame_is_read_with_its_fcs_octets(bench: &mut dyn Bench) -> Verdict {
    let mut ends = Ends::open(bench, Signalling::Hdlc)?;
    bench.advance(Micros::from_ms(20));
    let mut lost = [0, 0];
    for (way, lost) in lost.iter_mut().enumerate() {
        let mut number = 0;
        // The first frame after an opening may be lost; the next must arrive.
        while !passes(bench, &mut ends, way == 0, 12, number)? {
            *lost += 1;
            number += 1;
            if *lost > MAY_BE_LOST {
                return failed(format!("the second frame after the opening was lost too (way {way})"));
            }
        }
        for (length, number) in LENGTHS.into_iter().cycle().take(24).zip(100..) {
            if !passes(bench, &mut ends, way == 0, length, number)? {
                return failed(format!("frame {number} of {length} octets was lost"));
            }
        }
    }
    Ok(format!("first frames lost: {} near to far, {} far to near", lost[0], lost[1]))
}

pub(super) fn a_d_channel_has_no_hook(bench: &mut dyn Bench) -> Verdict {
    let mut ends = Ends::open(bench, Signalling::Hdlc)?;
    match ends.near.hook(Hook::OffHook) {
        Err(CardError::Invalid) => Ok(String::new()),
        other => failed(format!("off hook on a D channel gives {other:?}")),
    }
}

/// Sends one frame, near to far when `forth`; whether it arrived within 500 ms, right and with two octets behind it.
fn passes(bench: &mut dyn Bench, ends: &mut Ends, forth: bool, length: usize, number: u32) -> Result<bool, Stop> {
    let (from, to) = if forth { (&mut ends.near, &mut ends.far) } else { (&mut ends.far, &mut ends.near) };
    let frame: Vec<u8> = (0..length as u32).map(|i| octet(number + 1, i)).collect();
    let mut with_room = frame.clone();
    with_room.extend([0, 0]);
    let mut sent = false;
    let mut buffer = vec![0; 1024];
    for _ in 0..100 {
        if !sent {
            match from.write(&with_room) {
                Ok(n) if n == with_room.len() => sent = true,
                Ok(n) => return failed(format!("a write of {} octets took {n}", with_room.len())),
                Err(CardError::EventPending) => drop(events(from.as_mut())),
                Err(CardError::Again) => {}
                Err(error) => return failed(format!("write: {error}")),
            }
        }
        bench.advance(STEP);
        match to.read(&mut buffer) {
            Ok(n) if n == length + 2 && buffer[..length] == frame[..] => return Ok(true),
            Ok(n) if buffer[..n.min(length)] == frame[..n.min(length)] => {
                return failed(format!("a frame of {length} octets was read as {n}: two octets of FCS must follow it"));
            }
            Ok(_) | Err(CardError::Again) => {} // the remains of a first frame that did not make it
            Err(CardError::EventPending) => drop(events(to.as_mut())),
            Err(error) => return failed(format!("read: {error}")),
        }
    }
    Ok(false)
}
