"""Body model files: the bundled one, and those that a person brings."""

import os
import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from stylize.body import BodyModel, Person
from stylize.errors import MotionFileError
from stylize.io.amass import SmplFile
from stylize.io.files import Limits, read_bytes
from stylize.io.model_pickles import read_pickled_arrays
from stylize.io.npy import read_npz
from stylize.rotations import rotvec_to_matrix
from stylize.skinned_mesh import BUNDLED_BODY

BODY_MODELS = Path(__file__).resolve().parent.parent.parent / "checkpoints" / "body_models"
"""Where a person may put SMPL's own models."""
VARIABLE = "STYLIZE_BODY_MODEL"
BUNDLED_NAME = "bundled body"
SUFFIXES = (".npz", ".pkl")
LIMITS = Limits(file_bytes=400 * 1024**2)
"""Whoever runs this puts these files there; nobody uploads them."""

ARRAYS = ("v_template", "f", "weights", "J_regressor", "kintree_table", "shapedirs", "posedirs")
HANDS = ("hands_meanl", "hands_meanr")
FAMILIES = {24: "SMPL", 52: "SMPL-H", 55: "SMPL-X"}
MOST_VERTICES, MOST_SHAPES = 20_000, 300
GENDERS = {"neutral": r"neutral|[_.]n[_.]", "male": r"(?<!fe)male|[_.]m[_.]", "female": r"female|[_.]f[_.]"}


def find_body(folder: Path | str = BODY_MODELS, gender: str = "neutral") -> Path | None:
    """The model file in a folder that fits a gender best: one of that gender, else neutral, else any; None if empty."""
    folder = Path(folder)
    if not folder.is_dir():
        return None
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())

    def rank(path: Path) -> int:
        name = str(path.relative_to(folder)).lower()
        wanted = [gender, "neutral", "male", "female"]
        return next((k for k, kind in enumerate(wanted) if re.search(GENDERS.get(kind, kind), name)), len(wanted))

    return min(files, key=rank, default=None)


def load_body(
    path: Path | str | None = None, gender: str = "neutral", folder: Path | str = BODY_MODELS
) -> tuple[BodyModel, str]:
    """The body to show, and a sentence about which it is.

    Args:
        path: a model file of SMPL, SMPL-H or SMPL-X, .npz or .pkl, or a folder of some; None for what the environment
            variable STYLIZE_BODY_MODEL names, else for ``folder``, and the bundled body where that has none.
        gender: which of the files in a folder.
        folder: where to look.

    Raises:
        MotionFileError: the file cannot be read, or is no body model.
    """
    named = path or os.environ.get(VARIABLE)
    chosen = Path(named) if named else find_body(folder, gender)
    if chosen is None:
        sentence = (
            "The body shown is the bundled one; put a model file of SMPL, SMPL-H or SMPL-X into "
            "checkpoints/body_models to see that."
        )
        return read_body(BUNDLED_BODY, BUNDLED_NAME), sentence
    if chosen.is_dir():
        file = find_body(chosen, gender)
        if file is None:
            raise MotionFileError(f"{chosen} has no body model; put an .npz or .pkl file of SMPL into it.")
        chosen = file
    body = read_body(chosen)
    return body, f"The body shown is {chosen.name} ({body.name})."


def load_person(
    path: Path | str | None = None, file: SmplFile | None = None, folder: Path | str = BODY_MODELS
) -> tuple[Person, str]:
    """Whom to show, and a sentence about which body that is.

    Args:
        path: see ``load_body``.
        file: what a motion file of the SMPL family says of the body: its gender chooses among the models in a folder,
            its shape numbers are used. The bundled body keeps its shape, since its numbers mean something else.
        folder: see ``load_body``.

    Raises:
        MotionFileError: the model file cannot be read, or is no body model.
    """
    body, sentence = load_body(path, file.gender if file is not None else "neutral", folder)
    betas = file.betas if file is not None and body.name != BUNDLED_NAME else None
    return Person(body, betas), sentence


@lru_cache(maxsize=4)
def read_body(path: Path | str, name: str | None = None) -> BodyModel:
    """Read a model file of SMPL, SMPL-H or SMPL-X.

    Args:
        path: .npz, or one of the official .pkl files, which is read without running code in it.
        name: to show a person; None for the family.

    Raises:
        MotionFileError: the file cannot be read, or is no body model; one sentence.
    """
    path = Path(path)
    return parse_body(read_bytes(path, LIMITS), path.name, name)


