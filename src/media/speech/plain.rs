//! What a text with markup comes to for an engine that knows none: words in order, silence between them, another speed.
//!
//! Source: SSML 1.1 (W3C), as far as documents may use it. What is not understood is spoken as it stands.

use crate::markup::clean;
use crate::wire::Speech;

/// A stretch of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Silence before it.
    pub pause_ms: u32,
    /// Percent of the normal speed.
    pub speed: u16,
    pub text: String,
}

/// The parts of a text; the last one may be silence alone.
pub(super) fn parts(speech: &Speech) -> Vec<Part> {
    let marked = clean(&speech.markup).filter(|it| !it.trim().is_empty());
    let Some(marked) = marked else {
        return vec![Part { pause_ms: 0, speed: speech.speed, text: speech.text.clone() }];
    };
    let mut reader = Reader { parts: Vec::new(), pause_ms: 0, text: String::new(), open: vec![Open::of(speech.speed)] };
    reader.read(&marked);
    reader.cut();
    if reader.pause_ms > 0 {
        reader.parts.push(Part { pause_ms: reader.pause_ms, speed: speech.speed, text: String::new() });
    }
    reader.parts
}

struct Reader {
    parts: Vec<Part>,
    pause_ms: u32,
    text: String,
    open: Vec<Open>,
}

/// What holds inside of an element.
#[derive(Clone, Copy)]
struct Open {
    speed: u16,
    /// Letters one by one.
    spelt: bool,
    /// Something else was said in its place.
    silent: bool,
    after_ms: u32,
}

impl Open {
    fn of(speed: u16) -> Self {
        Self { speed, spelt: false, silent: false, after_ms: 0 }
    }
}

impl Reader {
    /// Reads markup that is clean.
    fn read(&mut self, marked: &str) {
        let mut rest = marked;
        while let Some((words, tag)) = rest.split_once('<') {
            self.words(words);
            let Some((tag, after)) = tag.split_once('>') else { return };
            rest = after;
            if tag.starts_with('/') {
                self.close();
                continue;
            }
            let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
            self.open(tag);
            if empty {
                self.close();
            }
        }
        self.words(rest);
    }

    fn open(&mut self, tag: &str) {
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let attribute = |name: &str| {
            let (_, value) = format!(" {attributes}")
                .split_once(&format!(" {name}=\""))
                .map(|(a, b)| (a.to_owned(), b.to_owned()))?;
            value.split_once('"').map(|it| it.0.to_owned())
        };
        let mut open = *self.open.last().unwrap_or(&Open::of(100));
        open.after_ms = 0;
        match name {
            "break" => self.pause(pause_ms(attribute("time").as_deref(), attribute("strength").as_deref())),
            "p" => {
                self.pause(PARAGRAPH_MS);
                open.after_ms = PARAGRAPH_MS;
            }
            "s" => open.after_ms = SENTENCE_MS,
            "prosody" => {
                if let Some(percent) = attribute("rate").as_deref().and_then(rate) {
                    self.cut();
                    let speed = u32::from(open.speed) * u32::from(percent) / 100;
                    open.speed = u16::try_from(speed.clamp(25, 400)).unwrap_or(100);
                }
            }
            "say-as" => {
                let kind = attribute("interpret-as").unwrap_or_default();
                open.spelt = matches!(kind.as_str(), "digits" | "telephone" | "characters" | "spell-out" | "verbatim");
            }
            "sub" => {
                if let Some(alias) = attribute("alias") {
                    self.words(&alias);
                    open.silent = true;
                }
            }
            _ => {}
        }
        self.open.push(open);
    }

    fn close(&mut self) {
        let Some(closed) = self.open.pop() else { return };
        if self.open.last().is_some_and(|it| it.speed != closed.speed) {
            self.cut_at(closed.speed);
        }
        self.pause(closed.after_ms);
    }

    fn words(&mut self, words: &str) {
        let open = *self.open.last().unwrap_or(&Open::of(100));
        if open.silent {
            return;
        }
        let words = plain(words);
        if open.spelt {
            let letters = words.chars().filter(|it| it.is_alphanumeric());
            self.text.extend(letters.flat_map(|it| [' ', it]));
            self.text.push(' ');
        } else {
            self.text.push_str(&words);
        }
    }

    fn pause(&mut self, ms: u32) {
        if ms > 0 {
            self.cut();
            self.pause_ms = (self.pause_ms + ms).min(MAX_PAUSE_MS);
        }
    }

    fn cut(&mut self) {
        let speed = self.open.last().map_or(100, |it| it.speed);
        self.cut_at(speed);
    }

