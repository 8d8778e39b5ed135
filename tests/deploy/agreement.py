"""The files of a deployment agree with the programs, and with each other: settings, ports, paths, secrets, metrics, datamarts.

NODE_EXPORTER is the program, which is asked what it measures.
"""

import json
import os
import re
import subprocess
import sys
import time
import tomllib
import unittest
from pathlib import Path
from socket import create_server
from urllib.request import urlopen

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/stack.d"))
import composed  # noqa: E402

DEFAULTS = tomllib.loads((ROOT / "crates/settings/src/default.toml").read_text())
PROGRAMS = {"api": "api", "sources-api": "sources_api", "api-ml": "api_ml", "scheduler": "scheduler"}
PORTS = {service: DEFAULTS[section]["port"] for service, section in PROGRAMS.items()}


BASE = composed.read("docker-compose.yml")
OVERLAYS = [f"compose/{path.name}" for path in sorted((ROOT / "compose").glob("*.yml"))]
# Every file as Compose has it: an overlay on what is below it.
FILES = {"docker-compose.yml": BASE, **{path: composed.whole(["docker-compose.yml", path]) for path in OVERLAYS}}
WHOLE = composed.whole(["docker-compose.yml", *OVERLAYS])
SERVERS = "\n".join(path.read_text() for path in sorted((ROOT / "compose/gateway/servers").glob("*.conf")))
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def yaml_of(path):
    return yaml.safe_load((ROOT / path).read_text())


# What they do they do once.
ONCE = {"elastic-users"}


def bytes_of(size):
    return int(size[:-1]) * {"m": 1, "g": 1024}[size[-1]]


def services():
    for path, file in FILES.items():
        for name, service in file["services"].items():
            yield path, name, service


def key_exists(variable):
    """Whether LAKEHOUSE_<SECTION>__<KEY> names a setting."""
    at = DEFAULTS
    for part in variable.removeprefix("LAKEHOUSE_").lower().split("__"):
        if not isinstance(at, dict) or part not in at:
            return False
        at = at[part]
    return not isinstance(at, dict)


def measured_by_the_host():
    """What node_exporter itself says on this machine."""
    with create_server(("127.0.0.1", 0)) as probe:
        address = "127.0.0.1:{}".format(probe.getsockname()[1])
    with subprocess.Popen([os.environ["NODE_EXPORTER"], f"--web.listen-address={address}"], stderr=subprocess.DEVNULL) as exporter:
        try:
            for _ in range(100):
                try:
                    return set(re.findall(r"^(node_\w+)", urlopen(f"http://{address}/metrics", timeout=10).read().decode(), re.M))
                except OSError:
                    time.sleep(0.1)
        finally:
            exporter.kill()
    raise AssertionError("node_exporter does not answer")


def measured():
    """The metrics that the Rust sources count, set or record, as Prometheus sees them, and those of the host."""
    found = {"up"} | measured_by_the_host()
    for room in ("api", "api_ml", "sources_api", "pipeline", "crates", "src"):
        for source in (ROOT / room).rglob("*.rs"):
            text = source.read_text()
            constants = dict(re.findall(r'const (\w+): &str = "(\w+)"', text))
            for kind, name in re.findall(r'\b(counter|gauge|histogram)!\(\s*(\w+|"\w+")', text):
                name = constants.get(name, name.strip('"'))
                found |= {f"{name}_{part}" for part in ("bucket", "sum", "count")} if kind == "histogram" else {name}
    return found


