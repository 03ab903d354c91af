//! The real machine of a line (`Fxo` and its `Handset`) on a simulated card, with an office at the far end: both are
//! told the same story.

use tipring_analog::{AnswerSign, Command, Config, Digits, Event, Fxo, Handset, Input, Output, Sign};
use tipring_card::{BLOCK, Card, CardError, Cause, Channel, Control, Micros, PREFILL, Progress, Setup, Supervision};
use tipring_dsp::ZoneId;
use tipring_isdn::By;
use tipring_sim::{
    Call, CallerIdForm, Clearing, DialTone, Office, OfficeConfig, Reply, Step, Trouble, Wire, WireConfig,
};

use crate::{
    subscriber::{answers, subscribers_of},
    support::{answer, ms, stay},
};

struct RealBox {
    wire: Wire,
    office: Office,
    channel: Box<dyn Channel>,
    control: Box<dyn Control>,
    fxo: Fxo,
    handset: Handset,
    /// The channel is on the audio side.
    audio: bool,
    events: Vec<(u64, Event)>,
}

impl RealBox {
    fn new(line: Config, config: OfficeConfig) -> RealBox {
        let wire = Wire::new(WireConfig { spans: 0, analog_ports: 1, ..WireConfig::default() });
        let office = Office::new(wire.far(), config);
        let id = office.lines().next().expect("a line");
        let mut channel = wire.near().open(id).expect("it is free");
        let law = channel.info().law;
        channel.setup(Setup::Audio(law)).expect("voice");
        for _ in 0..PREFILL {
            channel.write(&[law.silence(); BLOCK]).expect("there is room");
        }
        let control = channel.control().expect("a line has a hook");
        let handset = Handset::new(law, line.zone);
        let fxo = Fxo::new(line);
        let mut all = RealBox { wire, office, channel, control, fxo, handset, audio: false, events: Vec::new() };
        all.give(Input::Opened);
        all.run(2_500);
        all.events.clear();
        all
    }

    fn give(&mut self, input: Input) {
        let now = self.wire.now();
        self.fxo.handle(now, input);
        while let Some(output) = self.fxo.poll() {
            match output {
                Output::Hook(hook) => match self.control.hook(hook) {
                    Ok(Progress::Done | Progress::Pending) => {}
                    Err(_) => self.fxo.handle(now, Input::HookFailed),
                },
                Output::Audio(audio) => self.audio = audio,
                Output::Listen(listen) => self.handset.listen(listen),
                Output::Send(digits) => self.handset.send(&digits),
                Output::Event(event) => self.events.push((now.as_ms(), event)),
            }
        }
    }

    fn run(&mut self, ms: u64) {
        for _ in 0..ms / 10 {
            self.wire.step(self.wire.now() + Micros::from_ms(10));
            self.office.step(self.wire.now());
            self.turn();
        }
    }

    fn turn(&mut self) {
        let mut block = [0; BLOCK];
        let silence = self.channel.info().law.silence();
        loop {
            match self.channel.read(&mut block) {
                Ok(_) => {
                    let mut said = [silence; BLOCK];
                    if self.audio {
                        self.handset.hear(&block);
                        self.handset.speak(&mut said);
                    }
                    let _ = self.channel.write(&said);
                }
                Err(CardError::EventPending) => {
                    if let Ok(Some(event)) = self.channel.event() {
                        self.give(Input::Line(event));
                    }
                }
                Err(_) => break,
            }
        }
        while let Some(heard) = self.handset.poll() {
            self.give(Input::Heard(heard));
        }
        if self.fxo.deadline().is_some_and(|at| at <= self.wire.now()) {
            self.give(Input::Timer);
        }
    }

    #[track_caller]
    fn run_until(&mut self, limit_ms: u64, done: impl Fn(&RealBox) -> bool) {
        let end = self.wire.now() + ms(limit_ms);
        while !done(self) {
            let story: String = self.office.trace().iter().map(|line| format!("{line}\n")).collect();
            assert!(self.wire.now() < end, "{limit_ms} ms are over: {} {:?}\n{story}", self.fxo.state(), self.events);
            self.run(10);
        }
    }

