//! The facts of a box: cards, numbers, listener, dialling plan. They come from one TOML file, `conf.d` beside it, the
//! environment and flags, and are taken whole or refused whole, with the place of every complaint; an unknown key is an
//! error. Facts of tenants live in the store.

mod board;
mod boxes;
mod changes;
mod countries;
mod destinations;
mod engines;
mod fault;
mod judge;
pub mod keys;
pub mod last_good;
mod line;
mod lines;
mod listeners;
mod media;
mod near;
mod shape;
mod show;
mod sound;
mod sources;
mod span;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

pub use board::{Board, SelfTest};
pub use boxes::Boxes;
pub use changes::Change;
pub use countries::Countries;
pub(crate) use countries::cadence;
pub use destinations::Destinations;
pub use engines::{DecoderEntry, PresetEntry, SpeechEntry};
pub use fault::{COMPLAINTS, ConfigError, Folders, Origin, Refusal, position};
pub use keys::Reload;
pub use line::LineEntry;
pub use lines::{
    Analog, AnswerSign, Card, CardKind, Group, InsideRing, NumberClass, NumberForm, Order, Outbound, ReversalSign,
    Role, Telephone, TelephoneCallerId,
};
pub use media::MediaFace;
pub use show::Value;
pub use sound::{SPAN as SOUND_SPAN, Sound, SoundUse};
pub use sources::{Loaded, Sources, boards};
pub use span::{Coding, Framing, Signalling, SpanEntry, SpanKind};

/// Where a configuration is looked for when none is named.
pub const DEFAULT_FILE: &str = "/etc/tipring/tipring.toml";

/// Everything that the files may say.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Version of the file's form; 1 is the only one.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    /// Who may be asked over the network.
    pub destinations: Destinations,
    /// Other boxes that share the store.
    pub boxes: Boxes,
    /// Lines that calls go out on, by name; the first is the default. None: all lines, ISDN first.
    pub group: Vec<Group>,
    /// Analogue lines.
    pub analog: Analog,
    /// Analogue lines that differ.
    pub line: Vec<LineEntry>,
    /// Ports with telephones.
    pub telephone: Vec<Telephone>,
    /// Sound devices as lines.
    pub sound: Vec<Sound>,
    /// The cards to be driven; without one the box has no lines.
    pub card: Vec<Card>,
    /// Spans that are brought up as it is said here.
    pub span: Vec<SpanEntry>,
    /// The board controller.
    pub board: Board,
    /// Numbers that are fixed here; the API cannot change them.
    pub number: Vec<NumberEntry>,
    /// Sound and speech.
    pub media: Media,
    /// Forms of sound that can be asked for by name.
    pub preset: Vec<PresetEntry>,
    /// Programs that decode further kinds of media.
    pub decoder: Vec<DecoderEntry>,
    /// What speaks, in order of preference; before what is bundled.
    pub speech: Vec<SpeechEntry>,
    /// What understands callers, in order of preference; before those that are found on the box.
    pub recognizer: Vec<RecognizerEntry>,
    /// Short messages.
    pub messages: Messages,
    /// The log.
    pub log: Log,
    /// The countries that the box knows: the built-in ones, and those of the file that `box.countries` names.
    #[serde(skip)]
    pub countries: Countries,
}

/// `[box]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ThisBox {
    /// Its name among the boxes that share a store.
    pub name: String,
    /// The country where it stands, one of `tipring country list`: tones, emergency numbers, and the dialling plan as far
    /// as `[plan]` does not say otherwise. Empty: tones of the United States, and no plan but `[plan]`.
    pub country: String,
    /// A file of the user's own countries, which add to the built-in ones or replace them; empty: none.
    pub countries: PathBuf,
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
    /// The numbers that its lines have, each by itself or the first and last of a range. Empty: any may be claimed.
    pub dids: Vec<String>,
    /// Seconds that calls have to end after SIGTERM.
    pub drain_s: u64,
}

impl Default for ThisBox {
    fn default() -> Self {
        ThisBox {
            name: "box".into(),
            country: String::new(),
            countries: PathBuf::new(),
            state_dir: "/var/lib/tipring".into(),
            cache_dir: "/var/cache/tipring".into(),
            runtime_dir: "/run/tipring".into(),
            store: String::new(),
            store_file: String::new(),
            dids: Vec::new(),
            drain_s: 30,
        }
    }
}

