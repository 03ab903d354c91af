//! One call of a visit, step by step: seize and dial, ring, answer, levels and echo, the other line hangs up, what tells of
//! it, rest.

use tipring_analog::{Digits, Event as Told, Heard};
use tipring_card::{BLOCK, Event as LineEvent, Micros};
use tipring_dsp::ZoneId;

use super::{Visit, Which};
use crate::found::{CallFound, EndFound, ToneFound, Way, form_word};
use crate::probe;
use crate::tone::{Sound, level_dbm0, measure};
use crate::words::{Seen, Wish};

/// Seizure, dial tone and forty digits.
const DIALLING_LIMIT: Micros = Micros::from_s(25);
/// A call that came earlier than so long before our digits counted as out is somebody else's.
const EARLY: Micros = Micros::from_s(2);
/// From the last digit to a ring at the other end.
const RING_LIMIT: Micros = Micros::from_s(25);
/// The rest of a burst of ringback, then two whole ones and the pauses before them: two and four seconds each at most.
const RINGBACK_LIMIT: Micros = Micros(14_500_000);
const ANSWER_LIMIT: Micros = Micros::from_s(3);
/// A reversal that marks the answer comes within this time.
const SETTLING: Micros = Micros(1_500_000);
const QUIET: Micros = Micros::from_ms(500);
/// A probe, and the time for its last echo.
const TONE_MS: usize = 600;
const NOISE_MS: usize = 1_000;
const PROBE_SPARE: Micros = Micros::from_ms(400);
/// Of a tone this is measured: what comes after the buffers on the way.
const MEASURED: std::ops::Range<usize> = 2_400..4_400;
/// What is weaker at the other end is not our tone.
const LOST_DBM0: f32 = -45.0;
/// So long is listened for the end of the call, where nothing tells of it.
const CLEARING_LIMIT: Micros = Micros::from_s(16);
/// A tone may follow a drop or a reversal.
const AFTER_A_SIGN: Micros = Micros::from_s(6);
/// The line's own ear wants one or two turns of a rhythm more.
const EAR_SPARE: Micros = Micros(2_500_000);
/// How often what is heard is measured.
const LOOKS_EVERY: Micros = Micros::from_ms(500);
/// After both have rested: rings are not told for two seconds after a channel was opened again.
const REST: Micros = Micros::from_ms(500);
const REST_LIMIT: Micros = Micros::from_s(12);

/// Where a call is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// The lines are not lent yet.
    Lending,
    /// The caller seizes, waits for dial tone, dials.
    Dialling {
        /// Up to here it was the line's dial tone that was heard.
        known_at: Option<usize>,
    },
    /// The digits are out.
    Ringing { dialled: Micros, mark: usize },
    /// It rings, and ringback is listened to until its rhythm is known.
    Ringback { dialled: Micros, mark: usize, look: Micros },
    /// The other end has been asked to answer.
    Answering,
    /// Answered.
    Settling { answered: Micros },
    /// Nobody speaks.
    Quiet { marks: [usize; 2] },
    /// The measuring tone goes out of one line.
    Tone { from: Which },
    /// Noise goes out of the examined line.
    Noise { quiet: [usize; 2] },
    /// The other line has hung up.
    Clearing(Clearing),
    /// Both have hung up.
    Resting { since: Option<Micros> },
}

/// The end of a call is awaited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Clearing {
    /// The other line hung up.
    since: Micros,
    /// From here on it is heard.
    mark: usize,
    /// What is heard was looked at last.
    look: Micros,
    /// A sign came that a tone may follow.
    sign: Option<Micros>,
    /// What sounds is certain; the line's own ear may take longer.
    certain: Option<Micros>,
}

impl Visit {
    /// The lines are there, or the last call is over: the next one, or the end.
    fn next_call(&mut self, now: Micros) {
        let Some(way) = self.plan.pop_front() else {
            return self.ends(now, None);
        };
        let caller = caller(way);
        let number = if way == Way::Called { &self.order.number } else { &self.order.with_number };
        let digits = Digits::try_from(number.as_str()).unwrap_or_default();
        let (a, b) = (self.line(caller).name.clone(), self.line(caller.turned()).name.clone());
        self.tells(format!("{a} calls {b}"));
        self.calls.push(CallFound::new(way));
        self.lines.iter_mut().for_each(|line| (line.idle, line.ended_by) = (false, None));
        self.early = None;
        self.wish(caller, Wish::Dial(digits));
        self.goes_to(Step::Dialling { known_at: None }, now + DIALLING_LIMIT);
    }

