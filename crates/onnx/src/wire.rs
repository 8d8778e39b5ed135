//! The wire format of protocol buffers, as far as ONNX files need it; nothing is copied.
//!
//! <https://protobuf.dev/programming-guides/encoding/>

use crate::ImportError;

/// A field's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Field<'a> {
    /// An integer.
    Varint(u64),
    /// Eight bytes.
    Fixed64(u64),
    /// A text, bytes, a message, or packed numbers.
    Bytes(&'a [u8]),
    /// Four bytes.
    Fixed32(u32),
}

/// Calls `take` with the number and value of every field of a message, in order.
pub fn fields<'a>(
    mut message: &'a [u8],
    mut take: impl FnMut(u64, Field<'a>) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let field = match key & 7 {
            0 => Field::Varint(varint(&mut message)?),
            1 => Field::Fixed64(u64::from_le_bytes(*chunk(&mut message)?)),
            2 => {
                let length = usize::try_from(varint(&mut message)?).map_err(|_| CUT_OFF)?;
                let (bytes, rest) = message.split_at_checked(length).ok_or(CUT_OFF)?;
                message = rest;
                Field::Bytes(bytes)
            }
            5 => Field::Fixed32(u32::from_le_bytes(*chunk(&mut message)?)),
            _ => return Err(ImportError::Corrupt("a field has no known type")),
        };
        take(key >> 3, field)?;
    }
    Ok(())
}

const CUT_OFF: ImportError = ImportError::Corrupt("it ends in the middle of a field");
const WRONG_TYPE: ImportError = ImportError::Corrupt("a field has another type than ONNX gives it");

impl<'a> Field<'a> {
    /// The bytes of a text, of bytes or of a message.
    pub fn bytes(self) -> Result<&'a [u8], ImportError> {
        if let Field::Bytes(bytes) = self { Ok(bytes) } else { Err(WRONG_TYPE) }
    }

    /// A text.
    pub fn text(self) -> Result<&'a str, ImportError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| ImportError::Corrupt("a text is not UTF-8"))
    }

    /// An integer.
    pub fn integer(self) -> Result<i64, ImportError> {
        if let Field::Varint(number) = self { Ok(number.cast_signed()) } else { Err(WRONG_TYPE) }
    }

    /// A number of single precision.
    pub fn float(self) -> Result<f32, ImportError> {
        if let Field::Fixed32(bits) = self { Ok(f32::from_bits(bits)) } else { Err(WRONG_TYPE) }
    }

    /// Appends integers, packed or one.
    pub fn integers(self, to: &mut Vec<i64>) -> Result<(), ImportError> {
        let Field::Bytes(mut packed) = self else {
            to.push(self.integer()?);
            return Ok(());
        };
        while !packed.is_empty() {
            to.push(varint(&mut packed)?.cast_signed());
        }
        Ok(())
    }

    /// Appends numbers of single precision, packed or one.
    pub fn floats(self, to: &mut Vec<f32>) -> Result<(), ImportError> {
        let Field::Bytes(packed) = self else {
            to.push(self.float()?);
            return Ok(());
        };
        let (numbers, rest) = packed.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(CUT_OFF);
        }
        to.extend(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)));
        Ok(())
    }
}

fn chunk<'a, const N: usize>(message: &mut &'a [u8]) -> Result<&'a [u8; N], ImportError> {
    let (chunk, rest) = message.split_first_chunk::<N>().ok_or(CUT_OFF)?;
    *message = rest;
    Ok(chunk)
}

/// Seven bits a byte, the lowest first; at most ten bytes.
fn varint(message: &mut &[u8]) -> Result<u64, ImportError> {
    let mut number = 0;
    for shift in (0..70).step_by(7) {
        let (byte, rest) = message.split_first().ok_or(CUT_OFF)?;
        *message = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(ImportError::Corrupt("an integer is longer than any can be"))
}
