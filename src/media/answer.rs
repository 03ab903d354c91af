//! An answer as it goes to the face: what it says about itself, and where its octets come from.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::cache::Entry;
use crate::fault::MediaFault;
use crate::spool::{Spool, SpoolReader};
use crate::wire::{Ask, Form};

/// How an answer came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cached {
    /// Nothing was fetched or made for it.
    Hit,
    /// Fetched or made just now.
    Miss,
    /// Stored, and confirmed by its origin just now.
    Revalidated,
}

impl Cached {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Revalidated => "revalidated",
        }
    }
}

/// An answer whose body begins.
pub(crate) struct Answer {
    pub status: u16,
    pub cached: Cached,
    /// It is stale: its origin could not be asked.
    pub stale: bool,
    pub content_type: String,
    pub original_type: String,
    /// Further headers of a document.
    pub headers: Vec<(String, String)>,
    pub body: Body,
}

/// Where the octets come from.
pub(crate) enum Body {
    Spool(SpoolReader),
    Direct(mpsc::Receiver<Result<Bytes, MediaFault>>),
    /// What was waited for, and what comes after it.
    Held(VecDeque<Bytes>, mpsc::Receiver<Result<Bytes, MediaFault>>),
}

impl Body {
    /// Waits until it is whole, or broken. What comes past the disk is held in memory up to so many octets.
    pub async fn whole(&mut self, most: usize) -> Result<(), MediaFault> {
        match self {
            Self::Spool(reader) => reader.whole().await,
            Self::Direct(pieces) => {
                let (mut held, mut octets) = (VecDeque::new(), 0);
                let mut over = false;
                while octets < most && !over {
                    match pieces.recv().await {
                        Some(Ok(piece)) => {
                            octets += piece.len();
                            held.push_back(piece);
                        }
                        Some(Err(fault)) => return Err(fault),
                        None => over = true,
                    }
                }
                let (_, none) = mpsc::channel(1);
                *self = Self::Held(held, std::mem::replace(pieces, none));
                Ok(())
            }
            Self::Held(..) => Ok(()),
        }
    }

    pub async fn next(&mut self) -> Option<Result<Bytes, MediaFault>> {
        match self {
            Self::Spool(reader) => reader.next().await,
            Self::Direct(pieces) => pieces.recv().await,
            Self::Held(held, pieces) => match held.pop_front() {
                Some(piece) => Some(Ok(piece)),
                None => pieces.recv().await,
            },
        }
    }

    /// What is to be known of it at its end, beside that it has come.
    pub fn note(&self) -> Option<&'static str> {
        match self {
            Self::Spool(reader) if reader.is_past_the_disk() => Some(UNKEPT),
            Self::Spool(_) | Self::Direct(_) | Self::Held(..) => None,
        }
    }
}

/// Of what every call has to have fetched or made anew.
const UNKEPT: &str = "not kept: the cache's disk has no room";

/// What all readers of one medium need.
pub(crate) struct Shared {
    pub status: u16,
    /// Its origin could not be asked.
    pub stale: bool,
    pub content_type: String,
    pub original_type: String,
    pub headers: Vec<(String, String)>,
    pub spool: Spool,
}

impl Shared {
    /// A stored entry.
    pub fn stored(entry: Entry, spool: Spool) -> Self {
        let as_is = entry.preset == Form::AsIs.name();
        Self {
            status: entry.rules.status,
            stale: false,
            content_type: entry.content_type,
            original_type: entry.original_type,
            headers: if as_is { entry.rules.headers } else { Vec::new() },
            spool,
        }
    }

    /// The answer for one asker, from the first octet on.
    pub fn answer(&self, ask: &Ask, cached: Cached) -> Answer {
        Answer {
            status: self.status,
            cached,
            stale: self.stale,
            content_type: type_for(ask, &self.content_type),
            original_type: self.original_type.clone(),
            headers: self.headers.clone(),
            body: Body::Spool(self.spool.reader()),
        }
    }
}

/// Who asked for `audio/basic` is answered so, whoever asked first.
fn type_for(ask: &Ask, stored: &str) -> String {
    match ask.form {
        Form::AsIs => stored.to_owned(),
        Form::Audio(_, true) => "audio/basic".to_owned(),
        Form::Audio(preset, false) => preset.to_string(),
    }
}
