//! Nouns of a line: spans, channels, laws, events, alarms, causes. Units stand in the names.

use alloc::string::String;

/// A span of one card, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(pub u16);

/// A channel of one card, counted from 1 over all its spans (DAHDI's channel number).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub u16);

/// What kind of line a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpanKind {
    /// 2.048 Mbit/s, 31 timeslots for the user.
    E1,
    /// 1.544 Mbit/s, 24 timeslots.
    T1,
    /// Analogue ports.
    Analog,
}

/// The coding of a channel's octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Law {
    /// A-law (E1 countries). Silence is 0xD5.
    A,
    /// µ-law (T1 countries). Silence is 0xFF.
    Mu,
}

impl Law {
    /// The octet that is silence on the wire.
    pub const fn silence(self) -> u8 {
        match self {
            Law::A => 0xD5,
            Law::Mu => 0xFF,
        }
    }
}

/// How a channel is configured to signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signalling {
    /// A bearer channel of a PRI: 64 kbit/s clear, audio when set so.
    Bearer,
    /// A D channel: HDLC frames, two FCS octets at the end of each.
    Hdlc,
    /// The office end of a loop seen from us: an FXO port (configured with FXS signalling): kewlstart, ground start, or loop
    /// start, on which no drop of the battery is told.
    FxsKs,
    /// A port towards a telephone: an FXS port (configured with FXO signalling): kewlstart, ground start for a PBX, or loop
    /// start, which can tell a telephone of the far end's hang-up by a tone alone.
    FxoKs,
    /// Channel-associated ABCD bits (MFC/R2).
    Cas,
    /// A signalling that this build does not drive, with the driver's own number for it.
    Other(u32),
}

/// What a channel is to be used as: what a card is told where [`Signalling`] is what it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Use {
    /// A bearer channel of a PRI.
    Bearer,
    /// Its D channel.
    DChannel,
    /// A line towards an exchange, which drops the battery when the far end has hung up.
    Fxo,
    /// The same with an exchange that does not.
    FxoLoopStart,
    /// A line towards an exchange that is seized by grounding one wire, answers that by grounding the other, and opens it
    /// again when the far end has hung up: nobody takes a line on which a call is just coming in.
    FxoGroundStart,
    /// A port for a telephone, whose battery is dropped when the far end has hung up.
    Fxs,
    /// The same without that.
    FxsLoopStart,
    /// A port for a PBX whose trunk is seized by grounding a wire.
    FxsGroundStart,
    /// Nothing.
    Unused,
}

impl Use {
    /// All of them.
    pub const ALL: [Use; 9] = [
        Use::Bearer,
        Use::DChannel,
        Use::Fxo,
        Use::FxoLoopStart,
        Use::FxoGroundStart,
        Use::Fxs,
        Use::FxsLoopStart,
        Use::FxsGroundStart,
        Use::Unused,
    ];

    /// As configurations have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Use::Bearer => "bearer",
            Use::DChannel => "d-channel",
            Use::Fxo => "fxo",
            Use::FxoLoopStart => "fxo-loop",
            Use::FxoGroundStart => "fxo-ground",
            Use::Fxs => "fxs",
            Use::FxsLoopStart => "fxs-loop",
            Use::FxsGroundStart => "fxs-ground",
            Use::Unused => "unused",
        }
    }

    /// How a channel of this use signals; `None`: it does not.
    pub const fn signalling(self) -> Option<Signalling> {
        match self {
            Use::Bearer => Some(Signalling::Bearer),
            Use::DChannel => Some(Signalling::Hdlc),
            Use::Fxo | Use::FxoLoopStart | Use::FxoGroundStart => Some(Signalling::FxsKs),
            Use::Fxs | Use::FxsLoopStart | Use::FxsGroundStart => Some(Signalling::FxoKs),
            Use::Unused => None,
        }
    }
}

/// A loop or a test on a digital span, for finding out where a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Maintenance {
    /// Neither loop nor test.
    Off,
    /// What we send comes back to us within the card.
    LocalLoop,
    /// What the far end sends goes back to it, as pulses.
    LineLoop,
    /// The same, framed anew.
    PayloadLoop,
    /// The far end is asked to loop.
    LoopUp,
    /// The far end is asked to stop that.
    LoopDown,
    /// A pseudo-random pattern is sent and looked for; wrong bits are counted as [`SpanErrors::bit`].
    TestPattern,
    /// Error counters begin at 0.
    ResetCounters,
}

impl Maintenance {
    /// All of them.
    pub const ALL: [Maintenance; 8] = [
        Maintenance::Off,
        Maintenance::LocalLoop,
        Maintenance::LineLoop,
        Maintenance::PayloadLoop,
        Maintenance::LoopUp,
        Maintenance::LoopDown,
        Maintenance::TestPattern,
        Maintenance::ResetCounters,
    ];

