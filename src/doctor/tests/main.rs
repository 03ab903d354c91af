//! What the doctor measures and advises.

mod probes;
mod tones;
