//! What the machines of analogue lines take and give, as entries of the recorder. Digits and callers lose here what they
//! were: only how many digits they had goes on.

use tipring_analog::fxs::{self, Judgement, News, Tone};
use tipring_analog::{CallerId, Command, Event, Heard, Input, Level, Listen, Output, Sign};
use tipring_card::{Event as ChannelEvent, Hook, Micros};

use super::{Flight, Kind, What, each};

impl Flight {
    fn word(&mut self, now: Micros, kind: Kind, word: &'static str) {
        self.note(now, kind, What::Word(word));
    }

    /// The machine's state changed, or did not; `timed`: a time limit did it.
    pub fn state(&mut self, now: Micros, before: &'static str, after: &'static str, timed: bool) {
        if before != after {
            if timed {
                self.word(now, Kind::State, "its time is up");
            }
            self.word(now, Kind::State, after);
        }
    }

    /// What a line towards an exchange takes.
    pub fn line_takes(&mut self, now: Micros, input: &Input) {
        match input {
            Input::Opened => self.word(now, Kind::Channel, "opened"),
            Input::Lost => self.word(now, Kind::Channel, "the channel is gone"),
            Input::HookFailed => self.word(now, Kind::Hook, "the card refused it"),
            Input::Line(ChannelEvent::OnHook) => self.word(now, Kind::Event, "battery dropped"),
            Input::Line(ChannelEvent::RingOffHook) => self.word(now, Kind::Event, "a ring ended"),
            Input::Line(event) => self.event(now, *event),
            Input::Heard(heard) => self.heard(now, heard),
            Input::Command(command) => self.wish(now, command),
            // Told with the state that it brings.
            Input::Timer => {}
        }
    }

    /// What a line towards an exchange gives.
    pub fn line_gives(&mut self, now: Micros, output: &Output) {
        match output {
            Output::Hook(hook) => self.hook(now, *hook),
            Output::Audio(audio) => self.audio(now, *audio),
            Output::Listen(listen) => self.word(now, Kind::Audio, listens(*listen)),
            Output::Send(digits) => {
                self.digits = count(digits);
                self.note(now, Kind::Digits, What::Digits(self.digits, " are sent"));
            }
            Output::Event(Event::Suspected(evidence)) => self.note(now, Kind::Sign, What::Weighed(*evidence)),
            Output::Event(Event::Dispelled) => self.word(now, Kind::Sign, "a voice: that was no hang-up"),
            Output::Event(Event::Silent { .. }) => self.word(now, Kind::Sign, "silence will end the call"),
            Output::Event(Event::Ended { sign, .. }) => self.word(now, Kind::Sign, ended(*sign)),
            Output::Event(Event::Missed) => self.word(now, Kind::Sign, "the caller gave up"),
            Output::Event(Event::Glare) => self.word(now, Kind::Sign, "the seizure has met a ring"),
            Output::Event(Event::Connected(by)) => self.word(now, Kind::Sign, answered(*by)),
            // Told by what brings them.
            Output::Event(
                Event::Incoming { .. }
                | Event::Answered
                | Event::Dialled
                | Event::Ringback
                | Event::Messages(_)
                | Event::Idle,
            ) => {}
        }
    }

    /// What a port for a telephone takes.
    pub fn phone_takes(&mut self, now: Micros, input: &fxs::Input) {
        match input {
            fxs::Input::Opened => self.word(now, Kind::Channel, "opened"),
            fxs::Input::Lost => self.word(now, Kind::Channel, "the channel is gone"),
            fxs::Input::HookFailed => self.word(now, Kind::Hook, "the card refused it"),
            fxs::Input::Line(ChannelEvent::OnHook) => self.word(now, Kind::Event, "the telephone is put down"),
            fxs::Input::Line(ChannelEvent::RingOffHook) => self.word(now, Kind::Event, "the telephone is lifted"),
            fxs::Input::Line(event) => self.event(now, *event),
            fxs::Input::Key(_) => self.word(now, Kind::Digits, "a key"),
            fxs::Input::Told => self.word(now, Kind::Heard, "the telephone has been told"),
            fxs::Input::Judged(Judgement::Whole) => self.word(now, Kind::Digits, "the number is whole"),
            fxs::Input::Judged(Judgement::Nothing) => self.word(now, Kind::Digits, "no number begins so"),
            fxs::Input::Judged(Judgement::Beginning | Judgement::Perhaps) | fxs::Input::Timer => {}
            fxs::Input::Command(command) => self.word(now, Kind::Wish, phone_wish(command)),
        }
    }

