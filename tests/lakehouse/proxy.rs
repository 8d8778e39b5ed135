//! A bad network in front of a service: by a seeded plan, answers are lost, connections break, and servers say that they fail.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// What befalls a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It is carried out, and the connection ends without an answer.
    LostAnswer,
    /// It is carried out, and half of the answer arrives.
    CutAnswer,
    /// It is carried out, and the answer is 500.
    DoneAndFailed,
    /// It is not carried out: the connection is reset before it was read.
    Reset,
    /// It is not carried out, and the answer is 500.
    Failed,
    /// It is not carried out, and the answer is 503.
    Refused,
    /// It is carried out a little later.
    Delay,
    /// It is not carried out, and the answer is 429. No weather has it: only plans of a test's own.
    Throttled,
}

impl Fault {
    /// What happens in any network.
    pub const ALL: [Self; 7] =
        [Self::LostAnswer, Self::CutAnswer, Self::DoneAndFailed, Self::Reset, Self::Failed, Self::Refused, Self::Delay];
}

/// A request as a plan sees it.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which one it is, from 0.
    pub number: u64,
    pub method: String,
    pub path: String,
}

impl Request {
    pub fn is_write(&self) -> bool {
        matches!(self.method.as_str(), "PUT" | "POST" | "DELETE")
    }

    pub fn is_commit(&self) -> bool {
        self.is_write() && self.path.contains("/_delta_log/")
    }

    pub fn is_registration(&self) -> bool {
        self.is_write() && self.path.contains("/registry/")
    }
}

type Plan = Box<dyn Fn(&Request) -> Option<Fault> + Send + Sync>;

struct Network {
    upstream: String,
    plan: Plan,
    requests: AtomicU64,
    injected: Mutex<BTreeMap<Fault, usize>>,
    is_calm: AtomicBool,
    is_closed: AtomicBool,
}

/// A network that is there until it is dropped.
pub struct Proxy {
    address: SocketAddr,
    network: Arc<Network>,
}

impl Proxy {
    /// In front of `http://host:port`.
    pub fn before(endpoint: &str, plan: impl Fn(&Request) -> Option<Fault> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let network = Arc::new(Network {
            upstream: endpoint.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned(),
            plan: Box::new(plan),
            requests: AtomicU64::new(0),
            injected: Mutex::default(),
            is_calm: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
        });
        let proxy = Self { address: listener.local_addr().unwrap(), network: network.clone() };
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if network.is_closed.load(Ordering::Relaxed) {
                    return;
                }
                let network = network.clone();
                // A connection that breaks is what this is for.
                std::thread::spawn(move || network.pass(client).ok());
            }
        });
        proxy
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on nothing goes wrong.
    pub fn calm(&self) {
        self.network.is_calm.store(true, Ordering::Relaxed);
    }

    /// How often each fault befell a request.
    pub fn injected(&self) -> BTreeMap<Fault, usize> {
        self.network.injected.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.network.is_closed.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

impl Network {
    /// One request, then the connection ends.
    fn pass(&self, mut client: TcpStream) -> std::io::Result<()> {
        let Some(request) = self.look(&client)? else { return Ok(()) };
        let fault = (self.plan)(&request).filter(|_| !self.is_calm.load(Ordering::Relaxed));
        if let Some(fault) = fault {
            *self.injected.lock().unwrap_or_else(PoisonError::into_inner).entry(fault).or_default() += 1;
        }
        if fault == Some(Fault::Reset) {
            // What has arrived and is not read makes the system reset the connection.
            return Ok(());
        }
        let message = read_request(&mut client)?;
        let answer = match fault {
            Some(Fault::Failed) => answer(500, "InternalError"),
            Some(Fault::Refused) => answer(503, "SlowDown"),
            Some(Fault::Throttled) => answer(429, "TooManyRequests"),
            Some(Fault::Delay) => {
                std::thread::sleep(Duration::from_millis(20 + request.number % 7 * 20));
                self.forward(&message)?
            }
            _ => self.forward(&message)?,
        };
        match fault {
            Some(Fault::LostAnswer) => {}
            Some(Fault::CutAnswer) => client.write_all(&answer[..answer.len() / 2])?,
            Some(Fault::DoneAndFailed) => client.write_all(&self::answer(500, "InternalError"))?,
            _ => client.write_all(&answer)?,
        }
        client.shutdown(Shutdown::Write)
    }

    /// The first line, left where it is; `None` when the connection ended without one.
    fn look(&self, client: &TcpStream) -> std::io::Result<Option<Request>> {
        let mut bytes = [0; 4096];
        loop {
            let read = client.peek(&mut bytes)?;
            let text = String::from_utf8_lossy(&bytes[..read]);
            if let Some((line, _)) = text.split_once("\r\n") {
                let mut words = line.split(' ');
                let mut word = || words.next().unwrap_or_default().to_owned();
                let number = self.requests.fetch_add(1, Ordering::Relaxed);
                return Ok(Some(Request { number, method: word(), path: word() }));
            }
            if read == 0 {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn forward(&self, message: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(&self.upstream)?;
        // A server that knows its answer early does not read to the end, and what it says then counts.
        let written = server.write_all(message);
        let mut answer = Vec::new();
        let read = server.read_to_end(&mut answer);
        if answer.is_empty() { written.and(read.map(|_| answer)) } else { Ok(answer) }
    }
}

fn answer(status: u16, code: &str) -> Vec<u8> {
    let body = format!("<Error><Code>{code}</Code><Message>as planned</Message></Error>");
    format!("HTTP/1.1 {status} planned\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A request with its body, changed to be the last one of its connection.
fn read_request(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut part = [0; 64 * 1024];
    let mut more = |bytes: &mut Vec<u8>| -> std::io::Result<()> {
        match client.read(&mut part)? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => {
                bytes.extend_from_slice(&part[..read]);
                Ok(())
            }
        }
    };
    let end = loop {
        match bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            Some(end) => break end + 2,
            None => more(&mut bytes)?,
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    assert!(header("transfer-encoding").is_none(), "requests of unknown length are not passed on: {head}");
    let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < end + 2 + length {
        more(&mut bytes)?;
    }
    let kept = head.split_inclusive("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let mut message: Vec<u8> = kept.collect::<String>().into_bytes();
    message.extend_from_slice(b"connection: close\r\n\r\n");
    message.extend_from_slice(&bytes[end + 2..]);
    Ok(message)
}

/// How often faults befall requests of each kind, from 0 to 1. The same seed is the same weather.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    pub seed: u64,
    pub commits: f64,
    pub registrations: f64,
    pub other_writes: f64,
    pub reads: f64,
}

impl Weather {
    pub fn fault(&self, request: &Request) -> Option<Fault> {
        let rate = match request {
            request if request.is_commit() => self.commits,
            request if request.is_registration() => self.registrations,
            request if request.is_write() => self.other_writes,
            _ => self.reads,
        };
        let drawn = scrambled(self.seed.wrapping_mul(1_000_003).wrapping_add(request.number));
        let is_hit = (drawn >> 11) as f64 / ((1_u64 << 53) as f64) < rate;
        is_hit.then(|| Fault::ALL[(scrambled(drawn) % Fault::ALL.len() as u64) as usize])
    }
}

/// The finalizer of SplitMix64.
fn scrambled(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