class Programs(unittest.TestCase):
    def test_every_variable_is_a_setting(self):
        variables = {v for name in PROGRAMS for v in WHOLE["services"][name]["environment"]}
        variables |= set(re.findall(r"\bLAKEHOUSE_\w+(?==)", DOCKERFILE))
        self.assertGreater(len(variables), 8)
        self.assertFalse([variable for variable in variables if not key_exists(variable)])
        self.assertFalse(key_exists("LAKEHOUSE_API__PORTT"))

    def test_no_secret_is_in_the_environment(self):
        for path, name, service in services():
            for variable, value in service.get("environment", {}).items():
                secret = re.search(r"PASSWORD|SECRET|TOKEN|ACCESS_KEY|DATABASE_URL|WEBHOOK_URL|ELASTICSEARCH_URL$", variable)
                self.assertTrue(not secret or str(value).startswith("/run/secrets/"), f"{path}: {name}: {variable}")

    def test_memory_fits(self):
        for name in PROGRAMS:
            service = BASE["services"][name]
            limit = bytes_of(service["deploy"]["resources"]["limits"]["memory"])
            self.assertLessEqual(int(service["environment"]["LAKEHOUSE_MEMORY_LIMIT_MB"]) * 1.25, limit, name)

    def test_they_may_drain(self):
        for name in PROGRAMS:
            seconds = sum(int(n) * {"s": 1, "m": 60}[u] for n, u in re.findall(r"(\d+)([sm])", BASE["services"][name]["stop_grace_period"]))
            self.assertGreater(seconds, DEFAULTS["limits"]["drain_timeout_seconds"], name)

    def test_health_is_asked_of_the_program_at_its_port(self):
        for name, port in PORTS.items():
            service = BASE["services"][name]
            target = service["build"]["target"]
            _, program, verb, address = service["healthcheck"]["test"]
            stage = re.search(rf"^FROM base AS {target}\n(.*?)(?=^FROM|\Z)", DOCKERFILE, re.S | re.M)[1]
            self.assertIn(f'ENTRYPOINT ["{program}"]', stage)
            self.assertEqual((verb, address), ("health", f"http://127.0.0.1:{port}/health/live"))
            self.assertRegex(stage, rf"EXPOSE [\d ]*\b{port}\b")

    def test_no_program_listens_beyond_loopback(self):
        """Only the gateway, in whose namespace they are, publishes; and they ask everybody who they are."""
        for section in PROGRAMS.values():
            self.assertEqual(DEFAULTS[section]["address"], "127.0.0.1")
        for name in PROGRAMS:
            service = BASE["services"][name]
            self.assertEqual(service["network_mode"], "service:gateway")
            self.assertFalse([v for v in service["environment"] if v.endswith("__ADDRESS")])
            self.assertEqual(service["environment"]["LAKEHOUSE_ACCOUNTS__REQUIRED"], "true")
            # A file of the programs' own, in a volume that all of them have.
            key = Path(service["environment"]["LAKEHOUSE_ACCOUNTS__SIGNING_KEY_FILE"])
            self.assertIn(f"state:{key.parent}", service["volumes"])
        for path, name, service in services():
            self.assertEqual("ports" in service, name == "gateway", f"{path}: {name}")


class Gateway(unittest.TestCase):
    blocks = re.findall(r"^server \{\n(.*?)^\}", SERVERS, re.S | re.M)

    def test_published_ports_are_those_of_the_programs(self):
        inner = {}
        for port in WHOLE["services"]["gateway"]["ports"]:
            bind, outside, inside = port.rsplit(":", 2)
            self.assertEqual(bind, "${LAKEHOUSE_BIND:-127.0.0.1}")
            inner[int(inside)] = int(outside)
        listens = {int(re.search(r"listen (\d+) ssl", block)[1]): block for block in self.blocks}
        # Of those that are not published Prometheus asks the scheduler, and on hosts without containers node_exporter.
        self.assertEqual(set(inner) | {18000, 19100}, set(listens))
        for name, port in PORTS.items():
            block = listens[port + 10000]
            self.assertIn(f"proxy_pass http://127.0.0.1:{port};", block)
            self.assertEqual(inner.get(port + 10000), None if name == "scheduler" else port)

    def test_what_asks_nobody_has_a_password_before_it(self):
        """The programs ask themselves, but for metrics; Grafana and Kibana have logins of their own; nothing else is open."""
        for block in self.blocks:
            port = int(re.search(r"listen (\d+) ssl", block)[1])
            guarded = [block.split("location", 1)[0], *re.findall(r"location = /metrics \{[^}]*\}", block)]
            is_guarded = ["include /etc/nginx/guarded.conf;" in part for part in guarded]
            if port - 10000 in PORTS.values():
                self.assertEqual(is_guarded, [False, True], block)
            else:
                self.assertEqual(is_guarded, [not re.search("grafana|kibana", block)], block)

    def test_overlays_bring_the_servers_that_they_publish(self):
        for path in OVERLAYS:
            over = composed.read(path)
            for port in over["services"].get("gateway", {}).get("ports", []):
                files = [over["configs"][config["source"]]["file"] for config in over["services"]["gateway"]["configs"]]
                self.assertTrue(any(f"listen {port.rsplit(':', 1)[1]} ssl" in (ROOT / file).read_text() for file in files), port)
        for block in self.blocks:
            for name, port in re.findall(r"proxy_pass http://\$(\w+):(\d+);", block):
                self.assertIn(f"set ${name} {name};", block)
                self.assertIn(port, json.dumps(WHOLE["services"][name].get("healthcheck")), f"{name} is asked elsewhere")


