//! Everything at once, by seed: many calls, keys, hang-ups, stale and repeated events, failing applications. Whatever
//! happens, every call ends once, every channel is cleared once, and the same seed gives the same effects.

use std::collections::BTreeMap;

use tipring_card::Cause;
use tipring_resources::Sid;
use tipring_router::{Effect, Event, LineCommand, LineEvent, Purpose, SwitchEvent};
use tipring_switch::Port;

use crate::bench::*;

/// xorshift64*.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap_or(0) % bound
    }
}

#[test]
fn the_same_events_give_the_same_effects_and_another_seed_other_sids() {
    let story = |seed: u64| {
        let mut bench = Bench::bare(seed);
        bench.knows(number("100"));
        bench.app(APP, &[xml("<Gather numDigits='1'><Say>m</Say></Gather><Record timeout='2'/>")]);
        let lease = bench.rings();
        bench.wait_ms(300);
        bench.presses(lease, "1");
        bench.wait_ms(2_000);
        bench.hangs_up(lease);
        bench.run_out();
        bench.transcript()
    };
    assert_eq!(story(1), story(1));
    let (one, two) = (story(1), story(2));
    assert_ne!(one, two);
    let without_ids =
        |text: &str| text.lines().map(|line| line.split(' ').next().unwrap_or("").to_owned()).collect::<Vec<_>>();
    assert_eq!(without_ids(&one), without_ids(&two), "only names differ");
}

fn documents(dice: &mut Dice) -> App {
    let verbs = [
        "<Say>a</Say>",
        "<Play>/b.wav</Play>",
        "<Play>/gone.wav</Play>",
        "<Play digits='12'/>",
        "<Pause/>",
        "<Gather numDigits='2' timeout='1'><Say>m</Say></Gather>",
        "<Gather timeout='1' bargeIn='false'><Play>/b.wav</Play></Gather>",
        "<Record timeout='1' maxLength='3' recordingStatusCallback='/cb'/>",
        "<Record maxLength='2' action='/none'/>",
        "<Redirect/>",
        "<Redirect>/none</Redirect>",
        "<Hangup/>",
        "<Reject/>",
        "<Dial timeout='5' action='/voice'>+12025550123</Dial>",
        "<Dial timeout='5' record='record-from-ringing' answerOnBridge='true'>+12025550124</Dial>",
        "<Dial timeLimit='3' record='record-from-answer-dual' hangupOnStar='true'>\
         <Number sendDigits='1w' statusCallback='/status' statusCallbackEvent='initiated ringing answered completed'>\
         +12025550123</Number><Number>+12025550124</Number><Number>+12025550125</Number></Dial>",
        "<Dial sequential='true' timeout='5'><Number>+12025550124</Number><Number>+12025550125</Number></Dial>",
        "<Dial callerId='+12025550000'>+12025550123</Dial>",
        "<Dial action='/voice'><Conference waitUrl='/wait'>a</Conference></Dial>",
        "<Dial><Conference startConferenceOnEnter='false' beep='onExit'>a</Conference></Dial>",
        "<Dial timeLimit='9'><Conference endConferenceOnExit='true' muted='true' record='record-from-start' \
         statusCallback='/status' statusCallbackEvent='start end join leave mute hold modify speaker announcement'>b\
         </Conference></Dial>",
        "<Dial><Conference maxParticipants='2' waitUrl='' participantLabel='x'>c</Conference></Dial>",
        "<Enqueue waitUrl='/wait' action='/voice'>q</Enqueue>",
        "<Enqueue maxQueueSize='2' waitUrl='/key'>q</Enqueue>",
        "<Enqueue>q</Enqueue>",
        "<Dial timeout='9' record='record-from-answer'><Queue>q</Queue></Dial>",
        "<Leave/>",
        "<Dial timeout='5' action='/voice'><Queue url='/say'>q</Queue></Dial>",
        "<Dial timeout='6' hangupOnStar='true'><Queue url='/say'>q</Queue></Dial>",
        "<Dial timeout='5'><Number url='/key'>+12025550123</Number><Number url='/say'>+12025550124</Number></Dial>",
        "<Gather input='dtmf speech' timeout='2' speechTimeout='auto' partialResultCallback='/status'><Say>m</Say></Gather>",
        "<Gather input='speech' timeout='1' maxSpeechTime='1'/>",
        "<Record timeout='1' transcribeCallback='/status'/>",
        "<Start><Stream url='/s' name='n' track='both_tracks' statusCallback='/status'/></Start>",
        "<Connect><Stream url='/s' statusCallback='/status'/></Connect>",
        "<Stop><Stream name='n'/></Stop>",
        "<Start><Transcription name='t' statusCallbackUrl='/status' partialResults='true'/></Start>",
        "<Stop><Transcription/></Stop>",
        "<Start><Recording recordingStatusCallback='/status'/></Start>",
        "<Stop><Recording/></Stop>",
        "<Echo/>",
        "<Sms statusCallback='/status'>x</Sms>",
        "<Sms action='/voice'>x</Sms>",
        "<Refer><Sip>sip:a@b.test</Sip></Refer>",
        "<Dial timeout='5'><Number machineDetection='Enable' amdStatusCallback='/status'>+12025550123</Number></Dial>",
        "<Play>/{Digits}.wav</Play>",
        "<broken",
    ];
    let count = dice.below(5);
    let mut inner: String = (0..count).map(|_| verbs[dice.below(verbs.len())]).collect();
    if dice.below(4) == 0 {
        inner =
            ["<Enqueue>q</Enqueue>", "<Dial timeout='9'><Queue>q</Queue></Dial>"][dice.below(2)].to_owned() + &inner;
    }
    match dice.below(12) {
        0 => App::Fails(11200),
        1 => App::Hangs,
        2 => App::Says("text/plain", "hello".into()),
        3 => App::Says("audio/wav", String::new()),
        _ => xml(&inner),
    }
}

