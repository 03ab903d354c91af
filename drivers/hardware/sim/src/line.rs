//! What a wire is made of: spans and their channels, and how octets and frames cross one channel in a stretch of time.
//! When time passes, and which trouble comes when, is the wire's.

use tipring_card::{Alarms, BLOCK, ChannelId, ChannelInfo, Event, Law, Micros, Signalling, SpanId, SpanInfo, SpanKind};

use crate::{
    faults::{Faults, FrameFate, Way},
    looped::Loop,
    lossy::Lossy,
    port::Port,
    seed::Seed,
    wire::{D_TIMESLOT, E1_TIMESLOTS, MAX_ANALOG_PORTS, MAX_SPANS, Side, Watch, WireConfig, WireCounters},
};

/// Where the parts of the seed begin that are for noise; those before are for the faults of each way.
const NOISE: u64 = 1 << 32;

/// One span's state.
pub(crate) struct Span {
    pub info: SpanInfo,
    pub unplugged: bool,
    pub alarm_until: Micros,
    pub deaf_until: Micros,
    pub is_down: bool,
    pub errors: [u32; 2],
    /// From when on the device of this span is away, at each end.
    pub gone_from: [Option<Micros>; 2],
}

impl Span {
    /// Whether the device at this end is away.
    pub fn is_gone(&self, side: Side, now: Micros) -> bool {
        self.gone_from[side.index()].is_some_and(|from| from <= now)
    }

    pub fn alarms(&self) -> Alarms {
        if self.is_down { Alarms::RED } else { Alarms::NONE }
    }
}

/// One channel with both its ends.
pub(crate) struct Line {
    pub span: usize,
    pub ports: [Port; 2],
    /// The loop, when it is an analogue line.
    pub looped: Option<Loop>,
    /// What its sound suffers beside the faults of the wire.
    pub lossy: Option<Box<Lossy>>,
    /// Of the noise on it.
    pub noise: Seed,
    /// Faults from near to far and from far to near.
    pub ways: [Way; 2],
}

/// What the wire lends while frames move.
pub(crate) struct Moves<'a> {
    pub faults: &'a Faults,
    pub counters: &'a mut WireCounters,
    pub watch: &'a mut Option<Watch>,
    pub now: Micros,
}

impl Line {
    /// Moves audio both ways; tells how many slips there were.
    pub fn move_audio(&mut self, octets: usize, span: &mut Span) -> u32 {
        let mut slips = 0;
        // The exchange comes last: what the other end sends may come back to it in the same stretch.
        let exchange = self.looped.as_ref().map_or(Side::Far, Loop::exchange);
        for from in [exchange.other(), exchange] {
            let mut stretch = [0; BLOCK + 2];
            let carries = !span.is_down && self.looped.as_ref().is_none_or(|looped| looped.carries_from(from));
            let [near, far] = &mut self.ports;
            let (sender, receiver) = if from == Side::Near { (near, far) } else { (far, near) };
            let law = sender.law;
            let way = &mut self.ways[from.index()];
            let heard = if way.is_clear(octets) {
                sender.sent(&mut stretch[..octets]);
                &mut stretch[..octets]
            } else {
                let mut heard = [0; BLOCK];
                let mut one = [0; 1];
                let here = way.carry(&mut heard[..octets], law, || {
                    sender.sent(&mut one);
                    one[0]
                });
                slips += here;
                span.errors[from.other().index()] = span.errors[from.other().index()].saturating_add(here);
                stretch[..octets].copy_from_slice(&heard[..octets]);
                &mut stretch[..octets]
            };
            if !carries {
                heard.fill(law.silence());
            }
            if let Some(lossy) = &mut self.lossy {
                match from == exchange {
                    false => lossy.box_sends(heard, law),
                    true => lossy.box_hears(heard, law, carries),
                }
            }
            if self.looped.is_some() && law != receiver.law {
                translate(heard, law);
            }
            receiver.heard(heard);
        }
        slips
    }

