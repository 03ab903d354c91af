//! What the media layer counts.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counts since the start.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Counters { $($(#[$doc])* pub $name: u64,)* }

        tipring_card::name_counters!(Counters: $($name),*);

        #[derive(Debug, Default)]
        pub(crate) struct Tally { $(pub $name: AtomicU64,)* }

        impl Tally {
            pub fn snapshot(&self) -> Counters {
                Counters { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Requests sent to origins, redirects followed not counted.
    fetches,
    /// Originals made into telephone audio.
    conversions,
    /// Originals that were ready and passed unchanged.
    passed,
    /// Answers from a stored or growing entry.
    hits,
    /// Answers that had to be fetched or made.
    misses,
    /// Stored entries that their origin confirmed.
    revalidations,
    /// Kept documents that a call was given in place of its application's answer.
    documents,
    /// Documents that were kept.
    documents_kept,
    /// Texts spoken by an engine.
    synthesized,
    /// Texts heard from the recordings that take their place.
    recorded,
    /// Milliseconds that engines took to speak them.
    synthesis_ms,
    /// Recognitions begun.
    recognitions,
    /// Entries committed to disk.
    stored,
    /// Entries removed for want of room.
    evictions,
    /// Media that were heard and not kept, for want of room on the disk.
    unkept,
    /// Stored entries thrown away because they were not as they had been written.
    damaged,
    /// Entries found in the shared store.
    store_hits,
    /// Entries looked for in the shared store in vain.
    store_misses,
    /// Times that the shared store did not answer, or with an error.
    store_faults,
    /// Entries brought to the shared store.
    store_kept,
    /// Entries not brought there and removals not told, for the queue was full or the store away for long.
    store_lost,
    /// Objects removed from the shared store as too old, too much, or belonging to nothing.
    store_evictions,
    /// Entries that another media layer had.
    asked_hits,
    /// Other media layers asked in vain.
    asked_misses,
    /// Other media layers that did not answer in time, or with an error.
    asked_faults,
    /// Entries told to other media layers.
    told,
    /// Stale entries used because their origin could not be asked.
    stale_used,
    /// Requests answered with a fault.
    faults,
    /// Requests at the network's face without the right word.
    strangers,
    /// Media that broke off after they had begun.
    broken,
    /// Decoders that crashed; each is a bug of theirs, and harmless to the call.
    decoder_panics,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
