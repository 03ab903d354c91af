//! The rows of `failures.md` about calls that the box makes, and their scenarios: put together here from a few parts,
//! all on a box with an E1 and two analogue lines in the United States.

use crate::failures::Group;
use crate::legs::{BOB, both_kinds, program, subscriber, telephone};
use crate::world::document;

pub const ROWS: &[Group] = &[
    (
        "A number that a Dial calls",
        &[
            ("dial-busy", "is busy"),
            ("dial-rejected", "rejects the call"),
            ("dial-no-answer", "does not answer within `timeout`"),
            ("dial-unknown", "does not exist"),
            ("dial-congestion", "cannot be reached, the network is congested"),
            ("dial-ignored", "gets no answer from the network at all"),
            ("dial-no-line", "finds all lines of its group in use"),
            ("dial-no-group", "is to go over a group that is not there"),
            ("dial-link-down", "is to go over a span whose D channel is down"),
            ("dial-closed", "is of a class that is closed"),
            ("dial-not-owned", "is to be shown a caller id that is not ours"),
            ("dial-spent", "would cost a minute, and none of the day is left"),
            ("dial-cut", "is connected when the last minute of the day is over"),
            ("dial-hangs-up", "answers and hangs up"),
            ("dial-caller-hangs-up", "rings, and the caller hangs up"),
            ("dial-caller-hangs-up-bridged", "is connected, and the caller hangs up"),
            ("dial-action-dead", "hangs up, and the `action` is dead"),
            ("dial-callback-dead", "hangs up, and its status callback is dead"),
            ("dial-card-gone", "is connected, and the card is taken out"),
        ],
    ),
    (
        "A call that a program makes",
        &[
            ("api-busy", "the called party is busy"),
            ("api-no-answer", "the called party does not answer within `Timeout`"),
            ("api-unknown", "the number does not exist"),
            ("api-congestion", "the network is congested"),
            ("api-ignored", "the network says nothing at all"),
            ("api-waits", "all lines of the group are in use, and one becomes free"),
            ("api-waits-long", "all lines of the group are in use for longer than `outbound.queue_s`"),
            ("api-no-group", "the group is not there"),
            ("api-link-down", "the D channel of the span is down"),
            ("api-span-down", "the cable is not plugged in"),
            ("api-glare", "the channel is taken by a call that comes in at the same moment"),
            ("api-closed", "the number is of a class that is closed"),
            ("api-no-number", "what is to be called is no number"),
            ("api-not-owned", "the caller id is not ours"),
            ("api-rate", "the account has begun as many calls within a minute as it may"),
            ("api-spent", "no minute of the day is left"),
            ("api-hangs-up", "the called party hangs up during the document"),
            ("api-app-dead", "the application is dead when it is answered"),
            ("api-callback-dead", "the status callback is dead"),
            ("api-card-gone", "the card is taken out while it rings"),
        ],
    ),
    (
        "An analogue line that is dialled on",
        &[
            ("fxo-busy", "the called party is busy (busy tone)"),
            ("fxo-no-answer", "the called party does not answer"),
            ("fxo-unknown", "the number does not exist (information tone)"),
            ("fxo-congestion", "the network is congested (congestion tone)"),
            ("fxo-silent", "nothing is heard after the digits"),
            ("fxo-no-dial-tone", "no dial tone comes, on any line"),
            ("fxo-glare", "the line begins to ring while it is being seized, and there is no other"),
            ("fxo-glare-other", "the line begins to ring while it is being seized, and another is free"),
            ("fxo-glare-heard", "the line begins to ring while it is being seized: he who rings"),
            ("fxo-glare-unseen", "a call is on the line half a second before its first ring"),
            ("fxo-glare-unheard", "a call is on the line half a second before its first ring: he who calls"),
            ("fxo-guessed", "the called party answers and says nothing; the ringing stops"),
            ("fxo-guessed-dialled", "nobody answers, and the end of dialling counts as the answer"),
            ("fxo-no-reversal", "the exchange should reverse the polarity and does not"),
        ],
    ),
    (
        "An analogue line whose far end hangs up",
        &[
            ("fxo-dropped", "a called party; the battery is dropped"),
            ("fxo-reversed", "a called party; the polarity is reversed"),
            ("fxo-busy-tone", "a called party; busy tone comes"),
            ("fxo-nothing", "a called party; the exchange does not tell, `timeLimit` is 30 s"),
            ("in-dropped", "a caller, in a Record; the battery is dropped"),
            ("in-busy-tone", "a caller, in a Record; busy tone comes"),
            ("in-nothing", "a caller, in a Record; the exchange does not tell, `timeout` is 10 s"),
            ("in-before", "a caller, in the pause between two rings; the application answers in it"),
            ("in-long-before", "a caller, before the application answers; the ringing stops"),
        ],
    ),
];

