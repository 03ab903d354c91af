//! Settings of a line or a span, and others that wait for the end of its calls.

use std::ops::Deref;

/// What a machine was made with, and what it is to go on with.
pub(super) struct Settings<T> {
    now: T,
    wanted: Option<T>,
}

impl<T: PartialEq> Settings<T> {
    pub fn new(now: T) -> Self {
        Settings { now, wanted: None }
    }

    /// Others, or the old ones again.
    pub fn want(&mut self, wanted: T) {
        self.wanted = Some(wanted).filter(|wanted| *wanted != self.now);
    }

    /// What waits.
    pub fn wanted(&self) -> Option<&T> {
        self.wanted.as_ref()
    }

    /// Others are wanted, and wait.
    pub fn waits(&self) -> bool {
        self.wanted.is_some()
    }

    /// What is wanted counts from now on. `None`: nothing is.
    pub fn take(&mut self) -> Option<&T> {
        self.now = self.wanted.take()?;
        Some(&self.now)
    }
}

impl<T> Deref for Settings<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.now
    }
}
