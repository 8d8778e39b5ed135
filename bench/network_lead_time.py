#!/usr/bin/env python3
"""How many incidents are announced, and how long before they begin, at the same rate of alerts for every family.

    bench/network_lead_time.py LAKEHOUSE LAKE [--horizon 60] [--version N] [--share 0.02]

Reads the rows of `outage_60m`, or of another horizon, that were kept for testing (the last fifth) and the files of its
champion, scores the rows, and compares it with the rules of thumb. An incident is announced if a row of the same node or link up
to the horizon before it is among the alerts; the first such row gives the lead. Equal scores are ranked at random, ten times.
"""

import argparse
import csv
import io
import json
import math
import pathlib
import random
import re
import statistics
import subprocess

RULES = [("cpu_current", 0.85), ("mem_current", 0.90), ("if_util_current", 0.80), ("pkt_err_current", 0.05), ("latency_ms_current", 100.0)]
SELECT = """
select f.*, f.entity_type = 'node' as is_node, cast(f.ts as bigint) / 60000000 as minute,
  cast(o.next_incident_at as bigint) / 60000000 as incident_minute, o.minutes_to_incident
from signals.features as f
join signals.outlook as o on o.entity_type = f.entity_type and o.entity_id = f.entity_id and o.ts = f.ts
where not o.is_in_incident and (o.minutes_to_incident <= {horizon} or o.minutes_watched >= {horizon})
"""


def rows(program, lake, horizon):
    command = [program, "--log", "error", "--lake", lake, "sql", SELECT.format(horizon=horizon), "--domain", "network", "--format", "csv"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    table = list(csv.DictReader(io.StringIO(text)))
    table.sort(key=lambda row: int(row["minute"]))
    return table[int(len(table) * 0.8):]


def number(text):
    return {"": math.nan, "true": 1.0, "false": 0.0}[text] if text in ("", "true", "false") else float(text)


def document(program, lake, model, version, name):
    """A file of the model's version, by what the registry says of it."""
    command = [program, "--log", "error", "--lake", lake, "models", "show", model, *version]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    [sha256] = re.findall(rf"^file {re.escape(name)} \(.*sha256 (\w+)\)$", told, re.MULTILINE)
    return json.loads(pathlib.Path(lake, "registry", "artifacts", sha256).read_text(encoding="utf-8"))


def model_scores(program, lake, table, model, version):
    manifest, form = (document(program, lake, model, version, name) for name in ("manifest.json", "form.json"))
    matrix = [[number(row[name]) for name in manifest["outputs"]] for row in table]
    if not ("linear" in form or "forest" in form):
        raise SystemExit(f"{model} is of a family that this program cannot score: {', '.join(form)}")
    score = linear(form["linear"]) if "linear" in form else forest(form["forest"])
    return manifest["description"]["family"], [score(row) for row in matrix]


def linear(parts):
    terms = list(zip(parts["means"], parts["scales"], parts["weights"]))
    return lambda row: sum((value - mean) / scale * weight for value, (mean, scale, weight) in zip(row, terms) if not math.isnan(value))


def forest(flat):
    feature, threshold, left, right = flat["feature"], flat["threshold"], flat["left"], flat["right"]

    def leaf(row, node):
        while left[node]:
            value = row[feature[node]]
            goes_left = flat["missing_left"][node] if math.isnan(value) else value < threshold[node]
            node = left[node] if goes_left else right[node]
        return flat["value"][node]

    return lambda row: sum(leaf(row, root) for root in flat["roots"])


def rule_score(row):
    violations = sum(number(row[name]) > limit for name, limit in RULES)
    risen = any(number(row[f"cpu_change_{window}m"]) > 0.2 for window in (5, 15, 30))
    return [0.1, 0.4, 0.7, 0.95][min(violations, 3)] + 0.1 * risen


def report(name, scores, table, horizon, share):
    incidents, announced, leads = {}, [], []
    for place, row in enumerate(table):
        if row["minutes_to_incident"] and float(row["minutes_to_incident"]) <= horizon:
            key = (row["entity_type"], row["entity_id"], row["incident_minute"])
            incidents.setdefault(key, []).append((float(row["minutes_to_incident"]), place))
    for seed in range(10):
        draw = random.Random(seed)
        order = sorted(range(len(scores)), key=lambda place: (-scores[place], draw.random()))
        alerts = set(order[: int(len(scores) * share)])
        found = [max((lead for lead, place in rows if place in alerts), default=0.0) for rows in incidents.values()]
        announced.append(sum(lead > 0 for lead in found) / len(found))
        leads.append(statistics.median([lead for lead in found if lead > 0] or [0.0]))
    mean = statistics.mean
    print(f"- {name}: {mean(announced):.1%} of {len(incidents)} incidents announced, median lead {mean(leads):.0f} minutes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the lakehouse program")
    parser.add_argument("lake", help="the folder of the lake")
    parser.add_argument("--horizon", type=int, default=60, help="minutes: 15 or 60")
    parser.add_argument("--version", help="another version than the champion")
    parser.add_argument("--share", type=float, default=0.02, help="the share of rows that are alerts")
    given = parser.parse_args()
    horizon, share = given.horizon, given.share
    table = rows(given.program, given.lake, horizon)
    print(f"{len(table)} test rows, {share:.1%} of them alerts, {horizon} minutes:\n")
    report("rules", [rule_score(row) for row in table], table, horizon, share)
    version = [given.version] if given.version else []
    family, scores = model_scores(given.program, given.lake, table, f"outage_{horizon}m", version)
    report(family, scores, table, horizon, share)


if __name__ == "__main__":
    main()
