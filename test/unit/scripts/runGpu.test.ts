// native/bench/run_gpu.sh played through without a GPU: its tools are stand-ins that do to files what the real ones do, and the benchmark
// is one that knows the real one's options.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const script = "native/bench/run_gpu.sh";

/** Options of each command, as its source lists them. */
const options = Object.fromEntries(["products", "attention", "sampling", "steps", "decode"].map((command) =>
  [command, ["--json", ...[...readFileSync(`native/bench/${command}_command.cpp`, "utf8").matchAll(/\{"(--[\w-]+)"/g)].map(([, name]) => name)]]));

/** Ends with 2 for what the real one would not know; else leaves a table file. HANG: a command that does not end. */
const benchmark = `#!${process.execPath}
const [command, ...words] = process.argv.slice(2);
const options = ${JSON.stringify(options)};
if (process.env.HANG === command) setInterval(() => {}, 1000);
else {
  for (let i = 0; i < words.length; i += 2)
    if (!options[command]?.includes(words[i]) || !words[i + 1] || words[i + 1].startsWith("--")) {
      console.error("stand-in: " + command + " " + words.slice(i).join(" "));
      process.exit(2);
    }
  const file = words[words.indexOf("--prompt-file") + 1];
  if (words.includes("--prompt-file") && require("node:fs").statSync(file).size < 100000) process.exit(3);
  if (words.includes("--json")) require("node:fs").writeFileSync(words[words.indexOf("--json") + 1], '{"device": "a stand-in", "tables": []}');
}
`;

/** What follows the tool's own options. */
const runTheRest = 'while [ $# -gt 0 ]; do case $1 in /*) exec "$@";; *) shift;; esac; done; exit 9';

const tools: Record<string, string> = {
  "nvidia-smi": 'case $* in *compute_cap*) echo 9.0;; *) echo "name, driver_version";; esac',
  nvcc: "echo nvcc",
  cmake: `case $* in
    *--target*) for t in "$@"; do case $t in octet-native-bench) cp "$STAND_IN" "$BUILD/";; octet-native-test) mkdir -p "$BUILD/tests"; printf '#!/bin/sh\\necho "[doctest] $*"\\n' > "$BUILD/tests/$t"; chmod +x "$BUILD/tests/$t";; esac; done;;
    *) case $* in *-DOCTET_CUDA=ON*-DCMAKE_CUDA_ARCHITECTURES=90-real*) mkdir -p "$BUILD";; *) exit 9;; esac;;
  esac`,
  "compute-sanitizer": runTheRest,
  ncu: `while [ $# -gt 0 ]; do case $1 in --log-file) echo "metric" > "$2"; shift 2;; /*) exec "$@";; *) shift;; esac; done; exit 9`,
  nsys: `command=$1; shift
  output= ; run=
  while [ $# -gt 0 ]; do case $1 in --output) output=$2; shift 2;; /*octet-native-bench) run=1; break;; *) report=$1; shift;; esac; done
  if [ "$command" = profile ]; then : > "$output.nsys-rep"; [ -n "$run" ] && exec "$@"; exit 9; fi
  [ -f "$report" ] || exit 9
  tokens=\${output##*-}
  printf 'Time (%%),Total Time (ns),Num Calls,Name\\n90,1,%d,cudaGraphLaunch\\n10,1,7,cudaMalloc\\n' "$tokens" > "\${output}_cuda_api_sum.csv"`,
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "octet-run-gpu-"));
  mkdirSync(path.join(folder, "bin"));
  for (const [name, body] of Object.entries(tools)) writeFileSync(path.join(folder, "bin", name), `#!/bin/bash\n${body}\n`);
  mkdirSync(path.join(folder, "stand-in"));
  writeFileSync(path.join(folder, "stand-in/octet-native-bench"), benchmark);
  for (const name of Object.keys(tools)) chmodSync(path.join(folder, "bin", name), 0o755);
  chmodSync(path.join(folder, "stand-in/octet-native-bench"), 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function play(out: string, stages: string[], more: Record<string, string> = {}) {
  const env = {
    ...process.env, PATH: `${path.join(folder, "bin")}:${process.env.PATH}`, OUT: path.join(folder, out), BUILD: path.join(folder, "build"),
    STAND_IN: path.join(folder, "stand-in/octet-native-bench"), ...more,
  };
  const { status, stdout, stderr } = spawnSync("bash", [script, ...stages], { env, encoding: "utf8", timeout: 60_000 });
  const lines = path.join(env.OUT, "stages.txt");
  return { status, said: stdout + stderr, ended: existsSync(lines) ? readFileSync(lines, "utf8").trim().split("\n") : [] };
}

const stagesOf = (text: string): string[] => [...text.matchAll(/^native\/bench\/run_gpu\.sh (.*)$/gm)].flatMap(([, words]) => words!.split("#")[0]!.trim().split(/\s+/));

describe.skipIf(process.platform === "win32")("native/bench/run_gpu.sh", () => {
  const all = [...readFileSync(script, "utf8").matchAll(/^stage_(\w+)\(\)/gm)].map(([, name]) => name!);

  it("has the stages that docs/cuda.md runs, each once", () => {
    expect(stagesOf(readFileSync("docs/cuda.md", "utf8")).sort()).toEqual(["pack", ...all].sort());
  });

  it("runs every stage, with options that the benchmark has, and leaves the tables that the figures are read from", () => {
    const { status, said, ended } = play("whole", all);
    expect(said).not.toContain("stand-in:");
    expect(ended.map((line) => line.replace(/, \d+ s$/, ""))).toEqual(all.map((stage) => `${stage}: exit code 0`));
    expect(status).toBe(0);
    const tables = readdirSync(path.join(folder, "whole")).filter((name) => name.endsWith(".json"));
    const read = readFileSync("scripts/gpu-figures.mjs", "utf8");
    for (const name of ["products", "steps", "decode-simulated", "decode-real", "decode-utilisation"]) {
      expect(read).toContain(`"${name}"`);
      expect(tables).toContain(`${name}.json`);
    }
    expect(readFileSync(path.join(folder, "whole/profile.log"), "utf8")).toContain("cudaGraphLaunch: 128, 384, 256\ncudaMalloc: 7, 7, 0\n");
  }, 60_000);

  it("cuts a stage that takes too long, says so, and goes on with the next", () => {
    play("cut", ["build"]);
    const { status, ended } = play("cut", ["attention", "sampling"], { HANG: "attention", STAGE_SECONDS: "1" });
    expect(ended[1]).toMatch(/^attention: exit code 124, [1-9]\d* s$/);
    expect(ended[2]).toMatch(/^sampling: exit code 0/);
    expect(status).toBe(1);
    writeFileSync(path.join(folder, "cut/steps.json"), '{"device": "a stand-in", "tab');
    const figures = spawnSync(process.execPath, ["scripts/gpu-figures.mjs", path.join(folder, "cut")], { encoding: "utf8" });
    expect(figures.stdout).toContain("- attention: exit code 124");
    expect(figures.stdout).toContain("| missing |");
    expect(figures.stdout).toContain("Not whole, and left out: steps.json.");
  }, 60_000);

  it("says what stages there are for one that there is not, before any runs", () => {
    const { status, said, ended } = play("none", ["build", "fly"]);
    expect(status).toBe(2);
    expect(said).toMatch(/^there is no stage fly; there are: pack /);
    expect(ended).toEqual([]);
  });
});
