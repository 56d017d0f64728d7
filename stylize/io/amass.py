"""Motions of the SMPL family of bodies as .npz: AMASS (Mahmood et al., ICCV 2019) and what tools around smplx write."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np

from stylize.errors import MotionFileError
from stylize.io.files import DEFAULT_LIMITS, Limits, read_bytes, write_bytes
from stylize.io.npy import finite_floats, read_npz
from stylize.io.smpl_joints import JOINT_NAMES, SMPL_PELVIS, SMPL_SOLE, smpl_skeleton
from stylize.motion import Motion
from stylize.retarget import Placement, Retargeter
from stylize.retarget.placement import UP_AXES, upright_world
from stylize.rotations import matrix_to_rotvec, rotvec_to_matrix
from stylize.skeleton import ANKLE_HEIGHT, SKELETON_22

DEFAULT_FPS = 30.0
LARGEST = 1e4
"""No coordinate of a body is larger, in metres, and no angle in radians."""
MOST_JOINT_FRAMES = 1_000_000
"""Over two and a half minutes of 52 joints at 120 frames a second; more would cost memory."""
NEW_MODEL, NEW_BETAS = "SMPL-H", 16

POSES = ("poses", "fullpose", "smpl_poses")
TRANSLATION = ("trans", "transl", "smpl_trans", "root_trans")
RATE = ("mocap_framerate", "mocap_frame_rate", "framerate", "frame_rate", "fps")
PARTS = {
    "root": ("global_orient", "root_orient"),
    "body": ("body_pose", "pose_body"),
    "jaw": ("jaw_pose", "pose_jaw"),
    "left_eye": ("leye_pose",),
    "right_eye": ("reye_pose",),
    "eyes": ("pose_eye",),
    "left_hand": ("left_hand_pose",),
    "right_hand": ("right_hand_pose",),
    "hands": ("pose_hand",),
}
"""A part of the pose -> what smplx and AMASS call it."""
OTHERS = ("betas", "gender")
KEYS = {*POSES, *TRANSLATION, *RATE, *OTHERS, *(name for names in PARTS.values() for name in names)}
COLUMNS = {66: "SMPL body", 72: "SMPL", 156: "SMPL-H", 165: "SMPL-X"}

AMASS_UP_AXES = {"+Z": (np.array([0.0, 0.0, 1.0]), 0.3), "+Y": (np.array([0.0, 1.0, 0.0]), 0.0)}
"""AMASS says that +Z is up; a trunk that stands along +Y is believed all the same."""


@dataclass(frozen=True, eq=False)
class SmplFile:
    """What a file of the SMPL family has beside its motion, to write another motion like it.

    Attributes:
        model: of ``JOINT_NAMES``.
        betas: (B,) shape parameters.
        gender: "neutral", "male" or "female".
        world: (3, 3) from the file's axes to +Y up.
        warnings: what a person should know about the file.
    """

    model: str
    betas: np.ndarray
    gender: str
    world: np.ndarray
    warnings: tuple[str, ...] = ()

    def retargeter(self, motion: Motion) -> Retargeter:
        """Between the file's skeleton and the canonical one: SMPL's joints have the canonical frames."""
        return Retargeter.aligned(motion, self.world, self.model, self.warnings)


def read_amass(path: Path | str, limits: Limits = DEFAULT_LIMITS) -> tuple[Motion, SmplFile]:
    """Read a file of SMPL, SMPL-H or SMPL-X parameters; see ``parse_amass`` for what comes back."""
    path = Path(path)
    return parse_amass(read_bytes(path, limits), path.name, limits)


def parse_amass(
    content: bytes, source_name: str = "motion.npz", limits: Limits = DEFAULT_LIMITS
) -> tuple[Motion, SmplFile]:
    """Understand the content of an .npz file of SMPL, SMPL-H or SMPL-X parameters.

    Args:
        content: either AMASS's `poses` (T, 66, 72, 156 or 165) with `trans` (T, 3), or smplx's `global_orient`
            (T, 3), `body_pose` (T, 63 or 69), `transl` (T, 3) and the poses of hands and face; all rotation vectors.
            `betas`, `gender` and `mocap_framerate` (or `mocap_frame_rate`, `fps`) are used where they are there.
        source_name: the file's name, for error messages; its stem becomes the motion's name.
        limits: the largest file that is accepted.

    Returns:
        The motion in metres and in the file's axes, on the model's joints in the neutral body's proportions, and
        what else the file has. Which axis is up is seen from how the body stands.

    Raises:
        MotionFileError: one sentence with the file's name and what to do.
    """
    arrays = read_npz(content, source_name, KEYS, limits, optional=OTHERS)
    rotvec, model = _rotvecs(arrays, source_name, limits)
    translation = _translation(arrays, source_name, len(rotvec))
    fps, warnings = _frame_rate(arrays, source_name)
    warnings = (*warnings, *_left_out(arrays))
    motion = Motion(
        smpl_skeleton(model), rotvec_to_matrix(rotvec), translation + SMPL_PELVIS, fps, name=Path(source_name).stem
    )
    expected = AMASS_UP_AXES if _first(arrays, POSES) is not None else UP_AXES
    world = upright_world(motion.positions, motion.skeleton.roles, expected)
    betas = _betas(arrays, source_name)
    return motion, SmplFile(model, betas, _gender(arrays), world, warnings)


def write_amass(motion: Motion, path: Path | str, file: SmplFile | None = None) -> None:
    """Write AMASS's arrays, as a whole or not at all.

    Args:
        motion: on the skeleton of ``file`` and in its axes, or else any motion of a person, which is put on the
            neutral SMPL-H body: the canonical rotations as they are, the pelvis scaled by the legs, +Z up, the soles
            on the ground, fingers straight.
        path: the file to write or to replace.
        file: what was read beside a motion, whose model, betas and gender are kept.

    Raises:
        MotionFileError: the file cannot be written.
        RetargetError: the motion is not that of a person.
    """
    path = Path(path)
    if file is None or motion.skeleton.names != JOINT_NAMES[file.model]:
        motion, file = _on_smpl(motion)
    rotvec = matrix_to_rotvec(motion.local_rotations).reshape(len(motion), -1)
    stream = BytesIO()
    np.savez_compressed(
        stream,
        poses=rotvec.astype(np.float32),
        trans=(motion.root_positions - SMPL_PELVIS).astype(np.float32),
        betas=file.betas,
        gender=np.array(file.gender),
        mocap_framerate=np.array(motion.fps),
    )
    write_bytes(path, stream.getvalue())


def _on_smpl(motion: Motion) -> tuple[Motion, SmplFile]:
    """A motion of any skeleton on the neutral SMPL-H body, +Z up."""
    if motion.skeleton is not SKELETON_22:
        motion = Retargeter.fit(motion).to_canonical(motion)
    z_up = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    file = SmplFile(NEW_MODEL, np.zeros(NEW_BETAS, np.float32), "neutral", z_up)
    skeleton = smpl_skeleton(NEW_MODEL)
    still = np.tile(np.eye(3), (1, len(skeleton), 1, 1))
    template = Motion(skeleton, still, np.zeros((1, 3)), motion.fps)
    retargeter = file.retargeter(template)
    soles = retargeter.scale * (skeleton.offsets[skeleton.joint("left_hip"), 1] - skeleton.leg_length - SMPL_SOLE)
    canonical_soles = _canonical_hip_height() - SKELETON_22.leg_length - ANKLE_HEIGHT
    ground = np.array([0.0, canonical_soles - soles, 0.0])
    return replace(retargeter, placement=Placement(0.0, -ground)).to_source(motion, motion.fps), file


def _canonical_hip_height() -> float:
    return float(SKELETON_22.offsets[SKELETON_22.joint("left_hip"), 1])


def _first(arrays: Mapping[str, np.ndarray], names: tuple[str, ...]) -> np.ndarray | None:
    return next((arrays[name] for name in names if name in arrays), None)


def _rotvecs(arrays: Mapping[str, np.ndarray], source_name: str, limits: Limits) -> tuple[np.ndarray, str]:
    """Rotation vectors (T, J, 3) in the order of the model's joints, and the model."""
    whole = _first(arrays, POSES)
    if whole is not None:
        _check_frames(whole, source_name, limits)
        flat = whole.reshape(len(whole), -1)
        model = COLUMNS.get(flat.shape[1])
        if model is None:
            raise MotionFileError(
                f"{source_name}: its poses have the shape {whole.shape}; use (frames, columns) with 66, 72 (SMPL), "
                "156 (SMPL-H) or 165 (SMPL-X) columns of rotation vectors."
            )
        flat = finite_floats(flat, source_name, LARGEST)
    else:
        flat, model = _from_parts(arrays, source_name, limits)
    return flat.reshape(len(flat), -1, 3), model


