"""A motion on a mannequin, as a glTF file of its own."""

from typing import Any

import numpy as np

from stylize.errors import MotionFileError
from stylize.io.gltf.accessors import BufferWriter
from stylize.io.gltf.channels import animation_of
from stylize.io.gltf.container import encode
from stylize.io.gltf.joints import Joints
from stylize.io.gltf.nodes import NodeTree
from stylize.motion import Motion
from stylize.skeleton import SKELETON_22, Skeleton
from stylize.skinned_mesh import SkinnedMesh, bundled_mannequin, rest_positions, tube_mannequin

VERTICES, INDICES = 34962, 34963
"""Targets of buffer views."""
MOST_JOINTS_OF_A_VERTEX = 4
COLOUR = (0.33, 0.52, 0.55, 1.0)
"""Linear, not sRGB."""


def mannequin_content(motion: Motion, suffix: str, mesh: SkinnedMesh | None = None) -> bytes:
    """The content of a .glb or .gltf file: a skinned mesh that moves.

    Args:
        motion: in metres with +Y up, on any skeleton.
        suffix: of the file that it will be.
        mesh: on the motion's skeleton; None for the bundled mannequin, or for tubes along the bones of a skeleton
            that is not the canonical one.

    Raises:
        MotionFileError: the motion is not finite.
    """
    if not (np.isfinite(motion.positions).all() and np.isfinite(motion.local_rotations).all()):
        raise MotionFileError(f"The motion {motion.name!r} cannot be written: it has values that are not finite.")
    skeleton = motion.skeleton
    if mesh is None:
        mesh = bundled_mannequin() if skeleton is SKELETON_22 else None
    mesh = tube_mannequin(skeleton) if mesh is None else mesh
    writer = BufferWriter()
    resting = rest_positions(skeleton)
    standing = np.array([0.0, -float(resting[:, 1].min()), 0.0])
    count = len(skeleton)
    first = 1  # the node of the first joint, after the mesh's
    nodes: list[dict[str, Any]] = [{"name": "mannequin", "mesh": 0, "skin": 0}]
    offsets = skeleton.offsets.copy()
    offsets[0] = standing
    for joint, name in enumerate(skeleton.names):
        node: dict[str, Any] = {"name": name, "translation": offsets[joint].tolist()}
        if children := skeleton.children(joint):
            node["children"] = [first + child for child in children]
        nodes.append(node)
    inverse_binds = np.tile(np.eye(4), (count, 1, 1))
    inverse_binds[:, :3, :3] = np.swapaxes(mesh.rotations, -1, -2)
    inverse_binds[:, :3, 3] = -np.einsum("jki,jk->ji", mesh.rotations, mesh.positions)
    primitive = _primitive(mesh, writer)
    skin = {
        "joints": list(range(first, first + count)),
        # Column after column.
        "inverseBindMatrices": writer.add(inverse_binds.transpose(0, 2, 1).reshape(-1, 16).astype("<f4"), "MAT4"),
        "skeleton": first,
    }
    tree = _tree(nodes, skeleton, offsets, first)
    own_nodes, parents = tuple(range(first, first + count)), skeleton.parents
    joints = Joints(own_nodes, parents, parents, (), np.tile(np.eye(3), (count, 1, 1)), {})
    animation, nodes = animation_of(motion, joints, tree, nodes, writer, motion.name or "motion")
    material = {"pbrMetallicRoughness": {"baseColorFactor": COLOUR, "metallicFactor": 0.0, "roughnessFactor": 0.7}}
    document = {
        "asset": {"version": "2.0", "generator": "stylize"},
        "scene": 0,
        "scenes": [{"nodes": [0, first]}],
        "nodes": nodes,
        "meshes": [{"name": "mannequin", "primitives": [primitive]}],
        "materials": [{"name": "mannequin", **material}],
        "skins": [skin],
        "animations": [animation],
        "accessors": writer.accessors,
        "bufferViews": writer.views,
        "buffers": [{"byteLength": len(writer.content)}],
    }
    return encode(document, writer.content, suffix)


def _primitive(mesh: SkinnedMesh, writer: BufferWriter) -> dict[str, Any]:
    joints, weights = quantised_weights(mesh.weights)
    index_type = "<u2" if len(mesh.vertices) < 65535 else "<u4"
    joint_type = "<u1" if mesh.weights.shape[1] <= 256 else "<u2"
    normals = mesh.normals / np.linalg.norm(mesh.normals, axis=1, keepdims=True)
    return {
        "attributes": {
            "POSITION": writer.add(mesh.vertices.astype("<f4"), "VEC3", target=VERTICES, with_range=True),
            "NORMAL": writer.add(normals.astype("<f4"), "VEC3", target=VERTICES),
            "JOINTS_0": writer.add(joints.astype(joint_type), "VEC4", target=VERTICES),
            "WEIGHTS_0": writer.add(weights, "VEC4", target=VERTICES, normalized=True),
        },
        "indices": writer.add(mesh.faces.reshape(-1, 1).astype(index_type), "SCALAR", target=INDICES),
        "material": 0,
    }


def quantised_weights(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The four joints (V, 4) that hold each vertex most, and their weights (V, 4) as uint8 that sum to 255.

    A joint of no weight is 0, as glTF wants it.
    """
    if weights.shape[1] < MOST_JOINTS_OF_A_VERTEX:
        weights = np.pad(weights, ((0, 0), (0, MOST_JOINTS_OF_A_VERTEX - weights.shape[1])))
    joints = np.argsort(-weights, axis=1, kind="stable")[:, :MOST_JOINTS_OF_A_VERTEX]
    largest = np.take_along_axis(weights, joints, axis=1)
    exact = 255 * largest / largest.sum(1, keepdims=True)
    rounded = np.floor(exact)
    missing = 255 - rounded.sum(1, keepdims=True)
    by_remainder = np.argsort(np.argsort(-(exact - rounded), axis=1, kind="stable"), axis=1, kind="stable")
    rounded += by_remainder < missing
    return np.where(rounded > 0, joints, 0), rounded.astype("<u1")


def _tree(nodes: list[dict[str, Any]], skeleton: Skeleton, offsets: np.ndarray, first: int) -> NodeTree:
    """The nodes of the file that is being made: the mesh's, then the joints in their order."""
    count = len(nodes)
    parents = np.concatenate([np.full(first + 1, -1), skeleton.parents[1:] + first])
    return NodeTree(
        tuple(node["name"] for node in nodes),
        parents,
        tuple(range(count)),
        np.concatenate([np.zeros((first, 3)), offsets]),
        np.tile(np.eye(3), (count, 1, 1)),
        np.ones((count, 3)),
    )
