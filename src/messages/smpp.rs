//! A message centre by SMPP 3.4: one transceiver connection, kept up, a bounded window of messages without an answer.

mod codec;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tipring_egress::{Client, Connection, Limits};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use url::Url;

use crate::parts::{Collector, Part, parts};
use crate::{Adapter, Outgoing, Refused, Sending, Told};
use codec::{BIND_TRANSCEIVER, DELIVER, Delivered, ENQUIRE_LINK, Fate, GENERIC_NACK, Pdu, RESPONSE, SUBMIT, UNBIND};

/// The centre.
#[derive(Clone)]
pub struct SmppSettings {
    /// `host:port`
    pub address: String,
    /// With TLS.
    pub tls: bool,
    /// Who we are there.
    pub system_id: String,
    /// At most 8 characters go over the wire.
    pub password: String,
    /// As the centre wants it; most often empty.
    pub system_type: String,
    /// Asks for a sign of life after so much silence.
    pub enquire: Duration,
}

/// Never shows the password.
impl std::fmt::Debug for SmppSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmppSettings").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The connection's task.
#[derive(Debug)]
pub struct Smpp {
    orders: mpsc::Sender<Order>,
}

#[derive(Debug)]
struct Order {
    message: Outgoing,
    back: oneshot::Sender<Result<(), Refused>>,
}

/// Messages that wait for the window.
const ORDERS: usize = 256;
/// Parts that the centre has not answered.
const WINDOW: usize = 16;
/// It answers a bind, a message, a sign of life by then.
const ANSWER: Duration = Duration::from_secs(10);
/// Before a lost connection is made again.
const AGAIN: Duration = Duration::from_secs(5);
/// Messages in that nobody has kept yet; more are refused for now.
const PENDING: usize = 64;
/// It is to bring a message once more: `ESME_RMSGQFUL`.
const FULL: u32 = 0x14;
/// What it brings cannot be read: `ESME_RSYSERR`.
const UNREADABLE: u32 = 0x08;
/// Names of sent messages for which a receipt may come; the oldest leaves.
const RECEIPTS: usize = 4_096;

impl Smpp {
    /// Starts the task; what the centre brings goes to `tell`.
    pub fn start(settings: SmppSettings, client: Client, tell: mpsc::Sender<Told>) -> Smpp {
        let (orders, taken) = mpsc::channel(ORDERS);
        tokio::spawn(serve(settings, client, taken, tell));
        Smpp { orders }
    }
}

impl Adapter for Smpp {
    fn send(&self, message: Outgoing) -> Sending<'_> {
        let (back, answer) = oneshot::channel();
        let ordered = self.orders.try_send(Order { message, back });
        Box::pin(async move {
            match ordered {
                Ok(()) => answer.await.unwrap_or_else(|_| Err(Refused::Away("the connection was lost".into()))),
                Err(mpsc::error::TrySendError::Full(_)) => Err(Refused::Full(ORDERS)),
                Err(mpsc::error::TrySendError::Closed(_)) => Err(Refused::Away("the gateway has ended".into())),
            }
        })
    }
}

async fn serve(settings: SmppSettings, client: Client, mut orders: mpsc::Receiver<Order>, tell: mpsc::Sender<Told>) {
    let mut kept = Kept { collector: Collector::default(), receipts: VecDeque::new(), reference: 0 };
    loop {
        let why = match bound(&settings, &client).await {
            Ok(mut link) => {
                let end = link.run(&mut orders, &tell, &mut kept, settings.enquire).await;
                // Who waits for an answer that cannot come any more is told.
                link.messages.clear();
                // The centre brings them again; what is kept now is known before it does.
                while let Some(end) = link.first_pending().await {
                    kept.ended(end);
                }
                match end {
                    Ok(()) => return,
                    Err(why) => why,
                }
            }
            Err(why) => why,
        };
        let why = format!("{}: {why}", settings.address);
        tracing::warn!("the message centre is away: {why}");
        let until = Instant::now() + AGAIN;
        // Who sends meanwhile is told at once.
        loop {
            match tokio::time::timeout_at(until, orders.recv()).await {
                Ok(Some(order)) => drop(order.back.send(Err(Refused::Away(why.clone())))),
                Ok(None) => return,
                Err(_) => break,
            }
        }
    }
}

