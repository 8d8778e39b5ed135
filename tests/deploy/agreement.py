"""The files of a deployment agree with the programs, and with each other: settings, ports, paths, secrets, metrics, datamarts."""

import json
import re
import subprocess
import tomllib
import unittest
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
DEFAULTS = tomllib.loads((ROOT / "crates/settings/src/default.toml").read_text())
PROGRAMS = {"api": "api", "sources-api": "sources_api", "api-ml": "api_ml", "scheduler": "scheduler"}
PORTS = {service: DEFAULTS[section]["port"] for service, section in PROGRAMS.items()}


class Loader(yaml.SafeLoader):
    """Compose's own tags: what an overlay replaces is replaced here by reading the overlay alone."""


Loader.add_multi_constructor("!", lambda loader, _, node: (
    loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else loader.construct_mapping(node, deep=True)))


def read(path):
    return yaml.load((ROOT / path).read_text(), Loader)


BASE = read("docker-compose.yml")
OVERLAYS = {path: read(path) for path in ("compose/monitoring.yml",)}
FILES = {"docker-compose.yml": BASE, **OVERLAYS}
SERVERS = "\n".join(path.read_text() for path in sorted((ROOT / "compose/gateway/servers").glob("*.conf")))
DOCKERFILE = (ROOT / "Dockerfile").read_text()


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


def measured():
    """The metrics that the Rust sources count, set or record, as Prometheus sees them."""
    found = {"up"}
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
        variables = {v for name in PROGRAMS for v in BASE["services"][name]["environment"]}
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
        """The rule of the settings: nothing asks who is calling. Only the gateway, in whose namespace they are, publishes."""
        for section in PROGRAMS.values():
            self.assertEqual(DEFAULTS[section]["address"], "127.0.0.1")
        for name in PROGRAMS:
            service = BASE["services"][name]
            self.assertEqual(service["network_mode"], "service:gateway")
            self.assertFalse([v for v in service["environment"] if v.endswith("__ADDRESS")])
        for path, name, service in services():
            self.assertEqual("ports" in service, name == "gateway", f"{path}: {name}")


class Gateway(unittest.TestCase):
    blocks = re.findall(r"^server \{\n(.*?)^\}", SERVERS, re.S | re.M)

    def test_published_ports_are_those_of_the_programs(self):
        inner = {}
        for file in (BASE, OVERLAYS["compose/monitoring.yml"]):
            for port in file["services"]["gateway"]["ports"]:
                bind, outside, inside = port.rsplit(":", 2)
                self.assertEqual(bind, "${LAKEHOUSE_BIND:-127.0.0.1}")
                inner[int(inside)] = int(outside)
        listens = {int(re.search(r"listen (\d+) ssl", block)[1]): block for block in self.blocks}
        self.assertEqual(set(inner) | {18000}, set(listens))
        for name, port in PORTS.items():
            block = listens[port + 10000]
            self.assertIn(f"proxy_pass http://127.0.0.1:{port};", block)
            self.assertEqual(inner.get(port + 10000), None if name == "scheduler" else port)

    def test_all_but_grafana_ask_for_a_password(self):
        open_ones = [block for block in self.blocks if "include /etc/nginx/guarded.conf;" not in block]
        self.assertEqual(len(self.blocks), 6)
        self.assertEqual(["grafana" in block for block in open_ones], [True])


class Containers(unittest.TestCase):
    def test_they_are_confined_limited_and_asked(self):
        for path, name, service in services():
            if path != "docker-compose.yml" and name == "gateway":
                continue
            with self.subTest(f"{path}: {name}"):
                self.assertTrue(service["read_only"])
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                self.assertEqual(service["restart"], "unless-stopped")
                self.assertIn("max-size", service["logging"]["options"])
                self.assertIn("memory", service["deploy"]["resources"]["limits"])
                self.assertIn("healthcheck", service)

    def test_waiting_is_for_health(self):
        for path, name, service in services():
            for other, how in service.get("depends_on", {}).items():
                self.assertEqual(how["condition"], "service_healthy", f"{path}: {name}")
                self.assertTrue(any(other in file["services"] for file in FILES.values()), other)

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
            for name, secret in file.get("secrets", {}).items():
                self.assertEqual(secret["file"], "${LAKEHOUSE_SECRETS:-./secrets}/" + name)
                self.assertIn(name, made)
            for config in file.get("configs", {}).values():
                self.assertTrue((ROOT / config["file"]).is_file(), config)
        for path, name, service in services():
            whole = {kind: {**BASE.get(kind, {}), **FILES[path].get(kind, {})} for kind in ("secrets", "volumes", "configs", "networks")}
            for secret in service.get("secrets", []):
                self.assertIn(secret, whole["secrets"])
            for config in service.get("configs", []):
                self.assertIn(config["source"], whole["configs"])
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                self.assertTrue(source in whole["volumes"] or (ROOT / source).is_dir(), f"{path}: {name}: {volume}")
            if build := service.get("build"):
                folder = ROOT / build["context"]
                self.assertIn(build.get("target", ""), ["", *re.findall(r"^FROM \S+ AS (\S+)", (folder / "Dockerfile").read_text(), re.M)])
        used = {path for service in FILES.values() for s in service["services"].values() for path in s.get("secrets", [])}
        text = "".join(p.read_text() for p in (ROOT / "compose").rglob("*") if p.is_file())
        for name in re.findall(r"/run/secrets/([\w.]+)", text):
            self.assertIn(name, used, f"/run/secrets/{name} is read and not given")

    def test_the_store_is_the_one_that_the_tests_know(self):
        version = re.search(r"^minio_version=(\S+)", (ROOT / "scripts/services.d/minio.sh").read_text(), re.M)[1]
        self.assertIn(version, (ROOT / "compose/minio/Dockerfile").read_text())


class Monitoring(unittest.TestCase):
    metrics = measured()

    def expressions(self):
        for group in read("compose/prometheus/alerts.yml")["groups"]:
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
            words = set(re.findall(r"[a-z_]{2,}(?![\w(]*\()", bare)) - {"unless", "and", "or", "offset"}
            words = {word for word in words if not re.search(rf"\b{word}\s*\(", bare)}
            self.assertTrue(words, where)
            self.assertLessEqual(words, self.metrics, where)
            count += 1
        self.assertGreater(count, 20)

    def test_every_alert_is_tested(self):
        alerts = {rule["alert"] for group in read("compose/prometheus/alerts.yml")["groups"] for rule in group["rules"]}
        cases = [case for test in read("compose/prometheus/alerts_test.yml")["tests"] for case in test["alert_rule_test"]]
        self.assertEqual(alerts, {case["alertname"] for case in cases if case.get("exp_alerts")})
        self.assertEqual(alerts, {case["alertname"] for case in cases if not case.get("exp_alerts")})

    def test_every_program_is_scraped_at_the_door(self):
        jobs = read("compose/prometheus/prometheus.yml")["scrape_configs"]
        targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in jobs}
        self.assertEqual(targets, {name: [f"gateway:{port + 10000}"] for name, port in PORTS.items()})

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
