"""Where scripts/services keeps what it installed."""

import os
from pathlib import Path


def cache():
    """Its cache, by the same settings."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("SERVICES_CACHE") or home / "lakehouse-services").absolute()
