//! `[[line]]`: what differs on one analogue line, or on all of a span, from `[analog]` and from the box's country. What an
//! entry does not say its span's does, and what neither says is the box's.

use serde::{Deserialize, Serialize};
use tipring_countries::ToneKind;
use tipring_dsp::ZoneId;

use super::countries::{MAX_ZONES, made};
use super::fault::Origin;
use super::judge::{Verdict, fits, line_of};
use super::shape::{Entry, Tree};
use super::{Analog, AnswerSign, Config, ReversalSign};

/// `[[line]]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LineEntry {
    /// `dahdi 3/2`, or a whole span: `dahdi 3`.
    pub line: String,
    /// Its own number, as others dial it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The country whose tones it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// As in `[analog]`, like the next ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<AnswerSign>,
    /// Milliseconds to wait for dial tone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dial_tone_ms: Option<u64>,
    /// Dial even if no dial tone came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dial_anyway: Option<bool>,
    /// The exchange tells who calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_id: Option<bool>,
    /// A dropped battery is the far end's hang-up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hang_up_battery: Option<bool>,
    /// What a reversal of polarity in a call is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hang_up_reversal: Option<ReversalSign>,
    /// Busy, congestion and information tones are, or speak for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hang_up_tones: Option<bool>,
    /// Dial tone in a call is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hang_up_dial_tone: Option<bool>,
    /// Seconds of silence on both sides that are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hang_up_silence_s: Option<u64>,
    /// One more form of busy tone than the country's, as its exchange plays it: `425 300/300`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hang_up_tone: Option<String>,
    /// The same of dial tone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dial_tone: Option<String>,
    /// The same of ringback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ringback_tone: Option<String>,
    /// Decibels by which what comes is made louder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receive_gain_db: Option<i8>,
    /// Decibels by which what goes is made louder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_gain_db: Option<i8>,
}

/// Keys that decide which tones a line has.
const TONE_KEYS: [&str; 4] = ["country", "hang_up_tone", "dial_tone", "ringback_tone"];

/// Why a line cannot have the tones that are wanted for it.
#[derive(Debug)]
struct Misfit {
    /// The key that says so.
    key: &'static str,
    /// The character of its text, from 1.
    character: usize,
    text: String,
}

impl LineEntry {
    /// The span of a single line.
    fn span(&self) -> Option<&str> {
        self.line.split_once('/').map(|(span, _)| span)
    }

    /// What it says, and what it does not say as its span's entry does.
    fn over(&self, span: &LineEntry) -> LineEntry {
        let (own, span) = (self.clone(), span.clone());
        LineEntry {
            line: own.line,
            number: own.number.or(span.number),
            country: own.country.or(span.country),
            answer: own.answer.or(span.answer),
            dial_tone_ms: own.dial_tone_ms.or(span.dial_tone_ms),
            dial_anyway: own.dial_anyway.or(span.dial_anyway),
            caller_id: own.caller_id.or(span.caller_id),
            hang_up_battery: own.hang_up_battery.or(span.hang_up_battery),
            hang_up_reversal: own.hang_up_reversal.or(span.hang_up_reversal),
            hang_up_tones: own.hang_up_tones.or(span.hang_up_tones),
            hang_up_dial_tone: own.hang_up_dial_tone.or(span.hang_up_dial_tone),
            hang_up_silence_s: own.hang_up_silence_s.or(span.hang_up_silence_s),
            hang_up_tone: own.hang_up_tone.or(span.hang_up_tone),
            dial_tone: own.dial_tone.or(span.dial_tone),
            ringback_tone: own.ringback_tone.or(span.ringback_tone),
            receive_gain_db: own.receive_gain_db.or(span.receive_gain_db),
            send_gain_db: own.send_gain_db.or(span.send_gain_db),
        }
    }

    /// How the line is used where all others are used as `analog` says.
    pub fn analog(&self, analog: &Analog) -> Analog {
        Analog {
            answer: self.answer.unwrap_or(analog.answer),
            dial_tone_ms: self.dial_tone_ms.unwrap_or(analog.dial_tone_ms),
            dial_anyway: self.dial_anyway.unwrap_or(analog.dial_anyway),
            caller_id: self.caller_id.unwrap_or(analog.caller_id),
            hang_up_battery: self.hang_up_battery.unwrap_or(analog.hang_up_battery),
            hang_up_reversal: self.hang_up_reversal.unwrap_or(analog.hang_up_reversal),
            hang_up_tones: self.hang_up_tones.unwrap_or(analog.hang_up_tones),
            hang_up_dial_tone: self.hang_up_dial_tone.unwrap_or(analog.hang_up_dial_tone),
            hang_up_silence_s: self.hang_up_silence_s.unwrap_or(analog.hang_up_silence_s),
        }
    }

