//! A line on the bench: inputs at their times, outputs checked in order.

use tipring_analog::{AnswerSign, CallerId, Command, Config, Digits, Event, Fxo, Heard, Input, Listen, Output, Sign};
use tipring_card::{Cause, Event as LineEvent, Hook, Micros, Supervision};

pub struct Bench {
    pub line: Fxo,
    pub now: Micros,
    outputs: Vec<Output>,
}

pub fn ms(ms: u64) -> Micros {
    Micros::from_ms(ms)
}

pub fn digits(of: &str) -> Digits {
    of.try_into().unwrap()
}

pub fn caller(number: &str) -> CallerId {
    CallerId { number: Some(digits(number)), ..CallerId::default() }
}

pub fn ended(cause: u8, sign: Sign) -> Event {
    Event::Ended { cause: Cause(cause), sign }
}

pub fn answering_by(answer: AnswerSign) -> Config {
    Config { answer, ..Config::default() }
}

impl Bench {
    /// A line that was opened ten seconds ago.
    pub fn new(config: Config) -> Bench {
        let mut bench = Bench { line: Fxo::new(config), now: Micros::ZERO, outputs: Vec::new() };
        bench.does(Input::Opened);
        bench.tells(&[Event::Idle]);
        bench.passes(10_000);
        bench
    }

    #[track_caller]
    pub fn does(&mut self, input: Input) -> &mut Bench {
        self.line.handle(self.now, input);
        self.drain();
        self
    }

    fn drain(&mut self) {
        while let Some(output) = self.line.poll() {
            self.outputs.push(output);
        }
        assert_eq!(self.line.counters().overruns, 0);
    }

    #[track_caller]
    pub fn sees(&mut self, event: LineEvent) -> &mut Bench {
        self.does(Input::Line(event))
    }

    #[track_caller]
    pub fn hears(&mut self, heard: Heard) -> &mut Bench {
        self.does(Input::Heard(heard))
    }

    #[track_caller]
    pub fn commands(&mut self, command: Command) -> &mut Bench {
        self.does(Input::Command(command))
    }

    /// Time goes by, and timers with it.
    pub fn passes(&mut self, length_ms: u64) -> &mut Bench {
        let end = self.now + ms(length_ms);
        for _ in 0..100 {
            match self.line.deadline().filter(|at| *at <= end) {
                Some(at) => {
                    self.now = self.now.max(at);
                    self.does(Input::Timer);
                }
                None => break,
            }
        }
        self.now = end;
        self
    }

    /// One ring of two seconds, and its trailer.
    pub fn rings(&mut self) -> &mut Bench {
        self.sees(LineEvent::RingBegin).passes(2_050).sees(LineEvent::RingOffHook)
    }

    /// What came out since the last question.
    pub fn outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    #[track_caller]
    pub fn puts(&mut self, expected: &[Output]) -> &mut Bench {
        assert_eq!(self.outputs(), expected, "{}", self.line.state());
        self
    }

    /// The events among what came out, and nothing said of the rest.
    #[track_caller]
    pub fn tells(&mut self, expected: &[Event]) -> &mut Bench {
        let told: Vec<Event> = self.outputs().into_iter().filter_map(event_of).collect();
        assert_eq!(told, expected, "{}", self.line.state());
        self
    }

    #[track_caller]
    pub fn is(&mut self, state: &str) -> &mut Bench {
        assert_eq!(self.line.state(), state);
        self
    }

    /// A call that rang and was answered a second ago.
    pub fn answered(config: Config) -> Bench {
        let mut bench = Bench::new(Config { caller_id: false, ..config });
        bench.sees(LineEvent::RingBegin).commands(Command::Answer).passes(1_000).is("in call");
        bench.outputs();
        bench
    }

    /// A line that dials and has just got its last digit out.
    pub fn dialled(answer: AnswerSign) -> Bench {
        let mut bench = Bench::new(answering_by(answer));
        bench.commands(Command::Dial(digits("5550123"))).passes(2_000).sees(LineEvent::HookComplete);
        bench.passes(600).hears(Heard::DialTone).passes(1_400).hears(Heard::Dialled);
        bench.outputs();
        bench
    }

    /// A call that we dialled, answered as told a second ago.
    pub fn connected(by: Supervision) -> Bench {
        let answer = if by == Supervision::GuessedDialled { AnswerSign::Dialled } else { AnswerSign::Voice };
        let mut bench = Bench::dialled(answer);
        match by {
            Supervision::Reversal => _ = bench.sees(LineEvent::Polarity),
            Supervision::GuessedVoice => _ = bench.hears(Heard::Voice),
            _ => {}
        }
        bench.passes(1_000).is("in call").outputs();
        bench
    }
}

pub fn event_of(output: Output) -> Option<Event> {
    match output {
        Output::Event(event) => Some(event),
        _ => None,
    }
}

pub const OFF_HOOK: Output = Output::Hook(Hook::OffHook);
pub const ON_HOOK: Output = Output::Hook(Hook::OnHook);
pub const START: Output = Output::Hook(Hook::Start);

pub fn listen(listen: Listen) -> Output {
    Output::Listen(listen)
}

pub fn event(event: Event) -> Output {
    Output::Event(event)
}
