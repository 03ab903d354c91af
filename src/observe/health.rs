//! Whether the box lives and whether it can take calls. It judges what was observed; it asks nobody outside the box: an
//! application server that is down makes no phone box unhealthy.

use std::time::Duration;

use tipring_lines::SpanGauge;

use super::figures::alarms;

/// The conductor and the database answer within this, or count as dead.
pub const ANSWER_TIME: Duration = Duration::from_secs(1);
/// The media thread turns every second even without its card's clock; after this it counts as hanging.
pub const BEAT_TIME: Duration = Duration::from_secs(3);

/// A judgement with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What is wrong, one reason a line; empty: nothing.
    pub reasons: Vec<String>,
}

impl Verdict {
    /// Nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.reasons.is_empty()
    }

    /// For who asked: `ok`, or the reasons.
    pub fn text(&self) -> String {
        if self.is_good() { "ok\n".into() } else { self.reasons.iter().map(|reason| format!("{reason}\n")).collect() }
    }
}

/// What liveness is judged by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pulse {
    /// The conductor answered in time.
    pub conductor: bool,
    /// How long the media thread has not turned; `None`: there is no card, or it is gone.
    pub media_still: Option<Duration>,
}

/// What readiness is judged by beside that.
#[derive(Clone, Debug, Default)]
pub struct Condition {
    /// The database answered in time.
    pub store: bool,
    /// Listeners that have stopped.
    pub closed: Vec<&'static str>,
    /// The card; `None`: none is configured.
    pub card: Option<CardCondition>,
}

/// A card as readiness sees it.
#[derive(Clone, Debug, Default)]
pub struct CardCondition {
    /// It was taken away.
    pub gone: bool,
    /// It is simulated: it rings nobody's telephone, so its lines need not be up.
    pub simulated: bool,
    /// Its spans.
    pub spans: Vec<SpanGauge>,
}

/// Does it live? If not, a restart is the remedy.
pub fn lives(pulse: &Pulse) -> Verdict {
    let mut reasons = Vec::new();
    if !pulse.conductor {
        reasons.push("conductor: no answer within 1 s".to_owned());
    }
    if let Some(still) = pulse.media_still.filter(|still| *still >= BEAT_TIME) {
        reasons.push(format!("media: the audio thread has not turned for {} s", still.as_secs()));
    }
    Verdict { reasons }
}

/// Can it take calls?
pub fn is_ready(pulse: &Pulse, condition: &Condition) -> Verdict {
    let mut reasons = lives(pulse).reasons;
    if !condition.store {
        reasons.push("store: the database does not answer within 1 s".to_owned());
    }
    reasons.extend(condition.closed.iter().map(|name| format!("listener: {name} has stopped")));
    match &condition.card {
        // A box without a card has nothing that could ring.
        None => {}
        Some(card) if card.gone => reasons.push("lines: the card is gone".to_owned()),
        Some(card) if card.simulated || card.spans.iter().any(|span| span.up) => {}
        Some(card) => {
            let of_span = |span: &SpanGauge| {
                let alarms: Vec<&str> = alarms(span).iter().filter(|alarm| alarm.1).map(|alarm| alarm.0).collect();
                let why = if alarms.is_empty() { "down".to_owned() } else { format!("{} alarm", alarms.join(", ")) };
                format!("{}: {why}", span.name)
            };
            let spans: Vec<String> = card.spans.iter().map(of_span).collect();
            reasons.push(format!("lines: none is up ({})", spans.join("; ")));
        }
    }
    Verdict { reasons }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: Pulse = Pulse { conductor: true, media_still: Some(Duration::from_millis(900)) };

    fn condition(card: Option<CardCondition>) -> Condition {
        Condition { store: true, closed: Vec::new(), card }
    }

    fn span(up: bool, alarms: u32) -> SpanGauge {
        let mut span = SpanGauge { name: "dahdi 1".into(), up, digital: true, ..SpanGauge::default() };
        span.status.alarms.0 = alarms;
        span
    }

    #[test]
    fn it_lives_while_the_conductor_answers_and_the_media_thread_turns() {
        assert!(lives(&WELL).is_good());
        assert!(lives(&Pulse { media_still: None, ..WELL }).is_good(), "no card, or it is gone: nothing can hang");
        assert_eq!(lives(&Pulse { conductor: false, ..WELL }).text(), "conductor: no answer within 1 s\n");
        let hangs = Pulse { media_still: Some(Duration::from_secs(7)), ..WELL };
        assert_eq!(lives(&hangs).text(), "media: the audio thread has not turned for 7 s\n");
    }

    #[test]
    fn it_is_ready_with_a_line_up_with_the_simulator_and_without_any_card() {
        let card = |spans| Some(CardCondition { spans, ..CardCondition::default() });
        assert!(is_ready(&WELL, &condition(None)).is_good());
        assert!(is_ready(&WELL, &condition(card(vec![span(false, 8), span(true, 0)]))).is_good());
        let simulated = CardCondition { simulated: true, spans: vec![span(false, 8)], gone: false };
        assert!(is_ready(&WELL, &condition(Some(simulated))).is_good());
        let all_down = is_ready(&WELL, &condition(card(vec![span(false, 8), span(false, 0)])));
        assert_eq!(all_down.text(), "lines: none is up (dahdi 1: red alarm; dahdi 1: down)\n");
        let gone = CardCondition { gone: true, simulated: true, spans: vec![span(true, 0)] };
        assert!(!is_ready(&WELL, &condition(Some(gone))).is_good());
    }

    #[test]
    fn every_reason_is_told() {
        let broken = Condition { store: false, closed: vec!["api"], card: None };
        let verdict = is_ready(&Pulse::default(), &broken);
        assert_eq!(verdict.reasons.len(), 3, "{verdict:?}");
    }
}