fn chaos(seed: u64) -> Bench {
    let mut dice = Dice(seed | 1);
    let mut bench = Bench::bare(seed);
    let mut number = number("100");
    number.voice_fallback_url = "http://spare.test/".into();
    number.status_callback = "http://app.test/status".into();
    number.sms_url = APP.into();
    bench.knows(number);
    let answers: Vec<App> = (0..40).map(|_| documents(&mut dice)).chain([xml("")]).collect();
    bench.app(APP, &answers);
    bench.app("http://spare.test/", &[App::Fails(11200), xml("<Say>spare</Say>")]);
    bench.app("http://app.test/status", &[App::Fails(11200), App::Says("", String::new())]);
    bench.app("http://app.test/wait", &[xml("<Say>w</Say><Pause/>"), App::Fails(11200), xml("<Play>/gone.wav</Play>")]);
    let key = "<Gather numDigits='1' timeout='1' action='/gone'><Say>k</Say></Gather>";
    bench.app("http://app.test/key", &[xml(key), xml("<Hangup/>"), xml("<Leave/>"), xml("<Redirect>/say</Redirect>")]);
    bench.app("http://app.test/say", &[xml("<Say>s</Say>"), App::Hangs, App::Fails(11200), xml("<Dial>+1</Dial>")]);
    bench.sound("gone", SoundIs::Broken(13420));
    bench.sound("b.wav", SoundIs::BreaksAfter(300));
    bench.caller_speaks = dice.below(2) == 0;
    let mut leases: Vec<Port> = Vec::new();
    for _ in 0..150 {
        outgoing(&mut bench, &mut dice);
        hands(&mut bench, &mut dice);
        let lease = match leases.len() {
            0 => bench.rings(),
            n => leases[dice.below(n)],
        };
        if !leases.contains(&lease) {
            leases.push(lease);
        }
        match dice.below(30) {
            0 => leases.push(bench.rings()),
            1 => leases.push(bench.rings_for("999")),
            2..=4 => bench.presses(lease, ["1", "#", "12", "*0#"][dice.below(4)]),
            5 => bench.hangs_up(lease),
            6 => stale(&mut bench, lease, &mut dice),
            7 => {
                let live = bench.router.live_calls().next().map(|call| call.sid);
                if let Some(call) = live {
                    bench.asks_to_end(call, dice.below(2) == 0);
                }
            }
            18 => redirect(&mut bench, &mut dice),
            19 => order(&mut bench, &mut dice),
            20 => {
                let called = bench.called.len();
                if called > 0 {
                    let (callee, _) = bench.called[dice.below(called)].clone();
                    match dice.below(2) {
                        0 => bench.hangs_up(callee),
                        _ => bench.presses(callee, "*1"),
                    }
                }
            }
            21 => bench.event(Event::Line(LineEvent::LineFree)),
            22 | 23 => beside(&mut bench, &mut dice),
            24..=27 => group(&mut bench, &mut dice),
            8 => bench.store_commits = dice.below(3) > 0,
            9 => bench.line_answers = dice.below(6) > 0,
            _ => bench.wait_ms([1, 10, 500, 1_500, 4_000][dice.below(5)]),
        }
    }
    bench.store_commits = true;
    bench.wait_ms(90_000);
    // Who waits for ever in a room or a queue is sent home.
    bench.event(Event::EndAll);
    bench.run_out();
    // Who hears himself, or speaks with a server, does so until he hangs up.
    bench.event(Event::EndAll);
    bench.run_out();
    bench
}

