//! A network that fails: it stands between the provider and a server, and does something wrong
//! with some of the questions.
#![allow(dead_code, reason = "each program that includes this module uses a part of it")]

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::{Value, json};

use crate::replay::lock;

/// What goes wrong with one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The connection closes, and the server never hears the question.
    Dropped,
    /// The connection is reset, and the server never hears the question.
    Reset,
    /// The server answers, but the connection is reset instead.
    ResetAfterwards,
    /// The server never hears the question, and nobody answers.
    Stalled,
    /// The server answers, and the client does not hear it.
    StalledAfterwards,
    /// The answer comes in small pieces.
    Slow,
    /// The client is told to come again.
    TooMany,
    /// The client is told to come again, and when.
    TooManyUntil,
    /// A gateway answers that it cannot reach the server, and it did not.
    Unavailable,
    /// A gateway answers that it cannot reach the server, but it did.
    UnavailableAfterwards,
    /// Half of the answer.
    Truncated,
    /// Other bytes than those of the answer.
    Garbled,
    /// A state that no client knows.
    UnknownState,
    /// Fields that no client knows.
    UnknownFields,
    /// The token is refused.
    Expired,
}

/// All of them.
pub(crate) const FAULTS: [Fault; 15] = [
    Fault::Dropped,
    Fault::Reset,
    Fault::ResetAfterwards,
    Fault::Stalled,
    Fault::StalledAfterwards,
    Fault::Slow,
    Fault::TooMany,
    Fault::TooManyUntil,
    Fault::Unavailable,
    Fault::UnavailableAfterwards,
    Fault::Truncated,
    Fault::Garbled,
    Fault::UnknownState,
    Fault::UnknownFields,
    Fault::Expired,
];

/// The fault of a question: the same for the same number, as far as it makes sense there. One
/// question of `rarity` meets one.
pub(crate) fn fault(number: u64, question: &str, rarity: u64) -> Option<Fault> {
    // A key that is refused is wrong for good; only tokens expire.
    let is_for_token = question.starts_with("POST /identity");
    drawn(number, rarity).filter(|fault| !(is_for_token && *fault == Fault::Expired))
}

fn drawn(number: u64, rarity: u64) -> Option<Fault> {
    // The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    let kinds = FAULTS.len() as u64;
    z.is_multiple_of(rarity).then(|| FAULTS[usize::try_from(z / rarity % kinds).unwrap()])
}

/// Decides what goes wrong with the question of this number, told its first line.
pub(crate) type Draw = dyn Fn(u64, &str) -> Option<Fault> + Send + Sync;

/// The network; it ends when it is dropped.
pub(crate) struct Network {
    address: SocketAddr,
    inner: Arc<Inner>,
    listener: Option<JoinHandle<()>>,
}

struct Inner {
    server: SocketAddr,
    draw: Box<Draw>,
    questions: AtomicU64,
    ended: AtomicBool,
    /// How often each fault happened.
    struck: Mutex<BTreeMap<Fault, usize>>,
    /// Connections, by their numbers, whose question the server may have and has not answered.
    under_way: Mutex<BTreeSet<u64>>,
    connections: AtomicU64,
    settled: Condvar,
}

