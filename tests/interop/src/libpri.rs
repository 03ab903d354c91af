//! Two ends of one D channel by libpri (1.6), joined in memory by its own read and write callbacks, and calls on it. Of
//! an event only its number is read, and of a SETUP's the handle of its call; a test compares that place with the header.
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::NonNull;

#[repr(C)]
struct Pri {
    opaque: [u8; 0],
}

#[repr(C)]
struct Q931Call {
    opaque: [u8; 0],
}

#[repr(C)]
struct SetupRequest {
    opaque: [u8; 0],
}

/// `pri_event_ring` of libpri.h, as far as the handle of the call.
#[repr(C)]
struct Ring {
    e: c_int,
    numbers: [c_int; 4],
    calling: [[c_char; 256]; 3],
    plans: [c_int; 2],
    called: [[c_char; 256]; 3],
    redirecting: [c_int; 2],
    user_to_user: [c_char; 260],
    more: [c_int; 5],
    call: *mut Q931Call,
}

type Io = extern "C" fn(*mut Pri, *mut c_void, c_int) -> c_int;

#[link(name = "pri")]
unsafe extern "C" {
    fn pri_new_cb(fd: c_int, node: c_int, switch: c_int, read: Io, write: Io, user_data: *mut c_void) -> *mut Pri;
    fn pri_get_userdata(pri: *mut Pri) -> *mut c_void;
    fn pri_check_event(pri: *mut Pri) -> *mut c_int;
    fn pri_schedule_next(pri: *mut Pri) -> *mut c_void;
    fn pri_new_call(pri: *mut Pri) -> *mut Q931Call;
    fn pri_sr_new() -> *mut SetupRequest;
    fn pri_sr_free(request: *mut SetupRequest);
    fn pri_sr_set_channel(request: *mut SetupRequest, channel: c_int, exclusive: c_int, not_isdn: c_int) -> c_int;
    fn pri_sr_set_bearer(request: *mut SetupRequest, capability: c_int, layer_1: c_int) -> c_int;
    fn pri_sr_set_called(request: *mut SetupRequest, number: *const c_char, plan: c_int, complete: c_int) -> c_int;
    fn pri_sr_set_caller(
        request: *mut SetupRequest,
        number: *const c_char,
        name: *const c_char,
        plan: c_int,
        presentation: c_int,
    ) -> c_int;
    fn pri_setup(pri: *mut Pri, call: *mut Q931Call, request: *mut SetupRequest) -> c_int;
    fn pri_proceeding(pri: *mut Pri, call: *mut Q931Call, channel: c_int, info: c_int) -> c_int;
    fn pri_acknowledge(pri: *mut Pri, call: *mut Q931Call, channel: c_int, info: c_int) -> c_int;
    fn pri_answer(pri: *mut Pri, call: *mut Q931Call, channel: c_int, not_isdn: c_int) -> c_int;
    fn pri_hangup(pri: *mut Pri, call: *mut Q931Call, cause: c_int) -> c_int;
    fn pri_hangup_fix_enable(pri: *mut Pri, enable: c_int);
    fn pri_set_message(told: Option<extern "C" fn(*mut Pri, *mut c_char)>);
    fn pri_set_error(told: Option<extern "C" fn(*mut Pri, *mut c_char)>);
}

/// A call's handle at one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(NonNull<Q931Call>);

/// What an end tells, as far as a basic call needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// The data link is up.
    Up,
    /// A call is offered.
    Ring(Handle),
    /// CALL PROCEEDING came.
    Proceeding,
    /// ALERTING came.
    Ringing,
    /// CONNECT came.
    Answered,
    /// DISCONNECT came.
    HangupRequest,
    /// RELEASE came.
    Hangup,
    /// RELEASE COMPLETE came.
    HangupAck,
    /// CONNECT ACKNOWLEDGE came.
    ConnectAck,
    /// Anything else, by its number.
    Other(c_int),
}

/// Frames on their way to one end, and what passed.
#[derive(Default)]
struct Way {
    frames: VecDeque<Vec<u8>>,
    spare: Vec<Vec<u8>>,
    passed: u64,
    messages: u64,
}

/// What one end's callbacks work on: where it reads and where it writes.
struct Ends {
    reads: *mut Way,
    writes: *mut Way,
}

