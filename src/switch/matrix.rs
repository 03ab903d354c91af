//! Who hears whom. A row of bits for each listener; rows may be changed at any time. Before a tick that follows a change
//! a plan is made: which listeners share one sum. In a conference all rows with their own bit added are equal, so the
//! sum is made once and each takes his own voice out; who only listens shares the sum as it is.

use alloc::vec::Vec;

use tipring_card::BLOCK;
use tipring_dsp::{Limiter, Sum};

use crate::ears::{Ears, Linear};

pub(crate) struct Matrix {
    words: usize,
    rows: Vec<u64>,
    /// By listener: exclusive or of the marks of its talkers, to find equal rows.
    hashes: Vec<u64>,
    talkers: Vec<u16>,
    plan: Vec<Hears>,
    /// Found by hash, open addressing.
    sets: Vec<Set>,
    sums: Vec<GroupSum>,
    groups: usize,
    changed: bool,
}

/// What a listener hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hears {
    Nobody,
    /// One talker: octets may pass as they are.
    One(u16),
    /// A sum that others may hear too.
    Group {
        group: u16,
        /// The listener's own voice is in the sum and must be taken out.
        without_own: bool,
    },
}

/// A set of talkers: the row of `listener`, with its own bit added or not.
#[derive(Clone, Copy)]
struct Set {
    hash: u64,
    listener: u16,
    with_own: bool,
    /// Listeners that this set would serve.
    serves: u16,
    group: u16,
}

struct GroupSum {
    listener: u16,
    with_own: bool,
    made: bool,
    sum: Sum<BLOCK>,
}

impl Matrix {
    pub(crate) fn new(capacity: usize) -> Matrix {
        let words = capacity.div_ceil(64);
        let sums = (0..capacity)
            .map(|_| GroupSum { listener: 0, with_own: false, made: false, sum: Sum::silence() })
            .collect();
        Matrix {
            words,
            rows: alloc::vec![0; words * capacity],
            hashes: alloc::vec![0; capacity],
            talkers: alloc::vec![0; capacity],
            plan: alloc::vec![Hears::Nobody; capacity],
            // Two sets for each listener, at most half full.
            sets: alloc::vec![Set::EMPTY; (4 * capacity).next_power_of_two()],
            sums,
            groups: 0,
            changed: false,
        }
    }

    /// Sets or clears one crosspoint.
    pub(crate) fn wire(&mut self, listener: usize, talker: usize, on: bool) {
        let word = &mut self.rows[listener * self.words + talker / 64];
        let bit = 1 << (talker % 64);
        if (*word & bit != 0) == on {
            return;
        }
        *word ^= bit;
        self.hashes[listener] ^= mark(talker);
        self.talkers[listener] = if on { self.talkers[listener] + 1 } else { self.talkers[listener] - 1 };
        self.changed = true;
    }

    /// Takes a port out of every row and empties its own.
    pub(crate) fn unwire(&mut self, index: usize) {
        for listener in 0..self.hashes.len() {
            self.wire(listener, index, false);
        }
        self.rows[index * self.words..(index + 1) * self.words].fill(0);
        (self.hashes[index], self.talkers[index]) = (0, 0);
        self.changed = true;
    }

    /// A new tick: no sum is made yet, and the plan is made anew if a row was changed.
    pub(crate) fn begin(&mut self) {
        if self.changed {
            self.changed = false;
            self.make_plan();
        }
        self.sums[..self.groups].iter_mut().for_each(|sum| sum.made = false);
    }

    pub(crate) fn hears(&self, listener: usize) -> Hears {
        self.plan[listener]
    }

    /// The sound of a group for one of its listeners. `true`: it was too loud and was turned down.
    pub(crate) fn mixed(
        &mut self,
        group: u16,
        own: Option<usize>,
        ears: &mut Ears,
        limiter: &mut Limiter,
        into: &mut Linear,
    ) -> bool {
        let group = &mut self.sums[usize::from(group)];
        if !group.made {
            group.made = true;
            group.sum.clear();
            let listener = usize::from(group.listener);
            let row = &self.rows[listener * self.words..(listener + 1) * self.words];
            for (n, word) in row.iter().enumerate() {
                let mut bits = *word;
                if group.with_own && listener / 64 == n {
                    bits |= 1 << (listener % 64);
                }
                while bits != 0 {
                    group.sum.add(ears.linear(n * 64 + bits.trailing_zeros() as usize));
                    bits &= bits - 1;
                }
            }
        }
        group.sum.limited(own.map(|index| ears.linear(index)), limiter, into)
    }

    fn make_plan(&mut self) {
        self.sets.fill(Set::EMPTY);
        self.groups = 0;
        for listener in 0..self.plan.len() {
            if self.talkers[listener] > 1 {
                for with_own in [true, false] {
                    let place = self.find(listener, with_own);
                    self.sets[place].serves += 1;
                }
            }
        }
        for listener in 0..self.plan.len() {
            self.plan[listener] = match self.talkers[listener] {
                0 => Hears::Nobody,
                1 => Hears::One(self.only_talker(listener)),
                _ => self.choose(listener),
            };
        }
    }