/// `[listen]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Address of the API. Plain HTTP: loopback only, unless `plain` allows more.
    pub api: String,
    /// Plain HTTP on other addresses than loopback, too.
    pub plain: bool,
    /// Address of the API over TLS; none when empty.
    pub tls: String,
    /// Address where programs that ask an HTTP proxy for `api.twilio.com` are answered in place; none when empty.
    pub proxy: String,
    /// Names of the box for its certificate, beside those that it knows.
    pub names: Vec<String>,
    /// The owner's own certificate with its chain, a PEM file; empty: the box signs its own.
    pub tls_certificate: PathBuf,
    /// Its key, a PEM file.
    pub tls_key: PathBuf,
    /// Address of health and metrics, plain HTTP like the API's; none when empty.
    pub metrics: String,
}

impl Default for Listen {
    fn default() -> Self {
        Listen {
            api: "127.0.0.1:8080".into(),
            plain: false,
            tls: String::new(),
            proxy: String::new(),
            names: Vec::new(),
            tls_certificate: PathBuf::new(),
            tls_key: PathBuf::new(),
            metrics: "127.0.0.1:9740".into(),
        }
    }
}

/// `[plan]`
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
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
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NumberEntry {
    /// E.164, or the digits as the line gives them.
    pub number: String,
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
    /// Where the entry begins.
    #[serde(skip)]
    pub origin: Origin,
}

/// How an application is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Parameters in the query.
    Get,
    /// Parameters in a form.
    #[default]
    Post,
}

/// What an unknown verb or attribute is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Documents {
    /// Passed over, with a notification.
    #[default]
    Lenient,
    /// An error.
    Strict,
}

/// `[media]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Media {
    /// Bound of the cache on disk.
    pub cache_mib: u64,
    /// Certificates of private authorities, PEM files.
    pub trust: Vec<PathBuf>,
    /// A program and its arguments that makes MP3 of a WAV, from standard input to standard output; none: no MP3.
    pub mp3: Vec<String>,
    /// The Unix socket of a media layer that runs by itself, an absolute path, or `https://host:port` of one on another
    /// host; empty: it runs in this process.
    pub face: String,
    /// Where this host's media layer is asked by another host, too; none when empty.
    pub listen: String,
    /// A file with the key that both hosts have; `cred:NAME` is one in `$CREDENTIALS_DIRECTORY`.
    pub key_file: String,
    /// Workers that convert sounds, at most.
    pub sound_workers: usize,
    /// Workers for speech, at most.
    pub speech_workers: usize,
    /// When a sound begins: `growing`, `whole` or `live`.
    pub start: String,
    /// Where the layer keeps plans, phrases and their recordings; empty: in the box's state directory.
    pub state_dir: PathBuf,
    /// A text that was said so often is listed for recording; 0: none is.
    pub phrase_threshold: u64,
    /// The form of sounds for who asks for none: `alaw`, `mulaw`, `l16`, or a `[[preset]]`.
    pub preset: String,
    /// The level that converted sounds are brought to, in decibels below a square wave at full scale.
    pub level_db: i32,
    /// ffmpeg, by name or path.
    pub ffmpeg: String,
    /// espeak-ng and flite speak where no `[[speech]]` does.
    pub bundled_speech: bool,
    /// What the cache leaves free on its file system.
    pub reserve_mib: u64,
    /// How long an entry that its origin can confirm is kept after it went stale.
    pub stale_days: u64,
    /// A file with the key that the cache is sealed with, `cred:NAME` as above; none when empty.
    pub seal_key_file: String,
    /// A store that several boxes share, `s3://bucket/prefix` or `file:///folder`; none when empty.
    pub store: String,
    /// Where the bucket is asked; empty: where its region says.
    pub store_endpoint: String,
    /// Its region.
    pub store_region: String,
    /// A file with the bucket's access key: its name and its secret, a line each.
    pub store_key_file: String,
    /// The endpoint may be `http://`.
    pub store_plain: bool,
    /// Bound of the store.
    pub store_mib: u64,
    /// How long what nobody confirms stays in the store.
    pub store_days: u64,
    /// Finished recordings are brought to the store too.
    pub store_recordings: bool,
    /// Media layers of other hosts that are asked for what they have before an origin is.
    pub ask_first: Vec<String>,
}

