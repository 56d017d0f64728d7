"""Make the mannequin that glTF files get: ``python -m training.make_mannequin`` writes assets/body/mannequin.npz.

It is the skin of the interactive view, which takes a second to grow and so is kept; and it is unbent into the T-pose,
since other programs expect a skin to be bound where its joints rest.
"""

import numpy as np

from stylize.skeleton import SKELETON_22
from stylize.skinned_mesh import MANNEQUIN, SkinnedMesh, rest_positions
from stylize.viewer.mannequin import Mannequin, mannequin


def in_t_pose(grown: Mannequin) -> SkinnedMesh:
    """The skin in the zero pose, such that in the pose that it was grown in it is as it was grown."""
    rest = rest_positions(SKELETON_22)
    shifts = grown.positions - np.einsum("jab,jb->ja", grown.rotations, rest)
    linear = np.einsum("vj,jab->vab", grown.weights, grown.rotations)
    vertices = np.linalg.solve(linear, (grown.vertices - grown.weights @ shifts)[..., None])[..., 0]
    normals = np.einsum("vba,vb->va", linear, grown.normals)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    still = np.tile(np.eye(3), (len(SKELETON_22), 1, 1))
    return SkinnedMesh(vertices, normals, grown.faces, grown.weights, still, rest)


def main() -> None:
    """Write the file."""
    MANNEQUIN.parent.mkdir(parents=True, exist_ok=True)
    mesh = in_t_pose(mannequin())
    mesh.save(MANNEQUIN)
    print(f"{MANNEQUIN.name}: {len(mesh.vertices)} vertices, {MANNEQUIN.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
