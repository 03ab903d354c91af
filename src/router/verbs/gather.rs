//! Gather: prompts, and the keys pressed meanwhile and after. Nothing is asked before the input is complete (row A8);
//! without input the next verb follows (B6).

use tipring_card::Micros;
use tipring_instructions::{Gather, Prompt};

use crate::effects::TraceKind;
use crate::fetch::Page;
use crate::leg::{Leg, Stop};
use crate::limits::MAX_KEYS;
use crate::params::param;
use crate::sound::{Heard, Noise};
use crate::verbs::Flow;
use crate::world::Input;

/// The keys so far.
struct Keys<'a> {
    gather: &'a Gather,
    digits: String,
    pressed: bool,
    complete: bool,
}

pub(super) async fn run(leg: &Leg, page: &Page, gather: &Gather) -> Result<Flow, Stop> {
    leg.answer().await?;
    let mut keys = Keys { gather, digits: String::new(), pressed: false, complete: false };
    for prompt in &gather.prompts {
        prompt_once(leg, page, prompt, &mut keys).await?;
        if keys.cut() {
            break;
        }
    }
    let timeout = Micros::from_s(u64::from(gather.timeout_s));
    let mut until = leg.now() + timeout;
    while !keys.complete {
        match leg.next(until).await? {
            Input::Key(key) => {
                keys.press(key, leg);
                until = leg.now() + timeout;
            }
            Input::Timeout => break,
            _ => {}
        }
    }
    let text = if keys.digits.is_empty() { "no input".to_owned() } else { format!("Digits={}", keys.digits) };
    leg.trace(TraceKind::Verb, format!("Gather ended: {text}"));
    if keys.digits.is_empty() && !gather.action_on_empty_result {
        return Ok(Flow::Next);
    }
    Ok(Flow::Ask(page.ask(gather.action.as_deref(), gather.method, vec![param("Digits", keys.digits)])))
}

/// All rounds of one prompt, or until a key cuts it.
async fn prompt_once(leg: &Leg, page: &Page, prompt: &Prompt, keys: &mut Keys<'_>) -> Result<(), Stop> {
    let (noise, rounds) = match prompt {
        Prompt::Say(say) => (Noise::of_say(say, leg), say.rounds),
        Prompt::Play(play) => (Noise::of_play(play, page), play.rounds),
        Prompt::Pause(pause) => {
            let until = leg.now() + Micros::from_s(u64::from(pause.length_s));
            loop {
                match leg.next(until).await? {
                    Input::Timeout => return Ok(()),
                    Input::Key(key) => keys.press(key, leg),
                    _ => {}
                }
                if keys.cut() {
                    return Ok(());
                }
            }
        }
    };
    for _ in 0..rounds {
        let heard = prompt_round(leg, &noise, keys).await?;
        if heard == Heard::Failed || keys.cut() {
            break;
        }
    }
    Ok(())
}

async fn prompt_round(leg: &Leg, noise: &Noise, keys: &mut Keys<'_>) -> Result<Heard, Stop> {
    let Some(mut playing) = leg.begin_sound(noise)? else {
        return Ok(Heard::Failed);
    };
    loop {
        let input = leg.next(playing.until).await?;
        if let Input::Key(key) = input {
            keys.press(key, leg);
            if keys.cut() {
                leg.stop_sound(&playing);
                return Ok(Heard::Whole);
            }
        }
        if let Some(heard) = leg.sound_input(&mut playing, &input) {
            return Ok(heard);
        }
    }
}

impl Keys<'_> {
    fn press(&mut self, key: u8, leg: &Leg) {
        if !self.gather.keys {
            leg.world().counters.keys_unheard += 1;
            return;
        }
        if self.complete {
            leg.world().counters.keys_dropped += 1;
            return;
        }
        self.pressed = true;
        let key = char::from(key);
        if self.gather.finish_on_key.contains(key) {
            // It ends an input; where there is none it says nothing.
            self.complete = !self.digits.is_empty();
            return;
        }
        self.digits.push(key);
        let wanted = self.gather.num_digits.map_or(MAX_KEYS, |digits| usize::try_from(digits).unwrap_or(MAX_KEYS));
        self.complete = self.digits.len() >= wanted.min(MAX_KEYS);
    }

    /// Whether the prompts are to stop.
    fn cut(&self) -> bool {
        self.pressed && self.gather.barge_in
    }
}
