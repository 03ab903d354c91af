//! Every bound of the router, with its reason and what happens there; and the counters that tell that it happened.

use tipring_card::Micros;

/// Calls at once, far above the channels of any box. More are cleared with cause 42; `refused_full`.
pub(crate) const MAX_SESSIONS: usize = 2_000;
/// Effects that wait to be polled. Beyond it timeline lines are left out (never an effect that does something);
/// `traces_dropped`.
pub(crate) const MAX_EFFECTS: usize = 50_000;
/// Events that wait for one session; it is polled after each, so that more than a few is a fault; `events_dropped`.
pub(crate) const MAX_INBOX: usize = 64;
/// Keys that one Gather keeps; then it is complete. Longer than any number that people type.
pub(crate) const MAX_KEYS: usize = 256;
/// Documents of one call: six hours of a menu that asks every two seconds. Then the apology; `documents_exceeded`.
pub(crate) const MAX_DOCUMENTS: u32 = 10_000;
/// Documents in a row that did nothing a caller could notice: a loop of Redirects. Then the apology;
/// `documents_exceeded`.
pub(crate) const MAX_QUICK_DOCUMENTS: u32 = 100;
/// Fallbacks in a row whose documents only lead to the next failure: the caller has waited for long enough. Then the
/// apology; `documents_exceeded`.
pub(crate) const MAX_RESCUES: u32 = 5;
/// A document that kept the call busy this long is not part of such a loop.
pub(crate) const QUICK: Micros = Micros::from_ms(200);
/// Fallback URLs that are tried.
pub(crate) const MAX_FALLBACKS: usize = 8;
/// Notifications of one call; a bad document in a loop must not fill the store; `notifications_dropped`.
pub(crate) const MAX_NOTIFICATIONS: u32 = 500;
/// Callbacks of progress of one leg that wait for a slow server; it has four at most; `errands_dropped`.
pub(crate) const MAX_PROGRESS: usize = 8;
/// Callbacks of one room that wait for a slow server: 250 come, are muted, speak and leave; `errands_dropped`.
pub(crate) const MAX_ROOM_TOLD: usize = 1_024;
/// Callbacks of another thread that wait for a slow server: words are spoken faster than it takes them;
/// `errands_dropped`.
pub(crate) const MAX_TOLD: usize = 64;
/// Streams and transcriptions that run beside one call at once; more are refused.
pub(crate) const MAX_BESIDE: usize = 16;
/// Tracks of one call that go to streams, as twiml allows; more are refused.
pub(crate) const MAX_TRACKS: usize = 4;
/// Recordings of one call that its last callback may name; the first is told.
pub(crate) const MAX_CALL_RECORDINGS: usize = 64;
/// Exchanges with applications that are kept of one call: an hour of a menu; later ones are left out.
pub(crate) const MAX_CALL_EVENTS: u32 = 200;
/// Characters of an answer that are kept with its exchange.
pub(crate) const MAX_EVENT_BODY: usize = 8 * 1024;
/// Messages that a gateway has, and of which it may still tell that they arrived; the oldest is forgotten.
pub(crate) const MAX_SENT: usize = 1_000;
/// Documents of one message; then it is over.
pub(crate) const MAX_MESSAGE_DOCUMENTS: usize = 10;
/// Replies of one document to a message; the rest is left out with a notification.
pub(crate) const MAX_REPLIES: usize = 10;
/// Small jobs beside calls (callbacks, replies) at once; more callbacks are given up; `errands_dropped`.
pub(crate) const MAX_ERRANDS: usize = 20_000;
/// Characters kept of a number or name that came over a line.
pub(crate) const MAX_LINE_TEXT: usize = 64;
/// Characters kept of why there is no line: our own sentence with its remedy, and the names of groups in it.
pub(crate) const MAX_LINE_REASON: usize = 400;