    fn goes_to(&mut self, step: Step, until: Micros) {
        (self.step, self.until) = (step, until);
    }

    /// The call that is under way.
    fn found(&mut self) -> &mut CallFound {
        if self.calls.is_empty() {
            self.calls.push(CallFound::new(Way::Called));
        }
        let last = self.calls.len() - 1;
        &mut self.calls[last]
    }

    /// Who calls in the present call.
    fn caller(&self) -> Which {
        self.calls.last().map_or(Which::Examined, |call| caller(call.way))
    }

    /// Something happened on a line that is no matter of the visit as a whole.
    pub(super) fn saw(&mut self, at: Micros, which: Which, seen: &Seen) {
        match seen {
            Seen::Line(event) => self.saw_event(at, which, *event),
            Seen::Heard(heard) => self.heard(at, which, heard),
            Seen::Told(told) => self.told(at, which, told),
            _ => {}
        }
    }

    fn saw_event(&mut self, at: Micros, which: Which, event: LineEvent) {
        let caller = self.caller();
        match (event, self.step) {
            // An exchange that knows its numbers rings before the digits count as out here.
            (LineEvent::RingBegin, Step::Dialling { .. }) if which != caller => {
                self.early.get_or_insert((at, false));
                self.found().rang_after_ms.get_or_insert(0);
            }
            (LineEvent::RingBegin, Step::Ringing { dialled, .. }) if which != caller => {
                let after = ms(at, dialled);
                self.found().rang_after_ms.get_or_insert(after);
            }
            (LineEvent::Polarity, Step::Settling { answered }) if which == caller && caller == Which::Examined => {
                let after = ms(at, answered);
                self.found().answer_reversal_ms.get_or_insert(after);
            }
            (LineEvent::Polarity | LineEvent::OnHook, Step::Clearing(clearing)) if which == Which::Examined => {
                self.step = Step::Clearing(Clearing { sign: Some(at), ..clearing });
                let after = ms(at, clearing.since);
                let end = self.found().end.get_or_insert_default();
                let place = if event == LineEvent::OnHook { &mut end.battery_ms } else { &mut end.reversal_ms };
                place.get_or_insert(after);
            }
            _ => {}
        }
    }

    fn heard(&mut self, at: Micros, which: Which, heard: &Heard) {
        let caller = self.caller();
        match (heard, self.step) {
            (Heard::DialTone, Step::Dialling { known_at: None }) if which == caller => {
                self.step = Step::Dialling { known_at: Some(self.line(caller).ear.mark()) };
            }
            (Heard::CallerId(told), Step::Dialling { .. } | Step::Ringing { .. })
                if which == Which::Examined && which != caller =>
            {
                let before_ring = self.found().rang_after_ms.is_none();
                let known = self.found().caller_id.get_or_insert_default();
                known.form = told.form.map(|form| form_word(form).into());
                known.number |= told.number.is_some();
                known.name |= told.name.is_some();
                known.withheld |= told.restricted || told.unavailable;
                known.before_ring = before_ring;
            }
            (Heard::BadCallerId, Step::Dialling { .. } | Step::Ringing { .. })
                if which == Which::Examined && which != caller =>
            {
                self.found().caller_id.get_or_insert_default().damaged += 1;
            }
            // The number is wrong, or somebody else was faster.
            (Heard::Busy | Heard::Congestion | Heard::Information, Step::Ringing { mark, .. }) if which == caller => {
                self.did_not_ring(at, mark);
            }
            (heard, Step::Clearing(_)) if which == Which::Examined => {
                let word = match heard {
                    Heard::Busy => "busy tone",
                    Heard::Congestion => "congestion tone",
                    Heard::DialTone => "dial tone",
                    Heard::Howler => "howler",
                    Heard::Information => "information tone",
                    _ => return,
                };
                self.found().end.get_or_insert_default().heard_as.get_or_insert_with(|| word.into());
            }
            _ => {}
        }
    }

