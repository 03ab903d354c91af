//! One sound for one caller, from its source to its last octet: begun, watched, stopped. What ends it comes as inputs,
//! so that a verb may look at keys meanwhile.

use tipring_card::Micros;
use tipring_resources::Code;
use tipring_switch::{Command as SwitchCommand, PlayId, Port, Tone};

use crate::address;
use crate::effects::{Effect, MediaId, MediaSource, TraceKind};
use crate::fault::Fault;
use crate::fetch::Page;
use crate::leg::{Leg, Stop};
use crate::limits::{MAX_KEYS, PORT_GONE_LIMIT, SOUND_LIMIT, SOUND_START_LIMIT, SOUND_TAIL_LIMIT};
use crate::world::Input;
use tipring_instructions::{Play, Say, Sound as Source};

/// How a sound ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// All of it went out.
    Whole,
    /// It could not be had, or broke: a notification is written.
    Failed,
}

/// What is to be heard: one round of it.
#[derive(Clone, Debug)]
pub(crate) enum Noise {
    Media(MediaSource),
    Tones(Vec<Tone>),
}

/// A sound that is being heard.
pub(crate) struct Playing {
    media: Option<MediaId>,
    play: PlayId,
    port: Port,
    source: String,
    started: bool,
    /// The first octet went out; before that: it was asked for.
    began: Micros,
    failed: bool,
    cut: bool,
    /// When something must have happened.
    pub(crate) until: Micros,
}

impl Noise {
    pub(crate) fn of_say(say: &Say, leg: &Leg) -> Noise {
        let world = leg.world();
        let or = |name: &str, default: &str| {
            if name.is_empty() { default.to_owned() } else { name.to_owned() }
        };
        Noise::Media(MediaSource::Speech {
            text: say.text.clone(),
            markup: say.markup.clone(),
            voice: or(&say.voice, &world.config.default_voice),
            language: or(&say.language, &world.config.default_language),
        })
    }

    pub(crate) fn of_play(play: &Play, page: &Page) -> Noise {
        match &play.sound {
            Source::Url(url) => Noise::Media(MediaSource::Url(page.resolve(url))),
            Source::Keys(text) => Noise::Tones(keys(text)),
        }
    }
}

/// Keys and pauses to be sent; what is neither is passed over, and so is what nobody would dial.
pub(crate) fn keys(text: &str) -> Vec<Tone> {
    text.bytes().filter(|key| b"0123456789*#ABCDabcdwW".contains(key)).take(MAX_KEYS).map(tone).collect()
}

/// A key, or a pause: `w` half a second, `W` a second.
fn tone(key: u8) -> Tone {
    match key {
        b'w' => Tone::Silence(50),
        b'W' => Tone::Silence(100),
        key => Tone::Key(key.to_ascii_uppercase()),
    }
}

impl Leg {
    /// Begins a sound; `None`: it cannot be had, a notification is written. The call must be answered.
    pub(crate) fn begin_sound(&self, noise: &Noise) -> Result<Option<Playing>, Stop> {
        let filled = match noise {
            Noise::Media(MediaSource::Url(url)) => Some(Noise::Media(MediaSource::Url(self.fill(url, &[])))),
            _ => None,
        };
        let noise = filled.as_ref().unwrap_or(noise);
        let mut world = self.world();
        let play = PlayId(world.id());
        let session = world.sessions.get(&self.task).filter(|session| !session.over).ok_or(Stop::Over)?;
        if session.redirect.is_some() {
            return Err(Stop::Redirected);
        }
        if session.called_away {
            return Err(Stop::CalledAway);
        }
        let port = session.lease.ok_or(Stop::Over)?;
        let (law, account, call) = (session.law, session.call.account, session.call.sid);
        let mut limit = SOUND_START_LIMIT;
        let (media, source) = match noise {
            Noise::Media(MediaSource::Url(url)) if !address::is_absolute_http(url) => {
                drop(world);
                match address::has_scheme(url) {
                    true => self.sound_failed(Code(11100), url, "not an http or https URL"),
                    false => self.sound_failed(Code(15004), url, "relative to nothing: the document has no URL"),
                }
                return Ok(None);
            }
            Noise::Media(source) => {
                let id = MediaId(world.id());
                world.routes.media.insert(id, self.task);
                world.emit(Effect::Media { id, port, play, law, account, source: source.clone() });
                let name = match source {
                    MediaSource::Url(url) => url.clone(),
                    MediaSource::Speech { .. } => "speech".to_owned(),
                    MediaSource::Music => "music".to_owned(),
                };
                (Some(id), name)
            }
            Noise::Tones(tones) => {
                world.emit(Effect::Switch(SwitchCommand::Play { port, play }));
                for tone in tones {
                    world.emit(Effect::Switch(SwitchCommand::Tone { play, port, tone: *tone }));
                    limit = limit + length(*tone);
                }
                world.emit(Effect::Switch(SwitchCommand::FeedEnd { play, port }));
                (None, "tones".to_owned())
            }
        };
        world.routes.plays.insert(play, self.task);
        let until = world.now + limit;
        if let Some(session) = world.sessions.get_mut(&self.task) {
            session.sound = Some((media, play));
        }
        world.trace(Some(call), TraceKind::Media, format!("begins: {}", address::shown(&source)));
        Ok(Some(Playing {
            media,
            play,
            port,
            source,
            started: false,
            began: until - limit,
            failed: false,
            cut: false,
            until,
        }))
    }

