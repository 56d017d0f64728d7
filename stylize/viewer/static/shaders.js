// The GLSL of the view. Kept cheap on purpose: it also has to run where the processor draws.

const HEADER = `#version 300 es
precision highp float;
`;

/** Where the light is: in front of the person at the start, above, and to the left in the picture. */
const LIGHT = [-0.5, 1.0, 0.28];

/** The skin, moved by up to four joints a vertex: linear blending, as in smplx, the videos and glTF viewers. */
const SKIN_VERTEX = `${HEADER}
layout(location = 0) in vec3 vertex; // in steps
layout(location = 1) in vec4 direction; // normal and side
layout(location = 2) in uvec4 joints;
layout(location = 3) in vec4 weights;
uniform mat4 viewProjection;
uniform vec3 offset;
uniform float metre; // in steps
uniform vec4 movement[66]; // three rows a joint
out vec3 normal;
out vec3 position;
out float side;
void main() {
  vec4 rows[3] = vec4[3](vec4(0), vec4(0), vec4(0));
  for (int k = 0; k < 4; k++) {
    uint first = 3u * joints[k];
    for (uint row = 0u; row < 3u; row++) rows[row] += weights[k] * movement[first + row];
  }
  vec4 point = vec4(vertex / metre, 1);
  position = vec3(dot(rows[0], point), dot(rows[1], point), dot(rows[2], point)) + offset;
  normal = vec3(dot(rows[0].xyz, direction.xyz), dot(rows[1].xyz, direction.xyz), dot(rows[2].xyz, direction.xyz));
  side = direction.w;
  gl_Position = viewProjection * vec4(position, 1);
}`;

/** Matt clay under a soft sky: sky and ground light, a wide key light, a faint gloss, and a rim against the paper. */
const SKIN_FRAGMENT = `${HEADER}
in vec3 normal;
in vec3 position;
in float side;
uniform vec3 eye;
uniform vec3 light;
uniform vec3 color;
uniform float ghost;
uniform float rimStrength;
out vec4 pixel;
void main() {
  vec3 n = normalize(normal);
  vec3 v = normalize(eye - position);
  float facing = clamp(dot(n, v), 0.0, 1.0);
  vec3 base = color * color; // close enough to linear light
  float sky = 0.5 + 0.5 * n.y;
  float key = max(0.0, (dot(n, light) + 0.25) / 1.25);
  float floorShade = mix(0.72, 1.0, smoothstep(0.0, 0.55, position.y));
  vec3 lit = base * (mix(vec3(0.30, 0.28, 0.26), vec3(0.62, 0.65, 0.70), sky) * floorShade + 0.9 * key * key + 0.16 * facing);
  lit *= 1.0 + 0.08 * side; // left limbs are a little lighter, as in the videos
  float gloss = pow(max(0.0, dot(n, normalize(light + v))), 22.0);
  float rim = pow(1.0 - facing, 3.0);
  lit += 0.07 * gloss + rimStrength * rim * sky * (0.4 + base);
  vec3 shown = sqrt(clamp(lit, 0.0, 1.0));
  float edge = 0.2 + 0.6 * pow(1.0 - facing, 1.5);
  pixel = ghost > 0.5 ? vec4(mix(color, shown, 0.25), edge) : vec4(shown, 1);
}`;

/** Soft shadows of the tubes on the ground, seen from above; `kind` 0 falls along the light, 1 straight down. */
const SHADOW_VERTEX = `${HEADER}
layout(location = 0) in vec2 corner;
layout(location = 1) in vec4 start;
layout(location = 2) in vec4 stop;
uniform vec3 region; // centre (x, z) and half the side, in metres
uniform vec3 light;
uniform float kind;
out vec2 point;
flat out vec4 ends;
flat out vec4 widths; // radius and softness of both ends
void main() {
  vec2 slope = kind < 0.5 ? light.xz / light.y : vec2(0);
  vec2 heights = max(vec2(start.y, stop.y), 0.0);
  ends = vec4(start.xz - slope * heights.x, stop.xz - slope * heights.y);
  vec2 softness = kind < 0.5 ? 0.012 + 0.13 * heights : 0.05 + 0.38 * heights;
  widths = vec4(start.w, stop.w, softness);
  vec2 along = ends.zw - ends.xy;
  vec2 axis = along / max(length(along), 1e-4);
  if (dot(axis, axis) < 0.5) axis = vec2(1, 0);
  bool idle = kind > 0.5 && min(heights.x, heights.y) > 0.9; // too high to darken the ground below
  vec2 grow = widths.xy + widths.zw;
  float most = idle ? 0.0 : max(grow.x, grow.y);
  vec2 middle = corner.x < 0.0 || idle ? ends.xy - axis * most : ends.zw + axis * most;
  point = middle + vec2(-axis.y, axis.x) * corner.y * most;
  gl_Position = vec4((point - region.xy) / region.z, 0, 1);
}`;

