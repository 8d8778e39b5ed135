#!/usr/bin/env python3
"""Markdown tables of a results folder. usage: report.py RESULTS_DIR DATA_DIR"""
import json, os, statistics, sys

results, data = sys.argv[1:]
STAGES = {"product": ["ingestion", "preprocessing", "signals", "datamarts"]}
NAMES = {"product": "lakehouse"}


def load(name):
    path = f"{results}/{name}.jsonl"
    return [json.loads(line) for line in open(path)] if os.path.exists(path) else []


def by(rows, *keys):
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return groups


def median(rows, value):
    return statistics.median(value(row) for row in rows)


def table(head, rows):
    print("| " + " | ".join(head) + " |\n|" + "---|" + "---:|" * (len(head) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def pipeline(rows):
    with open(f"{data}/transactions_data.csv", "rb") as file:
        transactions = sum(1 for _ in file) - 1
    megabytes = sum(os.path.getsize(f"{data}/{name}") for name in os.listdir(data)) / 1e6
    peers = by(rows, "peer")
    ours = peers.get(("product",))
    rounds = max(row["round"] for row in rows) + 1
    print(f"### Pipeline: {transactions:,} transactions, {megabytes:.0f} MB of files, bronze included for lakehouse only (median of {rounds})\n")
    lines = []
    for (peer,), runs in peers.items():
        wall = median(runs, lambda run: run["wall_s"])
        ratio = f"{wall / median(ours, lambda run: run['wall_s']):.2f}" if ours else ""
        lines.append([NAMES.get(peer, peer), f"{wall:.2f}", ratio, f"{transactions / wall:,.0f}", f"{median(runs, lambda run: run['cpu_s']):.1f}",
                      f"{median(runs, lambda run: run['rss_mb']):.0f}", f"{median(runs, lambda run: run['out_mb']):.0f}"])
    table(["program", "wall s", "× lakehouse", "rows/s", "cpu s", "peak RSS MiB", "written MB"], lines)
    if ours:
        seconds = {stage: median(ours, lambda run: run["stages"][stage]) for stage in STAGES["product"]}
        table(["lakehouse stage", "seconds", "transactions/s"], [[stage, f"{s:.2f}", f"{transactions / s:,.0f}"] for stage, s in seconds.items()])


def again(rows):
    first = rows[0]["wall_s"]
    print("### Running again\n")
    table(["run", "wall s", "share of the first", "rows written"],
          [[row["run"], f"{row['wall_s']:.2f}", f"{row['wall_s'] / first:.0%}", f"{row['rows_written']:,}"] for row in rows])


def score(rows):
    print("### Scoring over HTTP: `POST /predict`, wrk with one thread on the same machine\n")
    lines = []
    for (load_name, server), runs in sorted(by(rows, "load", "server").items(), key=lambda item: (item[0][0], -median(item[1], lambda run: run["rps"]))):
        constant = by(rows, "load", "server").get((load_name, "axum const, 1 thread"))
        rate = median(runs, lambda run: run["rps"])
        share = f"{rate / median(constant, lambda run: run['rps']):.2f}" if constant else ""
        lines.append([NAMES.get(server, server), load_name, f"{rate:,.0f}", share, f"{median(runs, lambda run: run['p50_ms']):.2f}",
                      f"{median(runs, lambda run: run['p99_ms']):.2f}", f"{median(runs, lambda run: run['cpu_us_per_req']):.0f}",
                      f"{median(runs, lambda run: run['pss_mb']):.0f}", str(sum(run["bad"] for run in runs))])
    table(["server", "load", "requests/s", "× axum const", "P50 ms", "P99 ms", "cpu µs/request", "memory MiB", "bad"], lines)


def latency(rows):
    print("### Scoring in process, one request at a time\n")
    lines = [[f"{row['request']}, `{row['path']}`", f"{row['requests']:,}", *(f"{row[key]:.1f}" for key in ("p50_us", "p99_us", "p999_us"))] for row in rows]
    table(["request", "requests", "P50 µs", "P99 µs", "P99.9 µs"], lines)


def api(rows):
    parts = {part: group for (part,), group in by(rows, "part").items()}
    for part, title in (("lookup", "Lookups by key"), ("unchanged", "Lookups of what has not changed (304), beside the constant")):
        groups = by(parts.get(part, []), "connections", "server")
        print(f"### {title}: wrk with one thread on the same machine\n")
        lines = []
        for (connections, server), runs in sorted(groups.items(), key=lambda item: (-item[0][0], -median(item[1], lambda run: run["rps"]))):
            rate = median(runs, lambda run: run["rps"])
            share = rate / max(median(groups[connections, "axum constant"], lambda run: run["rps"]), 1e-9)
            values = [f"{median(runs, lambda run: run[key]):.2f}" for key in ("p50_ms", "p99_ms", "p999_ms")]
            lines.append([server, str(connections), f"{rate:,.0f}", f"{share:.2f}", *values, f"{median(runs, lambda run: run['cpu_us']):.0f}",
                          f"{max(run['peak_mib'] for run in runs):.0f}", str(sum(run["bad"] for run in runs))])
        table(["server", "connections", "requests/s", "× axum constant", "P50 ms", "P99 ms", "P99.9 ms", "cpu µs/request", "peak MiB", "bad"], lines)
    print("### An aggregate over silver, one request at a time\n")
    groups = by(parts.get("aggregate", []), "server")
    duckdb = median(groups["DuckDB, in process",], lambda run: run["seconds"])
    lines = [[server, f"{(s := median(runs, lambda run: run['seconds'])) * 1e3:.1f}", f"{s / duckdb:.2f}", f"{min(run['seconds'] for run in runs) * 1e3:.1f}"]
             for (server,), runs in groups.items()]
    table(["server", "median ms", "× DuckDB", "best ms"], lines)
    print("### A long Arrow stream\n")
    lines = [[server, f"{max(run['mb'] for run in runs):,.0f}", f"{median(runs, lambda run: run['mb_s']):,.0f}", f"{median(runs, lambda run: run['idle_mib']):.0f}",
              f"{max(run['peak_mib'] for run in runs):.0f}", f"{max(run['peak_mib'] - run['idle_mib'] for run in runs):.0f}"]
             for (server,), runs in by(parts.get("stream", []), "server").items()]
    table(["server", "MB", "MB/s", "MiB before", "peak MiB", "more MiB"], lines)


for name, show in (("pipeline", pipeline), ("again", again), ("latency", latency), ("score", score), ("api", api)):
    rows = load(name)
    if rows:
        show(rows)
