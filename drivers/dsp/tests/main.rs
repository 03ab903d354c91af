//! The tests of sound as one program: keys, keying and the network's tones against their limits.
mod answer;
mod echo;
mod elastic;
mod fsk;
mod grid;
mod hang_up;
mod network;
mod recordings;
mod rhythms;
mod speaker;
mod talk_off;
mod world;
