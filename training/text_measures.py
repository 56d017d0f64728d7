"""What is measured of motions that were made of texts, and the tables of it."""

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from stylize.motion import Motion
from stylize.rotations import heading_yaw
from stylize.text.wordings import LEFT, RIGHT
from training import metrics
from training.distances import KnownClips, bootstrap_interval, frechet_distance, mean_pairwise
from training.pairs import MIN_FRAMES

CANDIDATES = 32
"""Texts of which one is a motion's own."""
DRAWS = 20
"""How often those candidates are drawn anew."""

Row = dict[str, Any]
"""Measures by name."""

TEXT = """Every prompt is a wording of one of the actions of Bandai-Namco set 2 that neither a training nor a choice of
settings has seen (`test` in `stylize/text/wordings.toml`). Judges and retrieval model were trained on real clips alone,
and the generator saw none of them. Real clips are neutral test clips of the same actions; the restyles of both go to
the same styles. R-precision is among {candidates} texts, one of which is the motion's own, and the others name another
action or style; the Fréchet distance is over the retrieval model's places to real test clips, and that of real clips is
of half of them to the other half. Side: by the geometry of the motion alone."""


def side_shown(motion: Motion, content: str) -> int | None:
    """The side that a motion shows, by its geometry alone: the higher hand, or the way that it turns."""
    if "turn" in content:
        yaw = np.unwrap(heading_yaw(motion.local_rotations[:, 0]))
        return LEFT if yaw[-1] > yaw[0] else RIGHT
    if "both" in content or "hand" not in content:
        return None
    left, right = (motion.joint_positions(f"{side}_wrist")[:, 1].max() for side in ("left", "right"))
    return LEFT if left > right else RIGHT


def retrieval_row(
    places: np.ndarray, texts: np.ndarray, cells: Sequence[tuple[int, str]], real: np.ndarray, seed: int
) -> Row:
    """How well motions fit their texts.

    Args:
        places: of motions (N, D).
        texts: places of each motion's own text (N, D).
        cells: action and style that each text names; the candidates of a motion never share its own.
        real: places of real test clips (M, D).
        seed: of the candidates.
    """
    rng = np.random.default_rng(seed)
    keys = np.array([f"{action} {style}" for action, style in cells])
    ranks = []
    for index, place in enumerate(places):
        others = np.flatnonzero(keys != keys[index])
        for _ in range(DRAWS):
            drawn = rng.choice(others, min(CANDIDATES - 1, len(others)), replace=False)
            distances = np.linalg.norm(texts[drawn] - place, axis=1)
            ranks.append(int((distances < np.linalg.norm(texts[index] - place)).sum()))
    tops = {f"r_precision_{top}": float(np.mean(np.array(ranks) < top)) for top in (1, 2, 3)}
    return tops | {
        "multimodal_distance": float(np.linalg.norm(places - texts, axis=1).mean()),
        "frechet_distance": frechet_distance(places, real),
        "diversity": mean_pairwise(places),
    }


def physical_row(motions: list[Motion], known: KnownClips) -> Row:
    """Feet, smoothness and the nearest training clip."""
    long_enough = [motion for motion in motions if len(motion) >= MIN_FRAMES]
    measures: dict[str, Callable[[Motion], float]] = {
        name: getattr(metrics, name) for name in ("foot_sliding", "sliding_share", "penetration", "floating", "jerk")
    }
    row = {name: float(np.mean([measure(motion) for motion in motions])) for name, measure in measures.items()}
    nearest = [known.distance(metrics.heading_positions(motion)) for motion in long_enough]
    return row | {"nearest_clip": float(np.mean(nearest))}


def share(right: Sequence[bool]) -> Row:
    """A share with its 95% interval."""
    low, high = bootstrap_interval(np.asarray(right))
    return {"share": float(np.mean(right)), "interval": [low, high], "count": len(right)}


def section(report: Row) -> Row:
    """The measures as a section of the results' page."""
    judged = {
        "generated": {**flat(report["action"], "content"), **flat(report["side"], "side")},
        "generated, restyled": restyled_row(report["restyled"]["generated"]),
        "real, restyled": restyled_row(report["restyled"]["real"]),
    }
    physics = report["physics"]
    for row in physics.values():
        row["sliding_to_real"] = row["foot_sliding"] / physics["real"]["foot_sliding"]
    judged_columns = {
        "content": "action recognised", "side": "named side obeyed", "style": "style", "dynamics": "style by dynamics",
    }  # fmt: skip
    physics_columns = {
        "foot_sliding": "foot sliding, m/s", "sliding_to_real": "/ real", "sliding_share": "share of frames",
        "jerk": "jerk, m/s³", "nearest_clip": "nearest training clip, m",
    }  # fmt: skip
    tables = [
        table(f"Judges, {report['action']['count']} prompts, {report['side']['count']} of which name a side:",
              judged_columns, judged),
        table("Action recognised, by action:", {key: key for key in report["action"]["by_action"]},
              {"generated": report["action"]["by_action"]}),
        table("Feet, smoothness and distance to the training:", physics_columns, physics),
    ]  # fmt: skip
    if "retrieval" in report:
        columns = {
            "r_precision_1": "R-precision top 1", "r_precision_2": "top 2", "r_precision_3": "top 3",
            "multimodal_distance": "multimodal distance", "frechet_distance": "Fréchet distance",
            "diversity": "diversity", "multimodality": "multimodality",
        }  # fmt: skip
        rows = {name: dict(row) for name, row in report["retrieval"].items()}
        rows["generated, restyled"]["multimodality"] = report["multimodality"]
        tables.append(table("By the retrieval model, of texts that name action and style:", columns, rows))
    words, cost = report["style_words"], report["seconds_for_5_s"]
    closing = (
        f" Style words that no training saw are understood in {words['share']:.3f} of {words['count']} texts. "
        f"5 s of motion take {cost:.2f} s on one thread, the reading of the text included."
    )
    return {
        "title": "Text to motion",
        "text": " ".join(TEXT.split()).format(candidates=CANDIDATES) + closing,
        "tables": tables,
        "command": report["command"],
        "machine": f"{platform.machine()} processor, 1 of {os.cpu_count()} threads",
        "trainings": [],
    }


def flat(row: Row, name: str) -> Row:
    """A share with its interval as the tables take it."""
    return {name: row["share"], f"{name}_interval": row["interval"]}


def restyled_row(row: Row) -> Row:
    """Shares by what they are of, as the tables take them."""
    return {key: value for name, each in row.items() for key, value in flat(each, name).items()}


def table(title: str, columns: Mapping[str, str], rows: Mapping[str, Row]) -> Row:
    """A table of the results' page with one repeat a row."""
    return {"title": title, "columns": dict(columns), "rows": {name: [row] for name, row in rows.items()}}
