"""What a stylizer must beat: constants that turn a content to the mean posture and tempo of a style."""

from dataclasses import dataclass

import numpy as np

from stylize.features import BLOCKS, FPS, NUM_JOINTS
from stylize.motion import Motion
from stylize.rotations import heading_free, nearest_rotation, rot6d_to_matrix
from training.datasets import FeatureClip, joint_positions
from training.metrics import tempo


@dataclass(frozen=True)
class MeanPosture:
    """Means over clips: local rotations (22, 3, 3) with the root's in its heading, root height in m, tempo in 1/s."""

    rotations: np.ndarray
    height: float
    tempo: float

    @staticmethod
    def of(clips: list[FeatureClip]) -> "MeanPosture":
        """Every clip counts the same, whatever its length."""
        rotations = np.mean([_rotations(clip.features).mean(0) for clip in clips], axis=0)
        height = np.mean([clip.features[:, BLOCKS["root_height"]].mean() for clip in clips])
        tempos = [tempo(joint_positions(clip.features), FPS) for clip in clips]
        return MeanPosture(nearest_rotation(rotations), float(height), float(np.exp(np.mean(np.log(tempos)))))


def _rotations(features: np.ndarray) -> np.ndarray:
    return rot6d_to_matrix(features[:, BLOCKS["rot6d"]].reshape(len(features), NUM_JOINTS, 6).astype(np.float64))


def turned_by_constants(content: Motion, own: MeanPosture, target: MeanPosture) -> Motion:
    """The content with each joint turned, and its root raised, by what lies between two mean postures.

    Its speed is changed by the ratio of the tempos. The way that it moves about its mean posture stays its own,
    so it is no stylisation, though a judge of posture takes it for one.
    """
    turn = target.rotations @ np.swapaxes(own.rotations, -1, -2)
    heading, own_rotations = heading_free(content.local_rotations)
    local_rotations = turn @ own_rotations
    local_rotations[:, 0] = heading @ local_rotations[:, 0]
    raised = content.root_positions + np.array([0.0, target.height - own.height, 0.0])
    turned = Motion(content.skeleton, local_rotations, raised, content.fps, name=content.name)
    times = np.arange(0, (len(content) - 1) / content.fps + 1e-9, target.tempo / own.tempo / content.fps)
    return turned.at_times(times, content.fps)
