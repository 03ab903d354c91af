//! What waits for the conductor, kind by kind. Of each a bounded number is taken a turn, so that a flood of one leaves
//! the others, the timers and the switch their time.

use tipring_lines::EngineEvent;
use tipring_router::StreamId;
use tokio::sync::mpsc;

/// Of each kind so many in one turn.
pub const TURN: usize = 64;
/// Words of streams' servers that wait; then the servers are not read.
pub const WORDS: usize = 256;

/// Where everything arrives. `A`: what is asked; `E`: ends of effects.
pub struct Inbox<A, E> {
    /// From the card.
    pub lines: mpsc::Receiver<EngineEvent>,
    /// Ends, and parts, of effects.
    pub ended: mpsc::Receiver<E>,
    /// What others ask.
    pub asked: mpsc::Receiver<A>,
    /// What servers of streams say.
    pub streamed: mpsc::Receiver<(StreamId, tipring_streams::Told)>,
}

/// What waits of one kind, as much of it as belongs to a turn.
pub fn some<T>(from: &mut mpsc::Receiver<T>) -> impl Iterator<Item = T> + '_ {
    std::iter::from_fn(move || from.try_recv().ok()).take(TURN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_ends_though_more_comes_than_it_takes() {
        let (flood, mut waiting) = mpsc::channel(2 * TURN);
        (0..2 * TURN).for_each(|n| flood.try_send(n).expect("there is room"));
        // Whatever is taken is replaced at once.
        let taken = some(&mut waiting).inspect(|_| flood.try_send(0).expect("there is room")).count();
        assert_eq!(taken, TURN);
        drop(flood);
        assert_eq!((some(&mut waiting).count(), some(&mut waiting).count()), (TURN, TURN));
        assert_eq!(some(&mut waiting).count(), 0);
    }
}
