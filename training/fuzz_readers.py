"""Feed the readers of motion files damaged files for a while, guided by the branches that they reach.

    python -m training.fuzz_readers amass --seconds 600

Needs ``pip install -e ".[fuzz]"``. It stops at the first error that is not meant for users, and leaves the file in
``crash-*``; such files become tests.
"""

import argparse
import pickle
import sys
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from time import process_time

import numpy as np
from scipy.sparse import csc_matrix

from stylize.errors import StylizeError

SLOWEST_SECONDS, MOST_MEGABYTES = 2, 1200
"""Of one file; the megabytes are those of the whole process, which has 400 before it reads anything."""
STUCK_SECONDS = 60
LONGEST = 200_000
"""Bytes of a damaged file."""


def readers() -> dict[str, tuple[Callable[[bytes], object], list[bytes]]]:
    """Name -> what reads a file's content, and good files to begin with."""
    from stylize import io
    from stylize.io.body_models import parse_body
    from stylize.io.humanml3d_features import features_from_positions
    from stylize.library import MOTIONS
    from stylize.motion import Motion

    walk = io.load_motion(MOTIONS / "contents" / "walk.bvh").with_frames(slice(0, 4))
    canonical = io.load_motion(_saved(walk, "walk.npz"))
    positions = canonical.positions[:, :22].astype(np.float32)
    npy = [_npy(positions), _npy(features_from_positions(positions)), _npy(np.moveaxis(positions, 0, -1))]
    names = canonical.skeleton.names[:22]

    def saved(motion: Motion, name: str) -> bytes:
        return _saved(motion, name).read_bytes()

    return {
        "amass": (io.parse_amass, [saved(walk, "o.npz"), _npz(canonical)]),
        "body": (lambda content: parse_body(content, "o.npz"), _body_models()),
        "bvh": (lambda content: io.parse_bvh(content, "o.bvh"), [saved(walk, "o.bvh")]),
        "csv": (io.parse_positions_csv, [saved(walk, "o.csv"), b"hip.x,hip.y,hip.z\n1,2,3\n1,2,3\n"]),
        "gltf": (lambda content: io.parse_gltf(content, "o.glb"), [saved(walk, "o.glb"), saved(walk, "o.gltf")]),
        "humanml3d": (io.parse_humanml3d, npy),
        "named": (lambda content: io.parse_joint_array(content, "o.npy", names), npy),
    }


def _saved(motion, name: str) -> Path:
    from stylize.io import save_motion

    path = Path(tempfile.mkdtemp()) / name
    save_motion(motion, path)
    return path


def _npy(array: np.ndarray) -> bytes:
    stream = BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _body_models() -> list[bytes]:
    """A small .npz, and a small pickle with a sparse matrix in it."""
    vertices, joints = 4, 24
    parents = np.maximum(np.arange(joints) - 1, 0)
    arrays = {
        "v_template": np.zeros((vertices, 3)),
        "f": np.zeros((1, 3), np.uint32),
        "weights": np.ones((vertices, joints)) / joints,
        "J_regressor": np.ones((joints, vertices)) / vertices,
        "kintree_table": np.stack([parents, parents]),
        "shapedirs": np.zeros((vertices, 3, 1)),
        "posedirs": np.zeros((vertices, 3, 9 * (joints - 1)), np.float32),
    }
    stream = BytesIO()
    np.savez_compressed(stream, **arrays)
    sparse = arrays | {"J_regressor": csc_matrix(arrays["J_regressor"])}
    return [stream.getvalue(), *(pickle.dumps(sparse, protocol) for protocol in (2, 4))]


def _npz(motion) -> bytes:
    stream = BytesIO()
    frames = len(motion)
    np.savez(
        stream,
        global_orient=np.zeros((frames, 3)),
        body_pose=np.zeros((frames, 63)),
        transl=motion.root_positions,
        left_hand_pose=np.zeros((frames, 45)),
        jaw_pose=np.zeros((frames, 3)),
        fps=30,
    )
    return stream.getvalue()


def main() -> None:
    """Fuzz one reader."""
    parser = argparse.ArgumentParser(description="Feed a reader damaged files.")
    parser.add_argument("reader", choices=["amass", "body", "bvh", "csv", "gltf", "humanml3d", "named"])
    parser.add_argument("--seconds", type=int, default=600)
    arguments = parser.parse_args()

    import atheris  # pyright: ignore[reportMissingImports]

    # Nothing of stylize.io may have been imported before, or its branches are not seen.
    seen = ["stylize.io", "stylize.retarget.named_joints"]
    with atheris.instrument_imports(include=seen):  # pyright: ignore[reportAttributeAccessIssue]
        read, good = readers()[arguments.reader]

    def run(content: bytes) -> None:
        start = process_time()
        try:
            read(content)
        except StylizeError as error:
            text = str(error)
            assert text.endswith(".") and "\n" not in text, text
        assert process_time() - start < SLOWEST_SECONDS

    folder = Path(tempfile.mkdtemp())
    for index, content in enumerate(good):
        (folder / str(index)).write_bytes(content)
    limits = [f"-max_total_time={arguments.seconds}", f"-timeout={STUCK_SECONDS}", f"-rss_limit_mb={MOST_MEGABYTES}"]
    atheris.Setup([sys.argv[0], str(folder), f"-max_len={LONGEST}", *limits], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
