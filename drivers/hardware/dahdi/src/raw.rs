//! DAHDI's ioctls: request numbers, argument layouts, and the one unsafe call. It decides nothing.
//!
//! Source: `include/dahdi/user.h`. All fixed-size, no pointers inside; the size is part of the request number, and the
//! kernel tells requests apart by it, so each layout's size is asserted.

use core::marker::PhantomData;
use core::mem::size_of;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

#[cfg(any(target_arch = "mips", target_arch = "mips64", target_arch = "powerpc", target_arch = "powerpc64"))]
compile_error!("these processors encode ioctl directions differently: give them request numbers of their own");

/// A layout that the kernel may read and fill: every bit pattern is a value, there is no pointer in it.
///
/// # Safety
/// The type is `repr(C)` of integers and integer arrays only.
pub unsafe trait Plain: Copy {}

// SAFETY: an integer.
unsafe impl Plain for i32 {}

/// One request with the layout of its argument.
pub struct Request<T> {
    /// The number the kernel knows it by.
    pub code: u32,
    argument: PhantomData<fn(T)>,
}

const WRITE: u32 = 1 << 30;
const READ: u32 = 2 << 30;

impl<T: Plain> Request<T> {
    const fn new(direction: u32, number: u32) -> Self {
        assert!(size_of::<T>() < 1 << 14, "an ioctl argument's size has fourteen bits");
        let code = direction | (size_of::<T>() as u32) << 16 | 0xDA << 8 | number;
        Request { code, argument: PhantomData }
    }
}

/// Carries a request out on an open DAHDI node; the error is the kernel's number.
pub fn ioctl<T: Plain>(fd: BorrowedFd<'_>, request: &Request<T>, argument: &mut T) -> Result<(), i32> {
    // SAFETY: the descriptor is open (it is borrowed), the argument is exclusively ours and of exactly the size that
    // the request's number tells the kernel, and any bits the kernel leaves there are a value of it (`Plain`).
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), request.code as _, core::ptr::from_mut(argument)) };
    if result >= 0 { Ok(()) } else { Err(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)) }
}

pub const FLUSH: Request<i32> = Request::new(WRITE, 0x03);
pub const GET_PARAMS: Request<Params> = Request::new(READ | WRITE, 0x05);
pub const HOOK: Request<i32> = Request::new(WRITE, 0x07);
pub const GETEVENT: Request<i32> = Request::new(READ, 0x08);
pub const SPANSTAT: Request<SpanInfo> = Request::new(READ | WRITE, 0x0A);
pub const MAINT: Request<Maintenance> = Request::new(WRITE, 0x0B);
pub const SPANCONFIG: Request<LineConfig> = Request::new(WRITE, 0x12);
pub const CHANCONFIG: Request<ChannelConfig> = Request::new(WRITE, 0x13);
pub const GETTONEZONE: Request<i32> = Request::new(READ, 0x16);
pub const DEFAULTZONE: Request<i32> = Request::new(WRITE, 0x18);
pub const LOADZONE: Request<ZoneHeader> = Request::new(WRITE, 0x19);
pub const SET_BUFINFO: Request<BufferInfo> = Request::new(WRITE, 0x1B);
pub const DIAL: Request<DialOperation> = Request::new(WRITE, 0x1F);
pub const AUDIOMODE: Request<i32> = Request::new(WRITE, 0x20);
pub const ECHOCANCEL: Request<i32> = Request::new(WRITE, 0x21);
pub const DIALING: Request<i32> = Request::new(READ, 0x23);
pub const SPECIFY: Request<i32> = Request::new(WRITE, 0x26);
pub const SETLAW: Request<i32> = Request::new(WRITE, 0x27);
pub const TIMERCONFIG: Request<i32> = Request::new(WRITE, 0x2F);
pub const TIMERACK: Request<i32> = Request::new(WRITE, 0x30);
pub const GETVERSION: Request<Version> = Request::new(READ, 0x39);
pub const ATTACH_ECHOCAN: Request<AttachEcho> = Request::new(WRITE, 0x3B);
pub const STARTUP: Request<i32> = Request::new(WRITE, 0x63);