impl Default for Media {
    fn default() -> Self {
        Media {
            cache_mib: 1024,
            trust: Vec::new(),
            mp3: Vec::new(),
            face: String::new(),
            listen: String::new(),
            key_file: "/etc/tipring/media.key".into(),
            sound_workers: 64,
            speech_workers: 8,
            start: "growing".into(),
            state_dir: PathBuf::new(),
            phrase_threshold: 25,
            preset: "alaw".into(),
            level_db: -22,
            ffmpeg: "ffmpeg".into(),
            bundled_speech: true,
            reserve_mib: 64,
            stale_days: 30,
            seal_key_file: String::new(),
            store: String::new(),
            store_endpoint: String::new(),
            store_region: "us-east-1".into(),
            store_key_file: String::new(),
            store_plain: false,
            store_mib: 10_240,
            store_days: 30,
            store_recordings: true,
            ask_first: Vec::new(),
        }
    }
}

/// `[[recognizer]]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RecognizerEntry {
    /// Its name in the log and in faults.
    pub name: String,
    /// Language tags that it understands; none: all.
    #[serde(default)]
    pub languages: Vec<String>,
    /// A program and its arguments.
    #[serde(default)]
    pub command: Vec<String>,
    /// A service in place of a program.
    #[serde(default)]
    pub url: String,
    /// Samples a second of what a program hears: 8000 or 16000.
    #[serde(default = "usual_rate_hz")]
    pub rate_hz: u32,
    /// A program may open sockets.
    #[serde(default)]
    pub network: bool,
    /// Files and folders that a program reads beside the system's.
    #[serde(default)]
    pub reads: Vec<PathBuf>,
    /// Files and folders that it writes.
    #[serde(default)]
    pub writes: Vec<PathBuf>,
    /// Its address space.
    #[serde(default = "engines::usual_memory_mib")]
    pub memory_mib: u64,
}

fn usual_rate_hz() -> u32 {
    16_000
}

/// `[messages]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Messages {
    /// What takes them.
    pub adapter: MessageAdapter,
    /// The number of what comes in without one.
    pub number: String,
    /// A file with what nobody else may know: the centre's password, the modem's PIN, the service's header.
    pub secret_file: String,
    /// Of the web service.
    pub url: String,
    /// How it is posted to.
    pub form: MessageForm,
    /// Of the message centre: `host:port`.
    pub address: String,
    /// It is spoken to with TLS.
    pub tls: bool,
    /// Who we are there.
    pub user: String,
    /// As the centre wants it.
    pub system_type: String,
    /// The modem's serial port.
    pub port: PathBuf,
    /// Its speed.
    pub baud: u32,
}

impl Default for Messages {
    fn default() -> Self {
        Messages {
            adapter: MessageAdapter::None,
            number: String::new(),
            secret_file: String::new(),
            url: String::new(),
            form: MessageForm::Form,
            address: String::new(),
            tls: false,
            user: String::new(),
            system_type: String::new(),
            port: PathBuf::new(),
            baud: 115_200,
        }
    }
}

/// What takes messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageAdapter {
    /// Nothing.
    None,
    /// A web service.
    Http,
    /// A message centre.
    Smpp,
    /// A GSM modem.
    Modem,
}

/// How a web service is posted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageForm {
    /// As a form.
    Form,
    /// As JSON.
    Json,
}

/// `[log]`
#[derive(Clone, Debug, Deserialize, Serialize)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
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

impl Config {
    /// Reads and judges a file, `conf.d` beside it, the environment and flags.
    pub fn load(sources: &Sources) -> Result<Loaded, Refusal> {
        sources::load(sources)
    }

    /// Judges a text as if it stood in `file`, and nothing else.
    pub fn parse(file: &Path, text: &str) -> Result<Config, Refusal> {
        sources::of_text(file, text).map(|loaded| loaded.config)
    }

    /// What differs, key by key, and when a reload applies it.
    pub fn changes(old: &Config, new: &Config) -> Vec<Change> {
        changes::changes(old, new)
    }

    /// Every key with its value, in the order of the reference; passwords are left out.
    pub fn values(&self) -> Vec<Value> {
        show::values(self)
    }

    /// The same for the same values, wherever they come from; passwords are left out.
    pub fn hash(&self) -> String {
        show::hash(self)
    }

