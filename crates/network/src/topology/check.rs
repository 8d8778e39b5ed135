//! From a topology as written to one that can be relied on.

use std::collections::{HashMap, HashSet, VecDeque};

use petgraph::graph::NodeIndex;

use super::{
    Demand, DerivationSettings, Link, Node, NodeKind, Quantity, Topology, TopologyError,
    derive::{self, Partial, capacity_of, kind_of, latency_of},
    gravity,
    notes::Notes,
    raw::{Allowed, Attributes, RawDemand, RawLink, RawNode, RawTopology, clipped},
};
use crate::units::{LARGEST_MBPS, LARGEST_MS};

/// More nodes, links or demands than these are refused.
const MOST_NODES: usize = 50_000;
const MOST_LINKS: usize = 500_000;
const MOST_DEMANDS: usize = 1_000_000;

/// All demands together, in Mbps.
const LARGEST_TOTAL_MBPS: f64 = 1e11;

const COORDINATE: Allowed = Allowed { least: -1e9, most: 1e9, above_zero: false, said: "a finite coordinate" };
const LATENCY: Allowed = Allowed { least: 0.0, most: LARGEST_MS, above_zero: false, said: "a latency of 0 to 1,000,000 ms" };
const LENGTH: Allowed = Allowed { least: 0.0, most: 1e6, above_zero: false, said: "a length of 0 to 1,000,000 km" };
const RATE: Allowed = Allowed { least: 0.0, most: LARGEST_MBPS, above_zero: false, said: "a rate of 0 to 2e9 Mbps" };
const CAPACITY: Allowed =
    Allowed { least: 0.0, most: LARGEST_MBPS, above_zero: true, said: "a capacity above 0 and up to 2e9 Mbps" };
const SPEED: Allowed = Allowed { least: 0.0, most: 2e15, above_zero: true, said: "a speed above 0 and up to 2e15 bit/s" };
const SHARE: Allowed =
    Allowed { least: 0.0, most: 1.0, above_zero: false, said: "a share between 0 and 1 (divide percentages by 100)" };

/// Checks a topology and derives what it does not state.
pub(crate) fn check(raw: RawTopology, settings: &DerivationSettings) -> Result<Topology, TopologyError> {
    settings.check()?;
    within("nodes", raw.nodes.len(), MOST_NODES)?;
    within("links", raw.links.len(), MOST_LINKS)?;
    within("demands", raw.demands.len(), MOST_DEMANDS)?;
    if raw.nodes.is_empty() {
        return Err(TopologyError::NoNodes);
    }
    let mut notes = Notes::default();
    let ends = Ends::new(&raw.nodes)?;
    let wires = wires(raw.links, raw.is_directed, &ends, &mut notes)?;
    let nodes = nodes(raw.nodes, &wires, &mut notes)?;
    let (links, says_capacity) = links(wires, &nodes, settings, &mut notes)?;
    let says_critical = raw.demands.iter().any(|demand| demand.attributes.text(CRITICAL).is_some());
    let mut demands = demands(raw.demands, &ends, &mut notes)?;
    let has_demands = !demands.is_empty();
    if !has_demands {
        demands = gravity::demands(&nodes, &links, settings);
    }
    let mut notes = notes.finish();
    notes.extend(raw.derived);
    let mut topology = Topology::assemble(raw.name.unwrap_or_default(), nodes, links, demands, notes)?;
    if has_demands && !says_capacity {
        derive::fit_capacities(&mut topology, settings);
    }
    if !has_demands && !topology.demands().is_empty() {
        gravity::fit(&mut topology, settings);
    }
    if !says_critical && !topology.demands().is_empty() {
        gravity::mark_critical(&mut topology);
    }
    Ok(topology)
}

const CRITICAL: &[&str] = &["critical", "is_critical"];

fn within(what: &'static str, found: usize, limit: usize) -> Result<(), TopologyError> {
    if found <= limit { Ok(()) } else { Err(TopologyError::TooLarge { what, found, limit }) }
}

/// Nodes by id.
struct Ends(HashMap<String, NodeIndex>);

impl Ends {
    fn new(nodes: &[RawNode]) -> Result<Self, TopologyError> {
        let mut known = HashMap::with_capacity(nodes.len());
        for (position, node) in nodes.iter().enumerate() {
            if known.insert(node.id.clone(), NodeIndex::new(position)).is_some() {
                return Err(TopologyError::Duplicate { what: "node", id: node.id.clone() });
            }
        }
        Ok(Self(known))
    }

    fn find(&self, id: &str, subject: impl Fn() -> String) -> Result<NodeIndex, TopologyError> {
        let unknown = || TopologyError::UnknownEndpoint { subject: subject(), node: clipped(id) };
        self.0.get(id).copied().ok_or_else(unknown)
    }
}

/// A link with ends that exist.
struct Wire {
    id: String,
    source: NodeIndex,
    target: NodeIndex,
    attributes: Attributes,
}

