// The one clock of all panels.

const SPEEDS = [0.1, 0.25, 0.5, 1, 1.5, 2];
/** After a pause of the page (another tab, a slow frame) the clock goes on from where it was, without a jump. */
const LONGEST_STEP_SECONDS = 0.1;

class Player {
  constructor() {
    this.speed = 1;
    this.loop = true;
    this.load([]);
  }

  /** Starts anew with these tracks. The clock lasts as long as the longest content or result. */
  load(tracks) {
    this.fps = Math.max(1, ...tracks.map((track) => track.fps));
    this.duration = Math.max(0, ...leading(tracks).map((track) => track.duration));
    this.time = 0;
    this.playing = false;
  }

  get lastFrame() {
    return Math.max(0, Math.round(this.duration * this.fps) - 1);
  }

  get frame() {
    return clamp(Math.floor(this.time * this.fps + 1e-4), 0, this.lastFrame);
  }

  play() {
    if (!this.loop && this.frame >= this.lastFrame) this.time = 0;
    this.playing = this.lastFrame > 0;
  }

  pause() {
    this.playing = false;
  }

  seek(frame) {
    this.time = clamp(frame, 0, this.lastFrame) / this.fps;
  }

  /** Pauses, and goes some frames on or back, around the ends. */
  step(frames) {
    this.pause();
    const count = this.lastFrame + 1;
    this.seek((((this.frame + frames) % count) + count) % count);
  }

  /** The next speed up (1) or down (-1). */
  changeSpeed(direction) {
    this.speed = SPEEDS[clamp(SPEEDS.indexOf(this.speed) + direction, 0, SPEEDS.length - 1)];
  }

  advance(seconds) {
    if (!this.playing) return;
    this.time += Math.min(seconds, LONGEST_STEP_SECONDS) * this.speed;
    if (this.time < this.duration) return;
    if (this.loop) {
      this.time %= this.duration;
    } else {
      this.seek(this.lastFrame);
      this.pause();
    }
  }
}
