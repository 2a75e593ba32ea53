// The prompt of the Latency panel's benchmark. Changing it changes what the benchmark measures.

export const BENCHMARK_PROMPT = `// A small queue of tasks with priorities, limits and retries.

export interface Task<T> {
  id: string;
  /** Higher first; equal ones in the order they came. */
  priority: number;
  attempts: number;
  run(signal: AbortSignal): Promise<T>;
}

export interface QueueOptions {
  /** Tasks that may run at once. */
  limit: number;
  /** Attempts before a task counts as failed. */
  maxAttempts: number;
  /** Milliseconds before a task is tried again; doubled with every attempt. */
  retryMs: number;
}

export class TaskQueue<T> {
  private readonly waiting: Task<T>[] = [];
  private readonly running = new Map<string, AbortController>();
  private readonly results = new Map<string, T>();
  private readonly failures = new Map<string, unknown>();

  constructor(private readonly options: QueueOptions) {
    if (options.limit < 1) throw new RangeError("a queue runs at least one task at a time");
    if (options.maxAttempts < 1) throw new RangeError("a task is tried at least once");
  }

  get size(): number {
    return this.waiting.length + this.running.size;
  }

  add(task: Task<T>): void {
    const at = this.waiting.findIndex((other) => other.priority < task.priority);
    if (at < 0) this.waiting.push(task);
    else this.waiting.splice(at, 0, task);
    this.startNext();
  }

  cancel(id: string): boolean {
    const at = this.waiting.findIndex((task) => task.id === id);
    if (at >= 0) {
      this.waiting.splice(at, 1);
      return true;
    }
    const controller = this.running.get(id);
    controller?.abort();
    return controller !== undefined;
  }

  private startNext(): void {
    while (this.running.size < this.options.limit) {
      const task = this.waiting.shift();
      if (!task) return;
      const controller = new AbortController();
      this.running.set(task.id, controller);
      void this.perform(task, controller.signal);
    }
  }

  private async perform(task: Task<T>, signal: AbortSignal): Promise<void> {
`;
