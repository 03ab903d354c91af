//! Speech engines, and which of them speaks a text: those of the configuration first, then the bundled ones. How they are
//! run is in the files below.
//!
//! A text goes through a pipe or a body, never through an argument or a shell, after everything that an engine would take
//! for a command has been made harmless.

mod chosen;
mod command;
mod plain;
mod service;
mod wave;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;

use crate::child::{Cage, found};
use crate::convert::Piece;
use crate::fault::{LANGUAGE, MediaFault, SPEECH};
use crate::markup::clean;
use crate::voices::{Gender, Wanted, is_known, wanted};
use crate::wire::{Speech, shown};
pub(crate) use chosen::{Chosen, Patience};

/// A way to speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// A program.
    Command(EngineCommand),
    /// A service.
    Url(EngineUrl),
    /// Tones that follow from the text: for tests and demonstrations, on machines without a voice.
    Fake,
}

/// A speech program. In its arguments stand `{voice}`, `{speed}` (percent), `{wpm}` (words a minute) and, for
/// programs that cannot write to a pipe, `{output}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineCommand {
    /// Its name; part of the cache key, so that another engine speaks anew.
    pub name: String,
    /// The program: a path, or a name looked for in `PATH`.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its voices in order of preference.
    pub voices: Vec<EngineVoice>,
    /// Further arguments for a text with speech markup, which goes to it as one `speak` element; empty: it understands
    /// none, and is given the plain text.
    pub markup_arguments: Vec<String>,
    /// It begins to write only when all is spoken: long texts go to it sentence by sentence.
    pub by_sentence: bool,
    /// What it may do beyond reading a text and writing a sound.
    pub cage: Cage,
    /// It speaks where no other engine does.
    pub spare: bool,
}

/// A speech engine behind HTTP. It is posted JSON with `text`, `markup` (or null), `voice`, `language`, `gender` and `speed`;
/// with `{text}` in its address it is asked by GET, and `{voice}`, `{language}`, `{speed}` and `{markup}` may stand there too.
/// It answers a sound of any kind that can be played, as it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineUrl {
    /// Its name; part of the cache key.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// Its voices; none: it takes every voice and language as the document names them.
    pub voices: Vec<EngineVoice>,
    /// It understands speech markup.
    pub markup: bool,
}

/// One voice of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineVoice {
    /// The tag it speaks, such as `en-us` or `de`.
    pub language: String,
    /// Who speaks.
    pub gender: Gender,
    /// What the engine calls it.
    pub name: String,
    /// Names of documents, such as `Polly.Amy`, that this voice alone stands for.
    pub stands_for: Vec<String>,
}

impl Engine {
    /// flite for English (its `slt` is the most intelligible small voice), espeak-ng for everything.
    pub fn usual() -> Vec<Self> {
        vec![Self::flite(), Self::espeak()]
    }

    /// flite: writes to files only, and only when done.
    pub fn flite() -> Self {
        let voice = |gender, name: &str| EngineVoice {
            language: "en".into(),
            gender,
            name: name.into(),
            stands_for: Vec::new(),
        };
        Self::Command(EngineCommand {
            name: "flite".into(),
            program: "flite".into(),
            arguments: ["-voice", "{voice}", "--setf", "duration_stretch={stretch}", "-o", "{output}"]
                .map(Into::into)
                .into(),
            voices: vec![voice(Gender::Woman, "slt"), voice(Gender::Man, "rms")],
            markup_arguments: Vec::new(),
            by_sentence: true,
            cage: Cage::lone(),
            spare: true,
        })
    }

