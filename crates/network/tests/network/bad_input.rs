//! Files that are no network: each is refused with what is wrong and where, none brings the reader down.

use std::fs;

use lakehouse_network::topology::{DerivationSettings, TopologyFormat, read_topology};
use proptest::prelude::*;

use crate::support::real_folder;

fn error(json: &str) -> String {
    read_topology(json.as_bytes(), TopologyFormat::Json, &DerivationSettings::default()).unwrap_err().to_string()
}

/// Two nodes, and a link and a demand with these attributes.
fn pair(link: &str, demand: &str) -> String {
    format!(
        r#"{{"nodes": [{{"id": "a"}}, {{"id": "b"}}], "links": [{{"id": "ab", "src": "a", "dst": "b"{link}}}],
            "demands": [{{"source": "a", "target": "b", "mbps": 1{demand}}}]}}"#
    )
}

#[test]
fn numbers_that_cannot_be_are_refused_by_name() {
    for (attribute, expected) in [
        (r#""utilisation": -0.1"#, "`utilisation` of link `ab`: -0.1 is not a share between 0 and 1"),
        (r#""utilisation": 70"#, "70 is not a share between 0 and 1 (divide percentages by 100)"),
        (r#""utilisation": "NaN""#, "NaN is not a share"),
        (r#""latency_ms": "inf""#, "inf is not a latency of 0 to 1,000,000 ms"),
        (r#""latency": -1"#, "`latency` of link `ab`: -1"),
        (r#""dist": "far""#, "`dist` of link `ab`: `far` is no number"),
        (r#""capacity": 0"#, "0 is not a capacity above 0"),
        (r#""bandwidth_mbps": -5"#, "-5 is not a capacity above 0"),
        (r#""linkspeedraw": 1e99"#, "is not a speed above 0"),
    ] {
        let found = error(&pair(&format!(", {attribute}"), ""));
        assert!(found.contains(expected), "{attribute}: {found}");
    }
    for (attribute, expected) in [("-3", "-3 is not a rate"), ("\"nan\"", "NaN is not a rate"), ("1e300", "is not a rate")] {
        let text = pair("", "").replace("\"mbps\": 1", &format!("\"mbps\": {attribute}"));
        assert!(error(&text).contains(expected), "{}", error(&text));
    }
    let nodes = r#"{"nodes": [{"id": "a", "latitude": "NaN", "longitude": 1}], "links": []}"#;
    assert!(error(nodes).contains("`latitude` of node `a`: NaN is not a finite coordinate"));
}

#[test]
fn ids_that_clash_or_lead_nowhere_are_refused() {
    for (text, expected) in [
        (r#"{"nodes": [], "links": []}"#, "failed to find a node"),
        (r#"{"nodes": [{"id": 1}, {"id": "1"}], "links": []}"#, "two nodes apart: both have the id `1`"),
        (r#"{"nodes": [{"id": 1}], "links": [{"source": 1, "target": 9}]}"#, "link 0 (1 to 9): there is no node `9`"),
        (
            r#"{"nodes": [{"id": 1}, {"id": 2}], "links": [{"id": "x", "source": 1, "target": 2}, {"id": "x", "source": 2, "target": 1}]}"#,
            "two links apart: both have the id `x`",
        ),
    ] {
        assert!(error(text).contains(expected), "{}", error(text));
    }
    let unknown = pair("", "").replace(r#""target": "b""#, r#""target": "c""#);
    assert!(error(&unknown).contains("demand `a` to `c`: there is no node `c`"));
    let twice = pair("", r#", "id": "f"}, {"source": "b", "target": "a", "mbps": 1, "id": "f""#);
    assert!(error(&twice).contains("two demands apart: both have the id `f`"));
    assert!(error(&pair("", "").replace(", \"mbps\": 1", "")).contains("has no `mbps`"));
}

#[test]
fn too_much_is_refused_before_it_is_built() {
    let nodes: Vec<String> = (0..50_001).map(|id| format!(r#"{{"id":{id}}}"#)).collect();
    let found = error(&format!(r#"{{"nodes": [{}], "links": []}}"#, nodes.join(",")));
    assert!(found.contains("50001 nodes: at most 50000 are supported"), "{found}");
}

#[test]
fn settings_that_cannot_be_are_refused() {
    for settings in [
        DerivationSettings { default_latency_ms: f64::NAN, ..Default::default() },
        DerivationSettings { busiest_utilisation: 0.0, ..Default::default() },
    ] {
        let refused = read_topology(pair("", "").as_bytes(), TopologyFormat::Json, &settings).unwrap_err();
        assert!(refused.to_string().starts_with("failed to derive what the file does not state"), "{refused}");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_or_read_as_latin_1() {
    let settings = DerivationSettings::default();
    let gml = b"graph [ node [ id 1 label \"M\xfcnchen\" ] ]";
    let topology = read_topology(gml, TopologyFormat::Gml, &settings).unwrap();
    assert_eq!(topology.nodes().next().unwrap().label, "München");
    for format in [TopologyFormat::Gml, TopologyFormat::GraphMl, TopologyFormat::Json] {
        for bytes in [&b""[..], b"\xff\xfe\x00", &[0; 64], b"[[[[[[[[", b"<a><b><c>", b"{\"nodes\":"] {
            assert!(read_topology(bytes, format, &settings).is_err());
        }
    }
}

/// A damage: cut out, put in, or overwrite.
#[derive(Debug, Clone)]
enum Damage {
    Cut(prop::sample::Index, usize),
    Insert(prop::sample::Index, Vec<u8>),
    Overwrite(prop::sample::Index, u8),
    Repeat(prop::sample::Index, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<prop::sample::Index>;
    let words =
        prop::sample::select(vec!["NaN", "-1", "1e999", "[", "]", "{", "}", "\"", "<", "&#x0;", "null", "id", "0", ",", "\\"]);
    let text = prop_oneof![words.prop_map(|word| word.as_bytes().to_vec()), prop::collection::vec(any::<u8>(), 1..6)];
    prop_oneof![
        (at(), 1..400_usize).prop_map(|(at, length)| Damage::Cut(at, length)),
        (at(), text).prop_map(|(at, text)| Damage::Insert(at, text)),
        (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Overwrite(at, byte)),
        (at(), 1..200_usize).prop_map(|(at, length)| Damage::Repeat(at, length)),
    ]
}

fn damaged(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        if bytes.is_empty() {
            break;
        }
        match damage {
            Damage::Cut(at, length) => {
                let at = at.index(bytes.len());
                bytes.drain(at..(at + length).min(bytes.len()));
            }
            Damage::Insert(at, text) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, text.iter().copied());
            }
            Damage::Overwrite(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Damage::Repeat(at, length) => {
                let at = at.index(bytes.len());
                let again = bytes[at..(at + length).min(bytes.len())].to_vec();
                bytes.splice(at..at, again);
            }
        }
    }
    bytes
}

fn originals() -> Vec<(TopologyFormat, Vec<u8>)> {
    let real = |path: &str| -> Vec<u8> { fs::read(real_folder().join(path)).unwrap() };
    vec![
        (TopologyFormat::Gml, real("topozoo/Abilene.gml")),
        (TopologyFormat::Json, real("sndlib/polska.json")),
        (TopologyFormat::Gml, include_bytes!("../golden/square.gml").to_vec()),
        (TopologyFormat::GraphMl, include_bytes!("../golden/square.graphml").to_vec()),
        (TopologyFormat::Json, include_bytes!("../golden/square.json").to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is read although it was damaged is a network all the same: it routes, and what it says is finite.
    #[test]
    fn damaged_files_never_bring_the_reader_down(which in 0..5_usize, damages in prop::collection::vec(damage(), 1..5)) {
        let (format, bytes) = originals().swap_remove(which);
        let bytes = damaged(bytes, &damages);
        if let Ok(topology) = read_topology(&bytes, format, &DerivationSettings::default()) {
            let routing = lakehouse_network::routing::Routing::nominal(&topology);
            let links_make_sense = topology.links().all(|link| link.capacity_mbps > 0.0 && link.latency_ms.is_finite());
            let flows_have_a_way_or_none = topology.demands().iter().enumerate().all(|(index, demand)| {
                demand.mbps > 0.0 && routing.route(index).is_none_or(|route| route.links().len() > 0)
            });
            prop_assert!(links_make_sense && flows_have_a_way_or_none);
        }
    }
}
