//! Speech engines: child processes that read plain text and write a WAVE file.
//!
//! The text goes through a pipe, never through an argument or a shell, after everything that an engine would take for
//! a command has been made harmless. A child has a time limit and an output limit and dies with whoever waits for it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::child::{Cage, Child, found};
use crate::convert::Piece;
use crate::fault::{LANGUAGE, MediaFault, SPEECH};
use crate::markup::clean;
use crate::voices::{Gender, Wanted, wanted};
use crate::wire::Speech;

/// A way to speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// A program.
    Command(EngineCommand),
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
}

/// One voice of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineVoice {
    /// The tag it speaks, such as `en-us` or `de`.
    pub language: String,
    /// Who speaks.
    pub gender: Gender,
    /// What the program calls it.
    pub name: String,
}

/// Where one text will be spoken.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    engine: Engine,
    voice: String,
}

impl Engine {
    /// flite for English (its `slt` is the most intelligible small voice), espeak-ng for everything.
    pub fn usual() -> Vec<Self> {
        vec![Self::flite(), Self::espeak()]
    }

    /// flite: writes to files only, and only when done.
    pub fn flite() -> Self {
        let voice = |gender, name: &str| EngineVoice { language: "en".into(), gender, name: name.into() };
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
        })
    }

    /// Whether it can be started on this machine.
    pub fn installed(&self) -> bool {
        match self {
            Self::Fake => true,
            Self::Command(it) => found(&it.program),
        }
    }

    fn understands_markup(&self) -> bool {
        matches!(self, Self::Command(it) if !it.markup_arguments.is_empty())
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Fake => "fake",
            Self::Command(it) => &it.name,
        }
    }
}

/// Chooses engine and voice: the exact language before the same language of another region; within that the gender,
/// then the order of engines.
pub(crate) fn choose(engines: &[Engine], speech: &Speech) -> Result<Chosen, MediaFault> {
    let wanted = wanted(&speech.voice, &speech.language);
    let mut best: Option<((u8, bool), Chosen)> = None;
    for engine in engines {
        // Of voices that are equally near, one that understands the markup.
        let deaf = !speech.markup.is_empty() && !engine.understands_markup();
        let candidates: Vec<(u8, String)> = match engine {
            Engine::Fake => vec![(1, format!("{:?}-{}", wanted.gender, wanted.language))],
            Engine::Command(it) => {
                it.voices.iter().filter_map(|it| Some((rank(it, &wanted)?, it.name.clone()))).collect()
            }
        };
        for (rank, voice) in candidates {
            let rank = (rank, deaf);
            if best.as_ref().is_none_or(|it| rank < it.0) {
                best = Some((rank, Chosen { engine: engine.clone(), voice }));
            }
        }
    }
    best.map(|it| it.1).ok_or_else(|| {
        let text = format!(
            "Say: no installed voice speaks {:?}; install espeak-ng, or name another language",
            wanted.language
        );
        MediaFault::new(LANGUAGE, text)
    })
}

/// Smaller is nearer. The region counts less than the gender: both are understood, a man for a woman surprises.
fn rank(voice: &EngineVoice, wanted: &Wanted) -> Option<u8> {
    let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_owned();
    if primary(&voice.language) != primary(&wanted.language) {
        return None;
    }
    // US English has no accent to lose; other regions are nearer with a voice of theirs.
    let exact = voice.language == wanted.language || wanted.language == "en-us" && voice.language == "en";
    Some(u8::from(!exact) + 2 * u8::from(voice.gender != wanted.gender))
}

impl Chosen {
    /// Engine and voice, for the cache key.
    pub fn name(&self) -> String {
        format!("{}/{}", self.engine.name(), self.voice)
    }

    /// Speaks into the queue. A fault of the engine goes into the queue as well.
    pub async fn speak(self, speech: &Speech, pieces: &mpsc::Sender<Piece>, limit: Duration, scratch: &Path) {
        let text = harmless(&speech.text);
        let last = match &self.engine {
            Engine::Fake => fake(&text, &self.voice, speech.speed, pieces).await,
            Engine::Command(command) => {
                let marked = if self.engine.understands_markup() { marked(speech) } else { None };
                let task = Task { command, voice: &self.voice, speech, marked: marked.is_some(), pieces, scratch };
                tokio::time::timeout(limit, task.speak_all(marked.as_deref().unwrap_or(&text))).await.unwrap_or_else(
                    |_| {
                        let text = format!("Say: {} took more than {} s", command.name, limit.as_secs());
                        Err(MediaFault::new(SPEECH, text))
                    },
                )
            }
        };
        let _ = pieces.send(last.map_or_else(Piece::Broken, |()| Piece::End)).await;
    }
}

