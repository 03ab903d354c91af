//! What only the meaning tells: countries, plans, addresses, groups, numbers, and what is allowed but most often not
//! meant. Opens nothing: whether a card has a line and a port is free is seen at start.

use std::collections::BTreeMap;
use std::path::Path;

use super::fault::{ConfigError, Origin};
use super::keys;
use super::near;
use super::shape::{Entry, Tree};
use super::{CardKind, Config, MessageAdapter, NumberClass, SOUND_SPAN};

/// Fallbacks of a number that are tried.
const FALLBACKS: usize = 8;
/// Spans of the simulated card: an E1 and analogue lines.
const SIM_SPANS: &[u16] = &[1, 2];

/// What was found.
#[derive(Default)]
pub(super) struct Verdict {
    /// What is refused.
    pub faults: Vec<ConfigError>,
    /// What is not.
    pub warnings: Vec<ConfigError>,
}

pub(super) fn judge(config: &Config, tree: &Tree) -> Verdict {
    let mut verdict = Verdict::default();
    verdict.this_box(config, tree);
    verdict.plan(config, tree);
    verdict.outbound(config, tree);
    verdict.destinations(config, tree);
    verdict.listeners(config, tree);
    verdict.store(config, tree);
    verdict.media_and_log(config, tree);
    verdict.cards(tree);
    verdict.spans(config, tree);
    verdict.groups(config, tree);
    verdict.lines(config, tree);
    verdict.telephones(config, tree);
    verdict.sounds(config, tree);
    verdict.numbers(config, tree);
    verdict.engines(config, tree);
    verdict.recognizers(config, tree);
    verdict.messages(config, tree);
    if let Some(why) = config.board.complaint() {
        verdict.refuse(tree.place("board.port"), why);
    }
    verdict
}

impl Verdict {
    pub(super) fn refuse(&mut self, origin: Origin, text: impl Into<String>) {
        self.faults.push(ConfigError::new(origin, text));
    }

    pub(super) fn warn(&mut self, origin: Origin, text: impl Into<String>) {
        self.warnings.push(ConfigError::new(origin, text));
    }

    fn this_box(&mut self, config: &Config, tree: &Tree) {
        let this = &config.this;
        if this.name.is_empty() {
            self.refuse(tree.place("box.name"), "box.name: the box needs a name, such as \"front-desk\"");
        }
        let folders =
            [("state_dir", &this.state_dir), ("cache_dir", &this.cache_dir), ("runtime_dir", &this.runtime_dir)];
        for (name, _) in folders.iter().filter(|(_, folder)| folder.as_os_str().is_empty()) {
            let path = format!("box.{name}");
            let example = keys::find_path(&path).map_or("", |key| key.example);
            self.refuse(tree.place(&path), format!("{path}: a directory is wanted, such as {example}"));
        }
        for (at, why) in this.dids.iter().enumerate().filter_map(|(at, entry)| Some((at, did_fault(entry)?))) {
            let item = tree.leaves.get("box.dids").and_then(|leaf| leaf.items.get(at)).cloned();
            self.refuse(item.unwrap_or_else(|| tree.place("box.dids")), format!("box.dids: {why}"));
        }
        if let Some(why) = config.countries.fault(&this.country) {
            self.refuse(tree.place("box.country"), format!("box.country: {why}"));
        }
    }

    fn plan(&mut self, config: &Config, tree: &Tree) {
        let Some(fault) = config.dialling_plan().fault() else {
            return;
        };
        let name = match fault.field {
            "country" => "country_code",
            "area" => "area_code",
            other => other,
        };
        let path = format!("plan.{name}");
        // What nobody wrote comes with the country.
        let origin = [path.as_str(), "box.country"].iter().find_map(|path| tree.leaves.get(*path));
        let origin = origin.map(|leaf| leaf.origin.clone()).unwrap_or_default();
        self.refuse(origin, format!("{path}: {}", fault.text));
    }