/// How recognizers, servers of streams and the gateway behave from now on.
fn hands(bench: &mut Bench, dice: &mut Dice) {
    let says = Utterance {
        at_ms: [10, 400, 9_000][dice.below(3)],
        length_ms: [10, 900, 90_000][dice.below(3)],
        partials: vec![(5, "y", 0.5)],
        final_ms: [Some(100), Some(2_000), None][dice.below(3)],
        ..Utterance::of(["yes", ""][dice.below(2)])
    };
    bench.beside.says = (dice.below(4) > 0).then_some(says);
    bench.beside.server = [Server::Takes, Server::Closes(500), Server::Refuses(31_902), Server::Hangs][dice.below(4)];
    bench.beside.verdict = [None, Some(("human", 300)), Some(("machine_start", 5_000))][dice.below(3)];
    bench.beside.text = [None, Some("text")][dice.below(2)];
    use tipring_resources::MessageStatus::{Failed, Sent};
    bench.beside.gateway = [None, Some(Sent), Some(Failed)][dice.below(3)];
    bench.beside.gateway_hangs = dice.below(5) == 0;
}

/// The API begins, changes and ends what runs beside calls; messages come in.
fn beside(bench: &mut Bench, dice: &mut Dice) {
    use tipring_router::{RecordingChange, Request, StreamWish, Track3, TranscriptionWish};
    let live: Vec<Sid> = bench.router.live_calls().map(|call| call.sid).collect();
    let account = account().sid;
    let call = if live.is_empty() { account } else { live[dice.below(live.len())] };
    let (callback, callback_method) = ("http://app.test/status".to_owned(), tipring_resources::Method::Post);
    let track = [Track3::Inbound, Track3::Outbound, Track3::Both][dice.below(3)];
    let request = match dice.below(9) {
        0 => Request::StartRecording { account, of: call, record: recorded(dice) },
        1 => {
            let silence = dice.below(2) == 0;
            let change = [RecordingChange::Pause { silence }, RecordingChange::Resume, RecordingChange::Stop];
            let of = (dice.below(3) > 0).then_some(call);
            Request::ChangeRecording { account, of, recording: None, change: change[dice.below(3)] }
        }
        2 => {
            let (url, name) = ("wss://s.test/x".into(), ["", "n"][dice.below(2)].into());
            let wish = StreamWish { url, name, track, callback, callback_method, parameters: vec![] };
            Request::StartStream { account, call, wish: Box::new(wish) }
        }
        3 => Request::StopStream { account, call, stream: "n".into() },
        4 => {
            let wish = TranscriptionWish {
                name: ["", "t"][dice.below(2)].into(),
                track,
                callback,
                callback_method,
                language: String::new(),
                partial: true,
                hints: vec![],
                inbound_label: String::new(),
                outbound_label: String::new(),
            };
            Request::StartTranscription { account, call, wish: Box::new(wish) }
        }
        5 => Request::StopTranscription { account, call, transcription: "t".into() },
        6 => {
            let Some(recording) = bench.recordings().last().map(|recording| Box::new((*recording).clone())) else {
                return;
            };
            Request::Transcribe { recording, language: String::new(), callback, callback_method }
        }
        7 => Request::SendMessage(Box::new(tipring_router::NewMessage {
            account,
            to: BOB.into(),
            from: SHOWN.into(),
            body: "x".into(),
            callback,
        })),
        _ => {
            let message = tipring_router::MessageIn { from: BOB.into(), to: "100".into(), body: "x".into() };
            return bench.event(Event::MessageIn(Box::new(message)));
        }
    };
    bench.request_of_api(request);
}

