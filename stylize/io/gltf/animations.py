"""Animations of a glTF file: which there are, and where they put nodes at given times."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from stylize.errors import MotionFileError
from stylize.io.files import Limits
from stylize.io.gltf.accessors import Accessors
from stylize.io.gltf.values import Part, shown
from stylize.rotations import quat_xyzw_to_matrix

DEFAULT_FPS = 30
KNOWN_RATES = (30, 24, 25, 60, 50, 48, 120, 90, 100, 144, 240, 30000 / 1001, 24000 / 1001, 60000 / 1001)
PATHS = {"translation": "VEC3", "rotation": "VEC4", "scale": "VEC3"}
OUTPUT_TYPES = (5120, 5121, 5122, 5123, 5126)


@dataclass(frozen=True, eq=False)
class Channel:
    """How one property of one node changes.

    Attributes:
        times: (K,) in seconds, not falling.
        values: (K, 3) or (K, 4); for cubic splines (K, 3, 3) or (K, 3, 4): tangent in, value, tangent out.
        interpolation: "LINEAR", "STEP" or "CUBICSPLINE".
    """

    times: np.ndarray
    values: np.ndarray
    interpolation: str

    def at(self, times: np.ndarray) -> np.ndarray:
        """(T, 3) or (T, 4) the values at times (T,) in seconds; before the first and after the last key these hold."""
        before = np.clip(np.searchsorted(self.times, times, side="right") - 1, 0, len(self.times) - 1)
        after = np.minimum(before + 1, len(self.times) - 1)
        gap = self.times[after] - self.times[before]
        weight = np.clip((times - self.times[before]) / np.where(gap > 0, gap, 1), 0, 1)
        if self.interpolation == "STEP":
            return self.values[before]
        if self.interpolation == "CUBICSPLINE":
            return self._spline(before, after, weight[:, None], gap[:, None])
        if self.values.shape[1] == 4:
            return self._slerped(before, after, weight)
        return self.values[before] * (1 - weight[:, None]) + self.values[after] * weight[:, None]

    def _spline(self, before: np.ndarray, after: np.ndarray, w: np.ndarray, gap: np.ndarray) -> np.ndarray:
        start, end = self.values[before], self.values[after]
        tangent_out, tangent_in = start[:, 2] * gap, end[:, 0] * gap
        return (
            (2 * w**3 - 3 * w**2 + 1) * start[:, 1]
            + (w**3 - 2 * w**2 + w) * tangent_out
            + (3 * w**2 - 2 * w**3) * end[:, 1]
            + (w**3 - w**2) * tangent_in
        )

    def _slerped(self, before: np.ndarray, after: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """The shorter way on the sphere of unit quaternions; straight where they are almost the same."""
        start, end = self.values[before], self.values[after]
        cos = (start * end).sum(-1)
        end = np.where(cos[:, None] < 0, -end, end)
        angle = np.arccos(np.clip(np.abs(cos), 0, 1))
        sine = np.sin(angle)
        small = sine < 1e-4
        divisor = np.where(small, 1, sine)
        of_start = np.where(small, 1 - weight, np.sin((1 - weight) * angle) / divisor)
        of_end = np.where(small, weight, np.sin(weight * angle) / divisor)
        return start * of_start[:, None] + end * of_end[:, None]


@dataclass(frozen=True, eq=False)
class Animation:
    """One animation: its name, and node -> property ("translation", "rotation", "scale") -> channel."""

    name: str
    channels: Mapping[int, Mapping[str, Channel]]

    @property
    def moves(self) -> bool:
        """Whether any key differs from the first of its channel."""
        return any(
            bool(np.abs(channel.values - channel.values[:1]).max() > 1e-3)
            for channels in self.channels.values()
            for channel in channels.values()
        )

    def times(self, nodes: Collection[int]) -> np.ndarray:
        """(K,) all times at which some of the nodes have a key, sorted."""
        keys = {id(c.times): c.times for node in nodes for c in self.channels.get(node, {}).values()}
        return np.unique(np.concatenate([np.zeros(0), *keys.values()]))


def animated_nodes(part: Part, node_count: int) -> set[int]:
    """The nodes that an animation moves, turns or scales."""
    found = set()
    for channel in part.parts("channels"):
        target = channel.part("target")
        node = None if target is None else target.index("node", node_count)
        if target is not None and node is not None and target.text("path") in PATHS:
            found.add(node)
    return found


def read_animation(accessors: Accessors, part: Part, name: str, nodes: Collection[int], limits: Limits) -> Animation:
    """Read what an animation does to some nodes.

    Raises:
        MotionFileError: keys are missing, out of order, too many, or of a type that cannot be used.
    """
    samplers = part.parts("samplers")
    node_count = len(accessors.container.root.parts("nodes"))
    inputs: dict[int, np.ndarray] = {}
    found: dict[int, dict[str, Channel]] = {}
    for channel in part.parts("channels"):
        target = channel.part("target")
        node = None if target is None else target.index("node", node_count)
        path = "" if target is None else target.text("path")
        if node not in nodes or node is None or path not in PATHS:
            continue
        sampler = channel.index("sampler", len(samplers))
        if sampler is None:
            channel.fail("names no sampler")
        if path in found.setdefault(node, {}):
            channel.fail(f"moves the {path} of a node that another channel moves")
        found[node][path] = _channel(accessors, samplers[sampler], path, inputs, limits)
    return Animation(name, found)


def _channel(accessors: Accessors, sampler: Part, path: str, inputs: dict[int, np.ndarray], limits: Limits) -> Channel:
    count = len(accessors.accessors)
    at, out = sampler.index("input", count), sampler.index("output", count)
    if at is None or out is None:
        sampler.fail("names no keys")
    if at not in inputs:
        times = accessors.read(at, "SCALAR", limits.frames)[:, 0]
        if (np.diff(times) < 0).any() or times[0] < 0:
            sampler.fail("has keys that are not in the order of time")
        inputs[at] = times
    interpolation = sampler.text("interpolation", "LINEAR")
    if interpolation not in ("LINEAR", "STEP", "CUBICSPLINE"):
        sampler.fail(f"has the interpolation {shown(interpolation)}, which glTF does not know")
    keys = len(inputs[at])
    rows = keys * 3 if interpolation == "CUBICSPLINE" else keys
    values = accessors.read(out, PATHS[path], 3 * limits.frames, OUTPUT_TYPES)
    if len(values) < rows:
        sampler.fail(f"has {len(values)} values for {keys} keys")
    values = values[:rows]
    if interpolation == "CUBICSPLINE":
        values = values.reshape(keys, 3, -1)
    if path == "rotation":
        values = _unit_quaternions(values, interpolation, sampler)
    return Channel(inputs[at], values, interpolation)


def _unit_quaternions(values: np.ndarray, interpolation: str, sampler: Part) -> np.ndarray:
    """Rotations (K, 4) made one long; a spline's keys stay as they are, since the tangents belong to them."""
    lengths = np.linalg.norm(values[:, 1] if interpolation == "CUBICSPLINE" else values, axis=-1)
    if lengths.min() < 1e-6:
        sampler.fail("has rotations of length zero")
    return values if interpolation == "CUBICSPLINE" else values / lengths[:, None]


