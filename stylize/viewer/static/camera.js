// One camera for all panels, and the gestures that move it.

const FIELD_OF_VIEW = (26 * Math.PI) / 180;
const START_YAW = (-38 * Math.PI) / 180, START_ELEVATION = (13 * Math.PI) / 180;
const LOWEST = 0.02, HIGHEST = 1.45;
const NEAREST = 1.2, FARTHEST = 30;
const TARGET_HEIGHT = 0.83, STANDING_HEIGHT = 1.75;
const BODY_MARGIN = 0.1;
/** The part of a panel that labels leave free: half its width and height, and its middle, as shares of half a panel. */
const FREE_WIDTH = 0.9, FREE_HEIGHT = 0.82, FREE_MIDDLE = -0.1;

class OrbitCamera {
  constructor() {
    this.reset([], 1, true);
  }

  /** Back to the start, at the least distance from which everybody stays in a panel of this aspect. */
  reset(tracks, aspect, follow) {
    this.yaw = START_YAW;
    this.elevation = START_ELEVATION;
    this.pan = [0, 0, 0];
    this.moved = false;
    this.refit(tracks, aspect, follow);
  }

  /** Where the camera looks while it does not follow. */
  aim(tracks) {
    this.centre = middle(leading(tracks));
  }

  /** Takes the distance from which everybody stays in the picture; the direction stays. */
  refit(tracks, aspect, follow) {
    this.aim(tracks);
    this.distance = fittingDistance(tracks, aspect, this, follow);
  }

  /** The point that the camera looks at in a track's panel. A style reference shows a manner and no way: follow it. */
  target(track, time, follow) {
    const [x, z] = follow || track.role === "style" ? track.targetAt(time) : this.centre;
    return [x + this.pan[0], TARGET_HEIGHT + this.pan[1], z + this.pan[2]];
  }

  /** The matrix from the world to the picture, and where the camera is. */
  view(target, aspect) {
    const axes = cameraAxes(this.yaw, this.elevation);
    const eye = target.map((value, k) => value + axes.towards[k] * this.distance);
    const projection = perspective(FIELD_OF_VIEW, aspect, 0.1, this.distance + 12, FREE_MIDDLE);
    return { matrix: multiply(projection, viewMatrix(axes, eye)), eye };
  }

  /** Turns by a way over the screen, in pixels. */
  orbit(dx, dy) {
    this.yaw -= dx * 0.008;
    this.elevation = clamp(this.elevation + dy * 0.006, LOWEST, HIGHEST);
    this.moved = true;
  }

  zoom(factor) {
    this.distance = clamp(this.distance * factor, NEAREST, FARTHEST);
    this.moved = true;
  }

  /** Moves what is seen by a way over the screen, in pixels of a panel of this height. */
  move(dx, dy, height) {
    const metres = (2 * this.distance * Math.tan(FIELD_OF_VIEW / 2)) / height;
    const { right, up } = cameraAxes(this.yaw, this.elevation);
    this.pan = this.pan.map((value, k) => clamp(value + (-dx * right[k] + dy * up[k]) * metres, -20, 20));
    this.moved = true;
  }

  /** For tests and nobody else: what a change of the camera changes. */
  get summary() {
    return [this.yaw, this.elevation, this.distance, ...this.pan].map((value) => value.toFixed(3)).join(" ");
  }
}

/** The middle of the ground that all roots cover: [x, z]. */
function middle(tracks) {
  return [0, 2].map((k) => {
    let [low, high] = [Infinity, -Infinity];
    for (const { roots } of tracks) {
      for (let at = k; at < roots.length; at += 3) [low, high] = [Math.min(low, roots[at]), Math.max(high, roots[at])];
    }
    return low <= high ? (low + high) / 2 : 0;
  });
}

const MOST_FITTED_FRAMES = 300;

/** The least distance from which every joint of a motion's frames is in the free part of a panel; a standing body always. */
function fittingDistance(tracks, aspect, camera, follow) {
  const { right, up, towards } = cameraAxes(camera.yaw, camera.elevation);
  const half = Math.tan(FIELD_OF_VIEW / 2);
  const [width, height] = [half * aspect * FREE_WIDTH, half * FREE_HEIGHT];
  let least = 0;
  const include = (x, y, z) => {
    const relative = [x, y - TARGET_HEIGHT, z];
    const across = (Math.abs(dot(relative, right)) + BODY_MARGIN) / width;
    const upward = (Math.abs(dot(relative, up)) + BODY_MARGIN) / height;
    least = Math.max(least, dot(relative, towards) + Math.max(across, upward));
  };
  include(0, 0, 0);
  include(0, STANDING_HEIGHT - BODY_MARGIN, 0);
  for (const { positions, targets, joints, frames, role } of tracks) {
    for (let frame = 0; frame < frames; frame += Math.ceil(frames / MOST_FITTED_FRAMES)) {
      const followed = follow || role === "style";
      const [x, z] = followed ? [targets[frame * 2], targets[frame * 2 + 1]] : camera.centre;
      for (let at = frame * joints * 3; at < (frame + 1) * joints * 3; at += 3) {
        include(positions[at] - x, positions[at + 1], positions[at + 2] - z);
      }
    }
  }
  return clamp(least, 4, 24);
}

/**
 * Lets mouse and fingers move the camera: drag turns, with shift or the right button it moves; the wheel zooms once
 * the view was touched (or with Ctrl), so that a page can be scrolled past it; two fingers pinch and move. One finger
 * up or down still scrolls the page, which `touch-action: pan-y` sees to.
 */
function listenToGestures(stage, camera, panelHeight, changed, signal) {
  const pointers = new Map();
  const on = (type, listener, options = {}) => stage.addEventListener(type, listener, { signal, ...options });

  on("pointerdown", (event) => {
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    stage.setPointerCapture(event.pointerId);
  });
  on("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const now = [event.clientX, event.clientY];
    const [dx, dy] = [now[0] - last[0], now[1] - last[1]];
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const apart = (point) => Math.max(Math.hypot(point[0] - other[0], point[1] - other[1]), 10);
      camera.zoom(apart(last) / apart(now));
      camera.move(dx / 2, dy / 2, panelHeight());
    } else if (event.shiftKey || event.buttons & 6) {
      camera.move(dx, dy, panelHeight());
    } else {
      camera.orbit(dx, dy);
    }
    pointers.set(event.pointerId, now);
    changed();
  });
  for (const type of ["pointerup", "pointercancel"]) on(type, (event) => pointers.delete(event.pointerId));
  on("wheel", (event) => {
    if (!event.ctrlKey && document.activeElement !== stage) return;
    event.preventDefault();
    camera.zoom(Math.exp(clamp(event.deltaY, -60, 60) * 0.003));
    changed();
  }, { passive: false });
  on("contextmenu", (event) => event.preventDefault());
  // Without this the browser takes two fingers that move up or down for scrolling.
  on("touchstart", (event) => event.touches.length > 1 && event.preventDefault(), { passive: false });
}