    /// The tones of the line, its own forms among them. An unknown country is complained about elsewhere.
    fn try_zone(&self, config: &Config) -> Result<ZoneId, Misfit> {
        let countries = &config.countries;
        let code = self.country.as_deref().unwrap_or(&config.this.country);
        let forms = [
            ("hang_up_tone", ToneKind::Busy, &self.hang_up_tone),
            ("dial_tone", ToneKind::Dial, &self.dial_tone),
            ("ringback_tone", ToneKind::Ringback, &self.ringback_tone),
        ];
        let usual = countries.zone(code).unwrap_or_default();
        // Without a country the box has the tones of the first one.
        let country = if code.is_empty() { tipring_countries::built_in().first() } else { countries.find(code) };
        let Some((owner, known)) = country.and_then(|country| countries.tones(country)) else {
            return Ok(usual);
        };
        let mut tones = known.clone();
        for (key, kind, text) in forms {
            let Some(text) = text else { continue };
            let misfit = |fault: tipring_countries::Fault| Misfit { key, character: fault.column, text: fault.text() };
            tones = tones.with(kind, text).map_err(misfit)?;
        }
        if tones == *known {
            return Ok(usual);
        }
        made(owner, &tones).ok_or_else(|| {
            let text = format!(
                "more than {MAX_ZONES} countries of one's own and tones of lines since the start; start the service anew"
            );
            let key = forms.iter().find(|(_, _, text)| text.is_some()).map_or("line", |form| form.0);
            Misfit { key, character: 1, text }
        })
    }

    /// Why it cannot have the tones that it is to have, where no file is judged.
    pub fn complaint(&self, config: &Config) -> Option<String> {
        let country = self.country.as_deref().and_then(|code| config.countries.fault(code));
        let tones = || self.try_zone(config).err().map(|misfit| format!("{}: {}", misfit.key, misfit.text));
        country.or_else(tones).map(|why| format!("line {}: {why}", self.line))
    }

    /// The tones of the line in the place where the box stands.
    pub fn zone(&self, config: &Config) -> ZoneId {
        self.try_zone(config).unwrap_or_else(|_| config.zone())
    }
}

impl Config {
    /// The number of an analogue line, as others dial it, where it is known.
    pub fn number_of_line(&self, line: &str) -> Option<String> {
        self.line.iter().rev().find(|entry| entry.line == line).and_then(|entry| entry.number.clone())
    }

    /// A box of which nothing is known but its country.
    pub fn of_place(country: &str) -> Config {
        let mut config = Config::default();
        config.this.country = country.into();
        config
    }

    /// Analogue lines that differ, each with all that is said of it and of its span; whole spans before lines, so that the
    /// last one that fits a line is the line's.
    pub fn lines_that_differ(&self) -> Vec<LineEntry> {
        let (spans, lines): (Vec<&LineEntry>, Vec<&LineEntry>) =
            self.line.iter().partition(|entry| entry.span().is_none());
        let of_line = |line: &&LineEntry| match spans.iter().find(|span| Some(span.line.as_str()) == line.span()) {
            Some(span) => line.over(span),
            None => (*line).clone(),
        };
        spans.iter().map(|span| (*span).clone()).chain(lines.iter().map(of_line)).collect()
    }
}

impl Verdict {
    pub(super) fn lines(&mut self, config: &Config, tree: &Tree) {
        let whole = config.lines_that_differ();
        for (entry, own) in tree.sound("line").zip(&config.line) {
            let line = own.line.as_str();
            let Some((card, span)) = line_of(line) else {
                let wanted = "a line such as \"dahdi 3/2\" or a whole span such as \"dahdi 3\" is expected";
                self.refuse(entry.place("line"), format!("line.line: {line:?}: {wanted}"));
                continue;
            };
            if !fits(config, card, span) {
                self.warn(entry.place("line"), format!("line {line}: [[card]] has no such line"));
            }
            let number = own.number.as_deref().unwrap_or("1");
            let digits = number.strip_prefix('+').unwrap_or(number);
            if digits.is_empty() || number.len() > 20 || !digits.chars().all(|c| c.is_ascii_digit()) {
                let why = format!("line {line}: number: 1 to 20 digits are wanted, such as \"+442079460101\"");
                self.refuse(entry.place("number"), why);
            }
            let country = own.country.as_deref().unwrap_or_default();
            if own.country.as_deref() == Some("") {
                let why = format!("line {line}: country: a code is wanted; without one leave the key out");
                self.refuse(entry.place("country"), why);
            } else if let Some(why) = config.countries.fault(country) {
                self.refuse(entry.place("country"), format!("line {line}: country: {why}"));
            } else if TONE_KEYS.iter().any(|key| entry.leaves.contains_key(key))
                && let Some(Err(misfit)) =
                    whole.iter().find(|known| known.line == line).map(|whole| whole.try_zone(config))
            {
                let (key, place) = place(entry, &misfit);
                self.refuse(place, format!("line {line}: {key}: {}", misfit.text));
            }
        }
    }
}