const HELLO: &str = "<Say>Hello from the application.</Say>";
/// The called party says something after a second and hangs up.
const SPEAKS: &str = "rings_ms = 3000\ndoes = [{ wait = { ms = 1000 } }, { tone = { hz = 700.0, ms = 2000 } }, \
                      { wait = { ms = 500 } }, { hangup = {} }]";
const LISTENS: &str = "{ await_hangup = { limit_ms = 120000 } }";

/// A caller's document: a Dial, then a word.
fn dials(group: &str, attributes: &str, to: &str, of_number: &str) -> String {
    let dial = format!("<Dial {attributes}><Number trunk=\"{group}\"{of_number}>{to}</Number></Dial>");
    document("/", &format!("<Response>{dial}{HELLO}</Response>"))
}

/// The usual Dial over the E1, or over an analogue line.
fn dial(group: &str, entry: &str) -> String {
    dials(group, "timeout=\"25\"", BOB, "") + &subscriber("", entry) + &telephone("caller", "pri", LISTENS)
}

/// A program's call whose document is a word.
fn makes(group: &str, more: &str) -> String {
    program("made", &format!("group = \"{group}\"\ntwiml = \"<Response>{HELLO}</Response>\"\ntimeout_s = 25\n{more}"))
}

fn api(group: &str, entry: &str) -> String {
    makes(group, "") + &subscriber("", entry)
}

/// A program's call that has the group's only line for so long.
fn holds(seconds: u32) -> String {
    let twiml = format!("twiml = \"<Response><Pause length='{seconds}'/></Response>\"\ngroup = \"one\"");
    program("first", &twiml) + &subscriber("", SPEAKS.replace("{ hangup", "{ await_hangup").as_str())
}

/// A caller of the analogue line in a Record, who speaks and hangs up.
fn records(clears_by: &str) -> String {
    let body = format!("<Response><Record timeout=\"10\" action=\"/kept\"/>{HELLO}</Response>");
    let does =
        "{ await_sound = {} }, { await_quiet = { ms = 300 } }, { tone = { hz = 700.0, ms = 3000 } }, { hangup = {} }";
    format!("[exchange]\nclears_by = \"{clears_by}\"\n")
        + &document("/", &body)
        + &document("/kept", &format!("<Response>{HELLO}</Response>"))
        + &telephone("caller", "fxo", does)
}

/// Somebody rings an analogue line; the box dials on it at that many milliseconds.
fn glare(group: &str, dialled_at_ms: u32) -> String {
    let rings = telephone("caller", "fxo", LISTENS);
    let rings = if group == "fxo" { rings.replace("line = 1", "line = 2") } else { rings };
    format!("[exchange]\nring_delay_ms = 1000\n{}", document("/", &format!("<Response>{HELLO}</Response>")))
        + &makes(group, &format!("at_ms = {dialled_at_ms}"))
        + &subscriber("", SPEAKS)
        + &rings
}

/// The same with a Dial, the caller of the analogue line last.
fn glare_of_dial(called_at_ms: u32) -> String {
    let line =
        document("/", &format!("<Response>{HELLO}</Response>")).replace("path", "when = { To = \"sim 2/1\" }\npath");
    format!("[exchange]\nring_delay_ms = 1000\n{line}")
        + &dials("one", "", BOB, "")
        + &subscriber("", SPEAKS)
        + &telephone("first", "pri", LISTENS).replace("from", &format!("at_ms = {called_at_ms}\nfrom"))
        + &telephone("caller", "fxo", LISTENS)
}

/// Calls out with one limit.
fn limits(limit: &str) -> String {
    format!("[outbound]\nopen = [\"national\"]\ncaller_ids = [\"+12025550199\"]\n{limit}\n")
}

/// Every scenario of the rows.
pub fn scenarios() -> Vec<(&'static str, String)> {
    let mut all = of_dial();
    all.extend(of_programs());
    all.extend(of_loops());
    all
}