/// FLUSH: what was read, what was written, and the events.
pub const FLUSH_ALL: i32 = 1 | 2 | 4;
/// SET_BUFINFO: send as soon as one buffer is full.
pub const POLICY_IMMEDIATE: u32 = 0;
/// SETLAW and `Params::curlaw`.
pub const LAW_MU: i32 = 1;
/// SETLAW and `Params::curlaw`.
pub const LAW_A: i32 = 2;
/// DIAL: instead of what is being dialled.
pub const DIAL_REPLACE: i32 = 2;
/// read and write: an event waits (the kernel's last errno value, no ordinary one).
pub const ERRNO_EVENT: i32 = 500;
/// Channel numbers end here.
pub const CHANNELS: u16 = 1024;
/// Span numbers end here.
pub const SPANS: u16 = 128;

/// DAHDI_GETVERSION.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Version {
    pub version: [u8; 80],
    pub echo_canceller: [u8; 80],
}

/// DAHDI_GET_PARAMS: a channel's state and timings.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Params {
    pub channo: i32,
    pub spanno: i32,
    pub chanpos: i32,
    pub sigtype: u32,
    pub sigcap: u32,
    pub rxisoffhook: i32,
    pub rxbits: i32,
    pub txbits: i32,
    pub txhooksig: i32,
    pub rxhooksig: i32,
    pub curlaw: i32,
    pub idlebits: i32,
    pub name: [u8; 40],
    pub prewink_ms: i32,
    pub preflash_ms: i32,
    pub wink_ms: i32,
    pub flash_ms: i32,
    pub start_ms: i32,
    pub rxwink_ms: i32,
    pub rxflash_ms: i32,
    pub debounce_ms: i32,
    pub pulsebreak_ms: i32,
    pub pulsemake_ms: i32,
    pub pulseafter_ms: i32,
    pub chan_alarms: u32,
}

/// DAHDI_SPANSTAT. Packed: it ends in six octets.
#[repr(C, packed)]
#[derive(Clone, Copy)]
pub struct SpanInfo {
    pub spanno: i32,
    pub name: [u8; 20],
    pub desc: [u8; 40],
    pub alarms: u32,
    pub txlevel: i32,
    pub rxlevel: i32,
    pub bpvcount: u32,
    pub crc4count: u32,
    pub ebitcount: u32,
    pub fascount: u32,
    pub fecount: u32,
    pub cvcount: u32,
    pub becount: u32,
    pub prbs: u32,
    pub errsec: u32,
    pub irqmisses: i32,
    pub syncsrc: i32,
    pub numchans: i32,
    pub totalchans: i32,
    pub totalspans: i32,
    pub lbo: i32,
    pub lineconfig: i32,
    pub lboname: [u8; 40],
    pub location: [u8; 40],
    pub manufacturer: [u8; 40],
    pub devicetype: [u8; 40],
    pub irq: i32,
    pub linecompat: i32,
    pub spantype: [u8; 6],
}

/// DAHDI_SET_BUFINFO.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct BufferInfo {
    pub tx_policy: u32,
    pub rx_policy: u32,
    pub count: u32,
    pub size: u32,
    pub read_waiting: i32,
    pub write_waiting: i32,
}

/// DAHDI_DIAL: an operation and a string that ends in a zero.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DialOperation {
    pub operation: i32,
    pub digits: [u8; 256],
}

/// DAHDI_ATTACH_ECHOCAN.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct AttachEcho {
    pub channo: i32,
    pub name: [u8; 16],
}

/// DAHDI_MAINT: a loop, a test pattern, an error on purpose.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Maintenance {
    pub spanno: i32,
    pub command: i32,
}

/// DAHDI_SPANCONFIG: framing, coding, length of the cable, clock.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LineConfig {
    pub span: i32,
    pub name: [u8; 20],
    pub lbo: i32,
    pub lineconfig: i32,
    pub sync: i32,
}

/// DAHDI_CHANCONFIG: what a channel is used as.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ChannelConfig {
    pub chan: i32,
    pub name: [u8; 40],
    pub sigtype: u32,
    pub deflaw: i32,
    pub master: i32,
    pub idlebits: i32,
    pub netdev_name: [u8; 16],
}

/// DAHDI_LOADZONE: a tone zone's head. `count` tones would follow it; ours has none.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ZoneHeader {
    pub count: i32,
    pub zone: i32,
    pub ring_cadence_ms: [i32; 16],
    pub name: [u8; 40],
}

macro_rules! plain {
    ($($layout:ident $size:literal),*) => {$(
        // SAFETY: repr(C), integers and arrays of octets only.
        unsafe impl Plain for $layout {}
        const _: () = assert!(size_of::<$layout>() == $size);
        impl $layout {
            /// All zero.
            #[allow(dead_code)]
            pub const fn zero() -> Self {
                // SAFETY: every bit pattern is a value of a `Plain` layout.
                unsafe { core::mem::zeroed() }
            }
        }
    )*};
}