struct Task<'a> {
    command: &'a EngineCommand,
    voice: &'a str,
    speech: &'a Speech,
    /// The text is markup.
    marked: bool,
    pieces: &'a mpsc::Sender<Piece>,
    scratch: &'a Path,
}

impl Task<'_> {
    async fn speak_all(&self, text: &str) -> Result<(), MediaFault> {
        let parts = if self.command.by_sentence && !self.marked { sentences(text) } else { vec![text] };
        let mut wave = Wave::default();
        for part in parts {
            self.speak(part, &mut wave).await?;
        }
        if wave.octets == 0 { Err(self.failed("it spoke nothing")) } else { Ok(()) }
    }

    async fn speak(&self, text: &str, wave: &mut Wave) -> Result<(), MediaFault> {
        let to_file = self.command.arguments.iter().any(|it| it.contains("{output}"));
        let mut child = self.start(to_file)?;
        let (stdin, stdout) = (child.stdin(), child.stdout());
        let feed = async move {
            if let Some(mut stdin) = stdin {
                // A child that does not read to the end says why by its status.
                let _ = stdin.write_all(text.as_bytes()).await;
                let _ = stdin.write_all(b"\n").await;
                let _ = stdin.shutdown().await;
            }
        };
        let listen = async {
            match stdout {
                Some(out) if !to_file => self.pass_on(out, wave).await,
                _ => Ok(()),
            }
        };
        let ((), heard) = tokio::join!(feed, listen);
        heard?;
        let status = child.ended().await.map_err(|error| self.failed(&error.to_string()))?;
        if !status.success() {
            return Err(self.failed(&format!("it ended with {status}")));
        }
        if to_file {
            let file = tokio::fs::File::open(self.scratch).await.map_err(|error| self.failed(&error.to_string()))?;
            let heard = self.pass_on(file, wave).await;
            let _ = tokio::fs::remove_file(self.scratch).await;
            heard?;
        }
        Ok(())
    }

    fn start(&self, to_file: bool) -> Result<Child, MediaFault> {
        let speed = u32::from(self.speech.speed);
        let further: &[String] = if self.marked { &self.command.markup_arguments } else { &[] };
        let arguments = self.command.arguments.iter().chain(further).map(|it| {
            it.replace("{voice}", self.voice)
                .replace("{speed}", &speed.to_string())
                .replace("{wpm}", &(NORMAL_WPM * speed / 100).clamp(80, 450).to_string())
                .replace("{stretch}", &format!("{:.2}", 100.0 / f64::from(speed)))
                .replace("{output}", &self.scratch.to_string_lossy())
        });
        let cage = &self.command.cage;
        let cage = if to_file { cage.with_scratch(self.scratch) } else { Ok(cage.clone()) };
        cage.and_then(|cage| Child::start(&self.command.program, arguments, !to_file, &cage))
            .map_err(|error| self.failed(&error.to_string()))
    }

    async fn pass_on(&self, mut from: impl AsyncReadExt + Unpin, wave: &mut Wave) -> Result<(), MediaFault> {
        let mut buffer = vec![0; PIPE_OCTETS];
        wave.next_file();
        loop {
            let read = from.read(&mut buffer).await.map_err(|error| self.failed(&error.to_string()))?;
            if read == 0 {
                return Ok(());
            }
            let samples =
                wave.take(&buffer[..read]).ok_or_else(|| self.failed("its output is not a WAVE of one form"))?;
            if wave.octets > MAX_SPOKEN_OCTETS {
                return Err(self.failed("it does not stop speaking"));
            }
            if !samples.is_empty() && self.pieces.send(Piece::Data(samples)).await.is_err() {
                return Err(self.failed("nobody listens any more"));
            }
        }
    }

    fn failed(&self, what: &str) -> MediaFault {
        MediaFault::new(SPEECH, format!("Say: {}: {what}", self.command.name))
    }
}

