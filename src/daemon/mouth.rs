//! What the server of a stream says on its way to a port: sound and marks in their order, each when the player has room.
//! Nothing here waits. The playing was begun by the router and ends with it.

use std::collections::VecDeque;

use tipring_card::Law;
use tipring_dsp::mu_to_a;
use tipring_router::{StreamEar, SwitchCommand};
use tipring_switch::{FEED, PLAY_BUFFER};

/// Octets that wait beside the player's own two seconds: two minutes of a server that speaks ahead.
pub const WAITING: usize = 960_000;
/// Marks that wait.
pub const MARKS: usize = 1_000;
/// Marks that the player holds at once: far fewer than it has segments.
const MARKS_AHEAD: usize = 32;

/// One server's voice.
pub struct Mouth {
    ear: StreamEar,
    waiting: VecDeque<Piece>,
    /// Octets in it.
    octets: usize,
    /// Marks in it.
    marks: usize,
    /// Octets that the player takes. A fresh one is empty.
    room: usize,
    /// The switch has offered the room of the fresh player.
    offered: bool,
    /// The player was given something since it was last emptied.
    fed: bool,
    /// Marks that the player holds, in order.
    ahead: VecDeque<(u32, String)>,
    next_mark: u32,
}

enum Piece {
    Sound(VecDeque<u8>),
    Mark(String),
}

/// There is no room: it was dropped.
#[derive(Debug, PartialEq, Eq)]
pub struct Overflow;

impl Mouth {
    /// A voice that has said nothing.
    pub fn new(ear: StreamEar) -> Self {
        let (waiting, ahead) = (VecDeque::new(), VecDeque::new());
        Mouth { ear, waiting, octets: 0, marks: 0, room: PLAY_BUFFER, offered: false, fed: false, ahead, next_mark: 0 }
    }

    /// Says sound, µ-law, after all that was said.
    pub fn sound(&mut self, octets: &[u8], out: &mut Vec<SwitchCommand>) -> Result<(), Overflow> {
        if self.octets + octets.len() > WAITING {
            return Err(Overflow);
        }
        let law = self.ear.law;
        let recoded = octets.iter().map(|octet| if law == Law::A { mu_to_a(*octet) } else { *octet });
        self.octets += octets.len();
        match self.waiting.back_mut() {
            Some(Piece::Sound(last)) => last.extend(recoded),
            _ => self.waiting.push_back(Piece::Sound(recoded.collect())),
        }
        self.pump(out);
        Ok(())
    }

    /// Sets a mark after all that was said.
    pub fn mark(&mut self, name: String, out: &mut Vec<SwitchCommand>) -> Result<(), Overflow> {
        if self.marks >= MARKS {
            return Err(Overflow);
        }
        self.marks += 1;
        self.waiting.push_back(Piece::Mark(name));
        self.pump(out);
        Ok(())
    }

    /// Drops what was said and not heard; its marks are told in their order. A player that holds nothing is left alone,
    /// however often it is asked.
    pub fn clear(&mut self, out: &mut Vec<SwitchCommand>) {
        if std::mem::replace(&mut self.fed, false) {
            out.push(SwitchCommand::Flush { play: self.ear.play, port: self.ear.port });
        }
        self.waiting.retain(|piece| matches!(piece, Piece::Mark(_)));
        self.octets = 0;
        self.pump(out);
    }

    /// The player has room for this much more.
    pub fn room(&mut self, octets: usize, out: &mut Vec<SwitchCommand>) {
        // The first offer is what every player begins with.
        let known = if std::mem::replace(&mut self.offered, true) { 0 } else { PLAY_BUFFER };
        self.room += octets.saturating_sub(known);
        self.pump(out);
    }

    /// A mark was passed: what it is called.
    pub fn marked(&mut self, mark: u32, out: &mut Vec<SwitchCommand>) -> Option<String> {
        let at = self.ahead.iter().position(|(of, _)| *of == mark)?;
        let (_, name) = self.ahead.remove(at)?;
        self.pump(out);
        Some(name)
    }

