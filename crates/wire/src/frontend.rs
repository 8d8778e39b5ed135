//! What clients send.

use bytes::{Buf as _, BytesMut};

/// Bytes that the first message may have, and any message before it is known who sends it.
const MOST_STARTUP: usize = 10_000;
/// Parameters that a first message may have.
const MOST_PARAMETERS: usize = 100;
const CANCEL: u32 = 80_877_102;
const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;

/// A client does not keep to the protocol. Nothing after it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A message says that it is shorter than its own head, or longer than it may be.
    #[error("a message has an impossible length, or is longer than {most} bytes")]
    Length {
        /// The most that is accepted.
        most: usize,
    },
    /// A message is of no kind that a client sends.
    #[error("there is no message of the kind {0}")]
    Unknown(u8),
    /// A message does not hold what its kind holds.
    #[error("a message of the kind `{0}` is cut short or holds too much")]
    Body(char),
    /// A text is not UTF-8.
    #[error("a text is not in UTF-8")]
    Encoding,
    /// Another protocol, or another major version of it.
    #[error("the protocol version {0}.{1} is not spoken here")]
    Version(u16, u16),
}

/// The first message of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Startup {
    /// May TLS begin?
    Ssl,
    /// May GSSAPI begin?
    Gss,
    /// Another connection's query is to stop.
    Cancel {
        /// Which connection.
        process: u32,
        /// What that one was told.
        secret: Vec<u8>,
    },
    /// A session begins.
    Session {
        /// The minor version of the protocol that the client speaks.
        minor: u16,
        /// `user`, `database`, settings.
        parameters: Vec<(String, String)>,
    },
}

/// What a description or an end is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A prepared statement.
    Statement,
    /// A statement with its values.
    Portal,
}

/// A message of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frontend {
    /// A password.
    Password(String),
    /// Statements as one text, to be run at once.
    Query(String),
    /// A statement to be prepared.
    Parse {
        /// The statement's name; empty for the one without a name.
        name: String,
        /// Its text.
        sql: String,
        /// Types of its parameters, 0 where the client leaves it open.
        types: Vec<u32>,
    },
    /// Values for a prepared statement.
    Bind {
        /// The portal's name.
        portal: String,
        /// The statement's.
        statement: String,
        /// Formats of the values: none for text, one for all, or one each.
        formats: Vec<i16>,
        /// The values.
        values: Vec<Option<Vec<u8>>>,
        /// Formats of the columns of the result, in the same way.
        results: Vec<i16>,
    },
    /// Asks for the columns.
    Describe(Target, String),
    /// Asks for rows of a portal: so many, or all with 0.
    Execute {
        /// The portal's name.
        portal: String,
        /// At most so many.
        most: u32,
    },
    /// Gives something up.
    Close(Target, String),
    /// Asks for what is there.
    Flush,
    /// The end of a series of messages.
    Sync,
    /// The client goes.
    Terminate,
    /// Part of a `copy` into a table, which nobody began.
    Copy,
}

/// The first message, when all of it is there.
pub fn startup(input: &mut BytesMut) -> Result<Option<Startup>, ProtocolError> {
    let Some(mut body) = taken(input, 0, MOST_STARTUP)? else { return Ok(None) };
    let mut body = Body { rest: &body.split()[..], kind: '0' };
    let startup = match body.u32()? {
        SSL => Startup::Ssl,
        GSS => Startup::Gss,
        CANCEL => Startup::Cancel { process: body.u32()?, secret: body.take(body.rest.len())?.to_vec() },
        version => {
            let (major, minor) = ((version >> 16) as u16, version as u16);
            if major != 3 {
                return Err(ProtocolError::Version(major, minor));
            }
            let mut parameters = Vec::new();
            loop {
                let name = body.text()?;
                if name.is_empty() {
                    break;
                }
                if parameters.len() == MOST_PARAMETERS {
                    return Err(ProtocolError::Body('0'));
                }
                parameters.push((name, body.text()?));
            }
            Startup::Session { minor, parameters }
        }
    };
    body.end().map(|()| Some(startup))
}

/// The next message of at most `most` bytes, when all of it is there. Memory is taken for what came, not for what is announced.
pub fn message(input: &mut BytesMut, most: usize) -> Result<Option<Frontend>, ProtocolError> {
    let Some(&kind) = input.first() else { return Ok(None) };
    if !b"pQPBDECHSXdcf".contains(&kind) {
        return Err(ProtocolError::Unknown(kind));
    }
    let Some(body) = taken(input, 1, most)? else { return Ok(None) };
    let mut body = Body { rest: &body, kind: char::from(kind) };
    let message = match kind {
        b'p' => Frontend::Password(body.text()?),
        b'Q' => Frontend::Query(body.text()?),
        b'P' => Frontend::Parse { name: body.text()?, sql: body.text()?, types: body.list(Body::u32)? },
        b'B' => Frontend::Bind {
            portal: body.text()?,
            statement: body.text()?,
            formats: body.list(Body::i16)?,
            values: body.list(Body::value)?,
            results: body.list(Body::i16)?,
        },
        b'D' => Frontend::Describe(body.target()?, body.text()?),
        b'E' => Frontend::Execute { portal: body.text()?, most: body.u32()? },
        b'C' => Frontend::Close(body.target()?, body.text()?),
        b'H' => Frontend::Flush,
        b'S' => Frontend::Sync,
        b'X' => Frontend::Terminate,
        _ => {
            body.rest = &[];
            Frontend::Copy
        }
    };
    body.end().map(|()| Some(message))
}

