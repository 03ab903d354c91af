//! The tests of the switch as one program. Time is the number of ticks.
mod conference;
mod keys;
mod play;
mod queue;
mod ringback;
mod room;
mod storm;
mod tap;
mod world;
