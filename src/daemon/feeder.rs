//! Sound on its way from the media face to a port: chunks come in at the speed of the network, go out as the player has
//! room, 20 ms a command. Nothing here waits: the conductor calls `pump` when a chunk has come or room was told.

use std::collections::HashMap;

use tipring_router::{MediaId, SwitchCommand};
use tipring_switch::{FEED, PLAY_BUFFER, PlayId, Port};

/// Octets held for one playing beyond the player's own two seconds: what the stream may be ahead.
pub const AHEAD: usize = 8 * 1024;

/// One playing that is being fed.
struct Feeding {
    media: MediaId,
    port: Port,
    /// `Play` was sent.
    begun: bool,
    waiting: Vec<u8>,
    taken: usize,
    /// All of it has come.
    whole: bool,
    /// Octets that the player takes. A fresh one is empty: its first blocks wait for no word of the switch.
    room: usize,
    /// The switch has offered the room of the fresh player.
    offered: bool,
    /// Sound was given to the switch.
    heard: bool,
}

/// All playings that are being fed.
#[derive(Default)]
pub struct Feeder {
    feedings: HashMap<PlayId, Feeding>,
    by_media: HashMap<MediaId, PlayId>,
}

impl Feeder {
    /// A media effect begins: sound for `play` will come.
    pub fn begin(&mut self, media: MediaId, play: PlayId, port: Port) {
        tracing::trace!(target: "tipring::first_sound::asked", play = play.0);
        let feeding = Feeding {
            media,
            port,
            begun: false,
            waiting: Vec::new(),
            taken: 0,
            whole: false,
            room: PLAY_BUFFER,
            offered: false,
            heard: false,
        };
        self.feedings.insert(play, feeding);
        self.by_media.insert(media, play);
    }

    /// A chunk has come. Returns how much is still waiting: above [`AHEAD`] the stream should pause.
    pub fn chunk(&mut self, media: MediaId, octets: &[u8], out: &mut Vec<SwitchCommand>) -> usize {
        let Some((play, feeding)) = self.feeding(media) else {
            return 0;
        };
        feeding.waiting.drain(..std::mem::take(&mut feeding.taken));
        feeding.waiting.extend_from_slice(octets);
        if !feeding.begun {
            feeding.begun = true;
            out.push(SwitchCommand::Play { port: feeding.port, play });
        }
        feeding.pump(play, out);
        feeding.waiting.len() - feeding.taken
    }

    /// The stream is over, whole or broken: what has come is played.
    pub fn end(&mut self, media: MediaId, out: &mut Vec<SwitchCommand>) {
        let Some((play, feeding)) = self.feeding(media) else {
            return;
        };
        feeding.whole = true;
        feeding.pump(play, out);
        self.sweep(play);
    }

    /// The stream broke. True if nothing had been sent to the switch yet, so that no playing will end.
    pub fn fail(&mut self, media: MediaId, out: &mut Vec<SwitchCommand>) -> bool {
        let unheard = self.feeding(media).is_none_or(|(_, feeding)| !feeding.begun);
        if unheard {
            self.cancel(media);
        } else {
            self.end(media, out);
        }
        unheard
    }

    /// An empty stream is a playing of no length.
    pub fn end_of_empty(&mut self, media: MediaId, out: &mut Vec<SwitchCommand>) {
        if let Some((play, feeding)) = self.feeding(media)
            && !feeding.begun
        {
            feeding.begun = true;
            out.push(SwitchCommand::Play { port: feeding.port, play });
        }
        self.end(media, out);
    }

    /// The switch has room for this much more of a playing. Returns the media id if its stream may go on.
    pub fn room(&mut self, play: PlayId, octets: usize, out: &mut Vec<SwitchCommand>) -> Option<MediaId> {
        let feeding = self.feedings.get_mut(&play)?;
        // The first offer is what every player begins with, and whatever has gone out since.
        let known = if std::mem::replace(&mut feeding.offered, true) { 0 } else { PLAY_BUFFER };
        feeding.room += octets.saturating_sub(known);
        feeding.pump(play, out);
        let media = feeding.media;
        let low = feeding.waiting.len() - feeding.taken < AHEAD;
        self.sweep(play);
        low.then_some(media)
    }

    /// No more of it.
    pub fn cancel(&mut self, media: MediaId) {
        if let Some(play) = self.by_media.remove(&media) {
            self.feedings.remove(&play);
        }
    }

