"""What the interactive view shows, as one compact value that JSON can hold.

A track's motion travels as the global rotation of each joint, a rotation vector in 16 bits a number, and the path of
the root. The page poses the skeleton of ``body_shape`` by forward kinematics, so bones stay rigid, and its skin too.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stylize.contacts import foot_contacts
from stylize.errors import MotionError
from stylize.motion import Motion
from stylize.render.body import check_showable
from stylize.render.camera import follow, start_facing
from stylize.render.video import ACCENTS, Panel
from stylize.rotations import matrix_to_rotvec, yaw_to_matrix
from stylize.skeleton import CONTACT_ROLES
from stylize.viewer.shape import packed, skin_shape

VERSION = 1
"""Of the value's form; the page refuses others."""

MAX_FPS = 30
"""A faster motion is resampled: the page blends between frames anyhow."""
MAX_PANELS = 10
"""Content, style and as many results as one run makes."""
MAX_FRAMES = 3600

ROTATION_STEPS = 32767
"""Half a turn, in the steps that rotation vectors are counted in."""


def scene(panels: Sequence[Panel]) -> dict[str, Any]:
    """Content, style and results for the interactive view; ``comparison_panels`` gives the panels.

    Everybody starts at the origin and faces +Z. Results keep their place beside the content, so that the one can be
    laid over the other.

    Args:
        panels: left to right; canonical motions of any frame rate.

    Returns:
        A value for JSON: ``version`` and ``tracks``, one a panel. Arrays are little endian in base64: ``rotations``
        (T, J, 3) int16 in steps of pi / ROTATION_STEPS, ``roots`` (T, 3) and ``targets`` (T, 2) float32 metres (the
        targets: x and z that a camera follows), ``contacts`` (T,) uint8 with a bit for each of CONTACT_ROLES. A panel's
        own person is one of ``skins``, and ``skin`` of its track says which; others are shown as the page's body.

    Raises:
        MotionError: no panels or too many, or a motion that is not canonical, too long, or not finite.
    """
    if not 1 <= len(panels) <= MAX_PANELS:
        raise MotionError(f"The view shows 1 to {MAX_PANELS} motions, but {len(panels)} were given.")
    for panel in panels:
        check_showable(panel.motion)
    motions = [m if m.fps <= MAX_FPS else m.resample(MAX_FPS) for m in (panel.motion for panel in panels)]
    for motion in motions:
        if len(motion) > MAX_FRAMES:
            seconds = MAX_FRAMES / MAX_FPS
            raise MotionError(
                f"The motion {motion.name!r} has {len(motion)} frames, more than the view shows; "
                f"cut it to {seconds:g} seconds."
            )
    content = next((m for m, panel in zip(motions, panels, strict=True) if panel.role == "content"), None)
    tracks = [
        _track(panel, motion, content if content is not None and panel.role == "result" else motion)
        for panel, motion in zip(panels, motions, strict=True)
    ]
    skins, numbers = [], {}
    for panel, track in zip(panels, tracks, strict=True):
        if panel.person is None:
            continue
        betas = panel.person.betas
        key = id(panel.person.body), None if betas is None else betas.tobytes()
        if key not in numbers:
            numbers[key] = len(skins)
            skins.append(skin_shape(panel.person.skin()))
        track["skin"] = numbers[key]
    return {"version": VERSION, "tracks": tracks, "skins": skins}


def _track(panel: Panel, motion: Motion, start: Motion) -> dict[str, Any]:
    """A panel's motion, moved and turned so that ``start`` begins at the origin and faces +Z."""
    turn = yaw_to_matrix(np.array(-start_facing(start)))
    roots = (motion.root_positions - start.root_positions[0] * [1, 0, 1]) @ turn.T
    rotations = matrix_to_rotvec(turn @ motion.global_rotations)
    contacts = foot_contacts(motion) @ (1 << np.arange(len(CONTACT_ROLES)))
    return {
        "title": panel.title,
        "subtitle": panel.subtitle,
        "role": panel.role,
        "color": ACCENTS[panel.role],
        "fps": float(motion.fps),
        "frames": len(motion),
        "rotations": packed(np.round(rotations * (ROTATION_STEPS / np.pi)), "<i2"),
        "roots": packed(roots, "<f4"),
        "targets": packed(follow(roots, motion.fps)[:, [0, 2]], "<f4"),
        "contacts": packed(contacts, "u1"),
    }
