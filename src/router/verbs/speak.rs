//! Say and Play: one sound, as often as asked. A sound that fails is skipped with a notification.

use tipring_instructions::{Play, Say};

use crate::fetch::Page;
use crate::leg::{Leg, Stop};
use crate::sound::{Heard, Noise};
use crate::verbs::Flow;

pub(super) async fn say(leg: &Leg, say: &Say) -> Result<Flow, Stop> {
    rounds(leg, &Noise::of_say(say, leg), say.rounds).await
}

pub(super) async fn play(leg: &Leg, page: &Page, play: &Play) -> Result<Flow, Stop> {
    rounds(leg, &Noise::of_play(play, page), play.rounds).await
}

async fn rounds(leg: &Leg, noise: &Noise, rounds: u32) -> Result<Flow, Stop> {
    leg.answer().await?;
    for _ in 0..rounds {
        if leg.hear(noise).await? == Heard::Failed {
            break;
        }
    }
    Ok(Flow::Next)
}
