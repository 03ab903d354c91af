//! The tests of sound as one program: the DTMF detector against its limits.
mod fsk;
mod grid;
mod talk_off;
mod world;
