"""A motion as an animation of nodes."""

from typing import Any

import numpy as np

from stylize.io.gltf.accessors import BufferWriter
from stylize.io.gltf.joints import Joints
from stylize.io.gltf.nodes import SMALLEST_SCALE, NodeTree
from stylize.motion import Motion
from stylize.rotations import matrix_to_continuous_quat_xyzw, matrix_to_quat_xyzw


def animation_of(
    motion: Motion, joints: Joints, tree: NodeTree, nodes: list[dict[str, Any]], writer: BufferWriter, name: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A motion on a character's joints as a glTF animation, which gets its keys into ``writer``.

    Joints that stay as they are at rest all the time get no channel. A joint with a matrix gets translation, rotation
    and scale in its place, since a matrix cannot be animated.

    Args:
        motion: on the character's skeleton, in the scene's unit and axes.
        joints: the character's.
        tree: the file's nodes.
        nodes: their JSON.
        writer: of the file's buffer.
        name: of the animation.

    Returns:
        The JSON of the animation and of all nodes.
    """
    translations, rotations = _local_transforms(motion, joints, tree)
    times = writer.add((np.arange(len(motion)) / motion.fps).astype("<f4"), "SCALAR", with_range=True)
    nodes = list(nodes)
    samplers: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []

    def add(node: int, path: str, values: np.ndarray, kind: str) -> None:
        samplers.append({"input": times, "output": writer.add(values.astype("<f4"), kind), "interpolation": "LINEAR"})
        channels.append({"sampler": len(samplers) - 1, "target": {"node": node, "path": path}})

    for joint, node in enumerate(joints.nodes):
        turns = np.abs(rotations[:, joint] - tree.rotations[node]).max() > 1e-6
        at_rest = tree.translations[node]
        travels = np.abs(translations[:, joint] - at_rest).max() > 1e-5 * max(np.abs(tree.translations).max(), 1e-6)
        if not (turns or travels):
            continue
        if "matrix" in nodes[node]:
            nodes[node] = _without_matrix(nodes[node], tree, node)
        if travels:
            add(node, "translation", translations[:, joint], "VEC3")
        if turns:
            add(node, "rotation", matrix_to_continuous_quat_xyzw(rotations[:, joint]), "VEC4")
    if not channels:
        still = np.broadcast_to(tree.translations[joints.nodes[0]], (len(motion), 3))
        add(joints.nodes[0], "translation", still, "VEC3")
    return {"name": name, "channels": channels, "samplers": samplers}, nodes


def _without_matrix(node: dict[str, Any], tree: NodeTree, index: int) -> dict[str, Any]:
    quat_xyzw = matrix_to_quat_xyzw(tree.rotations[index][None])[0]
    return {key: value for key, value in node.items() if key != "matrix"} | {
        "translation": tree.translations[index].tolist(),
        "rotation": quat_xyzw.tolist(),
        "scale": tree.scales[index].tolist(),
    }


def _local_transforms(motion: Motion, joints: Joints, tree: NodeTree) -> tuple[np.ndarray, np.ndarray]:
    """Translations (T, J, 3) and rotations (T, J, 3, 3) in the parents' frames that put all joints where they shall be.

    Nodes over the joints and all scales stay as they are at rest.
    """
    frames = len(motion)
    above_rotation, above_linear, above_position = np.eye(3), np.eye(3), np.zeros(3)
    for node in joints.above:
        above_position = above_position + above_linear @ tree.translations[node]
        above_linear = above_linear @ (tree.rotations[node] * tree.scales[node])
        above_rotation = above_rotation @ tree.rotations[node]
    global_rotations = motion.global_rotations @ joints.bind
    positions = motion.positions
    translations, rotations = np.empty((frames, len(joints), 3)), np.empty((frames, len(joints), 3, 3))
    linear: list[np.ndarray] = []
    for joint, node in enumerate(joints.nodes):
        parent = int(joints.node_parents[joint])
        if parent < 0:
            parent_rotation, parent_linear = above_rotation[None], above_linear[None]
            step = positions[:, joint] - above_position
        else:
            parent_rotation, parent_linear = global_rotations[:, parent], linear[parent]
            step = positions[:, joint] - positions[:, parent]
        rotations[:, joint] = np.swapaxes(parent_rotation, -1, -2) @ global_rotations[:, joint]
        if np.abs(np.linalg.det(parent_linear)).min() > SMALLEST_SCALE**3:
            translations[:, joint] = np.linalg.solve(parent_linear, step[..., None])[..., 0]
        else:  # of no size, so that it does not matter where
            translations[:, joint] = tree.translations[node]
        linear.append(parent_linear @ (rotations[:, joint] * tree.scales[node]))
    return translations, rotations
