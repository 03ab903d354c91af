//! `tipring media ls|get|warm|crawl|refresh|transcribe|rm|verify|jobs|plan|phrase`: asks the media layer that runs, over its
//! face. Found like the service finds it: by the configuration, else at the package's own socket. It reads no file of the cache.

mod arguments;
mod shown;

use std::path::Path;
use std::process::ExitCode;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tipring_media::{
    EntryInfo, JobState, MediaClient, MediaRequest, Phrase, PhraseState, Plan, Source, Verified, Wish,
};
use tipring_router::MediaSource;

pub use arguments::Command;
use arguments::{At, Beforehand, PhraseCommand, PlanCommand, Sought};

use super::asked::Asked;
use crate::config::Sources;
use crate::config::last_good::{self, Keeper};
use crate::daemon::media::{PACKAGED_SOCKET, asking};
use crate::daemon::serve::StartError;

/// Does it, and says how it went.
pub fn run(outer: Asked, mut command: Command) -> ExitCode {
    // The flags stand before the word or behind it.
    let own = std::mem::take(command.asked());
    let set = outer.set.into_iter().chain(own.set).collect();
    let sources = &Asked { config: own.config.or(outer.config), set }.sources();
    super::ended(super::block_on(async {
        let client = client(sources)?;
        let defaults = (String::new(), tipring_router::Config::default().default_language);
        Desk { client, defaults }.carry_out(command).await
    }))
}

fn client(sources: &Sources) -> Result<MediaClient, StartError> {
    let config = match last_good::load(Keeper::Service, sources) {
        Ok(loaded) => loaded.config,
        // Who may not read the configuration may still be let in by the socket.
        Err(_) if Path::new(PACKAGED_SOCKET).exists() => return Ok(MediaClient::new(PACKAGED_SOCKET)),
        Err(refusal) => return Err(StartError { exit: refusal.exit(), text: refusal.lines().join("\n") }),
    };
    let own = config.this.runtime_dir.join("media.sock");
    if config.media.face.is_empty() && !own.exists() && Path::new(PACKAGED_SOCKET).exists() {
        return Ok(MediaClient::new(PACKAGED_SOCKET));
    }
    asking(&config)
}

struct Desk {
    client: MediaClient,
    /// Voice and language of a `Say` that names none.
    defaults: (String, String),
}

impl Desk {
    async fn carry_out(&self, command: Command) -> Result<bool, StartError> {
        match command {
            Command::Ls { prefix, exact, at } => self.list(&prefix.unwrap_or_default(), exact, &at).await,
            Command::Get { sought, output, law, at } => self.get(sought, &output, law.into(), &at).await,
            Command::Rm { uri, prefix, all, at } => self.remove(uri, prefix, all, &at).await,
            Command::Verify { at } => self.verify(&at).await,
            Command::Warm { what, at } => {
                let wish = self.warm(what)?;
                self.job(&wish, &at).await
            }
            Command::Crawl { what, at } => self.job(&what.wish(), &at).await,
            Command::Transcribe { what, at } => self.job(&what.wish(), &at).await,
            Command::Refresh { prefix, at } => self.job(&Wish::Refresh { prefix }, &at).await,
            Command::Jobs { id: None, at, .. } => {
                let jobs: Vec<JobState> = self.ask("GET", "/jobs", &at, None::<&()>).await?;
                shown::each(at.json, &jobs, shown::job);
                Ok(true)
            }
            Command::Jobs { id: Some(id), cancel, at } => {
                let method = if cancel { "DELETE" } else { "GET" };
                let job: JobState = self.ask(method, &format!("/jobs/{}", path(&id)), &at, None::<&()>).await?;
                shown::whole_job(at.json, &job);
                Ok(true)
            }
            Command::Plan { command } => self.plan(command).await,
            Command::Phrase { command } => self.phrase(command).await,
        }
    }

    async fn list(&self, prefix: &str, exact: bool, at: &At) -> Result<bool, StartError> {
        let (mut after, mut all) = (String::new(), Vec::<EntryInfo>::new());
        let name = if exact { "url" } else { "prefix" };
        loop {
            let query = form(&[(name, prefix), ("after", &after), ("limit", "1000")]);
            let page: Vec<EntryInfo> = self.ask("GET", &format!("/entries?{query}"), at, None::<&()>).await?;
            let full = page.len() >= 1_000;
            after = page.last().map(|it| it.uri.clone()).unwrap_or_default();
            all.extend(page);
            if !full {
                break;
            }
        }
        shown::each(at.json, &all, shown::entry);
        Ok(!(exact && all.is_empty()))
    }

