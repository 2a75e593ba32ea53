// The documents that `octet eval --json` writes, held against their schema.
import { readFileSync } from "node:fs";
import path from "node:path";
import Ajv from "ajv";
import { expect } from "vitest";
import { root } from "./harness";

const validate = new Ajv().compile(JSON.parse(readFileSync(path.join(root, "docs", "eval.schema.json"), "utf8")) as object);

export function parsed<Document>(text: string): Document {
  const document = JSON.parse(text) as Document;
  expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
  return document;
}
