"""The direction of dependencies: a module imports what is below it, never what is above."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

LAYERS = [
    {"errors"},
    {"rotations"},
    {"kinematics"},
    {"skeleton"},
    {"motion"},
    {"skinned_mesh"},
    {"body"},
    {"contacts", "features", "retarget", "io", "render"},
    {"models", "checkpoint", "postprocess", "quality", "library", "source"},
    {"styles", "text", "inspection"},
    {"restyle", "generate"},
    {"results", "style_codes"},
    {"pipeline"},
    {"comparison", "batch", "recipe", "viewer"},
    {"ui", "cli"},
    {"__main__"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
MAY_IMPORT_IN_ITS_LAYER = {("features", "contacts"), ("io", "retarget"), ("io", "render")}
PYTHON_FILES = [ROOT / "app.py", *(ROOT / "stylize").rglob("*.py"), *(ROOT / "training").rglob("*.py")]


def imported_modules(path: Path) -> set[str]:
    """Every dotted module that a file imports, in functions and for type checkers too."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write the whole name"
            assert node.module is not None
            modules.add(node.module)
            modules |= {f"{node.module}.{alias.name}" for alias in node.names if node.module == "stylize"}
    return modules


def package_of(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[1]


def importers(library: str) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in PYTHON_FILES
        if any(module.split(".")[0] == library for module in imported_modules(path))
    }


@pytest.mark.parametrize("path", sorted((ROOT / "stylize").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_layers_below_it(path):
    name = package_of(path)
    if name == "__init__":
        assert not any(module.startswith("stylize") for module in imported_modules(path))
        return
    assert name in LEVEL, f"give stylize.{name} a place in LAYERS"
    for module in imported_modules(path):
        parts = module.split(".")
        if parts[0] != "stylize" or len(parts) == 1 or parts[1] not in LEVEL or parts[1] == name:
            continue
        allowed = LEVEL[parts[1]] < LEVEL[name] or (name, parts[1]) in MAY_IMPORT_IN_ITS_LAYER
        assert allowed, f"stylize.{name} must not import {module}, which is not below it"


def test_only_the_ui_and_the_app_import_gradio():
    outside = {path for path in importers("gradio") if not path.startswith("stylize/ui/") and path != "app.py"}
    assert outside == {"stylize/viewer/component.py"}


def test_only_rotations_imports_roma():
    assert importers("roma") == {"stylize/rotations.py"}


def test_the_library_and_the_app_never_import_training():
    assert {path for path in importers("training") if not path.startswith("training/")} == set()


def test_models_see_tensors_only():
    for path in (ROOT / "stylize" / "models").glob("*.py"):
        inside = {module for module in imported_modules(path) if module.startswith("stylize.")}
        allowed = ("stylize.models", "stylize.features", "stylize.skeleton", "stylize.kinematics", "stylize.rotations")
        assert all(module.startswith(allowed) for module in inside), f"{path.name} imports {sorted(inside)}"