fn recorded(dice: &mut Dice) -> tipring_router::CallRecord {
    tipring_router::CallRecord {
        dual: dice.below(2) == 0,
        track: tipring_router::Track::Both,
        trim: true,
        callback: "http://app.test/status".into(),
        callback_method: tipring_resources::Method::Post,
        events: tipring_router::RecordingEvents { in_progress: true, completed: true, absent: true },
    }
}

/// How called parties behave from now on.
fn outgoing(bench: &mut Bench, dice: &mut Dice) {
    let who = [BOB, EVE, "+12025550125"][dice.below(3)];
    let after = [0, 20, 400, 1_500, 6_000][dice.below(5)];
    let far_end = match dice.below(9) {
        0 => FarEnd::rings(),
        1 => FarEnd::refuses(after, [17, 19, 21, 1, 16, 34][dice.below(6)]),
        2 => FarEnd::no_line(34, dice.below(3) > 0),
        3 => FarEnd { seized_ms: None, ..FarEnd::rings() },
        4 => FarEnd { moved_ms: Some(after), ..FarEnd::answers(2_000) },
        5 => FarEnd { early_ms: Some(after), ..FarEnd::answers(2_000) },
        6 => FarEnd { cleared_ms: Some((after + 500, 16)), early_ms: Some(300), ..FarEnd::answers(after) },
        7 => FarEnd { seized_ms: Some(after), ..FarEnd::answers(100) },
        _ => FarEnd::answers(after),
    };
    bench.far_end(who, far_end);
}

/// The API makes a call.
fn order(bench: &mut Bench, dice: &mut Dice) {
    let document = ["<Say>a</Say>", "<Play>a.wav</Play>", "<Dial>+12025550124</Dial><Say>b</Say>", "<broken"];
    let mut order = match dice.below(2) {
        0 => Bench::order_url(),
        _ => Bench::order(inline(document[dice.below(4)])),
    };
    order.to = [BOB, EVE, "hello", "911"][dice.below(4)].into();
    order.fallback_url = "http://spare.test/".into();
    order.callback = Some(callback(dice.below(2) == 0));
    order.timeout_s = 5;
    order.time_limit_s = [2, 600][dice.below(2)];
    order.group = ["", "other"][dice.below(2)].into();
    order.send_digits = ["", "1w2"][dice.below(2)].into();
    order.record = (dice.below(2) == 0).then(|| recorded(dice));
    order.machine = (dice.below(2) == 0).then(|| tipring_router::MachineWish {
        how: tipring_router::MachineDetection {
            mode: tipring_router::MachineMode::Enable,
            timeout_s: 3,
            speech_threshold_ms: 2_400,
            speech_end_threshold_ms: 1_200,
            silence_timeout_ms: 5_000,
        },
        beside: dice.below(2) == 0,
        callback: "http://app.test/status".into(),
        callback_method: tipring_resources::Method::Post,
    });
    bench.creates(order);
}

