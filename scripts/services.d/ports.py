"""ports.py FOLDER NAME KEY…: keeps FOLDER/NAME/ports (lines KEY=PORT) when those ports are free, else chooses anew.

From below the range that Linux takes for outgoing connections, so that a service which is down for a while
finds its port free again; never one that another service of FOLDER keeps.
"""
import pathlib
import random
import socket
import sys


def free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True


def read(file: pathlib.Path) -> dict[str, int]:
    if not file.exists():
        return {}
    return {key: int(port) for key, port in (entry.split("=") for entry in file.read_text().split())}


folder, name, keys = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
own = folder / name / "ports"
taken = {port for file in folder.glob("*/ports") if file != own for port in read(file).values()}
kept = read(own)
chosen: dict[str, int] = {}
for key in keys:
    port = kept.get(key)
    while port is None or port in taken or not free(port):
        port = random.randint(20000, 32000)
    taken.add(port)
    chosen[key] = port
new = own.with_suffix(".new")
new.write_text("".join(f"{key}={port}\n" for key, port in chosen.items()))
new.replace(own)
