//! The fields of a profile: each read from its value and judged by itself.

use toml::de::DeValue;

use super::file::{Entry, Reader};
use super::{Led, Pattern, Port, Relay, Serial, Slot};
use crate::near::{nearest, quoted, shown};
use crate::words::{Colour, Kind};

/// Characters of a name, a label, a place.
const NAME_CHARS: usize = 60;
/// Characters of `about`.
const ABOUT_CHARS: usize = 2000;
/// Characters of an id.
const ID_CHARS: std::ops::RangeInclusive<usize> = 2..=40;
/// Kinds of a slot, colours of a lamp, ports of a relay.
const ITEMS: usize = 16;
/// Spans of a card.
const SPANS: std::ops::RangeInclusive<i64> = 1..=64;
/// Channels of a span.
const POSITIONS: std::ops::RangeInclusive<i64> = 1..=64;
/// Numbers on the board controller.
const NUMBERS: std::ops::RangeInclusive<i64> = 0..=63;
/// A watchdog's time: below it trips on a busy box, above it helps nobody.
const WATCHDOG_MS: std::ops::RangeInclusive<i64> = 1000..=600_000;
/// Speeds of a serial line.
const BAUDS: &[u32] = &[9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600];
/// The speed where none is said.
const BAUD: u32 = 115_200;
/// Buses that a slot can be on.
const BUSES: &[&str] = &["pci", "usb", "platform", "dynamic"];

