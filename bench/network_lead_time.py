#!/usr/bin/env python3
"""How many incidents are announced, and how long before they begin, at the same rate of alerts for every family.

    bench/network_lead_time.py LAKEHOUSE LAKE [alert share]

Reads the rows of `outage_60m` that were kept for testing (the last fifth) and the champion's own files, scores the rows, and
compares the champion with the rules of thumb. An incident is announced if a row of the same node or link up to 60
minutes before it is among the alerts; the first such row gives the lead. Equal scores are ranked at random, ten times.
"""

import csv
import glob
import io
import json
import math
import random
import statistics
import subprocess
import sys

RULES = [("cpu_current", 0.85), ("mem_current", 0.90), ("if_util_current", 0.80), ("pkt_err_current", 0.05), ("latency_ms_current", 100.0)]
SELECT = """
select f.*, f.entity_type = 'node' as is_node, cast(f.ts as bigint) / 60000000 as minute,
  cast(o.next_incident_at as bigint) / 60000000 as incident_minute, o.minutes_to_incident
from signals.features as f
join signals.outlook as o on o.entity_type = f.entity_type and o.entity_id = f.entity_id and o.ts = f.ts
where not o.is_in_incident and (o.minutes_to_incident <= 60 or o.minutes_watched >= 60)
"""


def rows(program, lake):
    command = [program, "--lake", lake, "sql", SELECT, "--domain", "network", "--format", "csv"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    table = list(csv.DictReader(io.StringIO(text)))
    table.sort(key=lambda row: int(row["minute"]))
    return table[int(len(table) * 0.8):]


def number(text):
    return {"": math.nan, "true": 1.0, "false": 0.0}[text] if text in ("", "true", "false") else float(text)


def documents(lake):
    for path in sorted(glob.glob(f"{lake}/registry/artifacts/*")):
        try:
            yield path, json.load(open(path, encoding="utf-8"))
        except ValueError:
            continue


def champion_scores(lake, table):
    is_ours = lambda one: isinstance(one, dict) and one.get("description", {}).get("model") == "outage_60m"
    manifest = next((one for _, one in documents(lake) if is_ours(one)), None) or sys.exit("no model is called outage_60m in this lake")
    form = next(one for path, one in documents(lake) if path.endswith(manifest["form_sha256"]))
    matrix = [[number(row[name]) for name in manifest["outputs"]] for row in table]
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


def report(name, scores, table, share):
    incidents, announced, leads = {}, [], []
    for place, row in enumerate(table):
        if row["minutes_to_incident"] and float(row["minutes_to_incident"]) <= 60:
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
    print(f"{name}: {mean(announced):.1%} of {len(incidents)} incidents announced, median lead {mean(leads):.0f} minutes")


def main():
    program, lake = sys.argv[1:3]
    share = float(sys.argv[3]) if len(sys.argv) > 3 else 0.02
    table = rows(program, lake)
    print(f"{len(table)} test rows, {share:.1%} of them alerts")
    report("rules", [rule_score(row) for row in table], table, share)
    report(*champion_scores(lake, table), table, share)


if __name__ == "__main__":
    main()
