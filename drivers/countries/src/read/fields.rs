//! The fields of an entry: each read from its value and judged by itself.

use super::*;

impl Reader<'_> {
    pub(super) fn name(&mut self, entry: &Entry<'_, '_>) -> String {
        let Some((span, name)) = self.text_of(entry, "name") else { return String::new() };
        let chars = name.chars().count();
        if chars == 0 || chars > NAME_CHARS || name.chars().any(char::is_control) {
            let what = format!("[{}] name: \"{}\" is no name", entry.code, shown(&name));
            self.fault(span.start, what, format!("write 1 to {NAME_CHARS} characters, such as \"Norway\""));
        }
        name
    }

    pub(super) fn further_codes(&mut self, entry: &Entry<'_, '_>) -> Vec<String> {
        let codes = self.texts_of(entry, "also", 0..=FORMS);
        for (span, code) in &codes {
            self.code(code, self.inside(span, code, 0), "a code");
        }
        codes.into_iter().map(|(_, code)| code).collect()
    }

    pub(super) fn fxo_mode(&mut self, entry: &Entry<'_, '_>) -> String {
        let Some((span, mode)) = self.text_of(entry, "fxo_mode") else { return String::new() };
        if !FXO_MODES.contains(&mode.as_str()) {
            let remedy = match nearest(&mode, FXO_MODES.iter().copied()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "where none fits take \"TBR21\" in Europe, else \"FCC\"".to_string(),
            };
            let what = format!("[{}] fxo_mode: \"{}\" is no mode of DAHDI's drivers", entry.code, shown(&mode));
            self.fault(self.inside(&span, &mode, 0), what, remedy);
        }
        mode
    }

    pub(super) fn hang_up(&mut self, entry: &Entry<'_, '_>) -> Vec<HangUp> {
        let words: Vec<&str> = HangUp::ALL.iter().map(|one| one.word()).collect();
        let signs = self.words(entry, "hang_up", HangUp::of, &words);
        if let ([HangUp::Silence], Some(value)) = (signs.as_slice(), entry.values.get("hang_up")) {
            let what = format!("[{}] hang_up: silence alone ends calls of people who listen", entry.code);
            self.fault(value.span().start, what, "put a sign before it: [\"tone\", \"silence\"]");
        }
        signs
    }

    pub(super) fn emergency(&mut self, entry: &Entry<'_, '_>) -> Vec<String> {
        let numbers = self.texts_of(entry, "emergency", 1..=MAX_EMERGENCY);
        for (span, number) in &numbers {
            let digits = number.bytes().all(|c| c.is_ascii_digit());
            if !digits || !EMERGENCY_DIGITS.contains(&number.len()) {
                let (least, most) = (EMERGENCY_DIGITS.start(), EMERGENCY_DIGITS.end());
                let what = format!("[{}] emergency: \"{}\" is no number that calls help", entry.code, shown(number));
                self.fault(
                    self.inside(span, number, 0),
                    what,
                    format!("write {least} to {most} digits, such as \"112\""),
                );
            }
        }
        numbers.into_iter().map(|(_, number)| number).collect()
    }

    pub(super) fn tones(&mut self, entry: &Entry<'_, '_>) -> Tones {
        let tones = Tones {
            dial: self.tones_of(entry, "dial", 1, Tone::read),
            ringback: self.tones_of(entry, "ringback", 1, Tone::read),
            busy: self.tones_of(entry, "busy", 1, Tone::read),
            congestion: self.tones_of(entry, "congestion", 0, Tone::read),
            congestion_step_db: self.step_db(entry),
            information: self.tones_of(entry, "information", 0, Information::read),
            ring_ms: self.ring_ms(entry),
        };
        let lists = [("ringback", &tones.ringback), ("busy", &tones.busy), ("congestion", &tones.congestion)];
        for (name, list) in lists {
            if let Some(tone) = list.iter().find(|tone| tone.on_off_ms.is_empty()) {
                let at = entry.values.get(name).map_or(entry.at, |value| value.span().start);
                let what = format!("[{}] {name}: \"{tone}\" has no rhythm", entry.code);
                self.fault(at, what, format!("only dial tone is endless: write \"{tone} 500/500\""));
            }
        }
        tones
    }

    fn tones_of<T: PartialEq>(
        &mut self,
        entry: &Entry<'_, '_>,
        name: &str,
        least: usize,
        read: fn(&str) -> Result<T, Wrong>,
    ) -> Vec<T> {
        let mut tones = Vec::new();
        for (span, text) in self.texts_of(entry, name, least..=FORMS) {
            match read(&text) {
                Ok(tone) => tones.push(tone),
                Err(Wrong { at, what, remedy }) => {
                    let at = self.inside(&span, &text, at);
                    self.fault(at, format!("[{}] {name}: {what}", entry.code), remedy);
                }
            }
        }
        tones
    }

    fn step_db(&mut self, entry: &Entry<'_, '_>) -> i8 {
        let Some(value) = entry.values.get("congestion_step_db") else { return 0 };
        let at = value.span().start;
        match whole(value.get_ref()).filter(|step| STEP_DB.contains(step)) {
            None => {
                let what = format!("[{}] congestion_step_db: this is no step", entry.code);
                let remedy = format!("write a whole number from {} to {}", STEP_DB.start(), STEP_DB.end());
                self.fault(at, what, remedy);
            }
            Some(step) if step != 0 && !entry.values.contains_key("congestion") => {
                let what = format!("[{}] congestion_step_db: there is no congestion tone", entry.code);
                self.fault(at, what, "write `congestion`, or take this out");
            }
            Some(step) => return i8::try_from(step).unwrap_or(0),
        }
        0
    }

    pub(super) fn ring_ms(&mut self, entry: &Entry<'_, '_>) -> Vec<u16> {
        let Some(value) = entry.values.get("ring_ms") else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.kind(entry, "ring_ms", value);
            return Vec::new();
        };
        let mut times = Vec::new();
        for item in array.iter().take(crate::MAX_SPANS + 1) {
            let ms = whole(item.get_ref()).and_then(|ms| u16::try_from(ms).ok()).filter(|ms| SPAN_MS.contains(ms));
            match ms {
                Some(ms) => times.push(ms),
                None => {
                    let what = format!("[{}] ring_ms: this is no time of ringing or of silence", entry.code);
                    let remedy = format!("write whole numbers from {} to {}", SPAN_MS.start(), SPAN_MS.end());
                    self.fault(item.span().start, what, remedy);
                    return times;
                }
            }
        }
        if times.is_empty() || times.len() % 2 == 1 || times.len() > crate::MAX_SPANS {
            let what = format!("[{}] ring_ms: on and off come in pairs, one to five of them", entry.code);
            self.fault(value.span().start, what, "write `ring_ms = [1000, 4000]`");
        }
        times
    }

    pub(super) fn room(&mut self, entry: &Entry<'_, '_>, tones: &Tones) {
        let room = Room::of(tones);
        if !room.is_there() {
            let what = format!(
                "[{}]: its tones need {} frequencies, {} sounds and {} rhythms; the listener has room for {MAX_ATOMS}, \
                 {MAX_SOUNDS} and {MAX_RHYTHMS}",
                entry.code, room.atoms, room.sounds, room.rhythms
            );
            let remedy = "take out the rarest forms (three frequencies are those of rising tones; a dial tone with a \
                          rhythm counts as two)";
            self.fault(entry.at, what, remedy);
        }
    }

    /// A word of few.
    pub(super) fn word<T>(
        &mut self,
        entry: &Entry<'_, '_>,
        name: &str,
        of: fn(&str) -> Option<T>,
        all: &[&str],
    ) -> Option<T> {
        let (span, word) = self.text_of(entry, name)?;
        let found = of(&word);
        if found.is_none() {
            self.unknown_word(entry, name, (span, &word), all);
        }
        found
    }

    /// A list of words of few.
    pub(super) fn words<T>(
        &mut self,
        entry: &Entry<'_, '_>,
        name: &str,
        of: fn(&str) -> Option<T>,
        all: &[&str],
    ) -> Vec<T> {
        let mut found = Vec::new();
        for (span, word) in self.texts_of(entry, name, 1..=FORMS) {
            match of(&word) {
                Some(one) => found.push(one),
                None => self.unknown_word(entry, name, (span, &word), all),
            }
        }
        found
    }

    fn unknown_word(&mut self, entry: &Entry<'_, '_>, name: &str, (span, word): Placed<&str>, all: &[&str]) {
        let at = self.inside(&span, word, 0);
        let remedy = match nearest(word, all.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("take one of {}", quoted(all.iter().copied())),
        };
        self.fault(at, format!("[{}] {name}: \"{}\" is not known", entry.code, shown(word)), remedy);
    }

    pub(super) fn text_of(&mut self, entry: &Entry<'_, '_>, name: &str) -> Option<Placed<String>> {
        let value = entry.values.get(name)?;
        match value.get_ref().as_str() {
            Some(text) => Some((value.span(), text.to_string())),
            None => {
                self.kind(entry, name, value);
                None
            }
        }
    }

    /// Different texts, as many as may be.
    fn texts_of(&mut self, entry: &Entry<'_, '_>, name: &str, count: RangeInclusive<usize>) -> Vec<Placed<String>> {
        let Some(value) = entry.values.get(name) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.kind(entry, name, value);
            return Vec::new();
        };
        if !count.contains(&array.len()) {
            let (what, remedy) = if array.is_empty() {
                (format!("[{}] {name}: the list is empty", entry.code), format!("write `{name} = {}`", example(name)))
            } else {
                let what = format!("[{}] {name}: {} entries", entry.code, array.len());
                (what, format!("keep the {} most usual ones", count.end()))
            };
            self.fault(value.span().start, what, remedy);
            return Vec::new();
        }
        let mut texts: Vec<Placed<String>> = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_str() {
                None => {
                    self.kind(entry, name, item);
                    return Vec::new();
                }
                Some(text) if texts.iter().any(|(_, other)| other == text) => {
                    let what = format!("[{}] {name}: \"{}\" stands twice", entry.code, shown(text));
                    self.fault(item.span().start, what, "take one out");
                }
                Some(text) => texts.push((item.span(), text.to_string())),
            }
        }
        texts
    }

    /// A value is of another kind than its key.
    pub(super) fn kind(&mut self, entry: &Entry<'_, '_>, name: &str, value: &Spanned<DeValue<'_>>) {
        let kind = KEYS.iter().find(|key| key.0 == name).map_or(Kind::Text, |key| key.1);
        let wanted = match kind {
            Kind::Text => "a text in quotes",
            Kind::Texts => "a list of texts",
            Kind::Whole => "a whole number",
            Kind::Wholes => "a list of whole numbers",
        };
        let what = format!("[{}] {name}: {wanted} is wanted, and this is {}", entry.code, type_of(value.get_ref()));
        self.fault(value.span().start, what, format!("write `{name} = {}`", example(name)));
    }

    /// The place of an octet of a text; its beginning where the text is not written as it is.
    pub(super) fn inside(&self, span: &Range<usize>, text: &str, at: usize) -> usize {
        let written = self.text.get(span.clone()).unwrap_or_default();
        let plain = ['"', '\'']
            .iter()
            .any(|quote| written.strip_prefix(*quote).and_then(|rest| rest.strip_suffix(*quote)) == Some(text));
        if plain { span.start + 1 + at } else { span.start }
    }
}

fn example(name: &str) -> &'static str {
    KEYS.iter().find(|key| key.0 == name).map_or("", |key| key.3)
}

fn whole(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}
