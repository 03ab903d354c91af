//! The words between a port for a telephone, its audio side and whoever owns both: plain values, no behaviour.

use tipring_card::{Event as LineEvent, Hook, Micros};
use tipring_dsp::ZoneId;

use crate::teller::Manner;
use crate::words::{CallerId, Digits};

/// How a port works.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Whose tones and whose ring the telephone has.
    pub zone: ZoneId,
    /// How and when the telephone is told who calls.
    pub caller_id: Telling,
    /// From dial tone to the first digit; then congestion tone.
    pub first_digit: Micros,
    /// From a digit to the next one while the number cannot be whole yet; then it is taken as it is.
    pub next_digit: Micros,
    /// From a digit to the next one where the number may be whole already.
    pub whole_number: Micros,
    /// The battery is taken away for so long when the far end has gone; zero: it is not, a tone alone tells it.
    pub disconnect: Micros,
    /// Dialled as soon as the telephone is lifted; empty: the user dials.
    pub hotline: Digits,
    /// Nobody holds it: it hangs up when its battery is taken away. So that happens behind a short tone, where a user would
    /// be left with the tone.
    pub hands_free: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            zone: ZoneId::default(),
            caller_id: Telling::default(),
            first_digit: Micros::from_s(16),
            next_digit: Micros::from_s(8),
            whole_number: Micros::from_s(3),
            disconnect: Micros::from_ms(500),
            hotline: Digits::new(),
            hands_free: false,
        }
    }
}

/// How and when a telephone is told who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// Not at all.
    Never,
    /// In the pause behind the first ring.
    AfterRing(Manner),
    /// Before the first ring.
    BeforeRing(Manner),
}

impl Default for Telling {
    /// As in North America.
    fn default() -> Self {
        Telling::AfterRing(Manner::default())
    }
}

/// What happens to a port.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The channel is open; the telephone is taken to be on hook.
    Opened,
    /// An event of the channel.
    Line(LineEvent),
    /// The hook action that was asked for was refused.
    HookFailed,
    /// A key was pressed: an octet of `0`–`9`, `*`, `#`, `A`–`D`.
    Key(u8),
    /// What [`Output::Tell`] said is out.
    Told,
    /// What the digits so far are, in answer to [`Output::Judge`].
    Judged(Judgement),
    /// The owner wants something.
    Command(Command),
    /// The channel is gone.
    Lost,
    /// The deadline has come.
    Timer,
}

/// What digits may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The beginning of a number.
    Beginning,
    /// A number, or the beginning of a longer one.
    Perhaps,
    /// A whole number, and nothing longer begins with it.
    Whole,
    /// No number begins with them.
    Nothing,
}

/// What the owner of a port wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Ring the telephone.
    Ring {
        /// Who calls.
        caller: CallerId,
        /// On and off in turn, in milliseconds; empty: the country's. A ring that tells something by its rhythm.
        rhythm_ms: &'static [u16],
    },
    /// The called party of a dialled number rings: the telephone hears ringback.
    Alerting,
    /// The telephone hears what the far end sends, answered or not.
    Through,
    /// The call is over. A ring stops; a telephone that is off hook is told so by its battery, then by this tone.
    Hangup(Tone),
    /// Messages wait for the user of the telephone, or wait no more.
    MessageWaiting(bool),
}

/// What a telephone hears of its exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tone {
    /// A number may be dialled.
    Dial,
    /// The same, and messages wait: dial tone that stutters at its beginning.
    Stutter,
    /// The called telephone rings.
    Ringback,
    /// The called telephone is busy.
    Busy,
    /// The call cannot be made, or is over.
    Congestion,
    /// The telephone was left off hook.
    Howler,
}

/// What a port wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Move our side of the loop.
    Hook(Hook),
    /// Bring the channel to the audio side (`true`), or take it back (`false`).
    Audio(bool),
    /// Listen for keys, or leave them to the call.
    Keys(bool),
    /// The telephone hears this in place of the call; `None`: the call.
    Play(Option<Tone>),
    /// Send this to the telephone; [`Input::Told`] follows.
    Tell(News),
    /// What are these digits?
    Judge(Digits),
    /// For the owner.
    Event(Event),
}

/// What a telephone on hook is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Who calls.
    Caller(CallerId),
    /// Whether messages wait.
    Waiting(bool),
}

/// What the owner of a port is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The telephone was lifted and has dial tone.
    Lifted,
    /// A number was dialled: a call begins.
    Dialled(Digits),
    /// The ringing telephone was lifted.
    Answered,
    /// It cannot be rung now; no call has begun.
    Busy,
    /// The hook was flashed during a call.
    Flash,
    /// The call is over, for this reason. After our own [`Command::Hangup`] too.
    Ended(Reason),
    /// The telephone is on hook and may be rung.
    Idle,
}

/// Why a call of a telephone is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The telephone was put down.
    OnHook,
    /// We ended it.
    Ours,
    /// The port is gone.
    Lost,
}