/// Queues of all accounts: a document that names a new one in each call must not fill the store.
pub(crate) const MAX_QUEUES: usize = 5_000;
/// A member of a room who was silent for so long speaks no more, as its events have it.
pub(crate) const SPEAKER_QUIET_MS: u32 = 800;
/// A sound of waiting is asked for again no sooner than so long after it was there…
pub(crate) const WAIT_AGAIN: Micros = Micros::from_s(1);
/// …and one that cannot be had after so long.
pub(crate) const WAIT_AGAIN_FAILED: Micros = Micros::from_s(10);
/// For a document, above the webhook's own 15 s: it should have answered before.
pub(crate) const HTTP_LIMIT: Micros = Micros::from_s(16);
/// For a callback, above the webhook's own 30 s. Nobody waits for it, and a server that is merely slow must not be told
/// the same thing three times (row A23).
pub(crate) const CALLBACK_LIMIT: Micros = Micros::from_s(31);
/// How often a call that waits for a line may lose it to another call before it fails: a network that refuses every
/// channel must not be asked for ever.
pub(crate) const MAX_LOST_LINES: u8 = 3;
/// For lines to say that a line is seized or that there is none: glare and a second choice included.
pub(crate) const SEIZE_LIMIT: Micros = Micros::from_s(15);
/// For the line to say that it is answered; T313 is 4 s.
pub(crate) const ANSWER_LIMIT: Micros = Micros::from_s(8);
/// For the line to say that it is clear after we cleared it; T305 and T308 twice are 38 s.
pub(crate) const CLEAR_LIMIT: Micros = Micros::from_s(60);
/// For an analogue line to hear dial tone and send its digits, before the time to ring begins: 5 s and 40 digits, twice.
pub(crate) const DIALLING_LIMIT: Micros = Micros::from_s(30);
/// A call for help that finds every line in use, or at rest, or not ready yet after the start, asks again this often…
pub(crate) const HELP_EVERY: Micros = Micros::from_ms(250);
/// …for so long.
pub(crate) const HELP_LIMIT: Micros = Micros::from_s(10);
/// A number for help that a telephone of the box has dialled rings so long, in seconds: as long as a Dial may. The
/// network ends it before.
pub(crate) const HELP_RINGS_S: u32 = 600;
/// For the first octet of a sound.
pub(crate) const SOUND_START_LIMIT: Micros = Micros::from_s(20);
/// For one sound; longer than any announcement.
pub(crate) const SOUND_LIMIT: Micros = Micros::from_s(4 * 3_600);
/// For a playing to end after its source failed: what came before is heard, 2 s in the switch and 8 s on the way to it.
pub(crate) const SOUND_TAIL_LIMIT: Micros = Micros::from_s(12);
/// Between the switch's word that a port is gone and the line's word that the call is over.
pub(crate) const PORT_GONE_LIMIT: Micros = Micros::from_s(1);
/// From the end of a playing to the moment at which the far end has heard it: blocks that wait in the card.
pub(crate) const CARD_TAIL: Micros = Micros::from_ms(40);
/// Congestion tone where there is no voice for the last words: eight or more bursts in most countries.
pub(crate) const LAST_TONE: Micros = Micros::from_s(4);
/// For a tap to say its last word.
pub(crate) const TAP_LIMIT: Micros = Micros::from_s(2);
/// For a recording's file to be closed and trimmed.
pub(crate) const FILE_LIMIT: Micros = Micros::from_s(15);
/// For a write to be committed before something that must not be known earlier.
pub(crate) const WRITE_LIMIT: Micros = Micros::from_s(10);
/// For a commit that only a callback waits for.
pub(crate) const LATE_WRITE_LIMIT: Micros = Micros::from_s(60);
/// Silence that ends speech where the document leaves it to the recognizer.
pub(crate) const SPEECH_AUTO: Micros = Micros::from_ms(800);
/// For a recognizer's last word after its tap has ended.
pub(crate) const FINAL_LIMIT: Micros = Micros::from_s(5);
/// For a stream's server to take it: name, connection, TLS and handshake.
pub(crate) const STREAM_START_LIMIT: Micros = Micros::from_s(20);
/// For a stream to be closed after we ended it.
pub(crate) const STREAM_END_LIMIT: Micros = Micros::from_s(5);
/// For the verdict on who answered, beyond the document's own limit.
pub(crate) const VERDICT_TAIL: Micros = Micros::from_s(1);
/// For a recording to be written down: two minutes of sound on a slow box.
pub(crate) const TEXT_LIMIT: Micros = Micros::from_s(600);
/// For a gateway to take a message or refuse it; then nobody waits for its word any more, and the message is `sending`.
pub(crate) const MESSAGE_LIMIT: Micros = Micros::from_s(30);
/// Waits before a callback's second and third try.
pub(crate) const CALLBACK_RETRIES: [Micros; 2] = [Micros::from_s(1), Micros::from_s(5)];
/// Sound of the key that ended a recording: what the detector needs to be certain, and two blocks.
pub(crate) const KEY_TAIL_MS: u32 = 100;
/// A recording shorter than this is none.
pub(crate) const SHORTEST_RECORDING_MS: u32 = 100;