/// The API does something to rooms and queues.
fn group(bench: &mut Bench, dice: &mut Dice) {
    use tipring_router::{Announce, Gathering, NewParticipant, ParticipantChange, Request, SeatWish};
    let owner = account().sid;
    let live: Vec<Sid> = bench.router.live_calls().map(|call| call.sid).collect();
    let any = |dice: &mut Dice| live.get(dice.below(live.len().max(1))).copied().unwrap_or(owner);
    let name = ["a", "b", "c", "new"][dice.below(4)].to_owned();
    let method = tipring_resources::Method::Post;
    let announce = Announce { url: "http://app.test/say".into(), method };
    let seat = SeatWish {
        label: ["", "x"][dice.below(2)].into(),
        muted: dice.below(2) == 0,
        end_on_exit: dice.below(4) == 0,
        callback: ["", "http://app.test/status"][dice.below(2)].into(),
        record: dice.below(3) == 0,
        coached: (dice.below(4) == 0).then(|| any(dice)),
        ..SeatWish::default()
    };
    let request = match dice.below(12) {
        0 | 1 => {
            let calls = (0..1 + dice.below(3)).map(|_| any(dice)).collect();
            Request::Gather(Box::new(Gathering { account: owner, conference: name, calls, seat }))
        }
        2 => {
            let call = Bench::order(inline("<Say>never</Say>"));
            Request::CreateParticipant(Box::new(NewParticipant { call, conference: name, seat }))
        }
        3 | 4 => {
            let mut some = || [None, Some(true), Some(false)][dice.below(3)];
            let (muted, hold, coaching, end_on_exit) = (some(), some(), some(), some());
            Request::ChangeParticipant(Box::new(ParticipantChange {
                account: Some(owner),
                conference: name,
                call: [any(dice).to_string(), "x".into()][dice.below(2)].clone(),
                muted,
                hold,
                coaching,
                end_on_exit,
                coached: (dice.below(2) == 0).then(|| any(dice)),
                hold_document: (dice.below(2) == 0).then(|| ("http://app.test/wait".into(), method)),
                announce: (dice.below(3) == 0).then(|| announce.clone()),
                move_to: (dice.below(3) == 0).then(|| ["a", "aside"][dice.below(2)].to_owned()),
                ..ParticipantChange::default()
            }))
        }
        5 => Request::RemoveParticipant { account: owner, conference: name, call: any(dice).to_string() },
        6 => {
            let end = dice.below(2) == 0;
            Request::ChangeConference { account: owner, conference: name, end, announce: Some(announce) }
        }
        7 => Request::Notice { account: owner, call: any(dice), announce },
        8 => {
            let call = (dice.below(2) == 0).then(|| any(dice));
            Request::MoveMember { account: owner, queue: "q".into(), call, instructions: url(APP) }
        }
        9 => match queues(bench).last() {
            Some(queue) => Request::DeleteQueue { account: owner, queue: *queue },
            None => return,
        },
        10 => proof(dice),
        _ => Request::CreateQueue { account: owner, name: "q".into(), max_size: 3 },
    };
    bench.request_of_api(request);
}

/// Every queue that ever was.
fn queues(bench: &Bench) -> Vec<Sid> {
    let written = bench.records(|record| match record {
        tipring_resources::Record::Queue(queue) => Some(queue),
        _ => None,
    });
    written.into_iter().map(|queue| queue.sid).collect()
}

/// A number is to be proved; the keys of others may be its code.
fn proof(dice: &mut Dice) -> tipring_router::Request {
    tipring_router::Request::VerifyCallerId(Box::new(tipring_router::Verification {
        account: account().sid,
        phone_number: [BOB, EVE][dice.below(2)].into(),
        friendly_name: String::new(),
        call_delay_s: 0,
        extension: ["", "1w"][dice.below(2)].into(),
        code: ["111111", "*1*1*1"][dice.below(2)].into(),
        callback: "http://app.test/status".into(),
        method: tipring_resources::Method::Post,
    }))
}

/// The API gives some live call another document, or changes it otherwise.
fn redirect(bench: &mut Bench, dice: &mut Dice) {
    let live: Vec<Sid> = bench.router.live_calls().map(|call| call.sid).collect();
    if live.is_empty() {
        return;
    }
    let instructions = match dice.below(4) {
        0 => None,
        1 => Some(inline("<Say>inline</Say><Dial timeout='5'>+12025550123</Dial>")),
        _ => Some(url(APP)),
    };
    let change = tipring_router::CallChange {
        account: account().sid,
        call: live[dice.below(live.len())],
        instructions,
        fallback: (dice.below(3) == 0).then(|| ("http://spare.test/".into(), tipring_resources::Method::Get)),
        callback: (dice.below(3) == 0).then(|| callback(true)),
        time_limit_s: (dice.below(5) == 0).then_some(3),
    };
    bench.request_of_api(tipring_router::Request::ChangeCall(Box::new(change)));
}