/// What outlives a connection.
struct Kept {
    /// Parts as they came: those of a text that was not kept wait once more.
    collector: Collector<Came>,
    /// The centre's names and ours.
    receipts: VecDeque<(String, String)>,
    reference: u8,
}

/// A part, and between whom.
#[derive(Clone, Debug)]
struct Came {
    from: String,
    to: String,
    part: Part,
}

/// A message in that was told: the centre waits for the answer.
struct Pending {
    sequence: u32,
    taken: oneshot::Receiver<()>,
    by: Instant,
    /// Its other parts, which the centre does not bring again.
    others: Vec<Came>,
}

/// One connection that is bound.
struct Link {
    reader: ReadHalf<Connection>,
    writer: WriteHalf<Connection>,
    held: Vec<u8>,
    sequence: u32,
    /// Parts that wait for an answer: of which message, and until when.
    window: BTreeMap<u32, (u64, Instant)>,
    /// Messages of which parts are out.
    messages: BTreeMap<u64, Sent>,
    next_message: u64,
    /// The oldest first.
    pending: VecDeque<Pending>,
}

struct Sent {
    order: Order,
    left: usize,
    fault: Option<Refused>,
}

async fn bound(settings: &SmppSettings, client: &Client) -> Result<Link, String> {
    let scheme = if settings.tls { "https" } else { "http" };
    let url = Url::parse(&format!("{scheme}://{}/", settings.address)).map_err(|error| error.to_string())?;
    let connection = client.dial(&url, Limits::default()).await.map_err(|fault| fault.to_string())?;
    let (reader, writer) = tokio::io::split(connection);
    let mut link = Link {
        reader,
        writer,
        held: Vec::new(),
        sequence: 0,
        window: BTreeMap::new(),
        messages: BTreeMap::new(),
        next_message: 0,
        pending: VecDeque::new(),
    };
    let body = codec::bind(&settings.system_id, &settings.password, &settings.system_type);
    link.ask(BIND_TRANSCEIVER, body).await?;
    let answer = tokio::time::timeout(ANSWER, link.next()).await.map_err(|_| "no answer to the bind".to_owned())??;
    match (answer.command, answer.status) {
        (command, 0) if command == BIND_TRANSCEIVER | RESPONSE => Ok(link),
        (_, status) => Err(format!("the bind was refused with status {status:#x}; check messages.user and password")),
    }
}

impl Link {
    /// Until nobody sends any more (`Ok`) or the connection is lost.
    async fn run(
        &mut self,
        orders: &mut mpsc::Receiver<Order>,
        tell: &mpsc::Sender<Told>,
        kept: &mut Kept,
        enquire: Duration,
    ) -> Result<(), String> {
        let (mut silent_since, mut enquired) = (Instant::now(), false);
        loop {
            let late = self.window.values().map(|(_, by)| *by).min();
            let alive = silent_since + if enquired { ANSWER } else { enquire };
            let wake = late.map_or(alive, |late| late.min(alive));
            let takes = self.window.len() < WINDOW;
            tokio::select! {
                pdu = Self::read(&mut self.reader, &mut self.held) => {
                    (silent_since, enquired) = (Instant::now(), false);
                    if self.came(pdu?, tell, kept).await? {
                        return Err("the centre has unbound".into());
                    }
                }
                Some(end) = Self::first(&mut self.pending), if !self.pending.is_empty() => {
                    let (sequence, status) = (end.0.sequence, if end.1 { 0 } else { FULL });
                    kept.ended(end);
                    self.answer_delivery(sequence, status).await?;
                }
                order = orders.recv(), if takes => match order {
                    Some(order) => self.submit(order, kept).await?,
                    None => {
                        self.ask(UNBIND, Vec::new()).await?;
                        return Ok(());
                    }
                },
                () = tokio::time::sleep_until(wake) => {
                    if late.is_some_and(|late| late <= Instant::now()) {
                        return Err(format!("no answer to a message within {} s", ANSWER.as_secs()));
                    }
                    if enquired {
                        return Err(format!("no sign of life within {} s", ANSWER.as_secs()));
                    }
                    (silent_since, enquired) = (Instant::now(), true);
                    self.ask(ENQUIRE_LINK, Vec::new()).await?;
                }
            }
        }
    }

