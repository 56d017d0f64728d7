// The skeleton and the skin that all tracks share, and how a pose moves them.

/** Floats a tube: both ends with their radii. */
const TUBE_FLOATS = 8;
/** Floats a joint: the upper three rows of a 4x4 matrix. */
const JOINT_FLOATS = 12;

/** The typed array that base64 text holds. */
function unpack(text, ArrayType) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new ArrayType(bytes.buffer);
}

/** A skin in the T-pose, on joints of its own; `packed` is what `skin_shape` in Python makes. */
class Skin {
  constructor(packed, parents) {
    this.vertices = unpack(packed.vertices, Int16Array);
    this.normals = unpack(packed.normals, Int8Array);
    this.joints = unpack(packed.joints, Uint8Array);
    this.weights = unpack(packed.weights, Uint8Array);
    this.faces = unpack(packed.faces, Uint16Array);
    Object.assign(this, { places: packed.places, scale: packed.scale, lift: packed.lift });
    const away = (joint) => packed.places[joint].map((value, k) => value - packed.places[parents[joint]][k]);
    this.offsets = packed.places.map((_, joint) => (parents[joint] < 0 ? packed.shift : away(joint)));
  }
}

class Body {
  /** `shape` is what `body_shape` in Python makes. */
  constructor(shape) {
    this.parents = shape.parents;
    this.joints = shape.parents.length;
    this.offsets = new Float32Array(shape.offsets.flat());
    this.contactJoints = shape.contact_joints;
    this.tubes = shape.tubes;
    this.skin = new Skin(shape.skin, this.parents);
    this.places = new Float32Array(this.joints * 3);
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

  /** Writes at out[at...] the matrix by which each joint moves a skin in a pose, from where it is at rest. */
  writeJoints(out, at, { positions, quaternions }, skin) {
    const { places } = this;
    for (let joint = 0; joint < this.joints; joint++, at += JOINT_FLOATS) {
      const here = joint * 3;
      const parent = this.parents[joint];
      const from = parent < 0 ? 0 : parent;
      for (let k = 0; k < 3; k++) places[here + k] = parent < 0 ? skin.scale * positions[k] : places[parent * 3 + k];
      if (parent < 0) places[1] += skin.lift;
      addRotated(places, here, quaternions, from * 4, ...skin.offsets[joint]);
      writeRotation(out, at, quaternions, joint * 4);
      const [x, y, z] = skin.places[joint];
      for (let row = 0; row < 3; row++) {
        const first = at + row * 4;
        out[first + 3] = places[here + row] - out[first] * x - out[first + 1] * y - out[first + 2] * z;
      }
    }
  }
}
