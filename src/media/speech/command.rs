//! A program that speaks: a child that reads plain text, or markup where it knows it, and writes WAVE, to its output or to a
//! file. It has a limit of output here, limits of time with whoever waits, and bounds by its cage.

use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::chosen::Mouth;
use super::plain::parts;
use super::wave::Wave;
use super::{EngineCommand, harmless, marked};
use crate::child::Child;
use crate::fault::{MediaFault, SPEECH};
use crate::wire::Speech;

pub(super) struct Task<'a> {
    pub command: &'a EngineCommand,
    pub voice: &'a str,
    pub speech: &'a Speech,
    pub mouth: &'a Mouth<'a>,
    pub scratch: &'a Path,
}

impl Task<'_> {
    pub async fn speak_all(&self) -> Result<(), MediaFault> {
        let mut wave = Wave::default();
        let marked = if self.command.markup_arguments.is_empty() { None } else { marked(self.speech) };
        if let Some(marked) = marked {
            let further = &self.command.markup_arguments;
            self.speak(&marked, self.speech.speed, further, &mut wave).await?;
        } else {
            for part in parts(self.speech) {
                wave.next_file(part.pause_ms);
                let text = harmless(&part.text);
                let texts = if self.command.by_sentence { sentences(&text) } else { vec![text.as_str()] };
                for text in texts.into_iter().filter(|it| !it.is_empty()) {
                    self.speak(text, part.speed, &[], &mut wave).await?;
                }
            }
            self.mouth.say(wave.rest()).await.map_err(|what| self.failed(what))?;
        }
        if wave.octets == 0 { Err(self.failed("it spoke nothing")) } else { Ok(()) }
    }

    async fn speak(&self, text: &str, speed: u16, further: &[String], wave: &mut Wave) -> Result<(), MediaFault> {
        let to_file = self.command.arguments.iter().any(|it| it.contains("{output}"));
        let mut child = self.start(to_file, speed, further)?;
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

    fn start(&self, to_file: bool, speed: u16, further: &[String]) -> Result<Child, MediaFault> {
        let speed = u32::from(speed);
        let arguments = self.command.arguments.iter().chain(further).map(|it| {
            it.replace("{voice}", self.voice)
                .replace("{speed}", &speed.to_string())
                .replace("{wpm}", &(NORMAL_WPM * speed / 100).clamp(80, 450).to_string())
                .replace("{stretch}", &format!("{:.2}", 100.0 / f64::from(speed)))
                .replace("{language}", &self.speech.language)
                .replace("{output}", &self.scratch.to_string_lossy())
        });
        let cage = &self.command.cage;
        let cage = if to_file { cage.with_scratch(self.scratch) } else { Ok(cage.clone()) };
        cage.and_then(|cage| Child::start(&self.command.program, arguments, !to_file, &cage))
            .map_err(|error| self.failed(&error.to_string()))
    }

    async fn pass_on(&self, mut from: impl AsyncReadExt + Unpin, wave: &mut Wave) -> Result<(), MediaFault> {
        let mut buffer = vec![0; PIPE_OCTETS];
        wave.next_file(0);
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
            self.mouth.say(samples).await.map_err(|what| self.failed(what))?;
        }
    }

    fn failed(&self, what: &str) -> MediaFault {
        MediaFault::new(SPEECH, format!("Say: {}: {what}", self.command.name))
    }
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

/// Words a minute at normal speed; espeak-ng's own 175 is hurried on a telephone.
const NORMAL_WPM: u32 = 160;
/// Octets read from an engine at once.
const PIPE_OCTETS: usize = 16 * 1024;
/// A sentence of half a minute.
const MAX_SENTENCE: usize = 400;
/// An hour at 22 kHz and 16 bits; the longest text takes six minutes.
const MAX_SPOKEN_OCTETS: usize = 160 << 20;

#[cfg(test)]
mod tests {
    use super::*;

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