    fn outbound(&mut self, config: &Config, tree: &Tree) {
        let outbound = &config.outbound;
        let abroad = outbound.open.contains(&NumberClass::International);
        let minutes = outbound.minutes_per_day.min(outbound.international_minutes_per_day);
        if abroad && minutes == 0 {
            let why = "outbound.open: international numbers are open, but no minutes are set aside for them; set \
                       outbound.international_minutes_per_day (and outbound.minutes_per_day) to as many as a day may cost";
            self.warn(tree.place("outbound.open"), why);
        }
        if outbound.international_minutes_per_day > outbound.minutes_per_day {
            let why = format!(
                "outbound.international_minutes_per_day: outbound.minutes_per_day is {} and counts them too",
                outbound.minutes_per_day
            );
            self.warn(tree.place("outbound.international_minutes_per_day"), why);
        }
    }

    fn store(&mut self, config: &Config, tree: &Tree) {
        let this = &config.this;
        if let Some(why) = store_fault(&this.store) {
            self.refuse(tree.place("box.store"), why);
        }
        if has_password(&this.store) {
            let why = "box.store: a password stands in the text; put the URL into a file and name it in `store_file`";
            self.warn(tree.place("box.store"), why);
        }
        if this.store_file.is_empty() {
            return;
        }
        let named = match this.store_file.strip_prefix("cred:") {
            Some(name) => !name.is_empty() && !name.contains('/'),
            None => Path::new(&this.store_file).is_absolute(),
        };
        if !named {
            let why = "box.store_file: an absolute path or `cred:NAME` is wanted, such as \"cred:store\"";
            self.refuse(tree.place("box.store_file"), why);
        }
        if !this.store.is_empty() {
            let why = format!("box.store_file: box.store says it too, at {}; take one", tree.place("box.store"));
            self.refuse(tree.place("box.store_file"), why);
        }
    }

    fn media_and_log(&mut self, config: &Config, tree: &Tree) {
        let media = &config.media;
        let faults = [
            ("face", media.asked().err()),
            ("listen", media.listen_fault()),
            ("key_file", media.key_fault()),
            ("seal_key_file", media.seal_fault()),
            ("store", media.store_fault()),
            ("store_endpoint", media.endpoint_fault()),
            ("store_key_file", media.store_key_fault()),
            ("ask_first", media.others().err()),
        ];
        for (name, why) in faults.into_iter().filter_map(|(name, why)| Some((name, why?))) {
            self.refuse(tree.place(&format!("media.{name}")), why);
        }
        for (name, why) in config.boxes.faults() {
            self.refuse(tree.place(&format!("boxes.{name}")), why);
        }
        if let Some(why) = level_fault(&config.log.level) {
            self.refuse(tree.place("log.level"), why);
        }
    }

    fn destinations(&mut self, config: &Config, tree: &Tree) {
        for (at, why) in config.destinations.faults() {
            let item = tree.leaves.get("destinations.listed").and_then(|leaf| leaf.items.get(at)).cloned();
            self.refuse(item.unwrap_or_else(|| tree.place("destinations.listed")), why);
        }
    }

    fn cards(&mut self, tree: &Tree) {
        let mut entries = tree.entries.get("card").into_iter().flatten();
        let Some(first) = entries.next() else {
            return;
        };
        for second in entries {
            let why = "one card entry is driven at a time; list its spans in one [[card]]";
            self.refuse(second.origin.clone(), format!("{why}; the first is at {}", first.origin));
        }
    }

