import { existsSync } from "node:fs";
import path from "node:path";
import { expect, it, vi } from "vitest";
import { absolutePath, pairOf, starterPair } from "../../extension/models/pair";
import { DEFAULT_PAIR, shippedPair, shippedPairs } from "../../extension/models/shipped";
import { later } from "../../extension/later";

const root = path.resolve(import.meta.dirname, "../..");
const usual = starterPair(root);

it("nothing named: the starter pair", () => {
  expect(pairOf({ target: undefined, draft: undefined }, root, "/base")).toEqual(usual);
});

it("the pair that comes with Octet is the default one, unless a variable names another", () => {
  expect(shippedPair({})).toBe(shippedPairs[DEFAULT_PAIR]);
  expect(shippedPair({}, "coder")).toBe(shippedPairs.coder);
  expect(shippedPair({ OCTET_SHIPPED_PAIR: "small" }, "coder")).toBe(shippedPairs.small);
  for (const unknown of ["", "constructor", "large"]) expect(shippedPair({ OCTET_SHIPPED_PAIR: unknown }, "coder")).toBe(shippedPairs.coder);
});

it("the default pair's files are there", () => {
  const { target, draft } = shippedPair({});
  for (const name of [target, draft]) expect(existsSync(path.join(root, "models", name)), name).toBe(true);
});

it("tests keep the small pair, whatever the default is", () => {
  expect(path.basename(usual.target)).toBe(shippedPairs.small.target);
});

it("another target has no draft unless one is named", () => {
  expect(pairOf({ target: "/m/big.gguf", draft: undefined }, root, "/base")).toEqual({ target: "/m/big.gguf", draft: null });
  expect(pairOf({ target: "/m/big.gguf", draft: "small.gguf" }, root, "/base")).toEqual({ target: "/m/big.gguf", draft: path.resolve("/base/small.gguf") });
});

it("the starter target may go without its draft, and keeps it where it is named by path", () => {
  expect(pairOf({ target: undefined, draft: "none" }, root, "/base")).toEqual({ target: usual.target, draft: null });
  expect(pairOf({ target: usual.target, draft: undefined }, root, "/base").draft).toBe(usual.draft);
});

it("a tilde is the home folder only at the start of a path", () => {
  expect(absolutePath("~/m.gguf", "/base", "/home/me")).toBe(path.resolve("/home/me/m.gguf"));
  expect(absolutePath("~m.gguf", "/base", "/home/me")).toBe(path.resolve("/base/~m.gguf"));
});

it("of calls in quick succession only the last is made, and none after dispose", () => {
  vi.useFakeTimers();
  let made = 0;
  const call = later(() => made++, 10);
  call();
  vi.advanceTimersByTime(9);
  call();
  vi.advanceTimersByTime(9);
  expect(made).toBe(0);
  vi.advanceTimersByTime(100);
  expect(made).toBe(1);
  call();
  call.dispose();
  vi.advanceTimersByTime(100);
  expect(made).toBe(1);
  vi.useRealTimers();
});