fn of_dial() -> Vec<(&'static str, String)> {
    let plain = |rest: String| both_kinds("", &rest);
    let faults = |faults: &str, rest: String| both_kinds("limit_s = 200", &format!("[faults]\n{faults}\n{rest}"));
    let caller = telephone("caller", "pri", LISTENS);
    let anybody = subscriber("", SPEAKS);
    let dead = "dead_hosts = [\"dead.example\"]";
    let callback = " statusCallback=\"http://dead.example/told\"";
    let hangs_up = |does: &str| telephone("caller", "pri", &format!("{does}, {{ hangup = {{}} }}"));
    vec![
        ("dial-busy", plain(dial("pri", "refuse = 17"))),
        ("dial-rejected", plain(dial("pri", "refuse = 21"))),
        ("dial-no-answer", plain(dial("pri", "never = true"))),
        ("dial-unknown", plain(dial("pri", "refuse = 1"))),
        ("dial-congestion", plain(dial("pri", "refuse = 42"))),
        ("dial-ignored", plain(dial("pri", "ignores = true"))),
        (
            "dial-no-line",
            plain(dial("one", "never = true") + &caller.replace("\"caller\"", "\"second\"\nat_ms = 5000")),
        ),
        ("dial-no-group", plain(dial("nowhere", ""))),
        (
            "dial-link-down",
            faults(
                "d_channel_down_at_ms = 3000\nd_channel_down_for_ms = 190000",
                dials("pri", "", BOB, "")
                    + &anybody
                    + &telephone("caller", "fxo", LISTENS).replace("from", "at_ms = 15000\nfrom"),
            ),
        ),
        ("dial-closed", plain(dials("pri", "", "+19005550142", "") + &anybody + &caller)),
        ("dial-not-owned", plain(dials("pri", "callerId=\"+12025550777\"", BOB, "") + &anybody + &caller)),
        ("dial-spent", plain(limits("minutes_per_day = 0") + &dials("pri", "", BOB, "") + &anybody + &caller)),
        (
            "dial-cut",
            both_kinds(
                "limit_s = 200",
                &(limits("minutes_per_day = 1")
                    + &dials("pri", "", BOB, "")
                    + &subscriber("", "rings_ms = 500\ndoes = [{ wait = { ms = 190000 } }]")
                    + &telephone("caller", "pri", "{ wait = { ms = 100000 } }, { hangup = {} }")),
            ),
        ),
        ("dial-hangs-up", plain(dial("pri", SPEAKS))),
        (
            "dial-caller-hangs-up",
            plain(dials("pri", "", BOB, "") + &subscriber("", "never = true") + &hangs_up("{ wait = { ms = 5000 } }")),
        ),
        (
            "dial-caller-hangs-up-bridged",
            plain(
                dials("pri", "", BOB, "") + &subscriber("", "rings_ms = 500") + &hangs_up("{ wait = { ms = 5000 } }"),
            ),
        ),
        (
            "dial-action-dead",
            both_kinds(dead, &(dials("pri", "action=\"http://dead.example/after\"", BOB, "") + &anybody + &caller)),
        ),
        ("dial-callback-dead", both_kinds(dead, &(dials("pri", "", BOB, callback) + &anybody + &caller))),
        ("dial-card-gone", faults("card_gone_at_ms = 8000", dial("pri", "rings_ms = 500"))),
    ]
}