    /// All parts of a message go out: the window may be overdrawn by those of one.
    async fn submit(&mut self, order: Order, kept: &mut Kept) -> Result<(), String> {
        // Whoever gave it has said meanwhile that it has failed.
        if order.back.is_closed() {
            return Ok(());
        }
        kept.reference = kept.reference.wrapping_add(1);
        let parts = match parts(&order.message.body, kept.reference) {
            Ok(parts) => parts,
            Err(of) => {
                drop(order.back.send(Err(Refused::Unwanted(format!("the text needs {of} messages")))));
                return Ok(());
            }
        };
        let (id, by) = (self.next_message, Instant::now() + ANSWER);
        self.next_message += 1;
        let bodies: Vec<Vec<u8>> =
            parts.iter().map(|part| codec::submit(&order.message.from, &order.message.to, part)).collect();
        self.messages.insert(id, Sent { order, left: bodies.len(), fault: None });
        for body in bodies {
            let sequence = self.ask(SUBMIT, body).await?;
            self.window.insert(sequence, (id, by));
        }
        Ok(())
    }

    /// A PDU has come. `true`: the centre ends the connection.
    async fn came(&mut self, pdu: Pdu, tell: &mpsc::Sender<Told>, kept: &mut Kept) -> Result<bool, String> {
        match pdu.command {
            DELIVER => self.deliver(&pdu, tell, kept).await?,
            ENQUIRE_LINK => self.answer(&pdu, Vec::new()).await?,
            UNBIND => {
                self.answer(&pdu, Vec::new()).await?;
                return Ok(true);
            }
            command if command == SUBMIT | RESPONSE || command == GENERIC_NACK => self.answered(&pdu, kept),
            command if command & RESPONSE != 0 => {}
            _ => {
                let nack = Pdu { command: GENERIC_NACK, status: 3, sequence: pdu.sequence, body: Vec::new() };
                self.write(&nack).await?;
            }
        }
        Ok(false)
    }

    /// The centre brings something. A message is answered when it is kept, all else at once.
    async fn deliver(&mut self, pdu: &Pdu, tell: &mpsc::Sender<Told>, kept: &mut Kept) -> Result<(), String> {
        let Some(delivered) = codec::delivered(&pdu.body) else {
            let octets = pdu.body.len();
            tracing::warn!(octets, "the message centre brings something that cannot be read; it is refused");
            return self.answer_delivery(pdu.sequence, UNREADABLE).await;
        };
        // Told before it is taken note of: where there is no room the centre brings it once more.
        let room = (self.pending.len() < PENDING).then(|| tell.try_reserve().ok()).flatten();
        let Some(room) = room else {
            return self.answer_delivery(pdu.sequence, FULL).await;
        };
        let came = match delivered {
            Delivered::Message { from, to, part } => Came { from, to, part },
            Delivered::Receipt { id, fate } => {
                if let Some(told) = kept.receipt(&id, fate) {
                    room.send(told);
                }
                return self.answer_delivery(pdu.sequence, 0).await;
            }
        };
        let Some((body, others)) = kept.collect(&came) else {
            return self.answer_delivery(pdu.sequence, 0).await;
        };
        let (back, taken) = oneshot::channel();
        room.send(Told::In { from: came.from, to: came.to, body, taken: back });
        self.pending.push_back(Pending { sequence: pdu.sequence, taken, by: Instant::now() + ANSWER, others });
        Ok(())
    }

    /// The oldest message that was told, and whether it is kept.
    async fn first(pending: &mut VecDeque<Pending>) -> Option<(Pending, bool)> {
        let oldest = pending.front_mut()?;
        let is_kept = matches!(tokio::time::timeout_at(oldest.by, &mut oldest.taken).await, Ok(Ok(())));
        pending.pop_front().map(|oldest| (oldest, is_kept))
    }

    async fn first_pending(&mut self) -> Option<(Pending, bool)> {
        Self::first(&mut self.pending).await
    }

