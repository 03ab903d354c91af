//! The words between an analogue line, its audio side and whoever owns both: plain values, no behaviour.

use tipring_card::{Cause, Event as LineEvent, Hook, Micros, Supervision};
use tipring_dsp::ZoneId;

/// Longest string of digits that is dialled; pauses count.
pub const MAX_DIGITS: usize = 40;
/// Longest name of a caller: GR-30 allows 15 characters, others more.
pub const MAX_NAME: usize = 48;

/// Digits to be dialled: `0`–`9`, `*`, `#`, `A`–`D`; `w` waits half a second, `W` one second.
pub type Digits = heapless::String<MAX_DIGITS>;
/// A caller's name.
pub type Name = heapless::String<MAX_NAME>;

/// How a line is to be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Whose tones are heard.
    pub zone: ZoneId,
    /// What counts as the answer of the called party when the line does not say it.
    pub answer: AnswerSign,
    /// Wait for dial tone for at most this long before dialling; zero: dial after [`Config::dial_pause`].
    pub dial_tone_limit: Micros,
    /// Without waiting for dial tone: from the seizure to the first digit.
    pub dial_pause: Micros,
    /// No dial tone within the limit: dial nevertheless (else the call fails).
    pub dial_anyway: bool,
    /// Caller id comes between the first and second ring.
    pub caller_id: bool,
    /// The rest after an on-hook before the line is used again.
    pub guard: Micros,
    /// Signs of the far end's hang-up that count on this line.
    pub trusted: Trusted,
    /// Nobody is taken to be there when both sides have been silent for so long in a call; zero: never.
    pub silence_limit: Micros,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            zone: ZoneId::default(),
            answer: AnswerSign::Voice,
            dial_tone_limit: Micros::from_s(5),
            dial_pause: Micros::from_s(1),
            dial_anyway: false,
            caller_id: true,
            guard: Micros::from_s(2),
            trusted: Trusted::default(),
            silence_limit: Micros::from_s(60),
        }
    }
}

/// Which signs of a hang-up count. One that does not is noted and ends no call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// The exchange drops the battery.
    pub battery: bool,
    /// Polarity goes back.
    pub reversal: Reversal,
    /// Busy and congestion tone, and the information tones.
    pub tones: bool,
    /// Dial tone in the middle of a call.
    pub dial_tone: bool,
}

impl Default for Trusted {
    fn default() -> Self {
        Trusted { battery: true, reversal: Reversal::Doubted, tones: true, dial_tone: true }
    }
}

/// What a reversal of polarity says about the end of a call, where none has marked its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reversal {
    /// Nothing, not even after one that marked the answer.
    Ignored,
    /// The end, if silence or another sign follows; a voice takes it back. After one that marked the answer it is certain.
    #[default]
    Doubted,
    /// The end: the line is known to reverse at a hang-up.
    Certain,
}

/// What is taken for the answer, where neither polarity nor pulse tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswerSign {
    /// Only a reversal of polarity will do; without one the call rings until the caller gives up.
    Reversal,
    /// A reversal, else: ringing has stopped and a voice is heard, or nothing for long enough.
    #[default]
    Voice,
    /// A reversal, else the end of dialling.
    Dialled,
}

/// What happens to a line.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The channel is open, on hook; rings are heard from now on.
    Opened,
    /// An event of the channel.
    Line(LineEvent),
    /// The hook action that was asked for was refused.
    HookFailed,
    /// Something was heard.
    Heard(Heard),
    /// The owner wants something.
    Command(Command),
    /// The channel is gone.
    Lost,
    /// The deadline has come.
    Timer,
}

/// What the owner of a line wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Take the ringing call.
    Answer,
    /// Seize the line and dial.
    Dial(Digits),
    /// Give the line up; nothing if it is idle. An unanswered ring is ignored from now on: a line cannot refuse.
    Hangup,
    /// Whether silence may end the present call: not while it is held, in a queue or in a room. Its time begins anew.
    SilenceCounts(bool),
}

