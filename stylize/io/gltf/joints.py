"""Which nodes of a glTF file are the joints of its character, how they are bound, and which roles the file names."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stylize.errors import MotionFileError
from stylize.io.files import Limits
from stylize.io.gltf.accessors import Accessors
from stylize.io.gltf.nodes import NodeTree
from stylize.io.gltf.values import Part
from stylize.retarget.axes import RIGHT_ANGLED
from stylize.retarget.families import KNOWN_WORDS, split_side
from stylize.rotations import nearest_rotation

VRM_PARTS = {
    "UpperLeg": "hip", "LowerLeg": "knee", "Foot": "ankle", "Toes": "foot",
    "Shoulder": "collar", "UpperArm": "shoulder", "LowerArm": "elbow", "Hand": "wrist",
}  # fmt: skip
VRM_ROLES = {
    "hips": "pelvis", "spine": "spine1", "chest": "spine2", "upperChest": "spine3", "neck": "neck", "head": "head",
    **{f"{side}{part}": f"{side}_{role}" for side in ("left", "right") for part, role in VRM_PARTS.items()},
}  # fmt: skip
"""VRM's names of humanoid bones -> canonical roles."""
FEET, LOWER_LEGS = ("foot", "ankle"), ("lowerleg", "shin", "calf", "leg", "knee")
VRM_EXTENSIONS = ("VRMC_vrm", "VRM", "VRMC_vrm_animation")


@dataclass(frozen=True, eq=False)
class Joints:
    """The joints of one character.

    Attributes:
        nodes: (J,) the node of each joint, a parent before its children.
        parents: (J,) the joint above each in the skeleton, -1 for the first, which is above all others.
        node_parents: (J,) the joint that is above each in the file. It is another one for feet that hang from the
            root, for inverse kinematics to place them, and in the skeleton from the leg.
        above: the nodes over the first joint, from the top.
        bind: (J, 3, 3) each joint's global rotation when the character stands as it was bound to its mesh,
            upright in the scene.
        roles: canonical role -> joint, as far as the file says.
    """

    nodes: tuple[int, ...]
    parents: np.ndarray
    node_parents: np.ndarray
    above: tuple[int, ...]
    bind: np.ndarray
    roles: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.nodes)


def find_joints(accessors: Accessors, tree: NodeTree, animated: Collection[int], limits: Limits) -> Joints:
    """The joints of the character in a file.

    These are the joints of the skin that moves most (of the one with the humanoid's hips in a VRM file), those of
    other skins that hang from them, and what lies between. Without a skin they are the animated nodes and all below.

    Args:
        accessors: of the file.
        tree: its nodes.
        animated: the nodes that animations move.
        limits: how many joints there may be.

    Raises:
        MotionFileError: there is nothing with joints, it has too many, or it is mirrored.
    """
    root = accessors.container.root
    count = len(tree.parents)
    skins = [(part, part.indices("joints", count)) for part in root.parts("skins", limits.joints)]
    humanoid = vrm_bones(root, count)
    if sum(len(joints) for _, joints in skins) > 20 * limits.joints:
        root.fail("has skins with too many joints", "export one character alone")
    skins = [(part, joints) for part, joints in skins if joints]
    main = max(skins, key=lambda skin: _claim(skin[1], animated, humanoid), default=None)
    wanted = set(humanoid.values()) | set(main[1] if main else ())
    wanted = wanted or set(animated)
    if not wanted:
        root.fail("has no skin and no animation", "a character with joints is needed")
    if len(wanted) > limits.joints:
        root.fail(f"has a character of {len(wanted)} joints; at most {limits.joints} can be used", "remove some")
    top, above = _common_top(tree, sorted(wanted), root)
    inside = _connected(tree, wanted, top)
    below = _subtree(tree, top)
    others = {n for _, joints in skins for n in joints if n in below} if skins else below
    with_others = inside | _connected(tree, others, top)
    if len(with_others) <= limits.joints:  # what is too much, as hair and clothes, may stay as it is at rest
        inside = with_others
    if len(inside) > limits.joints:
        root.fail(f"has a character of {len(inside)} joints; at most {limits.joints} can be used", "remove some")
    nodes, over = _ordered([node for node in tree.order if node in inside], tree)
    if (tree.scales[[*above, *nodes]] < 0).any():
        root.fail("has a character that is mirrored by a negative scale", "apply the scale and export it again")
    place = {node: joint for joint, node in enumerate(nodes)}
    parents, node_parents = (
        np.array([-1, *(place[above_it[node]] for node in nodes[1:])])
        for above_it in (over, dict(enumerate(tree.parents.tolist())))
    )
    bind = _bind_rotations(accessors, tree, nodes, *(main or (None, [])))
    roles = {VRM_ROLES[bone]: place[node] for bone, node in humanoid.items() if bone in VRM_ROLES}
    return Joints(nodes, parents, node_parents, above, bind, roles)


def _ordered(nodes: list[int], tree: NodeTree) -> tuple[tuple[int, ...], dict[int, int]]:
    """The nodes in an order in which each comes after the one above it in the file and in the skeleton.

    Returns:
        The nodes, and what is above each but the first in the skeleton: feet that hang from elsewhere are the legs'.
    """
    in_file = {node: int(tree.parents[node]) for node in nodes}
    over = in_file | _legs_of_loose_feet(nodes, tree)
    below: dict[int, list[int]] = {}
    for node in nodes[1:]:
        below.setdefault(over[node], []).append(node)
    found = nodes[:1]
    for node in found:  # which grows as it is walked through
        found.extend(below.get(node, []))
    place = {node: i for i, node in enumerate(found)}
    if any(place.get(node, -1) <= place.get(in_file[node], -1) for node in nodes[1:]):
        return tuple(nodes), in_file
    return tuple(found), over


