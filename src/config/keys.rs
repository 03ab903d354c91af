//! Every key of the configuration, in one table: what it holds, its default, its range, and when a change of it takes
//! effect. Types and ranges are judged by it, suggestions, environment variables, `config show` and the reference come
//! from it. What only the whole tells (an address that needs `plain`, a number twice) is in `judge`.

use std::fmt;

/// When a change takes effect that a reload brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// From the next call, request or line of the log on.
    AtOnce,
    /// On each line as it falls idle.
    LineIdle,
    /// At the next start of the service.
    Restart,
}

impl fmt::Display for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reload::AtOnce => "at once",
            Reload::LineIdle => "line idle",
            Reload::Restart => "restart",
        })
    }
}

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// `true` or `false`.
    Truth,
    /// A whole number from the first to the second.
    Whole(i64, i64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of texts.
    Texts,
    /// A list of whole numbers from the first to the second.
    Wholes(i64, i64),
    /// A list of these words.
    Words(&'static [&'static str]),
}

impl Kind {
    /// What is wanted, in words.
    pub fn wanted(self) -> String {
        match self {
            Kind::Text => "a text in quotes".into(),
            Kind::Truth => "true or false".into(),
            Kind::Whole(least, most) => format!("a whole number from {}", range(least, most)),
            Kind::Word(words) => format!("one of {}", quoted(words)),
            Kind::Texts => "a list of texts".into(),
            Kind::Wholes(least, most) => format!("a list of whole numbers from {}", range(least, most)),
            Kind::Words(words) => format!("a list of {}", quoted(words)),
        }
    }
}

/// `1 to 7`, or `1` where there is no choice.
pub fn range(least: i64, most: i64) -> String {
    if least == most { least.to_string() } else { format!("{least} to {most}") }
}

/// `"a", "b"`
pub fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

/// A key.
#[derive(Debug)]
pub struct Key {
    /// Its section; empty for a key above all sections.
    pub section: &'static str,
    /// Its name in the section.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// As TOML; empty: there is none.
    pub default: &'static str,
    /// An entry of a list without it is refused.
    pub must: bool,
    /// A value, as TOML.
    pub example: &'static str,
    /// When a change takes effect.
    pub reload: Reload,
}

impl Key {
    /// `box.name`
    pub fn path(&self) -> String {
        if self.section.is_empty() { self.name.into() } else { format!("{}.{}", self.section, self.name) }
    }

    /// The environment variable that sets it; entries of lists have none.
    pub fn variable(&self) -> Option<String> {
        let single = SECTIONS.iter().any(|section| section.name == self.section && !section.list);
        single.then(|| format!("TIPRING_{}_{}", self.section.to_uppercase(), self.name.to_uppercase()))
    }
}

/// A section.
#[derive(Debug)]
pub struct Section {
    /// Its name.
    pub name: &'static str,
    /// `[[name]]`, any number of them.
    pub list: bool,
    /// Entries of a list that say the same here are one: put together key by key, the later one wins.
    pub together_by: Option<&'static str>,
}

impl Section {
    /// As it is written.
    pub fn written(&self) -> String {
        if self.list { format!("[[{}]]", self.name) } else { format!("[{}]", self.name) }
    }
}

const fn one(name: &'static str) -> Section {
    Section { name, list: false, together_by: None }
}

const fn many(name: &'static str) -> Section {
    Section { name, list: true, together_by: None }
}

/// Entries with the same value of a key are one, in how many files they may stand.
const fn many_by(name: &'static str, key: &'static str) -> Section {
    Section { name, list: true, together_by: Some(key) }
}

/// All sections, in the order of the reference.
pub const SECTIONS: &[Section] = &[
    one("box"),
    one("listen"),
    one("plan"),
    one("outbound"),
    one("destinations"),
    one("boxes"),
    many("group"),
    one("analog"),
    many_by("line", "line"),
    many("telephone"),
    many("sound"),
    many("card"),
    many("span"),
    one("board"),
    many("number"),
    one("media"),
    many("preset"),
    many("decoder"),
    many("speech"),
    many("recognizer"),
    one("messages"),
    one("log"),
];

