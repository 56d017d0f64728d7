"""How much several results for one content and one style differ."""

from itertools import combinations

import numpy as np

from stylize.features import decode
from stylize.motion import Motion
from stylize.pipeline import MAX_SAMPLES, Stylizer
from stylize.styles import Style
from training import metrics
from training.distances import mean_pairwise
from training.exam import Exam, Row
from training.pairs import Pair


def variety(stylizer: Stylizer, exam: Exam, count: int, strength: float, labelled: bool) -> dict[str, Row]:
    """Sets of eight results each, for ``count`` contents a style, beside sets of eight real clips.

    Args:
        stylizer: the checkpoint.
        exam: its pairs give the contents and the styles.
        count: how many contents of different actions each style is given to.
        strength: of every restyle.
        labelled: whether to draw samples of the labels, beside taking eight references.
    """
    chosen = set_pairs(exam, count)
    if not chosen:
        return {}

    def restyled(pair: Pair, style: Style, samples: int = 1) -> list[Motion]:
        content = exam.motions[pair.content]
        return list(stylizer.stylize(content, style, strength=strength, num_samples=samples, seed=exam.seed).motions)

    sets = {
        "real clips": [
            [decode(clip.features) for clip in exam.real_training_clips([exam.wanted_of(pair)] * MAX_SAMPLES)]
            for pair in chosen
        ],
        "by reference, eight references": [
            [restyled(pair, Style.from_motion(m))[0] for m in references(exam, pair, MAX_SAMPLES)] for pair in chosen
        ],
    }
    if labelled:
        sets["by label, eight samples"] = [
            restyled(pair, Style.sample(exam.style_of(pair)), MAX_SAMPLES) for pair in chosen
        ]
    return {name: measure_sets(exam, motions, chosen) for name, motions in sets.items()}


def set_pairs(exam: Exam, count: int) -> list[Pair]:
    """The first ``count`` pairs of every target style, each of another content action."""
    chosen: dict[str, dict[str, Pair]] = {}
    for pair in exam.pairs:
        style, action = exam.wanted_of(pair)
        of_style = chosen.setdefault(style, {})
        if len(of_style) < count:
            of_style.setdefault(action, pair)
    return [pair for of_style in chosen.values() for pair in of_style.values()]


def references(exam: Exam, pair: Pair, count: int) -> list[Motion]:
    """Test clips of a pair's target style and of other actions than its content, ``count`` if there are."""
    fitting = _fitting(exam, pair)
    return [exam.motions[i] for i in np.random.default_rng(exam.seed).permutation(fitting)[:count]]


def other_references(exam: Exam, pair: Pair, count: int) -> list[Motion]:
    """The same beside the pair's own reference, each of another action, ``count`` if there are."""
    clips, chosen = exam.pack.clips, []
    seen = {clips[pair.reference].content}
    for index in np.random.default_rng((exam.seed, pair.content, pair.reference)).permutation(_fitting(exam, pair)):
        if len(chosen) < count and clips[index].content not in seen:
            seen.add(clips[index].content)
            chosen.append(exam.motions[index])
    return chosen


def _fitting(exam: Exam, pair: Pair) -> list[int]:
    style, action = exam.wanted_of(pair)
    clips = exam.pack.clips
    return [index for index in exam.usable if clips[index].style == style and clips[index].content != action]


def measure_sets(exam: Exam, sets: list[list[Motion]], pairs: list[Pair]) -> Row:
    """How much the motions of each set differ, and whether all of them show the pair's style and action.

    Distances are means over all twos within a set: of style features, and of joints in centimetres in the root's
    ground frame, for which the motions are stretched to the length of the first.
    """
    apart, centimetres, recognised, right_contents = [], [], [], []
    for motions, pair in zip(sets, pairs, strict=True):
        style, action = exam.wanted_of(pair)
        verdicts = [exam.judges(motion) for motion in motions]
        apart.append(mean_pairwise(np.stack([v.embedding for v in verdicts])))
        positions = [metrics.heading_positions(metrics.stretched(motion, len(motions[0]))) for motion in motions]
        distances = [np.linalg.norm(a - b, axis=-1).mean() for a, b in combinations(positions, 2)]
        centimetres.append(100 * float(np.mean(distances)) if distances else 0.0)
        recognised.append([v.style == style for v in verdicts])
        right_contents.append([v.content == action for v in verdicts])
    return {
        "embedding": float(np.mean(apart)),
        "centimetres": float(np.mean(centimetres)),
        "style": float(np.mean(np.concatenate(recognised))),
        "all_recognised": float(np.mean([all(values) for values in recognised])),
        "content": float(np.mean(np.concatenate(right_contents))),
    }