/// Where what does not fit stands; where the span's entry says it, what the line itself adds to it.
fn place(entry: &Entry, misfit: &Misfit) -> (&'static str, Origin) {
    if let Some(leaf) = entry.leaves.get(misfit.key) {
        return (misfit.key, leaf.inside(misfit.character));
    }
    let key = TONE_KEYS.into_iter().find(|key| entry.leaves.contains_key(key)).unwrap_or("line");
    (key, entry.place(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::Reload;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(std::path::Path::new("t.toml"), text).map_err(|refusal| refusal.to_string())
    }

    fn good(text: &str) -> Config {
        parse(text).unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    #[test]
    fn a_line_says_what_differs_its_span_what_it_does_not_say_and_the_box_the_rest() {
        let config = good(
            "[box]\ncountry = \"gb\"\n[analog]\ndial_tone_ms = 3000\ncaller_id = false\n\
             [[line]]\nline = \"dahdi 3/2\"\nanswer = \"dialled\"\nreceive_gain_db = 3\n\
             [[line]]\nline = \"dahdi 3\"\nanswer = \"reversal\"\nhang_up_silence_s = 0\nsend_gain_db = -4\ncountry = \"de\"\n",
        );
        let lines = config.lines_that_differ();
        assert_eq!(lines.iter().map(|line| line.line.as_str()).collect::<Vec<_>>(), ["dahdi 3", "dahdi 3/2"]);
        let [span, line] = [0, 1].map(|at| lines[at].analog(&config.analog));
        assert_eq!((span.answer, line.answer), (AnswerSign::Reversal, AnswerSign::Dialled));
        for analog in [&span, &line] {
            let told = (analog.hang_up_silence_s, analog.dial_tone_ms, analog.caller_id, analog.hang_up_tones);
            assert_eq!(told, (0, 3_000, false, true));
        }
        assert_eq!((lines[1].receive_gain_db, lines[1].send_gain_db), (Some(3), Some(-4)));
        assert_eq!(Some(lines[1].zone(&config)), ZoneId::of("de"));
        assert_eq!(Some(config.zone()), ZoneId::of("gb"));
    }

    #[test]
    fn a_tone_of_the_exchange_stands_behind_its_countrys_and_the_same_zone_is_kept_once() {
        let text = "[box]\ncountry = \"gb\"\n[[line]]\nline = \"dahdi 3\"\ncountry = \"de\"\n\
                    [[line]]\nline = \"dahdi 3/1\"\nhang_up_tone = \"425 300/300\"\n\
                    [[line]]\nline = \"dahdi 3/2\"\nhang_up_tone = \"425 300/300\"\n\
                    [[line]]\nline = \"dahdi 3/3\"\nhang_up_tone = \"425 300/600\"\nringback_tone = \"440 900/2100\"\ndial_tone = \"440\"\n\
                    [[line]]\nline = \"dahdi 4\"\nhang_up_tone = \"400 375/375\"\n";
        let config = good(text);
        let zones: Vec<ZoneId> = config.lines_that_differ().iter().map(|line| line.zone(&config)).collect();
        let de = ZoneId::of("de").expect("a zone").tones();
        let [span, gb, first, second, third] = zones[..] else { panic!("{zones:?}") };
        assert_eq!((Some(span), Some(gb)), (ZoneId::of("de"), ZoneId::of("gb")), "a form that is known adds nothing");
        assert!(std::ptr::eq(first.tones(), second.tones()) && first != span);
        assert_eq!((first.tones().busy.len(), first.tones().dial), (de.busy.len() + 1, de.dial));
        assert_eq!(first.tones().busy.last().map(|form| (form.hz, form.on_off_ms)), Some(([425, 0], &[300, 300][..])));
        let more = |zone: ZoneId| [zone.tones().busy.len(), zone.tones().dial.len(), zone.tones().ringback.len()];
        assert_eq!(more(third), [de.busy.len() + 1, de.dial.len() + 1, de.ringback.len() + 1]);
        assert!(std::ptr::eq(good(text).lines_that_differ()[3].zone(&config).tones(), second.tones()));
        // Without any country they are those of the United States.
        let config = good("[[line]]\nline = \"sim 2/1\"\nhang_up_tone = \"480+620 300/300\"\n");
        let zone = config.lines_that_differ()[0].zone(&config).tones();
        assert_eq!((zone.code, zone.busy.len()), ("us", ZoneId::default().tones().busy.len() + 1));
    }

    #[test]
    fn entries_of_one_line_are_one_the_later_one_wins_and_a_change_is_told_by_its_name() {
        let first = "[[line]]\nline = \"dahdi 3/2\"\nnumber = \"21\"\nhang_up_silence_s = 20\n";
        let old = good(first);
        let new = good(&format!(
            "{first}[[line]]\nline = \"dahdi 3\"\n[[line]]\nline = \"dahdi 3/2\"\nhang_up_silence_s = 30\nanswer = \"reversal\"\n"
        ));
        assert_eq!(new.line.len(), 2);
        assert_eq!((new.line[0].number.as_deref(), new.line[0].hang_up_silence_s), (Some("21"), Some(30)));
        let told: Vec<_> = Config::changes(&old, &new)
            .into_iter()
            .map(|change| (change.key, change.from, change.to, change.policy))
            .collect();
        let row = |key: &str, from: Option<&str>, to: &str| {
            (key.to_string(), from.map(str::to_string), Some(to.to_string()), Reload::LineIdle)
        };
        let rows = [
            row("line[dahdi 3/2].answer", None, "\"reversal\""),
            row("line[dahdi 3/2].hang_up_silence_s", Some("20"), "30"),
            row("line[dahdi 3].line", None, "\"dahdi 3\""),
        ];
        assert_eq!(told, rows);
        // One that is refused is refused where it stands, and is not put together with another.
        let told = parse(&format!("{first}[[line]]\nline = \"dahdi 3/2\"\nhang_up_silence_s = 9999\n"));
        assert_eq!(told.unwrap_err(), "t.toml:7:21: line.hang_up_silence_s: 9999 is outside its range: 0 to 3600");
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_place() {
        for (keys, told) in [
            ("line = \"dahdi\"", "t.toml:2:8: line.line: \"dahdi\": a line such as \"dahdi 3/2\" or a whole span"),
            ("number = \"21\"", "t.toml:1:1: [[line]]: `line = \"dahdi 3/2\"` is missing"),
            ("line = \"sim 2/1\"\nnumber = \"2l\"", "t.toml:3:10: line sim 2/1: number: 1 to 20 digits are wanted"),
            ("line = \"sim 2/1\"\nnumber = \"+\"", "t.toml:3:10: line sim 2/1: number: 1 to 20 digits are wanted"),
            ("line = \"sim 2/1\"\ncountry = \"xx\"", "t.toml:3:11: line sim 2/1: country: \"xx\" is not known; "),
            ("line = \"sim 2/1\"\ncountry = \"\"", "t.toml:3:11: line sim 2/1: country: a code is wanted"),
            (
                "line = \"sim 2/1\"\nreceive_gain_db = 13",
                "t.toml:3:19: line.receive_gain_db: 13 is outside its range: -12 to 12",
            ),
            (
                "line = \"sim 2/1\"\nhang_up_tone = \"425 500/5\"",
                "t.toml:3:25: line sim 2/1: hang_up_tone: 5 ms is out of bounds; write a whole number from 100",
            ),
            (
                "line = \"sim 2/1\"\nringback_tone = '440'",
                "t.toml:3:18: line sim 2/1: ringback_tone: \"440\" has no rhythm; only dial tone is endless",
            ),
            (
                "line = \"sim 2/1\"\ncountry = \"de\"\nhang_up_tone = \"425 1000/4000\"",
                "t.toml:4:17: line sim 2/1: hang_up_tone: \"425 1000/4000\" is ringback of this line already",
            ),
            // An escape moves all that follows it: the whole text is the place.
            (
                "line = \"sim 2/1\"\nhang_up_tone = \"\\u0034O0 500/500\"",
                "t.toml:3:16: line sim 2/1: hang_up_tone: \"4O0\" is no number of Hz",
            ),
            // What the span adds and the line adds have no room together: told at the line.
            (
                "line = \"sim 2\"\ncountry = \"gb\"\nhang_up_tone = \"610 300/300\"\nringback_tone = \"620 400/900\"\n\
                 [[line]]\nline = \"sim 2/1\"\ndial_tone = \"333+666\"",
                "t.toml:8:13: line sim 2/1: dial_tone: with it the line's tones need 11 frequencies, 6 sounds",
            ),
        ] {
            let refusal = parse(&format!("[[line]]\n{keys}\n")).expect_err(keys);
            assert!(refusal.starts_with(told) && !refusal.contains('\n'), "{keys}\n{refusal}");
        }
    }
}
