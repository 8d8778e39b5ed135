//! The course of a sample, tick by tick.

use std::io;

use super::{
    GenerateError, IncidentRow, NetworkSample, Record,
    episodes::{Changes, Episodes},
    firewall::Firewalls,
    load::{SiteLoads, Sites, Traffic},
    vitals::Vitals,
};
use crate::{
    Topology,
    routing::{Conditions, NodeState},
};

/// The utilisation, in ten-thousandths, from which a link may follow an outage, and from which it may fail by itself.
const STRAINED: i64 = 8_500;
const OVERLOADED: i64 = 9_500;

/// Percent of strained links and of neighbours that follow an outage.
const STRAINED_FOLLOW: u64 = 60;
const NEIGHBOURS_FOLLOW: u64 = 10;

/// Hands over the rows of a sample, forward in time: in each tick incidents, nodes, links, firewall lines.
///
/// # Errors
///
/// If an argument is out of its range, or the receiver refuses a row.
pub fn stream_network(
    sample: &NetworkSample,
    topology: &Topology,
    mut receive: impl FnMut(&Record<'_>) -> io::Result<()>,
) -> Result<(), GenerateError> {
    run(sample, topology, |record| receive(record).map_err(GenerateError::Sink)).map(|_| ())
}

/// As [`stream_network`], with errors as the receiver makes them; tells how many symptoms led to nothing.
pub(super) fn run(
    sample: &NetworkSample,
    topology: &Topology,
    mut receive: impl FnMut(&Record<'_>) -> Result<(), GenerateError>,
) -> Result<u64, GenerateError> {
    sample.check()?;
    let first = sample.first_minute()?;
    let mut world = World::new(sample, topology);
    for tick in 0..sample.ticks() {
        let minute = first + i64::from(tick) * i64::from(sample.freq_min);
        let struck = world.advance(tick, minute);
        for element in struck {
            if let Some(incident) = world.incident(element, minute) {
                receive(&Record::Incident(incident))?;
            }
        }
        world.report(tick, minute, &mut receive)?;
    }
    Ok(world.episodes.false_alarms)
}

struct World<'a> {
    topology: &'a Topology,
    freq_min: u32,
    sites: Sites,
    loads: SiteLoads,
    traffic: Traffic,
    episodes: Episodes,
    vitals: Vitals<'a>,
    firewalls: Firewalls,
}

impl<'a> World<'a> {
    fn new(sample: &NetworkSample, topology: &'a Topology) -> Self {
        let sites = Sites::new(topology);
        let traffic = Traffic::new(topology, &sites, &Conditions::nominal(topology));
        Self {
            topology,
            freq_min: sample.freq_min,
            loads: SiteLoads::new(sample.seed, sites.names.len()),
            episodes: Episodes::new(sample, topology.nodes().len(), topology.links().len()),
            vitals: Vitals::new(sample.seed, topology, &traffic),
            firewalls: Firewalls::new(sample, &sites),
            sites,
            traffic,
        }
    }

    fn nodes(&self) -> usize {
        self.topology.nodes().len()
    }

    fn links(&self) -> usize {
        self.topology.links().len()
    }

    /// Lets a tick happen; returns the nodes and links whose incident begins.
    fn advance(&mut self, tick: u32, minute: i64) -> Vec<usize> {
        self.loads.advance(minute, self.freq_min);
        let Changes { struck, outages } = self.episodes.advance(tick);
        if outages {
            self.traffic = Traffic::new(self.topology, &self.sites, &self.conditions());
        }
        self.traffic.follow(&self.loads);
        for element in struck.iter().filter(|element| self.episodes.is_out(**element)).copied().collect::<Vec<_>>() {
            self.spread(element, tick);
        }
        for link in 0..self.links() {
            if self.vitals.utilisation(link, &self.traffic) >= OVERLOADED {
                self.episodes.overload(self.nodes() + link, tick);
            }
        }
        struck
    }

    /// Everything as usual, without what is out.
    fn conditions(&self) -> Conditions {
        let mut conditions = Conditions::nominal(self.topology);
        for (node, state) in conditions.nodes.iter_mut().enumerate() {
            if self.episodes.is_out(node) {
                *state = NodeState::Down;
            }
        }
        for (link, capacity) in conditions.capacity_bps.iter_mut().enumerate() {
            if self.episodes.is_out(self.nodes() + link) {
                *capacity = 0;
            }
        }
        conditions
    }

    /// Lets links that are strained now, and neighbours of a node that is out, follow an outage.
    fn spread(&mut self, element: usize, tick: u32) {
        let Some(cause) = self.episodes.get(element).and_then(|episode| episode.incident) else { return };
        for link in 0..self.links() {
            let is_strained = self.vitals.utilisation(link, &self.traffic) >= STRAINED;
            if is_strained && self.episodes.percent(STRAINED_FOLLOW) {
                self.episodes.follow(self.nodes() + link, tick, cause);
            }
        }
        if element < self.nodes() {
            for arc in self.topology.fabric().arcs(element) {
                if self.episodes.percent(NEIGHBOURS_FOLLOW) {
                    self.episodes.follow(arc.to as usize, tick, cause);
                }
            }
        }
    }

    fn incident(&self, element: usize, minute: i64) -> Option<IncidentRow<'a>> {
        let episode = self.episodes.get(element)?;
        let link = element.checked_sub(self.nodes());
        let node = self.topology.graph().raw_nodes().get(element).map(|node| node.weight.id.as_str());
        let link = link.and_then(|link| self.topology.graph().raw_edges().get(link));
        Some(IncidentRow {
            incident_id: episode.incident?,
            minute,
            end_minute: minute + i64::from(episode.ends - episode.strikes) * i64::from(self.freq_min),
            node_id: node,
            link_id: link.map(|link| link.weight.id.as_str()),
            severity: episode.severity,
            caused_by: episode.caused_by,
            precursor_min: (episode.strikes - episode.begins) * self.freq_min,
        })
    }

    fn report(
        &mut self,
        tick: u32,
        minute: i64,
        receive: &mut impl FnMut(&Record<'_>) -> Result<(), GenerateError>,
    ) -> Result<(), GenerateError> {
        for node in 0..self.nodes() {
            let (factor, push) = (self.loads.factor(self.sites.of(node)), self.episodes.push(node, tick));
            if let Some(row) = self.vitals.node(node, minute, factor, &self.traffic, push) {
                receive(&Record::Node(row))?;
            }
        }
        for link in 0..self.links() {
            let element = self.nodes() + link;
            let (push, is_out) = (self.episodes.push(element, tick), self.episodes.is_out(element));
            if let Some(row) = self.vitals.link(link, minute, &self.traffic, push, is_out) {
                receive(&Record::Link(row))?;
            }
        }
        let troubled = self.troubled_sites();
        let is_troubled = |site: usize| troubled.get(site).is_some_and(|is_troubled| *is_troubled);
        self.firewalls.log(minute, &self.loads, is_troubled, |row| receive(&Record::Firewall(row)))
    }

    /// Per site, whether a node or a link that ends there has an incident.
    fn troubled_sites(&self) -> Vec<bool> {
        let mut troubled = vec![false; self.sites.names.len()];
        let has_incident = |element: usize| self.episodes.get(element).is_some_and(|episode| episode.incident.is_some());
        let nodes = (0..self.nodes()).filter(|node| has_incident(*node));
        let links = self.topology.links().enumerate().filter(|(link, _)| has_incident(self.nodes() + link));
        let ends = links.flat_map(|(_, link)| [link.source.index(), link.target.index()]);
        for node in nodes.chain(ends) {
            if let Some(is_troubled) = troubled.get_mut(self.sites.of(node)) {
                *is_troubled = true;
            }
        }
        troubled
    }
}
