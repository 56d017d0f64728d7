// Draws all panels with one WebGL2 context.

const SHADOW_SIZE = 192;
const SHADOW_REACH = 1.6;
/** How far the ground can be seen, in metres and as a share of the camera's distance. */
const GROUND_REACH = 4.5, GROUND_SHARE = 0.75;
const VERTEX_STEPS = 25000;
const KEY_LIGHT = LIGHT.map((value) => value / Math.hypot(...LIGHT));

class Renderer {
  /** Takes the canvas's WebGL2 context; throws where there is none. */
  constructor(canvas, body) {
    this.canvas = canvas;
    this.body = body;
    this.gl = canvas.getContext("webgl2", { alpha: false, antialias: true, powerPreference: "low-power" });
    if (!this.gl) throw new Error("WebGL2 is missing");
    this.build();
  }

  /** Makes what belongs to the context; also after a lost context came back. */
  build() {
    const gl = this.gl;
    this.programs = {
      skin: this.program(SKIN_VERTEX, SKIN_FRAGMENT),
      shadow: this.program(SHADOW_VERTEX, SHADOW_FRAGMENT),
      ground: this.program(GROUND_VERTEX, GROUND_FRAGMENT),
      trail: this.program(TRAIL_VERTEX, TRAIL_FRAGMENT),
      mark: this.program(MARK_VERTEX, MARK_FRAGMENT),
    };
    this.skins = new Map(); // what was uploaded of each Skin
    this.skinArray(this.body.skin);
    this.square = this.buffer(new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]));
    this.ground = this.vertexArray([[this.square, 0, 2]]);
    this.shadowTexture = gl.createTexture();
    this.shadowTarget = gl.createFramebuffer();
    this.tubes = gl.createBuffer();
    this.loaded = [];
  }

  program(vertex, fragment) {
    const gl = this.gl;
    const program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
      gl.deleteShader(shader);
    }
    gl.linkProgram(program);
    return { program, locations: null };
  }

  /** Uses a program and sets its uniforms (a matrix, 2 to 4 numbers, or a number each) and arrays of vec4. */
  use(name, uniforms, arrays = {}) {
    const gl = this.gl;
    const entry = this.programs[name];
    if (!entry.locations) {
      // Asked for only now: until then the driver may compile in the background.
      if (!gl.getProgramParameter(entry.program, gl.LINK_STATUS) && !gl.isContextLost()) {
        throw new Error(`${name}: ${gl.getProgramInfoLog(entry.program)}`);
      }
      entry.locations = new Map();
    }
    gl.useProgram(entry.program);
    const locate = (key) => {
      if (!entry.locations.has(key)) entry.locations.set(key, gl.getUniformLocation(entry.program, key));
      return entry.locations.get(key);
    };
    for (const [key, values] of Object.entries(arrays)) gl.uniform4fv(locate(key), values);
    for (const [key, value] of Object.entries(uniforms)) {
      const location = locate(key);
      if (typeof value === "number") gl.uniform1f(location, value);
      else if (value.length === 16) gl.uniformMatrix4fv(location, false, value);
      else gl[`uniform${value.length}fv`](location, value);
    }
  }

  buffer(values, target = this.gl.ARRAY_BUFFER) {
    const gl = this.gl;
    const buffer = gl.createBuffer();
    gl.bindBuffer(target, buffer);
    gl.bufferData(target, values, gl.STATIC_DRAW);
    return buffer;
  }

  /** A vertex array of [buffer, location, size, stride, offset, divisor] attributes, in floats. */
  vertexArray(attributes, triangles = null) {
    const gl = this.gl;
    const array = gl.createVertexArray();
    gl.bindVertexArray(array);
    for (const [buffer, location, size, stride = 0, offset = 0, divisor = 0] of attributes) {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.enableVertexAttribArray(location);
      gl.vertexAttribPointer(location, size, gl.FLOAT, false, stride * 4, offset * 4);
      gl.vertexAttribDivisor(location, divisor);
    }
    if (triangles) gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, triangles);
    gl.bindVertexArray(null);
    return array;
  }

  /** A skin's vertex array, with its compact numbers as they came; made once. */
  skinArray(skin) {
    if (this.skins.has(skin)) return this.skins.get(skin);
    const { vertices, normals, joints, weights, faces } = skin;
    const gl = this.gl;
    const array = gl.createVertexArray();
    gl.bindVertexArray(array);
    const attribute = (location, values, point) => {
      const buffer = this.buffer(values);
      gl.enableVertexAttribArray(location);
      point(location);
      return buffer;
    };
    const buffers = [
      attribute(0, vertices, (location) => gl.vertexAttribPointer(location, 3, gl.SHORT, false, 0, 0)),
      attribute(1, normals, (location) => gl.vertexAttribPointer(location, 4, gl.BYTE, true, 0, 0)),
      attribute(2, joints, (location) => gl.vertexAttribIPointer(location, 4, gl.UNSIGNED_BYTE, 0, 0)),
      attribute(3, weights, (location) => gl.vertexAttribPointer(location, 4, gl.UNSIGNED_BYTE, true, 0, 0)),
      this.buffer(faces, gl.ELEMENT_ARRAY_BUFFER),
    ];
    gl.bindVertexArray(null);
    this.skins.set(skin, { array, buffers, count: faces.length });
    return this.skins.get(skin);
  }

  /** Lets go of skins that none of these tracks wears; that of the page stays. */
  dropSkins(tracks) {
    const worn = new Set([this.body.skin, ...tracks.map((track) => track.skin)]);
    for (const [skin, { array, buffers }] of this.skins) {
      if (worn.has(skin)) continue;
      this.gl.deleteVertexArray(array);
      buffers.forEach((buffer) => this.gl.deleteBuffer(buffer));
      this.skins.delete(skin);
    }
  }

  /** Makes the buffers of these tracks, in place of those before. */
  load(tracks) {
    const gl = this.gl;
    for (const entry of this.loaded) {
      entry.arrays.forEach((array) => gl.deleteVertexArray(array));
      entry.buffers.forEach((buffer) => gl.deleteBuffer(buffer));
    }
    this.dropSkins(tracks);
    const tubes = this.body.tubes.length * TUBE_FLOATS;
    this.tubeValues = new Float32Array(tracks.length * tubes);
    this.loaded = tracks.map((track, index) => this.loadTrack(track, index * tubes));
    gl.bindTexture(gl.TEXTURE_2D, this.shadowTexture);
    const size = [SHADOW_SIZE * Math.max(tracks.length, 1), SHADOW_SIZE];
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, ...size, 0, gl.RGBA, gl.UNSIGNED_BYTE, null);
    for (const [key, value] of [["MIN_FILTER", "LINEAR"], ["MAG_FILTER", "LINEAR"], ["WRAP_S", "CLAMP_TO_EDGE"], ["WRAP_T", "CLAMP_TO_EDGE"]]) {
      gl.texParameteri(gl.TEXTURE_2D, gl[`TEXTURE_${key}`], gl[value]);
    }
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.shadowTarget);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.shadowTexture, 0);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  }

  loadTrack(track, at) {
    const ends = (divisor) => [0, 4].map((part, k) => [this.tubes, 1 + k, 4, TUBE_FLOATS, at + part, divisor]);
    const [trail, marks] = [track.trail(), track.contactMarks()];
    const [trailBuffer, markBuffer] = [this.buffer(trail), this.buffer(marks)];
    const shadow = this.vertexArray([[this.square, 0, 2], ...ends(1)]);
    const trailArray = this.vertexArray([[trailBuffer, 0, 3]]);
    const markArray = this.vertexArray([[this.square, 0, 2], [markBuffer, 1, 3, 5, 0, 1], [markBuffer, 2, 2, 5, 3, 1]]);
    return {
      track, at, shadow, trail: trailArray, marks: markArray,
      movement: new Float32Array(this.body.joints * JOINT_FLOATS),
      trailCount: trail.length / 3,
      markCount: marks.length / 5,
      arrays: [shadow, trailArray, markArray],
      buffers: [trailBuffer, markBuffer],
    };
  }

  /**
   * Draws a moment.
   *
   * @param panels - { index of the track, ghost: index or -1, left, top, width, height in CSS pixels }.
   * @param camera - an OrbitCamera.
   * @param palette - colours and strengths, see readPalette.
   * @param scale - canvas pixels a CSS pixel.
   */
  draw({ panels, camera, palette, time, follow, scale }) {
    const gl = this.gl;
    if (gl.isContextLost() || !this.loaded.length) return;
    for (const { track, at, movement } of this.loaded) {
      track.setPose(time);
      this.body.writeTubes(this.tubeValues, at, track.pose);
      this.body.writeJoints(movement, 0, track.pose, track.skin);
    }
    gl.bindBuffer(gl.ARRAY_BUFFER, this.tubes);
    gl.bufferData(gl.ARRAY_BUFFER, this.tubeValues, gl.DYNAMIC_DRAW);
    this.drawShadows();
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.clearColor(...palette.paper, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.SCISSOR_TEST);
    const height = this.canvas.height;
    for (const panel of panels) {
      const area = [panel.left, panel.top, panel.width, panel.height].map((value) => Math.round(value * scale));
      area[1] = height - area[1] - area[3];
      gl.viewport(...area);
      gl.scissor(...area);
      this.drawPanel(panel, camera, palette, time, follow);
    }
    gl.disable(gl.SCISSOR_TEST);
    gl.bindVertexArray(null);
  }

  /** One soft picture from above for each track; where shadows overlap the darker counts, so joints leave no marks. */
  drawShadows() {
    const gl = this.gl;
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.shadowTarget);
    gl.viewport(0, 0, SHADOW_SIZE * this.loaded.length, SHADOW_SIZE);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.disable(gl.DEPTH_TEST);
    gl.enable(gl.BLEND);
    gl.blendEquation(gl.MAX);
    this.loaded.forEach((entry, index) => {
      entry.region = this.shadowRegion(entry.track);
      gl.viewport(SHADOW_SIZE * index, 0, SHADOW_SIZE, SHADOW_SIZE);
      gl.bindVertexArray(entry.shadow);
      for (const kind of [0, 1]) {
        gl.colorMask(kind === 0, kind === 1, false, false);
        this.use("shadow", { region: entry.region, light: KEY_LIGHT, kind });
        gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, this.body.tubes.length);
      }
    });
    gl.colorMask(true, true, true, true);
    gl.blendEquation(gl.FUNC_ADD);
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
  }

  /** The square of ground that a track's shadow can fall on: [x, z, half its side]. */
  shadowRegion({ pose: { positions } }) {
    const drop = Math.max(positions[1], 0) / KEY_LIGHT[1];
    return [positions[0] - KEY_LIGHT[0] * drop * 0.6, positions[2] - KEY_LIGHT[2] * drop * 0.6, SHADOW_REACH];
  }

  drawPanel(panel, camera, palette, time, follow) {
    const gl = this.gl;
    const entry = this.loaded[panel.index];
    const target = camera.target(entry.track, time, follow);
    const { matrix, eye } = camera.view(target, panel.width / panel.height);
    gl.disable(gl.DEPTH_TEST);
    gl.disable(gl.CULL_FACE);
    const reach = Math.max(GROUND_REACH, GROUND_SHARE * camera.distance);
    this.drawGround(entry, panel.index, { viewProjection: matrix, focus: [target[0], target[2]], reach }, palette);
    const ghost = panel.ghost >= 0 ? this.loaded[panel.ghost] : null;
    // While the camera follows, the ghost keeps step with it too: two poses are compared, not two ways.
    let offset = [0, 0, 0];
    if (ghost && follow) {
      const [own, other] = [entry.track.targetAt(time), ghost.track.targetAt(time)];
      offset = [own[0] - other[0], 0, own[1] - other[1]];
    }
    if (ghost) this.drawTrail(ghost, matrix, palette, time, [offset[0], offset[2]]);
    this.drawTrail(entry, matrix, palette, time, [0, 0]);
    gl.enable(gl.DEPTH_TEST);
    gl.enable(gl.CULL_FACE);
    gl.disable(gl.BLEND);
    this.drawBody(entry, matrix, eye, palette, [0, 0, 0], 0);
    if (!ghost) return;
    gl.clear(gl.DEPTH_BUFFER_BIT);
    gl.colorMask(false, false, false, false);
    this.drawBody(ghost, matrix, eye, palette, offset, 1);
    gl.colorMask(true, true, true, true);
    gl.enable(gl.BLEND);
    gl.depthFunc(gl.LEQUAL);
    this.drawBody(ghost, matrix, eye, palette, offset, 1);
    gl.depthFunc(gl.LESS);
  }

  drawGround(entry, index, place, palette) {
    const gl = this.gl;
    gl.disable(gl.BLEND);
    gl.bindTexture(gl.TEXTURE_2D, this.shadowTexture);
    const count = this.loaded.length;
    const { paper, floor: floorColor, grid: gridColor, gridStrength, shadowStrength } = palette;
    const atlas = [1 / count, 1, index / count, 0];
    this.use("ground", { ...place, region: entry.region, atlas, paper, floorColor, gridColor, gridStrength, shadowStrength });
    gl.bindVertexArray(this.ground);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    gl.enable(gl.BLEND);
  }

  drawTrail(entry, viewProjection, palette, time, offset) {
    const gl = this.gl;
    const color = palette.accent(entry.track);
    const local = entry.track.localTime(time);
    this.use("trail", { viewProjection, offset, time: local, color });
    gl.bindVertexArray(entry.trail);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, entry.trailCount);
    if (!entry.markCount || offset[0] || offset[1]) return;
    this.use("mark", { viewProjection, time: local, color });
    gl.bindVertexArray(entry.marks);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, entry.markCount);
  }

  drawBody(entry, viewProjection, eye, palette, offset, ghost) {
    const gl = this.gl;
    const color = ghost ? palette.ghost(entry.track) : palette.accent(entry.track);
    const look = { color, ghost, light: KEY_LIGHT, rimStrength: palette.rimStrength, metre: VERTEX_STEPS };
    this.use("skin", { viewProjection, offset, eye, ...look }, { movement: entry.movement });
    const skin = this.skinArray(entry.track.skin);
    gl.bindVertexArray(skin.array);
    gl.drawElements(gl.TRIANGLES, skin.count, gl.UNSIGNED_SHORT, 0);
  }

  /** Gives the context back at once; a browser keeps only about sixteen. */
  release() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
    this.canvas.width = this.canvas.height = 1;
  }
}