    fn told(&mut self, at: Micros, which: Which, told: &Told) {
        let caller = self.caller();
        match (told, self.step) {
            (Told::Dialled, Step::Dialling { known_at }) if which == caller => {
                self.judge_dial_tone(known_at);
                let mark = self.line(caller).ear.mark();
                self.goes_to(Step::Ringing { dialled: at, mark }, at + RING_LIMIT);
                match self.early.take() {
                    Some((first, _)) if at > first + EARLY => self.yields(at, caller.turned()),
                    Some((_, true)) => self.rings(at, at, mark),
                    Some((_, false)) | None => {}
                }
            }
            // Where the number comes before the ring, an exchange that knows its numbers may be faster than our buffers.
            (Told::Incoming { .. }, Step::Dialling { .. }) if which != caller => {
                self.early = Some((self.early.map_or(at, |(first, _)| first), true));
            }
            (Told::Missed, Step::Dialling { .. }) if which != caller => self.early = None,
            (Told::Incoming { .. }, Step::Ringing { dialled, mark }) if which != caller => {
                self.rings(at, dialled, mark)
            }
            (Told::Answered, Step::Answering) if which != caller => {
                self.goes_to(Step::Settling { answered: at }, at + SETTLING);
            }
            (Told::Incoming { .. } | Told::Glare, _) => self.yields(at, which),
            (Told::Missed, Step::Ringback { .. } | Step::Answering) => {
                let line = self.line(which).name.clone();
                self.fails(at, format!("{line} stopped ringing before it was answered"));
            }
            _ => {}
        }
    }

    /// Somebody else calls.
    fn yields(&mut self, now: Micros, which: Which) {
        let line = self.line(which).name.clone();
        self.fails(now, format!("a call came in on {line} meanwhile, and goes its usual way: try again after it"));
    }

    /// Our call has come to the other end.
    fn rings(&mut self, at: Micros, dialled: Micros, mark: usize) {
        let caller = self.caller();
        self.found().rang_after_ms.get_or_insert(ms(at, dialled));
        if caller == Which::Examined {
            return self.goes_to(Step::Ringback { dialled, mark, look: at }, dialled + RINGBACK_LIMIT);
        }
        self.found().caller_id.get_or_insert_default();
        self.answers(at);
    }

    /// A use of a line has ended.
    pub(super) fn is_over(&mut self, at: Micros, which: Which) {
        let expected = match self.step {
            Step::Resting { .. } => true,
            Step::Clearing(_) => which == Which::Other,
            _ => false,
        };
        if !expected {
            let line = self.line(which).name.clone();
            let doing = self.doing();
            let why = self.line(which).ended_by.map_or_else(String::new, |sign| format!(": {}", sign.text()));
            self.fails(at, format!("the call on {line} broke off while {doing}{why}"));
        }
    }

