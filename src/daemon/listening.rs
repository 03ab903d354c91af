//! Recognizers in real time: what a tap hears goes to the media layer while it is spoken, what was understood comes back
//! as events.

use std::collections::HashMap;

use bytes::Bytes;
use tipring_card::Block;
use tipring_media::{Heard, ListenRequest, MediaClient, Microphone, Preset, Results};
use tipring_resources::Code;
use tipring_router::{Event, Listen, ListenHeard, ListenId};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::observe::Meters;

/// Blocks that wait for a recognizer: 5 s, in which it has to begin.
pub const EARLY: usize = 500;
/// Blocks of one recognition of what has no end: 590 s, which is less than the media layer hears at once. Then the next
/// one begins.
const STRETCH: usize = 59_000;
/// What is spoken where nobody said.
pub const LANGUAGE: &str = "en-US";

/// All recognizers that listen.
#[derive(Default)]
pub struct Listening {
    open: HashMap<ListenId, Open>,
    meters: Meters,
}

struct Open {
    /// `None`: the sound is over, the last word is waited for.
    sound: Option<mpsc::Sender<Block>>,
    continuous: bool,
    task: AbortHandle,
}

impl Listening {
    /// None so far; they are counted by `meters`.
    pub fn new(meters: Meters) -> Self {
        Listening { meters, ..Listening::default() }
    }

    /// Begins one; what it tells goes to `tell`.
    pub fn begin<T: Send + 'static>(
        &mut self,
        media: MediaClient,
        id: ListenId,
        listen: Listen,
        tell: mpsc::Sender<T>,
        wrap: impl Fn(Event) -> T + Send + Sync + 'static,
    ) {
        let (sound, blocks) = mpsc::channel(EARLY);
        let continuous = listen.continuous;
        let task = tokio::spawn(async move {
            let last = hear(&media, &listen, STRETCH, blocks, |heard| {
                let event = wrap(Event::Heard { id, heard });
                let tell = tell.clone();
                async move { tell.send(event).await.is_ok() }
            })
            .await;
            let _ = tell.send(wrap(Event::Heard { id, heard: last })).await;
        });
        self.open.insert(id, Open { sound: Some(sound), continuous, task: task.abort_handle() });
        self.meters.recognition_begun();
    }

    /// A block for one. Where it is 5 s behind, the block is lost.
    pub fn block(&self, id: ListenId, block: &Block) {
        if let Some(sound) = self.open.get(&id).and_then(|open| open.sound.as_ref()) {
            let lost = matches!(sound.try_send(*block), Err(mpsc::error::TrySendError::Full(_)));
            if lost {
                self.meters.recognition_block_lost();
            }
        }
    }

    /// The sound of one is over.
    pub fn end(&mut self, id: ListenId, dropped: bool) {
        if dropped {
            if let Some(open) = self.open.remove(&id) {
                open.task.abort();
                self.meters.recognition_ended(true);
            }
        } else if let Some(open) = self.open.get_mut(&id) {
            open.sound = None;
        }
    }

    /// Whether an event of one may go on to the router; after its last word it is forgotten.
    pub fn told(&mut self, id: ListenId, heard: &ListenHeard) -> bool {
        let Some(open) = self.open.get(&id) else {
            return false;
        };
        let last = match heard {
            ListenHeard::Partial { .. } => false,
            ListenHeard::Final { .. } => !open.continuous,
            ListenHeard::Failed { .. } | ListenHeard::Ended => true,
        };
        if last {
            self.open.remove(&id);
            self.meters.recognition_ended(!matches!(heard, ListenHeard::Failed { .. }));
        }
        true
    }
}

/// How a recognizer of the media layer is asked.
pub fn request(listen: &Listen) -> ListenRequest {
    let language = if listen.language.is_empty() { LANGUAGE } else { &listen.language };
    ListenRequest {
        account: listen.account.to_string(),
        language: language.to_owned(),
        hints: listen.hints.clone(),
        model: listen.model.clone(),
        form: Preset::telephone(listen.law),
    }
}

/// Hears to the end, what is continuous in stretches of so many blocks; what comes before the last word is told.
async fn hear<F: Future<Output = bool>>(
    media: &MediaClient,
    listen: &Listen,
    stretch: usize,
    mut blocks: mpsc::Receiver<Block>,
    tell: impl Fn(ListenHeard) -> F,
) -> ListenHeard {
    let most = if listen.continuous { stretch } else { usize::MAX };
    loop {
        let (microphone, results) = match media.listen(&request(listen)).await {
            Ok(both) => both,
            Err(fault) => return ListenHeard::Failed { code: Code(fault.code), text: fault.text },
        };
        let speak = speak(microphone, &mut blocks, most);
        let (last, more) = tokio::join!(understand(listen, results, &tell), speak);
        if !more || last != ListenHeard::Ended {
            return last;
        }
    }
}

/// Speaks so many blocks at most; whether there may be more, and somebody who hears them.
async fn speak(microphone: Microphone, blocks: &mut mpsc::Receiver<Block>, most: usize) -> bool {
    for _ in 0..most {
        let Some(block) = blocks.recv().await else {
            return false;
        };
        if !microphone.send(Bytes::copy_from_slice(&block)).await {
            return false;
        }
    }
    true
}