class Containers(unittest.TestCase):
    def test_they_are_confined_limited_and_asked(self):
        for path, name, service in services():
            with self.subTest(f"{path}: {name}"):
                self.assertTrue(service["read_only"])
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                is_once = name in ONCE
                self.assertEqual(service["restart"], "on-failure" if is_once else "unless-stopped")
                self.assertIn("max-size", service["logging"]["options"])
                self.assertIn("memory", service["deploy"]["resources"]["limits"])
                self.assertEqual("healthcheck" in service, not is_once)

    def test_waiting_is_for_health(self):
        for path, name, service in services():
            for other, how in service.get("depends_on", {}).items():
                wanted = "service_completed_successfully" if other in ONCE else "service_healthy"
                self.assertEqual(how["condition"], wanted, f"{path}: {name}")
                self.assertIn(other, FILES[path]["services"], path)

    def test_health_commands_are_there(self):
        """Of images that are built here, the program; of the others, a script of ours, or what the image is known to have."""
        known = {"gateway": "curl", "postgres": "pg_isready", "prometheus": "wget", "host": "wget", "grafana": "curl", "kibana": "curl"}
        for path, name, service in services():
            if name in ONCE:
                continue
            kind, program, *rest = service["healthcheck"]["test"]
            self.assertEqual(kind, "CMD")
            if program.startswith("/bin/"):
                self.assertIn(rest[0], [config["target"] for config in service["configs"]], f"{path}: {name}")
            elif "build" in service:
                text = (ROOT / service["build"]["context"] / "Dockerfile").read_text()
                self.assertRegex(text, rf'"{program}"|/{program}\n', f"{path}: {name}")
            else:
                self.assertEqual(program, known[name], f"{path}: {name}")

    def test_images_have_versions(self):
        images = [service["image"] for _, _, service in services() if "image" in service]
        images += re.findall(r"^FROM (\S+:\S+)", "\n".join(p.read_text() for p in ROOT.glob("compose/*/Dockerfile")) + DOCKERFILE, re.M)
        self.assertGreater(len(images), 9)
        for image in images:
            self.assertRegex(image, r":(\$\{LAKEHOUSE_VERSION:-dev\}|.*\d.*|bookworm-slim)$")
            self.assertNotIn("latest", image)

    def test_secrets_volumes_and_files_are_there(self):
        made = set(subprocess.check_output([ROOT / "scripts/secrets", "--show-names"], text=True).split())
        for path, file in FILES.items():
            self.assertEqual(file.keys() - {"name"}, {k for k in file if k.startswith("x-")} | {"services", "networks", "volumes", "configs", "secrets"})
            for name, secret in file.get("secrets", {}).items():
                self.assertEqual(secret["file"], "${LAKEHOUSE_SECRETS:-./secrets}/" + name)
                self.assertIn(name, made)
            for config in file.get("configs", {}).values():
                self.assertTrue((ROOT / config["file"]).is_file(), config)
        for path, name, service in services():
            whole = FILES[path]
            for secret in service.get("secrets", []):
                self.assertIn(secret, whole["secrets"])
            for config in service.get("configs", []):
                self.assertIn(config["source"], whole["configs"])
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                self.assertTrue(source in whole["volumes"] or (ROOT / source).is_dir(), f"{path}: {name}: {volume}")
            for variable, value in service.get("environment", {}).items():
                if str(value).startswith("/run/secrets/"):
                    self.assertIn(value.removeprefix("/run/secrets/"), service["secrets"], f"{path}: {name}: {variable}")
            if build := service.get("build"):
                folder = ROOT / build["context"]
                self.assertIn(build.get("target", ""), ["", *re.findall(r"^FROM \S+ AS (\S+)", (folder / "Dockerfile").read_text(), re.M)])
        used = {secret for service in [*BASE["services"].values(), *WHOLE["services"].values()] for secret in service.get("secrets", [])}
        text = "".join(p.read_text() for p in (ROOT / "compose").rglob("*") if p.is_file())
        for name in re.findall(r"/run/secrets/([\w.]+)", text):
            self.assertIn(name, used, f"/run/secrets/{name} is read and not given")

    def test_what_is_built_here_is_what_the_tests_know(self):
        for name in ("minio", "seaweedfs", "mlflow"):
            version = re.search(rf"^{name}_version=(\S+)", (ROOT / f"scripts/services.d/{name}.sh").read_text(), re.M)[1]
            self.assertRegex((ROOT / f"compose/{name}/Dockerfile").read_text(), rf"\b{re.escape(version)}\b")
            self.assertIn("USER 65532:65532\n", (ROOT / f"compose/{name}/Dockerfile").read_text())

    def test_every_port_of_a_service_is_the_one_that_is_asked(self):
        """URLs among the settings and secrets name services, at the ports that these listen on."""
        text = "".join(path.read_text() for path in (ROOT / "compose").rglob("*.y*ml")) + (ROOT / "docker-compose.yml").read_text()
        listens = {"store": 9000, "prometheus": 9090, "elasticsearch": 9200, "host": 9100, "postgres": 5432}
        for name, port in re.findall(r"\b(store|prometheus|elasticsearch|host|postgres):(\d{4,5})\b", text + (ROOT / "scripts/secrets").read_text()):
            self.assertEqual(int(port), listens[name], name)


