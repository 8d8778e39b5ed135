//! JSON: node-link as networkx and TopoHub write it, and the `nodes` and `links` with `src` and `dst` that
//! [`write`](super::write) produces.
//!
//! Demands are a list of objects under `demands`, or TopoHub's map of source to target to rate under `graph.demands`.

use serde_json::{Map, Value};

use super::{
    TopologyError, TopologyFormat,
    raw::{Attributes, RawDemand, RawLink, RawNode, RawTopology},
};

/// One object of the file.
type Object = Map<String, Value>;

pub(crate) fn read(bytes: &[u8]) -> Result<RawTopology, TopologyError> {
    let document: Value = serde_json::from_slice(bytes).map_err(|error| TopologyError::Syntax {
        format: TopologyFormat::Json,
        line: error.line(),
        problem: error.to_string(),
    })?;
    let Value::Object(document) = document else { return Err(shape("an object at the top")) };
    let graph = document.get("graph").and_then(Value::as_object);
    let mut raw = RawTopology {
        name: [Some(&document), graph].into_iter().flatten().find_map(|part| scalar(part.get("name")?)),
        is_directed: document.get("directed").and_then(Value::as_bool).unwrap_or(false),
        ..RawTopology::default()
    };
    for (position, node) in objects(&document, &["nodes"])?.enumerate() {
        let (mut attributes, subject) = (attributes(node?), || format!("node {position}"));
        let id = required(&mut attributes, &["id"], subject)?;
        raw.nodes.push(RawNode { id, attributes });
    }
    for (position, link) in objects(&document, &["links", "edges"])?.enumerate() {
        let (mut attributes, subject) = (attributes(link?), || format!("link {position}"));
        let source = required(&mut attributes, &["source", "src"], subject)?;
        let target = required(&mut attributes, &["target", "dst"], subject)?;
        raw.links.push(RawLink { source, target, attributes });
    }
    let demands = document.get("demands").or_else(|| graph?.get("demands"));
    raw.demands = demands.map_or(Ok(Vec::new()), read_demands)?;
    // Notes are a courtesy: ones that are not ours do not keep a topology from being read.
    let derived = document.get("derived").map(|notes| serde_json::from_value(notes.clone()));
    raw.derived = derived.and_then(Result::ok).unwrap_or_default();
    Ok(raw)
}

fn read_demands(demands: &Value) -> Result<Vec<RawDemand>, TopologyError> {
    match demands {
        Value::Array(list) => list.iter().enumerate().map(|(position, demand)| listed_demand(position, demand)).collect(),
        Value::Object(sources) => {
            let mut read = Vec::new();
            for (source, targets) in in_order(sources) {
                read.extend(demands_of(source, targets)?);
            }
            Ok(read)
        }
        Value::Null => Ok(Vec::new()),
        _ => Err(shape("`demands` as a list or an object")),
    }
}

fn listed_demand(position: usize, demand: &Value) -> Result<RawDemand, TopologyError> {
    let demand = demand.as_object().ok_or_else(|| shape("an object for every demand"))?;
    let (mut attributes, subject) = (attributes(demand), || format!("demand {position}"));
    let source = required(&mut attributes, &["source", "src"], subject)?;
    let target = required(&mut attributes, &["target", "dst"], subject)?;
    Ok(RawDemand { source, target, attributes })
}

fn demands_of(source: &str, targets: &Value) -> Result<Vec<RawDemand>, TopologyError> {
    let targets = targets.as_object().ok_or_else(|| shape("an object of targets for every source of demand"))?;
    let demand = |(target, rate): (&String, &Value)| {
        let mut attributes = Attributes::default();
        attributes.insert("mbps", scalar(rate).ok_or_else(|| shape("a rate for every demand"))?);
        Ok(RawDemand { source: source.to_owned(), target: target.clone(), attributes })
    };
    in_order(targets).into_iter().map(demand).collect()
}

/// The entries of an object by name, however its map keeps them.
fn in_order(object: &Object) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = object.iter().collect();
    entries.sort_by_key(|(name, _)| *name);
    entries
}

/// The objects of the list under the first of `names` that is there.
fn objects<'a>(
    document: &'a Object,
    names: &[&'static str],
) -> Result<impl Iterator<Item = Result<&'a Object, TopologyError>>, TopologyError> {
    let list = names.iter().find_map(|name| document.get(*name)?.as_array());
    let list = list.ok_or_else(|| shape(&format!("the list `{}`", names.join("` or `"))))?;
    Ok(list.iter().map(|item| item.as_object().ok_or_else(|| shape("an object for every node and link"))))
}

fn required(attributes: &mut Attributes, names: &[&'static str], subject: impl Fn() -> String) -> Result<String, TopologyError> {
    let attribute = names.first().copied().unwrap_or_default();
    attributes.take(names).ok_or_else(|| TopologyError::Missing { subject: subject(), attribute })
}

/// The single values of an object, and the two of `pos`: longitude and latitude.
fn attributes(object: &Object) -> Attributes {
    let mut attributes = Attributes::default();
    for (name, value) in object {
        if let Some(text) = scalar(value) {
            attributes.insert(name, text);
        } else if name == "pos"
            && let Some([longitude, latitude]) = value.as_array().map(Vec::as_slice)
            && let (Some(longitude), Some(latitude)) = (longitude.as_f64(), latitude.as_f64())
        {
            attributes.insert("longitude", longitude.to_string());
            attributes.insert("latitude", latitude.to_string());
        }
    }
    attributes
}

/// A single value as text; none for null, lists and objects.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn shape(what: &str) -> TopologyError {
    TopologyError::Shape { what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn node_link_and_the_form_with_src_and_dst_are_the_same_to_us() {
        let node_link = r#"{"directed": false, "graph": {"name": "x", "demands": {"1": {"2": 5.5}}},
            "nodes": [{"id": 1, "pos": [10.5, 50]}, {"id": "2", "pos": [1]}], "edges": [{"source": 1, "target": "2"}]}"#;
        let ours = r#"{"name": "x", "nodes": [{"id": "1", "longitude": 10.5}, {"id": "2"}],
            "links": [{"src": "1", "dst": "2"}], "demands": [{"source": "1", "target": "2", "mbps": 5.5}]}"#;
        for text in [node_link, ours] {
            let raw = read(text.as_bytes()).unwrap();
            assert_eq!(raw.name.as_deref(), Some("x"));
            assert_eq!(raw.nodes[0].id, "1");
            assert_eq!(raw.nodes[0].attributes.text(&["longitude"]), Some(("longitude", "10.5")));
            assert_eq!(raw.nodes[1].attributes.text(&["longitude"]), None);
            assert_eq!((raw.links[0].source.as_str(), raw.links[0].target.as_str()), ("1", "2"));
            assert_eq!(raw.demands[0].attributes.text(&["mbps"]), Some(("mbps", "5.5")));
        }
    }

    #[test]
    fn an_error_says_what_is_missing() {
        for (text, expected) in [
            ("{\n\"nodes\": [}", "line 2"),
            ("[]", "an object at the top"),
            ("{}", "the list `nodes`"),
            (r#"{"nodes": []}"#, "the list `links` or `edges`"),
            (r#"{"nodes": [1], "links": []}"#, "an object for every node and link"),
            (r#"{"nodes": [{"name": "x"}], "links": []}"#, "node 0: it has no `id`"),
            (r#"{"nodes": [{"id": 1}], "links": [{"source": 1}]}"#, "link 0: it has no `target`"),
            (r#"{"nodes": [], "links": [], "demands": {"1": 2}}"#, "an object of targets"),
        ] {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
