//! Pause: silence of an exact length. Before the answer it delays the answer.

use tipring_card::Micros;
use tipring_instructions::Pause;

use crate::leg::{Leg, Stop};
use crate::verbs::Flow;
use crate::world::Input;

pub(super) async fn run(leg: &Leg, pause: Pause) -> Result<Flow, Stop> {
    let until = leg.now() + Micros::from_s(u64::from(pause.length_s));
    loop {
        match leg.next(until).await? {
            Input::Timeout => return Ok(Flow::Next),
            Input::Key(_) => leg.world().counters.keys_unheard += 1,
            _ => {}
        }
    }
}