impl Reader<'_> {
    pub(super) fn id(&mut self, entry: &Entry<'_, '_>) -> String {
        let Some(id) = self.text(entry, "id") else { return String::new() };
        let plain = |id: &str| {
            let good = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
            ID_CHARS.contains(&id.len()) && id.bytes().all(good) && id.as_bytes()[0].is_ascii_lowercase()
        };
        if !plain(&id) {
            let meant = id.to_lowercase().replace(['_', ' ', '.'], "-");
            let remedy = if plain(&meant) {
                format!("write \"{meant}\"")
            } else {
                "write 2 to 40 letters in lower case, digits and hyphens, such as \"desk-4-1\"".to_string()
            };
            self.fault(entry.place("id"), format!("id: \"{}\" is no id", shown(&id)), remedy);
        }
        id
    }

    /// A text of one line that is there.
    pub(super) fn line_of(&mut self, entry: &Entry<'_, '_>, key: &str) -> String {
        let Some(line) = self.text(entry, key) else { return String::new() };
        let chars = line.chars().count();
        if chars == 0 || chars > NAME_CHARS || line.chars().any(char::is_control) || line.trim() != line {
            let what = format!("{}: \"{}\" is no line of text", entry.name(key), shown(&line));
            let remedy = format!("write 1 to {NAME_CHARS} characters, such as `{}`", entry.section.example(key));
            self.fault(entry.place(key), what, remedy);
        }
        line
    }

    pub(super) fn about(&mut self, entry: &Entry<'_, '_>) -> String {
        let about = self.text(entry, "about").unwrap_or_default();
        if about.chars().count() > ABOUT_CHARS {
            let what = format!("about: {} characters", about.chars().count());
            self.fault(entry.place("about"), what, format!("say it in {ABOUT_CHARS}"));
        }
        about.trim().to_string()
    }

    /// A text in which `*` stands for anything, and which says something beside.
    pub(super) fn pattern(&mut self, entry: &Entry<'_, '_>, key: &str) -> Option<Pattern> {
        entry.values.get(key)?;
        let pattern = Pattern::of(self.line_of(entry, key));
        self.vague(entry, key, entry.place(key), &pattern);
        Some(pattern)
    }

    pub(super) fn vague(&mut self, entry: &Entry<'_, '_>, key: &str, at: usize, pattern: &Pattern) {
        if !pattern.text().is_empty() && !pattern.says_something() {
            let what = format!("{}: \"{}\" fits everything", entry.name(key), shown(pattern.text()));
            self.fault(at, what, "write what only this box says, or take it out");
        }
    }

    pub(super) fn slot(&mut self, entry: &Entry<'_, '_>) -> Slot {
        let name = self.line_of(entry, "name");
        let place = self.line_of(entry, "place");
        self.place(entry, &place);
        let holds = self.words(entry, "holds", Kind::of, &Kind::ALL.iter().map(|one| one.word()).collect::<Vec<_>>());
        Slot { name, place: Pattern::of(place), holds, wanted: self.flag(entry, "wanted") }
    }

    /// `pci:0000:02:01.0`, `usb:1-1.4`, and others by their bus.
    fn place(&mut self, entry: &Entry<'_, '_>, place: &str) {
        if place.is_empty() {
            return;
        }
        let at = entry.place("place");
        let Some((bus, rest)) = place.split_once(':') else {
            let remedy =
                if place.contains('*') { "write \"pci:*\"" } else { "write \"pci:0000:02:01.0\" or \"usb:1-1.4\"" };
            self.fault(at, format!("slot.place: \"{}\" names no bus", shown(place)), remedy);
            return;
        };
        if !BUSES.contains(&bus) {
            // `lspci` leaves the first number out, and nobody writes the bus.
            let remedy = match nearest(bus, BUSES.iter().copied()) {
                _ if bus.len() == 2 && bus.bytes().all(|c| c.is_ascii_hexdigit()) => {
                    format!("write \"pci:0000:{place}\"")
                }
                _ if bus.len() == 4 && bus.bytes().all(|c| c.is_ascii_hexdigit()) => format!("write \"pci:{place}\""),
                Some(near) => format!("did you mean \"{near}:{rest}\"?"),
                None => format!("a place begins with {}", quoted(BUSES.iter().copied())),
            };
            self.fault(at, format!("slot.place: there is no bus \"{}\"", shown(bus)), remedy);
            return;
        }
        let good = match bus {
            "pci" => rest.contains('*') || is_pci(rest),
            "usb" => rest.contains('*') || is_usb(rest),
            _ => !rest.is_empty(),
        };
        if !good {
            let remedy = match bus {
                "pci" if is_pci(&format!("0000:{rest}")) => format!("write \"pci:0000:{rest}\""),
                "pci" => "write it as `ls /sys/bus/pci/devices` does: \"pci:0000:02:01.0\"".to_string(),
                _ => "write it as `ls /sys/bus/usb/devices` does: \"usb:1-1.4\"".to_string(),
            };
            self.fault(at, format!("slot.place: \"{}\" is no place on that bus", shown(place)), remedy);
        }
    }

    pub(super) fn port(&mut self, entry: &Entry<'_, '_>) -> Port {
        let kinds = Kind::ALL.iter().map(|one| one.word()).collect::<Vec<_>>();
        let kind = self.word(entry, "kind", Kind::of, &kinds);
        let span = self.whole(entry, "span", SPANS).unwrap_or(1);
        let position = self.whole(entry, "position", POSITIONS);
        match kind {
            Some(kind) if kind.is_digital() && entry.values.contains_key("position") => {
                let what = format!("port.position: {} {} is the whole span", article(kind), kind.word());
                self.fault(entry.place("position"), what, "take it out");
            }
            Some(kind) if !kind.is_digital() && !entry.values.contains_key("position") => {
                let what = format!("[[port]]: which channel of the span is this {} port?", kind.word());
                self.fault(entry.at, what, "write `position = 1` for the span's first channel");
            }
            _ => {}
        }
        Port {
            label: self.line_of(entry, "label"),
            slot: self.text(entry, "slot").unwrap_or_default(),
            kind: kind.unwrap_or(Kind::Fxo),
            span: u16::try_from(span).unwrap_or(1),
            position: position.and_then(|position| u16::try_from(position).ok()),
            led: self.text(entry, "led"),
        }
    }

    pub(super) fn led(&mut self, entry: &Entry<'_, '_>) -> Led {
        let colours = Colour::ALL.iter().map(|one| one.word()).collect::<Vec<_>>();
        Led {
            name: self.line_of(entry, "name"),
            number: self.number(entry),
            colours: self.words(entry, "colours", Colour::of, &colours),
        }
    }

    pub(super) fn relay(&mut self, entry: &Entry<'_, '_>) -> Relay {
        let (sense, self_test) = (self.flag(entry, "sense"), self.flag(entry, "self_test"));
        if self_test && !sense && !self.is_told(entry.place("sense")) {
            let what = "relay.self_test: without a sense contact nothing tells what the relay did";
            self.fault(entry.place("self_test"), what, "write `sense = true` if it has one, else take this out");
        }
        Relay {
            name: self.line_of(entry, "name"),
            number: self.number(entry),
            bypasses: self.texts(entry, "bypasses", ITEMS),
            sense,
            self_test,
        }
    }

    fn number(&mut self, entry: &Entry<'_, '_>) -> u8 {
        self.whole(entry, "number", NUMBERS).and_then(|number| u8::try_from(number).ok()).unwrap_or(0)
    }

    pub(super) fn watchdog_ms(&mut self, entry: &Entry<'_, '_>) -> u32 {
        self.whole(entry, "ms", WATCHDOG_MS).and_then(|ms| u32::try_from(ms).ok()).unwrap_or(0)
    }

    pub(super) fn serial(&mut self, entry: &Entry<'_, '_>) -> Option<Serial> {
        let device = self.text(entry, "device")?;
        let at = entry.place("device");
        let name = device.strip_prefix("/dev/").unwrap_or_default();
        if name.is_empty() || device.contains("..") || device.chars().any(char::is_control) {
            let what = format!("serial.device: \"{}\" is no device", shown(&device));
            self.fault(at, what, format!("write `{}`", entry.section.example("device")));
        } else if name.starts_with("ttyUSB") || name.starts_with("ttyACM") {
            let what =
                format!("serial.device: {} is another device when another one is plugged in first", shown(&device));
            self.fault(at, what, "write its path below /dev/serial/by-path: `ls -l /dev/serial/by-path` shows it");
        }
        let baud = match self.whole(entry, "baud", 1..=i64::from(u32::MAX)) {
            None => BAUD,
            Some(baud) => match BAUDS.iter().find(|known| i64::from(**known) == baud) {
                Some(known) => *known,
                None => {
                    let all = BAUDS.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
                    self.fault(
                        entry.place("baud"),
                        format!("serial.baud: {baud} is no speed of a serial line"),
                        format!("take one of {all}"),
                    );
                    BAUD
                }
            },
        };
        Some(Serial { device, baud })
    }

    pub(super) fn text(&mut self, entry: &Entry<'_, '_>, key: &str) -> Option<String> {
        let value = entry.values.get(key)?;
        let text = value.get_ref().as_str().map(str::to_string);
        if text.is_none() {
            self.kind(entry, key, value.span().start, value.get_ref());
        }
        text
    }

    /// Different texts, at least one and at most so many.
    pub(super) fn texts(&mut self, entry: &Entry<'_, '_>, key: &str, most: usize) -> Vec<String> {
        let Some(value) = entry.values.get(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            self.kind(entry, key, value.span().start, value.get_ref());
            return Vec::new();
        };
        if items.is_empty() || items.len() > most {
            let (what, remedy) = if items.is_empty() {
                ("the list is empty".to_string(), format!("write `{}`", entry.section.example(key)))
            } else {
                (format!("{} entries", items.len()), format!("there is room for {most}: take some out"))
            };
            self.fault(value.span().start, format!("{}: {what}", entry.name(key)), remedy);
            return Vec::new();
        }
        let mut texts: Vec<String> = Vec::new();
        for item in items.iter() {
            match item.get_ref().as_str() {
                None => {
                    self.kind(entry, key, item.span().start, item.get_ref());
                    return Vec::new();
                }
                Some(text) => {
                    if texts.iter().any(|other| other == text) {
                        let what = format!("{}: \"{}\" stands twice", entry.name(key), shown(text));
                        self.fault(item.span().start, what, "take one out");
                    }
                    texts.push(text.to_string());
                }
            }
        }
        texts
    }

    fn words<T>(&mut self, entry: &Entry<'_, '_>, key: &str, of: fn(&str) -> Option<T>, all: &[&str]) -> Vec<T> {
        let mut found = Vec::new();
        for (index, word) in self.texts(entry, key, ITEMS).into_iter().enumerate() {
            match of(&word) {
                Some(one) => found.push(one),
                None => self.unknown_word(entry, key, entry.place_in(key, index), &word, all),
            }
        }
        found
    }

    fn word<T>(&mut self, entry: &Entry<'_, '_>, key: &str, of: fn(&str) -> Option<T>, all: &[&str]) -> Option<T> {
        let word = self.text(entry, key)?;
        let found = of(&word);
        if found.is_none() {
            self.unknown_word(entry, key, entry.place(key), &word, all);
        }
        found
    }

    fn unknown_word(&mut self, entry: &Entry<'_, '_>, key: &str, at: usize, word: &str, all: &[&str]) {
        let remedy = match nearest(word, all.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("take one of {}", quoted(all.iter().copied())),
        };
        self.fault(at, format!("{}: \"{}\" is not known", entry.name(key), shown(word)), remedy);
    }

    fn whole(&mut self, entry: &Entry<'_, '_>, key: &str, bounds: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let value = entry.values.get(key)?;
        let at = value.span().start;
        let Some(number) = value.get_ref().as_integer() else {
            self.kind(entry, key, at, value.get_ref());
            return None;
        };
        let number = i64::from_str_radix(number.as_str(), number.radix()).ok().filter(|number| bounds.contains(number));
        if number.is_none() {
            let what = format!("{} is out of bounds", entry.name(key));
            self.fault(at, what, format!("write a whole number from {} to {}", bounds.start(), bounds.end()));
        }
        number
    }

    pub(super) fn flag(&mut self, entry: &Entry<'_, '_>, key: &str) -> bool {
        let Some(value) = entry.values.get(key) else { return false };
        match value.get_ref() {
            DeValue::Boolean(flag) => *flag,
            other => {
                self.kind(entry, key, value.span().start, other);
                false
            }
        }
    }

    /// A value is of another kind than its key.
    fn kind(&mut self, entry: &Entry<'_, '_>, key: &str, at: usize, value: &DeValue<'_>) {
        let wanted = entry.section.key(key).map_or("something else", |key| key.holds.wanted());
        let what = format!("{}: {wanted} is wanted, and this is {}", entry.name(key), type_of(value));
        self.fault(at, what, format!("write `{}`", entry.section.example(key)));
    }
}

fn article(kind: Kind) -> &'static str {
    if kind == Kind::T1 { "a" } else { "an" }
}

/// `0000:02:01.0`
pub(crate) fn is_pci(address: &str) -> bool {
    let Some((rest, function)) = address.rsplit_once('.') else { return false };
    let parts: Vec<&str> = rest.split(':').collect();
    let hex = |text: &str, digits: std::ops::RangeInclusive<usize>| {
        digits.contains(&text.len()) && text.bytes().all(|c| c.is_ascii_hexdigit())
    };
    let [domain, bus, device] = parts.as_slice() else { return false };
    // A domain behind a bridge of its own has five digits and more.
    hex(domain, 4..=8) && hex(bus, 2..=2) && hex(device, 2..=2) && matches!(function.as_bytes(), [b'0'..=b'7'])
}

/// `1-1.4`
pub(crate) fn is_usb(path: &str) -> bool {
    let Some((bus, ports)) = path.split_once('-') else { return false };
    let number = |text: &str| !text.is_empty() && text.len() <= 3 && text.bytes().all(|c| c.is_ascii_digit());
    number(bus) && ports.split('.').count() <= 7 && ports.split('.').all(number)
}

fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}
