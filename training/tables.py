"""An evaluation as tables that a person reads."""

from collections.abc import Mapping
from typing import Any

Table = Mapping[str, Mapping[str, Any]]

ACCURACIES = {
    "style": "style",
    "dynamics": "style by dynamics",
    "content": "content",
    "all_right": "all right",
    "leak": "leak",
    "frechet_distance": "Fréchet distance",
    "frechet_to_real": "/ real split",
    "rotation_distance": "geodesic distance to content, rad",
    "diversity": "diversity",
}
PHYSICS = {
    "foot_sliding": "foot sliding, m/s",
    "sliding_to_real": "/ real",
    "sliding_share": "share over 0.3 m/s",
    "penetration": "penetration, m",
    "floating": "floating, m",
    "jerk_to_content": "jerk / content",
    "jerk_to_real": "jerk / real",
    "bone_length_deviation": "bone change, m",
}
TIMING = {
    "pace_ratio": "pace / real",
    "pace_error": "error (log)",
    "tempo_ratio": "tempo / real",
    "tempo_error": "error (log)",
    "nearest_clip": "nearest training clip, m",
    "nearest_to_real": "/ real",
}
FOREIGN = {
    "kept": "movement kept",
    "surely_kept": "share over 0.7",
    "style": "style",
    "dynamics": "style by dynamics",
    "foot_sliding": "foot sliding, m/s",
    "sliding_to_content": "/ content",
    "jerk_to_content": "jerk / content",
    "clips": "restyles",
}
VARIETY = {
    "embedding": "style features apart",
    "centimetres": "joints apart, cm",
    "style": "recognised",
    "all_recognised": "all of a set recognised",
    "content": "content",
}


def markdown(report: Mapping[str, Any]) -> str:
    """The tables of what ``training.evaluate.evaluate`` returns."""
    ways, judges, cost = report["ways"], report["judges"], report["cost"]
    parts = [
        f"{report['checkpoint']}: {report['pairs']} pairs, seed {report['seed']}, references always of another "
        "action; 95% intervals by bootstrap over pairs.\n\n"
        f"The judges on the {judges['clips']:.0f} real test clips: style {judges['style']:.3f}, style by dynamics "
        f'{judges["dynamics"]:.3f}, content {judges["content"]:.3f}. "Real clips" are test clips of the styles '
        "and actions that the results should show.",
        _table(ways, ACCURACIES),
        "Feet and smoothness; real is a real clip of the wanted style and action:",
        _table(ways, PHYSICS),
        "Timing against real clips of the wanted style and action, and the nearest clip of the training:",
        _table(ways, TIMING),
        f"Sets of {report['set_size']} for one content and one label:",
        _table(report["sets"], VARIETY),
        "Actions that no clip of the wanted style shows (how alike hands and feet move before and after):",
        _table(report["foreign"], FOREIGN),
        *(["Other people on other skeletons:", _table(report["others"], FOREIGN)] if report["others"] else []),
        f"Cost: {cost['restyle_160_frames_ms']:.1f} ms for 160 frames on one thread, "
        f"{cost['million_parameters']:.1f} million parameters.",
        f"Made by `{report['command']}`.",
    ]
    return "\n\n".join(parts) + "\n"


def _table(rows: Table, columns: Mapping[str, str]) -> str:
    lines = ["| | " + " | ".join(columns.values()) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, row in rows.items():
        lines.append(f"| {name} | " + " | ".join(_cell(row, key) for key in columns) + " |")
    return "\n".join(lines)


def _cell(row: Mapping[str, Any], key: str) -> str:
    if key not in row:
        return ""
    interval = row.get(f"{key}_interval")
    return _number(row[key]) + (f" ({_number(interval[0])} to {_number(interval[1])})" if interval else "")


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) > 1e-6 else "0"