    /// What a port for a telephone gives.
    pub fn phone_gives(&mut self, now: Micros, output: &fxs::Output) {
        match output {
            fxs::Output::Hook(hook) => self.hook(now, *hook),
            fxs::Output::Audio(audio) => self.audio(now, *audio),
            fxs::Output::Keys(true) => self.word(now, Kind::Audio, "listens for keys"),
            fxs::Output::Keys(false) => self.word(now, Kind::Audio, "leaves keys to the call"),
            fxs::Output::Play(tone) => self.word(now, Kind::Audio, tone.map_or("no tone", plays)),
            fxs::Output::Tell(News::Caller(_)) => self.word(now, Kind::Audio, "tells who calls"),
            fxs::Output::Tell(News::Waiting(_)) => self.word(now, Kind::Audio, "tells of messages"),
            fxs::Output::Event(fxs::Event::Dialled(digits)) => {
                self.digits = count(digits);
                self.note(now, Kind::Digits, What::Digits(self.digits, " were dialled"));
            }
            fxs::Output::Event(fxs::Event::Flash) => self.word(now, Kind::Event, "the hook was flashed"),
            fxs::Output::Event(fxs::Event::Busy) => self.word(now, Kind::Sign, "cannot be rung now"),
            fxs::Output::Event(_) | fxs::Output::Judge(_) => {}
        }
    }

    /// How loud the last second was.
    pub fn level(&mut self, now: Micros, level: Level) {
        self.loudest = Some(self.loudest.map_or(level, |known| each(known, level, i8::max)));
        self.note(now, Kind::Level, What::Loud { least: level, most: level });
    }

    fn event(&mut self, now: Micros, event: ChannelEvent) {
        match event {
            ChannelEvent::Pulse(_) => self.word(now, Kind::Digits, "a digit in pulses"),
            event => self.word(now, Kind::Event, event_word(event)),
        }
    }

    fn hook(&mut self, now: Micros, hook: Hook) {
        let word = match hook {
            Hook::OnHook => "on hook",
            Hook::OffHook => "off hook",
            Hook::Start => "seizes the line",
            Hook::Flash => "flashes",
            Hook::Ring => "rings the telephone",
            Hook::RingOff => "rings no more",
        };
        self.word(now, Kind::Hook, word);
    }

    fn audio(&mut self, now: Micros, audio: bool) {
        self.word(now, Kind::Audio, if audio { "audio on" } else { "audio off" });
    }

    fn heard(&mut self, now: Micros, heard: &Heard) {
        let word = match heard {
            Heard::Level(level) => return self.level(now, *level),
            Heard::CallerId(caller) => return self.note(now, Kind::Heard, caller_of(caller)),
            Heard::Silence(ms) => return self.note(now, Kind::Heard, What::Silent { both: false, ms: *ms }),
            Heard::BothSilent(ms) => return self.note(now, Kind::Heard, What::Silent { both: true, ms: *ms }),
            Heard::BadCallerId => "a caller id that makes no sense",
            Heard::MessageWaiting(_) => "news of messages",
            Heard::DialTone => "dial tone",
            Heard::Dialled => "the digits are out",
            Heard::Broken => "the digits were broken off",
            Heard::Ringback => "ringback",
            Heard::Busy => "busy tone",
            Heard::Congestion => "congestion tone",
            Heard::Information => "information tone",
            Heard::Howler => "the howler",
            Heard::Voice => "a voice",
            Heard::Key(_) => "a key",
            Heard::Told => "told",
        };
        self.word(now, Kind::Heard, word);
    }