    /// The set that serves more listeners; if they are equal, the one from which nothing must be taken out.
    fn choose(&mut self, listener: usize) -> Hears {
        let (with, plain) = (self.find(listener, true), self.find(listener, false));
        let with_own = self.sets[with].serves > self.sets[plain].serves;
        let set = &mut self.sets[if with_own { with } else { plain }];
        if set.group == NONE {
            set.group = self.groups as u16;
            let sum = &mut self.sums[self.groups];
            (sum.listener, sum.with_own) = (set.listener, set.with_own);
            self.groups += 1;
        }
        Hears::Group { group: set.group, without_own: with_own && !self.has(listener, listener) }
    }

    /// The entry of a set; an empty one is taken for it. There are twice as many entries as sets.
    fn find(&mut self, listener: usize, with_own: bool) -> usize {
        let adds = with_own && !self.has(listener, listener);
        let hash = if adds { self.hashes[listener] ^ mark(listener) } else { self.hashes[listener] };
        let mask = self.sets.len() - 1;
        let mut place = hash as usize & mask;
        loop {
            let set = self.sets[place];
            if set.group == FREE {
                self.sets[place] = Set { hash, listener: listener as u16, with_own, serves: 0, group: NONE };
                return place;
            }
            if set.hash == hash && self.same(listener, with_own, usize::from(set.listener), set.with_own) {
                return place;
            }
            place = (place + 1) & mask;
        }
    }

    fn same(&self, a: usize, a_own: bool, b: usize, b_own: bool) -> bool {
        (0..self.words).all(|word| self.word(a, a_own, word) == self.word(b, b_own, word))
    }

    fn word(&self, listener: usize, with_own: bool, word: usize) -> u64 {
        let own = if with_own && listener / 64 == word { 1 << (listener % 64) } else { 0 };
        self.rows[listener * self.words + word] | own
    }

    fn has(&self, listener: usize, talker: usize) -> bool {
        self.rows[listener * self.words + talker / 64] & (1 << (talker % 64)) != 0
    }

    fn only_talker(&self, listener: usize) -> u16 {
        let row = &self.rows[listener * self.words..(listener + 1) * self.words];
        let word = row.iter().position(|word| *word != 0).unwrap_or(0);
        (word * 64 + row[word].trailing_zeros() as usize) as u16
    }
}

impl Set {
    const EMPTY: Set = Set { hash: 0, listener: 0, with_own: false, serves: 0, group: FREE };
}

/// A set without a sum.
const NONE: u16 = u16::MAX;
/// An entry without a set.
const FREE: u16 = u16::MAX - 1;

/// A port's mark in the hashes: its number, well stirred.
fn mark(index: usize) -> u64 {
    let mut x = (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^ (x >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tipring_card::Law;

    /// Ports that say 8 × 2^n, so that a sum names its talkers.
    fn ears(ports: usize) -> Ears {
        let mut ears = Ears::new(ports);
        for n in 0..ports {
            ears.refill(n, Law::Mu).fill(tipring_dsp::ulaw_encode(8 << n.min(11)));
        }
        ears
    }

    fn sum_for(matrix: &mut Matrix, ears: &mut Ears, listener: usize) -> i16 {
        let mut heard = [0; BLOCK];
        match matrix.hears(listener) {
            Hears::Nobody => {}
            Hears::One(talker) => heard = *ears.linear(usize::from(talker)),
            Hears::Group { group, without_own } => {
                matrix.mixed(group, without_own.then_some(listener), ears, &mut Limiter::new(), &mut heard);
            }
        }
        heard[0]
    }

    #[test]
    fn a_conference_needs_one_sum() {
        let mut matrix = Matrix::new(100);
        for listener in 0..30 {
            for talker in (0..30).filter(|talker| *talker != listener) {
                matrix.wire(listener, talker, true);
            }
        }
        // Ten who only listen.
        for listener in 60..70 {
            for talker in 0..30 {
                matrix.wire(listener, talker, true);
            }
        }
        matrix.begin();
        assert_eq!(matrix.groups, 1);
        assert!(matches!(matrix.hears(3), Hears::Group { without_own: true, .. }));
        assert!(matches!(matrix.hears(65), Hears::Group { without_own: false, .. }));
    }

    #[test]
    fn any_wiring_is_heard_as_wired() {
        let mut state = 7u64;
        let mut dice = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let (mut matrix, mut ears) = (Matrix::new(9), ears(9));
        let mut wired = [[false; 9]; 9];
        for step in 0..5000 {
            let (listener, talker) = ((dice() % 9) as usize, (dice() % 9) as usize);
            if step % 97 == 0 {
                matrix.unwire(talker);
                (0..9).for_each(|n| (wired[n][talker], wired[talker][n]) = (false, false));
            } else {
                wired[listener][talker] = dice() & 1 == 0;
                matrix.wire(listener, talker, wired[listener][talker]);
            }
            matrix.begin();
            for (listener, row) in wired.iter().enumerate() {
                let expected: i16 = (0..9).filter(|n| row[*n]).map(|n| ears.linear(n)[0]).sum();
                assert_eq!(sum_for(&mut matrix, &mut ears, listener), expected, "step {step} listener {listener}");
            }
        }
    }
}