    /// espeak-ng: 50 languages, and audio from the first sentence on.
    pub fn espeak() -> Self {
        let voices = ESPEAK_LANGUAGES.split_whitespace().flat_map(|it| {
            let (tag, name) = it.split_once('=').unwrap_or((it, it));
            [(Gender::Woman, "+f3"), (Gender::Man, "")].map(|(gender, variant)| EngineVoice {
                language: tag.to_owned(),
                gender,
                name: format!("{name}{variant}"),
                stands_for: Vec::new(),
            })
        });
        Self::Command(EngineCommand {
            name: "espeak-ng".into(),
            program: "espeak-ng".into(),
            arguments: ["--stdin", "--stdout", "-b", "1", "-v", "{voice}", "-s", "{wpm}"].map(Into::into).into(),
            voices: voices.collect(),
            markup_arguments: vec!["-m".into()],
            by_sentence: false,
            cage: Cage::lone(),
            spare: true,
        })
    }

    /// Whether it can be started on this machine.
    pub fn installed(&self) -> bool {
        match self {
            Self::Fake | Self::Url(_) => true,
            Self::Command(it) => found(&it.program),
        }
    }

    fn understands_markup(&self) -> bool {
        match self {
            Self::Command(it) => !it.markup_arguments.is_empty(),
            Self::Url(it) => it.markup,
            Self::Fake => false,
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Fake => "fake",
            Self::Command(it) => &it.name,
            Self::Url(it) => &it.name,
        }
    }
}

/// Engines that failed a short while ago: others are asked first.
#[derive(Debug, Default)]
pub(crate) struct Ailing(Mutex<HashMap<String, SystemTime>>);

impl Ailing {
    fn is(&self, engine: &str, now: SystemTime) -> bool {
        let since = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(engine).copied();
        since.is_some_and(|it| now.duration_since(it).is_ok_and(|it| it < AILING))
    }

    fn note(&self, engine: &str, now: SystemTime) {
        // As many as are configured.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(engine.to_owned(), now);
    }
}

/// Smaller is nearer.
type Rank = (bool, u8, bool);

/// Chooses engines and voices, the best first, an engine once: one of the configuration before a bundled one; then the exact language before the same language of another region, the gender, and
/// one that understands the markup; then the order of engines.
pub(crate) fn choose(
    engines: &[Engine],
    speech: &Speech,
    ailing: &Arc<Ailing>,
    now: SystemTime,
) -> Result<Chosen, MediaFault> {
    let wanted = wanted(&speech.voice, &speech.language);
    if !is_known(&speech.voice) && !engines.iter().any(|it| it.has_voice_for(&speech.voice)) {
        say_once(&speech.voice, &wanted);
    }
    let mut ranked: Vec<(Rank, Engine, String)> = Vec::new();
    for engine in engines {
        let deaf = !speech.markup.is_empty() && !engine.understands_markup();
        let Some((near, voice)) = engine.nearest(speech, &wanted) else { continue };
        let spare = matches!(engine, Engine::Command(it) if it.spare);
        ranked.push(((spare, near, deaf), engine.clone(), voice));
    }
    ranked.sort_by_key(|it| it.0);
    if ranked.is_empty() {
        let text = format!(
            "Say: no installed voice speaks {:?}; install espeak-ng, or name another language",
            wanted.language
        );
        return Err(MediaFault::new(LANGUAGE, text));
    }
    let voices = ranked.into_iter().map(|(_, engine, voice)| (engine, voice)).collect();
    Ok(Chosen::new(voices, Arc::clone(ailing), now))
}

impl Engine {
    /// Its nearest voice, and how near that is.
    fn nearest(&self, speech: &Speech, wanted: &Wanted) -> Option<(u8, String)> {
        let voices = match self {
            Self::Fake => return Some((1, format!("{:?}-{}", wanted.gender, wanted.language))),
            Self::Url(it) if it.voices.is_empty() => return Some((0, speech.voice.clone())),
            Self::Command(it) => &it.voices,
            Self::Url(it) => &it.voices,
        };
        let ranked = voices.iter().filter_map(|it| Some((rank(it, wanted, &speech.voice)?, it)));
        ranked.min_by_key(|it| it.0).map(|(near, voice)| (near, voice.name.clone()))
    }

    fn has_voice_for(&self, name: &str) -> bool {
        match self {
            Self::Command(EngineCommand { voices, .. }) | Self::Url(EngineUrl { voices, .. }) => {
                voices.iter().any(|it| it.is_for(name)) || matches!(self, Self::Url(it) if it.voices.is_empty())
            }
            Self::Fake => true,
        }
    }
}

