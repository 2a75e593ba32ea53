// Drawing once a frame: whatever arrives between two frames is drawn together.

/** Calls `draw` in the next frame, however often it is asked. */
export class Frame {
  private pending = false;

  constructor(private readonly draw: (now: number) => void) {}

  request(): void {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame((now) => {
      this.pending = false;
      this.draw(now);
    });
  }
}
