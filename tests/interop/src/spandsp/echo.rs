//! spandsp's line echo canceller, as its header `spandsp/echo.h` (0.0.6) has it.

use std::ffi::c_int;
use std::ptr::NonNull;

#[repr(C)]
struct State {
    opaque: [u8; 0],
}

#[link(name = "spandsp")]
unsafe extern "C" {
    fn echo_can_init(len: c_int, adaption_mode: c_int) -> *mut State;
    fn echo_can_update(ec: *mut State, tx: i16, rx: i16) -> i16;
    fn echo_can_free(ec: *mut State) -> c_int;
}

/// A canceller that learns, without what makes the rest of an echo softer.
pub struct Canceller(NonNull<State>);

impl Canceller {
    /// One of so many taps that knows nothing.
    pub fn new(taps: usize) -> Canceller {
        let taps = c_int::try_from(taps).expect("some taps");
        // SAFETY: it allocates a state of this length.
        let state = unsafe { echo_can_init(taps, ECHO_CAN_USE_ADAPTION) };
        Canceller(NonNull::new(state).expect("spandsp has memory for a canceller"))
    }

    /// A block that was played, and what was heard, in place.
    pub fn cancel(&mut self, played: &[i16], heard: &mut [i16]) {
        for (played, heard) in played.iter().zip(heard) {
            // SAFETY: the state is alive until `drop`.
            *heard = unsafe { echo_can_update(self.0.as_ptr(), *played, *heard) };
        }
    }
}

impl Drop for Canceller {
    fn drop(&mut self) {
        // SAFETY: it came from `echo_can_init` and is not used again.
        unsafe { echo_can_free(self.0.as_ptr()) };
    }
}

/// From the header.
const ECHO_CAN_USE_ADAPTION: c_int = 0x01;