    /// As people write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Maintenance::Off => "off",
            Maintenance::LocalLoop => "local-loop",
            Maintenance::LineLoop => "line-loop",
            Maintenance::PayloadLoop => "payload-loop",
            Maintenance::LoopUp => "loop-up",
            Maintenance::LoopDown => "loop-down",
            Maintenance::TestPattern => "test-pattern",
            Maintenance::ResetCounters => "reset-counters",
        }
    }

    /// Whether calls on the span suffer from it.
    pub const fn disturbs(self) -> bool {
        !matches!(self, Maintenance::Off | Maintenance::LoopDown | Maintenance::ResetCounters)
    }
}

/// One channel of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Its number on the card.
    pub id: ChannelId,
    /// The span that it belongs to.
    pub span: SpanId,
    /// Its timeslot in the span, from 1 (on E1 the D channel is 16).
    pub timeslot: u8,
    /// How it signals.
    pub signalling: Signalling,
    /// The law of its octets.
    pub law: Law,
}

/// One span of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanInfo {
    /// Its number on the card.
    pub id: SpanId,
    /// E1, T1, analogue.
    pub kind: SpanKind,
    /// The driver's name for it, for people.
    pub name: String,
}

/// The state of a span's receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanStatus {
    /// What is wrong at the moment.
    pub alarms: Alarms,
    /// Slips, code violations and CRC errors since the card was started.
    pub errors: u32,
    /// The same by kind, as far as the card tells kinds apart.
    pub kinds: SpanErrors,
}

/// Errors of a span since the card was started. What a card does not count stays 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SpanErrors {
    /// Bipolar violations.
    pub bpv: u32,
    /// Blocks with a wrong CRC-4 (CRC-6 on T1).
    pub crc4: u32,
    /// Blocks of which the far end told that their CRC was wrong.
    pub ebit: u32,
    /// Frame alignment signals with an error.
    pub fas: u32,
    /// Framing errors: a frame of which the alignment was wrong.
    pub framing: u32,
    /// Code violations.
    pub code: u32,
    /// Wrong bits of a test pattern.
    pub bit: u32,
    /// Seconds with an error in them.
    pub seconds: u32,
    /// Interrupts that the host did not serve in time.
    pub irq_miss: u32,
}
crate::name_counters!(SpanErrors: bpv, crc4, ebit, fas, framing, code, bit, seconds, irq_miss);

/// Alarm bits, DAHDI's values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Alarms(pub u32);

impl Alarms {
    /// No alarm.
    pub const NONE: Alarms = Alarms(0);
    /// Loss of signal or frame at our receiver.
    pub const RED: Alarms = Alarms(8);
    /// The far end says that it does not hear us.
    pub const YELLOW: Alarms = Alarms(4);
    /// All ones from the network.
    pub const BLUE: Alarms = Alarms(16);

    /// Whether the span cannot carry calls. Yellow counts: what we send is not heard.
    pub const fn is_down(self) -> bool {
        self.0 & (Self::RED.0 | Self::YELLOW.0 | Self::BLUE.0 | 32 | 256 | 512 | 1024) != 0
    }
}

/// Something that happened on a channel, other than audio. A channel keeps 63 of them; what comes after is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The far end went on hook (on an FXO port: battery lost while off hook).
    OnHook,
    /// The far end went off hook, or a ring burst ended on an FXO port.
    RingOffHook,
    /// A wink or a flash.
    WinkFlash,
    /// The span went into alarm.
    Alarm,
    /// The span left the alarm.
    AlarmCleared,
    /// HDLC: seven ones in a row in a frame.
    HdlcAbort,
    /// HDLC: a frame larger than the buffer.
    HdlcOverrun,
    /// HDLC: a frame with a wrong check sum.
    HdlcBadFcs,
    /// The digits given to `dial` are out.
    DialComplete,
    /// A hook transition that was in progress is done.
    HookComplete,
    /// ABCD bits changed.
    BitsChanged,
    /// The polarity of a loop was reversed.
    Polarity,
    /// A ring burst begins.
    RingBegin,
    /// Our ringer sounds (a port towards a telephone).
    RingerOn,
    /// Our ringer pauses.
    RingerOff,
    /// A telephone has dialled this digit in pulses: an octet of `0`–`9`.
    Pulse(u8),
    /// The channel is being taken away.
    Removed,
    /// A code this build has no word for: counted, logged, passed over.
    Other(u32),
}

