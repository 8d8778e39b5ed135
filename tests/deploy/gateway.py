"""The gateway's own files in a real nginx, before a program that says what reached it: who gets through, and with what."""

import os
import re
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
from base64 import b64encode
from http.client import HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_connection, socket

ROOT = Path(__file__).resolve().parents[2]
GATEWAY = ROOT / "compose/gateway"
# How a program sees who asks, whatever the client says of itself.
SEEN = "https 127.0.0.1"


class Program(BaseHTTPRequestHandler):
    """Answers with the path, the size of the body and the headers that a gateway might add or take."""

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        told = [self.headers[name] for name in ("authorization", "x-forwarded-proto", "x-forwarded-for")]
        text = " ".join(map(str, [self.path, len(body), *told])).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


def free_port():
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Gateway(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        folder = Path(cls.folder.name)
        cls.secrets = folder / "secrets"
        subprocess.run([ROOT / "scripts/secrets", cls.secrets], check=True)
        # nginx's workers, when we are root, are nobody.
        folder.chmod(0o711)
        cls.secrets.chmod(0o711)
        cls.program = ThreadingHTTPServer(("127.0.0.1", 0), Program)
        threading.Thread(target=cls.program.serve_forever, daemon=True).start()
        cls.port, cls.guarded, health, unused = free_port(), free_port(), free_port(), iter(lambda: free_port(), None)
        known = {"19999": cls.port, "19100": cls.guarded}

        def here(text):
            text = text.replace(" /tmp/", f" {folder}/tmp-").replace("/etc/nginx", str(folder)).replace("/run/secrets", str(cls.secrets))
            text = text.replace("127.0.0.1:8081", f"127.0.0.1:{health}").replace("error_log stderr", f"error_log {folder}/error.log")
            text = re.sub(r"listen (\d+) ssl", lambda m: f"listen 127.0.0.1:{known.get(m[1]) or next(unused)} ssl", text)
            text = text.replace("127.0.0.1:9100", "127.0.0.1:1")
            return text.replace("127.0.0.1:9999", f"127.0.0.1:{cls.program.server_port}")

        (folder / "servers").mkdir()
        for file in [GATEWAY / "nginx.conf", GATEWAY / "guarded.conf", *(GATEWAY / "servers").glob("*.conf")]:
            (folder / file.relative_to(GATEWAY)).write_text(here(file.read_text()))
        nginx = [os.environ["NGINX_PROGRAM"], "-p", folder, "-c", folder / "nginx.conf", "-g", "daemon off;"]
        with open(folder / "start.log", "w") as log:
            cls.nginx = subprocess.Popen(nginx, stdin=subprocess.DEVNULL, stderr=log)
        for _ in range(100):
            try:
                create_connection(("127.0.0.1", cls.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.1)
        raise AssertionError((folder / "start.log").read_text())

    @classmethod
    def tearDownClass(cls):
        cls.nginx.terminate()
        cls.nginx.wait(10)
        cls.program.shutdown()
        cls.program.server_close()
        cls.folder.cleanup()

    def ask(self, path, user=None, password=None, body=None, bearer=None, port=None):
        context = ssl.create_default_context(cafile=self.secrets / "ca.crt")
        connection = HTTPSConnection("localhost", port or self.port, context=context, timeout=10)
        word = (self.secrets / f"{user}_password").read_text() if user and password is None else password
        headers = {"x-forwarded-for": "203.0.113.9"}
        if user:
            headers["authorization"] = "Basic " + b64encode(f"{user}:{word}".encode()).decode()
        if bearer:
            headers["authorization"] = f"Bearer {bearer}"
        connection.request("POST" if body else "GET", path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def test_keys_and_tokens_are_the_programs_to_judge(self):
        for path in ("/", "/health/ready", "/health/live", "/sql?x=1", "/docs"):
            self.assertEqual(self.ask(path), (200, f"{path} 0 None {SEEN}"))
            self.assertEqual(self.ask(path, bearer="lh_1_2"), (200, f"{path} 0 Bearer lh_1_2 {SEEN}"))

    def test_a_password_of_the_gateway_stays_there(self):
        self.assertEqual(self.ask("/sql", "operator"), (200, f"/sql 0 None {SEEN}"))
        self.assertEqual(self.ask("/metrics", "operator"), (200, f"/metrics 0 None {SEEN}"))

    def test_metrics_are_for_those_with_a_password_however_they_are_spelled(self):
        for path in ("/metrics", "/metrics?x", "//metrics", "/%6detrics", "/./metrics", "/sql/../metrics"):
            self.assertEqual(self.ask(path)[0], 401, path)
            self.assertEqual(self.ask(path, "operator", "guess")[0], 401, path)
            self.assertEqual(self.ask(path, bearer="lh_1_2")[0], 401, path)
        self.assertEqual(self.ask("/metrics", "prometheus")[0], 200)
        self.assertEqual(self.ask("/metrics?x", "prometheus")[0], 403)

    def test_prometheus_itself_is_the_operators(self):
        for path in ("/", "/graph", "/metrics/"):
            self.assertEqual(self.ask(path, port=self.guarded)[0], 401, path)
            self.assertEqual(self.ask(path, "prometheus", port=self.guarded)[0], 403, path)
            # There is no program behind it in this story.
            self.assertEqual(self.ask(path, "operator", port=self.guarded)[0], 502, path)

    def test_uploads_have_the_programs_limit_and_not_the_gateways(self):
        size = 16 << 20
        self.assertEqual(self.ask("/files/x.csv", "operator", body=b"x" * size), (200, f"/files/x.csv {size} None {SEEN}"))


if __name__ == "__main__":
    unittest.main()
