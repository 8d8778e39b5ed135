//! What is sent to clients.

/// How a session stands with its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// In none.
    Idle,
    /// In one.
    Open,
    /// In one that failed.
    Failed,
}

/// An error or a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields<'a> {
    /// ERROR, FATAL, WARNING …
    pub severity: &'a str,
    /// The SQLSTATE: five letters and digits.
    pub code: &'a str,
    /// What is wrong.
    pub message: &'a str,
    /// The lakehouse's own word for it.
    pub detail: Option<&'a str>,
}

/// Each function appends one message.
pub mod write {
    use super::{Fields, Status};
    use crate::Kind;

    fn message(out: &mut Vec<u8>, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
        out.push(kind);
        counted(out, 4, body);
    }

    /// `body` after its length, which counts `extra` bytes more.
    pub(crate) fn counted(out: &mut Vec<u8>, extra: usize, body: impl FnOnce(&mut Vec<u8>)) {
        let place = out.len();
        out.extend_from_slice(&[0; 4]);
        body(out);
        // A message is never near 4 GiB: rows are written in parts, and texts of queries are short.
        let length = (out.len() - place - 4 + extra) as u32;
        out[place..place + 4].copy_from_slice(&length.to_be_bytes());
    }

    fn text(out: &mut Vec<u8>, text: &str) {
        // A zero byte would end it early.
        out.extend(text.bytes().filter(|byte| *byte != 0));
        out.push(0);
    }

    fn count(out: &mut Vec<u8>, count: usize) {
        out.extend_from_slice(&(count as u16).to_be_bytes());
    }

    /// The session may begin.
    pub fn welcome(out: &mut Vec<u8>) {
        message(out, b'R', |out| out.extend_from_slice(&0_u32.to_be_bytes()));
    }

    /// The client shall send its password as it is.
    pub fn ask_password(out: &mut Vec<u8>) {
        message(out, b'R', |out| out.extend_from_slice(&3_u32.to_be_bytes()));
    }

    /// The newest minor version that is spoken here, and what of the client's wishes is not known.
    pub fn negotiate(out: &mut Vec<u8>, unknown: &[&str]) {
        message(out, b'v', |out| {
            out.extend_from_slice(&0_u32.to_be_bytes());
            out.extend_from_slice(&(unknown.len() as u32).to_be_bytes());
            unknown.iter().for_each(|name| text(out, name));
        });
    }

    /// A setting of the session.
    pub fn setting(out: &mut Vec<u8>, name: &str, value: &str) {
        message(out, b'S', |out| {
            text(out, name);
            text(out, value);
        });
    }

    /// What a client has to say to stop a query of this session.
    pub fn cancel_key(out: &mut Vec<u8>, process: u32, secret: u32) {
        message(out, b'K', |out| {
            out.extend_from_slice(&process.to_be_bytes());
            out.extend_from_slice(&secret.to_be_bytes());
        });
    }

    /// The client may send the next statement.
    pub fn ready(out: &mut Vec<u8>, status: Status) {
        let status = match status {
            Status::Idle => b'I',
            Status::Open => b'T',
            Status::Failed => b'E',
        };
        message(out, b'Z', |out| out.push(status));
    }

    /// A statement is prepared.
    pub fn parsed(out: &mut Vec<u8>) {
        message(out, b'1', |_| ());
    }

    /// Values are bound.
    pub fn bound(out: &mut Vec<u8>) {
        message(out, b'2', |_| ());
    }

    /// Something is given up.
    pub fn closed(out: &mut Vec<u8>) {
        message(out, b'3', |_| ());
    }

    /// The types of a statement's parameters.
    pub fn parameters(out: &mut Vec<u8>, types: &[u32]) {
        message(out, b't', |out| {
            count(out, types.len());
            types.iter().for_each(|oid| out.extend_from_slice(&oid.to_be_bytes()));
        });
    }

    /// There are no columns.
    pub fn no_columns(out: &mut Vec<u8>) {
        message(out, b'n', |_| ());
    }

    /// Names, types and formats of columns.
    pub fn columns<'a>(out: &mut Vec<u8>, columns: impl ExactSizeIterator<Item = (&'a str, Kind, bool)>) {
        message(out, b'T', |out| {
            count(out, columns.len());
            for (name, kind, is_binary) in columns {
                text(out, name);
                // Of no table and no place in it.
                out.extend_from_slice(&[0; 6]);
                out.extend_from_slice(&kind.oid().to_be_bytes());
                out.extend_from_slice(&kind.size().to_be_bytes());
                // No modifier, such as a length.
                out.extend_from_slice(&(-1_i32).to_be_bytes());
                out.extend_from_slice(&i16::from(is_binary).to_be_bytes());
            }
        });
    }

    /// Rows follow as a file's content.
    pub fn copy_out(out: &mut Vec<u8>, is_binary: bool, columns: usize) {
        message(out, b'H', |out| {
            out.push(u8::from(is_binary));
            count(out, columns);
            (0..columns).for_each(|_| out.extend_from_slice(&i16::from(is_binary).to_be_bytes()));
        });
    }

    /// The file ends.
    pub fn copy_done(out: &mut Vec<u8>) {
        message(out, b'c', |_| ());
    }

    /// A statement is done: its verb, and how many rows it gave.
    pub fn done(out: &mut Vec<u8>, tag: &str) {
        message(out, b'C', |out| text(out, tag));
    }

    /// There was nothing to do.
    pub fn nothing(out: &mut Vec<u8>) {
        message(out, b'I', |_| ());
    }

    /// There are more rows.
    pub fn more(out: &mut Vec<u8>) {
        message(out, b's', |_| ());
    }

    /// A statement, or the session, failed.
    pub fn error(out: &mut Vec<u8>, fields: &Fields<'_>) {
        told(out, b'E', fields);
    }

    /// Something is worth saying.
    pub fn notice(out: &mut Vec<u8>, fields: &Fields<'_>) {
        told(out, b'N', fields);
    }

    fn told(out: &mut Vec<u8>, kind: u8, fields: &Fields<'_>) {
        let Fields { severity, code, message: said, detail } = fields;
        let all = [(b'S', Some(*severity)), (b'V', Some(*severity)), (b'C', Some(*code)), (b'M', Some(*said)), (b'D', *detail)];
        message(out, kind, |out| {
            for (field, value) in all.into_iter().filter_map(|(field, value)| Some((field, value?))) {
                out.push(field);
                text(out, value);
            }
            out.push(0);
        });
    }
}
