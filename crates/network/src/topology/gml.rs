//! GML as the Topology Zoo, TopoHub and networkx write it: a `graph [ … ]` with `node [ … ]` and `edge [ … ]` inside.
//!
//! Unknown lists (statistics, graphics) are skipped. GML has no place for demands.

use std::borrow::Cow;

use super::{
    TopologyError, TopologyFormat,
    raw::{Attributes, RawLink, RawNode, RawTopology, clipped},
};

/// Lists inside lists deeper than any writer makes them.
const DEEPEST: usize = 32;

pub(crate) fn read(bytes: &[u8]) -> Result<RawTopology, TopologyError> {
    // The standard says ASCII with entities; files in the wild are UTF-8 or Latin-1.
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
    };
    let mut reader = Reader { tokens: Tokens { rest: &text, line: 1 } };
    while let Some(token) = reader.tokens.next()? {
        let Token::Word("graph") = token else {
            if matches!(token, Token::Word(_)) {
                reader.skip_value(0)?;
                continue;
            }
            return Err(reader.tokens.error("expected a key"));
        };
        reader.open()?;
        return reader.graph();
    }
    Err(reader.tokens.error("there is no `graph [`"))
}

struct Reader<'a> {
    tokens: Tokens<'a>,
}

impl<'a> Reader<'a> {
    fn graph(&mut self) -> Result<RawTopology, TopologyError> {
        let mut raw = RawTopology::default();
        while let Some(key) = self.key()? {
            match key {
                "node" => {
                    let mut attributes = self.attributes()?;
                    let subject = || format!("node {}", raw.nodes.len());
                    let id = attributes.take(&["id"]).ok_or_else(|| missing(subject(), "id"))?;
                    raw.nodes.push(RawNode { id, attributes });
                }
                "edge" => {
                    let mut attributes = self.attributes()?;
                    let subject = || format!("edge {}", raw.links.len());
                    let source = attributes.take(&["source"]).ok_or_else(|| missing(subject(), "source"))?;
                    let target = attributes.take(&["target"]).ok_or_else(|| missing(subject(), "target"))?;
                    raw.links.push(RawLink { source, target, attributes });
                }
                "directed" => raw.is_directed = self.scalar(key)?.is_some_and(|value| value == "1"),
                "name" | "network" if raw.name.is_none() => raw.name = self.scalar(key)?,
                _ => self.skip_value(0)?,
            }
        }
        Ok(raw)
    }

    /// The next key of a list; none at its end.
    fn key(&mut self) -> Result<Option<&'a str>, TopologyError> {
        match self.tokens.next()? {
            Some(Token::Word(key)) => Ok(Some(key)),
            Some(Token::Close) => Ok(None),
            Some(_) => Err(self.tokens.error("expected a key or `]`")),
            None => Err(self.tokens.error("a `]` is missing")),
        }
    }

    fn attributes(&mut self) -> Result<Attributes, TopologyError> {
        self.open()?;
        let mut attributes = Attributes::default();
        while let Some(key) = self.key()? {
            if let Some(value) = self.scalar(key)? {
                attributes.insert(key, value);
            }
        }
        Ok(attributes)
    }

    fn open(&mut self) -> Result<(), TopologyError> {
        match self.tokens.next()? {
            Some(Token::Open) => Ok(()),
            _ => Err(self.tokens.error("expected `[`")),
        }
    }

    /// A single value as text; none for a list, which is skipped.
    fn scalar(&mut self, key: &str) -> Result<Option<String>, TopologyError> {
        match self.tokens.next()? {
            Some(Token::Word(word)) => Ok(Some(word.to_owned())),
            Some(Token::Text(text)) => Ok(Some(unescape(text))),
            Some(Token::Open) => self.skip_list(0).map(|()| None),
            _ => Err(self.tokens.error(&format!("`{}` has no value", clipped(key)))),
        }
    }

    fn skip_value(&mut self, depth: usize) -> Result<(), TopologyError> {
        match self.tokens.next()? {
            Some(Token::Word(_) | Token::Text(_)) => Ok(()),
            Some(Token::Open) => self.skip_list(depth),
            _ => Err(self.tokens.error("a key has no value")),
        }
    }

    fn skip_list(&mut self, depth: usize) -> Result<(), TopologyError> {
        if depth == DEEPEST {
            return Err(self.tokens.error("lists are nested too deeply"));
        }
        while self.key()?.is_some() {
            self.skip_value(depth + 1)?;
        }
        Ok(())
    }
}

