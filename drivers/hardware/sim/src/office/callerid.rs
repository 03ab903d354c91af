//! The caller id of a call rung in, as sound: Bellcore's multiple data message, sent between the first and the second
//! ring. The message is the signalling crate's, the modulation the dsp's; here they meet.

use tipring_card::Law;

use crate::exchange::Call;

/// The burst in G.711; none: there is nothing to send it with.
pub(super) fn burst(_call: &Call, _law: Law) -> Option<Vec<u8>> {
    None
}
