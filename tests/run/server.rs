//! A local HTTP server whose answers, good or bad, are set by the test.

use core::net::SocketAddr;
use core::time::Duration;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// The bytes of a file, shared between servers.
pub type Shared = Arc<Vec<u8>>;

/// The server's answer to a request.
#[derive(Clone)]
pub enum Answer {
    /// The whole file.
    Body(Shared),
    /// Announces the whole file, but closes the connection after this number of bytes.
    Cut(Shared, usize),
    /// A status code without a file.
    Status(u16),
    /// A redirect to this URL.
    Moved(String),
    /// This number of bytes of the file, then nothing for 20 s.
    Silent(Shared, usize),
    /// These bytes, repeated until the client closes the connection.
    Endless(Shared),
}

/// A server; its thread ends with the process.
pub struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a server that calls `answer` with the file name of each request.
    pub fn new(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                thread::spawn(move || serve(stream, &log, &*answer));
            }
        });
        Self { address, asked }
    }

    pub fn url(&self) -> String {
        format!("http://{}/data", self.address)
    }

    /// The names of the files requested so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<String>>, answer: &dyn Fn(&str) -> Answer) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut request = String::new();
        if reader.read_line(&mut request).is_err() || request.is_empty() {
            return;
        }
        let mut header = String::new();
        while reader.read_line(&mut header).is_ok_and(|len| len > 2) {
            header.clear();
        }
        let path = request.split(' ').nth(1).unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        log.lock().unwrap().push(name.to_owned());
        // An error means that the client has closed the connection.
        if reply(&mut stream, answer(name)).is_err() {
            return;
        }
    }
}

fn reply(stream: &mut TcpStream, answer: Answer) -> std::io::Result<()> {
    let hang_up = Err(std::io::ErrorKind::ConnectionAborted.into());
    let announce =
        |stream: &mut TcpStream, len: usize| write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n");
    match answer {
        Answer::Body(body) => {
            announce(stream, body.len())?;
            stream.write_all(&body)
        }
        Answer::Cut(body, at) => {
            announce(stream, body.len())?;
            stream.write_all(&body[..at])?;
            hang_up
        }
        Answer::Status(code) => write!(stream, "HTTP/1.1 {code} No\r\nContent-Length: 3\r\n\r\nno\n"),
        Answer::Moved(url) => write!(stream, "HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n"),
        Answer::Silent(body, after) => {
            if after > 0 {
                announce(stream, body.len())?;
                stream.write_all(&body[..after])?;
            }
            thread::sleep(Duration::from_secs(20));
            hang_up
        }
        Answer::Endless(piece) => {
            write!(stream, "HTTP/1.1 200 OK\r\n\r\n")?;
            loop {
                stream.write_all(&piece)?;
            }
        }
    }
}

/// Compresses bytes with gzip, at the fastest level.
pub fn gzip(bytes: &[u8]) -> Shared {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    Arc::new(encoder.finish().unwrap())
}