    /// The store's URL: of `store`, or in the file that `store_file` names; none: SQLite in the state directory.
    pub fn store_url(&self) -> Result<Option<String>, ConfigError> {
        if self.this.store_file.is_empty() {
            return Ok(Some(self.this.store.clone()).filter(|url| !url.is_empty()));
        }
        let (file, text) = secret("box.store_file", &self.this.store_file)?;
        let url = text.trim();
        match judge::store_fault(url) {
            _ if url.is_empty() => Err(ConfigError::new(Origin::file(&file), "box.store_file: the file is empty")),
            Some(why) => Err(ConfigError::new(Origin::file(&file), why)),
            None => Ok(Some(url.into())),
        }
    }

    /// What the message gateway's file says; empty: there is none.
    pub fn message_secret(&self) -> Result<String, ConfigError> {
        if self.messages.secret_file.is_empty() {
            return Ok(String::new());
        }
        secret("messages.secret_file", &self.messages.secret_file).map(|(_, text)| text.trim().to_owned())
    }

    /// The key that this host's media layer and another host have in common, and the file where it stands.
    pub fn media_key(&self) -> Result<(PathBuf, String), ConfigError> {
        secret("media.key_file", &self.media.key_file)
    }

    /// The file with the key of all boxes, and its text.
    pub fn boxes_key(&self) -> Result<(PathBuf, String), ConfigError> {
        secret("boxes.key_file", &self.boxes.key_file)
    }

    /// The key that the cache of sounds is sealed with, 32 octets; `None`: it is not.
    pub fn seal_key(&self) -> Result<Option<[u8; 32]>, ConfigError> {
        if self.media.seal_key_file.is_empty() {
            return Ok(None);
        }
        let (file, text) = secret("media.seal_key_file", &self.media.seal_key_file)?;
        let octets = BASE64.decode(text.trim()).ok();
        let key = octets.and_then(|it| <[u8; 32]>::try_from(it).ok());
        let why = "media.seal_key_file: 32 octets in base64 are wanted, such as `openssl rand -base64 32` makes";
        key.map(Some).ok_or_else(|| ConfigError::new(Origin::file(&file), why))
    }

    /// The access key of the shared store, its name and its secret; empty where there is none.
    pub fn media_store_key(&self) -> Result<(String, String), ConfigError> {
        if self.media.store_key_file.is_empty() {
            return Ok(Default::default());
        }
        let (file, text) = secret("media.store_key_file", &self.media.store_key_file)?;
        let mut lines = text.lines().map(str::trim).filter(|it| !it.is_empty());
        match (lines.next(), lines.next(), lines.next()) {
            (Some(name), Some(secret), None) => Ok((name.into(), secret.into())),
            _ => {
                let why = "media.store_key_file: two lines are wanted: the access key's name, and its secret";
                Err(ConfigError::new(Origin::file(&file), why))
            }
        }
    }

    /// The country where the box stands, if one is named.
    pub fn country(&self) -> Option<&tipring_countries::Country> {
        self.countries.find(&self.this.country)
    }

    /// The tones of the box's country; the United States' where none is named.
    pub fn zone(&self) -> tipring_dsp::ZoneId {
        self.countries.zone(&self.this.country).unwrap_or_default()
    }

    /// The dialling plan: the country's, as far as `[plan]` does not say otherwise. Help is called by the numbers of the
    /// place where the box stands, whatever `[plan]` says.
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
        plan.emergency = self.country().map(|country| country.emergency.join(" ")).unwrap_or_default();
        plan
    }
}

#[cfg(test)]
mod tests;

/// The file that a key names, and its text; `cred:name` is a credential of the unit.
fn secret(key: &str, named: &str) -> Result<(PathBuf, String), ConfigError> {
    let file = match named.strip_prefix("cred:") {
        None => PathBuf::from(named),
        Some(name) => match std::env::var_os("CREDENTIALS_DIRECTORY") {
            Some(folder) => Path::new(&folder).join(name),
            None => {
                let why = format!("{key}: there is no $CREDENTIALS_DIRECTORY; the unit needs LoadCredential=");
                return Err(ConfigError::new(Origin::Variable("CREDENTIALS_DIRECTORY".into()), why));
            }
        },
    };
    let text = std::fs::read_to_string(&file).map_err(|error| ConfigError::unread(&file, &error))?;
    Ok((file, text))
}
