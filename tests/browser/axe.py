"""axe-core, which looks for what keeps people out of a page, run inside the page; a node package."""

import json
import os
from pathlib import Path

import pytest

SCRIPT = "axe.run(document, {resultTypes: ['violations']}).then(report => JSON.stringify(report.violations))"
GRAVE = ("serious", "critical")


def grave_violations(page) -> list[str]:
    """What axe finds serious or critical in a page as it is now, a line each; skips the test without axe."""
    modules = os.environ.get("STYLIZE_NODE_MODULES")
    script = Path(modules or "", "axe-core", "axe.min.js")
    if not modules or not script.exists():
        pytest.skip("STYLIZE_NODE_MODULES names no folder with npm's axe-core")
    if not page.evaluate("'axe' in window"):
        page.evaluate(script.read_text(encoding="utf-8"))
    found = json.loads(page.evaluate(SCRIPT))
    return [
        f"{each['impact']}: {each['id']} at {node['target']}"
        for each in found
        for node in each["nodes"]
        if each["impact"] in GRAVE
    ]