plain!(Version 160, Params 136, SpanInfo 314, BufferInfo 24, DialOperation 260, AttachEcho 20);
plain!(Maintenance 8, LineConfig 36, ChannelConfig 76, ZoneHeader 112);

#[cfg(test)]
mod tests {
    use core::mem::offset_of;

    use super::*;

    #[test]
    fn request_numbers_are_the_kernels() {
        let numbers = [
            (FLUSH.code, 0x4004_DA03),
            (GET_PARAMS.code, 0xC088_DA05),
            (HOOK.code, 0x4004_DA07),
            (GETEVENT.code, 0x8004_DA08),
            (SPANSTAT.code, 0xC13A_DA0A),
            (MAINT.code, 0x4008_DA0B),
            (SPANCONFIG.code, 0x4024_DA12),
            (CHANCONFIG.code, 0x404C_DA13),
            (GETTONEZONE.code, 0x8004_DA16),
            (DEFAULTZONE.code, 0x4004_DA18),
            (LOADZONE.code, 0x4070_DA19),
            (STARTUP.code, 0x4004_DA63),
            (SET_BUFINFO.code, 0x4018_DA1B),
            (DIAL.code, 0x4104_DA1F),
            (AUDIOMODE.code, 0x4004_DA20),
            (ECHOCANCEL.code, 0x4004_DA21),
            (DIALING.code, 0x8004_DA23),
            (SPECIFY.code, 0x4004_DA26),
            (SETLAW.code, 0x4004_DA27),
            (TIMERCONFIG.code, 0x4004_DA2F),
            (TIMERACK.code, 0x4004_DA30),
            (GETVERSION.code, 0x80A0_DA39),
            (ATTACH_ECHOCAN.code, 0x4014_DA3B),
        ];
        for (ours, kernels) in numbers {
            assert_eq!(ours, kernels, "{ours:#010x} is not {kernels:#010x}");
        }
    }

    #[test]
    fn layouts_are_the_kernels() {
        assert_eq!(offset_of!(Params, sigtype), 12);
        assert_eq!(offset_of!(Params, rxbits), 24);
        assert_eq!(offset_of!(Params, curlaw), 40);
        assert_eq!(offset_of!(Params, name), 48);
        assert_eq!(offset_of!(Params, prewink_ms), 88);
        assert_eq!(offset_of!(Params, rxflash_ms), 112);
        assert_eq!(offset_of!(Params, debounce_ms), 116);
        assert_eq!(offset_of!(Params, pulsebreak_ms), 120);
        assert_eq!(offset_of!(Params, chan_alarms), 132);
        assert_eq!(offset_of!(SpanInfo, desc), 24);
        assert_eq!(offset_of!(SpanInfo, alarms), 64);
        assert_eq!(offset_of!(SpanInfo, bpvcount), 76);
        assert_eq!(offset_of!(SpanInfo, becount), 100);
        assert_eq!(offset_of!(SpanInfo, irqmisses), 112);
        assert_eq!(offset_of!(SpanInfo, numchans), 120);
        assert_eq!(offset_of!(SpanInfo, totalspans), 128);
        assert_eq!(offset_of!(SpanInfo, lboname), 140);
        assert_eq!(offset_of!(SpanInfo, devicetype), 260);
        assert_eq!(offset_of!(SpanInfo, irq), 300);
        assert_eq!(offset_of!(SpanInfo, spantype), 308);
        assert_eq!(offset_of!(BufferInfo, count), 8);
        assert_eq!(offset_of!(BufferInfo, size), 12);
        assert_eq!(offset_of!(DialOperation, digits), 4);
        assert_eq!(offset_of!(LineConfig, lbo), 24);
        assert_eq!(offset_of!(LineConfig, sync), 32);
        assert_eq!(offset_of!(ChannelConfig, sigtype), 44);
        assert_eq!(offset_of!(ChannelConfig, idlebits), 56);
        assert_eq!(offset_of!(ZoneHeader, ring_cadence_ms), 8);
        assert_eq!(offset_of!(AttachEcho, name), 4);
        assert_eq!(offset_of!(Version, echo_canceller), 80);
    }

    #[test]
    fn a_request_to_something_else_is_an_error() {
        use std::os::fd::AsFd as _;
        let null = std::fs::File::open("/dev/null").expect("/dev/null opens");
        assert_eq!(ioctl(null.as_fd(), &GETVERSION, &mut Version::zero()), Err(libc::ENOTTY));
    }
}
