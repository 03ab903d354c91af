//! spandsp's listener for the networks' tones, as its header `spandsp/super_tone_rx.h` (0.0.6) has it.

use std::ffi::{c_int, c_void};
use std::ptr::{NonNull, null_mut};

use tipring_dsp::{Cadence, Zone};

use super::State;

#[link(name = "spandsp")]
unsafe extern "C" {
    fn super_tone_rx_make_descriptor(descriptor: *mut State) -> *mut State;
    fn super_tone_rx_free_descriptor(descriptor: *mut State) -> c_int;
    fn super_tone_rx_add_tone(descriptor: *mut State) -> c_int;
    fn super_tone_rx_add_element(
        descriptor: *mut State,
        tone: c_int,
        first_hz: c_int,
        second_hz: c_int,
        least_ms: c_int,
        most_ms: c_int,
    ) -> c_int;
    fn super_tone_rx_init(
        state: *mut State,
        descriptor: *mut State,
        report: Report,
        user_data: *mut c_void,
    ) -> *mut State;
    fn super_tone_rx_free(state: *mut State) -> c_int;
    fn super_tone_rx(state: *mut State, samples: *const i16, count: c_int) -> c_int;
}

type Report = extern "C" fn(user_data: *mut c_void, code: c_int, level: c_int, delay: c_int);

/// A listener for a country's dial tone, ringback, busy and congestion, each in its rhythm, 15 % up and down.
pub struct Listener {
    descriptor: NonNull<State>,
    state: NonNull<State>,
    /// The library's callback and `take` use it, never at the same time.
    told: NonNull<Vec<c_int>>,
}

impl Listener {
    /// One that has heard nothing. Forms that are modulated are left out: the library knows none.
    pub fn new(zone: &Zone) -> Listener {
        // SAFETY: without a descriptor it allocates one.
        let descriptor = unsafe { super_tone_rx_make_descriptor(null_mut()) };
        let descriptor = NonNull::new(descriptor).expect("spandsp has memory for a descriptor");
        for cadence in [zone.dial, zone.ringback, zone.busy, zone.congestion].concat().iter().filter(|it| !it.modulated)
        {
            add(descriptor, cadence);
        }
        let told = NonNull::from(Box::leak(Box::new(Vec::new())));
        // SAFETY: the descriptor is alive until `drop`; the vector lives as long as the state.
        let state = unsafe { super_tone_rx_init(null_mut(), descriptor.as_ptr(), report, told.as_ptr().cast()) };
        Listener { descriptor, state: NonNull::new(state).expect("spandsp has memory for a listener"), told }
    }

    /// Takes samples.
    pub fn feed(&mut self, mut samples: &[i16]) {
        while !samples.is_empty() {
            let count = c_int::try_from(samples.len()).expect("a block");
            // SAFETY: the state is alive until `drop`; the library reads `count` samples at most and keeps no pointer.
            let done = unsafe { super_tone_rx(self.state.as_ptr(), samples.as_ptr(), count) };
            samples = &samples[usize::try_from(done).unwrap_or(0).clamp(1, samples.len())..];
        }
    }

    /// Tones that were told since the last time, by their place; -1 where one ended.
    pub fn take(&mut self) -> Vec<i32> {
        // SAFETY: it lives until `drop`, and the library is not running.
        std::mem::take(unsafe { self.told.as_mut() })
    }
}

fn add(descriptor: NonNull<State>, cadence: &Cadence) {
    // The header says -1 for none, the library takes 0.
    let [first, second] = cadence.hz.map(c_int::from);
    // SAFETY: the descriptor is alive; the calls keep no pointers.
    unsafe {
        let tone = super_tone_rx_add_tone(descriptor.as_ptr());
        if cadence.on_off_ms.is_empty() {
            super_tone_rx_add_element(descriptor.as_ptr(), tone, first, second, 1000, 0);
        }
        for (n, ms) in cadence.on_off_ms.iter().map(|ms| c_int::from(*ms)).enumerate() {
            let (first, second) = if n % 2 == 0 { (first, second) } else { (0, 0) };
            super_tone_rx_add_element(descriptor.as_ptr(), tone, first, second, ms * 85 / 100, ms * 115 / 100);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // SAFETY: all came from `new` and are not used again; the state first, which points to the others.
        unsafe {
            super_tone_rx_free(self.state.as_ptr());
            super_tone_rx_free_descriptor(self.descriptor.as_ptr());
            drop(Box::from_raw(self.told.as_ptr()));
        }
    }
}

extern "C" fn report(user_data: *mut c_void, code: c_int, _level: c_int, _delay: c_int) {
    // SAFETY: the pointer is the vector's of `Listener::new`, and nobody else uses it while `super_tone_rx` runs.
    let told = unsafe { &mut *user_data.cast::<Vec<c_int>>() };
    told.push(code);
}
