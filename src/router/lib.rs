//! The call router: sessions and what they do, as one machine. `handle` what happened, `poll` what is to be done, call
//! again at `deadline`. It fetches nothing, opens nothing, knows no clock: see [`effects`](Effect) for its whole world.

mod effects;

pub use effects::*;
