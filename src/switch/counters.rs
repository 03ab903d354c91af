//! What the switch counts instead of logging it. Counters only rise; whoever reads them makes rates and alarms of them.

/// Numbers since the switch was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Ticks.
    pub ticks: u64,
    /// Blocks that a port did not bring in time.
    pub late: u64,
    /// Commands for a use of a port, a playing or a tap that is over or never was.
    pub stale: u64,
    /// Octets fed to a player that was full, and tones for which it had no room.
    pub overflow: u64,
    /// Gaps in playings.
    pub starved: u64,
    /// Events dropped because nobody fetched them.
    pub dropped_events: u64,
    /// Blocks of a conference that were too loud for a line and turned down.
    pub limited: u64,
    /// Commands that cannot be carried out: a fifth tap, a key that is none, no room for a last word.
    pub refused: u64,
}
tipring_card::name_counters!(Counters: ticks, late, stale, overflow, starved, dropped_events, refused, limited);
