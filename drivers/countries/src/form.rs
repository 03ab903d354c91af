//! One more form of a tone than the country has: a single exchange may play what none of its neighbours does. Judged by
//! the same notation, and by the room that the listener has left.

use crate::fault::{Fault, position};
use crate::room::{MAX_ATOMS, MAX_RHYTHMS, MAX_SOUNDS, Room};
use crate::{Tone, Tones};

/// Tones that may have one more form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToneKind {
    /// Busy.
    Busy,
    /// Dial tone.
    Dial,
    /// What a caller hears while it rings.
    Ringback,
}

impl ToneKind {
    /// In the words of people.
    fn word(self) -> &'static str {
        match self {
            ToneKind::Busy => "busy tone",
            ToneKind::Dial => "dial tone",
            ToneKind::Ringback => "ringback",
        }
    }
}

impl Tones {
    /// These and one more form, the rarest of its kind; the same ones where they have it already. The fault's place is one
    /// in `text`.
    pub fn with(&self, kind: ToneKind, text: &str) -> Result<Tones, Fault> {
        let fault = |at: usize, what: String, remedy: String| {
            let (line, column) = position(text, at);
            Fault { line, column, what, remedy }
        };
        let tone = Tone::read(text).map_err(|wrong| fault(wrong.at, wrong.what, wrong.remedy))?;
        if tone.on_off_ms.is_empty() && kind != ToneKind::Dial {
            let remedy = format!("only dial tone is endless: write \"{tone} 500/500\"");
            return Err(fault(0, format!("\"{tone}\" has no rhythm"), remedy));
        }
        let known = [(ToneKind::Busy, &self.busy), (ToneKind::Dial, &self.dial), (ToneKind::Ringback, &self.ringback)];
        // One sound with two meanings would have the wrong one in one of two calls.
        if let Some((other, _)) = known.iter().find(|(other, forms)| *other != kind && forms.contains(&tone)) {
            let what = format!("\"{tone}\" is {} of this line already", other.word());
            return Err(fault(0, what, "take this out, or name the country whose tones the line has".to_string()));
        }
        let mut tones = self.clone();
        let forms = match kind {
            ToneKind::Busy => &mut tones.busy,
            ToneKind::Dial => &mut tones.dial,
            ToneKind::Ringback => &mut tones.ringback,
        };
        if forms.contains(&tone) {
            return Ok(tones);
        }
        forms.push(tone);
        let room = Room::of(&tones);
        if !room.is_there() {
            let what = format!(
                "with it the line's tones need {} frequencies, {} sounds and {} rhythms; the listener has room for \
                 {MAX_ATOMS}, {MAX_SOUNDS} and {MAX_RHYTHMS}",
                room.atoms, room.sounds, room.rhythms
            );
            let remedy = "take it out, or make a country of your own without the forms that this exchange never plays";
            return Err(fault(0, what, remedy.to_string()));
        }
        Ok(tones)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str) -> Tones {
        let country = crate::built_in().iter().find(|country| country.is(code));
        country.and_then(|country| country.tones.clone()).expect("it has tones")
    }

    #[test]
    fn one_more_form_is_behind_the_countrys_own_and_a_known_one_is_not_there_twice() {
        let de = of("de");
        let more = de.with(ToneKind::Busy, "425 300/300").expect("it fits");
        assert_eq!(more.busy[..de.busy.len()], de.busy[..]);
        assert_eq!(more.busy.last().map(Tone::to_string).as_deref(), Some("425 300/300"));
        assert_eq!(more.with(ToneKind::Busy, "425 300/300"), Ok(more.clone()));
        let endless = de.with(ToneKind::Dial, "440").expect("dial tone may be endless");
        assert_eq!((endless.dial.len(), &endless.busy), (de.dial.len() + 1, &de.busy));
    }

    #[test]
    fn a_form_that_is_none_or_means_something_else_or_has_no_room_is_refused_with_its_place() {
        let de = of("de");
        for (kind, text, column, told) in [
            (ToneKind::Busy, "425 500/5", 9, "5 ms is out of bounds; write a whole number from 100 to 5000"),
            (ToneKind::Busy, "425", 1, "\"425\" has no rhythm; only dial tone is endless: write \"425 500/500\""),
            (ToneKind::Ringback, "440", 1, "\"440\" has no rhythm"),
            (ToneKind::Dial, "950>1400 330", 1, "\"950>1400\" are tones one after the other"),
            (ToneKind::Busy, "425 1000/4000", 1, "\"425 1000/4000\" is ringback of this line already; take this out"),
        ] {
            let fault = de.with(kind, text).expect_err(text);
            assert_eq!((fault.line, fault.column), (1, column), "{text}");
            assert!(fault.text().starts_with(told), "{}", fault.text());
        }
        // As long as there is room, and not a form more.
        let (mut tones, mut hz) = (de, 300);
        let fault = loop {
            match tones.with(ToneKind::Busy, &format!("{hz} 250/250")) {
                Ok(more) => (tones, hz) = (more, hz + 61),
                Err(fault) => break fault,
            }
        };
        assert!(Room::of(&tones).is_there() && hz > 300, "{hz}");
        assert!(fault.text().contains("the listener has room for 10, 6 and 10; take it out, or make"), "{fault}");
    }
}
