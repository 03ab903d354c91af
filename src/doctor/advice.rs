//! What follows from what was found: settings that ought to be others, each with its reason, and remarks where no setting
//! helps. A line that is set right is told nothing, so a second visit proposes nothing.
//!
//! A setting is loosened on one observation and never tightened on one: that this call's answer was marked by a reversal
//! does not say that every network marks it.

use serde::{Deserialize, Serialize};

use crate::found::{CallFound, EndFound, Settings, ToneFound, Way};
use crate::probe::TONE_DBM0;
use crate::tone::Measured;

/// What a tone from the other line may be off before its level is put right.
const LEVEL_DB: f32 = 3.0;
/// Gains that can be set.
const GAIN_DB: std::ops::RangeInclusive<i32> = -12..=12;
/// So much weaker than it was sent an echo stays, whatever is added.
const ECHO_LEFT_DB: f32 = 3.0;
/// An echo that is no weaker than this is a badly matched line.
const ECHO_POOR_DB: f32 = 10.0;
/// A line that is louder when nobody speaks hums or hisses.
const NOISE_DBM0: f32 = -45.0;

/// A setting that ought to be another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Its key in `[[line]]`.
    pub key: String,
    /// As it is now, as TOML; empty: nothing is said.
    pub from: String,
    /// As it ought to be, as TOML.
    pub to: String,
    /// Why, in words.
    pub why: String,
}

/// What the doctor says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// Settings.
    pub proposals: Vec<Proposal>,
    /// What no setting puts right, or what somebody has to decide.
    pub remarks: Vec<String>,
}

impl Advice {
    fn propose(&mut self, key: &str, from: impl ToString, to: impl ToString, why: impl Into<String>) {
        let (from, to) = (from.to_string(), to.to_string());
        if from != to && self.proposals.iter().all(|known| known.key != key) {
            self.proposals.push(Proposal { key: key.into(), from, to, why: why.into() });
        }
    }

    fn remark(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.remarks.contains(&text) {
            self.remarks.push(text);
        }
    }
}

/// What follows from all that was found on a line with these settings.
pub fn advise(settings: &Settings, calls: &[CallFound]) -> Advice {
    let mut advice = Advice::default();
    let ends: Vec<&EndFound> =
        calls.iter().filter_map(|call| call.end.as_ref()).filter(|end| end.listened_ms > 0).collect();
    let calling = calls.iter().find(|call| call.way == Way::Calling && call.end.is_some());
    if let Some(call) = calling {
        dialling(settings, call, &mut advice);
    }
    hang_up(settings, calling, &ends, &mut advice);
    for end in &ends {
        tone_of_end(settings, end, &mut advice);
    }
    caller_id(settings, calls, &mut advice);
    levels(settings, calls, &mut advice);
    advice
}

fn quoted(text: impl ToString) -> String {
    format!("\"{}\"", text.to_string())
}

fn dialling(settings: &Settings, call: &CallFound, advice: &mut Advice) {
    match &call.dial_tone {
        None if settings.dial_tone_ms > 0 => {
            let why = "no dial tone came, and the call went through without one";
            advice.propose("dial_anyway", settings.dial_anyway, true, why);
        }
        Some(ToneFound { tone: Some(tone), certain: true, known: false, .. }) if tone.on_off_ms.is_empty() => {
            advice.propose("dial_tone", "", quoted(tone), "the dial tone of this line is none of its country's");
        }
        Some(ToneFound { after_ms, known: true, .. })
            if settings.dial_tone_ms > 0 && u64::from(*after_ms) + 1_000 > settings.dial_tone_ms =>
        {
            let to = u64::from(*after_ms).div_ceil(250) * 500;
            advice.propose("dial_tone_ms", settings.dial_tone_ms, to, format!("dial tone came after {after_ms} ms"));
        }
        _ => {}
    }
    if let Some(ToneFound { tone: Some(tone), certain: true, known: false, .. }) = &call.ringback
        && !tone.on_off_ms.is_empty()
    {
        advice.propose("ringback_tone", "", quoted(tone), "the ringback of this line is none of its country's");
    }
    match (settings.answer.as_str(), call.answer_reversal_ms) {
        ("reversal", None) => {
            let why = "no reversal of polarity marked the answer: calls would ring on for ever";
            advice.propose("answer", quoted("reversal"), quoted("voice"), why);
        }
        ("voice" | "dialled", Some(after_ms)) => advice.remark(format!(
            "A reversal of polarity marked the answer after {after_ms} ms; it is taken for certain. With answer = \
             \"reversal\" nothing else would be: only where every network that is called from here marks its answers."
        )),
        _ => {}
    }
}