def _legs_of_loose_feet(nodes: list[int], tree: NodeTree) -> dict[int, int]:
    """Foot -> lower leg of the same side, by their names, where the one is not below the other."""
    found = {}
    sided = {split_side(tree.names[node], KNOWN_WORDS): node for node in reversed(nodes[1:])}
    for side in ("left", "right"):
        feet, legs = ([sided[side, word] for word in words if (side, word) in sided] for words in (FEET, LOWER_LEGS))
        if feet and legs and feet[0] not in tree.path(legs[0]) and legs[0] not in tree.path(feet[0]):
            found[feet[0]] = legs[0]
    return found


def vrm_bones(root: Part, node_count: int) -> dict[str, int]:
    """VRM's humanoid bones (versions 0 and 1) -> node; empty for files that name none."""
    found: dict[str, int] = {}
    for extension in VRM_EXTENSIONS:
        humanoid = root.path("extensions", extension, "humanoid")
        if humanoid is None:
            continue
        if isinstance(humanoid.value.get("humanBones"), list):
            bones = [(part.text("bone"), part) for part in humanoid.parts("humanBones")]
        else:
            bone_map = humanoid.part("humanBones")
            keys = [key for key in VRM_ROLES if bone_map is not None and key in bone_map.value]
            bones = [(key, part) for key in keys if bone_map is not None and (part := bone_map.part(key)) is not None]
        for bone, part in bones:
            node = part.index("node", node_count)
            if node is not None and bone in VRM_ROLES:
                found.setdefault(bone, node)
    return found


def _claim(joints: Sequence[int], animated: Collection[int], humanoid: Mapping[str, int]) -> tuple[int, int, int]:
    """What speaks for a skin being the character's body."""
    own = set(joints)
    return len(own & set(humanoid.values())), len(own & set(animated)), len(own)


def _common_top(tree: NodeTree, nodes: Sequence[int], root: Part) -> tuple[int, tuple[int, ...]]:
    """The lowest node above or at all of some, and the nodes above that, from the top."""
    shared = tree.path(nodes[0])
    for node in nodes[1:]:
        other = tree.path(node)
        same = [a for a, b in zip(shared, other, strict=False) if a == b]
        shared = same
        if not shared:
            root.fail("has a character whose joints hang from several tops", "give its armature one root node")
    return shared[-1], tuple(shared[:-1])


def _subtree(tree: NodeTree, top: int) -> set[int]:
    inside = {top}
    for node in tree.order:
        if int(tree.parents[node]) in inside:
            inside.add(node)
    return inside


def _connected(tree: NodeTree, nodes: Collection[int], top: int) -> set[int]:
    """Nodes below ``top``, and all between them and it."""
    inside = {top}
    for node in nodes:
        while node not in inside:
            inside.add(node)
            node = int(tree.parents[node])
    return inside


def _bind_rotations(
    accessors: Accessors, tree: NodeTree, nodes: tuple[int, ...], skin: Part | None, skin_joints: Sequence[int]
) -> np.ndarray:
    """(J, 3, 3) global rotations in the pose in which the mesh was bound, turned upright as the scene is.

    The nodes' own transforms may be those of any frame of an animation; the inverse bind matrices are not. They
    are in the space of the mesh, which exporters turn by right angles. Nodes outside the skin keep their place
    relative to the nearest one above that is in it.
    """
    at_rest = tree.global_rotations()[list(nodes)]
    bound = _inverse_of_bind_matrices(accessors, skin, skin_joints) if skin is not None else {}
    known = [joint for joint, node in enumerate(nodes) if node in bound]
    if not known:
        return at_rest
    to_scene = at_rest[known[0]] @ bound[nodes[known[0]]].T
    to_scene = RIGHT_ANGLED[np.einsum("nij,ij->n", RIGHT_ANGLED, to_scene).argmax()]
    place = {node: joint for joint, node in enumerate(nodes)}
    found = np.empty_like(at_rest)
    turn_of_first = to_scene @ bound[nodes[known[0]]] @ at_rest[known[0]].T
    for joint, node in enumerate(nodes):
        parent = place.get(int(tree.parents[node]))
        if node in bound:
            found[joint] = to_scene @ bound[node]
        elif parent is None:
            found[joint] = turn_of_first @ at_rest[joint]
        else:
            found[joint] = found[parent] @ tree.rotations[node]
    return found


def _inverse_of_bind_matrices(accessors: Accessors, skin: Part, joints: Sequence[int]) -> dict[int, np.ndarray]:
    """Node -> global rotation (3, 3) at bind; empty where the file's matrices cannot be used."""
    index = skin.index("inverseBindMatrices", len(accessors.accessors))
    if index is None:
        return {}
    try:
        matrices = accessors.read(index, "MAT4", max(len(joints), 1) * 4, (5126,))
    except MotionFileError:  # compressed, say: the nodes' own transforms serve as well
        return {}
    if len(matrices) < len(joints):
        skin.fail(f"has {len(matrices)} inverse bind matrices for {len(joints)} joints")
    linear = matrices[: len(joints)].reshape(-1, 4, 4).transpose(0, 2, 1)[:, :3, :3]
    lengths = np.linalg.norm(linear, axis=1, keepdims=True)
    if lengths.min() < 1e-9:
        return {}
    unscaled = linear / lengths
    if (np.linalg.det(unscaled) < 0.5).any():
        return {}
    return dict(zip(joints, np.swapaxes(nearest_rotation(unscaled), -1, -2), strict=True))
