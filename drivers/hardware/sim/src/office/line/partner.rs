//! The other line of a call between two lines of one office: what this line has to say to it, and the sound that waits for
//! it and comes from it. Who is joined with whom, and when, is the office's.

use std::collections::VecDeque;

use tipring_card::{BLOCK, Block, Cause, Law, Micros};

use super::{Desk, Sound, State, SubscriberLine};
use crate::{audio::BUFFERS, tones::OfficeTone};

/// Most blocks that wait each way: no step of an office reads more of a line.
const MAX_CARRIED: usize = BUFFERS;

/// The line that this one is joined with.
pub(super) struct Partner {
    /// Its place in the office.
    place: usize,
    said: VecDeque<Block>,
    heard: VecDeque<Block>,
}

/// What happens on a line that concerns another one.
#[derive(Clone, Copy, Debug)]
pub(in crate::office) enum Word {
    /// The line of this number, from 1, is called.
    Calls(u8),
    /// The box has answered the call.
    Answered,
    /// The call is over on this line.
    HungUp(Cause),
}

impl Partner {
    /// The next block of the other line, silence when there is none.
    pub fn speak(&mut self, block: &mut Block, law: Law) {
        *block = self.heard.pop_front().unwrap_or([law.silence(); BLOCK]);
    }

    pub fn hear(&mut self, block: &Block) {
        keep(&mut self.said, *block);
    }
}

impl SubscriberLine {
    /// The place of the line that this one is joined with.
    pub(in crate::office) fn partner(&self) -> Option<usize> {
        self.partner.as_ref().map(|partner| partner.place)
    }

    /// Is joined with another line, or with none any more. No sound goes over before both talk.
    pub(in crate::office) fn join(&mut self, place: Option<usize>) {
        self.partner = place.map(|place| Partner { place, said: VecDeque::new(), heard: VecDeque::new() });
    }

    /// What another line is to be told; given once.
    pub(in crate::office) fn take_word(&mut self) -> Option<Word> {
        self.words.pop_front()
    }

    /// The blocks for the other line since the last time, and its place.
    pub(in crate::office) fn take_said(&mut self) -> Option<(usize, VecDeque<Block>)> {
        let partner = self.partner.as_mut().filter(|partner| !partner.said.is_empty())?;
        Some((partner.place, std::mem::take(&mut partner.said)))
    }

    /// Blocks of the other line.
    pub(in crate::office) fn hear_partner(&mut self, blocks: VecDeque<Block>) {
        if let Some(partner) = &mut self.partner {
            blocks.into_iter().for_each(|block| keep(&mut partner.heard, block));
        }
    }

    /// Both talk. The blocks of both lines begin in this moment, so that each one read here is one written there.
    pub(in crate::office) fn carries_partner(&mut self) {
        self.begin_audio();
        self.sound = Sound::Partner;
        if let Some(partner) = &mut self.partner {
            partner.said.clear();
            partner.heard.clear();
        }
    }

    /// Whether the called line still rings for this one.
    pub(in crate::office) fn awaits_partner(&self) -> bool {
        matches!(self.state, State::RingingOut { .. })
    }

    /// The number is that of a line which can be rung.
    pub(in crate::office) fn partner_rings(&mut self, now: Micros, desk: &mut Desk<'_>) {
        self.ring_out(now, Micros::FOREVER, desk);
    }

    /// The number is that of a line which cannot be rung, or of none.
    pub(in crate::office) fn partner_refuses(&mut self, now: Micros, cause: Cause, desk: &mut Desk<'_>) {
        self.refuse(now, cause, OfficeTone::of_refusal(cause), desk);
    }

    /// Something happened that the other line is to be told of, if there is one.
    pub(super) fn say(&mut self, word: Word) {
        if self.partner.is_some() {
            self.words.push_back(word);
        }
    }
}

fn keep(blocks: &mut VecDeque<Block>, block: Block) {
    if blocks.len() < MAX_CARRIED {
        blocks.push_back(block);
    }
}
