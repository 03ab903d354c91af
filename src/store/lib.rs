//! What outlives a call: records in SQL (SQLite, or PostgreSQL by URL), sound in files. One writer task, many readers,
//! a journal of calls that were born or ended, and the repair after a crash. It knows no HTTP and no telephony, and
//! decides nothing about calls but this: a call that nobody holds any more has failed.

mod blobs;
mod error;
mod filter;
mod journal;
mod kept;
mod lease;
mod owner;
mod read;
mod recording;
mod repair;
mod rooms;
mod rows;
mod schema;
mod sharing;
mod store;
mod tenants;
mod texts;
mod wav;
mod writer;

/// The law of a line's octets, as `Blobs::create` wants it.
pub use tipring_card::Law;

pub use blobs::{Blob, Blobs};
pub use error::StoreError;
pub use filter::{
    Anchor, CallFilter, Column, Listing, NotificationFilter, NumberFilter, PAGE_SIZE_MAX, Page, PageStart,
    RecordingFilter, TimeRange, Where,
};
pub use kept::{Kept, Order, Tally, Usage};
pub use lease::LEASE_TTL_US;
pub use owner::{Living, Owner};
pub use recording::{AHEAD_MAX, FLUSH_SAMPLES, RECORDING_MAX_SAMPLES, RecordingWriter};
pub use repair::RepairReport;
pub use rooms::{QueueState, Waiting};
pub use store::{Config, Store};
pub use texts::KeptEvent;
pub use wav::header as wav_header;
pub use writer::{BATCH_MAX, Committed, WRITE_QUEUE, WriterCounters};
