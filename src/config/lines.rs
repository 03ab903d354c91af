//! What the file says of cards and lines: which there are, how analogue ones are used, and who may be called over them.

use serde::{Deserialize, Serialize};

/// `[[card]]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// `dahdi` or `sim`.
    pub kind: CardKind,
    /// Spans of the card to be driven; all when left out.
    #[serde(default)]
    pub spans: Vec<u16>,
    /// Our end of a PRI.
    #[serde(default)]
    pub role: Role,
    /// Blocks of 10 ms that a channel is ahead of its reader, 1 to 7: delay against lateness that nobody hears.
    #[serde(default = "two")]
    pub prefill: u8,
}

fn two() -> u8 {
    2
}

/// Which driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CardKind {
    /// DAHDI device nodes.
    Dahdi,
    /// A simulated E1 with an exchange at its far end.
    Sim,
}

/// Our end of a PRI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Towards an exchange.
    #[default]
    User,
    /// Towards a PBX.
    Network,
}

/// `[outbound]`: emergency numbers are always open, everything else is opened here.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Outbound {
    /// Classes of numbers that may be called.
    pub open: Vec<NumberClass>,
    /// Numbers beside the accounts' own that may be shown to the called party.
    pub caller_ids: Vec<String>,
    /// Seconds that a call of the API waits for a free line.
    pub queue_s: u64,
    /// Calls that an account may begin within a second; 0: any number.
    pub calls_per_second: u32,
    /// Calls that an account may begin within a minute, and messages that it may send; 0: any number.
    pub calls_per_minute: u32,
    /// Of a hundred lines, those that calls out may have at once.
    pub lines_percent: u32,
    /// Minutes of the longest call.
    pub longest_minutes: u64,
    /// Minutes that calls may take in a day.
    pub minutes_per_day: u32,
    /// Those of them that may be calls abroad.
    pub international_minutes_per_day: u32,
    /// Calls abroad, to paid services and to nobody knows where are stopped where they look like a fraud.
    pub stop_patterns: bool,
}

impl Default for Outbound {
    fn default() -> Self {
        Outbound {
            open: Vec::new(),
            caller_ids: Vec::new(),
            queue_s: 60,
            calls_per_second: 0,
            calls_per_minute: 10,
            lines_percent: 50,
            longest_minutes: 60,
            minutes_per_day: 120,
            international_minutes_per_day: 0,
            stop_patterns: true,
        }
    }
}

impl Outbound {
    /// As many calls as anybody likes: for benches, demonstrations and simulations.
    pub fn without_limits() -> Self {
        Outbound {
            calls_per_minute: 0,
            lines_percent: 100,
            longest_minutes: 1_440,
            minutes_per_day: 1_000_000,
            international_minutes_per_day: 1_000_000,
            stop_patterns: false,
            ..Outbound::default()
        }
    }
}

/// A class of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberClass {
    /// Short codes, and extensions of the exchange that the lines lead to.
    Short,
    /// Free of charge.
    TollFree,
    /// Fixed lines of the own country.
    National,
    /// Mobile telephones of the own country.
    Mobile,
    /// Other countries.
    International,
    /// Paid services and satellites.
    Premium,
    /// What the plan cannot place.
    Unknown,
}

/// `[[group]]`: lines that calls go out on.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Group {
    /// By which documents and programs choose it.
    pub name: String,
    /// `dahdi 1`: a whole span, `dahdi 3/2`: one line.
    pub lines: Vec<String>,
    /// Which line first.
    pub order: Order,
    /// How numbers are written on its lines.
    pub numbers: NumberForm,
    /// Dialled before every number.
    pub prefix: String,
}

/// Which line of a group first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// From the end at which the network does not begin: the fewest collisions.
    #[default]
    OppositeToNetwork,
    /// The lowest first.
    Ascending,
    /// The highest first.
    Descending,
}

/// How numbers are written on a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NumberForm {
    /// As a person there would dial.
    #[default]
    Dialled,
    /// Type national or international, no prefixes.
    Typed,
    /// Country code and number.
    Digits,
    /// Country code and number after a plus.
    Plus,
}

/// `[analog]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Analog {
    /// What is taken for the answer of the called party where the line does not tell it.
    pub answer: AnswerSign,
    /// Milliseconds to wait for dial tone; 0: none is waited for.
    pub dial_tone_ms: u64,
    /// Dial even if no dial tone came.
    pub dial_anyway: bool,
    /// The exchange tells who calls, between the first and the second ring.
    pub caller_id: bool,
    /// A dropped battery is the far end's hang-up.
    pub hang_up_battery: bool,
    /// What a reversal of polarity in a call is.
    pub hang_up_reversal: ReversalSign,
    /// Busy, congestion and information tones are, or speak for it.
    pub hang_up_tones: bool,
    /// Dial tone in a call is.
    pub hang_up_dial_tone: bool,
    /// Seconds of silence on both sides that are; 0: no silence is.
    pub hang_up_silence_s: u64,
}

impl Default for Analog {
    fn default() -> Self {
        Analog {
            answer: AnswerSign::Voice,
            dial_tone_ms: 5_000,
            dial_anyway: false,
            caller_id: true,
            hang_up_battery: true,
            hang_up_reversal: ReversalSign::Doubted,
            hang_up_tones: true,
            hang_up_dial_tone: true,
            hang_up_silence_s: 60,
        }
    }
}

/// `[[telephone]]`: a telephone on a port of the box.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telephone {
    /// `dahdi 4/1`, or a whole span: `dahdi 4`.
    pub line: String,
    /// Shown as the caller of its calls.
    pub number: String,
    /// How it is told who calls.
    pub caller_id: TelephoneCallerId,
    /// How it rings when another telephone of the box calls.
    pub inside_ring: InsideRing,
    /// Milliseconds without battery when the far end has gone; 0: a tone alone tells it.
    pub disconnect_ms: u64,
    /// Seconds to the first digit.
    pub first_digit_s: u64,
    /// Seconds to the next one; then the number counts as whole.
    pub next_digit_s: u64,
}

impl Default for Telephone {
    fn default() -> Self {
        Telephone {
            line: String::new(),
            number: String::new(),
            caller_id: TelephoneCallerId::Country,
            inside_ring: InsideRing::Country,
            disconnect_ms: 500,
            first_digit_s: 16,
            next_digit_s: 8,
        }
    }
}

/// How a telephone rings for somebody of the house.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InsideRing {
    /// As for everybody.
    #[default]
    Country,
    /// Two short rings, and a pause.
    Double,
    /// Three.
    Triple,
}

/// How a telephone is told who calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TelephoneCallerId {
    /// As exchanges of the country do.
    #[default]
    Country,
    /// Bell 202 behind the first ring.
    Bell,
    /// V.23 behind the first ring.
    V23,
    /// V.23 with an alert tone before the first ring.
    V23Before,
    /// Keys before the first ring.
    DtmfBefore,
    /// Not at all.
    None,
}

/// What a reversal of polarity in a call is taken for, where none has marked its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReversalSign {
    /// Nothing.
    Ignored,
    /// A hang-up, once silence or another sign follows.
    #[default]
    Doubted,
    /// A hang-up.
    Certain,
}

/// What is taken for an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AnswerSign {
    /// A reversal of polarity only.
    Reversal,
    /// A voice after the ringing.
    #[default]
    Voice,
    /// The end of dialling.
    Dialled,
}
