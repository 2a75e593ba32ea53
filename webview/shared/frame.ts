// Drawing once a frame: whatever arrives between two frames is drawn together. Nothing is drawn while a button is held down: what
// moves from under the pointer would not get its click. (The other buttons open menus, which may keep their release for themselves.)

/** Calls `draw` in the next frame, however often it is asked. */
export class Frame {
  private pending = false;
  private held = false;

  constructor(private readonly draw: (now: number) => void) {
    document.addEventListener("pointerdown", ({ target, button }) => this.hold(button === 0 && target instanceof Element && target.closest("button") !== null), true);
    document.addEventListener("pointermove", ({ buttons }) => buttons === 0 && this.hold(false), true);
    for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => this.hold(false), true);
    window.addEventListener("blur", () => this.hold(false));
  }

  request(): void {
    if (this.pending) return;
    this.pending = true;
    if (!this.held) this.drawSoon();
  }

  private hold(held: boolean): void {
    const released = this.held && !held;
    this.held = held;
    if (released && this.pending) this.drawSoon();
  }

  private drawSoon(): void {
    requestAnimationFrame((now) => {
      if (this.held || !this.pending) return;
      this.pending = false;
      this.draw(now);
    });
  }
}