fn missing(subject: String, attribute: &'static str) -> TopologyError {
    TopologyError::Missing { subject, attribute }
}

enum Token<'a> {
    Open,
    Close,
    /// A key or a number.
    Word(&'a str),
    /// What stands between quotes.
    Text(&'a str),
}

struct Tokens<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Result<Option<Token<'a>>, TopologyError> {
        loop {
            self.take_while(char::is_whitespace);
            if !self.rest.starts_with('#') {
                break;
            }
            self.take_while(|c| c != '\n');
        }
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        let token = match first {
            '[' => Token::Open,
            ']' => Token::Close,
            '"' => {
                self.skip(1);
                let text = self.take_while(|c| c != '"');
                if self.rest.is_empty() {
                    return Err(self.error("a text has no closing quote"));
                }
                self.skip(1);
                return Ok(Some(Token::Text(text)));
            }
            _ => return Ok(Some(Token::Word(self.take_while(|c| !c.is_whitespace() && !matches!(c, '[' | ']' | '"'))))),
        };
        self.skip(1);
        Ok(Some(token))
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    /// Leaves out a character of one byte.
    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn error(&self, problem: &str) -> TopologyError {
        TopologyError::Syntax { format: TopologyFormat::Gml, line: self.line, problem: problem.to_owned() }
    }
}

/// Text with its character entities resolved; unknown ones stay as they are.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let entity = after.split_once(';').and_then(|(name, tail)| Some((character(name)?, tail)));
        match entity {
            Some((character, tail)) => {
                out.push(character);
                rest = tail;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "quot" => Some('"'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{read, unescape};

    #[test]
    fn nodes_and_edges_are_read_and_statistics_skipped() {
        let text =
            "# made by hand\nCreator \"x\" graph [ directed 1 stats [ nodes 2 deep [ a 1 ] ]\n node [ id 7 label \"S&#227;o\" ]
            node [ id 8 ] edge [ source 7 target 8 LinkSpeedRaw 1e9 ] ]";
        let raw = read(text.as_bytes()).unwrap();
        assert!(raw.is_directed);
        assert_eq!(raw.nodes[0].attributes.text(&["label"]), Some(("label", "São")));
        assert_eq!((raw.links[0].source.as_str(), raw.links[0].target.as_str()), ("7", "8"));
        assert_eq!(raw.links[0].attributes.text(&["linkspeedraw"]), Some(("linkspeedraw", "1e9")));
    }

    #[test]
    fn an_error_says_the_line() {
        for (text, expected) in [
            ("graph [\n node [ id 1 ]\n", "line 3: a `]` is missing"),
            ("graph [\n\n node [ label \"x\" ] ]", "node 0: it has no `id`"),
            ("graph [ name \"x", "line 1: a text has no closing quote"),
            ("digraph", "line 1: a key has no value"),
            ("", "line 1: there is no `graph [`"),
        ] {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.ends_with(expected), "{error}");
        }
        let deep = format!("graph [ x {} ]", "[ x ".repeat(100_000));
        assert!(read(deep.as_bytes()).unwrap_err().to_string().contains("nested too deeply"));
    }

    #[test]
    fn entities_become_characters_and_ampersands_stay() {
        assert_eq!(unescape("AT&amp;T &#x41;&#66; R&D &bogus; &"), "AT&T AB R&D &bogus; &");
    }
}