    fn dials(&mut self, digits: &str) {
        self.give(Input::Command(Command::Dial(Digits::try_from(digits).expect("few digits"))));
    }

    fn told(&self, wanted: &Event) -> bool {
        self.events.iter().any(|(_, event)| event == wanted)
    }

    /// How the present call ended.
    fn ended(&self) -> Option<(Cause, Sign)> {
        self.events.iter().find_map(|(_, event)| match event {
            Event::Ended { cause, sign } => Some((*cause, *sign)),
            _ => None,
        })
    }

    fn hangs_up(&mut self) {
        self.give(Input::Command(Command::Hangup));
        self.run_until(10_000, |all| all.fxo.is_idle() && all.office.is_idle());
    }
}

fn us() -> Config {
    Config::default()
}

#[test]
fn b11_a_line_dials_hears_the_ringing_and_the_reversal_and_the_battery_drop() {
    for reversal_on_seizure in [false, true] {
        let steps = vec![Step::Wait { ms: 5_000 }, Step::hangup()];
        let config = OfficeConfig {
            subscribers: subscribers_of(vec![("5550100", answers(9_000, steps))]),
            reversal_on_answer: true,
            reversal_on_seizure,
            ..OfficeConfig::default()
        };
        dialled_and_answered(RealBox::new(us(), config));
    }
}

#[track_caller]
fn dialled_and_answered(mut all: RealBox) {
    all.dials("5550100");
    all.run_until(15_000, |all| all.told(&Event::Dialled));
    all.run_until(15_000, |all| all.told(&Event::Connected(Supervision::Reversal)));
    assert!(all.told(&Event::Ringback), "{:?}", all.events);
    all.run_until(10_000, |all| all.ended().is_some());
    assert_eq!(all.ended(), Some((Cause::NORMAL, Sign::BatteryDrop)));
    all.run_until(10_000, |all| all.fxo.is_idle() && all.office.is_idle());
    let report = all.office.take_finished().remove(0);
    assert_eq!((report.to.as_str(), report.cause, report.by), ("5550100", Some(Cause::NORMAL), Some(By::Local)));
}

#[test]
fn a31_a_line_tells_every_outcome_of_a_dialled_call() {
    let refuse = |cause| Reply::Refuse(Cause(cause));
    let replies = vec![("17", refuse(17)), ("34", refuse(34)), ("99", refuse(1))];
    for (number, sign) in [("17", Sign::BusyTone), ("34", Sign::CongestionTone), ("99", Sign::InformationTone)] {
        let config = OfficeConfig { subscribers: subscribers_of(replies.clone()), ..OfficeConfig::default() };
        let mut all = RealBox::new(us(), config);
        all.dials(number);
        all.run_until(30_000, |all| all.ended().is_some());
        assert_eq!(all.ended().map(|end| end.1), Some(sign), "{:?}", all.events);
        all.run_until(10_000, |all| all.fxo.is_idle() && all.office.is_idle());
        assert_eq!(all.office.take_finished()[0].to, number);
    }
}

#[test]
fn a_line_without_dial_tone_is_told() {
    let mut all = RealBox::new(us(), OfficeConfig { dial_tone: DialTone::Dead, ..OfficeConfig::default() });
    all.dials("17");
    all.run_until(15_000, |all| all.ended().is_some());
    assert_eq!(all.ended().map(|end| end.1), Some(Sign::NoDialTone));
    all.run_until(10_000, |all| all.fxo.is_idle() && all.office.is_idle());
}

