"""docker-compose.yml and its overlays as Compose reads them: merged, with variables filled in."""

import os
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
# Sequences of an overlay that take the place of those below; all others are added to them.
REPLACED = {"command", "entrypoint", "test"}
RESET = object()


class Override:
    """What an overlay puts in the place of all below."""

    def __init__(self, value):
        self.value = value


class Loader(yaml.SafeLoader):
    """YAML with Compose's own tags."""


def plain(loader, node):
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else loader.construct_scalar(node)


Loader.add_constructor("!reset", lambda loader, node: RESET)
Loader.add_constructor("!override", lambda loader, node: Override(plain(loader, node)))


def read(path):
    """One file as it is written; what it resets or overrides is marked."""
    return yaml.load((ROOT / path).read_text(), Loader)


def merged(base, over, key=""):
    """`over` laid on `base`."""
    if isinstance(over, Override):
        return over.value
    if isinstance(base, dict) and isinstance(over, dict):
        whole = {**base, **{name: merged(base.get(name), value, name) for name, value in over.items()}}
        return {name: value for name, value in whole.items() if value is not RESET}
    if isinstance(base, list) and isinstance(over, list) and key not in REPLACED:
        return base + [item for item in over if item not in base]
    return over


def whole(paths):
    """The files in this order, as one; variables are still in it."""
    found = {}
    for path in paths:
        found = merged(found, read(path))
    return found


def filled(value):
    """${NAME:-default}, from the environment."""
    if isinstance(value, dict):
        return {key: filled(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner) for inner in value]
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda m: os.environ.get(m[1]) or m[2], value)
    return value
