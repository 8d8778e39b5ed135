//! Tensors as clients send them: JSON numbers and texts, or, behind the JSON, raw bytes in the order of the inputs.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::request::cell::Cell;

/// A tensor of an inference request.
#[derive(Deserialize, ToSchema)]
pub struct InputTensor {
    /// The field of a transaction.
    #[schema(example = "amount")]
    name: String,
    /// `[n]` or `[n, 1]`, n being the number of transactions.
    #[schema(example = json!([1]))]
    shape: Vec<u64>,
    /// `BOOL`, `BYTES`, or a type of integers or floating point numbers.
    #[schema(example = "FP64")]
    datatype: String,
    /// Where its bytes are, for the extension of binary tensors.
    #[serde(default)]
    parameters: TensorParameters,
    /// Its elements, flat or nested as the shape says.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Value>>, example = json!([812.5]))]
    data: Option<Vec<Value>>,
}

/// Where a tensor's bytes are.
#[derive(Default, Deserialize, ToSchema)]
struct TensorParameters {
    /// How many bytes behind the JSON are this tensor's.
    #[serde(default)]
    binary_data_size: Option<usize>,
}

/// An element.
enum Element {
    Flag(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    Absent,
}

/// A checked tensor.
pub struct Tensor {
    pub name: String,
    elements: Vec<Element>,
}

impl Tensor {
    /// Takes in a tensor; its raw bytes, if it has any, are cut off the front of `binary`. On `Err`, a sentence for the client.
    pub fn read(input: InputTensor, binary: &mut &[u8]) -> Result<Self, String> {
        let InputTensor { name, shape, datatype, parameters, data } = input;
        let elements = match (data, parameters.binary_data_size) {
            (Some(data), None) => {
                let mut elements = Vec::with_capacity(data.len());
                flatten(&data, &datatype, &mut elements).map_err(|reason| format!("input `{name}`: {reason}"))?;
                elements
            }
            (None, Some(size)) => {
                let (own, rest) =
                    binary.split_at_checked(size).ok_or_else(|| format!("input `{name}`: its bytes are cut short"))?;
                *binary = rest;
                decode(own, &datatype).ok_or_else(|| format!("input `{name}`: its bytes are not a tensor of {datatype}"))?
            }
            _ => return Err(format!("input `{name}` needs either `data` or the parameter `binary_data_size`")),
        };
        let fits = match shape.as_slice() {
            [rows] | [rows, 1] => *rows == elements.len() as u64,
            _ => false,
        };
        if fits {
            Ok(Self { name, elements })
        } else {
            Err(format!("input `{name}` has {} elements, not the shape {shape:?}", elements.len()))
        }
    }

    /// How many elements it has.
    pub fn rows(&self) -> usize {
        self.elements.len()
    }

    /// An element.
    pub fn cell(&self, row: usize) -> Cell<'_> {
        match self.elements.get(row) {
            Some(Element::Flag(flag)) => Cell::Flag(*flag),
            Some(Element::Integer(integer)) => Cell::Integer(*integer),
            Some(Element::Number(number)) => Cell::number(*number),
            Some(Element::Text(text)) => Cell::Text(text),
            Some(Element::Absent) | None => Cell::Absent,
        }
    }
}

fn flatten(values: &[Value], datatype: &str, out: &mut Vec<Element>) -> Result<(), String> {
    for value in values {
        let element = match (value, datatype) {
            (Value::Array(inner), _) => {
                // The shape has two dimensions at most.
                if inner.iter().any(Value::is_array) {
                    return Err("its data are nested too deep".to_owned());
                }
                flatten(inner, datatype, out)?;
                continue;
            }
            (Value::Null, _) => Element::Absent,
            (Value::Bool(flag), "BOOL") => Element::Flag(*flag),
            (Value::String(text), "BYTES") => Element::Text(text.clone()),
            (Value::Number(number), "FP16" | "FP32" | "FP64") => number.as_f64().map_or(Element::Absent, Element::Number),
            (Value::Number(number), kind) if kind.starts_with("INT") || kind.starts_with("UINT") => {
                number.as_i64().map(Element::Integer).ok_or_else(|| format!("{number} is no {kind} that is read here"))?
            }
            (other, kind) => return Err(format!("{other} is no {kind}")),
        };
        out.push(element);
    }
    Ok(())
}

/// Little-endian elements one behind the other; a text has its length in four bytes before it.
fn decode(bytes: &[u8], datatype: &str) -> Option<Vec<Element>> {
    match datatype {
        "BOOL" => Some(bytes.iter().map(|byte| Element::Flag(*byte != 0)).collect()),
        "FP64" => fixed::<8>(bytes, |bytes| Element::Number(f64::from_le_bytes(bytes))),
        "FP32" => fixed::<4>(bytes, |bytes| Element::Number(f64::from(f32::from_le_bytes(bytes)))),
        "INT64" => fixed::<8>(bytes, |bytes| Element::Integer(i64::from_le_bytes(bytes))),
        "INT32" => fixed::<4>(bytes, |bytes| Element::Integer(i64::from(i32::from_le_bytes(bytes)))),
        "INT16" => fixed::<2>(bytes, |bytes| Element::Integer(i64::from(i16::from_le_bytes(bytes)))),
        "INT8" => fixed::<1>(bytes, |bytes| Element::Integer(i64::from(i8::from_le_bytes(bytes)))),
        "BYTES" => texts(bytes),
        _ => None,
    }
}

fn fixed<const N: usize>(bytes: &[u8], of: impl Fn([u8; N]) -> Element) -> Option<Vec<Element>> {
    let (chunks, rest) = bytes.as_chunks::<N>();
    rest.is_empty().then(|| chunks.iter().map(|chunk| of(*chunk)).collect())
}

fn texts(mut bytes: &[u8]) -> Option<Vec<Element>> {
    let mut texts = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        texts.push(Element::Text(std::str::from_utf8(text).ok()?.to_owned()));
        bytes = rest;
    }
    Some(texts)
}