    /// The playing is over in the switch.
    pub fn played(&mut self, play: PlayId) -> Option<MediaId> {
        let feeding = self.feedings.remove(&play)?;
        self.by_media.remove(&feeding.media);
        Some(feeding.media)
    }

    fn feeding(&mut self, media: MediaId) -> Option<(PlayId, &mut Feeding)> {
        let play = *self.by_media.get(&media)?;
        self.feedings.get_mut(&play).map(|feeding| (play, feeding))
    }

    fn sweep(&mut self, play: PlayId) {
        let done = self.feedings.get(&play).is_some_and(|f| f.whole && f.taken == f.waiting.len() && f.begun);
        if done && let Some(feeding) = self.feedings.remove(&play) {
            self.by_media.remove(&feeding.media);
        }
    }
}

impl Feeding {
    fn pump(&mut self, play: PlayId, out: &mut Vec<SwitchCommand>) {
        loop {
            let left = self.waiting.len() - self.taken;
            let take = left.min(FEED).min(self.room);
            // A short piece is sent only if nothing better can come.
            if take == 0 || (take < FEED && take < left) || (take < FEED && !self.whole) {
                break;
            }
            let mut data = [0; FEED];
            data[..take].copy_from_slice(&self.waiting[self.taken..self.taken + take]);
            self.taken += take;
            self.room -= take;
            let len = u8::try_from(take).unwrap_or(u8::MAX);
            out.push(SwitchCommand::Feed { play, port: self.port, len, data });
            if !std::mem::replace(&mut self.heard, true) {
                tracing::trace!(target: "tipring::first_sound", play = play.0);
            }
        }
        if self.taken == self.waiting.len() {
            self.waiting.clear();
            self.taken = 0;
            if self.whole && self.begun {
                out.push(SwitchCommand::FeedEnd { play, port: self.port });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: Port = Port { index: 3, generation: 1 };

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
    fn all_octets_go_out_once_in_order_and_never_more_than_there_is_room() {
        let sound: Vec<u8> = (0..25_003_u32).map(|n| (n % 251) as u8).collect();
        let (mut feeder, mut out) = (Feeder::default(), Vec::new());
        feeder.begin(MediaId(1), PlayId(9), PORT);
        for chunk in sound.chunks(777) {
            feeder.chunk(MediaId(1), chunk, &mut out);
        }
        let mut room = PLAY_BUFFER;
        assert_eq!(octets(&out).len(), room, "a fresh player is filled before the switch has said a word");
        feeder.end(MediaId(1), &mut out);
        feeder.room(PlayId(9), PLAY_BUFFER + 80, &mut out);
        room += 80;
        assert!(octets(&out).len() <= room, "the first offer is what was known");
        while !out.iter().any(|c| matches!(c, SwitchCommand::FeedEnd { .. })) {
            feeder.room(PlayId(9), 400, &mut out);
            room += 400;
            assert!(octets(&out).len() <= room);
        }
        assert_eq!(octets(&out), sound);
        assert!(matches!(out[0], SwitchCommand::Play { .. }));
        assert!(matches!(out[out.len() - 1], SwitchCommand::FeedEnd { .. }));
    }

    #[test]
    fn a_stream_that_breaks_before_its_first_octet_begins_no_playing() {
        let (mut feeder, mut out) = (Feeder::default(), Vec::new());
        feeder.begin(MediaId(1), PlayId(1), PORT);
        assert!(feeder.fail(MediaId(1), &mut out));
        assert!(out.is_empty());
        feeder.begin(MediaId(2), PlayId(2), PORT);
        feeder.room(PlayId(2), 16_000, &mut out);
        feeder.chunk(MediaId(2), &[1; 320], &mut out);
        assert!(!feeder.fail(MediaId(2), &mut out), "what came is played to its end");
        assert!(matches!(out[out.len() - 1], SwitchCommand::FeedEnd { .. }));
    }

    #[test]
    fn a_cancelled_stream_feeds_nothing_more() {
        let (mut feeder, mut out) = (Feeder::default(), Vec::new());
        feeder.begin(MediaId(1), PlayId(1), PORT);
        feeder.cancel(MediaId(1));
        assert_eq!(feeder.chunk(MediaId(1), &[1; 320], &mut out), 0);
        feeder.room(PlayId(1), 16_000, &mut out);
        assert!(out.is_empty());
    }
}
