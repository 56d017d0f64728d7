"""Contents unlike the clips of the wanted style: nobody knows how they should look, but what they do must stay.

They are actions that no clip of the style shows, and what other people on other skeletons do.
"""

from collections import defaultdict

import numpy as np

from stylize.motion import Motion
from stylize.pipeline import Stylizer
from stylize.quality import movement_kept
from stylize.styles import Style
from training import metrics
from training.exam import Exam, Row
from training.packs import Pack
from training.pairs import MIN_FRAMES

MOST_SECONDS = 8.0
MOST_CONTENTS = 40
SURE = 0.7
"""Of movement_kept: restyles of known actions are mostly over it, restyles that became another action are not."""


def unrecorded_actions(exam: Exam) -> list[Motion]:
    """Clips of the exam's pack with actions that no clip of a wanted style shows, an action as often as another."""
    known = {content for _, content in exam.cells}
    by_action: dict[str, list[int]] = defaultdict(list)
    for index, clip in enumerate(exam.pack.clips):
        if clip.content and clip.content not in known and clip.frames >= MIN_FRAMES:
            by_action[clip.content].append(index)
    rng = np.random.default_rng(exam.seed)
    most = max(MOST_CONTENTS // max(len(by_action), 1), 1)
    return [
        exam.motions[index].crop(0.0, MOST_SECONDS)
        for _, members in sorted(by_action.items())
        for index in rng.permutation(members)[:most].tolist()
    ]


def other_people(pack: Pack) -> list[Motion]:
    """The first seconds of every clip of another pack that is long enough."""
    motions = [pack.motion(index) for index, clip in enumerate(pack.clips) if clip.frames >= MIN_FRAMES]
    return [motion.crop(0.0, MOST_SECONDS) for motion in motions]


def foreign(stylizer: Stylizer, exam: Exam, contents: list[Motion], labelled: bool) -> dict[str, Row]:
    """Rows of measures by the way of giving the style: each content in a style, the next content in the next.

    Few contents are each given several styles.
    """
    if not contents:
        return {}
    ways = {"by reference": lambda pair: Style.from_motion(exam.motions[pair.reference])}
    if labelled:
        ways["by label"] = lambda pair: Style.from_label(exam.style_of(pair))
    count = max(len(contents), MOST_CONTENTS)
    contents = [contents[number % len(contents)] for number in range(count)]
    pairs = [exam.pairs[number % len(exam.pairs)] for number in range(count)]
    rows = {}
    for name, style_of in ways.items():
        results = [
            stylizer.stylize(content, style_of(pair)).motions[0] for content, pair in zip(contents, pairs, strict=True)
        ]
        kept = np.array([movement_kept(*each) for each in zip(contents, results, strict=True)])
        sliding = [np.mean([metrics.foot_sliding(motion) for motion in each]) for each in (results, contents)]
        jerk = [np.mean([metrics.jerk(motion) for motion in each]) for each in (results, contents)]
        verdicts = [(exam.judges(motion), exam.style_of(pair)) for motion, pair in zip(results, pairs, strict=True)]
        rows[name] = {
            "kept": float(kept.mean()),
            "surely_kept": float((kept > SURE).mean()),
            "style": float(np.mean([verdict.style == wanted for verdict, wanted in verdicts])),
            "dynamics": float(np.mean([verdict.dynamics == wanted for verdict, wanted in verdicts])),
            "foot_sliding": float(sliding[0]),
            "sliding_to_content": float(sliding[0] / max(sliding[1], 1e-6)),
            "jerk_to_content": float(jerk[0] / max(jerk[1], 1e-6)),
            "clips": count,
        }
    return rows