def _from_parts(arrays: Mapping[str, np.ndarray], source_name: str, limits: Limits) -> tuple[np.ndarray, str]:
    """Pose columns (T, C) put together from smplx's parts; hands of fewer than 45 numbers (PCA) are left out."""
    found: dict[str, np.ndarray] = {}
    for part, names in PARTS.items():
        array = _first(arrays, names)
        if array is not None:
            _check_frames(array, source_name, limits)
            found[part] = finite_floats(array.reshape(len(array), -1), source_name, LARGEST)
    if "root" not in found or "body" not in found:
        raise MotionFileError(
            f"{source_name} has no poses: it needs AMASS's arrays poses and trans, or smplx's global_orient, "
            "body_pose and transl."
        )
    frames = len(found["root"])
    if any(len(array) != frames for array in found.values()):
        counts = ", ".join(f"{part} {len(array)}" for part, array in found.items())
        raise MotionFileError(f"{source_name}: its poses have different numbers of frames ({counts}); export it again.")
    if found["root"].shape[1] != 3 or found["body"].shape[1] not in (63, 69):
        raise MotionFileError(
            f"{source_name}: global_orient has {found['root'].shape[1]} columns and body_pose "
            f"{found['body'].shape[1]}; use rotation vectors, 3 and 63 (or 69) columns."
        )
    body = [found["root"], found["body"][:, :63]]
    if found["body"].shape[1] == 69:
        return np.concatenate([*body, found["body"][:, 63:]], axis=1), "SMPL"

    def columns_of(name: str, columns: int) -> np.ndarray:
        array = found.get(name)
        return array if array is not None and array.shape[1] == columns else np.zeros((frames, columns))

    hands = columns_of("hands", 90)
    if "hands" not in found:
        hands = np.concatenate([columns_of("left_hand", 45), columns_of("right_hand", 45)], axis=1)
    if {"jaw", "left_eye", "right_eye", "eyes"} & set(found):
        eyes = columns_of("eyes", 6)
        if "eyes" not in found:
            eyes = np.concatenate([columns_of("left_eye", 3), columns_of("right_eye", 3)], axis=1)
        return np.concatenate([*body, columns_of("jaw", 3), eyes, hands], axis=1), "SMPL-X"
    if {"hands", "left_hand", "right_hand"} & set(found):
        return np.concatenate([*body, hands], axis=1), "SMPL-H"
    return np.concatenate(body, axis=1), "SMPL body"


