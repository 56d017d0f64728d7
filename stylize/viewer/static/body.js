// The skeleton and the skin that all tracks share, and how a pose moves them.

/** Floats a tube: both ends with their radii. */
const TUBE_FLOATS = 8;
/** Floats a joint: a dual quaternion, the rotation first. */
const JOINT_FLOATS = 8;

/** The typed array that base64 text holds. */
function unpack(text, ArrayType) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new ArrayType(bytes.buffer);
}

class Body {
  /** `shape` is what `body_shape` in Python makes. */
  constructor(shape) {
    this.parents = shape.parents;
    this.joints = shape.parents.length;
    this.offsets = new Float32Array(shape.offsets.flat());
    this.contactJoints = shape.contact_joints;
    this.tubes = shape.tubes;
    this.skins = shape.skins.map((skin) => ({
      vertices: unpack(skin.vertices, Int16Array),
      normals: unpack(skin.normals, Int8Array),
      joints: unpack(skin.joints, Uint8Array),
      weights: unpack(skin.weights, Uint8Array),
      faces: unpack(skin.faces, Uint16Array),
    }));
    const [{ positions, rotations }] = shape.skins; // the pose that all skins are in
    this.restPositions = positions.flat();
    this.restInverse = rotations.map((rotvec) => {
      const quaternion = [0, 0, 0, 1];
      writeQuaternion(quaternion, 0, ...rotvec.map((value) => -value));
      return quaternion;
    });
  }

  /** Writes at out[at...] the ends of the tubes in a pose: { positions, quaternions }. */
  writeTubes(out, at, { positions, quaternions }) {
    for (const tube of this.tubes) {
      for (const end of [0, 5]) {
        const joint = tube[end];
        for (let k = 0; k < 3; k++) out[at + k] = positions[joint * 3 + k];
        addRotated(out, at, quaternions, joint * 4, tube[end + 1], tube[end + 2], tube[end + 3]);
        out[at + 3] = tube[end + 4];
        at += 4;
      }
    }
  }

  /** Writes at out[at...] how each joint moves the skin in a pose, as dual quaternions: they bend without thinning. */
  writeJoints(out, at, { positions, quaternions }) {
    const way = [0, 0, 0];
    for (let joint = 0; joint < this.joints; joint++, at += JOINT_FLOATS) {
      const turn = multiplyQuaternions(quaternions.subarray(joint * 4, joint * 4 + 4), this.restInverse[joint]);
      for (let k = 0; k < 3; k++) way[k] = 0;
      const [x, y, z] = this.restPositions.slice(joint * 3, joint * 3 + 3);
      addRotated(way, 0, turn, 0, -x, -y, -z);
      const move = way.map((value, k) => (value + positions[joint * 3 + k]) / 2);
      out.set(turn, at);
      out.set(multiplyQuaternions([...move, 0], turn), at + 4);
    }
  }
}
