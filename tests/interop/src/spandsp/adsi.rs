//! spandsp's caller id, both ways, as its header `spandsp/adsi.h` (0.0.6) has it.

use std::ffi::{c_int, c_void};
use std::ptr::{NonNull, null, null_mut};

use super::State;

#[link(name = "spandsp")]
unsafe extern "C" {
    fn adsi_tx_init(state: *mut State, standard: c_int) -> *mut State;
    fn adsi_tx_free(state: *mut State) -> c_int;
    fn adsi_tx(state: *mut State, samples: *mut i16, most: c_int) -> c_int;
    fn adsi_tx_put_message(state: *mut State, message: *const u8, length: c_int) -> c_int;
    fn adsi_add_field(
        state: *mut State,
        message: *mut u8,
        length: c_int,
        kind: u8,
        body: *const u8,
        body_length: c_int,
    ) -> c_int;
    fn adsi_rx_init(state: *mut State, standard: c_int, put: PutMessage, user_data: *mut c_void) -> *mut State;
    fn adsi_rx_free(state: *mut State) -> c_int;
    fn adsi_rx(state: *mut State, samples: *const i16, count: c_int) -> c_int;
}

type PutMessage = extern "C" fn(user_data: *mut c_void, message: *const u8, length: c_int);

/// The standards of the header that are used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    /// Bell 202.
    Class = 1,
    /// V.23.
    Clip = 2,
    /// V.23, Singapore.
    Aclip = 3,
    /// Digits.
    ClipDtmf = 5,
}

/// A message that has been begun, and who will send it.
pub struct Sender {
    state: NonNull<State>,
    message: [u8; MOST],
    length: c_int,
}

impl Sender {
    /// A message of a kind; of digits: the code at its end.
    pub fn new(standard: Standard, kind: u8) -> Sender {
        // SAFETY: without a state it allocates one.
        let state = unsafe { adsi_tx_init(null_mut(), standard as c_int) };
        let state = NonNull::new(state).expect("spandsp has memory for a sender");
        let mut sender = Sender { state, message: [0; MOST], length: -1 };
        sender.add(kind, &[]);
        sender
    }

    /// A field; the message has room for it.
    pub fn add(&mut self, kind: u8, body: &[u8]) {
        let used = usize::try_from(self.length).unwrap_or(0);
        assert!(used + body.len() + 8 < MOST, "there is room");
        let at = if body.is_empty() { null() } else { body.as_ptr() };
        let place = self.message.as_mut_ptr();
        // SAFETY: the state is alive; the buffer has the room that is asserted above, the body its length.
        self.length = unsafe { adsi_add_field(self.state.as_ptr(), place, self.length, kind, at, body.len() as c_int) };
    }

    /// All of the message as sound.
    pub fn sound(mut self) -> Vec<i16> {
        // SAFETY: the state is alive; the message has its length and is copied.
        let taken = unsafe { adsi_tx_put_message(self.state.as_ptr(), self.message.as_mut_ptr(), self.length) };
        assert_eq!(taken, self.length, "spandsp takes its own message");
        let mut all = Vec::new();
        loop {
            let mut block = [0i16; 80];
            // SAFETY: the block has room for 80 samples.
            let count = unsafe { adsi_tx(self.state.as_ptr(), block.as_mut_ptr(), 80) };
            let count = usize::try_from(count).unwrap_or(0).min(80);
            all.extend(&block[..count]);
            if count < 80 || all.len() > MOST_SAMPLES {
                return all;
            }
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        // SAFETY: it came from `adsi_tx_init` and is not used again.
        unsafe { adsi_tx_free(self.state.as_ptr()) };
    }
}

/// Hears messages of one standard.
pub struct Receiver {
    state: NonNull<State>,
    /// The library's callback and `take` use it, never at the same time.
    heard: NonNull<Vec<Vec<u8>>>,
}

impl Receiver {
    /// One that has heard nothing.
    pub fn new(standard: Standard) -> Receiver {
        let heard = NonNull::from(Box::leak(Box::new(Vec::new())));
        // SAFETY: without a state it allocates one; the vector lives as long as the state.
        let state = unsafe { adsi_rx_init(null_mut(), standard as c_int, put, heard.as_ptr().cast()) };
        Receiver { state: NonNull::new(state).expect("spandsp has memory for a receiver"), heard }
    }

    /// Takes samples.
    pub fn feed(&mut self, samples: &[i16]) {
        let count = c_int::try_from(samples.len()).expect("a block");
        // SAFETY: the state is alive until `drop`; the library reads `count` samples and keeps no pointer.
        unsafe { adsi_rx(self.state.as_ptr(), samples.as_ptr(), count) };
    }

    /// Whole messages since the last time: keyed ones without their check sum, digits as keys.
    pub fn take(&mut self) -> Vec<Vec<u8>> {
        // SAFETY: it lives until `drop`, and the library is not running.
        std::mem::take(unsafe { self.heard.as_mut() })
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // SAFETY: both came from `new` and are not used again; the state first, which points to the vector.
        unsafe {
            adsi_rx_free(self.state.as_ptr());
            drop(Box::from_raw(self.heard.as_ptr()));
        }
    }
}

extern "C" fn put(user_data: *mut c_void, message: *const u8, length: c_int) {
    let Ok(length) = usize::try_from(length) else { return };
    // SAFETY: the pointer is the vector's of `Receiver::new`, and nobody else uses it while `adsi_rx` runs; the message
    // has its length.
    let (heard, message) =
        unsafe { (&mut *user_data.cast::<Vec<Vec<u8>>>(), std::slice::from_raw_parts(message, length)) };
    heard.push(message.to_vec());
}

/// Of the library's own buffer.
const MOST: usize = 256;
/// Far more than the longest message.
const MOST_SAMPLES: usize = 100_000;