#[test]
fn a31_a_called_party_is_guessed_by_voice_and_lost_by_busy_tone() {
    let voice = Step::Tone { hz: 270.0, ms: 4_000, level_dbm0: -12.0 };
    let config = OfficeConfig {
        subscribers: subscribers_of(vec![("77", answers(7_000, vec![voice]))]),
        clearing: Clearing::BusyTone,
        ..OfficeConfig::default()
    };
    let mut all = RealBox::new(Config { answer: AnswerSign::Voice, ..us() }, config);
    all.dials("77");
    all.run_until(30_000, |all| all.told(&Event::Connected(Supervision::GuessedVoice)));
    all.run_until(30_000, |all| all.ended().is_some());
    assert_eq!(all.ended().map(|end| end.1), Some(Sign::BusyTone));
    all.run_until(10_000, |all| all.fxo.is_idle() && all.office.is_idle());
}

#[test]
fn a2_a_line_tells_who_rings_answers_and_hangs_up() {
    for zone in ["us", "uk", "de"] {
        let zone = ZoneId::of(zone).expect("in the table");
        let mut all = RealBox::new(Config { zone, ..us() }, OfficeConfig { zone, ..OfficeConfig::default() });
        let call = Call {
            id: "one".into(),
            from: Some("2025550100".into()),
            steps: vec![answer(), stay()],
            ..Call::default()
        };
        all.office.ring(call).unwrap();
        all.run_until(9_000, |all| !all.events.is_empty());
        let Some((_, Event::Incoming { caller })) = all.events.first() else {
            panic!("{:?}", all.events);
        };
        assert_eq!(caller.number.as_deref(), Some("2025550100"), "{zone:?}");
        all.give(Input::Command(Command::Answer));
        all.run_until(3_000, |all| all.told(&Event::Answered));
        all.run(2_000);
        assert!(all.office.call("one").is_some_and(|call| call.connected_at.is_some()));
        all.hangs_up();
        assert_eq!(all.office.take_finished()[0].by, Some(By::Remote));
    }
}

#[test]
fn a2_a_caller_who_gives_up_is_missed() {
    let mut all = RealBox::new(us(), OfficeConfig::default());
    let steps = vec![Step::AwaitAnswer { limit_ms: 8_000 }];
    all.office.ring(Call { id: "short".into(), steps, ..Call::default() }).unwrap();
    all.run_until(30_000, |all| all.told(&Event::Missed));
    all.run_until(15_000, |all| all.fxo.is_idle() && all.office.is_idle());
    assert!(!all.told(&Event::Answered));
}

#[test]
fn glare_on_a_line_has_one_end_for_every_moment_of_the_ring() {
    let incoming = |event: &Event| matches!(event, Event::Incoming { .. });
    let ended = |sign| Event::Ended { cause: if sign == Sign::Glare { Cause(44) } else { Cause(27) }, sign };
    // When the call comes, seen from the seizure; how long its first ring waits; what the line says first; whether the
    // caller is offered afterwards.
    let cases = [
        // The ring is there already: nothing is seized, the caller is offered.
        (0, 0, ended(Sign::Glare), true),
        // It comes before the exchange sees the closed loop, which answers it.
        (40, 0, Event::Glare, true),
        // The exchange has seen us: the caller waits and finds the line busy.
        (1_000, 0, Event::Dialled, false),
        // The call is on its way and has not rung: we have answered it unawares and hear no dial tone.
        (0, 400, ended(Sign::NoDialTone), false),
    ];
    for (ring_ms, ring_delay, first, offered) in cases {
        let config = OfficeConfig {
            ring_delay: ms(ring_delay),
            subscribers: subscribers_of(vec![("77", answers(1_000, vec![stay()]))]),
            reversal_on_answer: true,
            ..OfficeConfig::default()
        };
        let mut all = RealBox::new(us(), config);
        let at = all.wire.now() + ms(ring_ms);
        let steps = vec![Step::AwaitAnswer { limit_ms: 30_000 }, Step::Wait { ms: 60_000 }];
        all.office.ring(Call { id: "in".into(), at, steps, ..Call::default() }).unwrap();
        all.run(10);
        all.dials("77");
        all.run(20_000);
        assert_eq!(
            all.events.first().map(|(_, event)| event),
            Some(&first),
            "{ring_ms} {ring_delay}: {:?}",
            all.events
        );
        assert_eq!(all.events.iter().any(|(_, event)| incoming(event)), offered, "{ring_ms}: {:?}", all.events);
        if offered {
            all.give(Input::Command(Command::Answer));
            all.run(1_000);
            assert!(all.office.call("in").is_some_and(|call| call.connected_at.is_some()), "{ring_ms}");
        }
        all.hangs_up();
        let report = all.office.call("in").expect("over");
        assert_eq!(report.cause, Some(if ring_ms == 1_000 { Cause::USER_BUSY } else { Cause::NORMAL }), "{ring_ms}");
    }
}