def _left_out(arrays: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """What to say of hands of fewer than 45 numbers, which only the hands' own model could turn into rotations."""
    if _first(arrays, POSES) is not None:
        return ()
    hands = [_first(arrays, PARTS[part]) for part in ("left_hand", "right_hand")]
    if any(hand is not None and hand[0].size != 45 for hand in hands):
        return ("hands: given as principal components, which are not read; the fingers are straight",)
    return ()


def _check_frames(array: np.ndarray, source_name: str, limits: Limits) -> None:
    frames = array.shape[0] if array.ndim >= 2 else 0
    most = min(limits.frames, MOST_JOINT_FRAMES * 3 // max(array.size // max(frames, 1), 1))
    if not 2 <= frames <= most:
        raise MotionFileError(f"{source_name}: its poses have {frames} frames; use 2 to {most}.")


def _translation(arrays: Mapping[str, np.ndarray], source_name: str, frames: int) -> np.ndarray:
    """(T, 3) metres; zeros where the file has none."""
    array = _first(arrays, TRANSLATION)
    if array is None:
        return np.zeros((frames, 3))
    if array.size != frames * 3 or array.shape[0] != frames:
        raise MotionFileError(f"{source_name}: its translation has the shape {array.shape}; use ({frames}, 3).")
    return finite_floats(array.reshape(frames, 3), source_name, LARGEST)


def _frame_rate(arrays: Mapping[str, np.ndarray], source_name: str) -> tuple[float, tuple[str, ...]]:
    array = _first(arrays, RATE)
    if array is None:
        return DEFAULT_FPS, (f"frame rate: the file does not say it, taken to be {DEFAULT_FPS:g}",)
    fps = float(array.flat[0]) if array.size == 1 and array.dtype.kind in "fiu" else 0.0
    if not 1 <= fps <= 1000:
        raise MotionFileError(f"{source_name}: its frame rate is {fps:g}; use 1 to 1000 frames a second.")
    return fps, ()


def _betas(arrays: Mapping[str, np.ndarray], source_name: str) -> np.ndarray:
    """(B,) of the first frame."""
    array = arrays.get("betas")
    if array is None or array.size == 0 or array.ndim == 0 or array.shape[-1] > 400:
        return np.zeros(NEW_BETAS, np.float32)
    row = array.reshape(-1, array.shape[-1])[0]
    return finite_floats(row.astype(np.float32) if row.dtype.kind in "iu" else row, source_name, LARGEST)


def _gender(arrays: Mapping[str, np.ndarray]) -> str:
    array = arrays.get("gender")
    if array is None or array.size != 1 or array.dtype.kind not in "US":
        return "neutral"
    value = array.flat[0]
    word = (value.decode("latin-1") if isinstance(value, bytes) else str(value)).lower()
    return {"m": "male", "f": "female"}.get(word[:1], "neutral")
