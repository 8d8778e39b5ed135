#!/usr/bin/env python3
"""The datamart API against its peers, in one run: lookups by key, an aggregate, and a large answer.

    bench/api/run.py PROGRAM DATA_DIR WORK_DIR RESULT.jsonl PEERS_DIR AXUM_CONST [--rounds 3] [--seconds 10] [--stream-mb 1000]

Needs wrk, curl, psql and SERVICE_POSTGRES (scripts/services env); run by a python that has the peers' packages. The marts are made by
PROGRAM from the files of DATA_DIR; ROAPI and DuckDB read the same Parquet files, PostgreSQL has a copy of the mart. Every server is
up while another is loaded, and each has its turn in every round.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.parse

arguments = argparse.ArgumentParser()
for name in ("program", "data", "work", "result", "peers", "axum"):
    arguments.add_argument(name)
for name, default in (("--rounds", 3), ("--seconds", 10), ("--stream-mb", 1000)):
    arguments.add_argument(name, type=int, default=default)
given = arguments.parse_args()
sys.path[:0] = [given.peers, str(pathlib.Path(__file__).parent)]

import deltalake  # noqa: E402
import duckdb  # noqa: E402
import servers  # noqa: E402
from servers import MART, aggregate, get, peak_mib  # noqa: E402

HERE = pathlib.Path(__file__).parent
given.program = os.path.abspath(given.program)
work = pathlib.Path(given.work).resolve()
lake = work / "lake"
result = open(given.result, "w")


def tell(part, **row):
    print(json.dumps({"part": part, **row}), file=result, flush=True)
    print(f"# {part} {row}", file=sys.stderr)


def lakehouse(*command, **environment):
    command = [given.program, "--log", "error", "--lake", str(lake), *command]
    return subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **environment}).stdout


def parquet(table):
    """A folder with links to the files that a table's current version has."""
    source = lake / table
    folder = work / "parquet" / source.name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for number, uri in enumerate(deltalake.DeltaTable(str(source)).file_uris()):
        (folder / f"{number:04}.parquet").symlink_to(urllib.parse.unquote(uri.removeprefix("file://")))
    return folder


def with_key():
    """The service as it is beyond one machine: everybody is asked who they are, here with limits that one client does not reach."""
    limits = {f"LAKEHOUSE_ACCOUNTS__{name}": "4000000" for name in ("REQUESTS_PER_SECOND", "BURST")}
    return servers.lakehouse(given.program, str(lake), "lakehouse, with an API key", LAKEHOUSE_ACCOUNTS__REQUIRED="true", **limits)


def new_key():
    lakehouse("users", "add", f"bench_{os.getpid()}", "--role", "service", "--no-password")
    return lakehouse("keys", "add", f"bench_{os.getpid()}", "--scope", "datamarts:read", "--label", "a benchmark").split()[-1]


def publish(database, mart):
    """Copies the mart into PostgreSQL, as a peer would have it: with a key that is a number."""
    rows = duckdb.sql(f"select * replace (cast(client_id as bigint) as client_id) from read_parquet('{mart}/*.parquet')")
    kinds = {"BIGINT": "bigint", "INTEGER": "integer", "VARCHAR": "text", "BOOLEAN": "boolean"}
    columns = ", ".join(f"{name} {kinds.get(str(kind), 'double precision')}" for name, kind in zip(rows.columns, rows.types))
    rows.write_csv(str(work / "mart.csv"), header=False)
    statements = f"create table client_features ({columns}, primary key (client_id));\n\\copy client_features from '{work}/mart.csv' (format csv)\nanalyze"
    subprocess.run(["psql", "-q", database], input=statements, text=True, check=True)
    return [str(key) for (key,) in rows.select("client_id").order("client_id").fetchall()]


def wrk(server, connections, seconds):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(HERE / "lookup.lua"), f"http://127.0.0.1:{server.port}/"]
    out = subprocess.run([*command, "--", str(work / f"{server.port}.txt")], capture_output=True, text=True, check=True).stdout
    return json.loads(next(line for line in out.splitlines() if line.startswith("JSON "))[5:])


def load(kind, up, keys, headers, rounds):
    for server in up:
        lines = servers.lookups(server, keys, headers.get(server.name, {}))
        (work / f"{server.port}.txt").write_text("\n".join(lines) + "\n")
    for number in range(rounds):
        for server in up:
            for connections in (16, 1):
                wrk(server, connections, 1)
                before = server.usage()[0]
                seen = wrk(server, connections, given.seconds)
                cpu = (server.usage()[0] - before) / max(seen["requests"], 1) * 1e6
                tell(kind, server=server.name, connections=connections, round=number, rps=seen["requests"] / seen["us"] * 1e6,
                     p50_ms=seen["p50_us"] / 1e3, p99_ms=seen["p99_us"] / 1e3, p999_ms=seen["p999_us"] / 1e3, bad=seen["bad"],
                     cpu_us=cpu, peak_mib=peak_mib(server)[0])