/// What a line wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Move our hook.
    Hook(Hook),
    /// Bring the channel to the audio side with a [`Handset`] (`true`), or take it back (`false`).
    Audio(bool),
    /// For the handset: listen so from now on.
    Listen(Listen),
    /// For the handset: send these digits; it tells [`Heard::Dialled`] after the last.
    Send(Digits),
    /// For the owner.
    Event(Event),
}

/// What the owner of a line is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// It rings, and all that the line will say about the caller is known.
    Incoming {
        /// Who calls.
        caller: CallerId,
    },
    /// The caller gave up before we answered.
    Missed,
    /// We have answered the ringing call: audio flows.
    Answered,
    /// A dialling seizure met a ringing call and answered it; [`Event::Incoming`] follows at once.
    Glare,
    /// The digits are out; what the exchange sends can be heard.
    Dialled,
    /// The called party rings (ringback was heard).
    Ringback,
    /// The called party has answered.
    Connected(Supervision),
    /// The exchange says on hook whether messages wait for the line's user.
    Messages(bool),
    /// Something speaks for it that the far end has gone and is not enough alone; [`Event::Ended`] follows when there is
    /// enough.
    Suspected(Evidence),
    /// A voice has taken back what spoke for the end.
    Dispelled,
    /// Both sides are silent; the call ends after so many milliseconds more.
    Silent {
        /// Until then.
        left_ms: u32,
    },
    /// The call is over: the far end has gone, or it could not be made. We are on hook.
    Ended {
        /// Q.850 cause.
        cause: Cause,
        /// What told us.
        sign: Sign,
    },
    /// The line may be used again.
    Idle,
}

/// One thing that speaks for the end of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What it is.
    pub sign: Sign,
    /// How much it says by itself: 100 is enough.
    pub weight: u8,
    /// All that has been said so far, this included.
    pub sum: u8,
}

/// What told us of the end of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// We hung up ourselves.
    Ours,
    /// The exchange dropped the battery.
    BatteryDrop,
    /// Polarity went back.
    Reversal,
    /// The country's busy tone, alone and in its rhythm.
    BusyTone,
    /// The country's congestion tone.
    CongestionTone,
    /// Dial tone: the exchange has given us a fresh line.
    DialTone,
    /// No dial tone came.
    NoDialTone,
    /// Digits may have reached the exchange with a gap in them: what was dialled is not known.
    BrokenDigits,
    /// The called party could not be reached: three rising tones.
    InformationTone,
    /// The far end says nothing any more. Never enough alone.
    Quiet,
    /// Neither side has said anything for as long as the line allows.
    Silence,
    /// The howler: the exchange takes our telephone for one that was left off hook.
    Howler,
    /// The ring was another call's: we yielded.
    Glare,
    /// The line could not be had: the card refused the hook or never finished it, or the line was at rest.
    Refused,
    /// The channel was lost.
    Lost,
}

impl Sign {
    /// In words, for the timeline and the call's record.
    pub const fn text(self) -> &'static str {
        match self {
            Sign::Ours => "hung up",
            Sign::BatteryDrop => "battery drop",
            Sign::Reversal => "polarity reversal",
            Sign::BusyTone => "busy tone",
            Sign::CongestionTone => "congestion tone",
            Sign::DialTone => "dial tone",
            Sign::NoDialTone => "no dial tone",
            Sign::BrokenDigits => "broken off while dialling: the audio was late and a digit may have had a gap",
            Sign::InformationTone => "information tone",
            Sign::Quiet => "the far end is quiet",
            Sign::Silence => "silence on both sides",
            Sign::Howler => "off-hook warning",
            Sign::Glare => "an incoming call has the line",
            Sign::Refused => "the line could not be had",
            Sign::Lost => "the line is gone",
        }
    }

    /// Whether it tells of the far end, and not of us or of the line.
    pub const fn is_evidence(self) -> bool {
        match self {
            Sign::BatteryDrop
            | Sign::Reversal
            | Sign::BusyTone
            | Sign::CongestionTone
            | Sign::DialTone
            | Sign::InformationTone
            | Sign::Silence
            | Sign::Howler => true,
            Sign::Ours
            | Sign::NoDialTone
            | Sign::BrokenDigits
            | Sign::Quiet
            | Sign::Glare
            | Sign::Refused
            | Sign::Lost => false,
        }
    }

    /// As records and applications have it.
    pub const fn word(self) -> &'static str {
        match self {
            Sign::Ours => "ours",
            Sign::BatteryDrop => "battery-drop",
            Sign::Reversal => "reversal",
            Sign::BusyTone => "busy-tone",
            Sign::CongestionTone => "congestion-tone",
            Sign::DialTone => "dial-tone",
            Sign::NoDialTone => "no-dial-tone",
            Sign::BrokenDigits => "broken-digits",
            Sign::InformationTone => "information-tone",
            Sign::Quiet => "quiet",
            Sign::Silence => "silence",
            Sign::Howler => "howler",
            Sign::Glare => "glare",
            Sign::Refused => "refused",
            Sign::Lost => "lost",
        }
    }
}

