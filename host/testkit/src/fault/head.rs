//! Heads of requests and answers, as far as a proxy must understand them.

use std::io::{self, Read};

use super::Scope;

/// No head of an engine's client comes near.
const LONGEST: usize = 64 * 1024;

/// A request's head, and what came with it.
#[derive(Debug)]
pub(super) struct Head {
    method: String,
    path: String,
    /// The head with its blank line.
    bytes: Vec<u8>,
    /// The beginning of the body, if it arrived together with the head.
    pub(super) rest: Vec<u8>,
}

/// Reads up to the blank line; `None`: the stream ended before the first byte.
pub(super) fn read(stream: &mut impl Read) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
    let (mut seen, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = seen.split_off(end + 4);
            return Ok(Some((seen, rest)));
        }
        let count = stream.read(&mut piece)?;
        match count {
            0 if seen.is_empty() => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ if seen.len() > LONGEST => return Err(io::ErrorKind::InvalidData.into()),
            _ => seen.extend_from_slice(&piece[..count]),
        }
    }
}

impl Head {
    /// Reads a request's head.
    pub(super) fn read(stream: &mut impl Read) -> io::Result<Option<Self>> {
        let Some((bytes, rest)) = read(stream)? else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut words = text.split_whitespace();
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let path = target.split('?').next().unwrap_or_default();
        Ok(Some(Self { method: method.to_owned(), path: without_version(path).to_owned(), bytes, rest }))
    }

    /// `POST /containers/create`, for people.
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// How the call is counted.
    pub(super) fn scope(&self) -> Scope {
        let reads = matches!(self.method.as_str(), "GET" | "HEAD");
        let waits = ["/wait", "/attach", "/resize", "/auth", "/session"].iter().any(|end| self.path.ends_with(end));
        if reads || waits { Scope::Reading } else { Scope::Changing }
    }

    pub(super) fn is_events(&self) -> bool {
        self.path == "/events"
    }

    /// Whether the answer may last as long as the client wants.
    pub(super) fn is_endless(&self) -> bool {
        self.upgrades() || ["/events", "/logs", "/stats", "/wait", "/attach"].iter().any(|end| self.path.ends_with(end))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    fn header(&self, name: &str) -> Option<String> {
        self.text().lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    fn upgrades(&self) -> bool {
        self.header("upgrade").is_some()
    }

    /// The head for the engine: it shall close the connection after the answer, unless it is to become a stream.
    pub(super) fn for_engine(&self) -> Vec<u8> {
        if self.upgrades() {
            return self.bytes.clone();
        }
        let text = self.text();
        let kept = text.lines().filter(|line| {
            !line.is_empty() && !line.get(..11).is_some_and(|start| start.eq_ignore_ascii_case("connection:"))
        });
        let lines: Vec<&str> = kept.chain(["Connection: close", "", ""]).collect();
        lines.join("\r\n").into_bytes()
    }

    /// Reads and forgets the rest of the body, so that a client that still writes can read the answer.
    pub(super) fn drain(&self, stream: &mut impl Read) -> io::Result<()> {
        let mut piece = [0; 16 * 1024];
        if let Some(length) = self.header("content-length").and_then(|text| text.parse::<usize>().ok()) {
            let mut left = length.saturating_sub(self.rest.len());
            while left > 0 {
                match stream.read(&mut piece)? {
                    0 => break,
                    count => left = left.saturating_sub(count),
                }
            }
        } else if self.header("transfer-encoding").is_some() {
            let mut tail = self.rest.clone();
            while !tail.ends_with(b"0\r\n\r\n") {
                match stream.read(&mut piece)? {
                    0 => break,
                    count => tail.extend_from_slice(&piece[..count]),
                }
                let cut = tail.len().saturating_sub(5);
                tail.drain(..cut);
            }
        }
        Ok(())
    }
}

/// `/v1.47/containers/json` is `/containers/json`.
fn without_version(path: &str) -> &str {
    let Some(rest) = path.strip_prefix("/v1.") else { return path };
    rest.find('/').map_or(path, |slash| &rest[slash..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        Head::read(&mut text.as_bytes()).expect("a head").expect("not empty")
    }

    #[test]
    fn calls_that_only_look_or_wait_change_nothing() {
        for (line, scope) in [
            ("GET /v1.47/containers/json?all=1", Scope::Reading),
            ("HEAD /_ping", Scope::Reading),
            ("POST /v1.47/containers/abc/wait?condition=next-exit", Scope::Reading),
            ("POST /v1.47/containers/create?name=a", Scope::Changing),
            ("DELETE /volumes/x", Scope::Changing),
            ("POST /v1.41/exec/abc/start", Scope::Changing),
        ] {
            assert_eq!(head(&format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n")).scope(), scope, "{line}");
        }
    }

    #[test]
    fn the_engine_is_asked_to_close_unless_the_connection_is_upgraded() {
        let plain = head("GET /_ping HTTP/1.1\r\nconnection: keep-alive\r\nHost: x\r\n\r\n").for_engine();
        assert_eq!(plain, b"GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let text = "POST /exec/a/start HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
        assert_eq!(head(text).for_engine(), text.as_bytes());
    }

    #[test]
    fn the_rest_of_a_body_is_read_and_no_more() {
        let text = "POST /x HTTP/1.1\r\nContent-Length: 6\r\n\r\nab";
        let mut more = &b"cdefNEXT"[..];
        let mut few = (&mut more).take(4);
        head(text).drain(&mut few).expect("drained");
        assert_eq!(more, b"NEXT");
        let mut chunks = &b"3\r\nabc\r\n0\r\n\r\n"[..];
        head("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").drain(&mut chunks).expect("drained");
        assert!(chunks.is_empty());
    }
}