/// Two ends, `0` the network and `1` the user.
pub struct Pair {
    ends: [NonNull<Pri>; 2],
    // Never moved while libpri has their addresses.
    ways: [*mut Way; 2],
}

impl Pair {
    /// Two ends whose link is not up yet. The library has no way to give an end back: it lasts as long as the program.
    pub fn new() -> Pair {
        // SAFETY: both functions only store the pointer; without them the library writes to the terminal.
        unsafe {
            pri_set_message(Some(silent));
            pri_set_error(Some(silent));
        }
        let ways = [(); 2].map(|()| Box::into_raw(Box::<Way>::default()));
        let ends = [(0, PRI_NETWORK), (1, PRI_CPE)].map(|(at, node)| {
            let ends = Box::into_raw(Box::new(Ends { reads: ways[at], writes: ways[1 - at] }));
            // SAFETY: the callbacks have the declared shape; the user data lives as long as the program. The descriptor
            // is not used by an end with callbacks.
            let pri = unsafe { pri_new_cb(-1, node, PRI_SWITCH_EUROISDN_E1, read, write, ends.cast()) };
            let pri = NonNull::new(pri).expect("libpri makes an end");
            // SAFETY: the end is alive. DISCONNECT, RELEASE, RELEASE COMPLETE: each side takes its own step.
            unsafe { pri_hangup_fix_enable(pri.as_ptr(), 1) };
            pri
        });
        Pair { ends, ways }
    }

    /// Takes one waiting frame at an end; what it tells. `None` with nothing waiting, and after a frame that tells
    /// nothing.
    pub fn take(&mut self, end: usize) -> Option<News> {
        // SAFETY: the end is alive, and only this thread uses it.
        let event = unsafe { pri_check_event(self.ends[end].as_ptr()) };
        // SAFETY: an event begins with its number; a SETUP's has the shape of `Ring`. It is the end's own and valid until
        // the next call of the library.
        let event = unsafe { event.as_ref() }?;
        Some(match *event {
            1 => News::Up,
            // SAFETY: as above.
            5 => News::Ring(Handle(NonNull::new(unsafe { (*std::ptr::from_ref(event).cast::<Ring>()).call })?)),
            8 => News::Answered,
            6 => News::Hangup,
            7 => News::Ringing,
            9 => News::HangupAck,
            13 => News::Proceeding,
            15 => News::HangupRequest,
            27 => News::ConnectAck,
            other => News::Other(other),
        })
    }

    /// Whether a frame waits for an end.
    pub fn waits(&self, end: usize) -> bool {
        // SAFETY: the ways live as long as the program; no callback runs now.
        unsafe { !(*self.ways[end]).frames.is_empty() }
    }

    /// Asks an end when it wants to be called again, as every owner does after each input.
    pub fn deadline(&mut self, end: usize) -> bool {
        // SAFETY: the end is alive; the answer is looked at no further.
        unsafe { !pri_schedule_next(self.ends[end].as_ptr()).is_null() }
    }

    /// Frames and Q.931 messages so far, both ways.
    pub fn passed(&self) -> (u64, u64) {
        // SAFETY: as in `waits`.
        let of = |way: *mut Way| unsafe { ((*way).passed, (*way).messages) };
        let (a, b) = (of(self.ways[0]), of(self.ways[1]));
        (a.0 + b.0, a.1 + b.1)
    }

    /// A call from an end.
    pub fn call(&mut self, end: usize, channel: u8, called: &std::ffi::CStr, calling: &std::ffi::CStr) -> Handle {
        let pri = self.ends[end].as_ptr();
        // SAFETY: the end is alive; the request lives from `new` to `free`; the library copies the numbers into it, and
        // keeps no pointer to them.
        unsafe {
            let call = NonNull::new(pri_new_call(pri)).expect("libpri makes a call");
            let request = pri_sr_new();
            pri_sr_set_channel(request, c_int::from(channel), 1, 0);
            pri_sr_set_bearer(request, PRI_TRANS_CAP_SPEECH, PRI_LAYER_1_ALAW);
            pri_sr_set_called(request, called.as_ptr(), 0, 1);
            pri_sr_set_caller(request, calling.as_ptr(), std::ptr::null(), 0, 0);
            let done = pri_setup(pri, call.as_ptr(), request);
            pri_sr_free(request);
            assert_eq!(done, 0, "libpri sends SETUP");
            Handle(call)
        }
    }