def tags(server, keys):
    """What a client has that asked for every row before."""
    known = {key: ("if-none-match", get(server, f"/datamarts/fraud/{MART}/{key}")[0]["etag"]) for key in keys}
    try:
        get(server, f"/datamarts/fraud/{MART}/{keys[0]}", dict([known[keys[0]]]))
    except urllib.error.HTTPError as error:
        if error.code == 304:
            return known
    raise SystemExit("what has not changed is sent again")


def timed(name, run, rounds, **more):
    groups = run()
    for number in range(rounds):
        started = time.perf_counter()
        assert run() == groups
        tell("aggregate", server=name, round=number, seconds=time.perf_counter() - started, groups=groups, **more)


def stream(server, copies):
    """An Arrow stream of the silver table, so many times over, to nowhere."""
    table, kind = ("silver", "application/vnd.apache.arrow.stream") if server.name == "ROAPI" else ("silver.transactions", "application/vnd.apache.arrow.stream")
    sql = " union all ".join([f"select * from {table}"] * copies)
    path, body, sent = ("/api/sql", sql, "text/plain") if server.name == "ROAPI" else ("/sql", json.dumps({"sql": sql}), "application/json")
    command = ["curl", "-s", "-o", os.devnull, "-w", "%{http_code} %{size_download} %{time_total}", "--data-binary", "@-"]
    command += ["-H", f"content-type: {sent}", "-H", f"accept: {kind}", f"http://127.0.0.1:{server.port}{path}"]
    status, size, seconds = subprocess.run(command, input=body, capture_output=True, text=True).stdout.split()
    return int(status), int(size), float(seconds)


def streams(server, rounds):
    status, size, _ = stream(server, 1)
    assert status == 200, f"{server.name} answered {status}"
    copies = max(1, round(given.stream_mb * 1e6 / size))
    for number in range(rounds):
        _, idle = peak_mib(server, reset=True)
        status, size, seconds = stream(server, copies)
        peak, _ = peak_mib(server)
        tell("stream", server=server.name, round=number, mb=size / 1e6, mb_s=size / 1e6 / seconds, idle_mib=idle, peak_mib=peak, status=status)


def measure(database, environment):
    lakehouse("run", "fraud", "--sources", given.data, "--skip-training", "--json")
    tables = {MART: parquet(f"gold/fraud/{MART}"), "silver": parquet("silver/fraud/transactions")}
    keys = publish(database, tables[MART])
    ours = servers.lakehouse(given.program, str(lake), LAKEHOUSE_SQL__CACHE_MB="0")
    cached = servers.lakehouse(given.program, str(lake), "lakehouse, answers kept")
    fast = [servers.fastapi(app, workers, environment) for app in ("sql_app", "sql_app_async") for workers in (1, 2)]
    roapi = servers.roapi(tables)
    keyed, key = with_key(), new_key()
    up = []
    try:
        for server in (servers.constant(given.axum), ours, keyed, cached, roapi, *fast):
            up.append(server.start())
        looked_up = [server for server in up if server is not cached]
        load("lookup", looked_up, keys, {keyed.name: dict.fromkeys(keys, ("authorization", f"Bearer {key}"))}, given.rounds)
        load("unchanged", [up[0], ours], keys, {ours.name: tags(ours, keys)}, given.rounds)
        for server in (ours, cached, roapi):
            timed(server.name, lambda: aggregate(server), given.rounds * 3)
        connection = duckdb.connect()
        query = servers.AGGREGATE.format(table=f"read_parquet('{tables['silver']}/*.parquet')")
        timed("DuckDB, in process", lambda: len(connection.sql(query).fetchall()), given.rounds * 3)
        for server in (ours, roapi):
            streams(server, given.rounds)
    finally:
        for server in up:
            server.stop()


def main():
    work.mkdir(parents=True, exist_ok=True)
    service = urllib.parse.urlsplit(os.environ["SERVICE_POSTGRES"])
    name = f"lakehouse_bench_{os.getpid()}"
    subprocess.run(["psql", "-q", os.environ["SERVICE_POSTGRES"], "-c", f"create database {name}"], check=True)
    try:
        dsn = f"host={service.hostname} port={service.port} user={service.username} dbname={name}"
        measure(service._replace(path=f"/{name}").geturl(), {"DSN": dsn, "PGPASSWORD": urllib.parse.unquote(service.password or "")})
    finally:
        subprocess.run(["psql", "-q", os.environ["SERVICE_POSTGRES"], "-c", f"drop database {name} with (force)"], check=True)


main()
