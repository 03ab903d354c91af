//! Error numbers of the kernel and what they mean on a DAHDI node; and what can go wrong when a card is opened.

use std::path::PathBuf;

use tipring_card::{CardError, SpanId};

use crate::raw::{CHANNELS, ERRNO_EVENT};

/// What an error number means on an opened channel or on the generic node.
pub(crate) fn card_error(errno: i32) -> CardError {
    match errno {
        ERRNO_EVENT => CardError::EventPending,
        // A signal interrupted a call that never blocks: the same as nothing to do yet.
        libc::EAGAIN | libc::EINTR => CardError::Again,
        libc::EBUSY => CardError::Busy,
        libc::ENODEV => CardError::Gone,
        libc::ENXIO => CardError::NoSuchChannel,
        libc::EINVAL | libc::ENOTTY | libc::ENOSYS => CardError::Invalid,
        libc::ENODATA => CardError::NoToneZone,
        libc::EACCES | libc::EPERM => CardError::Permission,
        other => CardError::Os(other),
    }
}

/// The error of a read or write.
pub(crate) fn io_error(error: &std::io::Error) -> CardError {
    error.raw_os_error().map_or(CardError::Os(libc::EIO), card_error)
}

/// Why no card could be opened. Each says what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// There is no control node.
    NoNode(PathBuf),
    /// We may not open the control node.
    Permission(PathBuf),
    /// The control node could not be opened.
    Node(PathBuf, i32),
    /// What stands there is not DAHDI.
    NotDahdi(PathBuf, i32),
    /// DAHDI runs, but has no span.
    NoSpan,
    /// A span that the configuration names is not there.
    NoSuchSpan(SpanId),
    /// The kernel refused to tell about a span.
    Span(SpanId, i32),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OpenError::NoNode(path) => write!(
                f,
                "{} does not exist: DAHDI's driver is not loaded (`modprobe dahdi` and the card's module), \
                 or this machine has no DAHDI card",
                path.display()
            ),
            OpenError::Permission(path) => write!(
                f,
                "no permission to open {}: run the service as a member of the group that owns it",
                path.display()
            ),
            OpenError::Node(path, errno) => write!(f, "{}: {}", path.display(), words(*errno)),
            OpenError::NotDahdi(path, errno) => write!(
                f,
                "{} does not answer as DAHDI's control node ({}): another driver's node, or a version before 2.2",
                path.display(),
                words(*errno)
            ),
            OpenError::NoSpan => f.write_str(
                "DAHDI runs, but has no span: no card was found, or its spans are not assigned \
                 (`dahdi_span_assignments auto`)",
            ),
            OpenError::NoSuchSpan(span) => write!(
                f,
                "span {} is configured, but DAHDI has no such span: compare with `dahdi_scan` (spans are renumbered \
                 when cards change)",
                span.0
            ),
            OpenError::Span(span, errno) => write!(f, "DAHDI does not tell about span {}: {}", span.0, words(*errno)),
        }
    }
}

impl std::error::Error for OpenError {}

fn words(errno: i32) -> String {
    std::io::Error::from_raw_os_error(errno).to_string()
}

// The channel numbers of this driver fit the shared word for them.
const _: () = assert!(CHANNELS < u16::MAX);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_errno_of_a_channel_has_its_word() {
        let table = [
            (500, CardError::EventPending),
            (libc::EAGAIN, CardError::Again),
            (libc::EINTR, CardError::Again),
            (libc::EBUSY, CardError::Busy),
            (libc::ENODEV, CardError::Gone),
            (libc::ENXIO, CardError::NoSuchChannel),
            (libc::EINVAL, CardError::Invalid),
            (libc::ENOTTY, CardError::Invalid),
            (libc::ENOSYS, CardError::Invalid),
            (libc::ENODATA, CardError::NoToneZone),
            (libc::EACCES, CardError::Permission),
            (libc::EPERM, CardError::Permission),
            (libc::EFAULT, CardError::Os(libc::EFAULT)),
        ];
        for (errno, word) in table {
            assert_eq!(card_error(errno), word, "errno {errno}");
        }
    }

    #[test]
    fn an_io_error_keeps_the_number_500() {
        assert_eq!(io_error(&std::io::Error::from_raw_os_error(500)), CardError::EventPending);
        assert_eq!(io_error(&std::io::Error::other("no number")), CardError::Os(libc::EIO));
    }
}