    fn wish(&mut self, now: Micros, command: &Command) {
        match command {
            Command::Answer => self.word(now, Kind::Wish, "answer"),
            Command::Dial(digits) => self.note(now, Kind::Wish, What::Digits(count(digits), " to be dialled")),
            Command::Hangup => self.word(now, Kind::Wish, "hang up"),
            Command::SilenceCounts(true) => self.word(now, Kind::Wish, "silence counts"),
            Command::SilenceCounts(false) => self.word(now, Kind::Wish, "silence does not count"),
        }
    }
}

/// Pauses are no digits.
fn count(digits: &str) -> u8 {
    let digits = digits.chars().filter(|c| !matches!(c, 'w' | 'W')).count();
    u8::try_from(digits).unwrap_or(u8::MAX)
}

fn caller_of(caller: &CallerId) -> What {
    What::Caller {
        digits: caller.number.as_ref().map_or(0, |number| count(number)),
        name: caller.name.is_some(),
        restricted: caller.restricted,
    }
}

fn event_word(event: ChannelEvent) -> &'static str {
    match event {
        ChannelEvent::OnHook => "on hook",
        ChannelEvent::RingOffHook => "off hook",
        ChannelEvent::WinkFlash => "a wink or flash",
        ChannelEvent::Alarm => "alarm",
        ChannelEvent::AlarmCleared => "alarm over",
        ChannelEvent::DialComplete => "the card's digits are out",
        ChannelEvent::HookComplete => "the hook has moved",
        ChannelEvent::BitsChanged => "bits changed",
        ChannelEvent::Polarity => POLARITY,
        ChannelEvent::RingBegin => "a ring begins",
        ChannelEvent::RingerOn => "the ringer sounds",
        ChannelEvent::RingerOff => "the ringer pauses",
        ChannelEvent::Removed => "the channel is taken away",
        ChannelEvent::HdlcAbort | ChannelEvent::HdlcOverrun | ChannelEvent::HdlcBadFcs => "a bad frame",
        ChannelEvent::Pulse(_) | ChannelEvent::Other(_) => "an unknown event",
    }
}

/// The summary looks for it.
pub(super) const POLARITY: &str = "polarity reversed";

fn listens(listen: Listen) -> &'static str {
    match listen {
        Listen::Off => "listens for nothing",
        Listen::CallerId => "listens for caller id",
        Listen::DialTone => "listens for dial tone",
        Listen::Progress => "listens for progress",
        Listen::Keys => "listens for keys",
        Listen::Hangup => "listens for a hang-up",
        Listen::Level => "listens for the level alone",
    }
}

fn ended(sign: Sign) -> &'static str {
    match sign {
        Sign::Ours => "ended: we hung up",
        sign => sign.text(),
    }
}

fn answered(by: tipring_card::Supervision) -> &'static str {
    match by {
        tipring_card::Supervision::Connect => "answered",
        tipring_card::Supervision::Reversal => "answered, told by a reversal",
        _ => "answered, as we guess",
    }
}

fn phone_wish(command: &fxs::Command) -> &'static str {
    match command {
        fxs::Command::Ring { .. } => "ring",
        fxs::Command::Alerting => "ringback",
        fxs::Command::Through => "through",
        fxs::Command::Hangup(_) => "hang up",
        fxs::Command::MessageWaiting(true) => "tell that messages wait",
        fxs::Command::MessageWaiting(false) => "tell that no messages wait",
    }
}

fn plays(tone: Tone) -> &'static str {
    match tone {
        Tone::Dial => "plays dial tone",
        Tone::Stutter => "plays stuttering dial tone",
        Tone::Ringback => "plays ringback",
        Tone::Busy => "plays busy tone",
        Tone::Congestion => "plays congestion tone",
        Tone::Howler => "plays the howler",
    }
}