    fn groups(&mut self, config: &Config, tree: &Tree) {
        let mut seen: BTreeMap<&str, &Entry> = BTreeMap::new();
        for (entry, group) in tree.sound("group").zip(&config.group) {
            let name = group.name.as_str();
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if name.is_empty() || name.len() > 40 || !name.chars().all(plain) {
                self.refuse(entry.place("name"), "group.name: 1 to 40 letters, digits, - and _ are wanted");
            } else if let Some(first) = seen.insert(name, entry) {
                self.refuse(
                    entry.place("name"),
                    format!("group {name} stands twice; first at {}", first.place("name")),
                );
            }
            if group.lines.is_empty() {
                let why = format!("group {name}: lines: name at least one, such as [\"dahdi 1\"]");
                self.refuse(entry.place("lines"), why);
            }
            let mut within_reach = false;
            for (at, line) in group.lines.iter().enumerate() {
                if line == SOUND_SPAN || config.sound.iter().any(|sound| sound.line() == *line) {
                    within_reach |= !config.sound.is_empty();
                    continue;
                }
                let Some((card, span)) = line_of(line) else {
                    let places = entry.leaves.get("lines").map(|leaf| leaf.items.as_slice()).unwrap_or_default();
                    let origin = places.get(at).cloned().unwrap_or_else(|| entry.place("lines"));
                    let wanted = "a span such as \"dahdi 1\" or one line of it such as \"dahdi 3/2\" is expected";
                    self.refuse(origin, format!("group {name}: lines: {line:?}: {wanted}"));
                    within_reach = true;
                    continue;
                };
                within_reach |= fits(config, card, span);
            }
            if !within_reach && !group.lines.is_empty() {
                let why = format!("group {name}: no line can be of it: [[card]] has none of them");
                self.warn(entry.place("lines"), why);
            }
            if !group.prefix.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#' | 'w' | 'W')) {
                self.refuse(entry.place("prefix"), format!("group {name}: prefix: digits, *, # and w are wanted"));
            }
        }
    }

    fn telephones(&mut self, config: &Config, tree: &Tree) {
        let mut seen: BTreeMap<&str, &Entry> = BTreeMap::new();
        for (entry, telephone) in tree.sound("telephone").zip(&config.telephone) {
            let line = telephone.line.as_str();
            if line_of(line).is_none() {
                let wanted = "a port such as \"dahdi 4/1\" or a whole span such as \"dahdi 4\" is expected";
                self.refuse(entry.place("line"), format!("telephone.line: {line:?}: {wanted}"));
            } else if let Some(first) = seen.insert(line, entry) {
                let why = format!("telephone {line} stands twice; first at {}", first.place("line"));
                self.refuse(entry.place("line"), why);
            }
            let number = telephone.number.as_str();
            if number.len() > 20 || !number.chars().all(|c| c.is_ascii_digit() || c == '+') {
                self.refuse(entry.place("number"), format!("telephone {line}: number: 1 to 20 digits are wanted"));
            }
        }
    }

    fn sounds(&mut self, config: &Config, tree: &Tree) {
        let mut seen: BTreeMap<&str, &Entry> = BTreeMap::new();
        for (entry, sound) in tree.sound("sound").zip(&config.sound) {
            let name = sound.name.as_str();
            for (key, why) in sound.faults() {
                self.refuse(entry.place(key), format!("sound {name}: {key}: {why}"));
            }
            if sound.may_move() {
                let why = "a card's number is another one's when the box finds its cards in another order";
                let remedy = "`tipring sound list` shows names that stay";
                self.warn(entry.place("device"), format!("sound {name}: device: {why}; {remedy}"));
            }
            if let Some(first) = seen.insert(name, entry) {
                self.refuse(
                    entry.place("name"),
                    format!("sound {name} stands twice; first at {}", first.place("name")),
                );
            }
        }
        if let Some((entry, _)) = tree.sound("sound").zip(&config.sound).nth(tipring_sound::MOST_DEVICES) {
            let why = format!("a box drives {} sound devices at most", tipring_sound::MOST_DEVICES);
            self.refuse(entry.place("name"), why);
        }
    }

    fn engines(&mut self, config: &Config, tree: &Tree) {
        let presets = tree.sound("preset").zip(&config.preset).map(|(at, it)| (at, "preset", &it.name, it.faults()));
        let decoders =
            tree.sound("decoder").zip(&config.decoder).map(|(at, it)| (at, "decoder", &it.name, it.faults()));
        let speech =
            tree.sound("speech").zip(&config.speech).map(|(at, it)| (at, "speech", &it.name, it.faults(is_http)));
        for (entry, kind, name, faults) in presets.chain(decoders).chain(speech) {
            for (key, why) in faults {
                self.refuse(entry.place(key), format!("{kind} {name}: {key}: {why}"));
            }
        }
        let preset = config.media.preset.as_str();
        if !["alaw", "mulaw", "l16"].contains(&preset) && !config.preset.iter().any(|it| it.name == preset) {
            let why = format!("media.preset: {preset:?} is no [[preset]]; alaw, mulaw and l16 are always there");
            self.refuse(tree.place("media.preset"), why);
        }
    }

    fn recognizers(&mut self, config: &Config, tree: &Tree) {
        for (entry, recognizer) in tree.sound("recognizer").zip(&config.recognizer) {
            let name = recognizer.name.as_str();
            let is = |text: &str| !text.is_empty();
            if !is(name) || name.len() > 40 {
                self.refuse(entry.place("name"), "recognizer.name: 1 to 40 characters are wanted");
            }
            let program = recognizer.command.first().map_or("", String::as_str);
            match (is(program), is(&recognizer.url)) {
                (true, false) => {}
                (false, true) if is_http(&recognizer.url) => {}
                (false, true) => {
                    let why = format!("recognizer {name}: url: an absolute http or https URL is wanted");
                    self.refuse(entry.place("url"), why);
                }
                (both, _) => {
                    let why = if both { "not both" } else { "one of them is wanted" };
                    self.refuse(entry.origin.clone(), format!("recognizer {name}: `command` or `url`: {why}"));
                }
            }
            for (key, paths) in [("reads", &recognizer.reads), ("writes", &recognizer.writes)] {
                if let Some((key, why)) = super::engines::absolute(key, paths) {
                    self.refuse(entry.place(key), format!("recognizer {name}: {key}: {why}"));
                }
            }
            if ![8_000, 16_000].contains(&recognizer.rate_hz) {
                self.refuse(entry.place("rate_hz"), format!("recognizer {name}: rate_hz: 8000 or 16000 is wanted"));
            }
            let tag = |it: &String| {
                !it.is_empty() && it.len() <= 35 && it.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
            };
            if let Some(at) = recognizer.languages.iter().position(|it| !tag(it)) {
                let places = entry.leaves.get("languages").map(|leaf| leaf.items.as_slice()).unwrap_or_default();
                let origin = places.get(at).cloned().unwrap_or_else(|| entry.place("languages"));
                self.refuse(
                    origin,
                    format!("recognizer {name}: languages: tags are wanted, such as \"en\" or \"de-CH\""),
                );
            }
        }
    }

    fn messages(&mut self, config: &Config, tree: &Tree) {
        let messages = &config.messages;
        let (key, why) = match messages.adapter {
            MessageAdapter::Http if !is_http(&messages.url) => ("url", "an absolute http or https URL is wanted"),
            MessageAdapter::Smpp if !messages.address.contains(':') => ("address", "host:port is wanted"),
            MessageAdapter::Modem if messages.port.as_os_str().is_empty() => {
                ("port", "the modem's serial port is wanted, such as \"/dev/ttyUSB2\"")
            }
            // Its messages do not say to whom they are.
            MessageAdapter::Modem if messages.number.is_empty() => {
                ("number", "the modem's own number is wanted: messages that come in are written to it")
            }
            _ => return,
        };
        let place = match tree.leaves.contains_key(&format!("messages.{key}")) {
            true => tree.place(&format!("messages.{key}")),
            false => tree.place("messages.adapter"),
        };
        self.refuse(place, format!("messages.{key}: {why}"));
    }

    fn numbers(&mut self, config: &Config, tree: &Tree) {
        let mut seen: BTreeMap<&str, Origin> = BTreeMap::new();
        for (entry, number) in tree.sound("number").zip(&config.number) {
            let digits = number.number.as_str();
            let place = entry.place("number");
            if digits.is_empty() || digits.len() > 40 {
                self.refuse(place, "number.number: 1 to 40 characters are wanted");
                continue;
            }
            if let Some(first) = seen.get(digits) {
                self.refuse(place, format!("number {digits} stands twice; first at {first}"));
            } else {
                seen.insert(digits, place);
            }
            let mut urls = vec![("url", entry.place("url"), number.url.as_str())];
            let places = entry.leaves.get("fallback").map(|leaf| leaf.items.clone()).unwrap_or_default();
            urls.extend(number.fallback.iter().zip(places).map(|(url, place)| ("fallback", place, url.as_str())));
            if !number.status_callback.is_empty() {
                urls.push(("status_callback", entry.place("status_callback"), &number.status_callback));
            }
            for (name, place, url) in urls {
                if !is_http(url) {
                    let url = super::show::without_password(url);
                    let why = "is not an absolute http or https URL, such as \"https://app.lan/voice\"";
                    self.refuse(place, format!("number {digits}: {name}: {url:?} {why}"));
                }
            }
            if number.fallback.len() > FALLBACKS {
                let why = format!("number {digits}: fallback: only the first {FALLBACKS} are tried");
                self.warn(entry.place("fallback"), why);
            }
        }
    }
}

