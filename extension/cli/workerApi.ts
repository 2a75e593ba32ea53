// What the commands ask of the worker process; connect.ts gives the real one, tests a scripted one.
import type {
  GenerateParams, GenerateProgressParams, GenerateResult, HelloResult, InspectParams, InspectResult, LoadParams,
  LoadProgressParams, LoadResult, TokenizeResult,
} from "../../protocol/worker";
import type { OctetError } from "../worker/errors";

export interface WorkerApi {
  readonly hello: HelloResult;
  /** Why GPUs are left alone, though they were to be used; null: they are not. Every load says it too. */
  readonly driverCrash: OctetError | null;
  load(params: LoadParams, options: { onProgress?: (progress: LoadProgressParams) => void; signal: AbortSignal }): Promise<LoadResult>;
  /** After the signal aborts it still resolves, with what was written so far. */
  generate(
    params: GenerateParams,
    options: { onProgress?: (progress: GenerateProgressParams) => void; signal: AbortSignal },
  ): Promise<GenerateResult>;
  inspect(params: InspectParams): Promise<InspectResult>;
  tokenize(text: string): Promise<TokenizeResult>;
  /** Ends the process, by force if it does not go; resolves when it is gone. */
  close(): Promise<void>;
  /** Ends the process at once. */
  kill(): void;
}
