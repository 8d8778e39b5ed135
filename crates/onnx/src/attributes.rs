//! A node's attributes, asked for by name.

use crate::{
    ImportError,
    proto::{Attribute, NodeProto},
};

impl NodeProto<'_> {
    fn attribute(&self, name: &str) -> Option<&Attribute<'_>> {
        self.attributes.get(name)
    }

    /// Numbers; none where the attribute is absent.
    pub fn floats(&self, name: &str) -> &[f32] {
        self.attribute(name).map_or(&[], |attribute| &attribute.floats)
    }

    /// Integers; none where the attribute is absent.
    pub fn integers(&self, name: &str) -> &[i64] {
        self.attribute(name).map_or(&[], |attribute| &attribute.integers)
    }

    /// Texts as bytes; none where the attribute is absent.
    pub fn texts(&self, name: &str) -> &[&[u8]] {
        self.attribute(name).map_or(&[], |attribute| &attribute.texts)
    }

    /// A text, or `default`.
    pub fn text<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.attribute(name).map_or(default, |attribute| std::str::from_utf8(attribute.text).unwrap_or_default())
    }

    /// An integer, or `default`.
    pub fn integer(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |attribute| attribute.integer)
    }

    /// A number, or `default`.
    pub fn float(&self, name: &str, default: f32) -> f32 {
        self.attribute(name).map_or(default, |attribute| attribute.float)
    }

    /// Refuses the node with a reason.
    pub fn refuse(&self, reason: impl Into<String>) -> ImportError {
        ImportError::unsupported(self.operator, reason)
    }

    /// Refuses attributes that are tensors or that are not among `known`: they would change what the node means.
    pub fn check_attributes(&self, known: &[&str]) -> Result<(), ImportError> {
        match self.attributes.iter().find(|(name, attribute)| attribute.is_other || !known.contains(*name)) {
            Some((name, _)) => Err(self.refuse(format!("it has the attribute `{name}`"))),
            None => Ok(()),
        }
    }
}