const SHADOW_FRAGMENT = `${HEADER}
in vec2 point;
flat in vec4 ends;
flat in vec4 widths;
uniform float kind;
out vec4 pixel;
void main() {
  vec2 along = ends.zw - ends.xy;
  float share = clamp(dot(point - ends.xy, along) / max(dot(along, along), 1e-6), 0.0, 1.0);
  float radius = mix(widths.x, widths.y, share);
  float soft = mix(widths.z, widths.w, share);
  float gap = length(point - ends.xy - along * share) - radius;
  float dark = 1.0 - smoothstep(-soft, soft, gap);
  if (kind > 0.5) dark *= exp(-5.0 * (soft - 0.05)); // what is high above the ground takes no light from it
  pixel = vec4(dark);
}`;

/** The ground: a pool of light on paper, a grid that fades out, and the shadow. */
const GROUND_VERTEX = `${HEADER}
layout(location = 0) in vec2 corner;
uniform mat4 viewProjection;
uniform vec2 focus;
uniform float reach;
out vec2 point;
void main() {
  point = focus + corner * reach;
  gl_Position = viewProjection * vec4(point.x, 0, point.y, 1);
}`;

const GROUND_FRAGMENT = `${HEADER}
in vec2 point;
uniform vec2 focus;
uniform float reach;
uniform vec3 paper;
uniform vec3 floorColor;
uniform vec3 gridColor;
uniform float gridStrength;
uniform float shadowStrength;
uniform vec3 region;
uniform vec4 atlas; // where this track's shadow is in the texture: scale and offset
uniform sampler2D shadow;
out vec4 pixel;
void main() {
  float away = length(point - focus) / reach;
  float pool = pow(clamp(1.0 - away, 0.0, 1.0), 0.8);
  vec3 color = mix(paper, floorColor, pool);
  vec2 cell = point * 2.0; // half a metre
  vec2 width = vec2(length(vec2(dFdx(cell.x), dFdy(cell.x))), length(vec2(dFdx(cell.y), dFdy(cell.y))));
  vec2 line = abs(fract(cell - 0.5) - 0.5) / max(width, 1e-5);
  float lines = clamp(1.1 - min(line.x, line.y), 0.0, 1.0);
  float calm = clamp(1.3 - 2.6 * max(width.x, width.y), 0.0, 1.0); // no shimmer where cells get as small as pixels
  color = mix(color, gridColor, lines * calm * gridStrength * clamp(1.1 - 1.25 * away, 0.0, 1.0));
  vec2 spot = (point - region.xy) / region.z;
  if (max(abs(spot.x), abs(spot.y)) < 1.0) {
    vec2 dark = texture(shadow, (spot * 0.5 + 0.5) * atlas.xy + atlas.zw).rg;
    color *= (1.0 - shadowStrength * dark.r) * (1.0 - 0.75 * shadowStrength * dark.g);
  }
  pixel = vec4(color, 1);
}`;

/** The way of the root: clear behind the person, a hint of it ahead. */
const TRAIL_VERTEX = `${HEADER}
layout(location = 0) in vec3 corner; // x, z, seconds
uniform mat4 viewProjection;
uniform vec2 offset;
uniform float time;
out float strength;
void main() {
  float age = time - corner.z;
  strength = age < 0.0 ? 0.10 : 0.16 + 0.66 * clamp(1.0 - age / 2.5, 0.0, 1.0);
  gl_Position = viewProjection * vec4(corner.x + offset.x, 0.002, corner.y + offset.y, 1);
}`;

const TRAIL_FRAGMENT = `${HEADER}
in float strength;
uniform vec3 color;
out vec4 pixel;
void main() {
  pixel = vec4(color, strength);
}`;

/** Where heels and balls of the feet are planted now, and, fading, where they were. */
const MARK_VERTEX = `${HEADER}
layout(location = 0) in vec2 corner;
layout(location = 1) in vec3 place; // x, z, radius
layout(location = 2) in vec2 span;  // seconds
uniform mat4 viewProjection;
uniform float time;
out vec2 spot;
flat out vec2 look; // strength, and whether the foot is down now
void main() {
  float age = time - span.y;
  bool down = time >= span.x - 1e-4 && age < 0.0;
  look = vec2(down ? 0.95 : time < span.x ? 0.0 : 0.55 * clamp(1.0 - age / 3.0, 0.0, 1.0), down ? 1.0 : 0.0);
  spot = corner * 1.7;
  float size = look.x > 0.0 ? place.z * 1.7 : 0.0;
  gl_Position = viewProjection * vec4(place.x + corner.x * size, 0.003, place.y + corner.y * size, 1);
}`;

const MARK_FRAGMENT = `${HEADER}
in vec2 spot;
flat in vec2 look;
uniform vec3 color;
out vec4 pixel;
void main() {
  float r = length(spot);
  float edge = fwidth(r) + 0.02;
  float disc = 1.0 - smoothstep(1.0 - edge, 1.0 + edge, r);
  float ring = look.y * (1.0 - smoothstep(0.10, 0.10 + edge, abs(r - 1.42)));
  pixel = vec4(color, look.x * max(disc * mix(1.0, 0.8, look.y), ring));
}`;
