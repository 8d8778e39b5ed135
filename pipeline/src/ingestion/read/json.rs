//! JSON in three shapes, each read as a stream: lines of objects, one array of objects, one map.

use std::{
    fmt,
    io::{BufRead, BufReader, Read},
};

use lakehouse_spec::{FileFormat, JsonPart, SourceContract, text_of};
use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::super::sink::{ReadError, RowSink};

/// One object a line. A line that is no object is refused; blank lines do not count.
pub(super) fn read_lines(reader: impl Read, contract: &SourceContract, sink: &mut RowSink) -> Result<(), ReadError> {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return if number == 0 { Err(ReadError::Shape("is empty".to_owned())) } else { Ok(()) };
        }
        number += 1;
        let is_cut_off = !line.ends_with(b"\n");
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        match serde_json::from_slice::<Map<String, Value>>(text) {
            Ok(object) => object_row(number, &object, contract, sink)?,
            Err(_) if is_cut_off => return Err(ReadError::Shape(format!("is cut off in line {number}"))),
            Err(_) => sink.refuse(number, "not a JSON object".to_owned(), || String::from_utf8_lossy(text).into_owned())?,
        }
    }
}

/// One array of objects, or one object whose members are the rows; at the top or in its member `at`. A row's line is its
/// place, from 1.
pub(super) fn read_document(reader: impl Read, contract: &SourceContract, sink: &mut RowSink) -> Result<(), ReadError> {
    let mut outcome = Ok(());
    let mut found = contract.at.is_none();
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(reader));
    let entries = Rows { contract, sink, outcome: &mut outcome };
    let read = match &contract.at {
        None => entries.deserialize(&mut json),
        Some(member) => json.deserialize_map(Member { member, entries: Some(entries), found: &mut found }),
    };
    let read = read.and_then(|()| json.end()).map_err(json_error);
    outcome.and(read)?;
    match &contract.at {
        Some(member) if !found => Err(ReadError::Shape(format!("has no member `{member}`"))),
        _ => Ok(()),
    }
}

fn json_error(error: serde_json::Error) -> ReadError {
    if error.is_io() {
        return ReadError::Io(error.into());
    }
    ReadError::Shape(if error.is_eof() && error.line() <= 1 && error.column() == 0 {
        "is empty".to_owned()
    } else if error.is_eof() {
        format!("is cut off in line {}", error.line())
    } else {
        format!("is not the JSON its contract promises: line {}, column {}", error.line(), error.column())
    })
}

fn object_row(line: u64, object: &Map<String, Value>, contract: &SourceContract, sink: &mut RowSink) -> Result<(), ReadError> {
    let texts = contract.texts_of(object);
    let fields: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
    sink.row(line, &fields, || Value::Object(object.clone()).to_string()).map(|_| ())
}

/// Takes rows one by one as the parser meets them. A sink's error cannot pass through serde: it is kept in `outcome`.
struct Rows<'a> {
    contract: &'a SourceContract,
    sink: &'a mut RowSink,
    outcome: &'a mut Result<(), ReadError>,
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        let mut place = 0;
        while let Some(row) = rows.next_element::<Value>()? {
            place += 1;
            let taken = match &row {
                Value::Object(object) => object_row(place, object, self.contract, self.sink),
                other => self.sink.refuse(place, "not a JSON object".to_owned(), || other.to_string()),
            };
            if taken.is_err() {
                *self.outcome = taken;
                return Err(serde::de::Error::custom("stopped"));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut place = 0;
        while let Some((key, value)) = entries.next_entry::<String, Value>()? {
            place += 1;
            let value = text_of(&value);
            let part = |part| if part == Some(JsonPart::Key) { key.as_bytes() } else { value.as_slice() };
            let fields: Vec<&[u8]> = self.contract.columns.iter().map(|column| part(column.from)).collect();
            let taken = self.sink.row(place, &fields, || format!("{key}: {}", String::from_utf8_lossy(&value)));
            if let Err(error) = taken {
                *self.outcome = Err(error);
                return Err(serde::de::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.contract.format {
            FileFormat::JsonArray => deserializer.deserialize_seq(self),
            _ => deserializer.deserialize_map(self),
        }
    }
}

/// The top object, of which one member holds the rows.
struct Member<'a, 'b> {
    member: &'b str,
    entries: Option<Rows<'a>>,
    found: &'b mut bool,
}

impl<'de> Visitor<'de> for Member<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the member `{}`", self.member)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            match self.entries.take_if(|_| name == self.member) {
                Some(entries) => {
                    *self.found = true;
                    members.next_value_seed(entries)?;
                }
                None => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}