impl EngineVoice {
    fn is_for(&self, name: &str) -> bool {
        !name.is_empty() && self.stands_for.iter().any(|it| it.eq_ignore_ascii_case(name))
    }

    /// Reads `en-GB woman alba Polly.Amy`: language, gender, the engine's name of it, and the names of documents that it
    /// stands for; `None` if it is not so.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let language = words.next()?.replace('_', "-").to_ascii_lowercase();
        let gender = match words.next()? {
            "woman" => Gender::Woman,
            "man" => Gender::Man,
            _ => return None,
        };
        let tag = language.len() <= 35 && language.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
        let name = words.next().filter(|_| tag)?.to_owned();
        Some(Self { language, gender, name, stands_for: words.map(str::to_owned).collect() })
    }
}

/// A voice that nobody knows is told once, and spoken by the nearest.
fn say_once(voice: &str, wanted: &Wanted) {
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.len() >= MAX_TOLD || told.iter().any(|it| it == voice) {
        return;
    }
    told.push(voice.to_owned());
    let (voice, language) = (shown(voice), &wanted.language);
    tracing::warn!(%voice, %language, gender = ?wanted.gender, "no voice has this name; the nearest one speaks");
}

/// Smaller is nearer. The region counts less than the gender: both are understood, a man for a woman surprises. A voice that
/// stands for the very name is nearest, whoever speaks.
fn rank(voice: &EngineVoice, wanted: &Wanted, name: &str) -> Option<u8> {
    let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_owned();
    if primary(&voice.language) != primary(&wanted.language) {
        return None;
    }
    if voice.is_for(name) {
        return Some(0);
    }
    // US English has no accent to lose; other regions are nearer with a voice of theirs.
    let exact = voice.language == wanted.language || wanted.language == "en-us" && voice.language == "en";
    Some(u8::from(!exact) + 2 * u8::from(voice.gender != wanted.gender))
}

/// Plain words: no control characters (espeak-ng takes 0x01 for a command) and no `[[`, its phoneme notation.
fn harmless(text: &str) -> String {
    let mut plain: String = text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
    while plain.contains("[[") {
        plain = plain.replace("[[", "[ [");
    }
    plain
}

/// The text as one `speak` element, if it has markup that is well-formed.
fn marked(speech: &Speech) -> Option<String> {
    let inside = clean(&speech.markup).filter(|it| !it.trim().is_empty())?;
    Some(format!("<speak>{}</speak>", harmless(&inside)))
}

/// One tone of 60 ms a letter, the pitch from the letter and the voice, as a WAVE at 16 kHz.
async fn fake(text: &str, voice: &str, speed: u16, pieces: &mpsc::Sender<Piece>) -> Result<(), MediaFault> {
    let spec = [
        b"RIFF\xFF\xFF\xFF\xFFWAVEfmt \x10\0\0\0\x01\0\x01\0".as_slice(),
        &16_000_u32.to_le_bytes(),
        &32_000_u32.to_le_bytes(),
        b"\x02\0\x10\0data\xFF\xFF\xFF\xFF",
    ];
    let mut octets = spec.concat();
    let salt: u32 = voice.bytes().map(u32::from).sum();
    let frames = 16_000 * 6 / u32::from(speed);
    for letter in text.chars() {
        let hz = 300 + (u32::from(letter) * 37 + salt) % 1_200;
        for n in 0..frames {
            let phase = f64::from(n * hz) / 16_000.0 * std::f64::consts::TAU;
            octets.extend_from_slice(&((phase.sin() * 8_000.0) as i16).to_le_bytes());
        }
        if pieces.send(Piece::Data(std::mem::take(&mut octets).into())).await.is_err() {
            return Err(MediaFault::new(SPEECH, "nobody listens any more"));
        }
    }
    Ok(())
}

