//! GraphML as the Topology Zoo and networkx write it: `<key>` elements name the attributes, `<data>` elements hold them.
//!
//! Of several graphs in a file the first is read. Hyperedges, ports and graphs inside nodes are skipped. Ids of edges are
//! ignored where they only tell parallel edges apart, as networkx writes them.

use std::collections::{BTreeMap, BTreeSet};

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::{
    TopologyError, TopologyFormat,
    raw::{Attributes, RawLink, RawNode, RawTopology},
};

pub(crate) fn read(bytes: &[u8]) -> Result<RawTopology, TopologyError> {
    let mut document = Document::default();
    let mut reader = Reader::from_reader(bytes);
    reader.config_mut().expand_empty_elements = true;
    loop {
        let event = reader.read_event().map_err(|error| syntax(bytes, &reader, &error.to_string()))?;
        let step = match &event {
            Event::Start(element) => document.open(element),
            Event::End(_) => document.close(),
            Event::Text(text) => text.decode().map(|text| document.text.push_str(&text)).map_err(|error| error.to_string()),
            Event::CData(text) => text.decode().map(|text| document.text.push_str(&text)).map_err(|error| error.to_string()),
            Event::GeneralRef(entity) => {
                let name = entity.decode().map_err(|error| error.to_string());
                name.and_then(|name| document.entity(&name))
            }
            Event::Eof => break,
            _ => Ok(()),
        };
        step.map_err(|problem| syntax(bytes, &reader, &problem))?;
    }
    document.finish().ok_or_else(|| syntax(bytes, &reader, "there is no whole `<graph>` inside"))
}

fn syntax(bytes: &[u8], reader: &Reader<&[u8]>, problem: &str) -> TopologyError {
    let read = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX).min(bytes.len());
    let line = 1 + bytes.get(..read).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count();
    TopologyError::Syntax { format: TopologyFormat::GraphMl, line, problem: problem.to_owned() }
}

/// What has been read so far, and where the reader stands.
#[derive(Default)]
struct Document {
    raw: RawTopology,
    keys: BTreeMap<String, Key>,
    /// The elements around the present one, outermost first.
    open: Vec<Element>,
    text: String,
    has_graph: bool,
    is_done: bool,
}

/// An attribute's declaration.
#[derive(Default)]
struct Key {
    name: String,
    /// `node`, `edge`, `graph` or `all`.
    domain: String,
    default: Option<String>,
}

enum Element {
    Graph,
    Node(RawNode),
    Edge(RawLink),
    /// A value of the attribute with this key.
    Data(String),
    Key(String),
    Default,
    Other,
}