/// Tells results as they come. One that is not continuous has one last word: all that it understood.
pub async fn understand<F: Future<Output = bool>>(
    listen: &Listen,
    mut results: Results,
    tell: impl Fn(ListenHeard) -> F,
) -> ListenHeard {
    let mut all = Said::default();
    while let Some(result) = results.next().await {
        let heard = match result {
            Ok(Heard::Partial { text, stability }) => ListenHeard::Partial { text: all.with(&text), stability },
            Ok(Heard::Final { text, confidence }) if listen.continuous => ListenHeard::Final { text, confidence },
            Ok(Heard::Final { text, confidence }) => {
                all.add(&text, confidence);
                continue;
            }
            Err(fault) => return ListenHeard::Failed { code: Code(fault.code), text: fault.text },
        };
        let wanted = listen.partial || matches!(heard, ListenHeard::Final { .. });
        if wanted && !tell(heard).await {
            break;
        }
    }
    if listen.continuous { ListenHeard::Ended } else { all.last() }
}

/// What was understood so far, for good.
#[derive(Default)]
struct Said {
    text: String,
    /// Confidence weighed by length, and that length.
    sure: (f32, f32),
}

impl Said {
    fn with(&self, text: &str) -> String {
        if self.text.is_empty() { text.to_owned() } else { format!("{} {text}", self.text) }
    }

    fn add(&mut self, text: &str, confidence: Option<f32>) {
        self.text = self.with(text);
        if let Some(confidence) = confidence {
            let length = text.len() as f32;
            self.sure = (self.sure.0 + confidence * length, self.sure.1 + length);
        }
    }

    fn last(self) -> ListenHeard {
        let confidence = (self.sure.1 > 0.0).then(|| self.sure.0 / self.sure.1);
        ListenHeard::Final { text: self.text, confidence }
    }
}

#[cfg(test)]
mod tests {
    use tipring_card::Law;

    use super::*;

    #[test]
    fn parts_of_one_answer_are_one_word_in_the_end() {
        let mut all = Said::default();
        all.add("open", Some(1.0));
        assert_eq!(all.with("the"), "open the");
        all.add("the door", Some(0.25));
        assert_eq!(all.last(), ListenHeard::Final { text: "open the door".into(), confidence: Some(0.5) });
        assert_eq!(Said::default().last(), ListenHeard::Final { text: String::new(), confidence: None });
    }

    #[tokio::test]
    async fn recognitions_are_counted_with_what_they_lost() {
        let meters = Meters::default();
        let mut listening = Listening::new(meters.clone());
        let (tell, _told) = mpsc::channel(8);
        let nobody = MediaClient::new("/nobody/is/there.sock");
        let listen = Listen {
            account: "AC0123456789abcdef0123456789abcdef".parse().unwrap(),
            law: Law::A,
            language: String::new(),
            hints: Vec::new(),
            model: String::new(),
            partial: false,
            continuous: true,
        };
        for id in [1, 2, 3] {
            listening.begin(nobody.clone(), ListenId(id), listen.clone(), tell.clone(), |event| event);
        }
        // Nobody has begun to hear yet.
        (0..EARLY + 7).for_each(|_| listening.block(ListenId(1), &[0xD5; tipring_card::BLOCK]));
        listening.end(ListenId(1), true);
        let failed = ListenHeard::Failed { code: Code(94101), text: String::new() };
        assert!(listening.told(ListenId(2), &failed) && listening.told(ListenId(3), &ListenHeard::Ended));
        assert!(!listening.told(ListenId(3), &ListenHeard::Ended), "its last word was heard");
        let figures = ["begun", "ended", "failed", "blocks_lost"].map(|name| meters.figure("recognition", name));
        assert_eq!(figures, [Some(3), Some(2), Some(1), Some(7)]);
    }

    #[tokio::test]
    async fn what_has_no_end_is_heard_by_one_recognition_after_another() {
        let dir = std::env::temp_dir().join(format!("tipring-listening-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        tipring_egress::install_provider();
        let egress = tipring_egress::Client::new(tipring_egress::Config::default()).unwrap();
        let mut config = tipring_media::Config::new(dir.join("media.sock"), dir.join("cache"), egress);
        config.recognizers = vec![tipring_media::Recognizer::Fake];
        config.limits.listened = std::time::Duration::from_secs(1);
        let handle = tipring_media::MediaService::start(config).await.unwrap();
        let media = MediaClient::new(dir.join("media.sock"));
        let listen = Listen {
            account: "AC0123456789abcdef0123456789abcdef".parse().unwrap(),
            law: Law::A,
            language: String::new(),
            hints: Vec::new(),
            model: String::new(),
            partial: false,
            continuous: true,
        };
        // A word in each of three stretches: 300 ms of a tone, and a pause.
        let (sound, blocks) = mpsc::channel(EARLY);
        let mut tone = tipring_dsp::Tone::new(440.0, -10.0);
        for block in 0..270 {
            let loud = (20..50).contains(&(block % 90));
            let octet = |_| if loud { tipring_dsp::alaw_encode(tone.next_sample() as i16) } else { 0xD5 };
            sound.try_send(std::array::from_fn(octet)).unwrap();
        }
        drop(sound);
        let (tell, mut told) = mpsc::unbounded_channel();
        let last = hear(&media, &listen, 90, blocks, |heard| std::future::ready(tell.send(heard).is_ok())).await;
        assert_eq!(last, ListenHeard::Ended);
        for _ in 0..3 {
            assert!(matches!(told.try_recv(), Ok(ListenHeard::Final { .. })));
        }
        assert!(told.try_recv().is_err());
        let counters = handle.counters();
        assert_eq!((counters.recognitions, counters.faults), (4, 0));
        drop(handle);
        std::fs::remove_dir_all(dir).unwrap();
    }
}