/// Words about what is over, or never was, or is said twice.
fn stale(bench: &mut Bench, lease: Port, dice: &mut Dice) {
    let play = tipring_router::PlayId(u64::try_from(dice.below(60)).unwrap_or(0));
    let attempt = tipring_router::AttemptId(play.0);
    let ghost = Port { index: 30, generation: u32::try_from(dice.below(9)).unwrap_or(0) };
    let (law, kind, line) = (tipring_card::Law::A, tipring_router::LineKind::Isdn, String::new());
    let event = match dice.below(12) {
        5 => Event::Line(LineEvent::Seized { attempt, lease: ghost, line, law, kind }),
        6 => Event::Line(LineEvent::Ringing { lease }),
        7 => Event::Line(LineEvent::EarlyMedia { lease }),
        8 => Event::Line(LineEvent::NoLine { attempt, cause: Cause::NO_CHANNEL, may_wait: true, text: line }),
        9 => Event::Line(LineEvent::Moved { from: lease, lease: Port { index: 31, ..ghost }, line, law, kind }),
        10 => Event::Line(LineEvent::Cleared { lease: ghost, cause: Cause::NORMAL, by_far_end: false }),
        0 => Event::Line(LineEvent::Answered { lease, by: tipring_card::Supervision::Connect }),
        1 => Event::Line(LineEvent::Cleared { lease, cause: Cause::NORMAL, by_far_end: true }),
        2 => Event::Switch(SwitchEvent::Played { port: lease, play, octets: 0, whole: true }),
        3 => Event::Written { id: tipring_router::WriteId(play.0), result: Err("stale".into()) },
        _ => Event::Timer,
    };
    bench.event(event);
}

#[track_caller]
fn check(bench: &Bench, seed: u64) {
    assert_eq!(bench.router.live_calls().count(), 0, "seed {seed}");
    assert_eq!(bench.router.deadline(), None, "seed {seed}");
    let mut finals: BTreeMap<Sid, usize> = BTreeMap::new();
    for call in bench.call_records() {
        *finals.entry(call.sid).or_default() += usize::from(call.status.is_final());
    }
    assert!(finals.values().all(|count| *count == 1), "seed {seed}: a call has one final record: {finals:?}");
    assert!(bench.connected.is_empty(), "seed {seed}: {:?} stays connected", bench.connected);
    assert!(!bench.has_open_recording(), "seed {seed}: a recording stays open");
    assert!(bench.voices.is_empty(), "seed {seed}: voices stay: {:?}", bench.voices);
    assert!(bench.seats.is_empty(), "seed {seed}: seats stay: {:?}", bench.seats);
    let rooms = bench.rooms();
    let ended = |sid| rooms.iter().rfind(|room| room.sid == sid).is_some_and(|room| room.ended.is_some());
    assert!(rooms.iter().all(|room| ended(room.sid)), "seed {seed}: a room stays");
    assert!(bench.waiting().is_empty(), "seed {seed}: somebody stays in a queue");
    assert_eq!(bench.router.busy(), 0, "seed {seed}: something goes on");
    bench.nothing_is_left();
    let open = bench.log.iter().filter(|(_, effect)| matches!(effect, Effect::OpenRecording { .. })).count();
    let closed = bench.log.iter().filter(|(_, effect)| matches!(effect, Effect::CloseRecording { .. })).count();
    assert_eq!(open, closed, "seed {seed}: every recording is closed");
    let mut clears: BTreeMap<Port, usize> = BTreeMap::new();
    for (_, effect) in &bench.log {
        // Lines that the router never heard of are cleared as often as they are named.
        if let Effect::Line(LineCommand::Clear { lease, .. }) = effect
            && lease.index < 30
        {
            *clears.entry(*lease).or_default() += 1;
        }
    }
    assert!(clears.values().all(|count| *count == 1), "seed {seed}: a channel is cleared once");
    check_order(bench, seed);
}