impl Document {
    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        self.text.clear();
        let attribute = |name: &str| -> Result<Option<String>, String> {
            let found = element.try_get_attribute(name).map_err(|error| error.to_string())?;
            let value = found.map(|found| found.unescape_value()).transpose().map_err(|error| error.to_string())?;
            Ok(value.map(|value| value.into_owned()))
        };
        let required = |name: &str| -> Result<String, String> {
            let tag = String::from_utf8_lossy(element.local_name().into_inner()).into_owned();
            attribute(name)?.ok_or_else(|| format!("<{tag}> has no `{name}`"))
        };
        let is_in_graph = matches!(self.open.last(), Some(Element::Graph));
        let opened = match element.local_name().into_inner() {
            b"key" => {
                let id = required("id")?;
                let key = Key {
                    name: attribute("attr.name")?.unwrap_or_else(|| id.clone()),
                    domain: attribute("for")?.unwrap_or_else(|| "all".to_owned()),
                    default: None,
                };
                self.keys.insert(id.clone(), key);
                Element::Key(id)
            }
            b"default" => Element::Default,
            b"graph" if !self.has_graph => {
                self.has_graph = true;
                self.raw.is_directed = attribute("edgedefault")?.is_some_and(|default| default == "directed");
                self.raw.name = attribute("id")?;
                Element::Graph
            }
            b"node" if is_in_graph => Element::Node(RawNode { id: required("id")?, ..RawNode::default() }),
            b"edge" if is_in_graph => {
                let mut attributes = Attributes::default();
                if let Some(id) = attribute("id")? {
                    attributes.insert("id", id);
                }
                Element::Edge(RawLink { source: required("source")?, target: required("target")?, attributes })
            }
            b"data" => Element::Data(required("key")?),
            _ => Element::Other,
        };
        self.open.push(opened);
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let text = std::mem::take(&mut self.text);
        match self.open.pop() {
            Some(Element::Data(key)) => {
                let name = self.keys.get(&key).map_or(key.as_str(), |key| key.name.as_str());
                match self.open.last_mut() {
                    Some(Element::Node(node)) => node.attributes.insert(name, text),
                    Some(Element::Edge(link)) => link.attributes.insert(name, text),
                    Some(Element::Graph) if name.eq_ignore_ascii_case("network") || name == "name" => {
                        self.raw.name = Some(text);
                    }
                    _ => {}
                }
            }
            Some(Element::Default) => {
                if let Some(Element::Key(id)) = self.open.last()
                    && let Some(key) = self.keys.get_mut(id)
                {
                    key.default = Some(text);
                }
            }
            Some(Element::Node(mut node)) => {
                self.defaults("node", &mut node.attributes);
                self.raw.nodes.push(node);
            }
            Some(Element::Edge(mut link)) => {
                self.defaults("edge", &mut link.attributes);
                self.raw.links.push(link);
            }
            Some(Element::Graph) => self.is_done = true,
            Some(Element::Key(_) | Element::Other) | None => {}
        }
        Ok(())
    }

    /// Fills in what an element leaves to the declarations.
    fn defaults(&self, domain: &str, attributes: &mut Attributes) {
        let declared = self.keys.values().filter(|key| key.domain == domain || key.domain == "all");
        for (key, default) in declared.filter_map(|key| Some((key, key.default.as_ref()?))) {
            attributes.insert(&key.name, default.clone());
        }
    }

    fn entity(&mut self, name: &str) -> Result<(), String> {
        let whole = format!("&{name};");
        let resolved = quick_xml::escape::unescape(&whole).map_err(|error| error.to_string())?;
        self.text.push_str(&resolved);
        Ok(())
    }

    fn finish(mut self) -> Option<RawTopology> {
        let ids =
            || self.raw.links.iter().filter_map(|link| Some((link.attributes.text(&["id"])?.1, &link.source, &link.target)));
        let (count, unique) = (ids().count(), ids().map(|(id, ..)| id).collect::<BTreeSet<_>>().len());
        if unique < count && ids().collect::<BTreeSet<_>>().len() == count {
            self.raw.links.iter_mut().for_each(|link| drop(link.attributes.take(&["id"])));
        }
        self.is_done.then_some(self.raw)
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    const SMALL: &str = r#"<?xml version="1.0"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="d0" for="node" attr.name="Latitude" attr.type="double"/>
  <key id="d1" for="edge" attr.name="capacity" attr.type="double"><default>40</default></key>
  <key id="d2" for="node" attr.name="label" attr.type="string"/>
  <graph edgedefault="directed" id="small">
    <node id="a"><data key="d0">1.5</data><data key="d2">A&amp;B <![CDATA[<C>]]></data></node>
    <node id="b"/>
    <edge source="a" target="b"><data key="d1">10</data></edge>
    <edge id="e1" source="b" target="a"/>
  </graph>
</graphml>"#;

    #[test]
    fn declared_names_and_defaults_apply() {
        let raw = read(SMALL.as_bytes()).unwrap();
        assert_eq!((raw.name.as_deref(), raw.is_directed), (Some("small"), true));
        assert_eq!(raw.nodes[0].attributes.text(&["latitude"]), Some(("latitude", "1.5")));
        assert_eq!(raw.nodes[0].attributes.text(&["label"]), Some(("label", "A&B <C>")));
        let capacity = |link: usize| raw.links[link].attributes.text(&["capacity"]).unwrap().1;
        assert_eq!((capacity(0), capacity(1)), ("10", "40"));
        assert_eq!(raw.links[1].attributes.text(&["id"]), Some(("id", "e1")));
    }

    #[test]
    fn an_error_says_the_line() {
        for (text, expected) in [
            ("<graphml>\n<graph>\n<node/></graph></graphml>", "line 3: <node> has no `id`"),
            ("<graphml>\n<graph><node id='a'>", "line 2: there is no whole `<graph>` inside"),
            ("nothing", "line 1: there is no whole `<graph>` inside"),
        ] {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.ends_with(expected), "{error}");
        }
        assert!(read(b"<graphml><graph></node></graph></graphml>").is_err());
    }
}