/// Joins WAVE files of one form: the first passes whole, of the others only the samples.
#[derive(Default)]
struct Wave {
    form: Option<Vec<u8>>,
    head: Vec<u8>,
    in_data: bool,
    octets: usize,
}

impl Wave {
    fn next_file(&mut self) {
        self.head.clear();
        self.in_data = false;
    }

    fn take(&mut self, octets: &[u8]) -> Option<Bytes> {
        if self.in_data {
            self.octets += octets.len();
            return Some(Bytes::copy_from_slice(octets));
        }
        self.head.extend_from_slice(octets);
        let Some(data) = self.head.windows(4).position(|it| it == b"data").filter(|at| self.head.len() >= at + 8)
        else {
            return (self.head.len() < MAX_WAVE_HEAD).then(Bytes::new);
        };
        let fmt = self.head.windows(4).position(|it| it == b"fmt ")?;
        let form = self.head.get(fmt..fmt + 24)?.to_vec();
        let samples = self.head.split_off(data + 8);
        let mut out = Vec::new();
        match &self.form {
            Some(first) if *first != form => return None,
            Some(_) => {}
            None => {
                // More may follow: the length is left open.
                out = std::mem::take(&mut self.head);
                out[data + 4..data + 8].fill(0xFF);
                out.get_mut(4..8)?.fill(0xFF);
                self.form = Some(form);
            }
        }
        self.in_data = true;
        self.octets += samples.len();
        out.extend_from_slice(&samples);
        Some(out.into())
    }
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

/// Cuts a text after sentences, and long sentences between words.
fn sentences(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut last_space) = (0, 0);
    let mut after_end = false;
    for (at, letter) in text.char_indices() {
        if letter.is_whitespace() {
            last_space = at;
        }
        let ends = after_end && letter.is_whitespace();
        let too_long = at - start > MAX_SENTENCE;
        if ends || too_long {
            let cut = if ends || last_space <= start { at } else { last_space };
            parts.push(&text[start..cut]);
            start = cut;
        }
        after_end = matches!(letter, '.' | '!' | '?' | ';' | ':');
    }
    parts.push(&text[start..]);
    parts.retain(|it| it.chars().any(char::is_alphanumeric));
    if parts.is_empty() { vec![text] } else { parts }
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

/// Words a minute at normal speed; espeak-ng's own 175 is hurried on a telephone.
const NORMAL_WPM: u32 = 160;
/// Octets read from an engine at once.
const PIPE_OCTETS: usize = 16 * 1024;
/// A sentence of half a minute.
const MAX_SENTENCE: usize = 400;
/// Chunks before the samples take less.
const MAX_WAVE_HEAD: usize = 64 * 1024;
/// An hour at 22 kHz and 16 bits; the longest text takes six minutes.
const MAX_SPOKEN_OCTETS: usize = 160 << 20;
/// Tags and espeak-ng's names of them, where they differ.
const ESPEAK_LANGUAGES: &str = "en-us en-gb en-au=en-gb en-ie=en-gb en-nz=en-gb en-za=en-gb en-in=en-gb en=en-gb \
    de fr-fr fr=fr-fr fr-be fr-ch fr-ca=fr-fr es es-419 es-mx=es-419 es-us=es-419 it pt-br pt pt-pt=pt nl pl ru ja ko tr sv da nb \
    no=nb fi el cs sk hu ro bg hr sr sl uk et lv lt ca eu gl cy ga is he ar arb=ar fa hi bn ta te mr gu kn ml pa ur vi \
    id ms th cmn zh=cmn yue af sw sq mk hy ka az kk";

#[cfg(test)]
mod tests {
    use super::*;

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
    fn sentences_lose_no_word() {
        let text = "One. Two! Is 3.5 three? ".to_owned() + &"word ".repeat(200);
        let parts = sentences(&text);
        assert_eq!(parts[..3], ["One.", " Two!", " Is 3.5 three?"]);
        assert!(parts.iter().all(|it| it.len() <= MAX_SENTENCE + 8));
        assert_eq!(parts.concat().split_whitespace().count(), text.split_whitespace().count());
        assert_eq!(sentences("..."), ["..."]);
        sentences(&"ü".repeat(2_000));
    }
}