    async fn answer_delivery(&mut self, sequence: u32, status: u32) -> Result<(), String> {
        // A message's name of ours: none.
        self.write(&Pdu { command: DELIVER | RESPONSE, status, sequence, body: vec![0] }).await
    }

    fn answered(&mut self, pdu: &Pdu, kept: &mut Kept) {
        let Some((id, _)) = self.window.remove(&pdu.sequence) else {
            return;
        };
        let Some(sent) = self.messages.get_mut(&id) else {
            return;
        };
        sent.left -= 1;
        if pdu.status != 0 {
            sent.fault = Some(match pdu.status {
                // Its queue is full, it is throttled, a system error.
                0x14 | 0x58 | 0x08 => Refused::Away(format!("the centre answered status {:#x}", pdu.status)),
                status => Refused::Unwanted(format!("the centre answered status {status:#x}")),
            });
        }
        if sent.left > 0 {
            return;
        }
        if let Some(Sent { order, fault, .. }) = self.messages.remove(&id) {
            if fault.is_none() {
                kept.expect(codec::message_id(&pdu.body), order.message.name.clone());
            }
            drop(order.back.send(fault.map_or(Ok(()), Err)));
        }
    }

    async fn ask(&mut self, command: u32, body: Vec<u8>) -> Result<u32, String> {
        self.sequence = self.sequence % 0x7fff_ffff + 1;
        let pdu = Pdu::new(command, self.sequence, body);
        self.write(&pdu).await.map(|()| pdu.sequence)
    }

    async fn answer(&mut self, to: &Pdu, body: Vec<u8>) -> Result<(), String> {
        self.write(&Pdu::new(to.command | RESPONSE, to.sequence, body)).await
    }

    async fn write(&mut self, pdu: &Pdu) -> Result<(), String> {
        let written = tokio::time::timeout(ANSWER, self.writer.write_all(&pdu.written())).await;
        written.map_err(|_| "it does not read".to_owned())?.map_err(|error| error.to_string())
    }

    async fn next(&mut self) -> Result<Pdu, String> {
        Self::read(&mut self.reader, &mut self.held).await
    }

    /// The next PDU; nothing is lost when it is given up half-way.
    async fn read(reader: &mut ReadHalf<Connection>, held: &mut Vec<u8>) -> Result<Pdu, String> {
        loop {
            if let Some(pdu) = Pdu::next(held).map_err(|length| format!("a PDU of {length} octets cannot be"))? {
                return Ok(pdu);
            }
            match reader.read_buf(held).await {
                Ok(0) => return Err("the connection was closed".into()),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}

impl Kept {
    fn expect(&mut self, theirs: String, ours: String) {
        if theirs.is_empty() {
            return;
        }
        if self.receipts.len() >= RECEIPTS {
            self.receipts.pop_front();
        }
        self.receipts.push_back((theirs, ours));
    }

    /// Takes a part; the whole text with its last one, and what came of it before.
    fn collect(&mut self, came: &Came) -> Option<(String, Vec<Came>)> {
        let (part, now) = (came.part.clone(), Instant::now().into_std());
        let whole = self.collector.take(now, &came.from, &came.to, part, came.clone())?;
        let others = whole.tags.into_iter().filter(|it| it.part.place != came.part.place).collect();
        Some((whole.body, others))
    }

    /// What became of a message that was told. One that was not kept is whole again when its last part comes again.
    fn ended(&mut self, (pending, is_kept): (Pending, bool)) {
        if is_kept {
            return;
        }
        tracing::warn!("a message that came in was not kept; the message centre is to bring it again");
        for came in &pending.others {
            self.collect(came);
        }
    }

    /// What a receipt means.
    fn receipt(&mut self, id: &str, fate: Fate) -> Option<Told> {
        let Some(at) = self.receipts.iter().position(|(known, _)| known == id) else {
            tracing::info!("the message centre tells of a message that is not known any more");
            return None;
        };
        match fate {
            Fate::OnItsWay => None,
            Fate::Arrived => self.receipts.remove(at).map(|(_, name)| Told::Delivered { name }),
            Fate::Lost(state) => {
                let text = format!("the centre says {state}");
                self.receipts.remove(at).map(|(_, name)| Told::Undelivered { name, text })
            }
        }
    }
}