    fn pump(&mut self, out: &mut Vec<SwitchCommand>) {
        let (play, port) = (self.ear.play, self.ear.port);
        while let Some(piece) = self.waiting.front_mut() {
            match piece {
                Piece::Mark(name) => {
                    if self.ahead.len() >= MARKS_AHEAD {
                        return;
                    }
                    let mark = self.next_mark;
                    self.next_mark = mark.wrapping_add(1);
                    self.ahead.push_back((mark, std::mem::take(name)));
                    out.push(SwitchCommand::Mark { play, port, mark });
                    self.fed = true;
                    self.marks -= 1;
                    self.waiting.pop_front();
                }
                Piece::Sound(octets) => {
                    let take = octets.len().min(FEED).min(self.room);
                    if take == 0 && !octets.is_empty() {
                        return;
                    }
                    let mut data = [0; FEED];
                    for (into, octet) in data.iter_mut().zip(octets.drain(..take)) {
                        *into = octet;
                    }
                    let empty = octets.is_empty();
                    (self.room, self.octets) = (self.room - take, self.octets - take);
                    if take > 0 {
                        let len = u8::try_from(take).unwrap_or(u8::MAX);
                        out.push(SwitchCommand::Feed { play, port, len, data });
                        self.fed = true;
                    }
                    if empty {
                        self.waiting.pop_front();
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tipring_switch::{PlayId, Port};

    const PORT: Port = Port { index: 3, generation: 1 };

    fn mouth(law: Law) -> Mouth {
        Mouth::new(StreamEar { port: PORT, play: PlayId(9), law })
    }

    fn octets(out: &[SwitchCommand]) -> Vec<u8> {
        let mut all = Vec::new();
        for command in out {
            if let SwitchCommand::Feed { len, data, .. } = command {
                all.extend_from_slice(&data[..usize::from(*len)]);
            }
        }
        all
    }

    #[test]
    fn sound_of_any_size_goes_out_once_in_order_as_there_is_room() {
        let sound: Vec<u8> = (0..50_000_u32).map(|n| (n % 251) as u8).collect();
        let (mut mouth, mut out) = (mouth(Law::Mu), Vec::new());
        for piece in sound.chunks(1_237) {
            mouth.sound(piece, &mut out).expect("there is room");
        }
        assert_eq!(octets(&out).len(), PLAY_BUFFER);
        mouth.room(PLAY_BUFFER, &mut out);
        assert_eq!(octets(&out).len(), PLAY_BUFFER, "the first offer is what was known");
        for _ in 0..5 {
            mouth.room(8_000, &mut out);
        }
        assert_eq!(octets(&out), sound);
        assert_eq!(mouth.octets, 0);
    }

    #[test]
    fn the_other_law_is_recoded() {
        let (mut mouth, mut out) = (mouth(Law::A), Vec::new());
        mouth.sound(&[0xff, 0x00, 0x80], &mut out).expect("there is room");
        assert_eq!(octets(&out), [mu_to_a(0xff), mu_to_a(0x00), mu_to_a(0x80)]);
    }

    #[test]
    fn marks_keep_their_place_and_clear_tells_all_of_them() {
        let (mut mouth, mut out) = (mouth(Law::Mu), Vec::new());
        mouth.sound(&[1; PLAY_BUFFER], &mut out).expect("there is room");
        for n in 0..100 {
            mouth.sound(&[2; 10], &mut out).expect("there is room");
            mouth.mark(format!("m{n}"), &mut out).expect("there is room");
        }
        assert!(!out.iter().any(|it| matches!(it, SwitchCommand::Mark { .. })), "sound is before it");
        out.clear();
        mouth.clear(&mut out);
        assert!(matches!(out[0], SwitchCommand::Flush { .. }));
        let mut told = Vec::new();
        let mut at = 1;
        while at < out.len() {
            let SwitchCommand::Mark { mark, .. } = out[at] else { panic!("{:?}", out[at]) };
            told.push(mouth.marked(mark, &mut out).expect("its name"));
            at += 1;
        }
        let wanted: Vec<String> = (0..100).map(|n| format!("m{n}")).collect();
        assert_eq!(told, wanted);
        assert_eq!((mouth.marks, mouth.octets), (0, 0));
    }

    #[test]
    fn a_player_that_holds_nothing_is_not_emptied_again() {
        let (mut mouth, mut out) = (mouth(Law::Mu), Vec::new());
        let flushes = |out: &[SwitchCommand]| out.iter().filter(|it| matches!(it, SwitchCommand::Flush { .. })).count();
        (0..1_000).for_each(|_| mouth.clear(&mut out));
        assert!(out.is_empty(), "{} commands", out.len());
        mouth.sound(&[1; 10], &mut out).expect("there is room");
        (0..1_000).for_each(|_| mouth.clear(&mut out));
        assert_eq!(flushes(&out), 1);
        mouth.mark("m".into(), &mut out).expect("there is room");
        (0..1_000).for_each(|_| mouth.clear(&mut out));
        assert_eq!(flushes(&out), 2, "a mark that waits in the player is to be told");
    }

    #[test]
    fn who_speaks_too_far_ahead_is_refused_and_what_was_said_stays() {
        let (mut mouth, mut out) = (mouth(Law::Mu), Vec::new());
        mouth.sound(&vec![1; WAITING], &mut out).expect("there is room");
        assert_eq!(mouth.sound(&vec![1; PLAY_BUFFER + 1], &mut out), Err(Overflow));
        assert_eq!(mouth.octets, WAITING - PLAY_BUFFER);
        for _ in 0..MARKS {
            mouth.mark("x".into(), &mut out).expect("there is room");
        }
        assert_eq!(mouth.mark("x".into(), &mut out), Err(Overflow));
    }
}
