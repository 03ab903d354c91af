//! Where the sound of a recording is: on this box's disk, in a store that boxes share, on the box that made it. How it is served is
//! `media`'s.

use std::any::Any;
use std::fs::File;

use tipring_resources::Sid;
use tipring_store::{Blob, Living};

use crate::Later;
use crate::elsewhere;
use crate::fault::Fault;
use crate::serve::{Answer, Asking};

/// Sounds of recordings in a store that boxes share.
pub trait SharedSounds: Send + Sync + 'static {
    /// A copy of a recording's sound, whole; `None`: the store does not have it. Or why nobody knows.
    fn fetch(&self, recording: Sid) -> Later<'_, Result<Option<Fetched>, String>>;
}

/// A sound that was fetched.
pub struct Fetched {
    /// At its beginning.
    pub file: File,
    /// Its place among those that are held, for as long as it is read.
    pub held: Held,
}

/// What goes when a sound was sent.
pub type Held = Option<Box<dyn Any + Send + Sync>>;

/// Where it was found.
pub(crate) enum Found {
    /// It can be read here.
    Here(Blob, Held),
    /// The box that made it has answered.
    Answered(Answer),
}

/// Looks for the sound of a finished recording.
pub(crate) async fn find(asking: &Asking, sid: Sid) -> Result<Found, Fault> {
    let Near { blob, why } = near(asking, sid).await?;
    if let Some((blob, held)) = blob {
        return Ok(Found::Here(blob, held));
    }
    let living = Living::Sound(sid);
    match asking.state.store.owner(living, asking.state.live.now()).await? {
        Some(owner) => elsewhere::read(asking, &owner).await.map(Found::Answered),
        None => match why {
            Some(why) => {
                Err(Fault::unavailable(format!("the sound of the recording cannot be had at the moment: {why}")))
            }
            None => Err(Fault::not_found_because("the sound of the recording is gone")),
        },
    }
}

/// What the box says that made it, where that is another one and can be asked: it may have what is wanted in a form that this one
/// has not.
pub(crate) async fn ask_its_box(asking: &Asking, sid: Sid) -> Result<Option<Answer>, Fault> {
    if asking.state.live.neighbours().is_none() || asking.headers.contains_key(elsewhere::PASSED_ON) {
        return Ok(None);
    }
    match asking.state.store.owner(Living::Sound(sid), asking.state.live.now()).await? {
        Some(owner) => Ok(elsewhere::read(asking, &owner).await.ok()),
        None => Ok(None),
    }
}

struct Near {
    blob: Option<(Blob, Held)>,
    /// Why nobody knows whether the shared store has it.
    why: Option<String>,
}

/// This box's disk, then the store that boxes share.
async fn near(asking: &Asking, sid: Sid) -> Result<Near, Fault> {
    if let Some(blob) = asking.state.store.blobs().open(sid)? {
        return Ok(Near { blob: Some((blob, None)), why: None });
    }
    let Some(shared) = asking.state.live.shared_sounds() else { return Ok(Near { blob: None, why: None }) };
    match shared.fetch(sid).await {
        Ok(Some(Fetched { file, held })) => {
            let blob = Blob::of(file).map_err(|error| {
                tracing::error!(%error, %sid, "a recording that was fetched cannot be read");
                Fault::internal()
            })?;
            Ok(Near { blob: Some((blob, held)), why: None })
        }
        Ok(None) => Ok(Near { blob: None, why: None }),
        Err(why) => Ok(Near { blob: None, why: Some(why) }),
    }
}