    async fn get(&self, sought: Sought, output: &Path, law: tipring_card::Law, at: &At) -> Result<bool, StartError> {
        let source = match sought.say {
            Some(text) => Source::Speech {
                text,
                voice: sought.voice.unwrap_or_else(|| self.defaults.0.clone()),
                language: sought.language.unwrap_or_else(|| self.defaults.1.clone()),
                markup: None,
            },
            None => Source::Url(sought.uri.unwrap_or_default()),
        };
        let account = at.account.clone().unwrap_or_else(|| "-".into());
        let wanted = MediaRequest { account, source, law };
        let mut stream = self.client.fetch(wanted).await.map_err(|fault| failed(fault.to_string()))?;
        let mut sound = Vec::new();
        while let Some(piece) = stream.next().await {
            sound.extend_from_slice(&piece.map_err(|fault| failed(fault.to_string()))?);
        }
        shown::write_wave(output, law, &sound).map_err(|error| failed(format!("{}: {error}", output.display())))?;
        eprintln!("{:?}, {:.1} s, {}", stream.cache, sound.len() as f64 / 8_000.0, stream.content_type);
        Ok(true)
    }

    async fn remove(
        &self,
        uri: Option<String>,
        prefix: Option<String>,
        all: bool,
        at: &At,
    ) -> Result<bool, StartError> {
        let query = match (uri, prefix) {
            (Some(uri), _) => form(&[("url", &uri)]),
            (None, Some(prefix)) => form(&[("prefix", &prefix)]),
            (None, None) if all => form(&[("prefix", "")]),
            (None, None) => return Err(StartError { exit: 2, text: "name a URI, --prefix, or --all".into() }),
        };
        let removed: serde_json::Value = self.ask("DELETE", &format!("/entries?{query}"), at, None::<&()>).await?;
        println!("{}", if at.json { removed.to_string() } else { format!("{} removed", removed["removed"]) });
        Ok(removed["removed"] != 0)
    }

    async fn verify(&self, at: &At) -> Result<bool, StartError> {
        let verified: Verified = self.ask("POST", "/verify", at, None::<&()>).await?;
        shown::verified(at.json, &verified);
        Ok(verified.damaged.is_empty())
    }

    /// What is to be brought in, of the command line, of lists and of documents.
    fn warm(&self, what: Beforehand) -> Result<Wish, StartError> {
        let (mut urls, mut texts) = (what.uris, Vec::new());
        for text in what.say {
            let voice = what.voice.clone().unwrap_or_else(|| self.defaults.0.clone());
            let language = what.language.clone().unwrap_or_else(|| self.defaults.1.clone());
            texts.push(Phrase { text, voice, language, speed: 100, markup: String::new() });
        }
        for list in what.list {
            let lines = read(&list)?;
            let lines = String::from_utf8_lossy(&lines).into_owned();
            urls.extend(
                lines.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#')).map(str::to_owned),
            );
        }
        for file in what.document {
            let defaults = (what.voice.as_deref().unwrap_or(&self.defaults.0), self.defaults.1.as_str());
            let sounds = tipring_router::sounds_of(&read(&file)?, what.base.as_deref().unwrap_or_default(), defaults);
            for sound in sounds.map_err(|why| failed(format!("{}: {why}", file.display())))? {
                match sound {
                    MediaSource::Url(url) => urls.push(url),
                    MediaSource::Speech { text, markup, voice, language } => {
                        texts.push(Phrase { text, voice, language, speed: 100, markup: markup.unwrap_or_default() });
                    }
                    MediaSource::Music => {}
                }
            }
        }
        Ok(Wish::Warm { urls, texts, presets: what.preset, refresh: what.refresh, target: what.target })
    }

    /// Has it done, and waits until it is; ends with 1 if something could not be had.
    async fn job(&self, wish: &Wish, at: &At) -> Result<bool, StartError> {
        let mut job: JobState = self.ask("POST", "/jobs", at, Some(wish)).await?;
        while job.ended_ms == 0 {
            tokio::time::sleep(LOOK_EVERY).await;
            job = self.ask("GET", &format!("/jobs/{}", path(&job.id)), at, None::<&()>).await?;
        }
        shown::whole_job(at.json, &job);
        Ok(job.failed == 0 && job.fault.is_none())
    }