/// The links that are left when loops are dropped and opposite ones paired, each with an id.
fn wires(raw: Vec<RawLink>, is_directed: bool, ends: &Ends, notes: &mut Notes) -> Result<Vec<Wire>, TopologyError> {
    let stated = raw.iter().filter_map(|link| Some(link.attributes.text(&["id"])?.1.to_owned()));
    let taken: HashSet<String> = stated.collect();
    let mut wires: Vec<Wire> = Vec::with_capacity(raw.len());
    let mut unpaired: HashMap<(NodeIndex, NodeIndex), VecDeque<usize>> = HashMap::new();
    for (position, link) in raw.into_iter().enumerate() {
        let subject = || format!("link {position} ({} to {})", clipped(&link.source), clipped(&link.target));
        let (source, target) = (ends.find(&link.source, subject)?, ends.find(&link.target, subject)?);
        let id = match link.attributes.text(&["id"]) {
            Some((_, id)) => id.to_owned(),
            None => {
                let id = numbered(position, &taken);
                notes.add(Quantity::LinkId, "L and its position, as it has no id", &id);
                id
            }
        };
        if source == target {
            notes.add(Quantity::Omission, "a link from a node to itself carries nothing", &id);
            continue;
        }
        if is_directed {
            if let Some(pair) = unpaired.get_mut(&(target, source)).and_then(VecDeque::pop_front) {
                let pair = wires.get(pair).map_or("", |wire| wire.id.as_str());
                notes.add(Quantity::Direction, "the way back of another link, whose values hold for both ways", pair);
                continue;
            }
            unpaired.entry((source, target)).or_default().push_back(wires.len());
        }
        wires.push(Wire { id, source, target, attributes: link.attributes });
    }
    let mut one_way: Vec<usize> = unpaired.into_values().flatten().collect();
    one_way.sort_unstable();
    for wire in one_way.into_iter().filter_map(|position| wires.get(position)) {
        notes.add(Quantity::Direction, "one-way in the file, read as two-way", &wire.id);
    }
    Ok(wires)
}

fn numbered(position: usize, taken: &HashSet<String>) -> String {
    let mut id = format!("L{position}");
    while taken.contains(&id) {
        id.push('_');
    }
    id
}

fn nodes(raw: Vec<RawNode>, wires: &[Wire], notes: &mut Notes) -> Result<Vec<Node>, TopologyError> {
    let mut degrees = vec![0_usize; raw.len()];
    for end in wires.iter().flat_map(|wire| [wire.source, wire.target]) {
        if let Some(degree) = degrees.get_mut(end.index()) {
            *degree += 1;
        }
    }
    let nodes = raw.into_iter().zip(degrees).map(|(node, degree)| check_node(node, degree, notes));
    let mut nodes = nodes.collect::<Result<Vec<_>, _>>()?;
    // One point off the globe tells that all are positions in a drawing.
    let is_off = |node: &Node| node.latitude.is_some_and(|y| y.abs() > 90.0) || node.longitude.is_some_and(|x| x.abs() > 180.0);
    if nodes.iter().any(is_off) {
        for node in &mut nodes {
            (node.latitude, node.longitude) = (None, None);
            notes.add(Quantity::Omission, "coordinates off the globe are those of a drawing", &node.id);
        }
    }
    Ok(nodes)
}

fn check_node(raw: RawNode, degree: usize, notes: &mut Notes) -> Result<Node, TopologyError> {
    let RawNode { id, attributes } = raw;
    let subject = || format!("node `{}`", clipped(&id));
    let latitude = attributes.number(&["latitude", "lat"], &COORDINATE, subject)?;
    let longitude = attributes.number(&["longitude", "lon", "lng", "long"], &COORDINATE, subject)?;
    let capacity_mbps = attributes.number(&["capacity_mbps"], &CAPACITY, subject)?;
    let label = attributes.text(&["label", "name"]).map_or_else(|| id.clone(), |(_, label)| label.to_owned());
    let stated = attributes.text(&["kind", "role"]).and_then(|(_, kind)| match kind.to_uppercase().as_str() {
        "CORE" => Some(NodeKind::Core),
        "AGG" | "AGGREGATION" => Some(NodeKind::Aggregation),
        "EDGE" => Some(NodeKind::Edge),
        _ => None,
    });
    let kind = stated.unwrap_or_else(|| kind_of(degree, &id, notes));
    let site = match attributes.text(&["site"]) {
        Some((_, site)) => site.to_owned(),
        None => {
            notes.add(Quantity::Site, "its label, or its id if it has none", &id);
            label.clone()
        }
    };
    Ok(Node { id, label, latitude, longitude, site, kind, capacity_mbps })
}

