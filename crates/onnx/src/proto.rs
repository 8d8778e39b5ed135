//! The parts of an ONNX file that are read: onnx.proto3 of <https://github.com/onnx/onnx>, by its field numbers.

use std::collections::BTreeMap;

use crate::{ImportError, wire::fields};

/// `TensorProto.DataType` of single precision.
pub const FLOAT: i64 = 1;
/// That of double precision.
pub const DOUBLE: i64 = 11;

/// `ModelProto`.
#[derive(Debug, Default)]
pub struct ModelProto<'a> {
    /// Which program wrote it, and in what version.
    pub producer: [&'a str; 2],
    pub graph: GraphProto<'a>,
}

/// `GraphProto`.
#[derive(Debug, Default)]
pub struct GraphProto<'a> {
    pub nodes: Vec<NodeProto<'a>>,
    pub inputs: Vec<ValueInfo<'a>>,
    pub outputs: Vec<ValueInfo<'a>>,
    pub constants: Vec<Constant<'a>>,
}

/// `NodeProto`.
#[derive(Debug, Default)]
pub struct NodeProto<'a> {
    pub operator: &'a str,
    pub inputs: Vec<&'a str>,
    pub outputs: Vec<&'a str>,
    pub attributes: BTreeMap<&'a str, Attribute<'a>>,
}

/// `AttributeProto`.
#[derive(Debug, Default)]
pub struct Attribute<'a> {
    pub integer: i64,
    pub float: f32,
    pub text: &'a [u8],
    pub floats: Vec<f32>,
    pub integers: Vec<i64>,
    pub texts: Vec<&'a [u8]>,
    /// It is a tensor or a graph, which no supported operator has.
    pub is_other: bool,
}

/// `TensorProto` of numbers in single precision; of any other it is only known that it is there.
#[derive(Debug, Default)]
pub struct Constant<'a> {
    pub name: &'a str,
    pub floats: Vec<f32>,
}

/// `ValueInfoProto` of a tensor.
#[derive(Debug, Default)]
pub struct ValueInfo<'a> {
    pub name: &'a str,
    /// `TensorProto.DataType`; 0 where it is no tensor.
    pub element: i64,
    /// `None` where any size is taken.
    pub shape: Vec<Option<i64>>,
}

impl<'a> ModelProto<'a> {
    /// Reads a file.
    pub fn read(file: &'a [u8]) -> Result<Self, ImportError> {
        let mut model = Self::default();
        let mut has_graph = false;
        fields(file, |number, field| {
            match number {
                2 => model.producer[0] = field.text()?,
                3 => model.producer[1] = field.text()?,
                7 => {
                    has_graph = true;
                    model.graph = GraphProto::read(field.bytes()?)?;
                }
                _ => {}
            }
            Ok(())
        })?;
        if has_graph { Ok(model) } else { Err(ImportError::Corrupt("it has no graph")) }
    }
}

impl<'a> GraphProto<'a> {
    fn read(message: &'a [u8]) -> Result<Self, ImportError> {
        let mut graph = Self::default();
        fields(message, |number, field| {
            match number {
                1 => graph.nodes.push(NodeProto::read(field.bytes()?)?),
                5 => graph.constants.push(Constant::read(field.bytes()?)?),
                11 => graph.inputs.push(ValueInfo::read(field.bytes()?)?),
                12 => graph.outputs.push(ValueInfo::read(field.bytes()?)?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(graph)
    }
}

impl<'a> NodeProto<'a> {
    fn read(message: &'a [u8]) -> Result<Self, ImportError> {
        let mut node = Self::default();
        fields(message, |number, field| {
            match number {
                1 => node.inputs.push(field.text()?),
                2 => node.outputs.push(field.text()?),
                4 => node.operator = field.text()?,
                5 => {
                    let (name, attribute) = Attribute::read(field.bytes()?)?;
                    node.attributes.insert(name, attribute);
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(node)
    }
}

impl<'a> Attribute<'a> {
    fn read(message: &'a [u8]) -> Result<(&'a str, Self), ImportError> {
        let (mut name, mut attribute) = ("", Self::default());
        fields(message, |number, field| {
            match number {
                1 => name = field.text()?,
                2 => attribute.float = field.float()?,
                3 => attribute.integer = field.integer()?,
                4 => attribute.text = field.bytes()?,
                5 | 6 | 10 | 11 => attribute.is_other = true,
                7 => field.floats(&mut attribute.floats)?,
                8 => field.integers(&mut attribute.integers)?,
                9 => attribute.texts.push(field.bytes()?),
                _ => {}
            }
            Ok(())
        })?;
        Ok((name, attribute))
    }
}

impl<'a> ValueInfo<'a> {
    fn read(message: &'a [u8]) -> Result<Self, ImportError> {
        let mut info = Self::default();
        fields(message, |number, field| {
            match number {
                1 => info.name = field.text()?,
                // TypeProto.tensor_type; sequences and maps are other fields.
                2 => fields(field.bytes()?, |number, field| if number == 1 { info.read_tensor(field.bytes()?) } else { Ok(()) })?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(info)
    }

    fn read_tensor(&mut self, message: &'a [u8]) -> Result<(), ImportError> {
        fields(message, |number, field| {
            match number {
                1 => self.element = field.integer()?,
                2 => fields(field.bytes()?, |number, field| {
                    if number == 1 {
                        let mut size = None;
                        fields(field.bytes()?, |number, field| {
                            if number == 1 {
                                size = Some(field.integer()?).filter(|size| *size > 0);
                            }
                            Ok(())
                        })?;
                        self.shape.push(size);
                    }
                    Ok(())
                })?,
                _ => {}
            }
            Ok(())
        })
    }
}

impl<'a> Constant<'a> {
    fn read(message: &'a [u8]) -> Result<Self, ImportError> {
        let (mut constant, mut raw, mut kind) = (Self::default(), None, 0);
        fields(message, |number, field| {
            match number {
                2 => kind = field.integer()?,
                4 => field.floats(&mut constant.floats)?,
                8 => constant.name = field.text()?,
                9 => raw = Some(field),
                _ => {}
            }
            Ok(())
        })?;
        if let (FLOAT, Some(raw)) = (kind, raw) {
            raw.floats(&mut constant.floats)?;
        }
        Ok(constant)
    }
}
