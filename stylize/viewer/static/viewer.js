// The component itself: it brings clock, camera, renderer and controls together, and goes without a trace.

const SCENE_VERSION = 1;
const LARGEST_PIXEL_RATIO = 2;
const NO_WEBGL = "This browser cannot draw the 3D view: WebGL2 is missing. What would be shown:";
const LOST = "The 3D view was interrupted by the graphics driver. What was shown:";

/** Tells when it leaves the document; Gradio has no event for that. */
if (!customElements.get("motion-viewer-presence")) {
  customElements.define("motion-viewer-presence", class extends HTMLElement {
    disconnectedCallback() {
      queueMicrotask(() => this.isConnected || this.gone?.()); // a move within the document is no leave
    }
  });
}

class Viewer {
  constructor(element) {
    this.root = element.querySelector(".motion-viewer");
    const find = (selector) => this.root.querySelector(selector);
    this.stage = find(".viewer-stage");
    this.canvas = find("canvas");
    this.scrub = find(".viewer-scrub");
    this.clock = find(".viewer-clock");
    this.speed = find(".viewer-speed");
    this.fallback = find(".viewer-fallback");
    this.tracks = [];
    this.panels = [];
    this.body = new Body(BODY);
    this.player = new Player();
    this.camera = new OrbitCamera();
    this.renderer = null;
    this.overlay = false;
    this.follow = true;
    this.visible = true;
    this.resolution = new Resolution();
    this.painted = 0;
    this.request = 0;
    this.lastTick = 0;
    this.listeners = new AbortController();
    this.speed.append(...SPEEDS.map((speed) => new Option(`${speed}×`, speed)));
    this.listen();
    find("motion-viewer-presence").gone = () => this.dispose();
    // The shaders are compiled while a person still chooses what to restyle.
    const idle = window.requestIdleCallback ?? ((callback) => setTimeout(callback, 200));
    idle(() => this.prepare());
  }