/// What happened how often since the start. Everything that is ever left out is counted here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Calls that came in.
    pub calls: u64,
    /// Calls that were to be made.
    pub calls_out: u64,
    /// Calls of the API that were refused before they began.
    pub refused_outgoing: u64,
    /// Calls and messages that were refused because their account had begun too many of late.
    pub refused_rate: u64,
    /// Calls that were refused because the minutes of the day were spent.
    pub refused_spent: u64,
    /// Calls that were refused because somebody had dialled like a fraud.
    pub refused_frozen: u64,
    /// Calls that were ended because the minutes of the day were spent.
    pub cut_spent: u64,
    /// Calls that waited in vain for a free line.
    pub queue_expired: u64,
    /// Attempts of which the lines never said anything.
    pub seizures_unanswered: u64,
    /// Calls that got another document from the API.
    pub redirects: u64,
    /// Bridges of a Dial.
    pub bridges: u64,
    /// Conference rooms.
    pub rooms: u64,
    /// Voices of the box that were wanted while all were in use: beeps, announcements, recordings of rooms.
    pub voices_missing: u64,
    /// Documents carried out.
    pub documents: u64,
    /// HTTP effects.
    pub requests: u64,
    /// Verbs begun.
    pub verbs: u64,
    /// Recordings completed.
    pub recordings: u64,
    /// Calls refused because no account or number wants them.
    pub refused_unknown: u64,
    /// Calls refused while draining.
    pub refused_draining: u64,
    /// Calls refused because there were too many.
    pub refused_full: u64,
    /// Events about something that is over, or never was.
    pub stale_events: u64,
    /// A second call on a lease that is in use.
    pub duplicate_leases: u64,
    /// Events dropped because a session did not take them.
    pub events_dropped: u64,
    /// Timeline lines left out because effects were not polled.
    pub traces_dropped: u64,
    /// Notifications left out because a call had too many.
    pub notifications_dropped: u64,
    /// Callbacks given up because too many waited.
    pub errands_dropped: u64,
    /// Callbacks given up after all tries, or because their record was not committed.
    pub callbacks_failed: u64,
    /// Keys nobody waited for.
    pub keys_unheard: u64,
    /// Keys left out because a Gather was full.
    pub keys_dropped: u64,
    /// Calls ended because of a loop of documents.
    pub documents_exceeded: u64,
    /// HTTP effects that were not answered in time.
    pub http_timeouts: u64,
    /// Sounds that failed.
    pub sounds_failed: u64,
    /// Answers that the line did not confirm.
    pub answers_unconfirmed: u64,
    /// Clears that the line did not confirm.
    pub clears_unconfirmed: u64,
    /// Writes that were refused, or not confirmed in time.
    pub writes_failed: u64,
    /// Fallbacks asked because the application did not answer, or not with a document.
    pub fallbacks_server: u64,
    /// Fallbacks asked because the document could not be carried out.
    pub fallbacks_document: u64,
    /// Fallbacks asked because there was no URL that could be asked.
    pub fallbacks_url: u64,
    /// Callers who heard the box's own apology: there was no fallback, or none helped.
    pub apologies: u64,
}
tipring_card::name_counters!(Counters:
    calls,
    calls_out,
    refused_outgoing,
    refused_rate,
    refused_spent,
    refused_frozen,
    cut_spent,
    queue_expired,
    seizures_unanswered,
    redirects,
    bridges,
    rooms,
    voices_missing,
    documents,
    requests,
    verbs,
    recordings,
    refused_unknown,
    refused_draining,
    refused_full,
    stale_events,
    duplicate_leases,
    events_dropped,
    traces_dropped,
    notifications_dropped,
    errands_dropped,
    callbacks_failed,
    keys_unheard,
    keys_dropped,
    documents_exceeded,
    http_timeouts,
    sounds_failed,
    answers_unconfirmed,
    clears_unconfirmed,
    writes_failed,
    fallbacks_server,
    fallbacks_document,
    fallbacks_url,
    apologies,
);
