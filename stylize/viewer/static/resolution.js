// Lowers the resolution when frames come too slowly: a picture that moves is worth more than a sharp one.

/** Shares of the full resolution to fall back to while frames take longer than this. */
const RESOLUTIONS = [1, 0.75, 0.55];
const SLOW_FRAME_SECONDS = 1 / 22;
const FRAMES_TO_JUDGE = 8;

class Resolution {
  constructor() {
    this.reset();
  }

  reset() {
    this.step = 0;
    this.frameTimes = [];
  }

  get share() {
    return RESOLUTIONS[this.step];
  }

  /** Takes note of how long a frame took, in seconds; 0 for one that came after a pause. */
  judge(passed) {
    if (!passed) return;
    this.frameTimes.push(passed);
    if (this.frameTimes.length < FRAMES_TO_JUDGE) return;
    const typical = this.frameTimes.sort((a, b) => a - b)[FRAMES_TO_JUDGE >> 1];
    this.frameTimes = [];
    if (typical > SLOW_FRAME_SECONDS) this.step = Math.min(this.step + 1, RESOLUTIONS.length - 1);
  }
}
