"""Every resource, argument, block and attribute that infra/ names is one of the AWS provider, and nothing required is missing.

The provider itself cannot be fetched everywhere; its schema is in the typed bindings that are generated from it, which PyPI has.
They are read as text, not imported. BINDINGS names the wheel.
"""

import ast
import os
import re
import unittest
import zipfile
from functools import cache
from pathlib import Path

import hcl2

INFRA = Path(__file__).resolve().parents[2] / "infra"
WHEEL = zipfile.ZipFile(os.environ["BINDINGS"])
PACKAGE = "cdktf_cdktf_provider_aws"
# Terraform's own, on every resource.
META = {"count", "for_each", "depends_on", "lifecycle", "provider", "connection", "provisioners", "provisioner"}


@cache
def module(kind, name):
    """The classes of a resource's or data source's bindings: name → syntax tree."""
    folder = ("data_" if kind == "data" else "") + (name if kind == "data" else name.removeprefix("aws_"))
    tree = ast.parse(WHEEL.read(f"{PACKAGE}/{folder}/__init__.py"))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def arguments(node):
    """What a class takes: name → (required, the class of a nested block or None)."""
    init = next(part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__")
    found = {}
    for argument, default in zip(init.args.kwonlyargs, init.args.kw_defaults):
        text = ast.unparse(argument.annotation)
        block = re.search(r"Union\['(\w+)'|Union\[(\w+), typing.Dict", text)
        found[argument.arg] = (default is None, (block[1] or block[2]) if block else None)
    return found


def config(classes):
    return based_on(classes, "TerraformMetaArguments")


def based_on(classes, *bases):
    return next(node for node in classes.values() if any(ast.unparse(base).endswith(bases) for base in node.bases))


def bare(text):
    return text.strip('"') if isinstance(text, str) else text


def parsed():
    for path in sorted(INFRA.glob("*.tf")):
        with path.open() as file:
            content = hcl2.load(file)
        for kind in ("resource", "data"):
            for entry in content.get(kind, []):
                for name, instances in entry.items():
                    for label, body in instances.items():
                        yield path.name, kind, bare(name), bare(label), body


class Schema(unittest.TestCase):
    checked = 0

    def check(self, where, classes, allowed, body):
        names = {bare(name) for name in body} - {"__start_line__", "__end_line__", "__is_block__"}
        given = names - META - {"dynamic"}
        for dynamic in body.get("dynamic", []):
            for name, inner in dynamic.items():
                given.add(bare(name))
                for content in inner["content"]:
                    self.nested(where, classes, allowed, bare(name), content)
        self.assertFalse(given - set(allowed), f"{where}: not in the schema")
        missing = {name for name, (required, _) in allowed.items() if required} - given
        self.assertFalse(missing, f"{where}: required")
        for name in names & set(allowed):
            type(self).checked += 1
            value = body[name]
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict) and allowed[name][1]:
                    self.nested(where, classes, allowed, name, item)

    def nested(self, where, classes, allowed, name, body):
        self.assertIn(name, allowed, where)
        if block := allowed[name][1]:
            if block in classes:
                self.check(f"{where}.{name}", classes, arguments(classes[block]), body)

    def test_arguments_are_of_the_schema(self):
        count = 0
        for path, kind, name, label, body in parsed():
            with self.subTest(f"{path}: {name}.{label}"):
                classes = module(kind, name)
                self.check(f"{path}: {name}.{label}", classes, arguments(config(classes)), body)
                count += 1
        self.assertGreater(count, 60)
        print(f"{count} resources and data sources, {self.checked} arguments")

    def test_attributes_that_are_read_are_of_the_schema(self):
        text = "\n".join(path.read_text() for path in sorted(INFRA.glob("*.tf")))
        read = set(re.findall(r"(?<!resource \")\b(data\.)?(aws_\w+)\.\w+(?:\[[^]]*\])?\.(\w+)", text))
        self.assertGreater(len(read), 30)
        for data, name, attribute in sorted(read):
            classes = module("data" if data else "resource", name)
            main = based_on(classes, ".TerraformResource", ".TerraformDataSource")
            properties = {part.name for part in main.body if isinstance(part, ast.FunctionDef)}
            self.assertIn(attribute, properties, f"{data}{name}")
        print(f"{len(read)} attributes")

    def test_what_is_wrong_is_found(self):
        classes = module("resource", "aws_s3_bucket_versioning")
        allowed = arguments(config(classes))
        wrong = [
            {"bukket": "x", "bucket": "y", "versioning_configuration": [{"status": "Enabled"}]},
            {"versioning_configuration": [{"status": "Enabled"}]},
            {"bucket": "y", "versioning_configuration": [{"state": "Enabled"}]},
        ]
        for body in wrong:
            with self.assertRaises(AssertionError):
                self.check("planted", classes, allowed, body)


if __name__ == "__main__":
    unittest.main()
