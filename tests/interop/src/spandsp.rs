//! spandsp's DTMF receiver, as its header `spandsp/dtmf.h` (0.0.6) has it; beside it its caller id and its listener for
//! the networks' tones. Nothing else of that library.
#![allow(unsafe_code)]

#[cfg_attr(not(test), allow(dead_code))] // its sender is for the tests
pub mod adsi;
pub mod tones;

use std::ffi::{c_char, c_int, c_void};
use std::ptr::{NonNull, null_mut};

#[repr(C)]
struct State {
    opaque: [u8; 0],
}

#[link(name = "spandsp")]
unsafe extern "C" {
    fn dtmf_rx_init(state: *mut State, callback: *const c_void, user_data: *mut c_void) -> *mut State;
    fn dtmf_rx(state: *mut State, samples: *const i16, count: c_int) -> c_int;
    fn dtmf_rx_get(state: *mut State, digits: *mut c_char, most: c_int) -> usize;
    fn dtmf_rx_free(state: *mut State) -> c_int;
}

/// A receiver with the library's own settings.
pub struct Receiver(NonNull<State>);

impl Receiver {
    /// One that has heard nothing.
    pub fn new() -> Receiver {
        // SAFETY: without a state it allocates one; without a callback it keeps the digits for `dtmf_rx_get`.
        let state = unsafe { dtmf_rx_init(null_mut(), std::ptr::null(), null_mut()) };
        Receiver(NonNull::new(state).expect("spandsp has memory for a receiver"))
    }

    /// Takes samples.
    pub fn feed(&mut self, samples: &[i16]) {
        let count = c_int::try_from(samples.len()).expect("a block");
        // SAFETY: the state is alive until `drop`; the library reads `count` samples and keeps no pointer.
        unsafe { dtmf_rx(self.0.as_ptr(), samples.as_ptr(), count) };
    }

    /// The keys since the last time; the library keeps 128 at most.
    pub fn take(&mut self) -> Vec<u8> {
        let mut digits = [0u8; MOST_DIGITS + 1];
        // SAFETY: there is room for the digits and the zero behind them.
        let count = unsafe { dtmf_rx_get(self.0.as_ptr(), digits.as_mut_ptr().cast(), MOST_DIGITS as c_int) };
        digits[..count.min(MOST_DIGITS)].to_vec()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // SAFETY: it came from `dtmf_rx_init` and is not used again.
        unsafe { dtmf_rx_free(self.0.as_ptr()) };
    }
}

/// MAX_DTMF_DIGITS of the header.
const MOST_DIGITS: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use tipring_dsp::{KEYS, KeyTone};

    #[test]
    fn it_hears_every_key_that_we_send() {
        let mut sound = vec![0; 1280 * 16];
        for (place, key) in sound.chunks_mut(1280).zip(KEYS) {
            assert_eq!(KeyTone::new(key).map(|mut tone| tone.fill(place)), Some(1280));
        }
        let mut receiver = Receiver::new();
        sound.chunks(80).for_each(|block| receiver.feed(block));
        assert_eq!(receiver.take(), KEYS);
    }
}
