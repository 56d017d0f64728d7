// One motion of the scene: unpacked once, then posed at any moment of the clock.

const ROTATION_STEPS = 32767;
const TRAIL_HALF_WIDTH = 0.009;
const HEEL_RADIUS = 0.034, BALL_RADIUS = 0.043;

/** The tracks that last as long as the clock and share one ground: all but style references, where there are others. */
function leading(tracks) {
  const others = tracks.filter((track) => track.role !== "style");
  return others.length ? others : tracks;
}

class Track {
  /** `packed` is a track of the value that `scene` in Python makes, `skin` a Skin of its own, if it has one. */
  constructor(packed, body, skin = body.skin) {
    Object.assign(this, { title: packed.title, subtitle: packed.subtitle, role: packed.role });
    Object.assign(this, { color: packed.color, fps: packed.fps, frames: packed.frames });
    Object.assign(this, { body, skin });
    this.joints = body.joints;
    this.roots = unpack(packed.roots, Float32Array);
    this.targets = unpack(packed.targets, Float32Array);
    this.contacts = unpack(packed.contacts, Uint8Array);
    this.quaternions = this.unpackRotations(unpack(packed.rotations, Int16Array));
    this.pose = { positions: new Float32Array(this.joints * 3), quaternions: new Float32Array(this.joints * 4) };
    this.positions = this.poseAllFrames();
  }

  get duration() {
    return this.frames / this.fps;
  }

  /** How far the root travels over the ground, in metres. */
  get travel() {
    const last = (this.frames - 1) * 3;
    return Math.hypot(this.roots[last] - this.roots[0], this.roots[last + 2] - this.roots[2]);
  }

  unpackRotations(steps) {
    const scale = Math.PI / ROTATION_STEPS;
    const quaternions = new Float32Array(this.frames * this.joints * 4);
    for (let k = 0; k < this.frames * this.joints; k++) {
      const at = k * 3;
      writeQuaternion(quaternions, k * 4, steps[at] * scale, steps[at + 1] * scale, steps[at + 2] * scale);
    }
    return quaternions;
  }

  poseAllFrames() {
    const size = this.joints * 3;
    const all = new Float32Array(this.frames * size);
    for (let frame = 0; frame < this.frames; frame++) {
      this.setPose(frame / this.fps);
      all.set(this.pose.positions, frame * size);
    }
    return all;
  }

  /** A style reference starts anew when it ends, whatever the clock; the others hold their last frame. */
  localTime(time) {
    return this.role === "style" ? time % this.duration : Math.min(time, (this.frames - 1) / this.fps);
  }

  /** The frames around a moment, and the share of the way between them. */
  between(time) {
    const exact = clamp(this.localTime(time) * this.fps, 0, this.frames - 1);
    const before = Math.floor(exact + 1e-6);
    return { before, after: Math.min(before + 1, this.frames - 1), share: Math.max(exact - before, 0) };
  }

  /** Puts `pose` at a moment of the clock, in seconds. */
  setPose(time) {
    const { before, after, share } = this.between(time);
    const { positions, quaternions } = this.pose;
    for (let k = 0; k < 3; k++) {
      positions[k] = this.roots[before * 3 + k] * (1 - share) + this.roots[after * 3 + k] * share;
    }
    for (let joint = 0; joint < this.joints; joint++) {
      const [from, to] = [(before * this.joints + joint) * 4, (after * this.joints + joint) * 4];
      blendQuaternions(quaternions, joint * 4, this.quaternions, from, to, share);
      const parent = this.body.parents[joint];
      if (parent < 0) continue;
      const at = joint * 3;
      for (let k = 0; k < 3; k++) positions[at + k] = positions[parent * 3 + k];
      const { offsets } = this.body;
      addRotated(positions, at, quaternions, parent * 4, offsets[at], offsets[at + 1], offsets[at + 2]);
    }
  }

  /** Where a camera that follows looks, over the ground: [x, z]. */
  targetAt(time) {
    const { before, after, share } = this.between(time);
    return [0, 1].map((k) => this.targets[before * 2 + k] * (1 - share) + this.targets[after * 2 + k] * share);
  }

  /** The root's way over the ground as a triangle strip: x, z and seconds a corner. */
  trail() {
    const strip = new Float32Array(this.frames * 6);
    const point = (frame) => this.roots.subarray(clamp(frame, 0, this.frames - 1) * 3);
    for (let frame = 0; frame < this.frames; frame++) {
      const [here, back, ahead] = [point(frame), point(frame - 3), point(frame + 3)];
      const [dx, dz] = [ahead[0] - back[0], ahead[2] - back[2]];
      const width = TRAIL_HALF_WIDTH / Math.max(Math.hypot(dx, dz), 1e-4);
      const time = frame / this.fps;
      strip.set([here[0] + dz * width, here[2] - dx * width, time], frame * 6);
      strip.set([here[0] - dz * width, here[2] + dx * width, time], frame * 6 + 3);
    }
    return strip;
  }

  /** A mark for each time that a heel or the ball of a foot is planted: x, z, radius, start and end in seconds. */
  contactMarks() {
    const marks = [];
    this.body.contactJoints.forEach((joint, bit) => {
      const radius = bit % 2 === 0 ? HEEL_RADIUS : BALL_RADIUS;
      for (let frame = 0; frame < this.frames; frame++) {
        if (!this.planted(frame, bit)) continue;
        const first = frame;
        const sum = [0, 0];
        for (; frame < this.frames && this.planted(frame, bit); frame++) {
          const at = (frame * this.joints + joint) * 3;
          sum[0] += this.positions[at];
          sum[1] += this.positions[at + 2];
        }
        const count = frame - first;
        marks.push(sum[0] / count, sum[1] / count, radius, first / this.fps, frame / this.fps);
      }
    });
    return new Float32Array(marks);
  }

  planted(frame, bit) {
    return (this.contacts[frame] >> bit) & 1;
  }
}