/// After a call's final record nothing is asked but notices, and after it is forgotten nothing at all.
#[track_caller]
fn check_order(bench: &Bench, seed: u64) {
    let (mut over, mut forgotten) = (Vec::new(), Vec::new());
    for (_, effect) in &bench.log {
        match effect {
            Effect::Write { record, .. } => {
                if let tipring_resources::Record::Call(call) = record.as_ref() {
                    assert!(!over.contains(&call.sid), "seed {seed}: written after its end");
                    if call.status.is_final() {
                        over.push(call.sid);
                    }
                }
            }
            Effect::Http { request, .. } => {
                assert!(!forgotten.contains(&request.session), "seed {seed}: asked after it was forgotten");
                let ended = over.contains(&request.session);
                assert!(!ended || request.purpose == Purpose::Callback, "seed {seed}: a document for a dead call");
            }
            // Messages have sessions of their own.
            Effect::ForgetSession { session } if session.kind != tipring_resources::SidKind::Call => {}
            Effect::ForgetSession { session } => {
                assert!(over.contains(session) && !forgotten.contains(session), "seed {seed}");
                forgotten.push(*session);
            }
            _ => {}
        }
    }
    assert_eq!(over.len(), forgotten.len(), "seed {seed}");
}

/// What happened over all seeds.
#[derive(Debug, Default)]
struct Seen {
    calls: u64,
    documents: u64,
    recordings: u64,
    failures: u64,
    stale: u64,
    out: u64,
    bridges: u64,
    redirects: u64,
    expired: u64,
    rooms: u64,
    moved: usize,
    queued: usize,
    listens: usize,
    streams: usize,
    verdicts: usize,
    messages: usize,
    texts: usize,
}

#[test]
fn whatever_happens_every_call_ends_once() {
    let mut seen = Seen::default();
    let seeds = std::env::var("TIPRING_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(600);
    for seed in 1..=seeds {
        let bench = chaos(seed);
        check(&bench, seed);
        let counters = bench.router.counters();
        seen.calls += counters.calls;
        seen.documents += counters.documents;
        seen.recordings += counters.recordings;
        seen.failures += counters.sounds_failed.min(1) + counters.http_timeouts.min(1);
        seen.stale += counters.stale_events;
        seen.out += counters.calls_out;
        seen.bridges += counters.bridges;
        seen.redirects += counters.redirects;
        seen.expired += counters.queue_expired;
        seen.rooms += counters.rooms;
        let lines = bench.lines();
        seen.moved += lines.iter().filter(|line| line.contains("participant_updated_via_api")).count();
        seen.queued += lines.iter().filter(|line| line.contains("Enqueue ended: bridged")).count();
        seen.listens += bench.count(|effect| matches!(effect, Effect::Listen { .. }));
        seen.streams += bench.count(|effect| matches!(effect, Effect::OpenStream { .. }));
        seen.verdicts += bench.count(|effect| matches!(effect, Effect::Classify { .. }));
        seen.messages += bench.count(|effect| matches!(effect, Effect::SendMessage(_)));
        seen.texts += bench.count(|effect| matches!(effect, Effect::Transcribe { .. }));
    }
    // It was worth something only if all of it happened.
    assert!(seen.calls > 3_000 && seen.documents > 500 && seen.recordings > 50, "{seen:?}");
    assert!(seen.out > 1_000 && seen.bridges > 100 && seen.redirects > 200 && seen.expired > 5, "{seen:?}");
    assert!(seen.rooms > 300 && seen.moved > 20 && seen.queued > 5, "{seen:?}");
    assert!(seen.listens > 200 && seen.streams > 100 && seen.verdicts > 100, "{seen:?}");
    assert!(seen.messages > 100 && seen.texts > 20, "{seen:?}");
    assert!(seen.failures > 100 && seen.stale > 1_000, "{seen:?}");
}

#[test]
fn chaos_is_the_same_twice() {
    for seed in [3, 77, 1_234] {
        assert!(chaos(seed).transcript() == chaos(seed).transcript(), "seed {seed}");
    }
}
