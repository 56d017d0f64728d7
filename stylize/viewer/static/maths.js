// Column-major 4x4 matrices and xyzw quaternions in plain arrays: the few operations that the view needs.

/** The product a * b of two matrices. */
function multiply(a, b) {
  const product = new Float32Array(16);
  for (let column = 0; column < 4; column++) {
    for (let row = 0; row < 4; row++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) sum += a[k * 4 + row] * b[column * 4 + k];
      product[column * 4 + row] = sum;
    }
  }
  return product;
}

/**
 * A perspective projection. `lift` moves the picture upward by that share of half its height, so that what the
 * camera looks at stands in the middle of what the labels leave free.
 */
function perspective(fieldOfView, aspect, near, far, lift) {
  const f = 1 / Math.tan(fieldOfView / 2);
  const depth = near - far;
  return new Float32Array([
    f / aspect, 0, 0, 0,
    0, f, 0, 0,
    0, -lift, (near + far) / depth, -1,
    0, 0, (2 * near * far) / depth, 0,
  ]);
}

/** The unit vectors of a camera that looks from (yaw, elevation) at its target: right, up, towards the camera. */
function cameraAxes(yaw, elevation) {
  const [sy, cy, se, ce] = [Math.sin(yaw), Math.cos(yaw), Math.sin(elevation), Math.cos(elevation)];
  return { right: [cy, 0, -sy], up: [-sy * se, ce, -cy * se], towards: [sy * ce, se, cy * ce] };
}

/** World to camera, for a camera at `eye` with the given axes. */
function viewMatrix({ right: r, up: u, towards: t }, eye) {
  return new Float32Array([
    r[0], u[0], t[0], 0,
    r[1], u[1], t[1], 0,
    r[2], u[2], t[2], 0,
    -dot(r, eye), -dot(u, eye), -dot(t, eye), 1,
  ]);
}

function dot(a, b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/** Adds to out[at..at+2] the vector (x, y, z), turned by the quaternion q[qi..qi+3]. */
function addRotated(out, at, q, qi, x, y, z) {
  const qx = q[qi], qy = q[qi + 1], qz = q[qi + 2], qw = q[qi + 3];
  const tx = 2 * (qy * z - qz * y), ty = 2 * (qz * x - qx * z), tz = 2 * (qx * y - qy * x);
  out[at] += x + qw * tx + qy * tz - qz * ty;
  out[at + 1] += y + qw * ty + qz * tx - qx * tz;
  out[at + 2] += z + qw * tz + qx * ty - qy * tx;
}

/** Writes at out[at..at+3] the quaternion of the rotation vector (x, y, z) in radians. */
function writeQuaternion(out, at, x, y, z) {
  const angle = Math.hypot(x, y, z);
  const scale = angle > 1e-8 ? Math.sin(angle / 2) / angle : 0.5;
  out[at] = x * scale;
  out[at + 1] = y * scale;
  out[at + 2] = z * scale;
  out[at + 3] = Math.cos(angle / 2);
}

/**
 * Writes at out[at..at+3] the rotation a share of the way between two quaternions of `q`: normalised linear blending
 * by the shorter way, which between neighbouring frames is as good as slerp.
 */
function blendQuaternions(out, at, q, before, after, share) {
  let inner = 0;
  for (let k = 0; k < 4; k++) inner += q[before + k] * q[after + k];
  const weight = inner < 0 ? -share : share;
  let norm = 0;
  for (let k = 0; k < 4; k++) {
    out[at + k] = q[before + k] * (1 - share) + q[after + k] * weight;
    norm += out[at + k] * out[at + k];
  }
  const scale = 1 / Math.sqrt(norm);
  for (let k = 0; k < 4; k++) out[at + k] *= scale;
}

/** Writes at out[at...] three rows of four numbers whose first three are the rotation q[qi..qi+3]. */
function writeRotation(out, at, q, qi) {
  const x = q[qi], y = q[qi + 1], z = q[qi + 2], w = q[qi + 3];
  out[at] = 1 - 2 * (y * y + z * z);
  out[at + 1] = 2 * (x * y - z * w);
  out[at + 2] = 2 * (x * z + y * w);
  out[at + 4] = 2 * (x * y + z * w);
  out[at + 5] = 1 - 2 * (x * x + z * z);
  out[at + 6] = 2 * (y * z - x * w);
  out[at + 8] = 2 * (x * z - y * w);
  out[at + 9] = 2 * (y * z + x * w);
  out[at + 10] = 1 - 2 * (x * x + y * y);
}

/** "#rrggbb" as three numbers from 0 to 1. */
function parseColor(text) {
  const number = parseInt(text.trim().slice(1), 16);
  return [(number >> 16) / 255, ((number >> 8) & 255) / 255, (number & 255) / 255];
}

function mixColors(a, b, share) {
  return a.map((value, k) => value + (b[k] - value) * share);
}
