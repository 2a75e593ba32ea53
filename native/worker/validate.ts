// Checks the params of every message before the addon sees them: type, range, and nothing but the known fields.

import {
  MAX_DRAFT_LENGTH, MAX_LANES, MAX_NEW_TOKENS, MAX_STOP_LENGTH, MAX_STOPS,
  type CancelLaneParams, type DraftLength, type GenerateParams, type HelloParams, type InspectParams, type LoadParams,
  type Prompt, type SamplingParams, type TokenizeParams,
} from "../../protocol/worker";
import { WorkerError } from "./errors";

/** Returns the value as a T, or throws "badParams" that names the parameter, the value and what is allowed. */
export type Check<T> = (value: unknown, name: string) => T;

const MAX_TOKEN_ID = 2 ** 31 - 1;
const MAX_TEXT = 64 * 1024 * 1024;
const MAX_STOP_TOKENS = 1024;
const MAX_CONTEXT = 2 ** 24;
const MAX_BUDGET_MS = 24 * 60 * 60 * 1000;

function show(value: unknown): string {
  if (value === undefined) return "missing";
  if (typeof value === "number") return String(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  const text = JSON.stringify(value) ?? `a ${typeof value}`;
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function refuse(name: string, value: unknown, allowed: string): never {
  throw new WorkerError("badParams", `${name} is ${show(value)}; allowed: ${allowed}`);
}

function text(allowed: string, minLength: number, maxLength: number, legal: (value: string) => boolean = () => true): Check<string> {
  return (value, name) =>
    typeof value === "string" && value.length >= minLength && value.length <= maxLength && legal(value)
      ? value
      : refuse(name, typeof value === "string" && value.length > maxLength ? `a string of ${value.length} characters` : value, allowed);
}

function number(min: number, max: number): Check<number> {
  return (value, name) =>
    typeof value === "number" && value >= min && value <= max ? value : refuse(name, value, `a number from ${min} to ${max}`);
}

function integer(min: number, max: number): Check<number> {
  return (value, name) =>
    typeof value === "number" && Number.isInteger(value) && value >= min && value <= max
      ? value
      : refuse(name, value, `an integer from ${min} to ${max}`);
}

function oneOf<const T extends string>(...choices: T[]): Check<T> {
  return (value, name) =>
    choices.includes(value as T) ? (value as T) : refuse(name, value, choices.map((choice) => `"${choice}"`).join(", "));
}

function nullable<T>(check: Check<T>): Check<T | null> {
  return (value, name) => (value === null ? null : check(value, name));
}

function optional<T>(check: Check<T>): Check<T | undefined> {
  return (value, name) => (value === undefined ? undefined : check(value, name));
}

const boolean: Check<boolean> = (value, name) => (typeof value === "boolean" ? value : refuse(name, value, "true, false"));

function arrayOf<T>(check: Check<T>, what: string, max: number): Check<T[]> {
  return (value, name) =>
    Array.isArray(value) && value.length <= max
      ? value.map((item, index) => check(item, `${name}[${index}]`))
      : refuse(name, value, `an array of at most ${max} ${what}`);
}

function fields(value: unknown, name: string): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : refuse(name, value, "an object");
}

function object<T extends object>(checks: { [K in keyof Required<T>]: Check<T[K]> }): Check<T> {
  return (value, name) => {
    const given = fields(value, name);
    const checked: Record<string, unknown> = {};
    for (const [key, check] of Object.entries<Check<unknown>>(checks)) {
      const result = check(given[key], name === "params" ? key : `${name}.${key}`);
      if (result !== undefined) checked[key] = result;
    }
    return checked as T;
  };
}

const path = text("a file's path", 1, 32_768, (value) => !value.includes("\0"));
const id = text("a string of 1 to 200 characters", 1, 200);
const content = text(`text of at most ${MAX_TEXT} characters`, 0, MAX_TEXT);
const stop = text(`a string of 1 to ${MAX_STOP_LENGTH} characters`, 1, MAX_STOP_LENGTH);
const lane = integer(0, MAX_LANES - 1);
const tokenId = integer(0, MAX_TOKEN_ID);

const positive = (max: number): Check<number> => (value, name) =>
  typeof value === "number" && value > 0 && value <= max ? value : refuse(name, value, `a number above 0, to ${max}`);

const draftLength: Check<DraftLength> = (value, name) => {
  const fixed = typeof value === "string" ? /^fixed:([1-9][0-9]?)$/.exec(value) : null;
  const legal = value === "none" || value === "bass" || value === "auto" || (fixed !== null && Number(fixed[1]) <= MAX_DRAFT_LENGTH);
  return legal ? (value as DraftLength) : refuse(name, value, `"none", "bass", "auto", "fixed:K" with K from 1 to ${MAX_DRAFT_LENGTH}`);
};

const prompts: { [K in Prompt["kind"]]: Check<Extract<Prompt, { kind: K }>> } = {
  text: object({ kind: oneOf("text"), text: content }),
  fim: object({ kind: oneOf("fim"), prefix: content, suffix: content }),
  tokens: object({ kind: oneOf("tokens"), tokens: arrayOf(tokenId, "token ids", MAX_CONTEXT) }),
};
const prompt: Check<Prompt> = (value, name) =>
  prompts[oneOf("text", "fim", "tokens")(fields(value, name).kind, `${name}.kind`)](value, name);

const sampling = object<SamplingParams>({
  temperature: number(0, 100),
  topK: integer(0, MAX_TOKEN_ID),
  topP: positive(1),
  minP: number(0, 1),
  seed: integer(0, Number.MAX_SAFE_INTEGER),
});

export const helloParams = object<HelloParams>({ protocolVersion: integer(0, MAX_TOKEN_ID) });

export const loadParams = object<LoadParams>({
  target: path,
  draft: nullable(path),
  device: text('"auto", "cpu", "gpu" or a device\'s name', 1, 200),
  threads: integer(0, 1024),
  lanes: integer(1, MAX_LANES),
  spareLanes: optional(integer(0, MAX_LANES)),
  contextTokens: integer(0, MAX_CONTEXT),
  kvType: oneOf("f32", "f16", "q8_0"),
  cudaPlans: optional(path),
});

export const inspectParams = object<InspectParams>({ path, draft: optional(path) });

export const generateParams = object<GenerateParams>({
  id,
  prompt,
  lanes: integer(1, MAX_LANES),
  maxTokens: integer(1, MAX_NEW_TOKENS),
  sampling,
  stop: arrayOf(stop, "strings", MAX_STOPS),
  stopTokens: arrayOf(tokenId, "token ids", MAX_STOP_TOKENS),
  budgetMs: nullable(positive(MAX_BUDGET_MS)),
  draftLength,
  ignoreEnd: optional(boolean),
  heal: optional(boolean),
  prepare: optional(boolean),
  freshPrompt: optional(boolean),
  score: optional(oneOf("target", "draft")),
});

export const cancelLaneParams = object<CancelLaneParams>({ id, lane });

export const tokenizeParams = object<TokenizeParams>({ text: content });

/** `check` on the params of a message, which JSON-RPC leaves out where there are none. */
export function validate<T>(check: Check<T>, params: unknown): T {
  return check(params, "params");
}