fn hang_up(settings: &Settings, calling: Option<&CallFound>, ends: &[&EndFound], advice: &mut Advice) {
    if ends.is_empty() {
        return;
    }
    if !settings.hang_up_battery && ends.iter().all(|end| end.battery_ms.is_some()) {
        advice.propose("hang_up_battery", false, true, "the exchange drops the battery at the end of a call");
    }
    let answers_are_marked = calling.is_some_and(|call| call.answer_reversal_ms.is_some());
    let always = ends.iter().all(|end| end.reversal_ms.is_some());
    let never = ends.iter().all(|end| end.reversal_ms.is_none());
    let otherwise = ends.iter().all(|end| end.battery_ms.is_some() || end.heard_as.is_some());
    match settings.hang_up_reversal.as_str() {
        "ignored" if always => {
            let to = if answers_are_marked { "doubted" } else { "certain" };
            let why = "polarity is reversed at the end of a call";
            advice.propose("hang_up_reversal", quoted("ignored"), quoted(to), why);
        }
        "doubted" if always && !answers_are_marked && !otherwise => {
            let why = "polarity is reversed at the end of a call, and nothing else tells of it";
            advice.propose("hang_up_reversal", quoted("doubted"), quoted("certain"), why);
        }
        "certain" if never => {
            let why = "no reversal came at the end of a call: one that comes is something else";
            advice.propose("hang_up_reversal", quoted("certain"), quoted("doubted"), why);
        }
        _ => {}
    }
    if ends.iter().any(|end| !end.is_told()) {
        let listened_s = ends.iter().map(|end| end.listened_ms).max().unwrap_or(0) / 1_000;
        advice.remark(format!(
            "Nothing told of the end of a call within {listened_s} s. Ask the carrier for disconnect supervision; until \
             then silence on both sides ends calls."
        ));
        if settings.hang_up_silence_s == 0 {
            advice.propose("hang_up_silence_s", 0, 60, "nothing else tells of the end of a call");
        }
    }
}

fn tone_of_end(settings: &Settings, end: &EndFound, advice: &mut Advice) {
    match end.heard_as.as_deref() {
        Some("dial tone") if !settings.hang_up_dial_tone => {
            advice.propose("hang_up_dial_tone", false, true, "dial tone follows the end of a call");
        }
        Some("busy tone" | "congestion tone" | "howler") if !settings.hang_up_tones => {
            advice.propose("hang_up_tones", false, true, "a tone tells of the end of a call");
        }
        _ => {}
    }
    if let Some(ToneFound { tone: Some(tone), known: true, .. }) = &end.tone
        && end.heard_as.is_none()
    {
        let text = "is its country's, and the line's own ear has not taken it for the end: it may be too weak";
        advice.remark(format!("The tone at the end, {tone}, {text}."));
    }
    let Some(ToneFound { tone: Some(tone), certain, known: false, .. }) = &end.tone else {
        return;
    };
    if let Some(other) = &end.means {
        advice.remark(format!("The tone at the end, {tone}, is {other} on this line: it cannot tell of an end too."));
    } else if !certain {
        advice.remark(format!("A tone of {} Hz came at the end of a call, too short to know its rhythm.", tone.hz[0]));
    } else if tone.on_off_ms.is_empty() {
        advice.propose("dial_tone", "", quoted(tone), "this steady tone comes when the other end has gone");
    } else {
        let tones: Vec<&str> =
            advice.proposals.iter().filter(|it| it.key == "hang_up_tone").map(|it| it.to.as_str()).collect();
        if tones.is_empty() {
            let why = "this tone comes when the other end has gone, and the country has none like it";
            advice.propose("hang_up_tone", "", quoted(tone), why);
        } else if tones != [quoted(tone)] && !is_proposed(tone, &tones) {
            advice.remark(format!("Another tone, {tone}, came at the end of the other call."));
        }
    }
}

