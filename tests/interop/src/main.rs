//! Benches beside the libraries that others use: `interop ROW…` prints a line of JSON for each row, without names for all.
//! Run with `--release`; features `spandsp` and `libpri` bring the peers in.

mod allocations;
#[cfg(all(test, feature = "spandsp"))]
mod callers;
mod corpus;
mod dtmf;
mod ears;
mod echo;
mod isdn;
#[cfg(feature = "libpri")]
mod libpri;
mod measure;
#[allow(dead_code)] // the tests of the listener use more of it
#[path = "../../../drivers/dsp/tests/recordings.rs"]
mod recordings;
#[cfg(feature = "spandsp")]
mod spandsp;
#[path = "../../../drivers/dsp/tests/speaker.rs"]
mod speaker;
mod switch;
#[cfg(test)]
mod table;
mod talk_off;
#[allow(dead_code)] // the tests of the detector use more of it
#[path = "../../../drivers/dsp/tests/world.rs"]
mod world;

type Producer = fn() -> measure::Row;

/// A row's name and who makes it.
const ROWS: [(&str, Producer); 11] = [
    ("switch.ivr", switch::ivr),
    ("switch.bridge", switch::bridge),
    ("switch.conf30", switch::conference),
    ("switch.tick", switch::tick),
    ("dsp.dtmf", dtmf::row),
    ("dsp.talk_off", talk_off::row),
    ("dsp.progress", ears::progress),
    ("dsp.fsk", ears::keying),
    ("dsp.echo", echo::row),
    ("dsp.elastic", echo::joined),
    ("isdn.call", isdn::row),
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = wanted.iter().find(|wanted| !ROWS.iter().any(|(name, _)| name == wanted)) {
        eprintln!("interop: no row {unknown:?}; there are {}", ROWS.map(|(name, _)| name).join(", "));
        std::process::exit(2);
    }
    for (name, row) in ROWS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            row().print();
        }
    }
}
