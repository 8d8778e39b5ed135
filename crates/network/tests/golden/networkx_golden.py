"""Expected shortest routes, maximum flows and betweenness of real graphs, computed by networkx 3.6.1, and one small
made-up network in the formats networkx writes.

    pip install networkx==3.6.1
    python networkx_golden.py FOLDER_OF_REAL_GRAPHS

writes one small JSON file per graph beside this script. The graphs themselves are not copied. Latency and capacity are
derived here by the same stated rules, independently of the Rust code: latency from the stated length at two thirds of the
speed of light, to a tenth of a microsecond and at least 0.01 ms; capacity by the lesser kind of both nodes, a kind being
given by the number of links.
"""

import json
import sys
from itertools import islice
from pathlib import Path

import networkx as nx

GRAPHS = ["topozoo/Abilene", "sndlib/abilene", "topozoo/Geant2012", "sndlib/geant"]
KM_PER_MS = 299_792.458 / 1_000 * 2 / 3
CAPACITY_BY_RANK = [40_000, 10_000, 2_500]


def rank(degree: int) -> int:
    return 2 if degree <= 1 else 1 if degree <= 3 else 0


def load(path: Path) -> nx.Graph:
    data = json.loads(path.read_text())
    graph = nx.Graph()
    graph.add_nodes_from(str(node["id"]) for node in data["nodes"])
    for edge in data["edges"]:
        ms = max(round(edge["dist"] / KM_PER_MS * 1e4) / 1e4, 0.01)
        graph.add_edge(str(edge["source"]), str(edge["target"]), nanos=round(ms * 1e6))
    for source, target, edge in graph.edges(data=True):
        edge["capacity"] = CAPACITY_BY_RANK[max(rank(graph.degree(source)), rank(graph.degree(target)))]
    return graph


def golden(graph: nx.Graph) -> dict:
    lengths = dict(nx.all_pairs_dijkstra_path_length(graph, weight="nanos"))
    nodes = list(graph.nodes)
    # Every seventh pair, so that the files stay small.
    pairs = list(islice(((s, t) for s in nodes for t in nodes if s < t), 0, None, 7))
    return {
        "networkx": nx.__version__,
        "nodes": graph.number_of_nodes(),
        "links": graph.number_of_edges(),
        "shortest_ms": [[s, t, lengths[s][t] / 1e6] for s, t in pairs],
        "max_flow_mbps": [[s, t, nx.maximum_flow_value(graph, s, t)] for s, t in pairs],
        "betweenness": nx.betweenness_centrality(graph, weight="nanos"),
        "without": without(graph, pairs[::5]),
    }


def without(graph: nx.Graph, pairs: list) -> list:
    """Shortest routes when one link is down: source and target of the link, then source, target and latency of each pair,
    null where there is no route any more. Every third link."""
    failures = []
    for source, target in list(graph.edges)[::3]:
        rest = graph.copy()
        rest.remove_edge(source, target)
        lengths = dict(nx.all_pairs_dijkstra_path_length(rest, weight="nanos"))
        routes = [[s, t, lengths[s][t] / 1e6 if t in lengths[s] else None] for s, t in pairs]
        failures.append([source, target, routes])
    return failures


def square() -> nx.MultiGraph:
    """Four nodes with all that is awkward: parallel links, a loop, quotes and umlauts, missing values."""
    graph = nx.MultiGraph(name="square")
    graph.add_node("a", label='Zürich "HB" & <west>', lat=47.378, lon=8.54)
    graph.add_node("b", lat=46.948, lon=7.4474)
    graph.add_node("c", lat=46.2044, lon=6.1432, kind="CORE")
    graph.add_node("d")
    graph.add_edge("a", "b", capacity=1000.5, latency=1.25)
    graph.add_edge("a", "b", capacity=400.0)
    graph.add_edge("b", "c", distance=130.0)
    graph.add_edge("c", "d")
    graph.add_edge("d", "a", latency=2.5, utilisation=0.25)
    graph.add_edge("d", "d", latency=9.0)
    return graph


def write_formats(folder: Path) -> None:
    graph = square()
    nx.write_gml(graph, folder / "square.gml")
    nx.write_graphml(graph, folder / "square.graphml")
    (folder / "square.json").write_text(json.dumps(nx.node_link_data(graph, edges="links"), indent=1) + "\n")


def main() -> None:
    folder = Path(sys.argv[1])
    write_formats(Path(__file__).parent)
    for name in GRAPHS:
        values = golden(load(folder / f"{name}.json"))
        lines = json.dumps(values, indent=1).replace("\n     ", " ").replace("\n    ", " ").replace("\n   ", " ").replace("\n  ]", " ]")
        out = Path(__file__).with_name(name.replace("/", "_") + ".json")
        out.write_text(lines + "\n")
        print(out.name, values["nodes"], values["links"], len(values["shortest_ms"]))


if __name__ == "__main__":
    main()