def parse_body(content: bytes, source_name: str, name: str | None = None) -> BodyModel:
    """Understand the content of a model file; an .npz file begins as archives do, all else is taken for a pickle.

    Args:
        content: of the file.
        source_name: the file's name, for error messages.
        name: to show a person; None for the family.

    Raises:
        MotionFileError: it is no body model; one sentence.
    """
    if content[:2] == b"PK":
        arrays = read_npz(content, source_name, {*ARRAYS, *HANDS}, LIMITS, optional=HANDS)
    else:
        arrays = read_pickled_arrays(content, source_name)
    missing = [array for array in ARRAYS if array not in arrays]
    if missing:
        raise MotionFileError(f"{source_name} is no body model: it has no {', '.join(missing)}.")
    _check_shapes(arrays, source_name)
    return _body(arrays, name or FAMILIES[arrays["weights"].shape[1]], source_name)


def _check_shapes(arrays: dict[str, np.ndarray], source_name: str) -> None:
    """MotionFileError if the arrays are no numbers, or their shapes do not fit together."""
    wrong = [name for name in ARRAYS if arrays[name].dtype.kind not in "fiu" or arrays[name].size == 0]
    if wrong:
        raise MotionFileError(f"{source_name} is no body model: its {wrong[0]} holds no numbers.")
    vertices, joints = len(np.atleast_1d(arrays["v_template"])), np.atleast_1d(arrays["weights"]).shape[-1]
    faces, shapes = len(np.atleast_1d(arrays["f"])), np.atleast_1d(arrays["shapedirs"]).shape[-1]
    expected = {
        "v_template": (vertices, 3),
        "f": (faces, 3),
        "weights": (vertices, joints),
        "J_regressor": (joints, vertices),
        "kintree_table": (2, joints),
        "shapedirs": (vertices, 3, shapes),
        "posedirs": (vertices, 3, 9 * (joints - 1)),
    }
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise MotionFileError(
                f"{source_name} is no body model: its {name} has the shape {arrays[name].shape}, not {shape}."
            )
    if joints not in FAMILIES or vertices > MOST_VERTICES:
        raise MotionFileError(
            f"{source_name} is no body model: it has {joints} joints and {vertices} vertices; "
            "use SMPL (24 joints), SMPL-H (52) or SMPL-X (55)."
        )


def _body(arrays: dict[str, np.ndarray], name: str, source_name: str) -> BodyModel:
    numbers = {array: np.asarray(arrays[array], np.float32) for array in ARRAYS if array not in ("f", "kintree_table")}
    faces, parents = arrays["f"].astype(np.int64), arrays["kintree_table"][0].astype(np.int64)
    parents[0] = -1
    count = len(parents)
    is_sound = all(np.isfinite(array).all() for array in numbers.values())
    is_sound &= bool((parents[1:] >= 0).all() and (parents[1:] < np.arange(1, count)).all())
    if not is_sound or faces.min(initial=0) < 0 or faces.max(initial=0) >= len(numbers["v_template"]):
        raise MotionFileError(f"{source_name} is no body model: its numbers do not fit together; download it again.")
    pose = numbers["posedirs"].reshape(-1, numbers["posedirs"].shape[-1]).T
    return BodyModel(
        name=name,
        template=numbers["v_template"],
        faces=faces,
        weights=numbers["weights"],
        regressor=numbers["J_regressor"],
        parents=parents,
        shape_directions=numbers["shapedirs"][..., :MOST_SHAPES],
        pose_directions=np.ascontiguousarray(pose),
        resting=_resting(arrays, count),
    )


def _resting(arrays: dict[str, np.ndarray], joints: int) -> np.ndarray:
    """(J, 3, 3) everything straight, but for relaxed fingers where the model knows how they lie."""
    resting = np.tile(np.eye(3, dtype=np.float32), (joints, 1, 1))
    hands = [np.asarray(arrays[name], np.float64).reshape(-1, 3) for name in HANDS if name in arrays]
    if len(hands) == 2 and all(len(hand) == 15 for hand in hands) and joints > 30:
        resting[-30:] = rotvec_to_matrix(np.concatenate(hands))
    return resting
