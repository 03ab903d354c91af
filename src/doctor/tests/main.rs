//! What the doctor measures and advises.

mod advice;
mod hostile;
mod probes;
mod tones;
