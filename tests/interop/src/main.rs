//! Benches beside the libraries that others use: `interop ROW…` prints a line of JSON for each row, without names for all.
//! Run with `--release`; features `spandsp` and `libpri` bring the peers in.

mod allocations;
mod isdn;
#[cfg(feature = "libpri")]
mod libpri;
mod measure;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if wanted.iter().any(|w| w == "isdn.call") || wanted.is_empty() { isdn::row().print(); }
}
