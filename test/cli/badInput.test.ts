// Bad usage and bad input: exit code 2, exactly one line on standard error, nothing on standard output, no process left.
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { example, folder, root, run, starter, stories, useBuiltCli } from "./harness";

useBuiltCli();

const at = (name: string): string => path.join(folder, name);

beforeAll(() => {
  writeFileSync(at("empty.ts"), "");
  writeFileSync(at("binary.ts"), Buffer.from([0x61, 0xff, 0xfe, 0x00]));
  writeFileSync(at("text.gguf"), "this is no model\n".repeat(100));
  writeFileSync(at("short.gguf"), "GGUF");
  mkdirSync(at("folder.gguf"));
  copyFileSync(starter, at("truncated.gguf"));
  truncateSync(at("truncated.gguf"), 3_000_000);
});

async function refused(args: readonly string[], pattern: RegExp, input: string | Uint8Array = "const a = 1;\n"): Promise<void> {
  const { code, signal, stdout, stderr } = await run(args, { input });
  expect({ code, signal, stdout, args, stderr }).toMatchObject({ code: 2, signal: null, stdout: "" });
  expect(stderr).toMatch(/^octet: [^\n]+\n$/);
  expect(stderr).toMatch(pattern);
}

describe("files of models", () => {
  it.each([
    ["missing", "none.gguf", /none\.gguf/], ["of text", "text.gguf", /not a GGUF file/], ["of four bytes", "short.gguf", /short\.gguf/],
    ["a folder", "folder.gguf", /folder/], ["truncated", "truncated.gguf", /truncated\.gguf/],
  ])("%s", async (_, name, pattern) => {
    await refused(["generate", example, "--target", at(name)], pattern);
    await refused(["generate", example, "--draft", at(name), "--json"], pattern);
    await refused(["inspect", at(name)], pattern);
  });
  it("that are not there are told from others by their option, before anything is read or started", async () => {
    for (const command of [["generate", at("none.ts")], ["bench"], ["eval", "loss", "--files", at("none")]]) {
      await refused([...command, "--target", at("none.gguf")], /^octet: --target: .*none\.gguf: no such file\.\n$/);
      await refused([...command, "--draft", folder], /^octet: --draft: .*: a folder, not a file\.\n$/);
    }
    await refused(["generate", example, "--target", ""], /^octet: --target: "": no such file\.\n$/);
  });
  it("a draft of another vocabulary", () => refused(["generate", example, "--draft", stories], /vocabulary/));
  it("fill-in asked of a model without its tokens", () => refused(["generate", "-", "--target", stories, "--at", "1"], /fill-in-the-middle/));
});

describe("prompts", () => {
  it("that are empty", async () => {
    await refused(["generate", at("empty.ts")], /prompt is empty/);
    await refused(["generate", "-", "--json"], /prompt is empty/, "");
  });
  it("where the context has no room for any", async () => {
    await refused(["generate", example, "--context", "2"], /^octet: A context of 2 tokens has no room for a prompt\. Raise --context\.\n$/);
    await refused(["generate", example, "--at", "3", "--context", "4"], /^octet: A context of 4 tokens has no room for a prompt/);
  });
  it("that are not text", async () => {
    await refused(["generate", at("binary.ts")], /not UTF-8 text \(byte 3\)|not UTF-8 text \(byte 1\)/);
    await refused(["generate", "-"], /Standard input: not UTF-8 text/, readFileSync(starter).subarray(0, 100_000));
    await refused(["generate", "/dev/zero"], /not UTF-8/);
    await refused(["generate", "/dev/urandom"], /not UTF-8/);
  });
  it.skipIf(process.platform === "win32")("that cannot be opened", async () => {
    symlinkSync("circle.ts", at("circle.ts"));
    await refused(["generate", at("circle.ts")], /circle\.ts: symbolic links that lead in a circle/);
    const server = createServer().listen(at("socket"));
    await once(server, "listening");
    await refused(["generate", at("socket")], /a socket or device that cannot be read/);
    server.close();
  });
  it("that are not there", async () => {
    await refused(["generate", at("none.ts")], /none\.ts: no such file/);
    await refused(["generate", folder], /a folder, not a file/);
    await refused(["generate", example, "--suffix-file", at("none.py")], /none\.py: no such file/);
    await refused(["generate", ""], /^octet: "": no such file\.\n$/);
    await refused(["generate", path.join(example, "below.ts")], /below\.ts: a part of the path is a file/);
    await refused(["generate", "n".repeat(300)], /^octet: n{59}…: too long for a file name\.\n$/);
    await refused(["generate", example, "--at", "9999"], /lines, not 9999/);
  });
});

it("a folder of models that is a file", async () => {
  for (const command of [["models"], ["models", "--json"], ["models", "download", "qwen2.5-coder-1.5b"], ["models", "remove", "qwen2.5-coder-1.5b"]]) {
    await refused([...command, "--folder", example], /^octet: --folder: .*query_string\.ts is a file, not a folder\.\n$/);
  }
  await refused(["models", "--folder", path.join(example, "below")], /below: a part of the path is a file, not a folder\.\n$/);
  await refused(["models", "--folder", ""], /--folder takes a path/);
});

describe("numbers and words", () => {
  it.each([
    ["-n", "0"], ["-n", "17"], ["-n", "1e999"], ["-n", "eight"], ["--max-tokens", "0"], ["--max-tokens", "99999999999999999999"], ["--temperature", "-1"],
    ["--temperature", "nan"], ["--top-p", "0"], ["--top-p", "1.01"], ["--top-k", "-1"], ["--min-p", "2"], ["--seed", "-1"],
    ["--seed", "9007199254740992"], ["--budget-ms", "0"], ["--draft-length", "fixed:99"], ["--draft-length", "often"], ["--threads", "-4"],
    ["--threads", "257"], ["--top-k", "1073741825"], ["--context", "-1"], ["--context", "1e12"], ["--kv", "int4"], ["--stop", ""], ["--at", "0"], ["--device", "Vulkan9"],
  ])("%s %s", (option, value) => refused(["generate", example, option, value], /octet: .+/));
  it.each([["--batch", "0"], ["--batch", "1,99"], ["--methods", "magic"], ["--repeat", "0"], ["--new-tokens", "-1"], ["--draft-length", "none"]])(
    "bench %s %s", (option, value) => refused(["bench", option, value], /octet: .+/));
  it("unknown commands and options, too many and too few arguments", async () => {
    await refused(["genrate"], /unknown command 'genrate'/);
    await refused(["generate", "--sed", "1"], /unknown option '--sed'.*--seed/);
    await refused(["generate", example, "second"], /too many arguments/);
    await refused(["inspect"], /missing required argument/);
    await refused(["generate", example, "--no-draft", "--draft", starter], /--draft and --no-draft exclude each other/);
    await refused(["bench", "--draft", starter, "--no-draft"], /--draft and --no-draft exclude each other/);
    await refused(["bench", "--json", "--markdown"], /exclude/);
  });
  it("escape sequences in arguments are not obeyed", async () => {
    const { stderr } = await run(["generate", "\u001b[2J\nsecond.ts"]);
    expect(stderr).toMatch(/^octet: [^\n\u001b]+\n$/);
  });
});

it("help and version go to standard output with exit code 0", async () => {
  const version = (JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { version: string }).version;
  expect(await run(["--version"])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: "" });
  for (const command of ["generate", "bench", "inspect", "doctor"]) {
    const { code, stdout, stderr } = await run([command, "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(`octet ${command}`);
    expect(stdout).not.toContain("default: [");        // as a list is typed, not as it is kept
  }
});
