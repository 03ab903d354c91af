//! The facts of a box in one TOML file: cards, numbers, listener, dialling plan. Facts of tenants live in the store. A
//! file is taken whole or refused whole, with file, line and column; an unknown key is an error.

mod lines;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use lines::{Analog, AnswerSign, Card, CardKind, Group, NumberClass, NumberForm, Order, Outbound, Role};

/// Everything that the file may say.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Version of the file's form; 1 is the only one.
    pub version: Option<u32>,
    /// This box.
    #[serde(rename = "box")]
    pub this: ThisBox,
    /// Who may speak with us.
    pub listen: Listen,
    /// The dialling plan of the place.
    pub plan: Plan,
    /// Who may be called.
    pub outbound: Outbound,
    /// Lines that calls go out on, by name; the first is the default. None: all lines, ISDN first.
    pub group: Vec<toml::Spanned<Group>>,
    /// Analogue lines.
    pub analog: Analog,
    /// The cards to be driven; without one the box has no lines.
    pub card: Vec<Card>,
    /// Numbers that are fixed here; the API cannot change them.
    pub number: Vec<NumberEntry>,
    /// Sound and speech.
    pub media: Media,
    /// The log.
    pub log: Log,
}

/// `[box]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ThisBox {
    /// Its name among the boxes that share a store.
    pub name: String,
    /// The country where it stands, ISO 3166: tones, and the dialling plan as far as `[plan]` does not say otherwise.
    /// Empty: tones of the United States, and no plan but `[plan]`.
    pub country: String,
    /// Store and recordings.
    pub state_dir: PathBuf,
    /// May be deleted at any time.
    pub cache_dir: PathBuf,
    /// Sockets.
    pub runtime_dir: PathBuf,
    /// `sqlite` in the state directory when empty, else a `postgres://` URL.
    pub store: String,
    /// A file that has the store's URL, for a URL with a password; `cred:NAME` is one in `$CREDENTIALS_DIRECTORY`.
    pub store_file: String,
    /// Seconds that calls have to end after SIGTERM.
    pub drain_s: u64,
}

impl Default for ThisBox {
    fn default() -> Self {
        ThisBox {
            name: "box".into(),
            country: String::new(),
            state_dir: "/var/lib/tipring".into(),
            cache_dir: "/var/cache/tipring".into(),
            runtime_dir: "/run/tipring".into(),
            store: String::new(),
            store_file: String::new(),
            drain_s: 30,
        }
    }
}

/// `[listen]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Address of the API. Plain HTTP: loopback only, unless `plain` allows more.
    pub api: String,
    /// Plain HTTP on other addresses than loopback, too.
    pub plain: bool,
    /// Address of health and metrics, plain HTTP like the API's; none when empty.
    pub metrics: String,
}

impl Default for Listen {
    fn default() -> Self {
        Listen { api: "127.0.0.1:8080".into(), plain: false, metrics: "127.0.0.1:9740".into() }
    }
}

/// `[plan]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// Country code, e.g. `"44"`.
    pub country_code: String,
    /// Area code without trunk prefix.
    pub area_code: String,
    /// Trunk prefix, e.g. `"0"`.
    pub trunk_prefix: String,
    /// International prefix, e.g. `"00"`.
    pub international_prefix: String,
    /// The stem of numbers for direct dial-in, E.164 without plus: the line sends what follows it.
    pub ddi_prefix: String,
    /// How many digits the line sends after the stem; 0: up to six.
    pub ddi_digits: u8,
}

/// `[[number]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberEntry {
    /// E.164, or the digits as the line gives them.
    pub number: toml::Spanned<String>,
    /// The application.
    pub url: String,
    /// `GET` or `POST`.
    #[serde(default)]
    pub method: Method,
    /// Tried in turn when the application fails.
    #[serde(default)]
    pub fallback: Vec<String>,
    /// Told when a call is over.
    #[serde(default)]
    pub status_callback: String,
    /// `strict`: an unknown verb is an error.
    #[serde(default)]
    pub documents: Documents,
}

/// How an application is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Parameters in the query.
    Get,
    /// Parameters in a form.
    #[default]
    Post,
}