/// What our end of a loop does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hook {
    /// Open the loop.
    OnHook,
    /// Close the loop (answer).
    OffHook,
    /// Seize the line for dialling.
    Start,
    /// Flash the hook.
    Flash,
    /// Ring the telephone (FXS ports).
    Ring,
    /// Stop ringing.
    RingOff,
}

/// What told us that the called party has answered, best first. Only the first two are certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Supervision {
    /// The network said so: Q.931 CONNECT, a metering pulse.
    Connect,
    /// The exchange reversed the polarity of the loop.
    Reversal,
    /// A guess: ringing stopped and somebody is heard.
    GuessedVoice,
    /// A guess: ringing stopped and nothing came after it.
    GuessedSilence,
    /// A guess: the digits are out, and that has to do.
    GuessedDialled,
}

impl Supervision {
    /// All of them.
    pub const ALL: [Supervision; 5] = [
        Supervision::Connect,
        Supervision::Reversal,
        Supervision::GuessedVoice,
        Supervision::GuessedSilence,
        Supervision::GuessedDialled,
    ];

    /// As applications and records have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Supervision::Connect => "connect",
            Supervision::Reversal => "reversal",
            Supervision::GuessedVoice => "guessed-voice",
            Supervision::GuessedSilence => "guessed-silence",
            Supervision::GuessedDialled => "guessed-dialled",
        }
    }

    /// How sure that is, in percent, as far as it can be said without knowing the line. A reversal may come of the
    /// seizure's own disturbance; a voice may be an announcement of the network; the end of dialling says nothing at all
    /// about the called party.
    pub const fn certainty_percent(self) -> u8 {
        match self {
            Supervision::Connect => 100,
            Supervision::Reversal => 98,
            Supervision::GuessedVoice => 80,
            Supervision::GuessedSilence => 60,
            Supervision::GuessedDialled => 20,
        }
    }
}

/// A Q.850 cause value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cause(pub u8);

impl Cause {
    /// Unallocated number.
    pub const UNALLOCATED: Cause = Cause(1);
    /// Normal call clearing.
    pub const NORMAL: Cause = Cause(16);
    /// User busy.
    pub const USER_BUSY: Cause = Cause(17);
    /// No user responding.
    pub const NO_USER_RESPONDING: Cause = Cause(18);
    /// No answer from user (alerted).
    pub const NO_ANSWER: Cause = Cause(19);
    /// Call rejected.
    pub const REJECTED: Cause = Cause(21);
    /// Destination out of order.
    pub const OUT_OF_ORDER: Cause = Cause(27);
    /// No circuit or channel available.
    pub const NO_CHANNEL: Cause = Cause(34);
    /// Network out of order.
    pub const NETWORK_OUT_OF_ORDER: Cause = Cause(38);
    /// Temporary failure.
    pub const TEMPORARY_FAILURE: Cause = Cause(41);
    /// Switching equipment congestion.
    pub const CONGESTION: Cause = Cause(42);
    /// Requested circuit or channel not available.
    pub const CHANNEL_UNAVAILABLE: Cause = Cause(44);
    /// Recovery on timer expiry.
    pub const TIMER_EXPIRY: Cause = Cause(102);

    /// The words of Q.850 for it, for people.
    pub const fn text(self) -> &'static str {
        match self.0 {
            1 => "unallocated number",
            2 => "no route to transit network",
            3 => "no route to destination",
            16 => "normal call clearing",
            17 => "user busy",
            18 => "no user responding",
            19 => "no answer from user",
            20 => "subscriber absent",
            21 => "call rejected",
            22 => "number changed",
            26 => "non-selected user clearing",
            27 => "destination out of order",
            28 => "invalid number format",
            29 => "facility rejected",
            30 => "response to status enquiry",
            31 => "normal, unspecified",
            34 => "no circuit available",
            38 => "network out of order",
            41 => "temporary failure",
            42 => "switching equipment congestion",
            43 => "access information discarded",
            44 => "requested circuit not available",
            47 => "resource unavailable",
            50 => "facility not subscribed",
            57 => "bearer capability not authorised",
            58 => "bearer capability not available",
            63 => "service not available",
            65 => "bearer capability not implemented",
            69 => "facility not implemented",
            79 => "service not implemented",
            81 => "invalid call reference",
            82 => "identified channel does not exist",
            88 => "incompatible destination",
            95 => "invalid message",
            96 => "mandatory information element missing",
            97 => "message type not implemented",
            98 => "message not compatible with call state",
            99 => "information element not implemented",
            100 => "invalid information element contents",
            101 => "message not compatible with call state",
            102 => "recovery on timer expiry",
            111 => "protocol error",
            127 => "interworking, unspecified",
            _ => "unknown cause",
        }
    }
}
