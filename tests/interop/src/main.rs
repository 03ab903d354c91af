//! Benches beside the libraries that others use: `interop ROW…` prints a line of JSON for each row, without names for all.
//! Run with `--release`; features `spandsp` and `libpri` bring the peers in.

mod allocations;
mod corpus;
mod dtmf;
mod isdn;
#[cfg(feature = "libpri")]
mod libpri;
mod measure;
#[cfg(feature = "spandsp")]
mod spandsp;
#[path = "../../../drivers/dsp/tests/speaker.rs"]
mod speaker;
#[allow(dead_code)] // the tests of the detector use more of it
#[path = "../../../drivers/dsp/tests/world.rs"]
mod world;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if wanted.iter().any(|w| w == "isdn.call") || wanted.is_empty() { isdn::row().print(); }
    if wanted.iter().any(|w| w == "dsp.dtmf") || wanted.is_empty() { dtmf::row().print(); }
}