    /// What an input means for a sound: `Some` once it has ended.
    pub(crate) fn sound_input(&self, playing: &mut Playing, input: &Input) -> Option<Heard> {
        match input {
            Input::Started(play) if *play == playing.play => {
                playing.started = true;
                playing.began = self.now();
                if playing.media.is_some() && !playing.failed {
                    playing.until = self.now() + SOUND_LIMIT;
                }
                None
            }
            // Stopped, and not by us: the port is gone, and with it most likely the call.
            Input::Played { play, whole: false } if *play == playing.play && !playing.failed => {
                playing.cut = true;
                playing.until = self.now() + PORT_GONE_LIMIT;
                None
            }
            Input::Played { play, .. } if *play == playing.play => {
                self.forget_sound(playing);
                self.sounded();
                let ms = (self.now() - playing.began).as_ms();
                self.trace(TraceKind::Media, format!("ended after {}.{:01} s", ms / 1_000, ms % 1_000 / 100));
                Some(if playing.failed { Heard::Failed } else { Heard::Whole })
            }
            Input::MediaFailed { id, code, text } if Some(*id) == playing.media => {
                self.sound_failed(*code, &playing.source, text);
                playing.failed = true;
                if playing.started && !playing.cut {
                    playing.until = self.now() + SOUND_TAIL_LIMIT;
                    return None;
                }
                self.stop_sound(playing);
                Some(Heard::Failed)
            }
            Input::MediaNoted { id, text } if Some(*id) == playing.media => {
                self.trace(TraceKind::Media, format!("{}: {text}", address::shown(&playing.source)));
                None
            }
            Input::Timeout if self.now() >= playing.until => {
                if !playing.failed {
                    let why = if playing.cut {
                        "the sound was cut"
                    } else if playing.started {
                        "the sound does not end"
                    } else {
                        "the sound does not begin"
                    };
                    self.sound_failed(Code(11200), &playing.source, why);
                }
                self.stop_sound(playing);
                Some(Heard::Failed)
            }
            _ => None,
        }
    }

    /// Ends a sound at once.
    pub(crate) fn stop_sound(&self, playing: &Playing) {
        {
            let mut world = self.world();
            if let Some(id) = playing.media {
                world.emit(Effect::CancelMedia { id });
            }
            world.emit(Effect::Switch(SwitchCommand::Stop { play: playing.play, port: playing.port }));
        }
        self.forget_sound(playing);
    }

    fn sounded(&self) {
        let mut world = self.world();
        let now = world.now;
        if let Some(session) = world.sessions.get_mut(&self.task) {
            session.sounded = Some(now);
        }
    }

    fn forget_sound(&self, playing: &Playing) {
        let mut world = self.world();
        if let Some(id) = playing.media {
            world.routes.media.remove(&id);
        }
        world.routes.plays.remove(&playing.play);
        if let Some(session) = world.sessions.get_mut(&self.task) {
            session.sound = None;
        }
    }

    /// A sound that nobody can interrupt but the end of the call.
    pub(crate) async fn hear(&self, noise: &Noise) -> Result<Heard, Stop> {
        let Some(mut playing) = self.begin_sound(noise)? else {
            return Ok(Heard::Failed);
        };
        loop {
            let input = self.next(playing.until).await?;
            if let Input::Key(_) = input {
                self.world().counters.keys_unheard += 1;
            }
            if let Some(heard) = self.sound_input(&mut playing, &input) {
                return Ok(heard);
            }
        }
    }

    /// Notes it, and keeps it for the next request.
    fn sound_failed(&self, code: Code, source: &str, text: &str) {
        let shown = address::shown(source);
        // The media layer often names the source itself.
        let text = if text.starts_with(&shown) { text.to_owned() } else { format!("{shown}: {text}") };
        self.fault(Fault::warning(code.0, source, text));
        let mut world = self.world();
        world.counters.sounds_failed += 1;
        if let Some(session) = world.sessions.get_mut(&self.task) {
            session.failed = Some((code, address::shown(source)));
        }
    }
}

fn length(tone: Tone) -> Micros {
    match tone {
        Tone::Beep => Micros::from_ms(250),
        Tone::Ringback(_) | Tone::Congestion(_) => Micros::ZERO,
        Tone::Key(_) => Micros::from_ms(160),
        Tone::Silence(blocks) => Micros::from_ms(10 * u64::from(blocks)),
    }
}