/// What follows the length, which itself comes after `before` bytes; `None` while some of it is missing.
fn taken(input: &mut BytesMut, before: usize, most: usize) -> Result<Option<BytesMut>, ProtocolError> {
    let Some(length) = input.get(before..before + 4) else { return Ok(None) };
    let length = length.iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
    if !(4..=most.saturating_add(4)).contains(&length) {
        return Err(ProtocolError::Length { most });
    }
    if input.len() < before + length {
        return Ok(None);
    }
    input.advance(before + 4);
    Ok(Some(input.split_to(length - 4)))
}

/// What is left of a message.
struct Body<'a> {
    rest: &'a [u8],
    kind: char,
}

impl Body<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8], ProtocolError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(ProtocolError::Body(self.kind))?;
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self, bytes: usize) -> Result<u32, ProtocolError> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte)))
    }

    fn u32(&mut self) -> Result<u32, ProtocolError> {
        self.number(4)
    }

    fn i16(&mut self) -> Result<i16, ProtocolError> {
        Ok(self.number(2)? as u16 as i16)
    }

    fn text(&mut self) -> Result<String, ProtocolError> {
        let length = self.rest.iter().position(|byte| *byte == 0).ok_or(ProtocolError::Body(self.kind))?;
        let text = String::from_utf8(self.take(length)?.to_vec()).map_err(|_| ProtocolError::Encoding)?;
        self.take(1)?;
        Ok(text)
    }

    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T, ProtocolError>) -> Result<Vec<T>, ProtocolError> {
        let count = self.number(2)?;
        (0..count).map(|_| item(self)).collect()
    }

    fn value(&mut self) -> Result<Option<Vec<u8>>, ProtocolError> {
        match self.u32()? {
            u32::MAX => Ok(None),
            length => Ok(Some(self.take(length as usize)?.to_vec())),
        }
    }

    fn target(&mut self) -> Result<Target, ProtocolError> {
        match self.number(1)? {
            83 => Ok(Target::Statement),
            80 => Ok(Target::Portal),
            _ => Err(ProtocolError::Body(self.kind)),
        }
    }

    fn end(self) -> Result<(), ProtocolError> {
        if self.rest.is_empty() { Ok(()) } else { Err(ProtocolError::Body(self.kind)) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framed(kind: Option<u8>, body: &[u8]) -> BytesMut {
        let mut bytes = BytesMut::new();
        bytes.extend(kind);
        bytes.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    #[test]
    fn messages_are_read_when_they_are_complete() {
        let whole = framed(Some(b'B'), b"p\0s\0\0\x01\0\x01\0\x02\0\0\0\x01x\xff\xff\xff\xff\0\0");
        for length in 0..whole.len() {
            assert_eq!(message(&mut BytesMut::from(&whole[..length]), 100), Ok(None), "{length}");
        }
        let bound = Frontend::Bind {
            portal: "p".into(),
            statement: "s".into(),
            formats: vec![1],
            values: vec![Some(b"x".to_vec()), None],
            results: vec![],
        };
        assert_eq!(message(&mut whole.clone(), 100), Ok(Some(bound)));
        let first = framed(None, b"\0\x03\0\0user\0ada\0database\0fraud\0\0");
        let parameters = vec![("user".to_owned(), "ada".to_owned()), ("database".to_owned(), "fraud".to_owned())];
        assert_eq!(startup(&mut first.clone()), Ok(Some(Startup::Session { minor: 0, parameters })));
        assert_eq!(startup(&mut framed(None, &SSL.to_be_bytes())), Ok(Some(Startup::Ssl)));
    }

    #[test]
    fn what_is_no_message_is_refused_before_it_takes_memory() {
        assert_eq!(message(&mut BytesMut::from(&b"Q\x7f\xff\xff\xff"[..]), 1_000), Err(ProtocolError::Length { most: 1_000 }));
        assert_eq!(message(&mut BytesMut::from(&b"Q\0\0\0\x03"[..]), 1_000), Err(ProtocolError::Length { most: 1_000 }));
        assert_eq!(message(&mut BytesMut::from(&b"GET / HTTP/1.1\r\n"[..]), 1_000), Err(ProtocolError::Unknown(b'G')));
        assert_eq!(message(&mut framed(Some(b'P'), b"name\0sql\0"), 100), Err(ProtocolError::Body('P')));
        assert_eq!(message(&mut framed(Some(b'B'), b"\0\0\0\0\xff\xff"), 100), Err(ProtocolError::Body('B')));
        assert_eq!(message(&mut framed(Some(b'S'), b"more"), 100), Err(ProtocolError::Body('S')));
        assert_eq!(message(&mut framed(Some(b'Q'), b"\xff\0"), 100), Err(ProtocolError::Encoding));
        assert!(startup(&mut BytesMut::from(&b"GET / HTTP/1.1\r\n"[..])).is_err());
        assert_eq!(startup(&mut framed(None, b"\0\x02\0\0")), Err(ProtocolError::Version(2, 0)));
    }

    proptest! {
        #[test]
        fn garbage_is_an_error_or_not_complete_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in any::<u8>()) {
            let mut input = BytesMut::from(&bytes[..]);
            while let Ok(Some(_)) = message(&mut input, 1_000) {}
            let _ = startup(&mut BytesMut::from(&bytes[..]));
            let _ = message(&mut framed(Some(kind), &bytes), 1_000);
            let _ = startup(&mut framed(None, &bytes));
        }
    }
}