    pub fn move_frames(&mut self, octets: usize, span: &mut Span, moves: Moves<'_>) {
        let Moves { faults, counters, watch, now } = moves;
        for from in [Side::Near, Side::Far] {
            let [near, far] = &mut self.ports;
            let (sender, receiver) = if from == Side::Near { (near, far) } else { (far, near) };
            if sender.frames_out.is_idle() {
                continue;
            }
            let way = &mut self.ways[from.index()];
            for frame in sender.frames_out.run(octets) {
                let mut fate = way.frame_fate(faults);
                if span.is_down || now <= span.deaf_until || receiver.holder.is_none() {
                    fate = FrameFate::Vanishes;
                } else if std::mem::take(&mut receiver.loses_first_frame) {
                    fate = FrameFate::Aborted;
                }
                let arrived = match fate {
                    FrameFate::Arrives => {
                        if let Some(watch) = watch {
                            watch(from.other(), &frame);
                        }
                        receiver.heard_frame(frame)
                    }
                    FrameFate::Vanishes => false,
                    FrameFate::BadFcs => {
                        span.errors[from.other().index()] = span.errors[from.other().index()].saturating_add(1);
                        receiver.tell(Event::HdlcBadFcs);
                        false
                    }
                    FrameFate::Aborted => {
                        receiver.tell(Event::HdlcAbort);
                        false
                    }
                };
                if arrived {
                    counters.frames += 1;
                } else {
                    counters.frames_lost += 1;
                }
            }
        }
    }

    /// Hands on what the loop has to tell.
    pub fn tell_loop(&mut self) {
        if let Some(looped) = &mut self.looped {
            tell_all(looped, &mut self.ports);
        }
    }
}

/// A loop carries sound, not octets: each end hears it in its own law.
fn translate(octets: &mut [u8], from: Law) {
    for octet in octets {
        *octet = match from {
            Law::A => tipring_dsp::a_to_mu(*octet),
            Law::Mu => tipring_dsp::mu_to_a(*octet),
        };
    }
}

pub(crate) fn tell_all(looped: &mut Loop, ports: &mut [Port; 2]) {
    for (side, event) in looped.told() {
        ports[side.index()].tell(event);
    }
}

/// Spans and channels of a configuration.
pub(crate) fn build(config: &WireConfig, faults: &Faults) -> (Vec<Span>, Vec<Line>) {
    let seed = Seed::new(config.seed);
    let (mut spans, mut lines) = (Vec::new(), Vec::new());
    let e1_spans = config.spans.min(MAX_SPANS);
    for number in 0..e1_spans {
        spans.push(span(number + 1, SpanKind::E1, format!("simulated E1 {}", number + 1)));
        for timeslot in 1..=E1_TIMESLOTS {
            let kind = if timeslot == D_TIMESLOT { Signalling::Hdlc } else { Signalling::Bearer };
            lines.push(line(usize::from(number), timeslot, [kind, kind], config, faults, &seed, lines.len()));
        }
    }
    let ports = config.analog_ports.min(MAX_ANALOG_PORTS);
    if ports > 0 {
        spans.push(span(e1_spans + 1, SpanKind::Analog, "simulated analogue lines".into()));
        for port in 1..=ports as u8 {
            let kinds = [Signalling::FxsKs, Signalling::FxoKs];
            lines.push(line(usize::from(e1_spans), port, kinds, config, faults, &seed, lines.len()));
        }
    }
    let phones = config.phone_ports.min(MAX_ANALOG_PORTS);
    if phones > 0 {
        let place = spans.len();
        spans.push(span(place as u16 + 1, SpanKind::Analog, "simulated ports for telephones".into()));
        for port in 1..=phones as u8 {
            let kinds = [Signalling::FxoKs, Signalling::FxsKs];
            lines.push(line(place, port, kinds, config, faults, &seed, lines.len()));
        }
    }
    (spans, lines)
}

fn span(number: u16, kind: SpanKind, name: String) -> Span {
    Span {
        info: SpanInfo { id: SpanId(number), kind, name },
        unplugged: false,
        alarm_until: Micros::ZERO,
        deaf_until: Micros::ZERO,
        is_down: false,
        errors: [0; 2],
        gone_from: [None; 2],
    }
}

fn line(
    span: usize,
    timeslot: u8,
    kinds: [Signalling; 2],
    config: &WireConfig,
    faults: &Faults,
    seed: &Seed,
    before: usize,
) -> Line {
    let id = ChannelId(before as u16 + 1);
    let exchange = match kinds {
        [_, Signalling::FxoKs] => Some(Side::Far),
        [Signalling::FxoKs, _] => Some(Side::Near),
        _ => None,
    };
    let law = if exchange.is_some() { config.analog_law } else { config.law };
    let info = |signalling| ChannelInfo { id, span: SpanId(span as u16 + 1), timeslot, signalling, law };
    let part = before as u64 * 2;
    Line {
        span,
        ports: kinds.map(|kind| Port::new(info(kind))),
        looped: exchange.map(Loop::new),
        lossy: None,
        noise: seed.part(NOISE + before as u64),
        ways: [Way::new(faults, seed, part), Way::new(faults, seed, part + 1)],
    }
}
