//! Speaks with application servers like a browser: signed requests, cookies, redirects, credentials, retries.
//!
//! One call of [`Webhook::perform`] is one request of the router, with its redirects and retries, and always gives an
//! answer. It judges status, size and emptiness; what a document says, and whether its content type will do, is
//! judged elsewhere, and so is the fallback chain. Documents that may be kept for later calls it hands to [`Documents`],
//! and asks there first. Source: the TwiML dialect's HTTP behaviour and signature rules.

mod again;
mod cookies;
mod date;
mod exchange;
mod kept;
mod overrides;
mod perform;
mod session;
mod sign;

pub use kept::{Documents, Kept, Soon};
pub use overrides::{BadOverride, Overrides, RetryPolicy};
pub use perform::Webhook;
pub use sign::{SIGNATURE_HEADER, sign, sign_json, verify};