  listen() {
    const { signal } = this.listeners;
    const actions = this.actions();
    for (const button of this.root.querySelectorAll("[data-do]")) {
      button.addEventListener("click", () => this.act(actions[button.dataset.do]), { signal });
    }
    this.scrub.addEventListener("input", () => this.act(() => {
      this.player.pause();
      this.player.seek(Number(this.scrub.value));
    }), { signal });
    this.speed.addEventListener("change", () => this.act(() => (this.player.speed = Number(this.speed.value))), { signal });
    this.root.addEventListener("keydown", (event) => this.press(event, actions), { signal });
    listenToGestures(this.stage, this.camera, () => this.panels[0]?.height || 1, () => this.redraw(), signal);
    this.canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault(); // or it never comes back
      if (this.tracks.length) this.explain(LOST);
    }, { signal });
    this.canvas.addEventListener("webglcontextrestored", () => {
      if (!this.renderer) return;
      this.renderer.build();
      this.renderer.load(this.tracks);
      this.showScene();
    }, { signal });
    this.observers = [
      new ResizeObserver(() => this.measure()),
      new IntersectionObserver(([entry]) => {
        this.visible = entry.isIntersecting;
        this.redraw();
      }),
      new MutationObserver(() => this.readColors()),
    ];
    this.observers[0].observe(this.stage);
    this.observers[1].observe(this.root);
    for (const place of [document.body, document.documentElement]) {
      this.observers[2].observe(place, { attributes: true, attributeFilter: ["class"] });
    }
  }

  actions() {
    const { player, camera } = this;
    return {
      play: () => (player.playing ? player.pause() : player.play()),
      back: () => player.step(-1),
      forward: () => player.step(1),
      start: () => player.seek(0),
      end: () => player.seek(player.lastFrame),
      slower: () => player.changeSpeed(-1),
      faster: () => player.changeSpeed(1),
      loop: () => (player.loop = !player.loop),
      overlay: () => (this.overlay = !this.overlay && this.canOverlay),
      follow: () => {
        this.follow = !this.follow;
        camera.refit(this.tracks, this.narrowestAspect, this.follow);
      },
      reset: () => camera.reset(this.tracks, this.narrowestAspect, this.follow),
      left: () => camera.orbit(-20, 0),
      right: () => camera.orbit(20, 0),
      up: () => camera.orbit(0, 15),
      down: () => camera.orbit(0, -15),
      nearer: () => camera.zoom(0.9),
      farther: () => camera.zoom(1 / 0.9),
    };
  }

  press(event, actions) {
    const action = this.tracks.length ? actionOfKey(event, event.target === this.stage) : null;
    if (!action) return;
    event.preventDefault();
    this.act(actions[action]);
  }

  /** Does something, and shows what it changed. */
  act(action) {
    action();
    this.showState();
    this.redraw();
  }

  get canOverlay() {
    return this.panels.some((panel) => panel.ghost >= 0);
  }

  get narrowestAspect() {
    return Math.min(...this.panels.map((panel) => panel.width / panel.height || 1), 4);
  }

  /** Makes the renderer, once; null where there is no WebGL2. */
  prepare() {
    if (this.renderer || this.listeners.signal.aborted || this.unable) return this.renderer;
    try {
      this.renderer = new Renderer(this.canvas, this.body);
    } catch (error) {
      this.unable = true;
    }
    return this.renderer;
  }

  /** Shows a value that `scene` in Python made, or the empty state for none. */
  load(scene) {
    if (this.listeners.signal.aborted) return;
    if (scene && scene.version !== SCENE_VERSION) throw new Error(`this view cannot show scenes of version ${scene.version}`);
    const skins = (scene?.skins ?? []).map((packed) => new Skin(packed, this.body.parents));
    this.tracks = scene ? scene.tracks.map((packed) => new Track(packed, this.body, skins[packed.skin])) : [];
    this.player.load(this.tracks);
    this.panels = makePanels(this.root.querySelector(".viewer-panels"), this.tracks);
    this.overlay = this.overlay && this.canOverlay;
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!calm) this.player.play();
    this.prepare()?.load(this.tracks);
    const titles = this.tracks.map((track) => track.title).join(", ");
    this.stage.setAttribute("aria-label", `3D view: ${titles}`);
    this.showScene();
  }

  showScene() {
    if (this.tracks.length && !this.renderer) return this.explain(NO_WEBGL);
    this.fallback.hidden = true;
    this.root.dataset.renderer = this.renderer ? "webgl2" : "";
    this.root.dataset.state = this.tracks.length ? "ready" : "empty";
    this.showState();
    this.readColors();
    this.camera.aim(this.tracks); // who turned the view keeps it; else measure() fits it to the motions
    this.measure();
    this.showState();
  }

  /** Puts words in place of the picture. */
  explain(reason) {
    this.fallback.replaceChildren(make("p", "", reason), describe(this.tracks));
    this.fallback.hidden = false;
    this.root.dataset.renderer = "text";
    this.root.dataset.state = "text";
    this.player.pause();
    this.showState();
  }

  /** A driver that cannot run the shaders is as good as none. */
  giveUp(error) {
    console.warn("The 3D view cannot be drawn:", error);
    this.renderer.release();
    this.renderer = null;
    this.unable = true;
    this.explain(NO_WEBGL);
  }

  readColors() {
    this.palette = readPalette(this.root);
    this.redraw();
  }

  /** Reads where the panels are; between changes of the layout nothing has to be measured. */
  measure() {
    const outer = this.stage.getBoundingClientRect();
    if (!outer.width || !this.panels.length) return;
    for (const panel of this.panels) {
      const { left, top, width, height } = panel.root.getBoundingClientRect();
      Object.assign(panel, { left: left - outer.left, top: top - outer.top, width, height });
    }
    this.size = [outer.width, outer.height];
    this.resolution.reset();
    if (!this.camera.moved) this.camera.reset(this.tracks, this.narrowestAspect, this.follow);
    this.redraw();
  }

  redraw() {
    if (!this.request && this.visible && this.root.dataset.state === "ready") {
      this.request = requestAnimationFrame((now) => this.tick(now / 1000));
    }
  }

  tick(now) {
    this.request = 0;
    if (!this.size) return; // in a tab that was never shown; the observers call again
    const passed = this.lastTick ? now - this.lastTick : 0;
    const wasPlaying = this.player.playing;
    this.lastTick = wasPlaying ? now : 0;
    this.player.advance(passed);
    this.resolution.judge(passed);
    try {
      this.paint();
    } catch (error) {
      return this.giveUp(error);
    }
    this.showTime();
    if (this.player.playing) this.redraw();
    else if (wasPlaying) this.act(() => {}); // it came to its end
  }

  paint() {
    const sharp = Math.min(window.devicePixelRatio || 1, LARGEST_PIXEL_RATIO);
    const scale = sharp * (this.player.playing ? this.resolution.share : 1);
    const [width, height] = this.size.map((value) => Math.round(value * scale));
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const panels = this.panels.map((panel) => ({ ...panel, ghost: this.overlay ? panel.ghost : -1 }));
    const { camera, palette, follow } = this;
    this.renderer.draw({ panels, camera, palette, follow, scale, time: this.player.time });
    this.painted += 1;
  }

  /** What changes from frame to frame. */
  showTime() {
    const { frame, lastFrame, time, fps, duration } = this.player;
    Object.assign(this.root.dataset, { frame, time: time.toFixed(3), painted: this.painted, camera: this.camera.summary });
    this.scrub.value = frame;
    this.scrub.style.setProperty("--done", `${lastFrame ? (100 * frame) / lastFrame : 0}%`);
    const text = `${(frame / fps).toFixed(1)} / ${duration.toFixed(1)} s`;
    if (this.clock.textContent !== text) {
      this.clock.textContent = text;
      this.scrub.setAttribute("aria-valuetext", `${(frame / fps).toFixed(1)} of ${seconds(duration)}`);
    }
    for (const { progress, track } of this.panels) {
      const share = track.localTime(time) / Math.max((track.frames - 1) / track.fps, 1e-3);
      progress.style.transform = `scaleX(${Math.min(share, 1).toFixed(4)})`;
    }
  }

  /** What changes when a person does something. */
  showState() {
    const { playing, loop, speed, lastFrame } = this.player;
    const { overlay, follow } = this;
    Object.assign(this.root.dataset, { playing, loop, speed, overlay, follow, tracks: this.tracks.length });
    const button = (name) => this.root.querySelector(`[data-do="${name}"]`);
    button("play").setAttribute("aria-label", playing ? "Pause" : "Play");
    for (const [name, on] of Object.entries({ loop, overlay, follow })) button(name).setAttribute("aria-pressed", on);
    button("overlay").disabled = !this.canOverlay;
    this.speed.value = speed;
    this.scrub.max = lastFrame;
    this.showTime();
  }

  /** Ends everything: frames, listeners, observers, and the graphics context. */
  dispose() {
    cancelAnimationFrame(this.request);
    this.request = -1;
    this.listeners.abort();
    this.observers.forEach((observer) => observer.disconnect());
    this.renderer?.release();
    this.renderer = null;
    this.tracks = this.panels = [];
  }
}

const viewer = new Viewer(element);
watch("value", () => viewer.load(props.value));
if (props.value) viewer.load(props.value);
