// Draws a running generation on the terminal, a dozen times a second at most, from load to last token.
import type { GenerateProgressParams, LoadProgressParams, LoadResult } from "../../protocol/worker";
import { frame } from "./layout";
import { LiveState } from "./liveState";
import type { ProgressView } from "./progress";
import { Screen } from "./screen";
import type { Terminal } from "./terminal";

const FRAME_MS = 70;
/** Work shorter than this is not worth a flash of another screen. */
const FIRST_FRAME_MS = 150;

export class LiveView implements ProgressView {
  readonly state: LiveState;
  private readonly screen: Screen;
  private readonly startedAt = performance.now();
  private timer: NodeJS.Timeout;
  private readonly redraw = (): void => {
    this.screen.invalidate();
    if (this.drawing) this.draw();
  };
  private readonly leave = (): void => this.screen.close();
  /** Ctrl-Z: the shell gets its screen back; SIGCONT draws anew. */
  private readonly suspend = (): void => {
    this.screen.close();
    this.screen.invalidate();
    process.kill(process.pid, "SIGSTOP");
  };
  private drawing = false;

  constructor(private readonly stream: NodeJS.WritableStream, private readonly terminal: Terminal, wanted: LiveState["wanted"]) {
    this.state = new LiveState(wanted);
    this.screen = new Screen(stream as NodeJS.WriteStream);
    this.timer = setTimeout(() => {
      this.drawing = true;
      this.draw();
      this.timer = setInterval(() => this.draw(), FRAME_MS);
    }, FIRST_FRAME_MS);
    stream.on("resize", this.redraw);
    process.on("exit", this.leave);
    if (process.platform !== "win32") process.on("SIGTSTP", this.suspend).on("SIGCONT", this.redraw);
  }

  onLoad(progress: LoadProgressParams): void {
    this.state.onLoad(progress);
  }

  onLoaded(loaded: LoadResult, lanes: number): void {
    this.state.onLoaded(loaded, lanes);
  }

  onProgress(progress: GenerateProgressParams): void {
    this.state.onProgress(progress);
  }

  close(): void {
    clearTimeout(this.timer);
    clearInterval(this.timer);
    this.stream.off("resize", this.redraw);
    process.off("exit", this.leave).off("SIGTSTP", this.suspend).off("SIGCONT", this.redraw);
    this.screen.close();
  }

  private draw(): void {
    this.screen.draw(frame(this.state, this.terminal.size(), this.terminal.theme, performance.now() - this.startedAt));
  }
}