const fn key(
    section: &'static str,
    name: &'static str,
    kind: Kind,
    default: &'static str,
    example: &'static str,
    reload: Reload,
) -> Key {
    Key { section, name, kind, default, must: false, example, reload }
}

/// A key that an entry of a list must have.
const fn must(section: &'static str, name: &'static str, kind: Kind, example: &'static str, reload: Reload) -> Key {
    Key { section, name, kind, default: "", must: true, example, reload }
}

/// A key without a default: what nobody says is said elsewhere.
const fn may(section: &'static str, name: &'static str, kind: Kind, example: &'static str, reload: Reload) -> Key {
    Key { section, name, kind, default: "", must: false, example, reload }
}

const CLASSES: Kind = Kind::Words(&["short", "toll-free", "national", "mobile", "international", "premium", "unknown"]);
const ORDERS: Kind = Kind::Word(&["opposite-to-network", "ascending", "descending"]);
const FORMS: Kind = Kind::Word(&["dialled", "typed", "digits", "plus"]);
const SIGNS: Kind = Kind::Word(&["reversal", "voice", "dialled"]);
const REVERSALS: Kind = Kind::Word(&["ignored", "doubted", "certain"]);
const SPAN_SIGNALLING: Kind =
    Word(&["pri", "fxo", "fxo-loop", "fxo-ground", "fxs", "fxs-loop", "fxs-ground", "unused"]);
const SOUND_USES: Kind = Kind::Word(&["handset", "doorphone", "paging", "line-in"]);
const TELEPHONE_CALLER_IDS: Kind = Kind::Word(&["country", "bell", "v23", "v23-before", "dtmf-before", "none"]);
const INSIDE_RINGS: Kind = Kind::Word(&["country", "double", "triple"]);
const FORMATS: Kind = Kind::Word(&["auto", "journal", "json", "text"]);

use Kind::{Text, Texts, Truth, Whole, Wholes, Word};
use Reload::{AtOnce, LineIdle, Restart};