/// An engine that failed is not the first one that is asked for so long.
const AILING: Duration = Duration::from_secs(30);
/// Names of voices that are told.
const MAX_TOLD: usize = 64;
/// Tags and espeak-ng's names of them, where they differ.
const ESPEAK_LANGUAGES: &str = "en-us en-gb en-au=en-gb en-ie=en-gb en-nz=en-gb en-za=en-gb en-in=en-gb en=en-gb \
    de fr-fr fr=fr-fr fr-be fr-ch fr-ca=fr-fr es es-419 es-mx=es-419 es-us=es-419 it pt-br pt pt-pt=pt nl pl ru ja ko tr sv da nb \
    no=nb fi el cs sk hu ro bg hr sr sl uk et lv lt ca eu gl cy ga is he ar arb=ar fa hi bn ta te mr gu kn ml pa ur vi \
    id ms th cmn zh=cmn yue af sw sq mk hy ka az kk";

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(engines: &[Engine], speech: &Speech) -> Result<Chosen, MediaFault> {
        super::choose(engines, speech, &Arc::default(), SystemTime::UNIX_EPOCH)
    }

    fn speech(voice: &str, language: &str) -> Speech {
        Speech { text: "x".into(), voice: voice.into(), language: language.into(), speed: 100, markup: String::new() }
    }

    #[test]
    fn the_nearest_voice_is_chosen() {
        let name = |voice: &str, language: &str| choose(&Engine::usual(), &speech(voice, language)).map(|it| it.name());
        assert_eq!(name("alice", "").unwrap(), "flite/slt");
        assert_eq!(name("man", "en-US").unwrap(), "flite/rms");
        assert_eq!(name("Polly.Brian", "").unwrap(), "espeak-ng/en-gb");
        assert_eq!(name("woman", "de-DE").unwrap(), "espeak-ng/de+f3");
        assert_eq!(name("woman", "tlh").unwrap_err().code, LANGUAGE);
        assert_eq!(choose(&[], &speech("man", "en")).unwrap_err().code, LANGUAGE);
    }

    #[test]
    fn of_equally_near_voices_one_that_understands_the_markup_is_chosen() {
        let marked = Speech { markup: "<p>x</p>".into(), ..speech("alice", "en-US") };
        assert_eq!(choose(&Engine::usual(), &marked).unwrap().name(), "espeak-ng/en-us+f3");
        assert_eq!(choose(&[Engine::flite()], &marked).unwrap().name(), "flite/slt");
        let broken = Speech { markup: "<p>".into(), ..marked };
        assert_eq!(super::marked(&broken), None);
    }

    #[test]
    fn nothing_in_a_text_is_a_command() {
        assert_eq!(harmless("a\u{1}5P [[[h@]] b\r\n"), "a 5P [ [ [h@]] b  ");
    }

    #[test]
    fn configured_engines_come_first_and_one_that_failed_keeps_its_name() {
        let url = Engine::Url(EngineUrl {
            name: "own".into(),
            url: "http://h/".into(),
            voices: ["en woman w", "de man m Polly.Vicki"].map(|it| EngineVoice::parse(it).unwrap()).into(),
            markup: false,
        });
        let all: Vec<Engine> = [Engine::flite(), Engine::espeak(), url].into();
        let ailing = Arc::new(Ailing::default());
        let name = |voice: &str, language: &str, at: u64| {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
            super::choose(&all, &speech(voice, language), &ailing, now).map(|it| it.name()).unwrap()
        };
        assert_eq!(name("man", "en-GB", 0), "own/w");
        assert_eq!(name("Polly.Vicki", "", 0), "own/m");
        assert_eq!(name("woman", "fr", 0), "espeak-ng/fr-fr+f3");
        // What it has spoken is kept under its name, and heard while others stand in.
        ailing.note("own", SystemTime::UNIX_EPOCH);
        assert_eq!(name("man", "en-US", 29), "own/w");
        for wrong in ["", "en", "en woman", "en child x", "e=n man x"] {
            assert_eq!(EngineVoice::parse(wrong), None, "{wrong}");
        }
    }
}