/// The links, and whether any capacity is stated, of a link or of both its nodes.
fn links(
    wires: Vec<Wire>,
    nodes: &[Node],
    settings: &DerivationSettings,
    notes: &mut Notes,
) -> Result<(Vec<Link>, bool), TopologyError> {
    let partials = wires.iter().map(|wire| partial(wire, nodes)).collect::<Result<Vec<_>, _>>()?;
    let says_capacity = partials.iter().any(|link| link.capacity_mbps.is_some() || link.node_capacities.is_some());
    let median = derive::median(partials.iter().filter_map(|partial| partial.capacity_mbps).collect());
    let complete = |(wire, partial): (Wire, Partial)| {
        let subject = || format!("link `{}`", clipped(&wire.id));
        Ok(Link {
            source: wire.source,
            target: wire.target,
            capacity_mbps: capacity_of(&partial, median, notes),
            latency_ms: latency_of(&partial, settings, notes),
            utilisation: wire.attributes.number(&["utilisation", "utilization"], &SHARE, subject)?,
            id: partial.id,
        })
    };
    let links = wires.into_iter().zip(partials).map(complete).collect::<Result<_, _>>()?;
    Ok((links, says_capacity))
}

fn partial(wire: &Wire, nodes: &[Node]) -> Result<Partial, TopologyError> {
    let subject = || format!("link `{}`", clipped(&wire.id));
    let number = |names: &[&'static str], allowed| wire.attributes.number(names, allowed, subject);
    let mbps = number(&["capacity_mbps", "bandwidth_mbps", "capacity", "bandwidth"], &CAPACITY)?;
    let speed = number(&["linkspeedraw"], &SPEED)?;
    let ends = [wire.source, wire.target].map(|end| nodes.get(end.index()));
    let both = |of: fn(&Node) -> Option<f64>| Some([ends[0].and_then(of)?, ends[1].and_then(of)?]);
    let latitudes = both(|node| node.latitude);
    let places = latitudes.zip(both(|node| node.longitude));
    Ok(Partial {
        id: wire.id.clone(),
        latency_ms: number(&["latency_ms", "latency", "delay_ms", "delay"], &LATENCY)?,
        length_km: number(&["distance_km", "dist", "distance", "length_km", "length"], &LENGTH)?,
        capacity_mbps: mbps.or(speed.map(|bps| bps / 1e6)),
        places: places.map(|(latitudes, longitudes)| [(latitudes[0], longitudes[0]), (latitudes[1], longitudes[1])]),
        node_capacities: both(|node| node.capacity_mbps),
        // Kinds are ordered from core to edge.
        kind: ends.into_iter().flatten().map(|node| node.kind).max().unwrap_or(NodeKind::Edge),
    })
}

fn demands(raw: Vec<RawDemand>, ends: &Ends, notes: &mut Notes) -> Result<Vec<Demand>, TopologyError> {
    let stated = raw.iter().filter_map(|demand| Some(demand.attributes.text(&["id"])?.1.to_owned()));
    let mut ids = FlowIds { stated: stated.collect(), given: HashMap::new() };
    let mut demands = Vec::with_capacity(raw.len());
    let mut total_mbps = 0.0;
    for demand in raw {
        let RawDemand { source, target, attributes } = demand;
        let subject = || format!("demand `{}` to `{}`", clipped(&source), clipped(&target));
        let mbps = attributes.number(&["mbps", "demand_mbps", "demand", "rate"], &RATE, subject)?;
        let mbps = mbps.ok_or_else(|| TopologyError::Missing { subject: subject(), attribute: "mbps" })?;
        let (from, to) = (ends.find(&source, subject)?, ends.find(&target, subject)?);
        let id = match attributes.text(&["id"]) {
            Some((_, id)) => id.to_owned(),
            None => ids.next(gravity::flow_id(&source, &target)),
        };
        if from == to || mbps < 1e-6 {
            notes.add(Quantity::Omission, "a demand of nothing, or of a node on itself", &id);
            continue;
        }
        let is_critical = attributes.text(CRITICAL).is_some_and(|(_, said)| said == "true" || said == "1");
        total_mbps += mbps;
        demands.push(Demand { id, source: from, target: to, mbps, is_critical });
    }
    if total_mbps > LARGEST_TOTAL_MBPS {
        let limit = LARGEST_TOTAL_MBPS as usize;
        return Err(TopologyError::TooLarge { what: "Mbps of demand", found: total_mbps as usize, limit });
    }
    Ok(demands)
}

/// Ids for demands that state none.
struct FlowIds {
    stated: HashSet<String>,
    /// How often an id has been given out, under its own name or with a number.
    given: HashMap<String, usize>,
}

impl FlowIds {
    /// The id, or the next of `id_2`, `id_3`, … that no demand states.
    fn next(&mut self, id: String) -> String {
        let given = self.given.entry(id.clone()).or_default();
        loop {
            *given += 1;
            let free = if *given == 1 { id.clone() } else { format!("{id}_{given}") };
            if !self.stated.contains(&free) {
                return free;
            }
        }
    }
}