fn is_http(url: &str) -> bool {
    (url.starts_with("http://") || url.starts_with("https://")) && !url.contains(char::is_whitespace)
}

/// A store that is none.
pub(super) fn store_fault(url: &str) -> Option<String> {
    let known = ["sqlite:", "postgres://", "postgresql://"];
    let good = url.is_empty() || known.iter().any(|scheme| url.starts_with(scheme));
    let wanted =
        "box.store: a URL is wanted, such as \"sqlite:/srv/tipring.db\" or \"postgres://tipring@db.lan/tipring\"";
    (!good).then(|| wanted.to_string())
}

/// An entry of the box's numbers that would not be what it looks like.
fn did_fault(entry: &str) -> Option<String> {
    if entry.trim().is_empty() {
        return Some("a number is wanted, such as \"+442079460100\"".into());
    }
    let (first, last) = entry.split_once('-')?;
    let (first, last) = (first.trim().trim_start_matches('+'), last.trim().trim_start_matches('+'));
    let digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
    // Names of lines may have hyphens too.
    let wrong = digits(first) && digits(last) && (first.is_empty() || first.len() != last.len() || first > last);
    wrong.then(|| format!("{entry:?}: first and last of a range are wanted, of as many digits and in their order"))
}

fn has_password(url: &str) -> bool {
    super::show::without_password(url) != url
}

