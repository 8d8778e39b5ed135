"""What a scoring service is like beside its single answers: `serving.py PROGRAM LAKE WORK_FOLDER`.

PROGRAM is `lakehouse-api-ml`, LAKE one that a run with training has made. Prints Markdown: from its start to ready, what it takes when
idle, how long it takes to be there again after `kill -9` with a journal (and that nothing of it is forgotten), and how many rows a
second it scores in batches on one connection, as Arrow and as JSON. Needs pyarrow. Ends what it started, by its process id.
"""

import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

import pyarrow

STARTS, RECORDED, CLIENTS, BATCHES, BATCH_ROWS = 7, 20_000, 16, 50, 10_000
ROW = {"amount": 123.45, "card_brand": "VISA", "card_type": "CREDIT", "merchant_state": "NY", "use_chip": "True", "credit_limit": 5000.0,
       "per_capita_income": 35000.0, "yearly_income": 42000.0, "total_debt": 1000.0, "credit_score": 700.0, "num_credit_cards": 2.0}


class Service:
    def __init__(self, program, lake, journal):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        settings = {"LAKE": lake.as_uri(), "REGISTRY": f"{lake.as_uri()}/registry", "LOG__LEVEL": "error", "API_ML__PORT": str(self.port),
                    "API_ML__JOURNAL": str(journal), "API_ML__DELIVERY_SECONDS": "3600"}
        environment = os.environ | {f"LAKEHOUSE_{name}": value for name, value in settings.items()}
        started = time.perf_counter()
        self.process = subprocess.Popen([program], env=environment)
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port)) as connection:
                    connection.sendall(b"GET /health/ready HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")
                    if connection.recv(64).startswith(b"HTTP/1.1 200"):
                        break
            except ConnectionError:
                pass
            if self.process.poll() is not None or time.perf_counter() - started > 120:
                sys.exit("the service does not get ready")
            time.sleep(0.001)
        self.ready_ms = (time.perf_counter() - started) * 1e3

    def memory_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait()


def predict(service, rows, answered):
    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    for row in rows:
        card = {"card_id": row % 2000, "merchant_id": row % 4000, "mcc": 5411, "timestamp": "2019-10-31 23:59:00", "transaction_id": f"bench-{row}"}
        connection.request("POST", "/predict", json.dumps(ROW | card), {"content-type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            answered.append((row, answer.headers.get("idempotency-replayed")))


def record(service):
    answered = []
    threads = [threading.Thread(target=predict, args=(service, range(client, RECORDED, CLIENTS), answered)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answered


def batches(service, kind, body):
    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    seconds = []
    for _ in range(BATCHES):
        started = time.perf_counter()
        connection.request("POST", "/predict/batch?record=false", body, {"content-type": kind})
        answer = connection.getresponse()
        answer.read()
        seconds.append(time.perf_counter() - started)
        if answer.status != 200:
            sys.exit(f"a batch was answered with {answer.status}")
    return BATCH_ROWS / statistics.median(seconds)


def main():
    program, lake, work = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3]).resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    starts = []
    for _ in range(STARTS):
        service = Service(program, lake, work / "journal")
        starts.append(service.ready_ms)
        time.sleep(1)
        idle = service.memory_mib()
        service.end(signal.SIGTERM)
    service = Service(program, lake, work / "journal")
    answered = record(service)
    service.end(signal.SIGKILL)
    again = Service(program, lake, work / "journal")
    replayed = sum(is_replayed == "true" for _, is_replayed in record(again))
    table = pyarrow.Table.from_pylist([ROW] * BATCH_ROWS)
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    arrow = batches(again, "application/vnd.apache.arrow.stream", sink.getvalue().to_pybytes())
    plain = batches(again, "application/json", json.dumps({"transactions": [ROW] * BATCH_ROWS}).encode())
    again.end(signal.SIGTERM)
    print("### The scoring service\n\n| what | value |\n|---|---:|")
    print(f"| start to ready, median of {STARTS} | {statistics.median(starts):.0f} ms |\n| memory when idle, champion loaded | {idle:.0f} MiB |")
    print(f"| ready again after `kill -9`, journal of {len(answered):,} predictions | {again.ready_ms:.0f} ms |")
    print(f"| of those, known again | {replayed:,} |")
    print(f"| batches of {BATCH_ROWS:,} over HTTP, Arrow, one connection | {arrow:,.0f} rows/s |\n| the same, JSON | {plain:,.0f} rows/s |\n")
    if replayed != len(answered):
        sys.exit("something that was answered has been forgotten")


main()