impl Network {
    /// Carries questions to the server on this port of the loopback interface.
    pub(crate) fn to(port: u16, draw: Box<Draw>) -> io::Result<Self> {
        let socket = TcpListener::bind(("127.0.0.1", 0))?;
        let address = socket.local_addr()?;
        let inner = Arc::new(Inner {
            server: SocketAddr::from(([127, 0, 0, 1], port)),
            draw,
            questions: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            struck: Mutex::default(),
            under_way: Mutex::default(),
            connections: AtomicU64::new(0),
            settled: Condvar::new(),
        });
        let carrier = Arc::clone(&inner);
        let listener = thread::spawn(move || {
            for connection in socket.incoming() {
                if carrier.ended.load(Ordering::Relaxed) {
                    return;
                }
                let (carrier, on_its_way) = (Arc::clone(&carrier), OnItsWay::new(&carrier));
                // Clients and servers that go away in the middle are what this is about.
                thread::spawn(move || {
                    connection.and_then(|client| carrier.carry(&client, on_its_way))
                });
            }
        });
        Ok(Self { address, inner, listener: Some(listener) })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often each fault happened so far.
    pub(crate) fn struck(&self) -> BTreeMap<Fault, usize> {
        lock(&self.inner.struck).clone()
    }

    /// How many questions there were.
    pub(crate) fn questions(&self) -> u64 {
        self.inner.questions.load(Ordering::Relaxed)
    }

    /// Waits until nothing is on its way any more of what was sent before.
    pub(crate) fn settle(&self) {
        // Whoever knocks last is let in last: what is hung up on was behind all that came before.
        let mut knock = TcpStream::connect(self.address).unwrap();
        knock.shutdown(Shutdown::Write).unwrap();
        // However it ends.
        let _ = knock.read_to_end(&mut Vec::new());
        let next = self.inner.connections.load(Ordering::Relaxed);
        let under_way = lock(&self.inner.under_way);
        let waits = |under_way: &mut BTreeSet<u64>| under_way.first().is_some_and(|c| *c < next);
        drop(self.inner.settled.wait_while(under_way, waits).unwrap());
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.inner.ended.store(true, Ordering::Relaxed);
        // Wakes the listener, so that it sees the flag.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl Inner {
    /// One question and its answer.
    fn carry(&self, client: &TcpStream, on_its_way: OnItsWay) -> io::Result<()> {
        let mut reader = BufReader::new(client);
        let Some(question) = Envelope::read(&mut reader)? else { return Ok(()) };
        let number = self.questions.fetch_add(1, Ordering::Relaxed);
        let fault = (self.draw)(number, &question.first);
        if let Some(fault) = fault {
            *lock(&self.struck).entry(fault).or_default() += 1;
        }
        match fault {
            Some(Fault::Dropped) => return Ok(()),
            Some(Fault::Reset) => return reset(client),
            Some(Fault::Stalled) => {
                drop(on_its_way);
                return until_it_goes(reader);
            }
            Some(Fault::TooMany) => return says(client, "429 Too Many Requests", ""),
            Some(Fault::TooManyUntil) => {
                return says(client, "429 Too Many Requests", "Retry-After: 0\r\n");
            }
            Some(Fault::Unavailable) => return says(client, "503 Service Unavailable", ""),
            Some(Fault::Expired) => return says(client, "401 Unauthorized", ""),
            _ => {}
        }
        let mut server = TcpStream::connect(self.server)?;
        server.write_all(&question.bytes("Connection: close\r\n"))?;
        let mut answer = match Envelope::read(&mut BufReader::new(server)) {
            Ok(Some(answer)) => answer,
            // The server went away.
            Ok(None) | Err(_) => return Ok(()),
        };
        drop(on_its_way);
        match fault {
            Some(Fault::ResetAfterwards) => return reset(client),
            Some(Fault::StalledAfterwards) => return until_it_goes(reader),
            Some(Fault::UnavailableAfterwards) => return says(client, "502 Bad Gateway", ""),
            Some(Fault::Slow) => return dribble(client, &answer.bytes("")),
            Some(Fault::Truncated) => {
                let whole = answer.bytes("");
                return (&*client).write_all(&whole[..whole.len() - answer.body.len().div_ceil(2)]);
            }
            Some(Fault::Garbled) => answer.body.iter_mut().for_each(|byte| *byte ^= 0x55),
            Some(Fault::UnknownState) => answer.edit(|document| {
                for path in ["/status", "/state/status"] {
                    if let Some(state) = document.pointer_mut(path) {
                        *state = "Hibernating".into();
                    }
                }
            }),
            Some(Fault::UnknownFields) => answer.edit(|document| {
                document["surprise"] = json!({"status": ["Failed"], "id": 1});
            }),
            _ => {}
        }
        // One that did not say so would be asked again while it closes.
        (&*client).write_all(&answer.bytes("Connection: close\r\n"))
    }
}

/// As long as it lives, the server may be about to do something.
struct OnItsWay {
    network: Arc<Inner>,
    connection: u64,
}

impl OnItsWay {
    fn new(network: &Arc<Inner>) -> Self {
        let mut under_way = lock(&network.under_way);
        let connection = network.connections.fetch_add(1, Ordering::Relaxed);
        under_way.insert(connection);
        Self { network: Arc::clone(network), connection }
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        lock(&self.network.under_way).remove(&self.connection);
        self.network.settled.notify_all();
    }
}

/// A question or an answer of HTTP/1.1 with a length.
struct Envelope {
    /// The first line, with its end.
    first: String,
    /// The others, without those that are about the connection or the length.
    headers: String,
    body: Vec<u8>,
}

impl Envelope {
    fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let (mut first, mut headers, mut length) = (String::new(), String::new(), 0);
        if reader.read_line(&mut first)? == 0 {
            return Ok(None);
        }
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            match name.as_str() {
                "\r\n" => break,
                "content-length" => {
                    let value = line.split(':').nth(1).unwrap_or_default().trim();
                    length = value.parse().map_err(io::Error::other)?;
                }
                "connection" => {}
                _ => headers.push_str(&line),
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        Ok(Some(Self { first, headers, body }))
    }

    fn bytes(&self, more: &str) -> Vec<u8> {
        let Self { first, headers, body } = self;
        let length = format!("Content-Length: {}\r\n", body.len());
        let head = [first, headers, &length, more, "\r\n"].concat();
        [head.as_bytes(), body].concat()
    }

    fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(mut document) if document.is_object() => {
                change(&mut document);
                self.body = document.to_string().into_bytes();
            }
            _ => {}
        }
    }
}

fn says(mut client: &TcpStream, status: &str, headers: &str) -> io::Result<()> {
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n{headers}\r\n");
    client.write_all(answer.as_bytes())
}

/// What is closed without lingering is reset (socket(7), `SO_LINGER`).
fn reset(client: &TcpStream) -> io::Result<()> {
    Ok(rustix::net::sockopt::set_socket_linger(client, Some(Duration::ZERO))?)
}

fn until_it_goes(mut reader: BufReader<&TcpStream>) -> io::Result<()> {
    reader.read_to_end(&mut Vec::new()).map(|_| ())
}

fn dribble(mut client: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    client.set_nodelay(true)?;
    for piece in bytes.chunks(bytes.len().div_ceil(20)) {
        client.write_all(piece)?;
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
