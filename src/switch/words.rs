//! What the switch is told and what it tells: plain values of a fixed size, so that both ways go through bounded queues
//! with no allocation on the media thread. Audio travels by value, a block or two at a time.

use tipring_card::{Block, Law};
use tipring_dsp::ZoneId;

/// A port: one channel's place in the matrix, an index below the switch's capacity. The generation tells one call's use
/// of the port from the next one's, so that a late command cannot touch the wrong call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Port {
    /// Place in the matrix.
    pub index: u16,
    /// Counts the uses of the place.
    pub generation: u32,
}

/// One playing, unique over the switch's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlayId(pub u64);

/// One recording, unique over the switch's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TapId(pub u64);

/// One room: ports that hear each other, unique over the switch's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(pub u32);

/// Most octets that one [`Command::Feed`] carries: 20 ms.
pub const FEED: usize = 160;

/// Octets that a port holds ahead of its player: 2 s. [`Event::Room`] says when it may be refilled.
pub const PLAY_BUFFER: usize = 16_000;

/// A tone that the switch makes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Record's beep: 1 kHz, 250 ms, once.
    Beep,
    /// One DTMF key, 80 ms on, 80 ms off.
    Key(u8),
    /// Silence of this many blocks, so that a string of keys may hold pauses.
    Silence(u16),
    /// The country's ringback, from the beginning of its rhythm, until the playing is stopped.
    Ringback(ZoneId),
    /// The country's congestion tone, likewise: what is left to be told without a voice.
    Congestion(ZoneId),
}

/// What the switch is told. A command for a port whose generation is over is dropped and counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Command {
    /// A channel joins the matrix with its law; hears silence until told otherwise; its keys are detected.
    Attach {
        /// The new use of the place.
        port: Port,
        /// Law of its octets, both ways.
        law: Law,
    },
    /// A place without a channel joins the matrix: what is played there is what it says, what it hears goes to its taps.
    /// It is a voice of the box in a room (an announcement, a beep), and the ear of a recording of the room.
    AttachSource {
        /// The new use of the place.
        port: Port,
        /// Law of what is fed to it and of its taps.
        law: Law,
    },
    /// The port takes a seat in a room, or changes what its seat may. Who may talk is heard by everybody there who may
    /// hear, but himself. A port sits in one room at most; it leaves the old one in the same moment.
    Join {
        /// Who.
        port: Port,
        /// Where.
        room: RoomId,
        /// Hears those who talk.
        hears: bool,
        /// Is heard by those who hear.
        talks: bool,
    },
    /// The port's seat is free. Crosspoints that were made with [`Command::Connect`] stay.
    Leave {
        /// Who.
        port: Port,
    },
    /// The channel leaves; its playing and taps end with events.
    Detach {
        /// Which.
        port: Port,
    },
    /// A new playing takes the port's player (one that still runs ends first). Sound starts when two blocks have been
    /// fed, or at [`Command::FeedEnd`] if that comes before.
    Play {
        /// Who is to hear it.
        port: Port,
        /// Its name from now on.
        play: PlayId,
    },
    /// Audio for the running playing, in the port's law. More than fits is dropped and counted as overflow.
    Feed {
        /// Which playing.
        play: PlayId,
        /// On which port.
        port: Port,
        /// Octets used of `data`.
        len: u8,
        /// G.711 octets.
        data: [u8; FEED],
    },
    /// All of the playing has been fed: it ends when the last octet is out.
    FeedEnd {
        /// Which playing.
        play: PlayId,
        /// On which port.
        port: Port,
    },
    /// A tone is appended to the running playing (begin one with `Play`, end it with `FeedEnd`).
    Tone {
        /// Which playing.
        play: PlayId,
        /// On which port.
        port: Port,
        /// What.
        tone: Tone,
    },
    /// A mark is appended to the running playing: [`Event::Marked`] tells when all that was fed before it is out.
    Mark {
        /// Which playing.
        play: PlayId,
        /// On which port.
        port: Port,
        /// Its name.
        mark: u32,
    },
    /// What waits in the running playing is dropped; its marks are told at once. The playing goes on.
    Flush {
        /// Which playing.
        play: PlayId,
        /// On which port.
        port: Port,
    },
    /// The playing ends at once, mid-block, with silence.
    Stop {
        /// Which playing.
        play: PlayId,
        /// On which port.
        port: Port,
    },
    /// A tap on what the port's channel says (and, if `both`, what it hears): its blocks come as [`Event::Audio`].
    Tap {
        /// Whose voice.
        port: Port,
        /// Its name from now on.
        tap: TapId,
        /// Also what the port hears, mixed in.
        both: bool,
        /// Say [`Event::Quiet`] after this long with no speech; 0 = never.
        quiet_ms: u32,
    },
    /// A tap on what the port's channel says that also tells when speech begins ([`Event::Speaks`]).
    Listen {
        /// Whose voice.
        port: Port,
        /// Its name from now on.
        tap: TapId,
        /// Say [`Event::Quiet`] after this long with no speech; 0 = never.
        quiet_ms: u32,
    },
    /// A tap on what the port hears, without what its channel says: the other side of a recording of two channels.
    TapHeard {
        /// Who hears.
        port: Port,
        /// Its name from now on.
        tap: TapId,
    },
    /// The tap ends; [`Event::TapEnded`] is its last word.
    Untap {
        /// Which.
        tap: TapId,
        /// On which port.
        port: Port,
    },
    /// `listener` hears `talker` from the next tick on. Any number of talkers a listener: the matrix mixes them.
    Connect {
        /// Who hears.
        listener: Port,
        /// Who is heard.
        talker: Port,
    },
    /// Takes one crosspoint back.
    Disconnect {
        /// Who heard.
        listener: Port,
        /// Who was heard.
        talker: Port,
    },
    /// Turns the key detector of a port on or off.
    Keys {
        /// Which.
        port: Port,
        /// On.
        on: bool,
    },
}

