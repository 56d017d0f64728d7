"""The character of a glTF file: its joints as a skeleton, its animations as motions, and other motions put on it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from stylize.errors import MotionFileError
from stylize.io.files import DEFAULT_LIMITS, Limits
from stylize.io.gltf.accessors import Accessors, BufferWriter
from stylize.io.gltf.animations import (
    DEFAULT_FPS,
    Animation,
    animated_nodes,
    frame_rate,
    pick,
    read_animation,
    rotations_at,
)
from stylize.io.gltf.channels import animation_of
from stylize.io.gltf.container import Container, data_uri, encode, parse_container, with_binary
from stylize.io.gltf.joints import Joints, find_joints
from stylize.io.gltf.nodes import NodeTree, read_nodes
from stylize.io.gltf.values import Part
from stylize.motion import Motion
from stylize.skeleton import Skeleton

MOST_JOINT_FRAMES = 300_000
"""A minute of 160 joints at 30 frames a second, three of 60; more would cost memory and time."""
MOST_TRIED = 100
"""How many animations are looked into for one that moves."""
NEW_NAME = "restyled"


@dataclass(frozen=True, eq=False)
class GltfCharacter:
    """A glTF file and the character in it: all that is needed to put another motion on it.

    The skeleton's zero pose is the one in which the mesh was bound, with the scene's axes at every joint; the file's
    own joint frames come in again when a motion is written.

    Attributes:
        container: the file.
        tree: its nodes.
        joints: those that are the character's.
        animations: the names of its animations.
    """

    container: Container
    tree: NodeTree
    joints: Joints
    animations: tuple[str, ...]

    @property
    def is_vrm(self) -> bool:
        """Whether the file says what a VRM file must say."""
        return any(self.container.root.path("extensions", name) is not None for name in ("VRM", "VRMC_vrm"))

    @cached_property
    def skeleton(self) -> Skeleton:
        """The joints in the scene's unit and axes."""
        rotations, positions = self._in_scene(Animation("", {}), np.zeros(1))
        steps = _steps(rotations, positions, self.joints)[0]
        names = tuple(self.tree.names[node] for node in self.joints.nodes)
        return Skeleton(names, self.joints.parents, steps, roles=dict(self.joints.roles))

    def rest(self) -> Motion:
        """One frame of the pose in which the mesh was bound."""
        root = self._in_scene(Animation("", {}), np.zeros(1))[1][:, 0]
        still = np.tile(np.eye(3), (1, len(self.joints), 1, 1))
        return Motion(self.skeleton, still, root, DEFAULT_FPS, name=Path(self.container.file).stem)

    def motion(self, animation: Animation, limits: Limits = DEFAULT_LIMITS) -> Motion:
        """An animation as a motion, at the rate of its keys if that is even, else at 30 frames a second."""
        keys = animation.times([*self.joints.above, *self.joints.nodes])
        fps = frame_rate(keys)
        start, seconds = (keys[0], keys[-1] - keys[0]) if len(keys) else (0.0, 0.0)
        frames = int(seconds * fps + 0.02) + 1
        most = min(limits.frames, MOST_JOINT_FRAMES // len(self.joints))
        if frames > most:
            raise MotionFileError(
                f"{self.container.file}: the animation {animation.name!r} has {frames} frames of {len(self.joints)} "
                f"joints; at most {most} can be used, so cut it into shorter ones."
            )
        rotations, positions = self._in_scene(animation, start + np.arange(frames) / fps)
        steps = _steps(rotations, positions, self.joints)
        skeleton, parents = self.skeleton, self.joints.parents
        tolerance = 1e-5 * max(float(np.abs(skeleton.offsets).max()), 1e-9)
        is_rigid = (np.abs(steps[:, 1:] - skeleton.offsets[1:]) <= tolerance).all()
        local_rotations = rotations.copy()
        local_rotations[:, 1:] = np.swapaxes(rotations[:, parents[1:]], -1, -2) @ rotations[:, 1:]
        name = f"{Path(self.container.file).stem} {animation.name}".strip()
        root = positions[:, 0].copy()
        return Motion(skeleton, local_rotations, root, fps, None if is_rigid else steps, name=name)

    def _in_scene(self, animation: Animation, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Global rotations (T, J, 3, 3), from the bound pose, and positions (T, J, 3) of the joints."""
        count = len(times)
        rotations = np.empty((count, len(self.joints), 3, 3))
        positions = np.empty((count, len(self.joints), 3))
        frames: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        above = (np.eye(3)[None], np.eye(3)[None], np.zeros((1, 3)))
        for node in self.joints.above:
            above = _below(above, *self._local(node, animation, times))
        for joint, node in enumerate(self.joints.nodes):
            parent = above if joint == 0 else frames[self.joints.node_parents[joint]]
            frames.append(_below(parent, *self._local(node, animation, times)))
            rotations[:, joint] = frames[joint][0] @ self.joints.bind[joint].T
            positions[:, joint] = frames[joint][2]
        return rotations, positions

    def _local(self, node: int, animation: Animation, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Translation (T or 1, 3), rotation (T or 1, 3, 3) and scale (T or 1, 3) of a node in its parent's frame."""
        channels = animation.channels.get(node, {})
        translation, scale = (
            channels[path].at(times) if path in channels else still[node][None]
            for path, still in (("translation", self.tree.translations), ("scale", self.tree.scales))
        )
        is_turned = "rotation" in channels
        rotation = rotations_at(channels["rotation"], times) if is_turned else self.tree.rotations[node][None]
        return translation, rotation, scale

    def content_with(self, motion: Motion, suffix: str) -> bytes:
        """The file's content with one more animation, "restyled", which comes first; nothing else changes.

        Args:
            motion: on ``skeleton``, in the scene's unit and axes.
            suffix: of the file that it will be.

        Raises:
            MotionFileError: the motion has other joints or is not finite.
        """
        if len(motion.skeleton) != len(self.joints):
            raise MotionFileError(
                f"{self.container.file} cannot take the motion: it has {len(motion.skeleton)} joints and the character "
                f"{len(self.joints)}; retarget the motion to that skeleton first."
            )
        if not (np.isfinite(motion.positions).all() and np.isfinite(motion.local_rotations).all()):
            raise MotionFileError(f"{self.container.file} cannot take the motion: it has values that are not finite.")
        document, binary = with_binary(self.container) if suffix != ".gltf" else (self.container.json, None)
        if binary is None and self.container.has_binary_buffer:
            binary = bytes(self.container.buffer(0))
        buffers = list(document.get("buffers", []))
        views, accessors = document.get("bufferViews", []), document.get("accessors", [])
        writer = BufferWriter(len(buffers) if binary is None else 0, binary or b"", views, accessors)
        name = _free_name(self.animations)
        animation, nodes = animation_of(motion, self.joints, self.tree, document["nodes"], writer, name)
        added = writer.content
        if binary is None:
            buffers.append({"byteLength": len(added), "uri": data_uri(added)})
        else:
            buffers[0] = {**buffers[0], "byteLength": len(added)}
        lists = {"buffers": buffers, "bufferViews": writer.views, "accessors": writer.accessors, "nodes": nodes}
        animations = [animation, *document.get("animations", [])]
        return encode({**document, **lists, "animations": animations}, None if binary is None else added, suffix)


def _below(parent: tuple, translation: np.ndarray, rotation: np.ndarray, scale: np.ndarray) -> tuple:
    """Global rotation, linear part (rotation and scale) and position of a node from its parent's and its own."""
    parent_rotation, parent_linear, parent_position = parent
    position = parent_position + (parent_linear @ translation[..., None])[..., 0]
    return parent_rotation @ rotation, parent_linear @ (rotation * scale[:, None, :]), position


def _steps(rotations: np.ndarray, positions: np.ndarray, joints: Joints) -> np.ndarray:
    """(T, J, 3) each joint's position in its parent's frame; the first one's is zero."""
    steps = np.zeros_like(positions)
    parents = joints.parents[1:]
    to_joint = positions[:, 1:] - positions[:, parents]
    steps[:, 1:] = (np.swapaxes(rotations[:, parents], -1, -2) @ to_joint[..., None])[..., 0]
    return steps


def _free_name(taken: tuple[str, ...]) -> str:
    number = 1
    while (name := NEW_NAME if number == 1 else f"{NEW_NAME} {number}") in taken:
        number += 1
    return name


def parse_character(content: bytes, source_name: str, limits: Limits = DEFAULT_LIMITS) -> GltfCharacter:
    """Understand the content of a .glb, .vrm or .gltf file, without its animations' keys.

    Raises:
        MotionFileError: one sentence with the file's name and what to do.
    """
    return _opened(content, source_name, limits)[0]


def parse_gltf(
    content: bytes, source_name: str = "motion.glb", animation: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> tuple[Motion, GltfCharacter]:
    """Understand the content of a .glb, .vrm or .gltf file and one of its animations.

    Args:
        content: the file's bytes.
        source_name: the file's name, for error messages and the motion's name.
        animation: the name of the animation; without it, the first one in which something moves.
        limits: the largest file that is accepted.

    Returns:
        The motion, in the scene's unit and axes (metres and +Y up in files that keep to the standard), and the
        character that it was on.

    Raises:
        MotionFileError: one sentence with the file's name and what to do.
    """
    character, accessors, parts = _opened(content, source_name, limits)
    if not parts:
        raise MotionFileError(
            f"{source_name} has a character but no animation, so there is no motion in it; choose a file with an "
            "animation, or take this one as the character for another motion."
        )
    names = list(character.animations)
    wanted = range(len(parts))[:MOST_TRIED] if animation is None else [pick(names, animation, source_name)]
    nodes = {*character.joints.above, *character.joints.nodes}
    chosen = None
    for index in wanted:
        read = read_animation(accessors, parts[index], names[index], nodes, limits)
        if read.moves:
            chosen = read
            break
        chosen = chosen or (read if read.channels else None)
    if chosen is None:
        raise MotionFileError(
            f"{source_name}: no animation moves the joints of the character; export it with its animation."
        )
    return character.motion(chosen, limits), character


def _opened(content: bytes, source_name: str, limits: Limits) -> tuple[GltfCharacter, Accessors, list[Part]]:
    container = parse_container(content, source_name)
    accessors = Accessors(container)
    tree = read_nodes(container.root)
    parts = container.root.parts("animations", limits.frames)
    animated = {node for part in parts for node in animated_nodes(part, len(tree.parents))}
    joints = find_joints(accessors, tree, animated, limits)
    names = tuple(part.name(f"animation {i}") for i, part in enumerate(parts))
    return GltfCharacter(container, tree, joints, names), accessors, parts