    /// CALL PROCEEDING.
    pub fn proceeding(&mut self, end: usize, call: Handle, channel: u8) {
        // SAFETY: end and call are alive: the call came from this end and was not cleared yet.
        unsafe { pri_proceeding(self.ends[end].as_ptr(), call.0.as_ptr(), c_int::from(channel), 0) };
    }

    /// ALERTING.
    pub fn alerting(&mut self, end: usize, call: Handle, channel: u8) {
        // SAFETY: as in `proceeding`.
        unsafe { pri_acknowledge(self.ends[end].as_ptr(), call.0.as_ptr(), c_int::from(channel), 0) };
    }

    /// CONNECT.
    pub fn answer(&mut self, end: usize, call: Handle, channel: u8) {
        // SAFETY: as in `proceeding`.
        unsafe { pri_answer(self.ends[end].as_ptr(), call.0.as_ptr(), c_int::from(channel), 0) };
    }

    /// The next message of clearing. After RELEASE COMPLETE, in either direction, the handle must not be used again.
    pub fn hang_up(&mut self, end: usize, call: Handle) {
        // SAFETY: as in `proceeding`.
        unsafe { pri_hangup(self.ends[end].as_ptr(), call.0.as_ptr(), NORMAL_CLEARING) };
    }
}

extern "C" fn silent(_: *mut Pri, _: *mut c_char) {}

extern "C" fn read(pri: *mut Pri, buffer: *mut c_void, room: c_int) -> c_int {
    // SAFETY: the user data is the `Ends` that `Pair::new` gave, and both ways live as long as the program; one thread
    // uses them, and no reference to them is held while the library runs.
    let way = unsafe { &mut *(*pri_get_userdata(pri).cast::<Ends>()).reads };
    let Some(frame) = way.frames.pop_front() else { return 0 };
    let count = frame.len().min(usize::try_from(room).unwrap_or(0));
    // SAFETY: the library's buffer has `room` octets.
    unsafe { std::ptr::copy_nonoverlapping(frame.as_ptr(), buffer.cast(), count) };
    way.spare.push(frame);
    count as c_int
}

extern "C" fn write(pri: *mut Pri, buffer: *mut c_void, count: c_int) -> c_int {
    // SAFETY: as in `read`.
    let way = unsafe { &mut *(*pri_get_userdata(pri).cast::<Ends>()).writes };
    let length = usize::try_from(count).unwrap_or(0);
    // SAFETY: the library's buffer has `count` octets, the last two in place of the FCS.
    let octets = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), length) };
    let mut frame = way.spare.pop().unwrap_or_default();
    frame.clear();
    frame.extend_from_slice(octets);
    way.passed += 1;
    way.messages += u64::from(octets.get(2).is_some_and(|control| control & 1 == 0));
    way.frames.push_back(frame);
    count
}

const PRI_NETWORK: c_int = 1;
const PRI_CPE: c_int = 2;
const PRI_SWITCH_EUROISDN_E1: c_int = 5;
const PRI_TRANS_CAP_SPEECH: c_int = 0;
const PRI_LAYER_1_ALAW: c_int = 0x23;
const NORMAL_CLEARING: c_int = 16;

#[cfg(test)]
mod tests {
    use super::*;

    /// The header's own word on where the handle is.
    #[test]
    fn the_handle_is_where_the_header_has_it() {
        let dir = std::env::temp_dir().join(format!("tipring-interop-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a temporary directory");
        let (source, program) = (dir.join("place.c"), dir.join("place"));
        let text = "#include <stddef.h>\n#include <stdio.h>\n#include <libpri.h>\n\
                    int main(void) { printf(\"%zu\", offsetof(pri_event_ring, call)); return 0; }\n";
        std::fs::write(&source, text).expect("the source is written");
        let compiled = std::process::Command::new("cc").arg(&source).arg("-o").arg(&program).status();
        assert!(compiled.expect("cc runs").success());
        let said = std::process::Command::new(&program).output().expect("it runs");
        std::fs::remove_dir_all(&dir).expect("removed");
        let place = std::mem::offset_of!(Ring, call);
        assert_eq!(String::from_utf8_lossy(&said.stdout), place.to_string());
    }
}
