//! The doors of the box: listeners with bounds, TLS under an authority of the box's own, and the port where a program that
//! believes it speaks with `api.twilio.com` is answered in place. What is asked behind a door is somebody else's.
//!
//! A request comes out of here with scheme and authority in its URI, as the client meant them: whoever writes links reads
//! them there.

mod authority;
mod certificates;
mod der;
mod doors;
mod names;
mod owned;
mod proxy;
mod serve;
mod shared;

pub use authority::{Authority, CA_DAYS, CA_FILE, Fault, KEY_FILE, LEAF_DAYS, RENEW_DAYS, day, fingerprint, not_after};
pub use certificates::{Certificates, MINTED_MAX, RENEWAL_LOOK, Wanted};
pub use doors::{
    Bounds, Doors, HANDSHAKE_LIMIT, HEADER_LIMIT, HEADER_OCTETS, LAN_CONNECTIONS, MAX_CONNECTIONS, SILENCE,
};
pub use names::{LABELS_MAX, Names, interfaces, is_name, is_service};
pub use owned::Owned;
pub use proxy::Proxy;
pub use serve::{ca_page, plain, tls};
pub use shared::{SHARED_LEAST, Shared};
