"""What answers, and how each is asked for the same: lakehouse, a constant, ROAPI, and FastAPI over PostgreSQL."""
import json
import os
import sys
import urllib.request

import loadlib
from loadlib import Server, free_port

MART = "dm_client_features"
AGGREGATE = "select merchant_state, count(*) as n, avg(amount) as a from {table} group by merchant_state"


def lakehouse(program, lake, name="lakehouse", **settings):
    environment = {"LAKEHOUSE_API__PORT": "{port}", "LAKEHOUSE_LIMITS__SQL_TIMEOUT_SECONDS": "600", **settings}
    assignments = [f"{key}={value}" for key, value in environment.items()]
    return Server(name, ["env", *assignments, program, "--log", "error", "--lake", lake, "serve", "api"], health="/health/ready")


def constant(axum):
    """One thread answers 2 bytes to a GET: what HTTP itself costs."""
    return Server("axum constant", [axum, "{port}", "1"])


def fastapi(app, workers, database):
    command = [sys.executable, "-m", "uvicorn", f"{app}:app", "--host", "127.0.0.1", "--port", "{port}", "--workers", str(workers)]
    driver = {"sql_app": "psycopg2", "sql_app_async": "asyncpg"}[app]
    plural = "" if workers == 1 else "s"
    return Server(f"FastAPI, {driver}, {workers} worker{plural}", [*command, "--no-access-log", "--log-level", "warning"], database)


def roapi(tables):
    """ROAPI from PyPI, over the same Parquet files; its other two ports stay on loopback."""
    program = os.path.join(os.path.dirname(sys.executable), "roapi")
    ports = ["--addr-http", "127.0.0.1:{port}", "--addr-postgres", f"127.0.0.1:{free_port()}", "--addr-flight-sql", f"127.0.0.1:{free_port()}"]
    named = [argument for name, folder in tables.items() for argument in ("-t", f"{name}={folder},format=parquet")]
    return Server("ROAPI", [program, *ports, *named], health="/api/schema")


def lookups(server, keys, headers):
    """The lookups of every key as lines for `lookup.lua`."""
    lines = []
    for key in keys:
        if server.name.startswith("lakehouse"):
            name, value = headers.get(key, ("", ""))
            lines.append(f"GET\t/datamarts/fraud/{MART}/{key}\t{name}\t{value}\t")
        elif server.name == "axum constant":
            lines.append("GET\t/health\t\t\t")
        elif server.name == "ROAPI":
            lines.append(f"POST\t/api/sql\tcontent-type\ttext/plain\tselect * from {MART} where client_id = '{key}'")
        else:
            lines.append(f"GET\t/client_features/{key}\t\t\t")
    return lines


def get(server, path, headers=None):
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", headers=headers or {})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.headers, answer.read()


def aggregate(server):
    """Runs the aggregate over silver once; the number of its groups."""
    if server.name == "ROAPI":
        path, body, kind = "/api/sql", AGGREGATE.format(table="silver"), "text/plain"
    else:
        path, body, kind = "/sql", json.dumps({"sql": AGGREGATE.format(table="silver.transactions")}), "application/json"
    answer = json.loads(loadlib.call(server.port, path, body, kind))
    return len(answer if server.name == "ROAPI" else answer["rows"])


def peak_mib(server, reset=False):
    """The most memory that the server's processes have held since the last reset, and what they hold now, in MiB."""
    peak = now = 0
    for pid in loadlib.tree(server.p.pid):
        try:
            if reset:
                with open(f"/proc/{pid}/clear_refs", "w") as file:
                    file.write("5")
            with open(f"/proc/{pid}/status") as file:
                of = dict(line.split(":", 1) for line in file)
            peak += int(of["VmHWM"].split()[0]) / 1024
            now += int(of["VmRSS"].split()[0]) / 1024
        except (OSError, KeyError):
            pass
    return peak, now
