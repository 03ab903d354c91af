//! One recognition: sound in, results out, by a child, a service, or nobody. Nothing of it outlives it.

use std::path::Path;
use std::time::Duration;

use tipring_dsp::speech::Voice;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use super::ask::ListenRequest;
use super::grammar::grammar;
use super::recognizer::{Recognizer, RecognizerCommand, RecognizerUrl};
use super::results::{Line, answered, said};
use super::sound::little_endian;
use crate::child::Child;
use crate::fault::MediaFault;

/// Samples at the recognizer's rate, until the caller's sound is over. Bounded by who fills it: the longest sound.
pub(crate) type Samples = mpsc::UnboundedReceiver<Vec<i16>>;

/// What a recognition needs.
pub(crate) struct Work<'a> {
    pub request: &'a ListenRequest,
    pub samples: Samples,
    pub results: &'a mpsc::Sender<Line>,
    /// From the end of the sound to the last result, for a sound of no length; the sound's own length is added.
    pub after: Duration,
    /// A file that it may make; whoever calls removes it.
    pub scratch: &'a Path,
    pub egress: &'a tipring_egress::Client,
}

impl Work<'_> {
    pub async fn run(self, recognizer: &Recognizer) -> Result<(), MediaFault> {
        match recognizer {
            Recognizer::Command(it) => self.command(it).await,
            Recognizer::Url(it) => self.url(it).await,
            Recognizer::Fake => self.fake().await,
        }
    }

    async fn command(mut self, command: &RecognizerCommand) -> Result<(), MediaFault> {
        let failed = |what: &str| MediaFault::recognizer(format!("listen: {}: {what}", command.name));
        let arguments = self.arguments(command).await.map_err(|error| failed(&error.to_string()))?;
        let mut cage = command.cage.clone();
        cage.reads.push(self.scratch.to_owned());
        let mut child = Child::start(&command.program, arguments.into_iter(), true, &cage)
            .map_err(|error| failed(&format!("{}: {error}", command.program.display())))?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin(), child.stdout()) else {
            return Err(failed("it has no pipes"));
        };
        let (results, after) = (self.results, self.after);
        let feed = async {
            let mut fed = 0;
            while let Some(samples) = self.samples.recv().await {
                fed += samples.len();
                // A child that does not read to the end says why by its status.
                if stdin.write_all(&little_endian(&samples)).await.is_err() {
                    break;
                }
            }
            drop(stdin);
            after + Duration::from_secs_f64(fed as f64 / f64::from(command.rate_hz))
        };
        let hear = hear(stdout, results, &failed);
        tokio::pin!(feed, hear);
        let heard = tokio::select! {
            heard = &mut hear => heard,
            tail = &mut feed => match tokio::time::timeout(tail, &mut hear).await {
                Ok(heard) => heard,
                Err(_) => Err(failed(&format!("no answer {} s after the last sound", tail.as_secs_f32().round()))),
            },
        };
        heard?;
        match tokio::time::timeout(self.after, child.ended()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(failed(&format!("it ended with {status}"))),
            Ok(Err(error)) => Err(failed(&error.to_string())),
            Err(_) => Err(failed("it does not end")),
        }
    }

    async fn arguments(&self, command: &RecognizerCommand) -> std::io::Result<Vec<String>> {
        let clean = |text: &str| text.chars().filter(|it| !it.is_control()).take(MAX_ARGUMENT).collect::<String>();
        // Foreign words are no options, even where they stand alone.
        let word = |text: &str| clean(text).trim_start_matches('-').to_owned();
        let (hints, model) = (word(&self.request.hints.join(",")), word(&self.request.model));
        let rate = command.rate_hz.to_string();
        let filled = |it: &String| {
            it.replace("{language}", &self.request.language)
                .replace("{rate}", &rate)
                .replace("{model}", &model)
                .replace("{hints}", &hints)
        };
        let mut arguments: Vec<_> = command.arguments.iter().map(filled).collect();
        let Some(with) = &command.grammar else { return Ok(arguments) };
        let (hints, model) = (self.request.hints.clone(), self.request.model.clone());
        let dictionary = with.dictionary.clone();
        let made = tokio::task::spawn_blocking(move || grammar(&hints, &model, &dictionary)).await;
        if let Ok(Some(made)) = made {
            tokio::fs::write(self.scratch, made).await?;
            let file = self.scratch.to_string_lossy();
            arguments.extend(with.arguments.iter().map(|it| it.replace("{grammar}", &file)));
        }
        Ok(arguments)
    }

    async fn url(mut self, service: &RecognizerUrl) -> Result<(), MediaFault> {
        let mut samples = Vec::new();
        while let Some(piece) = self.samples.recv().await {
            samples.extend_from_slice(&piece);
        }
        let failed = |what: &str| MediaFault::recognizer(format!("listen: {}: {what}", service.name));
        let rate_hz = Recognizer::Url(service.clone()).rate_hz();
        let wait_ms = u32::try_from(self.after.as_millis()).unwrap_or(u32::MAX);
        let wait_ms = wait_ms.saturating_add((samples.len() as u32 / rate_hz).saturating_mul(1000));
        let mut url = service.url.clone();
        url.query_pairs_mut().append_pair("language", &self.request.language);
        let head = self.request.write(()).map_err(|fault| failed(&fault.text))?;
        let copied = ["x-listen-hints", "x-listen-model"].into_iter().filter_map(|name| {
            let value = head.headers().get(name)?.to_str().ok().filter(|it| !it.is_empty())?;
            Some((name.to_owned(), value.to_owned()))
        });
        let mut headers = vec![("content-type".to_owned(), "audio/wav".to_owned())];
        headers.extend(copied);
        let limits = tipring_egress::Limits {
            first_byte_ms: wait_ms,
            total_ms: wait_ms,
            max_body: MAX_OUTPUT,
            ..tipring_egress::Limits::default()
        };
        let body = wave(&samples, rate_hz).into();
        let request = tipring_egress::Request { method: tipring_egress::Method::Post, url, headers, body, limits };
        let response = self.egress.send(request).await.map_err(|fault| failed(&fault.to_string()))?;
        if !(200..300).contains(&response.status) {
            return Err(failed(&format!("it answered {}", response.status)));
        }
        let body = response.bytes().await.map_err(|fault| failed(&fault.to_string()))?;
        for line in answered(&String::from_utf8_lossy(&body)) {
            if self.results.send(line).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    async fn fake(mut self) -> Result<(), MediaFault> {
        let (mut speech, mut rest) = (tipring_dsp::Speech::new(), Vec::new());
        let (mut speaking, mut said) = (false, 0);
        let mut over = false;
        while !over {
            match self.samples.recv().await {
                Some(samples) => rest.extend(samples),
                None => {
                    rest.extend([0; FAKE_TAIL]);
                    over = true;
                }
            }
            let whole = rest.len() / FAKE_BLOCK * FAKE_BLOCK;
            for block in rest.drain(..whole).collect::<Vec<_>>().chunks_exact(FAKE_BLOCK) {
                let active = speech.feed(block) != Voice::Silent;
                if active == speaking {
                    continue;
                }
                speaking = active;
                let hints = &self.request.hints;
                let text = if hints.is_empty() { "word".to_owned() } else { hints[said % hints.len()].clone() };
                said += usize::from(!active);
                let line = match active {
                    true => Line::Partial { text, stability: Some(0.5) },
                    false => Line::Final { text, confidence: Some(0.9) },
                };
                if self.results.send(line).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Passes on what a child says, line by line, within bounds.
async fn hear(
    mut from: impl AsyncReadExt + Unpin,
    results: &mpsc::Sender<Line>,
    failed: &impl Fn(&str) -> MediaFault,
) -> Result<(), MediaFault> {
    let (mut line, mut all) = (Vec::new(), 0);
    let mut buffer = vec![0; PIPE_OCTETS];
    loop {
        let read = from.read(&mut buffer).await.map_err(|error| failed(&error.to_string()))?;
        all += read;
        if all > MAX_OUTPUT {
            return Err(failed("it does not stop talking"));
        }
        let mut rest = &buffer[..read];
        while let Some(end) = rest.iter().position(|it| *it == b'\n') {
            line.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            tell(&std::mem::take(&mut line), results).await;
        }
        line.extend_from_slice(rest);
        if line.len() > MAX_LINE {
            return Err(failed("a line of its output has no end"));
        }
        if read == 0 {
            tell(&line, results).await;
            return Ok(());
        }
    }
}

async fn tell(line: &[u8], results: &mpsc::Sender<Line>) {
    if let Some(line) = said(&String::from_utf8_lossy(line)) {
        // Nobody who listens any more: whoever runs this sees it too.
        let _ = results.send(line).await;
    }
}

fn wave(samples: &[i16], rate_hz: u32) -> Vec<u8> {
    let octets = u32::try_from(samples.len() * 2).unwrap_or(u32::MAX - 36);
    let mut out = Vec::with_capacity(44 + samples.len() * 2);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(octets + 36).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    out.extend_from_slice(&rate_hz.to_le_bytes());
    out.extend_from_slice(&(rate_hz * 2).to_le_bytes());
    out.extend_from_slice(b"\x02\0\x10\0data");
    out.extend_from_slice(&octets.to_le_bytes());
    out.extend_from_slice(&little_endian(samples));
    out
}

/// Octets read from a recognizer at once.
const PIPE_OCTETS: usize = 8 * 1024;
/// One result with room for a recognizer's own details.
const MAX_LINE: usize = 64 * 1024;
/// All results of one recognition: a partial a word of ten minutes, and more.
const MAX_OUTPUT: usize = 4 << 20;
/// Characters of hints in an argument.
const MAX_ARGUMENT: usize = 16 * 1024;
/// The fake's step, and the silence that ends its last word.
const FAKE_BLOCK: usize = 80;
const FAKE_TAIL: usize = 4_000;