fn of_programs() -> Vec<(&'static str, String)> {
    let plain = |rest: String| both_kinds("", &rest);
    let faults = |faults: &str, rest: String| both_kinds("limit_s = 200", &format!("[faults]\n{faults}\n{rest}"));
    let refused = |code: u32, more: &str| makes("pri", &format!("{more}\nexpect = {{ errors = [{code}] }}"));
    let dead = "dead_hosts = [\"dead.example\"]";
    let asks = program("made", "url = \"http://dead.example/\"");
    let short = "[outbound]\nopen = [\"national\"]\ncaller_ids = [\"+12025550199\"]\nqueue_s = 5\n";
    let word = document("/", &format!("<Response>{HELLO}</Response>"));
    vec![
        ("api-busy", plain(api("pri", "refuse = 17"))),
        ("api-no-answer", plain(api("pri", "never = true"))),
        ("api-unknown", plain(api("pri", "refuse = 1"))),
        ("api-congestion", plain(api("pri", "refuse = 42"))),
        ("api-ignored", plain(api("pri", "ignores = true"))),
        ("api-waits", plain(holds(3) + &makes("one", "at_ms = 500"))),
        ("api-waits-long", plain(short.to_string() + &holds(30) + &makes("one", "at_ms = 500"))),
        ("api-no-group", plain(api("nowhere", ""))),
        (
            "api-link-down",
            faults("d_channel_down_at_ms = 3000\nd_channel_down_for_ms = 190000", makes("pri", "at_ms = 20000")),
        ),
        ("api-span-down", faults("span_down_at_ms = 1500\nspan_down_for_ms = 190000", makes("pri", ""))),
        (
            "api-glare",
            plain(
                "[[group]]\nname = \"first\"\nlines = [\"sim 1/1\"]\n".to_string()
                    + &makes("first", "")
                    + &subscriber("", "rings_ms = 500")
                    + &word
                    + &telephone("caller", "pri", LISTENS),
            ),
        ),
        ("api-closed", plain(refused(21215, "").replace(BOB, "+19005550142"))),
        ("api-no-number", plain(refused(21211, "").replace(BOB, "nobody"))),
        ("api-not-owned", plain(refused(21210, "from = \"+12025550777\""))),
        (
            "api-rate",
            plain(
                limits("calls_per_minute = 1")
                    + &program("first", "twiml = \"<Response/>\"")
                    + &subscriber("", SPEAKS)
                    + &refused(20429, "at_ms = 2000"),
            ),
        ),
        ("api-spent", plain(limits("minutes_per_day = 0") + &refused(21216, ""))),
        (
            "api-hangs-up",
            plain(makes("pri", "") + &subscriber("", "does = [{ wait = { ms = 1000 } }, { hangup = {} }]")),
        ),
        ("api-app-dead", both_kinds(dead, &(asks + &subscriber("", "rings_ms = 500")))),
        (
            "api-callback-dead",
            both_kinds(
                dead,
                &(makes("pri", "status_callback = \"http://dead.example/told\"") + &subscriber("", "rings_ms = 500")),
            ),
        ),
        ("api-card-gone", faults("card_gone_at_ms = 8000", api("pri", "never = true"))),
    ]
}

fn of_loops() -> Vec<(&'static str, String)> {
    let plain = |rest: String| both_kinds("", &rest);
    let silent = "rings_ms = 6500";
    let of_exchange = |clears_by: &str, more: &str| {
        let dial = dials("fxo", "timeout=\"25\" timeLimit=\"30\"", BOB, "");
        let rest = dial + &subscriber("", SPEAKS) + &telephone("caller", "pri", LISTENS);
        both_kinds("", &format!("[exchange]\nclears_by = \"{clears_by}\"\n{more}\n{rest}"))
    };
    let answer = |sign: &str, entry: &str| {
        let dial = dials("fxo", "timeout=\"25\" timeLimit=\"10\"", BOB, "");
        let rest = dial + &subscriber("", entry) + &telephone("caller", "pri", LISTENS);
        both_kinds("", &format!("[analog]\nanswer = \"{sign}\"\n{rest}"))
    };
    let before = |latency_ms: u32| {
        let hangs_up = telephone("caller", "fxo", "")
            .replace("{ await_answer = {} }, ", "{ wait = { ms = 9000 } }, { hangup = {} }");
        let word = document("/", &format!("<Response>{HELLO}</Response>"));
        plain(format!("{word}latency_ms = {latency_ms}\n{hangs_up}"))
    };
    vec![
        ("fxo-busy", plain(dial("fxo", "refuse = 17"))),
        ("fxo-no-answer", plain(dial("fxo", "never = true"))),
        ("fxo-unknown", plain(dial("fxo", "refuse = 1"))),
        ("fxo-congestion", plain(dial("fxo", "refuse = 42"))),
        ("fxo-silent", plain(dial("fxo", "ignores = true"))),
        ("fxo-no-dial-tone", plain(format!("[exchange]\ndial_tone_ms = -1\n{}", dial("fxo", "")))),
        ("fxo-glare", plain(glare("one", 980))),
        ("fxo-glare-other", plain(glare("fxo", 980))),
        ("fxo-glare-heard", plain(glare_of_dial(945))),
        ("fxo-glare-unseen", plain(glare("one", 500))),
        ("fxo-glare-unheard", plain(glare_of_dial(470))),
        ("fxo-guessed", answer("voice", silent)),
        ("fxo-guessed-dialled", answer("dialled", "never = true")),
        ("fxo-no-reversal", answer("reversal", SPEAKS)),
        ("fxo-dropped", of_exchange("battery", "")),
        ("fxo-reversed", of_exchange("reversal", "reverses_polarity = true")),
        ("fxo-busy-tone", of_exchange("busy-tone", "")),
        ("fxo-nothing", of_exchange("nothing", "")),
        ("in-dropped", plain(records("battery"))),
        ("in-busy-tone", plain(records("busy-tone"))),
        ("in-nothing", plain(records("nothing"))),
        ("in-before", before(9_000)),
        ("in-long-before", before(14_500)),
    ]
}
