//! Gather: prompts, and the keys pressed and the words said meanwhile and after; keys win. Nothing is asked before the
//! input is complete (row A8); without input the next verb follows (B6).

use tipring_card::Micros;
use tipring_instructions::{Gather, Prompt};

use crate::effects::TraceKind;
use crate::fetch::Page;
use crate::leg::{Leg, Stop};
use crate::limits::MAX_KEYS;
use crate::params::param;
use crate::sound::{Heard, Noise};
use crate::speech::Speech;
use crate::verbs::Flow;
use crate::world::Input;

/// The input so far.
struct Taken<'a> {
    gather: &'a Gather,
    digits: String,
    /// A key was pressed.
    pressed: bool,
    /// The keys are complete.
    complete: bool,
    speech: Option<Speech<'a>>,
}

pub(super) async fn run(leg: &Leg, page: &Page, gather: &Gather) -> Result<Flow, Stop> {
    leg.answer().await?;
    let speech = if gather.speech { Some(Speech::begin(leg, page, gather)?) } else { None };
    let mut taken = Taken { gather, digits: String::new(), pressed: false, complete: false, speech };
    let ended = collect(leg, page, &mut taken).await;
    // Whatever ended it: no ear stays behind.
    if let Some(speech) = &mut taken.speech {
        speech.give_up(leg);
    }
    ended?;
    let said = taken.speech.as_ref().filter(|_| taken.digits.is_empty()).and_then(|speech| speech.told(leg));
    let text = match &said {
        Some(said) => said.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "),
        None if taken.digits.is_empty() => "no input".to_owned(),
        None => format!("Digits={}", taken.digits),
    };
    leg.trace(TraceKind::Verb, format!("Gather ended: {text}"));
    if said.is_none() && taken.digits.is_empty() && !gather.action_on_empty_result {
        return Ok(Flow::Next);
    }
    let told = said.unwrap_or_else(|| {
        let mut told = vec![param("Digits", &taken.digits)];
        if gather.speech && taken.digits.is_empty() {
            told.push(param("SpeechResult", ""));
        }
        told
    });
    Ok(Flow::Ask(page.ask(gather.action.as_deref(), gather.method, told)))
}

/// The prompts, then silence, until there is an input or there will be none.
async fn collect(leg: &Leg, page: &Page, taken: &mut Taken<'_>) -> Result<(), Stop> {
    for prompt in &taken.gather.prompts {
        prompt_once(leg, page, prompt, taken).await?;
        if taken.cut() {
            break;
        }
    }
    let timeout = Micros::from_s(u64::from(taken.gather.timeout_s));
    let mut until = leg.now() + timeout;
    while !taken.is_complete() && !taken.is_hopeless() {
        let busy = taken.speech.as_ref().is_some_and(Speech::is_busy);
        let key = match taken.next(leg, if busy { Micros::FOREVER } else { until }).await? {
            Input::Timeout if !busy && leg.now() >= until => break,
            input => matches!(input, Input::Key(_)) && taken.gather.keys,
        };
        // A key, and the end of words that nobody understood, begin the wait anew.
        if key || (busy && !taken.speech.as_ref().is_some_and(Speech::is_busy)) {
            until = leg.now() + timeout;
        }
    }
    Ok(())
}

/// All rounds of one prompt, or until an input cuts it.
async fn prompt_once(leg: &Leg, page: &Page, prompt: &Prompt, taken: &mut Taken<'_>) -> Result<(), Stop> {
    let (noise, rounds) = match prompt {
        Prompt::Say(say) => (Noise::of_say(say, leg), say.rounds),
        Prompt::Play(play) => (Noise::of_play(play, page), play.rounds),
        Prompt::Pause(pause) => {
            let until = leg.now() + Micros::from_s(u64::from(pause.length_s));
            while leg.now() < until && !taken.cut() {
                taken.next(leg, until).await?;
            }
            return Ok(());
        }
    };
    for _ in 0..rounds {
        let heard = prompt_round(leg, &noise, taken).await?;
        if heard == Heard::Failed || taken.cut() {
            break;
        }
    }
    Ok(())
}

async fn prompt_round(leg: &Leg, noise: &Noise, taken: &mut Taken<'_>) -> Result<Heard, Stop> {
    let Some(mut playing) = leg.begin_sound(noise)? else {
        return Ok(Heard::Failed);
    };
    loop {
        let input = taken.next(leg, playing.until).await?;
        if taken.cut() {
            leg.stop_sound(&playing);
            return Ok(Heard::Whole);
        }
        if let Some(heard) = leg.sound_input(&mut playing, &input) {
            return Ok(heard);
        }
    }
}

impl Taken<'_> {
    /// The next input, after what it means for keys and speech.
    async fn next(&mut self, leg: &Leg, until: Micros) -> Result<Input, Stop> {
        let until = self.speech.as_ref().map_or(until, |speech| until.min(speech.until));
        let input = leg.next(until).await?;
        if let Input::Key(key) = input {
            self.press(key, leg);
        }
        if let Some(speech) = &mut self.speech {
            match self.digits.is_empty() {
                true => speech.input(leg, &input),
                // Keys win.
                false => speech.give_up(leg),
            }
        }
        Ok(input)
    }

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
        let spoken = self.speech.as_ref().is_some_and(Speech::spoken);
        (self.pressed || spoken) && self.gather.barge_in
    }

    fn is_complete(&self) -> bool {
        self.complete || self.digits.is_empty() && self.speech.as_ref().is_some_and(Speech::is_understood)
    }

    /// Only words count, and none will be understood any more.
    fn is_hopeless(&self) -> bool {
        !self.gather.keys && self.speech.as_ref().is_some_and(Speech::is_over)
    }
}