/// All keys, in the order of the reference.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    may("", "version", Whole(1, 1), "1", AtOnce),
    key("box", "name", Text, r#""box""#, r#""front-desk""#, Restart),
    key("box", "country", Text, r#""""#, r#""gb""#, LineIdle),
    key("box", "countries", Text, r#""""#, r#""/etc/tipring/countries.toml""#, LineIdle),
    key("box", "state_dir", Text, r#""/var/lib/tipring""#, r#""/var/lib/tipring""#, Restart),
    key("box", "cache_dir", Text, r#""/var/cache/tipring""#, r#""/var/cache/tipring""#, Restart),
    key("box", "runtime_dir", Text, r#""/run/tipring""#, r#""/run/tipring""#, Restart),
    key("box", "store", Text, r#""""#, r#""postgres://tipring@db.lan/tipring""#, Restart),
    key("box", "store_file", Text, r#""""#, r#""cred:store""#, Restart),
    key("box", "dids", Texts, "[]", r#"["+442079460100-+442079460199", "2025550100"]"#, Restart),
    key("box", "drain_s", Whole(0, 600), "30", "30", AtOnce),
    key("listen", "api", Text, r#""127.0.0.1:8080""#, r#""127.0.0.1:8080""#, Restart),
    key("listen", "plain", Truth, "false", "true", Restart),
    key("listen", "tls", Text, r#""""#, r#""0.0.0.0:8443""#, Restart),
    key("listen", "proxy", Text, r#""""#, r#""127.0.0.1:8089""#, Restart),
    key("listen", "names", Texts, "[]", r#"["phone.office.lan"]"#, AtOnce),
    key("listen", "tls_certificate", Text, r#""""#, r#""/etc/tipring/box.pem""#, AtOnce),
    key("listen", "tls_key", Text, r#""""#, r#""/etc/tipring/box-key.pem""#, AtOnce),
    key("listen", "metrics", Text, r#""127.0.0.1:9740""#, r#""127.0.0.1:9740""#, Restart),
    key("plan", "country_code", Text, r#""""#, r#""44""#, LineIdle),
    key("plan", "area_code", Text, r#""""#, r#""20""#, LineIdle),
    key("plan", "trunk_prefix", Text, r#""""#, r#""0""#, LineIdle),
    key("plan", "international_prefix", Text, r#""""#, r#""00""#, LineIdle),
    key("plan", "ddi_prefix", Text, r#""""#, r#""442079460""#, LineIdle),
    key("plan", "ddi_digits", Whole(0, 15), "0", "3", LineIdle),
    key("outbound", "open", CLASSES, "[]", r#"["national", "mobile"]"#, AtOnce),
    key("outbound", "caller_ids", Texts, "[]", r#"["+442079460100"]"#, AtOnce),
    key("outbound", "queue_s", Whole(0, 86_400), "60", "60", AtOnce),
    key("outbound", "calls_per_second", Whole(0, 1_000), "0", "1", AtOnce),
    key("outbound", "calls_per_minute", Whole(0, 10_000), "10", "30", AtOnce),
    key("outbound", "lines_percent", Whole(1, 100), "50", "80", AtOnce),
    key("outbound", "longest_minutes", Whole(1, 1_440), "60", "120", AtOnce),
    key("outbound", "minutes_per_day", Whole(0, 1_000_000), "120", "600", AtOnce),
    key("outbound", "international_minutes_per_day", Whole(0, 1_000_000), "0", "30", AtOnce),
    key("outbound", "stop_patterns", Truth, "true", "false", AtOnce),
    key("destinations", "only_listed", Truth, "false", "true", Restart),
    key("destinations", "listed", Texts, "[]", r#"["app.lan:443", "10.0.0.5:8080"]"#, Restart),
    key("boxes", "listen", Text, r#""""#, r#""0.0.0.0:8444""#, Restart),
    key("boxes", "address", Text, r#""""#, r#""https://10.0.0.1:8444""#, Restart),
    key("boxes", "key_file", Text, r#""/etc/tipring/boxes.key""#, r#""cred:boxes""#, Restart),
    must("group", "name", Text, r#""out""#, LineIdle),
    must("group", "lines", Texts, r#"["dahdi 1", "dahdi 3/2"]"#, LineIdle),
    key("group", "order", ORDERS, r#""opposite-to-network""#, r#""ascending""#, LineIdle),
    key("group", "numbers", FORMS, r#""dialled""#, r#""typed""#, LineIdle),
    key("group", "prefix", Text, r#""""#, r#""9w""#, LineIdle),
    key("analog", "answer", SIGNS, r#""voice""#, r#""reversal""#, LineIdle),
    key("analog", "dial_tone_ms", Whole(0, 60_000), "5000", "5000", LineIdle),
    key("analog", "dial_anyway", Truth, "false", "true", LineIdle),
    key("analog", "caller_id", Truth, "true", "false", LineIdle),
    key("analog", "hang_up_battery", Truth, "true", "false", LineIdle),
    key("analog", "hang_up_reversal", REVERSALS, r#""doubted""#, r#""certain""#, LineIdle),
    key("analog", "hang_up_tones", Truth, "true", "false", LineIdle),
    key("analog", "hang_up_dial_tone", Truth, "true", "false", LineIdle),
    key("analog", "hang_up_silence_s", Whole(0, 3_600), "60", "30", LineIdle),
    must("line", "line", Text, r#""dahdi 3/2""#, LineIdle),
    may("line", "number", Text, r#""+442079460101""#, LineIdle),
    may("line", "country", Text, r#""de""#, LineIdle),
    may("line", "answer", SIGNS, r#""reversal""#, LineIdle),
    may("line", "dial_tone_ms", Whole(0, 60_000), "8000", LineIdle),
    may("line", "dial_anyway", Truth, "true", LineIdle),
    may("line", "caller_id", Truth, "false", LineIdle),
    may("line", "hang_up_battery", Truth, "false", LineIdle),
    may("line", "hang_up_reversal", REVERSALS, r#""certain""#, LineIdle),
    may("line", "hang_up_tones", Truth, "false", LineIdle),
    may("line", "hang_up_dial_tone", Truth, "false", LineIdle),
    may("line", "hang_up_silence_s", Whole(0, 3_600), "30", LineIdle),
    may("line", "hang_up_tone", Text, r#""425 300/300""#, LineIdle),
    may("line", "dial_tone", Text, r#""440""#, LineIdle),
    may("line", "ringback_tone", Text, r#""425 1000/3000""#, LineIdle),
    may("line", "receive_gain_db", Whole(-12, 12), "4", LineIdle),
    may("line", "send_gain_db", Whole(-12, 12), "-2", LineIdle),
    must("telephone", "line", Text, r#""dahdi 4/1""#, LineIdle),
    key("telephone", "number", Text, r#""""#, r#""21""#, LineIdle),
    key("telephone", "caller_id", TELEPHONE_CALLER_IDS, r#""country""#, r#""bell""#, LineIdle),
    key("telephone", "inside_ring", INSIDE_RINGS, r#""country""#, r#""double""#, LineIdle),
    key("telephone", "disconnect_ms", Whole(0, 3_000), "500", "0", LineIdle),
    key("telephone", "first_digit_s", Whole(1, 60), "16", "10", LineIdle),
    key("telephone", "next_digit_s", Whole(1, 60), "8", "4", LineIdle),
    must("sound", "name", Text, r#""door""#, Restart),
    must("sound", "device", Text, r#""usb:1-1.4""#, Restart),
    key("sound", "use", SOUND_USES, r#""handset""#, r#""doorphone""#, Restart),
    key("sound", "number", Text, r#""""#, r#""31""#, LineIdle),
    key("sound", "hotline", Text, r#""""#, r#""100""#, LineIdle),
    key("sound", "key", Text, r#""""#, r#""/dev/input/by-path/platform-keys-event""#, Restart),
    key("sound", "key_code", Whole(0, 767), "0", "28", Restart),
    key("sound", "chime", Truth, "false", "true", Restart),
    key("sound", "level_db", Whole(-40, 0), "-15", "-25", Restart),
    key("sound", "echo_canceller", Truth, "true", "false", Restart),
    key("sound", "delay_ms", Whole(24, 120), "31", "60", Restart),
    key("sound", "buffer_ms", Whole(20, 140), "30", "60", Restart),
    must("card", "kind", Word(&["dahdi", "sim"]), r#""dahdi""#, Restart),
    key("card", "spans", Wholes(1, 65_535), "[]", "[1, 2]", Restart),
    key("card", "role", Word(&["user", "network"]), r#""user""#, r#""network""#, LineIdle),
    key("card", "prefill", Whole(1, 7), "2", "4", LineIdle),
    must("span", "number", Whole(1, 65_535), "1", Restart),
    key("span", "card", Text, r#""""#, r#""pci:0000:02:01.0""#, Restart),
    key("span", "port", Whole(1, 32), "1", "2", Restart),
    must("span", "kind", Word(&["e1", "t1", "analog"]), r#""t1""#, Restart),
    key("span", "framing", Word(&["usual", "ccs", "esf", "d4"]), r#""usual""#, r#""d4""#, Restart),
    key("span", "coding", Word(&["usual", "hdb3", "b8zs", "ami"]), r#""usual""#, r#""ami""#, Restart),
    key("span", "crc4", Truth, "true", "false", Restart),
    key("span", "build_out", Whole(0, 7), "0", "2", Restart),
    key("span", "clock", Whole(0, 127), "1", "0", Restart),
    key("span", "signalling", SPAN_SIGNALLING, r#""unused""#, r#""fxo""#, LineIdle),
    key("span", "channels", Texts, "[]", r#"["24 fxs", "3-5 unused"]"#, LineIdle),
    key("board", "profile", Text, r#""""#, r#""generic""#, Restart),
    key("board", "port", Text, r#""""#, r#""/dev/serial/by-id/usb-board""#, Restart),
    key("board", "watchdog_ms", Whole(2_000, 60_000), "10000", "5000", Restart),
    key("board", "self_test", Word(&["monthly", "never"]), r#""monthly""#, r#""never""#, Restart),
    must("number", "number", Text, r#""+442079460100""#, AtOnce),
    must("number", "url", Text, r#""https://app.lan/voice""#, AtOnce),
    key("number", "method", Word(&["GET", "POST"]), r#""POST""#, r#""GET""#, AtOnce),
    key("number", "fallback", Texts, "[]", r#"["https://backup.lan/voice"]"#, AtOnce),
    key("number", "status_callback", Text, r#""""#, r#""https://app.lan/ended""#, AtOnce),
    key("number", "documents", Word(&["lenient", "strict"]), r#""lenient""#, r#""strict""#, AtOnce),
    key("media", "cache_mib", Whole(0, 16_777_216), "1024", "2048", Restart),
    key("media", "trust", Texts, "[]", r#"["/etc/tipring/office-ca.pem"]"#, Restart),
    key("media", "mp3", Texts, "[]", r#"["lame", "--quiet", "-", "-"]"#, Restart),
    key("media", "face", Text, r#""""#, r#""/run/tipring-media/media.sock""#, Restart),
    key("media", "listen", Text, r#""""#, r#""0.0.0.0:7443""#, Restart),
    key("media", "key_file", Text, r#""/etc/tipring/media.key""#, r#""cred:media""#, Restart),
    key("media", "sound_workers", Whole(1, 1_024), "64", "16", AtOnce),
    key("media", "speech_workers", Whole(1, 256), "8", "4", AtOnce),
    key("media", "start", Word(&["growing", "whole", "live"]), r#""growing""#, r#""whole""#, Restart),
    key("media", "state_dir", Text, r#""""#, r#""/srv/tipring-media""#, Restart),
    key("media", "phrase_threshold", Whole(0, 1_000_000), "25", "100", Restart),
    key("media", "preset", Text, r#""alaw""#, r#""mulaw""#, Restart),
    key("media", "level_db", Whole(-36, 0), "-22", "-26", Restart),
    key("media", "ffmpeg", Text, r#""ffmpeg""#, r#""/opt/ffmpeg/bin/ffmpeg""#, Restart),
    key("media", "bundled_speech", Truth, "true", "false", Restart),
    key("media", "reserve_mib", Whole(0, 16_777_216), "64", "512", Restart),
    key("media", "stale_days", Whole(0, 3_650), "30", "7", Restart),
    key("media", "seal_key_file", Text, r#""""#, r#""cred:seal""#, Restart),
    key("media", "store", Text, r#""""#, r#""s3://sounds/tipring""#, Restart),
    key("media", "store_endpoint", Text, r#""""#, r#""https://minio.lan:9000""#, Restart),
    key("media", "store_region", Text, r#""us-east-1""#, r#""eu-central-1""#, Restart),
    key("media", "store_key_file", Text, r#""""#, r#""cred:sounds""#, Restart),
    key("media", "store_plain", Truth, "false", "true", Restart),
    key("media", "store_mib", Whole(1, 1_073_741_824), "10240", "51200", Restart),
    key("media", "store_days", Whole(1, 3_650), "30", "90", Restart),
    key("media", "store_recordings", Truth, "true", "false", Restart),
    key("media", "ask_first", Texts, "[]", r#"["https://box2.lan:7443"]"#, Restart),
    must("preset", "name", Text, r#""wide""#, Restart),
    must("preset", "coding", Word(&["alaw", "mulaw", "l16"]), r#""l16""#, Restart),
    key("preset", "rate_hz", Whole(8_000, 48_000), "8000", "16000", Restart),
    must("decoder", "name", Text, r#""midi""#, Restart),
    key("decoder", "types", Texts, "[]", r#"["audio/midi"]"#, Restart),
    key("decoder", "magic", Texts, "[]", r#"["MThd"]"#, Restart),
    must("decoder", "command", Texts, r#"["/usr/bin/timidity", "-Ow", "-o-", "-"]"#, Restart),
    key("decoder", "reads", Texts, "[]", r#"["/etc/timidity"]"#, Restart),
    key("decoder", "memory_mib", Whole(16, 65_536), "4096", "512", Restart),
    must("speech", "name", Text, r#""piper""#, Restart),
    key("speech", "command", Texts, "[]", r#"["/opt/piper/piper", "-m", "{voice}", "-f", "-"]"#, Restart),
    key("speech", "url", Text, r#""""#, r#""http://speech.lan/say""#, Restart),
    key("speech", "voices", Texts, "[]", r#"["en-GB woman alba Polly.Amy"]"#, Restart),
    key("speech", "markup", Texts, "[]", r#"["--ssml"]"#, Restart),
    key("speech", "by_sentence", Truth, "false", "true", Restart),
    key("speech", "network", Truth, "false", "true", Restart),
    key("speech", "reads", Texts, "[]", r#"["/srv/voices"]"#, Restart),
    key("speech", "writes", Texts, "[]", r#"["/var/cache/piper"]"#, Restart),
    key("speech", "memory_mib", Whole(16, 65_536), "4096", "2048", Restart),
    must("recognizer", "name", Text, r#""whisper""#, Restart),
    key("recognizer", "languages", Texts, "[]", r#"["en", "de-DE"]"#, Restart),
    key("recognizer", "command", Texts, "[]", r#"["/usr/local/bin/whisper-lines", "{language}"]"#, Restart),
    key("recognizer", "url", Text, r#""""#, r#""http://speech.lan/recognize""#, Restart),
    key("recognizer", "rate_hz", Whole(8_000, 16_000), "16000", "8000", Restart),
    key("recognizer", "network", Truth, "false", "true", Restart),
    key("recognizer", "reads", Texts, "[]", r#"["/srv/models"]"#, Restart),
    key("recognizer", "writes", Texts, "[]", r#"["/var/cache/whisper"]"#, Restart),
    key("recognizer", "memory_mib", Whole(16, 65_536), "4096", "2048", Restart),
    key("messages", "adapter", Word(&["none", "http", "smpp", "modem"]), r#""none""#, r#""http""#, Restart),
    key("messages", "number", Text, r#""""#, r#""+442079460199""#, Restart),
    key("messages", "secret_file", Text, r#""""#, r#""cred:messages""#, Restart),
    key("messages", "url", Text, r#""""#, r#""https://sms.lan/send""#, Restart),
    key("messages", "form", Word(&["form", "json"]), r#""form""#, r#""json""#, Restart),
    key("messages", "address", Text, r#""""#, r#""smsc.lan:2775""#, Restart),
    key("messages", "tls", Truth, "false", "true", Restart),
    key("messages", "user", Text, r#""""#, r#""front-desk""#, Restart),
    key("messages", "system_type", Text, r#""""#, r#""VMS""#, Restart),
    key("messages", "port", Text, r#""""#, r#""/dev/ttyUSB2""#, Restart),
    key("messages", "baud", Whole(300, 4_000_000), "115200", "9600", Restart),
    key("log", "format", FORMATS, r#""auto""#, r#""json""#, Restart),
    key("log", "level", Text, r#""info""#, r#""info""#, Restart),
];

/// The key of a section by its name.
pub fn find(section: &str, name: &str) -> Option<&'static Key> {
    of(section).find(|key| key.name == name)
}

/// The key that a path such as `box.name` names.
pub fn find_path(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path() == path)
}

/// The keys of a section.
pub fn of(section: &str) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.section == section)
}

/// A section by its name.
pub fn section(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.name == name)
}