#[test]
fn a_line_that_is_cut_ends_its_call_and_heals() {
    let config = OfficeConfig {
        subscribers: subscribers_of(vec![("77", answers(200, vec![stay()]))]),
        reversal_on_answer: true,
        ..OfficeConfig::default()
    };
    let mut all = RealBox::new(us(), config);
    let cut = Trouble::LineCut { line: all.channel.info().id, lasts: ms(5_000) };
    all.dials("77");
    all.run_until(15_000, |all| all.told(&Event::Connected(Supervision::Reversal)));
    all.run(1_000);
    all.wire.trouble(cut);
    all.run_until(3_000, |all| all.ended().is_some());
    assert_eq!(all.ended().map(|end| end.1), Some(Sign::BatteryDrop));
    all.run(3_000);
    assert!(!all.fxo.is_idle(), "no call may be dialled on a line without battery");
    all.run_until(9_000, |all| all.fxo.is_idle() && all.office.is_idle());
    assert_eq!(all.office.take_finished()[0].by, Some(By::Remote));
    // And it works again.
    all.events.clear();
    all.dials("77");
    all.run_until(15_000, |all| all.told(&Event::Connected(Supervision::Reversal)));
    all.hangs_up();
}

#[test]
fn a31_every_country_hears_its_own_dial_ringback_and_busy() {
    let mut complaints = Vec::new();
    for zone in ZoneId::all() {
        let code = zone.tones().code;
        let line = Config { zone, ..us() };
        let config = |reply| OfficeConfig {
            zone,
            subscribers: subscribers_of(vec![("77", reply)]),
            reversal_on_answer: true,
            ..OfficeConfig::default()
        };
        let mut all = RealBox::new(line.clone(), config(Reply::Refuse(Cause::USER_BUSY)));
        all.dials("77");
        all.run(25_000);
        if all.ended().map(|end| end.1) != Some(Sign::BusyTone) {
            complaints.push(format!("{code} busy: {:?}", all.events));
        }
        let mut all = RealBox::new(line, config(answers(14_000, vec![stay()])));
        all.dials("77");
        all.run(25_000);
        if !all.told(&Event::Ringback) || !all.told(&Event::Connected(Supervision::Reversal)) {
            complaints.push(format!("{code} ringback: {:?}", all.events));
        }
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn a2_digits_before_the_ring_tell_who_calls() {
    for (from, restricted) in [(Some("2025550100"), false), (Some("2025550100"), true), (None, false)] {
        let caller_id = CallerIdForm::Dtmf;
        let mut all = RealBox::new(us(), OfficeConfig { caller_id, ..OfficeConfig::default() });
        let from = from.map(String::from);
        let steps = vec![answer(), stay()];
        all.office.ring(Call { id: "one".into(), from: from.clone(), restricted, steps, ..Call::default() }).unwrap();
        all.run_until(15_000, |all| !all.events.is_empty());
        let Some((_, Event::Incoming { caller })) = all.events.first() else {
            panic!("{:?}", all.events);
        };
        assert_eq!(caller.restricted, restricted);
        assert_eq!(caller.number.as_deref(), from.as_deref().filter(|_| !restricted));
        all.give(Input::Command(Command::Answer));
        all.run(2_000);
        assert!(all.told(&Event::Answered) && all.ended().is_none(), "{:?}", all.events);
        all.hangs_up();
    }
}
