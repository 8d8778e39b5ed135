//! The rows of a CSV, byte for byte.

use std::io::{self, BufRead, Read};

use memchr::memchr;

/// A row is held in memory; one that is longer than this is a quote that nobody closed.
pub const MAX_ROW_BYTES: usize = 16 << 20;

/// Why there is no next row.
pub enum RowFault {
    Read(io::Error),
    /// The row after so many has no end.
    Long(u64),
}

/// Reads row after row.
pub struct Rows<R> {
    input: R,
    row: Vec<u8>,
    count: u64,
}

impl<R: BufRead> Rows<R> {
    pub fn new(input: R) -> Self {
        Self { input, row: Vec::new(), count: 0 }
    }

    /// The rows read so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The next row, with its line end. Blank lines are no rows.
    pub fn next(&mut self) -> Result<Option<&[u8]>, RowFault> {
        loop {
            self.row.clear();
            self.read_row()?;
            match self.row.as_slice() {
                [] => return Ok(None),
                b"\n" | b"\r\n" => {}
                _ => break,
            }
        }
        self.count += 1;
        Ok(Some(&self.row))
    }

    /// Reads lines until one ends outside of quotes.
    fn read_row(&mut self) -> Result<(), RowFault> {
        let mut is_quoted = false;
        loop {
            let start = self.row.len();
            let room = MAX_ROW_BYTES - start;
            let line = self.input.by_ref().take(room as u64).read_until(b'\n', &mut self.row).map_err(RowFault::Read)?;
            if line == room {
                return Err(RowFault::Long(self.count));
            }
            is_quoted = is_quoted_after(&self.row, start, is_quoted);
            if line == 0 || !is_quoted {
                return Ok(());
            }
        }
    }
}

/// Whether the row is inside quotes at its end, given whether it was at `start`. A quote opens a field only where the field
/// begins; anywhere else, as in `5" pipe`, it is a character. Inside quotes, two of them stand for one.
fn is_quoted_after(row: &[u8], start: usize, mut is_quoted: bool) -> bool {
    let mut at = start;
    while let Some(offset) = memchr(b'"', &row[at..]) {
        let quote = at + offset;
        at = quote + 1;
        if !is_quoted {
            is_quoted = quote == 0 || row[quote - 1] == b',';
        } else if row.get(at) == Some(&b'"') {
            at += 1;
        } else {
            is_quoted = false;
        }
    }
    is_quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &[u8]) -> Vec<Vec<u8>> {
        let mut rows = Rows::new(text);
        let mut read = Vec::new();
        while let Ok(Some(row)) = rows.next() {
            read.push(row.to_vec());
        }
        read
    }

    #[test]
    fn a_row_ends_at_a_line_break_outside_of_quotes() {
        for (text, expected) in [
            ("a,b\n1,2\n", vec!["a,b\n", "1,2\n"]),
            ("a\r\n\r\n1\r\n\n2", vec!["a\r\n", "1\r\n", "2"]),
            ("\"a\nb\",c\n1\n", vec!["\"a\nb\",c\n", "1\n"]),
            ("x,\"say \"\"hi\"\"\n\"\ny\n", vec!["x,\"say \"\"hi\"\"\n\"\n", "y\n"]),
            ("5\" pipe,x\n6\n", vec!["5\" pipe,x\n", "6\n"]),
            ("\"\"\ny\n", vec!["\"\"\n", "y\n"]),
            ("", vec![]),
        ] {
            let read: Vec<_> = rows(text.as_bytes()).into_iter().map(|row| String::from_utf8(row).expect("text")).collect();
            assert_eq!(read, expected, "{text:?}");
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_is_found_out_without_filling_the_memory() {
        let mut text = b"a\n1\n\"".to_vec();
        text.resize(2 * MAX_ROW_BYTES, b'\n');
        let mut rows = Rows::new(text.as_slice());
        assert!(matches!((rows.next(), ()), (Ok(Some(b"a\n")), ())));
        assert!(rows.next().is_ok());
        assert!(matches!(rows.next(), Err(RowFault::Long(2))));
        assert!(rows.row.len() <= MAX_ROW_BYTES);
    }

    proptest! {
        #[test]
        fn the_rows_are_those_a_csv_reader_finds(fields in proptest::collection::vec(proptest::collection::vec("[a\"\n\r, ]{0,6}", 3), 0..20)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            for record in &fields {
                writer.write_record(record).expect("write");
            }
            let text = writer.into_inner().expect("written");
            prop_assert_eq!(rows(&text).len(), fields.len());
            prop_assert_eq!(rows(&text).concat(), text);
        }
    }
}
