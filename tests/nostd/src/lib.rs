//! Compiles only if the pure crates need no standard library.
#![no_std]

pub use {
    tipring_analog as analog, tipring_card as card, tipring_controller as controller, tipring_dsp as dsp, tipring_isdn as isdn, tipring_numbering as numbering,
    tipring_switch as switch,
};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
