// The HumanEval problems (Chen et al. 2021): a function's head to complete, and a test that decides.
import { gunzipSync } from "node:zlib";
import { badInput } from "../errors";
import { decodeText, readBytes } from "../input";
import { oneLine } from "../sanitize";

export interface HumanEvalProblem {
  id: string;
  prompt: string;
  /** Python that defines check(candidate). */
  test: string;
  /** The function that `test` is given. */
  entryPoint: string;
}

/** Where a completion ends, as the paper cut them. */
export const humanEvalStops = ["\nclass", "\ndef", "\n#", "\nif", "\nprint"] as const;

/** The program that fails unless the completion is right. */
export const humanEvalProgram = ({ prompt, test, entryPoint }: HumanEvalProblem, completion: string): string =>
  `${prompt}${completion}\n\n${test}\n\ncheck(${entryPoint})\n`;

/** Far more than any set of problems, packed or not. */
const MAX_BYTES = 64 * 2 ** 20;
const ADVICE = "--problems takes HumanEval's file, e.g. HumanEval.jsonl.gz.";

/** Problems of a JSON-lines file, packed with gzip or not. Throws bad input that names the line. */
export async function readProblems(file: string, signal: AbortSignal): Promise<HumanEvalProblem[]> {
  const name = oneLine(file);
  const text = decodeText(unpacked(await readBytes(file, MAX_BYTES, signal), name), name, ADVICE);
  const problems: HumanEvalProblem[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() !== "") problems.push(parseProblem(line, `${name}, line ${index + 1}`));
  }
  if (problems.length === 0) throw badInput(`${name} holds no problems`);
  const ids = new Set(problems.map(({ id }) => id));
  if (ids.size < problems.length) throw badInput(`${name} holds a task_id twice`);
  return problems;
}

function unpacked(bytes: Buffer, name: string): Buffer {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  try {
    return isGzip ? gunzipSync(bytes, { maxOutputLength: MAX_BYTES }) : bytes;
  } catch (error) {
    throw badInput(`${name} cannot be unpacked: ${(error as Error).message}`);
  }
}

function parseProblem(line: string, where: string): HumanEvalProblem {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw badInput(`${where} is not JSON`);
  }
  const fields = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const field = (key: string): string => {
    const text = fields[key];
    if (typeof text === "string" && text !== "") return text;
    throw badInput(`${where} has no text "${key}"`, "A problem has task_id, prompt, test and entry_point.");
  };
  const entryPoint = field("entry_point");
  if (!/^[\p{L}_][\p{L}\p{N}_]*$/u.test(entryPoint)) throw badInput(`${where}: entry_point is not a name`);
  return { id: field("task_id"), prompt: field("prompt"), test: field("test"), entryPoint };
}
