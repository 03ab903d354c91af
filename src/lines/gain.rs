//! What an analogue line's audio is made louder or softer by, both ways: a long line is quiet, an old PBX is loud. Law to
//! law, by a table of 256 octets a direction.
//!
//! DAHDI has gains of its own, which its driver applies to each sample before we read it. They are not used: every close of
//! the channel resets them, and the close is how a call ends here; they cost an ioctl more with its unsafe code; and neither
//! the simulation nor another kind of card would have them, so no test would hear what callers hear. Eighty look-ups in
//! ten milliseconds are nothing.

use std::sync::Arc;

use tipring_card::{BLOCK, Block, Law};
use tipring_dsp::g711::Companding;

/// The gains of one line; none where it is 0 dB. Made where settings are taken, and cheap to hand on: a clone allocates
/// nothing, and what a channel had goes back with it, so that the media thread frees nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gains {
    receive: Option<Table>,
    send: Option<Table>,
}

/// What each octet becomes.
type Table = Arc<[u8; 256]>;

impl Gains {
    /// Of a line of this law, in decibels.
    pub fn new(law: Law, receive_db: i8, send_db: i8) -> Gains {
        let law = match law {
            Law::A => Companding::A,
            Law::Mu => Companding::Mu,
        };
        let table = |db: i8| (db != 0).then(|| Arc::new(law.louder(f64::from(db))));
        Gains { receive: table(receive_db), send: table(send_db) }
    }

    /// What came, before anybody hears it.
    pub(crate) fn received(&self, block: &mut Block) {
        if let Some(table) = &self.receive {
            block.iter_mut().for_each(|octet| *octet = table[usize::from(*octet)]);
        }
    }

    /// What goes, at last: up to a block of it, in `louder` where that is another.
    pub(crate) fn sent<'a>(&self, said: &'a [u8], louder: &'a mut Block) -> &'a [u8] {
        let Some(table) = &self.send else {
            return said;
        };
        let length = said.len().min(BLOCK);
        louder.iter_mut().zip(said).for_each(|(louder, octet)| *louder = table[usize::from(*octet)]);
        &louder[..length]
    }
}