    async fn plan(&self, command: PlanCommand) -> Result<bool, StartError> {
        let (plans, json) = match command {
            PlanCommand::Ls { at } => (self.ask::<Vec<Plan>>("GET", "/plans", &at, None::<&()>).await?, at.json),
            PlanCommand::Rm { name, at } => {
                let target = format!("/plans/{}", path(&name));
                let _: serde_json::Value = self.ask("DELETE", &target, &at, None::<&()>).await?;
                return Ok(true);
            }
            PlanCommand::Set { name, hour, day, crawl, refresh, what, at } => {
                let job = match (crawl, refresh) {
                    (Some(url), _) => {
                        Wish::Crawl { url, presets: what.preset, refresh: true, only: Default::default() }
                    }
                    (None, Some(prefix)) => Wish::Refresh { prefix },
                    (None, None) => self.warm(*what)?,
                };
                let plan = serde_json::json!({ "at": hour, "days": day, "job": job });
                let plan: Plan = self.ask("PUT", &format!("/plans/{}", path(&name)), &at, Some(&plan)).await?;
                (vec![plan], at.json)
            }
        };
        shown::each(json, &plans, shown::plan);
        Ok(true)
    }

    async fn phrase(&self, command: PhraseCommand) -> Result<bool, StartError> {
        let (phrases, json) = match command {
            PhraseCommand::Ls { at } => {
                (self.ask::<Vec<PhraseState>>("GET", "/phrases", &at, None::<&()>).await?, at.json)
            }
            PhraseCommand::Choose { text, voice, language, at } => {
                let voice = voice.unwrap_or_else(|| self.defaults.0.clone());
                let language = language.unwrap_or_else(|| self.defaults.1.clone());
                let phrase = Phrase { text, voice, language, speed: 100, markup: String::new() };
                (vec![self.ask("POST", "/phrases", &at, Some(&phrase)).await?], at.json)
            }
            PhraseCommand::Record { id, file, at } => {
                let target = format!("/phrases/{}/recording", path(&id));
                (vec![self.send("PUT", &target, &at, read(&file)?.into()).await?], at.json)
            }
            PhraseCommand::Unrecord { id, at } => {
                let target = format!("/phrases/{}/recording", path(&id));
                (vec![self.ask("DELETE", &target, &at, None::<&()>).await?], at.json)
            }
            PhraseCommand::Rm { id, at } => {
                let target = format!("/phrases/{}", path(&id));
                let _: PhraseState = self.ask("DELETE", &target, &at, None::<&()>).await?;
                return Ok(true);
            }
        };
        shown::each(json, &phrases, shown::phrase);
        Ok(true)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        at: &At,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<T, StartError> {
        let body = body.map(serde_json::to_vec).transpose().map_err(|error| failed(error.to_string()))?;
        self.send(method, path, at, body.unwrap_or_default().into()).await
    }

    async fn send<T: DeserializeOwned>(&self, method: &str, path: &str, at: &At, body: Bytes) -> Result<T, StartError> {
        let method = method.parse().map_err(|_| failed(format!("{method}: no method")))?;
        let asked = self.client.desk(method, path, at.account.as_deref(), body).await;
        let (status, answer) = asked.map_err(|fault| StartError { exit: 69, text: fault.text })?;
        if !status.is_success() {
            let fault: Result<tipring_media::MediaFault, _> = serde_json::from_slice(&answer);
            return Err(failed(fault.map_or_else(|_| format!("the media layer answered {status}"), |it| it.text)));
        }
        serde_json::from_slice(&answer).map_err(|error| failed(format!("the media layer's answer: {error}")))
    }
}

fn read(file: &Path) -> Result<Vec<u8>, StartError> {
    let read = if file == Path::new("-") {
        let mut all = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut all).map(|_| all)
    } else {
        std::fs::read(file)
    };
    read.map_err(|error| StartError { exit: 2, text: format!("{}: {error}", file.display()) })
}

fn form(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// A name as a part of a path.
fn path(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect()
}

fn failed(text: String) -> StartError {
    StartError { exit: 1, text }
}

/// A job that runs is looked at so often.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(200);
