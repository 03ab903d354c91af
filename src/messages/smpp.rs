//! A message centre by SMPP 3.4: one transceiver connection, kept up, a bounded window of messages without an answer.

mod codec;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tipring_egress::{Client, Connection, Limits};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use url::Url;

use crate::parts::{Collector, parts};
use crate::{Adapter, Outgoing, Refused, Sending, Told};
use codec::{BIND_TRANSCEIVER, DELIVER, ENQUIRE_LINK, GENERIC_NACK, Pdu, RESPONSE, SUBMIT, UNBIND};

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
            Ok(link) => match link.run(&mut orders, &tell, &mut kept, settings.enquire).await {
                Ok(()) => return,
                Err(why) => why,
            },
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
    collector: Collector,
    /// The centre's names and ours.
    receipts: VecDeque<(String, String)>,
    reference: u8,
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
        mut self,
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
            DELIVER => {
                let told = codec::delivered(&pdu.body).and_then(|delivered| kept.delivered(delivered));
                if let Some(told) = told {
                    let _ = tell.send(told).await;
                }
                // A message's name of ours: none.
                self.answer(&pdu, vec![0]).await?;
            }
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

    /// What a message that the centre brings means.
    fn delivered(&mut self, delivered: codec::Delivered) -> Option<Told> {
        let codec::Delivered { from, to, receipt, part } = delivered;
        if !receipt {
            let body = self.collector.take(&from, part)?;
            return Some(Told::In { from, to, body });
        }
        let (theirs, state) = codec::receipt(&part.text)?;
        let at = self.receipts.iter().position(|(known, _)| known == theirs)?;
        match state {
            "DELIVRD" => self.receipts.remove(at).map(|(_, name)| Told::Delivered { name }),
            "EXPIRED" | "DELETED" | "UNDELIV" | "REJECTD" => {
                let text = format!("the centre says {state}");
                self.receipts.remove(at).map(|(_, name)| Told::Undelivered { name, text })
            }
            // On its way.
            _ => None,
        }
    }
}
