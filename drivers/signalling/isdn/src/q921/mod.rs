//! Q.921: the data link of a D channel, point to point (SAPI 0, TEI 0). Not here: TEI management, broadcast links,
//! XID negotiation; a PRI has none of them.
//!
//! Source: ITU-T Q.921 (09/97).

pub mod codec;
pub mod layer;
mod received;
mod window;

pub use codec::{FrameBuf, Info, MAX_FRAME, MAX_INFO};
pub(crate) use layer::sooner;
pub use layer::{Counters, Link, LinkInput, Upper};
