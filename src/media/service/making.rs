//! From an original to what is heard and kept: a worker that converts, who listens, and what becomes of it in the end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::{Feed, Service, Source, stopped};
use crate::answer::{Answer, Body, Cached, Shared};
use crate::cache::Draft;
use crate::convert::{Begun, Comes, Job, Piece, Sink};
use crate::counters::count;
use crate::fault::{FETCH, MediaFault};
use crate::flights::{Flight, Stage};
use crate::origin;
use crate::rules::Rules;
use crate::speech::Patience;
use crate::spool::{Spool, SpoolWriter};
use crate::wire::{Ask, Form, From, Start};

impl Service {
    pub(super) async fn convert(self: &Arc<Self>, mut flight: Flight, source: Source) {
        let (workers, what, key) = match source.feed {
            Feed::Origin(_) | Feed::File(_) => (&self.sounds, "sounds", "media.sound_workers"),
            Feed::Engine(_) => (&self.speech, "texts", "media.speech_workers"),
        };
        let Some(place) = workers.place() else {
            let text =
                format!("too many {what} wait for the media layer's workers; raise {key}, or bring them in time");
            return flight.failed(MediaFault::new(FETCH, text));
        };
        if !source.keep {
            flight.publish(Stage::Alone);
            flight.land();
            flight.lease = None;
        }
        let stood_in = source.feed.stood_in();
        let comes = match source.feed {
            Feed::Engine(_) => Comes::AsSpoken,
            _ if flight.ask.start == Start::Live || (source.endless && !source.keep) => Comes::Slowly,
            Feed::Origin(_) | Feed::File(_) => Comes::Within(self.config.limits.gather),
        };
        let Ok((sink, ear, unkept)) = self.sink(&source).await else { return flight.failed(stopped()) };
        let (feed, pieces) = mpsc::channel(PIECES);
        let (begin_work, begun_work) = oneshot::channel();
        self.feed(&flight.ask, source.feed, feed, begun_work);
        let (begun, first_sound) = oneshot::channel();
        let seconds = self.config.limits.audio.as_secs();
        let max_octets = match flight.ask.form {
            Form::AsIs => self.config.limits.original_bytes as u64,
            Form::Audio(preset, _) => preset.octets_per_second() * seconds,
        };
        let job = Job {
            pieces,
            declared: source.declared,
            form: flight.ask.form,
            max_octets,
            begun: Some(begun),
            tally: Arc::clone(&self.tally),
            decoders: Arc::clone(&self.decoders),
            scratch: self.scratch("original"),
            level_db: self.config.level_db,
            comes,
            runtime: tokio::runtime::Handle::current(),
        };
        let (end_work, mut ended) = oneshot::channel();
        place.fill(Box::new(move || {
            let _ = begin_work.send(());
            let _ = end_work.send(job.run(sink));
        }));
        let begun = match first_sound.await.unwrap_or_else(|_| Err(stopped())) {
            Ok(begun) => begun,
            Err(fault) => {
                if let Ok((Sink::Spool { writer, .. }, _)) = ended.await {
                    writer.broken(fault.clone());
                }
                return flight.failed(fault);
            }
        };
        count(&self.tally.misses);
        let kind = (begun.content_type.clone(), begun.original_type.clone());
        begin(&mut flight, source.status, begun, source.headers, ear);
        let ended = tokio::select! {
            biased;
            ended = &mut ended => ended,
            // It will be no entry: who asks from now on is not to wait for what is being let go.
            Ok(()) = unkept => {
                flight.land();
                ended.await
            }
        };
        match ended {
            // What was spoken by another voice than the one of the name is not kept under it.
            Ok((Sink::Spool { writer, .. }, Ok(()))) if stood_in.load(Ordering::Acquire) => {
                flight.land();
                writer.whole();
                writer.discard();
            }
            Ok((sink, result)) => self.finish(&mut flight, sink, result, source.rules, kind).await,
            Err(_) => {}
        }
    }

    async fn sink(&self, source: &Source) -> Result<(Sink, Ear, oneshot::Receiver<()>), MediaFault> {
        if source.keep {
            let (cache, endless) = (Arc::clone(&self.cache), source.endless);
            let created = tokio::task::spawn_blocking(move || cache.create()).await;
            let (writer, spool, unkept) = created.map_err(|_| stopped())?;
            return Ok((Sink::Spool { writer, endless }, Ear::Spool(spool), unkept));
        }
        let (sender, receiver) = mpsc::channel(PIECES);
        Ok((Sink::Direct(sender), Ear::Direct(receiver), oneshot::channel().1))
    }

    /// Where an engine or a recognizer has a file: beside the cache, or where the socket is, which is memory, if nothing plain
    /// may be on the disk.
    pub fn scratch(&self, kind: &str) -> std::path::PathBuf {
        let path = self.cache.temporary().with_extension(kind);
        match (&self.config.seal_key, self.config.socket.parent(), path.file_name()) {
            (Some(_), Some(folder), Some(name)) => folder.join(name),
            _ => path,
        }
    }

