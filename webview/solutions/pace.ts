// How many lanes a frame may draw: as many as fit the time, and on a slow machine one every few frames. Pure.

/** A lane's cost before one has been drawn. */
const FIRST_GUESS_MS = 0.5;
/** Weight of the newest frame in the mean cost. */
const NEWEST = 0.2;
/** A lane is drawn at least once in this many frames for each lane there is, however slow it is. */
const LONGEST_WAIT = 3;

/** Lets drawing take `budgetMs` a frame in the mean. */
export class Pace {
  private credit = 0;
  private cost = FIRST_GUESS_MS;
  private waited = 0;

  constructor(private readonly budgetMs: number) {}

  /** A new frame in which `waiting` lanes have news: how many to draw. */
  lanes(waiting: number): number {
    this.credit = Math.min(this.credit + this.budgetMs, Math.max(this.budgetMs, this.cost));
    if (waiting === 0) return 0;
    const due = ++this.waited >= LONGEST_WAIT ? 1 : 0;
    return Math.min(waiting, Math.max(due, Math.floor(this.credit / this.cost)));
  }

  /** What it took to draw them. */
  took(lanes: number, ms: number): void {
    if (lanes === 0) return;
    this.waited = 0;
    this.credit -= ms;
    this.cost += NEWEST * (ms / lanes - this.cost);
  }
}
