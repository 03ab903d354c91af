//! A card's PIN: three wrong ones block the card, so that one is entered only once until it has proved good. Pure. Source:
//! 3GPP TS 27.007, 8.3 (+CPIN).

/// The PIN of the configuration, and what is known of it.
pub(super) struct Pin {
    digits: String,
    known: Known,
}

enum Known {
    Nothing,
    /// It was entered, and the card has not said that it is good.
    Entered,
    Good,
}

/// What the card wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ready,
    Pin,
    /// Anything else, as the modem calls it.
    Other(String),
}

impl State {
    /// By the lines of an answer to `AT+CPIN?`.
    pub(super) fn of(lines: &[String]) -> State {
        let told = lines.iter().find_map(|line| line.strip_prefix("+CPIN:"));
        // Who does not speak of it has no card that is locked.
        match told.unwrap_or("READY").trim() {
            // The second PIN is for what nobody does here.
            "READY" | "SIM PIN2" | "SIM PUK2" => State::Ready,
            "SIM PIN" => State::Pin,
            other => State::Other(other.chars().filter(|it| it.is_ascii_graphic() || *it == ' ').take(40).collect()),
        }
    }
}

impl Pin {
    pub(super) fn new(digits: &str) -> Pin {
        Pin { digits: digits.to_owned(), known: Known::Nothing }
    }

    /// The command that enters it; `None`: the card does not want it. `Err`: it must not be entered, and why.
    pub(super) fn entry(&mut self, state: &State) -> Result<Option<String>, String> {
        match state {
            State::Ready => {
                if matches!(self.known, Known::Entered) {
                    self.known = Known::Good;
                }
                return Ok(None);
            }
            State::Pin => {}
            State::Other(other) => return Err(format!("the card wants \"{other}\": unlock it in a telephone")),
        }
        let sound = (4..=8).contains(&self.digits.len()) && self.digits.bytes().all(|it| it.is_ascii_digit());
        match self.known {
            _ if self.digits.is_empty() => Err("the card wants its PIN: give it by messages.secret_file".into()),
            _ if !sound => Err("a PIN is 4 to 8 digits: mend what messages.secret_file names".into()),
            Known::Entered => Err(self.refused("SIM PIN once more")),
            // One that was good is not another's by itself: at most this one try is lost.
            Known::Nothing | Known::Good => {
                self.known = Known::Entered;
                Ok(Some(format!("AT+CPIN=\"{}\"", self.digits)))
            }
        }
    }

    /// What is said where the card does not take it.
    pub(super) fn refused(&self, word: &str) -> String {
        format!(
            "the card does not take its PIN ({word}); it is not entered again, which could block the card: mend what \
             messages.secret_file names"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> State {
        State::of(&["x".into(), text.into()])
    }

    #[test]
    fn what_the_card_wants_is_read() {
        assert_eq!((told("+CPIN: READY"), told("+CPIN:SIM PIN")), (State::Ready, State::Pin));
        assert_eq!(told("+CPIN: SIM PUK"), State::Other("SIM PUK".into()));
        assert_eq!(State::of(&[]), State::Ready);
    }

    #[test]
    fn a_pin_is_entered_once_and_again_only_after_it_was_good() {
        let mut pin = Pin::new("4711");
        assert_eq!(pin.entry(&State::Ready), Ok(None));
        assert_eq!(pin.entry(&State::Pin), Ok(Some("AT+CPIN=\"4711\"".into())));
        for _ in 0..3 {
            let why = pin.entry(&State::Pin).expect_err("not again");
            assert!(why.contains("does not take its PIN") && !why.contains("4711"), "{why}");
        }
        let mut pin = Pin::new("4711");
        for _ in 0..3 {
            assert_eq!(pin.entry(&State::Pin).map(|it| it.is_some()), Ok(true), "the modem was plugged in again");
            assert_eq!(pin.entry(&State::Ready), Ok(None));
        }
    }

    #[test]
    fn nothing_is_entered_that_cannot_be_right() {
        for (digits, state) in
            [("", State::Pin), ("12a4", State::Pin), ("123", State::Pin), ("4711", told("+CPIN: SIM PUK"))]
        {
            assert!(Pin::new(digits).entry(&state).is_err(), "{digits} {state:?}");
        }
    }
}
