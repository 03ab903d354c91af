//! `Gather`: prompts, and the keys that the caller presses meanwhile and after.

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
/// Attributes of speech input: known, without effect while there is no recognizer.
const OF_SPEECH: [&str; 14] = [
    "speechTimeout",
    "maxSpeechTime",
    "speechModel",
    "enhanced",
    "language",
    "hints",
    "profanityFilter",
    "partialResultCallback",
    "partialResultCallbackMethod",
    "debug",
    "speechEndThreshold",
    "extendedSpeech",
    "dtmfDetection",
    "interruptible",
];
const ATTRIBUTES: [&str; 16] = [
    "input",
    "action",
    "method",
    "timeout",
    "finishOnKey",
    "numDigits",
    "actionOnEmptyResult",
    "bargeIn",
    "speechTimeout",
    "maxSpeechTime",
    "speechModel",
    "enhanced",
    "language",
    "hints",
    "profanityFilter",
    "partialResultCallback",
];

/// Collect keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Gather {
    /// Asked with the keys; `None`: the current document.
    pub action: Option<String>,
    /// How it is asked.
    pub method: Method,
    /// Seconds without a key, from the prompts' end or the last key.
    pub timeout_s: u32,
    /// The key that ends the input; empty: none.
    pub finish_on_key: String,
    /// That many end the input.
    pub num_digits: Option<u32>,
    /// Ask `action` without input too.
    pub action_on_empty_result: bool,
    /// A key stops the prompts.
    pub barge_in: bool,
    /// Keys count (speech alone does not: there is no recognizer).
    pub keys: bool,
    /// What is heard meanwhile.
    pub prompts: Vec<Prompt>,
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
        if let Some(digits) = self.num_digits {
            write!(f, " numDigits={digits}")?;
        }
        write!(f, " timeout={}", self.timeout_s)?;
        if self.finish_on_key != "#" { write!(f, " finishOnKey={:?}", self.finish_on_key) } else { Ok(()) }
    }
}

pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) -> Result<Gather, Diagnostic> {
    let mut attributes = Attributes::of(element);
    let keys = input(&mut attributes, notes);
    let action = attributes.text("action").filter(|action| !action.is_empty());
    let method = attributes.method("method", 13311, notes);
    let timeout_s = attributes.number("timeout", Number { code: 13312, range: 1..=MAX_TIMEOUT, default: 5 }, notes);
    let finish = Keys { code: 13310, allowed: "0123456789*#", most: 1, default: "#" };
    let finish_on_key = attributes.keys("finishOnKey", finish, notes);
    let digits = attributes.number("numDigits", Number { code: 13313, range: 1..=MAX_DIGITS, default: 0 }, notes);
    let action_on_empty_result = empty_result(&mut attributes, notes)?;
    let barge_in = attributes.flag("bargeIn", 13332, true, notes);
    attributes.ignore(&OF_SPEECH);
    attributes.finish(&ATTRIBUTES, notes);
    Ok(Gather {
        action,
        method,
        timeout_s,
        finish_on_key,
        num_digits: (digits > 0).then_some(digits),
        action_on_empty_result,
        barge_in,
        keys,
        prompts: prompts(element, notes)?,
    })
}

/// Whether keys count. Speech has no recognizer here.
fn input(attributes: &mut Attributes<'_>, notes: &mut Notes<'_>) -> bool {
    let Some(input) = attributes.take("input") else {
        return true;
    };
    let words: Vec<&str> = input.value.split_whitespace().collect();
    let known = !words.is_empty() && words.iter().all(|word| matches!(*word, "dtmf" | "speech"));
    if !known {
        let text = "<Gather input>: dtmf, speech or both are expected; dtmf is used".to_owned();
        notes.warn(13326, input.at, text);
        return true;
    }
    if words.contains(&"speech") {
        let rest = if words.contains(&"dtmf") { "only keys count" } else { "no input will be found" };
        let text = format!("<Gather input=\"{}\">: speech is not available on this box yet, {rest}", words.join(" "));
        notes.warn(13326, input.at, text);
    }
    words.contains(&"dtmf")
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