/// What an unknown verb or attribute is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Documents {
    /// Passed over, with a notification.
    #[default]
    Lenient,
    /// An error.
    Strict,
}

/// `[media]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Media {
    /// Bound of the cache on disk.
    pub cache_mib: u64,
    /// Certificates of private authorities, PEM files.
    pub trust: Vec<PathBuf>,
    /// The Unix socket of a media layer that runs by itself, an absolute path; empty: it runs in this process.
    pub face: String,
}

impl Default for Media {
    fn default() -> Self {
        Media { cache_mib: 1024, trust: Vec::new(), face: String::new() }
    }
}

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// How lines are written.
    pub format: LogFormat,
    /// What is logged, such as `info` or `warn,tipring_webhook=debug`; the environment's `TIPRING_LOG` wins.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Log { format: LogFormat::Auto, level: "info".into() }
    }
}

/// How lines of the log are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// To the journal where standard error is the journal, else text.
    #[default]
    Auto,
    /// To the journal, with fields.
    Journal,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Why a file is refused.
#[derive(Debug)]
pub struct ConfigError {
    /// Which file.
    pub file: PathBuf,
    /// From 1; 0 when the file could not be read.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// In words.
    pub text: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file.display(), self.line, self.column, self.text)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads and judges a file.
    pub fn load(file: &Path) -> Result<(Config, String), ConfigError> {
        let unread = |error: std::io::Error| ConfigError {
            file: file.to_path_buf(),
            line: 0,
            column: 0,
            text: format!("cannot be read: {error}"),
        };
        let text = std::fs::read_to_string(file).map_err(unread)?;
        Config::parse(file, &text).map(|config| (config, text))
    }

    /// Judges a text as if it stood in `file`.
    pub fn parse(file: &Path, text: &str) -> Result<Config, ConfigError> {
        let refuse = |offset: usize, why: &str| {
            let (line, column) = position(text, offset);
            ConfigError { file: file.to_path_buf(), line, column, text: why.to_string() }
        };
        let config: Config =
            toml::from_str(text).map_err(|error| refuse(error.span().map_or(0, |span| span.start), error.message()))?;
        if config.version.is_some_and(|version| version != 1) {
            return Err(refuse(text.find("version").unwrap_or(0), "version: 1 is the only version there is"));
        }
        if config.card.len() > 1 {
            let second = text.match_indices("[[card]]").nth(1).map_or(0, |(at, _)| at);
            return Err(refuse(second, "one card entry is driven at a time; list its spans in one [[card]]"));
        }
        if config.card.iter().any(|card| !(1..=7).contains(&card.prefill)) {
            return Err(refuse(text.find("prefill").unwrap_or(0), "prefill: 1 to 7 blocks of 10 ms"));
        }
        if !matches!(config.this.country.len(), 0 | 2) || !config.this.country.bytes().all(|c| c.is_ascii_alphabetic())
        {
            return Err(refuse(text.find("country").unwrap_or(0), "box.country: two letters, e.g. \"gb\""));
        }
        if !config.this.country.is_empty() && tipring_dsp::ZoneId::of(&config.this.country).is_none() {
            let known: Vec<_> = tipring_dsp::ZoneId::all().map(|zone| zone.tones().code).collect();
            let why = format!("box.country: its tones are not known; take one that sounds alike: {}", known.join(" "));
            return Err(refuse(text.find("country").unwrap_or(0), &why));
        }
        config.check_plan(&refuse, text)?;
        config.check_groups(&refuse)?;
        config.check_listener(&refuse, text)?;
        config.check_numbers(&refuse)?;
        Ok(config)
    }

    /// The dialling plan: the country's, as far as `[plan]` does not say otherwise.
    pub fn dialling_plan(&self) -> tipring_numbering::Plan {
        let wanted = &self.plan;
        let mut plan = tipring_numbering::Plan::preset(&self.this.country).unwrap_or_default();
        if !wanted.country_code.is_empty() && wanted.country_code != plan.country {
            // Another country's plan than the one the box stands in: nothing of the latter's holds.
            plan = tipring_numbering::Plan { country: wanted.country_code.clone(), ..Default::default() };
        }
        let texts = [
            (&mut plan.area, &wanted.area_code),
            (&mut plan.trunk_prefix, &wanted.trunk_prefix),
            (&mut plan.international_prefix, &wanted.international_prefix),
            (&mut plan.ddi_prefix, &wanted.ddi_prefix),
        ];
        for (known, wanted) in texts.into_iter().filter(|(_, wanted)| !wanted.is_empty()) {
            known.clone_from(wanted);
        }
        plan.ddi_digits = wanted.ddi_digits;
        plan
    }

    fn check_plan(&self, refuse: &impl Fn(usize, &str) -> ConfigError, text: &str) -> Result<(), ConfigError> {
        let Some(fault) = self.dialling_plan().fault() else {
            return Ok(());
        };
        let key = match fault.field {
            "country" => "country_code",
            "area" => "area_code",
            other => other,
        };
        Err(refuse(text.find(key).unwrap_or(0), &format!("plan.{key}: {}", fault.text)))
    }

    fn check_groups(&self, refuse: &impl Fn(usize, &str) -> ConfigError) -> Result<(), ConfigError> {
        let mut seen: Vec<&str> = Vec::new();
        for group in &self.group {
            let (at, group) = (group.span().start, group.get_ref());
            let name = group.name.as_str();
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if name.is_empty() || name.len() > 40 || !name.chars().all(plain) {
                return Err(refuse(at, "group: name: 1 to 40 letters, digits, - and _"));
            }
            if seen.contains(&name) {
                return Err(refuse(at, &format!("group {name} stands twice")));
            }
            if group.lines.is_empty() {
                return Err(refuse(at, &format!("group {name}: lines: name at least one, e.g. [\"dahdi 1\"]")));
            }
            if let Some(line) = group.lines.iter().find(|line| !is_line(line)) {
                let wanted = "a span such as \"dahdi 1\" or one line of it such as \"dahdi 3/2\" is expected";
                return Err(refuse(at, &format!("group {name}: lines: \"{line}\": {wanted}")));
            }
            if !group.prefix.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#' | 'w' | 'W')) {
                return Err(refuse(at, &format!("group {name}: prefix: digits, * and #; w waits half a second")));
            }
            seen.push(name);
        }
        Ok(())
    }

    fn check_listener(&self, refuse: &impl Fn(usize, &str) -> ConfigError, text: &str) -> Result<(), ConfigError> {
        let at = || text.find("api").unwrap_or(0);
        let address: std::net::SocketAddr = self
            .listen
            .api
            .parse()
            .map_err(|_| refuse(at(), "listen.api: an address and a port, e.g. 127.0.0.1:8080"))?;
        if !address.ip().is_loopback() && !self.listen.plain {
            return Err(refuse(at(), "listen.api: plain HTTP outside loopback needs `plain = true`"));
        }
        Ok(())
    }

    fn check_numbers(&self, refuse: &impl Fn(usize, &str) -> ConfigError) -> Result<(), ConfigError> {
        let mut seen: Vec<&str> = Vec::new();
        for entry in &self.number {
            let at = entry.number.span().start;
            let digits = entry.number.get_ref().as_str();
            if digits.is_empty() || digits.len() > 40 {
                return Err(refuse(at, "number: 1 to 40 characters"));
            }
            if seen.contains(&digits) {
                return Err(refuse(at, &format!("number {digits} stands twice")));
            }
            seen.push(digits);
            let callback = Some(&entry.status_callback).filter(|url| !url.is_empty());
            for url in std::iter::once(&entry.url).chain(&entry.fallback).chain(callback) {
                if !(url.starts_with("http://") || url.starts_with("https://")) || url.contains(char::is_whitespace) {
                    return Err(refuse(at, &format!("number {digits}: {url:?} is not an absolute http or https URL")));
                }
            }
        }
        Ok(())
    }
}