class Monitoring(unittest.TestCase):
    metrics = measured()

    def expressions(self):
        for group in yaml_of("compose/prometheus/alerts.yml")["groups"]:
            for rule in group["rules"]:
                yield rule["alert"], rule["expr"]
        for path in sorted((ROOT / "compose/grafana/dashboards").glob("*.json")):
            for panel in json.loads(path.read_text())["panels"]:
                for target in panel["targets"]:
                    if "expr" in target:
                        yield f"{path.name}: {panel['title']}", target["expr"]

    def test_queries_name_metrics_that_are_measured(self):
        self.assertIn("pipeline_runs_total", self.metrics)
        count = 0
        for where, expression in self.expressions():
            bare = re.sub(r'\{[^}]*\}|"[^"]*"|\b(by|on)\s*\([^)]*\)|\[[^]]*\]', "", expression)
            words = set(re.findall(r"[a-zA-Z_]{2,}(?![\w(]*\()", bare)) - {"unless", "and", "or", "offset"}
            words = {word for word in words if not re.search(rf"\b{word}\s*\(", bare)}
            self.assertTrue(words, where)
            self.assertLessEqual(words, self.metrics, where)
            count += 1
        self.assertGreater(count, 20)

    def test_every_alert_is_tested(self):
        alerts = {rule["alert"] for group in yaml_of("compose/prometheus/alerts.yml")["groups"] for rule in group["rules"]}
        cases = [case for test in yaml_of("compose/prometheus/alerts_test.yml")["tests"] for case in test["alert_rule_test"]]
        self.assertEqual(alerts, {case["alertname"] for case in cases if case.get("exp_alerts")})
        self.assertEqual(alerts, {case["alertname"] for case in cases if not case.get("exp_alerts")})

    def test_every_program_is_scraped_at_the_door(self):
        jobs = yaml_of("compose/prometheus/prometheus.yml")["scrape_configs"]
        targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in jobs}
        self.assertEqual(targets, {**{name: [f"gateway:{port + 10000}"] for name, port in PORTS.items()}, "host": ["host:9100"]})

    def test_dashboards_read_datamarts_that_are_published(self):
        queries = [target["rawSql"] for path in (ROOT / "compose/grafana/dashboards").glob("*.json")
                   for panel in json.loads(path.read_text())["panels"] for target in panel["targets"] if "rawSql" in target]
        self.assertGreaterEqual(len(queries), 4)
        for query in queries:
            for domain, table in re.findall(r"from (\w+)\.(\w+)", query):
                sql = (ROOT / f"domains/{domain}/datamarts/{table}.sql").read_text()
                for column in re.findall(r"\b(?:\w+_(?:count|rate|id|description)|hour)\b", query):
                    self.assertRegex(sql, rf"\b{column}\b", query)


if __name__ == "__main__":
    unittest.main()