/// Two measurements of one tone differ by some milliseconds.
fn is_proposed(tone: &Measured, proposed: &[&str]) -> bool {
    let hz = format!("\"{}", tone.to_string().split(' ').next().unwrap_or_default());
    proposed.iter().any(|known| known.starts_with(&hz))
}

fn caller_id(settings: &Settings, calls: &[CallFound], advice: &mut Advice) {
    let Some(told) = calls.iter().find_map(|call| call.caller_id.as_ref()) else {
        return;
    };
    match &told.form {
        Some(form) if !settings.caller_id => {
            advice.propose("caller_id", false, true, format!("the line tells who calls ({form})"));
        }
        None if told.damaged > 0 => advice.remark(
            "A caller id came and its check sum was wrong: the level or the line is at fault, not the setting.",
        ),
        None if settings.caller_id => advice
            .remark("No caller id came. Where the line has none, caller_id = false lets calls in one ring sooner."),
        _ => {}
    }
}

fn levels(settings: &Settings, calls: &[CallFound], advice: &mut Advice) {
    let mean = |figures: Vec<f32>| (!figures.is_empty()).then(|| figures.iter().sum::<f32>() / figures.len() as f32);
    let received = mean(calls.iter().filter_map(|call| call.received_dbm0).collect());
    let sent = mean(calls.iter().filter_map(|call| call.sent_dbm0).collect());
    let echo = calls.iter().filter_map(|call| call.echo).min_by(|a, b| a.loss_db.total_cmp(&b.loss_db));
    let noise = mean(calls.iter().filter_map(|call| call.noise_dbm0).collect());
    if let Some(received) = received.filter(|received| (TONE_DBM0 - received).abs() >= LEVEL_DB) {
        let loss = TONE_DBM0 - received;
        let room = echo.map_or(f32::MAX, |echo| (echo.loss_db - ECHO_LEFT_DB).floor().max(0.0));
        let more = loss.round().min(room) as i32;
        let now = i32::from(settings.receive_gain_db);
        let to = (now + more).clamp(*GAIN_DB.start(), *GAIN_DB.end());
        let why = format!("a tone sent at -10 dBm0 comes at {received:.1} dBm0");
        advice.propose("receive_gain_db", now, to, why);
        if loss.round() > room {
            advice.remark("More gain than that would make the line's echo ring.");
        }
    }
    if let Some(sent) = sent.filter(|sent| (TONE_DBM0 - sent).abs() >= LEVEL_DB) {
        advice.remark(format!(
            "What this line sends at -10 dBm0 comes to the other one at {sent:.1} dBm0: examine that one with this one."
        ));
    }
    if let Some(echo) = echo.filter(|echo| echo.loss_db < ECHO_POOR_DB) {
        advice.remark(format!(
            "The echo is only {:.1} dB weaker than the voice: the port's impedance does not match the line; fxotune, or \
             the driver's opermode, puts it right.",
            echo.loss_db
        ));
    }
    if let Some(noise) = noise.filter(|noise| *noise > NOISE_DBM0) {
        advice.remark(format!("The line has {noise:.1} dBm0 of noise when nobody speaks: look at its wiring."));
    }
}
