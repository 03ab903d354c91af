//! What tipring promises, row by row: what it is called, how firmly it is promised, and what it means in one line. A table,
//! so longer than other files. `docs/reference/features.md` is made from it, and each row has a test of its name.

/// How firmly a row is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The core.
    Must,
    /// Planned as if it were the core.
    ShouldC,
    /// Expected.
    Should,
    /// Wanted where it is cheap.
    Cheap,
    /// Our own addition.
    May,
}

impl Level {
    /// As the paper names it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Must => "must",
            Level::ShouldC => "should-C",
            Level::Should => "should",
            Level::Cheap => "should-",
            Level::May => "may",
        }
    }
}

use Level::{Cheap, May, Must, Should, ShouldC};

/// A row's name, its level, and what it means.
pub type Row = (&'static str, Level, &'static str);

/// The chapters, by the letter of their rows.
pub const CHAPTERS: &[(char, &str)] =
    &[('A', "Calls and applications"), ('B', "Verbs"), ('C', "The API"), ('D', "Sound"), ('E', "Trust, tenants, load")];

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    ("A1", Must, "A call in, one question to the application, its answer heard on the line, the call readable by API meanwhile"),
    ("A2", Should, "Caller, called number and time of a call in are known from PRI and from an analogue line's caller id"),
    ("A3", Must, "Each number, or port of an analogue line, has an application of its own"),
    ("A4", ShouldC, "A number's URL may have blanks that the call fills in"),
    ("A5", ShouldC, "The request says all that is known of the call, and nothing that is guessed"),
    ("A6", Should, "What is sent goes into the query with GET and into the form with POST, as each URL wants it"),
    ("A7", Should, "Each request says everything again: an application needs no memory"),
    ("A8", Should, "Half a number of keys stays in the box; the whole one is asked about once"),
    ("A9", Should, "The type of an answer decides: a document is carried out, sound is played, text is spoken"),
    ("A10", Must, "Verbs run one after another, in the document's order"),
    ("A11", Should, "Which document comes next: the verb's own URL, the present one again, or simply the next verb"),
    ("A12", Should, "A URL inside a document may be filled from the call too: files alone can be an application"),
    ("A13", Should, "One application hands the call to another server, which gets the same call under the same names"),
    ("A15", ShouldC, "The API makes a call, and from its answer on it is like a call that came in"),
    ("A16", May, "Nobody is asked while the other side rings, only once it has answered"),
    ("A17", Should, "Cookies of one call come back in that call, and in no other"),
    ("A18", Should, "Redirects are followed, to a limit"),
    ("A19", ShouldC, "When the application cannot be reached, the second URL is asked"),
    ("A20", Should, "When its document cannot be used, too"),
    ("A21", Should, "The second URL gets what the first was asked, and the error; its document may lead back"),
    ("A22", Should, "Several second URLs in turn, and a spoken apology when none is left"),
    ("A23", ShouldC, "What happens is told beside the call, and never holds it up"),
    ("A24", Should, "Told of every call of a number, or of one call alone"),
    ("A25", Should, "A call that went elsewhere leaves the number's URL as it was"),
    ("A26", Should, "Without the wide network, an application on the box or beside it does everything"),
    ("A28", ShouldC, "A short message that comes in asks its number's application, like a call"),
    ("A29", Should, "One document speaks to the caller and sends a message"),
    ("A31", Should, "How a call stands is the same in requests, callbacks and the API, in every outcome"),
    ("B1", ShouldC, "A document of few verbs: twelve are the core, the others are extensions"),
    ("B2", ShouldC, "Play: sound from a URL, once, often, or until hang-up"),
    ("B3", ShouldC, "Say: a text in a voice and a language"),
    ("B4", ShouldC, "Gather: keys, by number, by end key, by silence"),
    ("B5", May, "The first key stops the prompt and counts"),
    ("B6", Should, "No key, no request: the next verb runs"),
    ("B7", Cheap, "Gather understands speech, where a recognizer is there"),
    ("B8", ShouldC, "Record: the application learns where the sound is, how long, and which key ended it"),
    ("B9", May, "A recording ends by silence or length; an empty one asks nobody"),
    ("B10", Should, "A recording becomes text later, while the call goes on"),
    ("B11", ShouldC, "Dial: a second line, both sides connected; either may hang up"),
    ("B12", Should, "How a Dial ended is told: answered, busy, nobody, failed"),
    ("B13", Should, "Several numbers at once or in turn; the first that answers is connected"),
    ("B14", Should, "The other side sees the caller's number, or one that is proved"),
    ("B15", Should, "A room by name, and who may come in and be heard"),
    ("B16", Should, "Redirect: another document, and nothing after it"),
    ("B17", May, "Hangup, and the end of a document, free the line at once"),
    ("B18", May, "Pause: that many seconds of silence"),
    ("B19", Should, "Message: a short message is sent and followed"),
    ("B22", ShouldC, "What did not work is told with the next request"),
    ("B23", May, "GET or POST for each verb's next request"),
    ("B24", May, "Names are exact, comments are nothing, wrong nesting is refused or passed over with a word"),
    ("C1", Must, "Everything has a lasting address that any HTTP client can read"),
    ("C2", Must, "Reading changes nothing, writing changes the living call, another method is 405"),
    ("C3", Must, "A number is claimed by API and works from the next call on"),
    ("C4", Must, "A living call is ended by API"),
    ("C5", Must, "Two calls are put into one room"),
    ("C6", Must, "A room is split"),
    ("C7", Must, "A recording is begun, paused, ended by API, of one side or all"),
    ("C8", ShouldC, "A living call gets another document from outside"),
    ("C9", Should, "What was under way then is dropped or kept by rule, always the same"),
    ("C10", ShouldC, "Callers wait in a queue; the first one is connected first"),
    ("C11", Should, "An announcement is spoken into a call or a room"),
    ("C12", Cheap, "Two members of a room talk aside and come back"),
    ("C13", ShouldC, "Calls are listed, and made by a POST on the list"),
    ("C14", Should, "A call is made with a document in place of a URL"),
    ("C15", Should, "The answer comes before the call does; its state can be watched"),
    ("C16", Should, "A field is there when it is true, never before"),
    ("C17", Should, "A machine that answers is told from a person"),
    ("C18", Should, "An account's name, contact, first URL and usage"),
    ("C19", Should, "Caller ids: listed, added, renamed, taken away"),
    ("C20", Should, "A caller id that is not yours is refused before a line is taken"),
    ("C21", Should, "A caller id is proved by a call and a code"),
    ("C22", Should, "A recording as sound or as a record; deleted, it is gone from the disk"),
    ("C23", Should, "Recordings behind credentials, open, or by signed link"),
    ("C24", Should, "The text of a recording: begun, read, deleted"),
    ("C26", Should, "Applications get addresses of sound, never the sound"),
    ("C27", Should, "JSON, XML or CSV by the end of the URL; errors have a code and a sentence"),
    ("C28", ShouldC, "After a kill every record is there, and a cut call is over"),
    ("C29", Should, "Whoever has the key reads and ends any call of the account"),
    ("C30", Cheap, "DELETE by a parameter, for clients that can only POST"),
    ("C31", May, "Rooms and who is in them: listed, muted, removed"),
    ("C32", May, "What went wrong in a call, with what was asked and answered"),
    ("C34", May, "Lists in pages, by filter"),
    ("D1", Must, "The sound layer is a part of its own: calls live on without it"),
    ("D2", Must, "The router asks it over HTTP and fetches nothing itself"),
    ("D3", Must, "The same URL is fetched and converted once"),
    ("D4", Must, "A miss is converted, kept and sent on"),
    ("D5", Must, "The URL of the original is the key of the copy"),
    ("D6", Should, "Kept as G.711 of the law that the line has"),
    ("D7", Should, "The sound of a video is played"),
    ("D8", ShouldC, "A text of any length has an address of fixed length"),
    ("D9", ShouldC, "Text, voice and language together are one entry"),
    ("D10", Should, "Kept as long as the origin says, then asked whether it has changed"),
    ("D11", Should, "What must not be kept is not"),
    ("D12", Should, "Private sound is not kept"),
    ("D13", Should, "Documents that may be kept are"),
    ("D14", Should, "Data is looked into: what needs no conversion is passed on untouched"),
    ("D15", Should, "The answer names the type that it has become"),
    ("D16", Should, "The target format is a setting, or asked for"),
    ("D17", Should, "The common formats of sound, and a clear error for others"),
    ("D18", Should, "Sound begins before the whole file is there"),
    ("D19", Should, "A first play that breaks off leaves nothing behind"),
    ("D20", Should, "A sound is heard as it is sent, while it grows, or when it is whole"),
    ("D21", Should, "What is kept lies on the disk as ciphertext, and calls play it"),
    ("D22", Cheap, "A store of others holds ciphertext only"),
    ("D23", Should, "What is kept can be asked for, by its URL or by the beginning of it"),
    ("D24", Should, "What is kept can be removed, and is fetched once more"),
    ("D25", ShouldC, "Sounds are brought in before any call, and play without their origin"),
    ("D26", Should, "A directory is crawled for sounds by type, size and date, and never left"),
    ("D27", Should, "Sounds are brought in every night, at the box's own hour"),
    ("D28", Should, "What was made in a call is there when the call is over"),
    ("D30", Cheap, "What is said often is listed, and a recording takes the engine's place"),
    ("D31", ShouldC, "A URI that carries the call's own state is an entry of its own"),
    ("D32", ShouldC, "Another speech service is taken by configuration alone"),
    ("D33", Should, "A new kind of media is added in the sound layer alone"),
    ("D34", Cheap, "A converted sound may be sent to another destination"),
    ("D35", Cheap, "Boxes share what one of them has fetched, through a store or by asking each other first"),
    ("E1", ShouldC, "Requests are signed with the account's secret, address and body"),
    ("E2", Should, "Whoever checks the signature sees every change"),
    ("E5", Should, "No access without credentials, and no telling what is another's"),
    ("E6", Should, "TLS outwards with checked certificates, and a private authority where one is set"),
    ("E7", Should, "Plain HTTP inside the box only; the last hop of an https address is TLS"),
    ("E8", May, "Credentials in a URL are used and never shown"),
    ("E9", Should, "A call needs no memory on either side"),
    ("E10", ShouldC, "Several accounts, none of which sees another's"),
    ("E11", May, "Keys that may only read, or not manage keys"),
    ("E12", Should, "Workers of the sound layer are changed on a living box"),
    ("E13", ShouldC, "Workers follow the load by themselves"),
    ("E14", Should, "Heavy conversion makes no block late"),
    ("E15", Should, "A kept prompt begins within 150 ms, new speech within a second, at full load"),
    ("E16", Should, "A thousand calls fetch each prompt once"),
    ("E17", Should, "Speech may be made on another host, reached by HTTP"),
    ("E20", May, "After a crash no line is stuck and no record open"),
    ("E21", Should, "Ordinary web tools build and test an application"),
];

/// Rows that no test bears the name of, and why. One that gets its test leaves this list.
pub const NOT_YET: &[(&str, &str)] = &[];
