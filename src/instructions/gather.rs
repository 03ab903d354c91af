//! `Gather`: prompts, and what the caller presses or says meanwhile and after.

use std::fmt;

use crate::attributes::{Attributes, Keys, Number};
use crate::diagnostic::{Diagnostic, Notes};
use crate::verb::{Method, Verb};
use crate::xml::{Content, Element};
use crate::{Pause, Play, Say, Sound};

/// A key every hour is not a menu.
const MAX_TIMEOUT: u32 = 3_600;
/// More digits than any account number has.
const MAX_DIGITS: u32 = 256;
/// Seconds of speech at most: longer is a recording.
const MAX_SPEECH: u32 = 600;

/// Collect keys, speech, or whichever comes first.
#[derive(Clone, Debug, PartialEq)]
pub struct Gather {
    /// Asked with the keys; `None`: the current document.
    pub action: Option<String>,
    /// How it is asked.
    pub method: Method,
    /// Seconds without input, from the prompts' end or the last key.
    pub timeout_s: u32,
    /// The key that ends the input; empty: none.
    pub finish_on_key: String,
    /// That many end the input.
    pub num_digits: Option<u32>,
    /// Ask `action` without input too.
    pub action_on_empty_result: bool,
    /// A key stops the prompts.
    pub barge_in: bool,
    /// Keys count.
    pub keys: bool,
    /// Speech counts.
    pub speech: bool,
    /// When speech is over.
    pub speech_timeout: SpeechTimeout,
    /// Seconds of speech at most.
    pub max_speech_s: u32,
    /// Its language, a tag such as `en-GB`; empty: the default.
    pub language: String,
    /// Words that are likely.
    pub hints: Vec<String>,
    /// For the recognizer; empty: its default.
    pub speech_model: String,
    /// Told what was understood so far.
    pub partial_callback: Option<String>,
    /// How.
    pub partial_callback_method: Method,
    /// What is heard meanwhile.
    pub prompts: Vec<Prompt>,
}

/// When speech is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpeechTimeout {
    /// After silence as long as the timeout.
    #[default]
    Same,
    /// When the recognizer says so.
    Auto,
    /// After so many seconds of silence.
    Secs(u32),
}

/// A verb inside `Gather`.
#[derive(Clone, Debug, PartialEq)]
pub enum Prompt {
    /// Speak.
    Say(Say),
    /// Play.
    Play(Play),
    /// Wait.
    Pause(Pause),
}

impl fmt::Display for Gather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gather")?;
        match (self.keys, self.speech) {
            (true, true) => f.write_str(" input=dtmf,speech")?,
            (false, true) => f.write_str(" input=speech")?,
            (_, false) => {}
        }
        if let Some(digits) = self.num_digits {
            write!(f, " numDigits={digits}")?;
        }
        write!(f, " timeout={}", self.timeout_s)?;
        if self.finish_on_key != "#" { write!(f, " finishOnKey={:?}", self.finish_on_key) } else { Ok(()) }
    }
}

pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) -> Result<Gather, Diagnostic> {
    let mut attributes = Attributes::of(element, "Gather");
    let (keys, speech) = input(&mut attributes, notes);
    let action = attributes.given("action");
    let method = attributes.method("method", 13311, notes);
    let timeout = Number { code: 13312, range: 1..=MAX_TIMEOUT, default: 0 };
    let timeout = seconds_or_auto(&mut attributes, "timeout", timeout, notes);
    let finish = Keys { code: 13310, allowed: "0123456789*#", most: 1, default: "#" };
    let finish_on_key = attributes.keys("finishOnKey", finish, notes);
    let digits = attributes.number_up_to("numDigits", Number { code: 13313, range: 1..=MAX_DIGITS, default: 0 }, notes);
    let action_on_empty_result = empty_result(&mut attributes, notes)?;
    let barge_in = attributes.flag("bargeIn", 13332, true, notes);
    let silence = Number { code: 13327, range: 1..=MAX_SPEECH, default: 0 };
    let speech_timeout = seconds_or_auto(&mut attributes, "speechTimeout", silence, notes);
    let longest = Number { code: 13328, range: 1..=MAX_SPEECH, default: 60 };
    let max_speech_s = attributes.number_up_to("maxSpeechTime", longest, notes);
    let language = attributes.tag("language", 13331, notes);
    let hints = crate::hints::read(&mut attributes, 13330, notes);
    let speech_model = attributes.name("speechModel", 13334, notes);
    let partial_callback = attributes.given("partialResultCallback");
    let partial_callback_method = attributes.method("partialResultCallbackMethod", 13329, notes);
    // Without effect here; a wrong value is said all the same.
    for (flag, code) in [("profanityFilter", 13333), ("enhanced", 13334), ("debug", 13334)] {
        attributes.flag(flag, code, false, notes);
    }
    attributes.finish(notes);
    Ok(Gather {
        action,
        method,
        // `auto` is the default: no recognizer here knows that nothing will be said.
        timeout_s: if let SpeechTimeout::Secs(seconds) = timeout { seconds } else { 5 },
        finish_on_key,
        num_digits: (digits > 0).then_some(digits),
        action_on_empty_result,
        barge_in,
        keys,
        speech,
        speech_timeout,
        max_speech_s,
        language,
        hints,
        speech_model,
        partial_callback,
        partial_callback_method,
        prompts: prompts(element, notes)?,
    })
}

/// Whether keys count, and whether speech does.
fn input(attributes: &mut Attributes<'_>, notes: &mut Notes<'_>) -> (bool, bool) {
    let Some([keys, speech]) = attributes.several("input", 13326, ["dtmf", "speech"], notes) else {
        return (true, false);
    };
    (keys, speech)
}

/// A number of seconds, or `auto`.
fn seconds_or_auto(attributes: &mut Attributes<'_>, name: &str, rule: Number, notes: &mut Notes<'_>) -> SpeechTimeout {
    if attributes.is(name, "auto") {
        attributes.take(name);
        return SpeechTimeout::Auto;
    }
    match attributes.number_up_to(name, rule, notes) {
        0 => SpeechTimeout::Same,
        seconds => SpeechTimeout::Secs(seconds),
    }
}

/// The one attribute of `Gather` whose wrong value ends the document.
fn empty_result(attributes: &mut Attributes<'_>, notes: &Notes<'_>) -> Result<bool, Diagnostic> {
    match attributes.take("actionOnEmptyResult") {
        None => Ok(false),
        Some(flag) => flag.value.trim().parse().map_err(|_| {
            let text = "<Gather actionOnEmptyResult>: true or false is expected".to_owned();
            notes.source().error(13338, flag.at, text)
        }),
    }
}

fn prompts(element: &Element, notes: &mut Notes<'_>) -> Result<Vec<Prompt>, Diagnostic> {
    let mut prompts = Vec::new();
    for content in &element.content {
        let inner = match content {
            Content::Text { text, at } => {
                notes.stray_text(text, *at, "Gather");
                continue;
            }
            Content::Element(inner) => inner,
        };
        match inner.name.as_str() {
            "Say" => prompts.extend(crate::say::read(inner, notes)?.map(Prompt::Say)),
            "Pause" => prompts.push(Prompt::Pause(crate::pause::read(inner, notes))),
            "Play" => match crate::play::read(inner, notes) {
                Some(Play { sound: Sound::Keys(_), .. }) => {
                    let text = "<Play digits> may not stand inside <Gather>: passed over".to_owned();
                    notes.warn(13430, inner.at, text);
                }
                play => prompts.extend(play.map(Prompt::Play)),
            },
            name => {
                let name: String = name.chars().take(40).collect();
                let text = format!("<{name}> may not stand inside <Gather>, only Say, Play and Pause: passed over");
                notes.warn(13320, inner.at, text);
            }
        }
        if prompts.len() >= crate::MAX_VERBS {
            break;
        }
    }
    Ok(prompts)
}

/// A prompt is a verb too: for whoever shows it.
impl From<Prompt> for Verb {
    fn from(prompt: Prompt) -> Verb {
        match prompt {
            Prompt::Say(say) => Verb::Say(say),
            Prompt::Play(play) => Verb::Play(play),
            Prompt::Pause(pause) => Verb::Pause(pause),
        }
    }
}
