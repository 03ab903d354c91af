//! The telephone that the driver plays: whether it is on hook, sounds, or is lifted. One word of state, and what each
//! thing that happens makes of it; several threads may tell it something, so the word is an atomic one. It keeps no clock:
//! the chime's end is told to it.

use std::sync::atomic::{AtomicU8, Ordering};

/// What a sound device is used as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Use {
    /// A telephone: it rings, a person lifts it and puts it down.
    #[default]
    Handset,
    /// Answers by itself; its key calls.
    Doorphone,
    /// Answers by itself, perhaps with a chime, and is heard only.
    Paging,
    /// Answers by itself, and hears only.
    LineIn,
}

impl Use {
    /// Nobody has to lift it, and nobody puts it down.
    pub fn is_automatic(self) -> bool {
        self != Use::Handset
    }

    /// What its microphone hears counts.
    pub fn captures(self) -> bool {
        self != Use::Paging
    }

    /// What is said to it is heard.
    pub fn plays(self) -> bool {
        self != Use::LineIn
    }
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    /// On hook.
    Rest,
    /// On hook; its bell sounds.
    Ringing,
    /// On hook, between two rings.
    Pausing,
    /// On hook; the chime sounds before it answers.
    Chiming,
    /// Off hook.
    Lifted,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happens {
    /// The port rings it.
    Ring,
    /// The port's ring pauses.
    RingOff,
    /// The port takes its battery away: nobody is there any more, or nobody has been.
    Cut,
    /// The port was closed.
    Closed,
    /// Its key was pressed.
    Key,
    /// Somebody wants it lifted.
    Lift,
    /// Somebody wants it put down.
    PutDown,
    /// The chime is over.
    ChimeOver,
}

/// What becomes of a state.
pub(crate) fn next(state: State, happens: Happens, of: Use, chimes: bool) -> State {
    use State::{Chiming, Lifted, Pausing, Rest, Ringing};
    match (happens, state) {
        (Happens::Ring, Rest | Pausing) => match of {
            Use::Handset => Ringing,
            Use::Paging if chimes => Chiming,
            Use::Doorphone | Use::Paging | Use::LineIn => Lifted,
        },
        (Happens::RingOff, Ringing) => Pausing,
        (Happens::Cut | Happens::Closed, Ringing | Pausing | Chiming) => Rest,
        (Happens::Cut | Happens::Closed, Lifted) if of.is_automatic() => Rest,
        (Happens::Key, Rest | Ringing | Pausing) if matches!(of, Use::Handset | Use::Doorphone) => Lifted,
        // A visitor who presses again does not hang up.
        (Happens::Key, Lifted) if of == Use::Handset => Rest,
        (Happens::Lift, Rest | Ringing | Pausing | Chiming) => Lifted,
        (Happens::ChimeOver, Chiming) => Lifted,
        (Happens::PutDown, Lifted) => Rest,
        _ => state,
    }
}

/// The word.
#[derive(Debug)]
pub(crate) struct Set {
    word: AtomicU8,
    of: Use,
    chimes: bool,
}

impl Set {
    pub fn new(of: Use, chimes: bool) -> Set {
        Set { word: AtomicU8::new(State::Rest as u8), of, chimes }
    }

    pub fn state(&self) -> State {
        of_word(self.word.load(Ordering::Acquire))
    }

    pub fn is_lifted(&self) -> bool {
        self.state() == State::Lifted
    }

    /// It happens. Never waits.
    pub fn happens(&self, happens: Happens) {
        let change = |word| Some(next(of_word(word), happens, self.of, self.chimes) as u8);
        let _ = self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, change);
    }
}

fn of_word(word: u8) -> State {
    let states = [State::Rest, State::Ringing, State::Pausing, State::Chiming, State::Lifted];
    states.get(usize::from(word)).copied().unwrap_or(State::Rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Happens::*;

    fn after(of: Use, chimes: bool, happenings: &[Happens]) -> State {
        let set = Set::new(of, chimes);
        happenings.iter().for_each(|happens| set.happens(*happens));
        set.state()
    }

    #[test]
    fn a_handset_rings_until_it_is_lifted_and_is_put_down_by_a_person_only() {
        assert_eq!(after(Use::Handset, false, &[Ring]), State::Ringing);
        assert_eq!(after(Use::Handset, false, &[Ring, RingOff]), State::Pausing);
        assert_eq!(after(Use::Handset, false, &[Ring, RingOff, Ring]), State::Ringing);
        assert_eq!(after(Use::Handset, false, &[Ring, Key]), State::Lifted);
        assert_eq!(after(Use::Handset, false, &[Ring, Lift, RingOff, Cut, Closed]), State::Lifted);
        assert_eq!(after(Use::Handset, false, &[Lift, Key]), State::Rest);
        assert_eq!(after(Use::Handset, false, &[Ring, Cut]), State::Rest, "the caller gave up");
    }

    #[test]
    fn what_answers_by_itself_hangs_up_by_itself() {
        for of in [Use::Doorphone, Use::Paging, Use::LineIn] {
            assert_eq!(after(of, false, &[Ring]), State::Lifted, "{of:?}");
            assert_eq!(after(of, false, &[Ring, Cut]), State::Rest, "{of:?}");
            assert_eq!(after(of, false, &[Lift, Closed]), State::Rest, "{of:?}");
            assert_eq!(after(of, false, &[Ring, PutDown]), State::Rest, "{of:?}");
        }
    }

    #[test]
    fn a_chime_comes_before_the_answer_and_not_behind_a_caller_who_gave_up() {
        assert_eq!(after(Use::Paging, true, &[Ring]), State::Chiming);
        assert_eq!(after(Use::Paging, true, &[Ring, RingOff, ChimeOver]), State::Lifted);
        assert_eq!(after(Use::Paging, true, &[Ring, Cut, ChimeOver]), State::Rest);
        assert_eq!(after(Use::Handset, true, &[ChimeOver]), State::Rest);
    }

    #[test]
    fn a_door_key_calls_and_does_not_hang_up() {
        assert_eq!(after(Use::Doorphone, false, &[Key]), State::Lifted);
        assert_eq!(after(Use::Doorphone, false, &[Key, Key, Key]), State::Lifted);
        assert_eq!(after(Use::Paging, false, &[Key]), State::Rest);
    }

    #[test]
    fn a_word_that_nobody_wrote_is_a_telephone_at_rest() {
        assert_eq!((5..=u8::MAX).map(of_word).find(|state| *state != State::Rest), None);
    }
}