    fn doing(&self) -> &'static str {
        match self.step {
            Step::Lending => "the lines were borrowed",
            Step::Dialling { .. } => "the number was dialled",
            Step::Ringing { .. } | Step::Ringback { .. } => "the other line was to ring",
            Step::Answering | Step::Settling { .. } => "the other line answered",
            Step::Quiet { .. } | Step::Tone { .. } | Step::Noise { .. } => "levels were measured",
            Step::Clearing(_) => "the end of the call was awaited",
            Step::Resting { .. } => "the lines rested",
        }
    }

    /// What is due, or possible now. Whether anything was done that may bring more.
    pub(super) fn goes_on(&mut self, now: Micros) -> bool {
        let over = now >= self.until;
        match self.step {
            Step::Lending if self.lines.iter().all(|line| line.lent.is_some()) => self.next_call(now),
            Step::Lending if over => self.fails(now, "the lines were not lent in time".into()),
            Step::Dialling { .. } if self.early.is_some_and(|(first, _)| now > first + EARLY) => {
                self.yields(now, self.caller().turned());
            }
            Step::Dialling { .. } if over => {
                let line = self.line(self.caller()).name.clone();
                self.fails(now, format!("{line}: the number could not be dialled in time"));
            }
            Step::Ringing { mark, .. } if over => self.did_not_ring(now, mark),
            Step::Ringback { dialled, mark, look } if over || now >= look + LOOKS_EVERY => {
                self.step = Step::Ringback { dialled, mark, look: now };
                if self.judge_ringback(mark, over) {
                    self.answers(now);
                }
            }
            Step::Answering if over => {
                let line = self.line(self.caller().turned()).name.clone();
                self.fails(now, format!("{line} could not be answered"));
            }
            Step::Settling { .. } if over => {
                let marks = [Which::Examined, Which::Other].map(|which| self.line(which).ear.mark());
                self.tells("levels and echo");
                self.goes_to(Step::Quiet { marks }, now + QUIET);
            }
            Step::Quiet { marks } if over => {
                let noise = level_dbm0(self.line(Which::Examined).ear.since(marks[0]));
                self.found().noise_dbm0 = Some(noise);
                self.sends_tone(now, Which::Other);
            }
            Step::Tone { from } if over => self.tone_is_over(now, from),
            Step::Noise { quiet } if over => self.noise_is_over(now, quiet),
            Step::Clearing(clearing) if over || now >= clearing.look + LOOKS_EVERY => {
                self.judge_end(now, Clearing { look: now, ..clearing }, over);
            }
            Step::Resting { since: None } if self.lines.iter().all(|line| line.idle) => {
                self.goes_to(Step::Resting { since: Some(now) }, now + REST);
            }
            Step::Resting { since: Some(_) } if over => self.next_call(now),
            Step::Resting { .. } if over => self.fails(now, "a line did not come to rest after its call".into()),
            _ => return false,
        }
        true
    }

    /// When what is heard is looked at again.
    pub(super) fn next_look(&self) -> Micros {
        match self.step {
            Step::Dialling { .. } => self.early.map_or(Micros::FOREVER, |(first, _)| first + EARLY + Micros(1)),
            Step::Ringback { look, .. } | Step::Clearing(Clearing { look, .. }) => look + LOOKS_EVERY,
            _ => Micros::FOREVER,
        }
    }

    /// Whose tones a line knows.
    fn zone(&self, which: Which) -> ZoneId {
        self.line(which).lent.as_ref().map(|lent| lent.config.zone).unwrap_or_default()
    }

    fn answers(&mut self, now: Micros) {
        let called = self.caller().turned();
        self.wish(called, Wish::Answer);
        self.goes_to(Step::Answering, now + ANSWER_LIMIT);
    }

    fn did_not_ring(&mut self, now: Micros, mark: usize) {
        let caller = self.caller();
        let zone = self.zone(caller);
        let heard = match measure(self.line(caller).ear.since(mark)) {
            Sound::Silence => "nothing was heard there".into(),
            Sound::Other { .. } => "a voice or a tone without a rhythm was heard there".into(),
            Sound::Tone(tone) | Sound::Part(tone) => match tone.named(zone.tones()) {
                Some(name) => format!("{name} was heard there ({tone})"),
                None => format!("a tone was heard there ({tone})"),
            },
        };
        let number = if caller == Which::Other { &self.order.number } else { &self.order.with_number };
        let (a, b, number) = (&self.line(caller).name, &self.line(caller.turned()).name, number.clone());
        let text = format!("{b} did not ring when {a} had dialled {number}: {heard}; is that its number?");
        self.fails(now, text);
    }

    fn judge_dial_tone(&mut self, known_at: Option<usize>) {
        // The digits come back from the line; dial tone is before them.
        let ear = &self.line(self.caller()).ear;
        let before = ear.since(0);
        let before = &before[..known_at.unwrap_or(DIAL_TONE_HEARD).min(before.len())];
        let (sound, after_ms) = (measure(before), begins_ms(before));
        let zone = self.zone(self.caller());
        let tone = sound.tone().cloned();
        let known = known_at.is_some() || tone.as_ref().is_some_and(|tone| tone.is_one_of(zone.tones().dial));
        let certain = known || matches!(sound, Sound::Tone(_));
        let found = (known || tone.is_some()).then_some(ToneFound { after_ms, tone, certain, known });
        self.found().dial_tone = found;
    }

    /// Whether enough is known of it, or no more will be.
    fn judge_ringback(&mut self, mark: usize, last: bool) -> bool {
        let sound = measure(self.line(Which::Examined).ear.since(mark));
        let certain = matches!(sound, Sound::Tone(_));
        if !certain && !last {
            return false;
        }
        let zone = self.zone(Which::Examined);
        self.found().ringback = sound.tone().map(|tone| ToneFound {
            after_ms: 0,
            tone: Some(tone.clone()),
            certain,
            known: certain && tone.is_one_of(zone.tones().ringback),
        });
        true
    }

    fn sends_tone(&mut self, now: Micros, from: Which) {
        self.lines.iter_mut().for_each(|line| line.ear.forgets_probe());
        let octets = probe::tone(self.law(from), TONE_MS);
        self.sends(from, &octets);
        self.goes_to(Step::Tone { from }, now + Micros::from_ms(TONE_MS as u64) + PROBE_SPARE);
    }

    fn tone_is_over(&mut self, now: Micros, from: Which) {
        let heard = self.line(from.turned()).ear.of_probe();
        let level = heard.get(MEASURED).map(probe::received_dbm0);
        if from == Which::Other {
            self.found().received_dbm0 = level;
            return self.sends_tone(now, Which::Examined);
        }
        self.found().sent_dbm0 = level;
        let faint = |level: Option<f32>| level.is_none_or(|level| level < LOST_DBM0);
        if faint(level) && faint(self.found().received_dbm0) {
            let (a, b) = (self.line(Which::Examined).name.clone(), self.line(Which::Other).name.clone());
            let text = format!("{a} and {b} do not hear each other: somebody else called, or no sound gets through");
            return self.fails(now, text);
        }
        let quiet = self.line(Which::Examined).ear.mark();
        self.lines.iter_mut().for_each(|line| line.ear.forgets_probe());
        let (octets, _) = probe::noise(self.law(Which::Examined), NOISE_MS);
        self.sends(Which::Examined, &octets);
        let until = now + Micros::from_ms(NOISE_MS as u64) + PROBE_SPARE;
        self.goes_to(Step::Noise { quiet: [quiet.saturating_sub(2_000), quiet] }, until);
    }

    fn noise_is_over(&mut self, now: Micros, quiet: [usize; 2]) {
        let (_, sent) = probe::noise(self.law(Which::Examined), NOISE_MS);
        let ear = &self.line(Which::Examined).ear;
        let silence = &ear.since(quiet[0])[..(quiet[1] - quiet[0]).min(ear.since(quiet[0]).len())];
        let echo = probe::echo(&sent, ear.of_probe(), silence);
        self.found().echo = echo;
        self.found().end = Some(EndFound::default());
        let mark = self.line(Which::Examined).ear.mark();
        let name = self.line(Which::Other).name.clone();
        self.tells(format!("{name} hangs up"));
        self.wish(Which::Other, Wish::HangUp);
        let clearing = Clearing { since: now, mark, look: now, sign: None, certain: None };
        self.goes_to(Step::Clearing(clearing), now + CLEARING_LIMIT);
    }

    fn judge_end(&mut self, now: Micros, clearing: Clearing, over: bool) {
        let heard = self.line(Which::Examined).ear.since(clearing.mark);
        let sound = measure(heard);
        let certain = matches!(&sound, Sound::Tone(tone) if tone.cycles == 0 || tone.cycles >= 3);
        let certain = certain.then(|| clearing.certain.unwrap_or(now));
        let (tone, after_ms) = (sound.tone().cloned(), begins_ms(heard));
        let zone = self.zone(Which::Examined).tones();
        let end = self.found().end.get_or_insert_default();
        let is_heard = end.heard_as.is_some();
        let enough = certain.is_some_and(|at| is_heard || now >= at + EAR_SPARE);
        let silent_after_a_sign = sound == Sound::Silence && clearing.sign.is_some_and(|at| now >= at + AFTER_A_SIGN);
        if !enough && !silent_after_a_sign && !over {
            self.step = Step::Clearing(Clearing { certain, ..clearing });
            return;
        }
        let ringback = tone.as_ref().filter(|tone| tone.is_one_of(zone.ringback));
        end.means = ringback.map(|_| "ringback".into());
        end.tone = tone.map(|tone| {
            let forms = [zone.busy, zone.congestion, zone.dial].concat();
            let known = is_heard || tone.is_one_of(&forms);
            ToneFound { after_ms, tone: Some(tone), certain: certain.is_some(), known }
        });
        end.listened_ms = ms(now, clearing.since);
        self.hangs_up(now);
    }

    fn hangs_up(&mut self, now: Micros) {
        self.wish(Which::Examined, Wish::HangUp);
        self.goes_to(Step::Resting { since: None }, now + REST_LIMIT);
    }
}

/// Where the line's own ear knows no dial tone the digits go out after four seconds; this is before them.
const DIAL_TONE_HEARD: usize = 30_000;
/// What is louder is a sound.
const SOUND_DBM0: f32 = -45.0;

/// When the first sound begins.
fn begins_ms(samples: &[i16]) -> u32 {
    let first = samples.chunks_exact(BLOCK).position(|block| level_dbm0(block) > SOUND_DBM0);
    first.map_or(0, |block| block as u32 * 10)
}

fn caller(way: Way) -> Which {
    match way {
        Way::Called => Which::Other,
        Way::Calling => Which::Examined,
    }
}

fn ms(later: Micros, earlier: Micros) -> u32 {
    u32::try_from(later.since(earlier).as_ms()).unwrap_or(u32::MAX)
}