    /// Brings an original, as long as somebody takes it. An engine speaks once a worker has begun: no more of them run
    /// than there are workers.
    fn feed(self: &Arc<Self>, ask: &Ask, feed: Feed, pieces: mpsc::Sender<Piece>, begun: oneshot::Receiver<()>) {
        let service = Arc::clone(self);
        let from = ask.from.clone();
        let scratch = self.scratch("wav");
        tokio::spawn(async move {
            let work = async {
                match (feed, &from) {
                    (Feed::Origin(response), _) => origin::pump(*response, pieces.clone()).await,
                    (Feed::File(path), _) => origin::pump_file(&path, pieces.clone()).await,
                    (Feed::Engine(voice), From::Speech(speech)) => {
                        if begun.await.is_err() {
                            return;
                        }
                        let began = Instant::now();
                        let limits = &service.config.limits;
                        let patience =
                            Patience { first: limits.first_word, last: limits.last_word, all: limits.synthesis };
                        voice.speak(speech, &pieces, patience, &scratch, &service.config.egress).await;
                        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                        service.tally.synthesis_ms.fetch_add(took_ms, Ordering::Relaxed);
                    }
                    (Feed::Engine(_), From::Origin(_)) => {}
                }
            };
            // A conversion that has given up needs no more pieces, and its engine need not go on.
            tokio::select! {
                () = work => {}
                () = pieces.closed() => {}
                () = service.stop.cancelled() => {}
            }
            // An engine that was cut short may have left its file; usually there is none.
            let _ = tokio::fs::remove_file(&scratch).await;
        });
    }

    async fn finish(
        &self,
        flight: &mut Flight,
        sink: Sink,
        result: Result<(), MediaFault>,
        rules: Rules,
        kind: (String, String),
    ) {
        if let Err(fault) = &result {
            tracing::warn!(%fault, uri = %flight.shown_uri(), "a medium broke off");
            count(&self.tally.broken);
        }
        match (sink, result) {
            (Sink::Direct(_), Ok(())) => {}
            (Sink::Direct(reader), Err(fault)) => {
                let _ = reader.send(Err(fault)).await;
            }
            (Sink::Spool { writer, .. }, Err(fault)) => {
                // First off the map, then broken: whoever hears of it may ask again at once.
                flight.land();
                writer.broken(fault);
            }
            (Sink::Spool { writer, .. }, Ok(())) => {
                // Readers need not wait for the disk; who asks now reads along until the entry is there.
                writer.whole();
                let draft = Draft {
                    account: flight.ask.account.clone(),
                    uri: flight.ask.uri(),
                    preset: flight.ask.form.name(),
                    content_type: kind.0,
                    original_type: kind.1,
                    rules,
                    cost_ms: self.cost_ms(flight),
                };
                self.store(flight, draft, writer).await;
            }
        }
    }

    /// What it took to have this medium. A clock that was set meanwhile is not believed everything.
    fn cost_ms(&self, flight: &Flight) -> u64 {
        let took = self.now().duration_since(flight.began).unwrap_or_default().min(MOST_COST);
        u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
    }

    async fn store(&self, flight: &mut Flight, draft: Draft, mut writer: SpoolWriter) {
        let (cache, key) = (Arc::clone(&self.cache), flight.key.clone());
        let stored = tokio::task::spawn_blocking(move || cache.store(&key, draft, &mut writer)).await;
        if let (Ok(Some(entry)), Some(depot)) = (stored, &self.depot) {
            depot.keep(&flight.key, entry, flight.lease.take());
        }
    }
}

/// Where the first asker will listen.
enum Ear {
    Spool(Spool),
    Direct(mpsc::Receiver<Result<Bytes, MediaFault>>),
}

/// The first sound is there: the asker and all who wait may listen.
fn begin(flight: &mut Flight, status: u16, begun: Begun, headers: Vec<(String, String)>, ear: Ear) {
    let Begun { content_type, original_type } = begun;
    let answer = match ear {
        Ear::Spool(spool) => {
            let shared = Arc::new(Shared { status, stale: false, content_type, original_type, headers, spool });
            flight.publish(Stage::Begun(Arc::clone(&shared)));
            shared.answer(&flight.ask, Cached::Miss)
        }
        Ear::Direct(pieces) => {
            let body = Body::Direct(pieces);
            Answer { status, cached: Cached::Miss, stale: false, content_type, original_type, headers, body }
        }
    };
    flight.answer(Ok(answer));
}

/// What takes longer to have is a stream, and worth no more.
const MOST_COST: Duration = Duration::from_secs(600);
/// Pieces between two stages: enough to keep both busy, little enough to hold a slow one back.
const PIECES: usize = 16;