/// What a line says about a caller. Nothing of it is certain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerId {
    /// Digits as they came.
    pub number: Option<Digits>,
    /// Name as it came.
    pub name: Option<Name>,
    /// The caller withholds the number.
    pub restricted: bool,
    /// The network has no number to tell, and said so: another network's caller, a payphone.
    pub unavailable: bool,
    /// The caller withholds the name.
    pub name_restricted: bool,
    /// The network has no name to tell, and said so.
    pub name_unavailable: bool,
    /// How it came over the line; `None` until a message came.
    pub form: Option<CallerIdForm>,
}

/// How a caller id came over a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerIdForm {
    /// Keyed at 1200 bit/s with the frequencies of Bell 202.
    Bell202,
    /// Keyed at 1200 bit/s with the frequencies of V.23.
    V23,
    /// Digits between a start and an end code.
    Dtmf,
}

/// What a handset listens for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listen {
    /// Nothing.
    #[default]
    Off,
    /// Caller id while the line is on hook.
    CallerId,
    /// Dial tone.
    DialTone,
    /// Call progress after dialling: ringback, busy, congestion, information tones, voice, silence.
    Progress,
    /// Keys of a telephone that dials on a port of ours.
    Keys,
    /// The signs of hang-up during a call: the network's tones, a voice, silence of one side and of both.
    Hangup,
    /// Nothing but how loud it is.
    Level,
}

impl Listen {
    /// Whether [`Heard::Level`] is told.
    pub(crate) const fn has_levels(self) -> bool {
        matches!(self, Listen::Progress | Listen::Hangup | Listen::Level)
    }
}

/// How loud one second of a line was: the mean of it, in whole dBm0, -96 for nothing at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// What came.
    pub from_line: i8,
    /// What went.
    pub to_line: i8,
}

/// What a handset has heard or done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A whole caller id message with a good check sum.
    CallerId(CallerId),
    /// A caller id message with a bad check sum, or one that makes no sense.
    BadCallerId,
    /// Messages wait for this line's user, or wait no more.
    MessageWaiting(bool),
    /// Dial tone, for long enough to be certain.
    DialTone,
    /// The last digit is out, on the wire too, and none of them had a gap.
    Dialled,
    /// The digits were broken off, as one may have had a gap on the wire; the rest was not sent.
    Broken,
    /// A ringback burst ended.
    Ringback,
    /// Busy tone, certain.
    Busy,
    /// Congestion tone, certain.
    Congestion,
    /// Special information tone.
    Information,
    /// The howler.
    Howler,
    /// A voice, or any sound that is no tone of the network, for long enough.
    Voice,
    /// Nothing at all for this many milliseconds, told every second.
    Silence(u32),
    /// Nothing from either side for this many milliseconds, told every second. In a call only.
    BothSilent(u32),
    /// How loud the last second was, told every second of a call and of its progress. For people: it decides nothing.
    Level(Level),
    /// A key of a telephone on a port of ours.
    Key(u8),
    /// A telephone has been told what it was to be told.
    Told,
}