    /// What was gathered becomes a part.
    fn cut_at(&mut self, speed: u16) {
        let text = std::mem::take(&mut self.text);
        if text.chars().any(char::is_alphanumeric) {
            self.parts.push(Part { pause_ms: std::mem::take(&mut self.pause_ms), speed, text: text.trim().to_owned() });
        }
    }
}

/// How long a break is.
fn pause_ms(time: Option<&str>, strength: Option<&str>) -> u32 {
    let timed = time.map(str::trim).and_then(|it| match it.strip_suffix("ms") {
        Some(ms) => ms.parse::<f64>().ok(),
        None => it.strip_suffix('s').and_then(|it| it.parse::<f64>().ok()).map(|it| it * 1_000.0),
    });
    if let Some(ms) = timed.filter(|it| it.is_finite() && *it >= 0.0) {
        return (ms as u32).min(MAX_PAUSE_MS);
    }
    match strength.unwrap_or("medium") {
        "none" => 0,
        "x-weak" => 100,
        "weak" => 200,
        "strong" => 700,
        "x-strong" => 1_000,
        _ => 400,
    }
}

/// Percent of the speed outside.
fn rate(text: &str) -> Option<u16> {
    let text = text.trim();
    let percent = match text {
        "x-slow" => 50.0,
        "slow" => 75.0,
        "medium" | "default" => 100.0,
        "fast" => 130.0,
        "x-fast" => 170.0,
        _ => {
            let number = text.strip_suffix('%')?.parse::<f64>().ok()?;
            if text.starts_with(['+', '-']) { 100.0 + number } else { number }
        }
    };
    (percent.is_finite() && percent > 0.0).then(|| percent.clamp(25.0, 400.0) as u16)
}

/// Text without entities.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let Some((name, after)) = after.split_once(';') else { break };
        let number = match name.strip_prefix("#x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => name.strip_prefix('#').and_then(|it| it.parse().ok()),
        };
        match name {
            "amp" => out.push('&'),
            "lt" => out.push('<'),
            "gt" => out.push('>'),
            "quot" => out.push('"'),
            "apos" => out.push('\''),
            _ => out.extend(number.and_then(char::from_u32)),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A break is at most so long, as documents may say it.
const MAX_PAUSE_MS: u32 = 10_000;
const PARAGRAPH_MS: u32 = 500;
const SENTENCE_MS: u32 = 250;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(markup: &str) -> Vec<(u32, u16, String)> {
        let speech = Speech {
            text: "plain".into(),
            voice: String::new(),
            language: String::new(),
            speed: 100,
            markup: markup.into(),
        };
        parts(&speech).into_iter().map(|it| (it.pause_ms, it.speed, it.text)).collect()
    }

    #[test]
    fn markup_becomes_words_silence_and_speed() {
        let part = |pause, speed, text: &str| (pause, speed, text.to_owned());
        for (markup, made) in [
            ("", vec![part(0, 100, "plain")]),
            ("<p>", vec![part(0, 100, "plain")]),
            ("a &amp; b &#228;", vec![part(0, 100, "a & b ä")]),
            ("a<break time=\"1.5s\"/>b", vec![part(0, 100, "a"), part(1_500, 100, "b")]),
            ("a<break time=\"99s\"/>", vec![part(0, 100, "a"), part(10_000, 100, "")]),
            ("a<break strength='none'/>b", vec![part(0, 100, "ab")]),
            ("<say-as interpret-as=\"digits\">120</say-as>", vec![part(0, 100, "1 2 0")]),
            ("call <say-as interpret-as='telephone'>+49 30</say-as> now", vec![part(0, 100, "call  4 9 3 0  now")]),
            ("<say-as interpret-as='date'>1.2.</say-as>", vec![part(0, 100, "1.2.")]),
            ("the <sub alias=\"World Wide Web\">W3</sub>!", vec![part(0, 100, "the World Wide Web!")]),
            ("a <prosody rate='slow'>b</prosody> c", vec![part(0, 100, "a"), part(0, 75, "b"), part(0, 100, "c")]),
            ("<prosody rate='+20%' pitch='low'>b</prosody>", vec![part(0, 120, "b")]),
            ("<s>a</s><s>b</s>", vec![part(0, 100, "a"), part(250, 100, "b"), part(250, 100, "")]),
            ("<emphasis>a</emphasis> <w role='x'>b</w> <phoneme ph='x'>c</phoneme>", vec![part(0, 100, "a b c")]),
        ] {
            assert_eq!(read(markup), made, "{markup}");
        }
    }
}