/// Line and column, from 1, of an offset in a text.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}

/// `dahdi 1` or `dahdi 3/2`, as lines are named everywhere. Whether the card has it is seen at start.
fn is_line(name: &str) -> bool {
    let number = |digits: &str| !digits.is_empty() && digits.len() <= 5 && digits.bytes().all(|b| b.is_ascii_digit());
    name.split_once(' ').is_some_and(|(card, place)| {
        let (span, line) = place.split_once('/').unwrap_or((place, "1"));
        matches!(card, "dahdi" | "sim") && number(span) && number(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Config::parse(Path::new("t.toml"), text).expect_err("must be refused").to_string()
    }

    #[test]
    fn a_whole_file_is_read() {
        let text = r#"
version = 1
[box]
name = "front"
state_dir = "/srv/tipring"
[listen]
api = "127.0.0.1:9000"
[plan]
country_code = "44"
[[card]]
kind = "dahdi"
spans = [1, 2]
role = "network"
[[number]]
number = "100"
url = "http://app.lan/menu"
fallback = ["http://b.lan/menu"]
"#;
        let config = Config::parse(Path::new("t.toml"), text).expect("good");
        assert_eq!(config.card[0].spans, [1, 2]);
        assert_eq!(config.card[0].role, Role::Network);
        assert_eq!(config.number[0].number.get_ref(), "100");
    }

    #[test]
    fn the_country_is_the_plan_as_far_as_the_file_does_not_say_otherwise() {
        let mut config = Config::default();
        assert_eq!(config.dialling_plan(), tipring_numbering::Plan::default());
        config.this.country = "gb".into();
        config.plan.area_code = "20".into();
        let london = config.dialling_plan();
        assert_eq!((london.country.as_str(), london.area.as_str(), london.trunk_prefix.as_str()), ("44", "20", "0"));
        config.plan.country_code = "49".into();
        let other = tipring_numbering::Plan { country: "49".into(), area: "20".into(), ..Default::default() };
        assert_eq!(config.dialling_plan(), other);
        assert!(refused("[plan]\ncountry_code = \"fourty\"\n").starts_with("t.toml:2:1: plan.country_code: "));
    }

    #[test]
    fn each_fault_is_named_with_its_place() {
        assert!(refused("[box]\nnmae = 1\n").starts_with("t.toml:2:1: unknown field `nmae`"));
        assert!(refused("[listen]\napi = \"0.0.0.0:80\"\n").contains("t.toml:2:1: listen.api: plain HTTP"));
        assert!(refused("version = 2\n").contains("1 is the only version"));
        let twice = "[[number]]\nnumber = \"1\"\nurl = \"http://a\"\n[[number]]\nnumber = \"1\"\nurl = \"http://a\"\n";
        assert!(refused(twice).starts_with("t.toml:5:10: number 1 stands twice"));
        assert!(refused("[[number]]\nnumber = \"1\"\nurl = \"menu\"\n").contains("not an absolute"));
        assert!(refused("[[card]]\nkind = \"isdn\"\n").starts_with("t.toml:2:8: unknown variant `isdn`"));
        assert!(refused("[box\n").starts_with("t.toml:1:"));
        let group = |text: &str| refused(&format!("version = 1\n[[group]]\n{text}"));
        assert!(group("name = \"a b\"\n").starts_with("t.toml:2:1: group: name"), "{}", group("name = \"a b\"\n"));
        assert!(group("name = \"out\"\n").contains("group out: lines: name at least one"));
        for line in ["dahdi", "dahdi1", "dahdi 1/", "dahdi /1", "dahdi 0x1", "dahdi 1 2", "card 1", ""] {
            let told = group(&format!("name = \"out\"\nlines = [\"dahdi 3/2\", \"sim 1\", \"{line}\"]\n"));
            assert!(told.contains(&format!("group out: lines: \"{line}\": a span such as")), "{told}");
        }
        assert!(group("name = \"out\"\nlines = [\"dahdi 1\"]\nprefix = \"x\"\n").contains("prefix: digits"));
        assert!(refused("[outbound]\nopen = [\"everywhere\"]\n").starts_with("t.toml:2:9: unknown variant"));
        assert!(refused("[box]\ncountry = \"xx\"\n").starts_with("t.toml:2:1: box.country: its tones are not known"));
        assert!(refused("[analog]\nanswer = \"hope\"\n").contains("unknown variant `hope`"));
        assert!(refused("[[card]]\nkind = \"sim\"\nprefill = 8\n").starts_with("t.toml:3:1: prefill: 1 to 7"));
    }
}