/// A filter of the log that would not do what it says.
fn level_fault(filter: &str) -> Option<String> {
    const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];
    for part in filter.split(',').map(str::trim) {
        // A bare word that is no level would be taken for a room's name, and everything else be silent.
        let bare = !part.contains(['=', '[', ':']) && !part.starts_with("tipring");
        if bare && !LEVELS.contains(&part.to_lowercase().as_str()) {
            return Some(format!("log.level: {}", near::unknown_word(LEVELS, part)));
        }
    }
    let error = tracing_subscriber::EnvFilter::try_new(filter).err()?;
    Some(format!("log.level: {error}; such as \"info\" or \"warn,tipring_webhook=debug\""))
}

/// `dahdi 1` or `dahdi 3/2`, as lines are named everywhere: card and span. Whether the card has it is seen at start.
pub(super) fn line_of(name: &str) -> Option<(CardKind, u16)> {
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.len() <= 5 && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse::<u32>().ok()).flatten()
    };
    let (card, place) = name.split_once(' ')?;
    let (span, line) = place.split_once('/').unwrap_or((place, "1"));
    let card = match card {
        "dahdi" => CardKind::Dahdi,
        "sim" => CardKind::Sim,
        _ => return None,
    };
    number(line)?;
    // A span that no card can have is one that this card has not.
    Some((card, number(span)?.try_into().unwrap_or(0)))
}

/// Whether the configured card can have this span.
pub(super) fn fits(config: &Config, card: CardKind, span: u16) -> bool {
    let of_card = |entry: &super::Card| match entry.kind {
        CardKind::Sim => SIM_SPANS.contains(&span),
        CardKind::Dahdi => entry.spans.is_empty() || entry.spans.contains(&span),
    };
    config.card.iter().any(|entry| entry.kind == card && of_card(entry))
}