/// What the switch tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A key was pressed (told once, when it is certain).
    Key {
        /// By whom.
        port: Port,
        /// ASCII `0-9 * # A-D`.
        key: u8,
    },
    /// The first octet of a playing went out.
    Started {
        /// On which port.
        port: Port,
        /// Which.
        play: PlayId,
    },
    /// The player's buffer has room: at least `octets` may be fed. Told at `Play` and each time half of it is free.
    /// Offers add up: each is what became free since the last one, and what was offered before stays good.
    Room {
        /// On which port.
        port: Port,
        /// Which.
        play: PlayId,
        /// How much.
        octets: u16,
    },
    /// The playing is over.
    Played {
        /// On which port.
        port: Port,
        /// Which.
        play: PlayId,
        /// Octets that went out.
        octets: u32,
        /// All of it, or was it stopped.
        whole: bool,
    },
    /// All that was fed before a mark went out, or was dropped.
    Marked {
        /// On which port.
        port: Port,
        /// Of which playing.
        play: PlayId,
        /// Its name.
        mark: u32,
    },
    /// The player ran dry in the middle: silence was sent. Told once a gap.
    Starved {
        /// On which port.
        port: Port,
        /// Which.
        play: PlayId,
    },
    /// One block of a tap, in the port's law.
    Audio {
        /// On which port.
        port: Port,
        /// Which.
        tap: TapId,
        /// The octets.
        data: Block,
    },
    /// Speech began: of a tap that listens, once, and again after each [`Event::Quiet`].
    Speaks {
        /// On which port.
        port: Port,
        /// Which.
        tap: TapId,
    },
    /// No speech for the tap's `quiet_ms` (counted from its start, or from the last speech).
    Quiet {
        /// On which port.
        port: Port,
        /// Which.
        tap: TapId,
        /// Whether there was any speech before.
        spoken: bool,
    },
    /// The tap's last word: no more audio comes.
    TapEnded {
        /// On which port.
        port: Port,
        /// Which.
        tap: TapId,
        /// Blocks told in all.
        blocks: u32,
        /// Blocks that were dropped because the event queue was full.
        lost: u32,
        /// Whether there was any speech.
        spoken: bool,
    },
}