def rotations_at(channel: Channel, times: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotations of a channel of quaternions at times (T,)."""
    quat_xyzw = channel.at(times)
    lengths = np.linalg.norm(quat_xyzw, axis=-1, keepdims=True)
    return quat_xyzw_to_matrix(np.where(lengths > 1e-6, quat_xyzw, [0.0, 0.0, 0.0, 1.0]))


def frame_rate(times: np.ndarray) -> float:
    """Frames a second of the grid that key times (K,) lie on; 30 where they lie on none that is usual."""
    times = times - times[0] if len(times) else times
    steps = np.diff(times)
    steps = steps[steps > 1e-4]
    if len(steps) == 0:
        return DEFAULT_FPS
    finest = round(1 / float(steps.min()))
    for rate in (*KNOWN_RATES, *([finest] if 10 <= finest <= 240 else [])):
        frames = times * rate
        if np.abs(frames - np.round(frames)).max() < 0.02:
            return float(rate)
    return DEFAULT_FPS


def pick(names: list[str], wanted: str, file: str) -> int:
    """The index of the animation of a name, upper and lower case alike if need be."""
    for same in (str, str.lower, lambda name: name.lower().rpartition("|")[2]):
        for index, name in enumerate(names):
            if same(name) == same(wanted):
                return index
    listed = ", ".join(shown(name) for name in names[:20]) + (" and more" if len(names) > 20 else "")
    raise MotionFileError(
        f"{file} has no animation {shown(wanted)}; choose one of: {listed}." if names else f"{file} has no animation."
    )
