"""Actions that no clip of the wanted style shows: nobody knows how they should look, but what they are must stay."""

from collections import defaultdict

import numpy as np

from stylize.motion import Motion
from stylize.pipeline import Stylizer
from stylize.quality import movement_kept
from stylize.styles import Style
from training import metrics
from training.exam import Exam, Row
from training.pairs import MIN_FRAMES

MOST_SECONDS = 8.0
MOST_CONTENTS = 40
SURE = 0.7
"""Of movement_kept: restyles of known actions are mostly over it, restyles that became another action are not."""


def foreign_contents(exam: Exam) -> list[tuple[str, Motion]]:
    """Clips of a pack, with their actions, that no clip of a wanted style shows; an action as often as another."""
    known = {content for _, content in exam.cells}
    by_action: dict[str, list[int]] = defaultdict(list)
    for index, clip in enumerate(exam.pack.clips):
        if clip.content and clip.content not in known and clip.frames >= MIN_FRAMES:
            by_action[clip.content].append(index)
    rng = np.random.default_rng(exam.seed)
    most = max(MOST_CONTENTS // max(len(by_action), 1), 1)
    return [
        (action, exam.motions[index].crop(0.0, MOST_SECONDS))
        for action, members in sorted(by_action.items())
        for index in rng.permutation(members)[:most].tolist()
    ]


def foreign_actions(stylizer: Stylizer, exam: Exam, labelled: bool) -> dict[str, Row]:
    """Rows of measures by the way of giving the style: each content in a style, the next content in the next."""
    contents = [motion for _, motion in foreign_contents(exam)]
    if not contents:
        return {}
    ways = {"by reference": lambda pair: Style.from_motion(exam.motions[pair.reference])}
    if labelled:
        ways["by label"] = lambda pair: Style.from_label(exam.style_of(pair))
    pairs = [exam.pairs[number % len(exam.pairs)] for number in range(len(contents))]
    rows = {}
    for name, style_of in ways.items():
        results = [
            stylizer.stylize(content, style_of(pair)).motions[0] for content, pair in zip(contents, pairs, strict=True)
        ]
        kept = np.array([movement_kept(*each) for each in zip(contents, results, strict=True)])
        sliding = [np.mean([metrics.foot_sliding(motion) for motion in each]) for each in (results, contents)]
        jerk = [np.mean([metrics.jerk(motion) for motion in each]) for each in (results, contents)]
        rows[name] = {
            "kept": float(kept.mean()),
            "surely_kept": float((kept > SURE).mean()),
            "style": float(
                np.mean([exam.judges(m).style == exam.style_of(p) for m, p in zip(results, pairs, strict=True)])
            ),
            "foot_sliding": float(sliding[0]),
            "sliding_to_content": float(sliding[0] / max(sliding[1], 1e-6)),
            "jerk_to_content": float(jerk[0] / max(jerk[1], 1e-6)),
            "clips": len(contents),
        }
    return rows
