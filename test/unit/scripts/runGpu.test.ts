// native/bench/run_gpu.sh played through without a GPU: its tools are stand-ins that do to files what the real ones do, and the benchmark
// is one that knows the real one's options.
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

const script = "native/bench/run_gpu.sh";
const planned = readFileSync("native/bench/gpu_plan.sh", "utf8").match(/^plan="\n([^"]*)"/m)![1]!.trim().split("\n")
  .map((line) => line.trim().split(/\s+/));
/** Some of it, in the same order, where any stages show what is to be seen: each costs a second of starting programs. */
const some = [...planned.slice(0, 8), ...planned.filter(([stage]) => ["racecheck", "sampling", "racecheck_all"].includes(stage!))];
const GPU_PLAN = some.map((line) => line.join(" ")).join("\n");

/** Options of each command, as its source lists them: lines of a shell's `case`. */
const options = ["products", "attention", "sampling", "steps", "decode"].map((command) => {
  const source = readFileSync(`native/bench/${command}_command.cpp`, "utf8");
  return ["--json", ...[...source.matchAll(/\{"(--[\w-]+)"/g)].map(([, name]) => name)].map((name) => `"${command} ${name}"`).join("|");
});

/**
 * Ends with 2 for what the real one would not know; else leaves a table file. HANG: a command that does not end; FAIL: one that fails;
 * TICKS: seconds that it takes by the plan's clock.
 */
const benchmark = `#!/bin/bash
command=$1; shift
[ "\${FAIL:-}" != "$command" ] || exit 7
[ "\${HANG:-}" != "$command" ] || while :; do sleep 1; done
while [ $# -gt 0 ]; do
  case "$command $1" in ${options.join("|")}) ;; *) echo "stand-in: $command $*" >&2; exit 2;; esac
  if [ "$1" = --tune ]; then shift; continue; fi
  case "\${2:-}" in "" | --*) echo "stand-in: $command $*" >&2; exit 2;; esac
  case $1 in --json) json=$2;; --prompt-file) [ "$(wc -c < "$2")" -ge 100000 ] || exit 3;; esac
  shift 2
done
[ -z "\${TICKS:-}" ] || echo $(($(< "$CLOCK") + TICKS)) > "$CLOCK"
[ -z "\${json:-}" ] || echo '{"device": "a stand-in", "tables": []}' > "$json"
`;

/** What follows the tool's own options. */
const runTheRest = 'while [ $# -gt 0 ]; do case $1 in /*) exec "$@";; *) shift;; esac; done; exit 9';

const tools: Record<string, string> = {
  "nvidia-smi": 'case $* in *compute_cap*) echo 9.0;; *) echo "name, driver_version";; esac',
  nvcc: "echo nvcc",
  cmake: `case $* in
    *--target*) for t in "$@"; do case $t in octet-native-bench) cp "$STAND_IN" "$BUILD/" || exit 1;; octet-native-test) mkdir -p "$BUILD/tests"; printf '#!/bin/sh\\necho "[doctest] $*"\\n' > "$BUILD/tests/$t"; chmod +x "$BUILD/tests/$t";; esac; done;;
    *) case $* in *-DOCTET_CUDA=ON*-DCMAKE_CUDA_ARCHITECTURES=90-real*) mkdir -p "$BUILD";; *) exit 9;; esac;;
  esac`,
  "compute-sanitizer": runTheRest,
  ncu: `while [ $# -gt 0 ]; do case $1 in --log-file) echo "metric" > "$2"; shift 2;; /*) exec "$@";; *) shift;; esac; done; exit 9`,
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

/** RESULTS: the results' folder, there for the next call; OUT: emptied before each, as on the machine. The plan's clock stands still but for TICKS. */
function play(name: string, stages: string[], more: Record<string, string> = {}) {
  const results = path.join(folder, name), out = path.join(folder, "out");
  rmSync(out, { recursive: true, force: true });
  writeFileSync(path.join(folder, "clock"), "0\n");
  const env = {
    ...process.env, PATH: `${path.join(folder, "bin")}:${process.env.PATH}`, OUT: out, RESULTS: results, BUILD: path.join(folder, "build"),
    OCTET_GPU_LINK: path.join(folder, "link"), STAND_IN: path.join(folder, "stand-in/octet-native-bench"),
    PACKED: path.join(folder, "no-parts"), PARTS: path.join(folder, "parts"),
    CLOCK: path.join(folder, "clock"), ...more,
  };
  const { status, stdout, stderr } = spawnSync("bash", [script, ...stages], { env, encoding: "utf8", timeout: 60_000 });
  const lines = path.join(results, "stages.txt");
  const ended = existsSync(lines) ? readFileSync(lines, "utf8").trim().split("\n") : [];
  const began = [...stdout.matchAll(/^== (\w+), \d+ s at most$/gm)].map(([, stage]) => stage!);
  return { status, said: stdout + stderr, ended, began, out, results };
}

const short = (line: string) => line.replace(/, \d+ s, sources [0-9a-f]{12}$/, "");

describe.skipIf(process.platform === "win32")("native/bench/run_gpu.sh", () => {
  const all = [...readFileSync(script, "utf8").matchAll(/^stage_(\w+)\(\)/gm)].map(([, name]) => name!);
  beforeEach(() => rmSync(path.join(folder, "build"), { recursive: true, force: true }));

  it("plans every stage once, each with room for the least it wants", () => {
    expect(planned.map(([stage]) => stage).sort()).toEqual([...all].sort());
    for (const [stage, least, most] of planned) expect(Number(least), stage).toBeLessThan(Number(most));
    expect(planned.slice(0, 6).map(([stage]) => stage)).toEqual(["build", "tests", "steps", "products", "products_tuned", "decode_simulated"]);
  });

  it("runs the whole plan, with options that the benchmark has, and leaves the tables that the figures are read from in one file", () => {
    const { status, said, ended, out } = play("whole", ["plan"], { LEFT: "5000" });
    expect(said).not.toContain("stand-in:");
    expect(ended.map(short)).toEqual(planned.map(([stage]) => `${stage}: exit code 0`));
    expect(status).toBe(0);
    expect(readdirSync(out)).toEqual(["results.tar.gz"]);
    const again = play("whole", ["plan"]);                        // nothing is left to do, and the file is there again
    expect([again.began, readdirSync(out)]).toEqual([["build"], ["results.tar.gz"]]);
    const kept = path.join(folder, "kept.tar.gz");
    copyFileSync(path.join(out, "results.tar.gz"), kept);
    const back = play("back", ["unpack", kept]).results;
    const tables = readdirSync(back).filter((name) => name.endsWith(".json"));
    const read = readFileSync("scripts/gpu-figures.mjs", "utf8");
    for (const name of ["products", "products-quantised", "steps", "decode-simulated", "decode-real", "decode-utilisation"]) {
      expect(read).toContain(`"${name}"`);
      expect(tables).toContain(`${name}.json`);
    }
    for (const name of ["products", "steps", "decode-simulated", "decode-real"]) expect(tables).toContain(`${name}-wide.json`);
  }, 120_000);

  it("does what its time holds, names what it does not, and goes on there in the next call", () => {
    const first = play("short", ["plan"], { GPU_PLAN, LEFT: "34" });       // 15 are kept for the end: what wants 20 is left out, smaller ones fit
    expect(first.status).toBe(1);
    expect(first.began).toEqual(expect.arrayContaining(["build", "steps", "products"]));
    expect(first.began).not.toContain("tests");
    expect(first.ended.find((line) => line.startsWith("tests:"))).toBe("tests: left out, 19 s were left");
    expect(first.said).toMatch(/^== racecheck: left out, /m);
    const taken = spawnSync("tar", ["-xzOf", path.join(first.out, "results.tar.gz"), "./stages.txt"], { encoding: "utf8" }).stdout;
    expect(taken.trim().split("\n")).toEqual(first.ended);
    const second = play("short", ["plan"], { GPU_PLAN, LEFT: "5000" });
    expect(second.status).toBe(0);
    expect(second.said).toContain("== products: done before");
    expect(second.began).toEqual(some.map(([stage]) => stage).filter((stage) => stage === "build" || !first.began.includes(stage!)));
    expect([...second.ended].map(short).sort()).toEqual(some.map(([stage]) => `${stage}: exit code 0`).sort());
  }, 120_000);

  it("tries what failed behind what was not tried, and anew all that other sources gave", () => {
    const first = play("failed", ["plan"], { GPU_PLAN, LEFT: "36", FAIL: "products" });
    expect(first.ended.map(short)).toContain("products: exit code 7");
    const again = play("failed", ["plan"], { GPU_PLAN, LEFT: "5000" });
    expect(again.began.slice(0, 2)).toEqual(["build", some.map(([stage]) => stage!).find((stage) => !first.began.includes(stage))]);
    const [products, last] = [again.began.indexOf("products"), again.began.indexOf("racecheck_all")];
    expect(products).toBeGreaterThan(last);
    expect(again.status).toBe(0);
    const file = path.join(folder, "failed/stages.txt");
    writeFileSync(file, readFileSync(file, "utf8").replace(/^(sampling: .*) [0-9a-f]+$/m, "$1 0123456789ab"));
    expect(play("failed", ["plan"], { GPU_PLAN }).began).toEqual(["build", "sampling"]);
  }, 120_000);

  it("keeps what was measured of a stage that there is no time to try again", () => {
    play("kept", ["build"]);
    play("kept", ["products"], { FAIL: "products" });
    expect(play("kept", ["plan"], { GPU_PLAN, LEFT: "20" }).ended.map(short)).toContain("products: exit code 7");
  });

  it("stops where there is nothing to run", () => {
    const { status, began, said } = play("unbuilt", ["plan"], { STAND_IN: "/nowhere" });
    expect([status, began]).toEqual([1, ["build"]]);
    expect(said).toContain("the build failed");
  });

  it("takes the packed programs where they are of these sources and run, and else builds", () => {
    const made = play("packed", ["build"]).ended[0]!.slice(-12);
    const PACKED = path.join(folder, "parts.tar.xz"), from = path.join(folder, "to-pack");
    const programs = (sources: string, program: string) => {
      rmSync(path.join(folder, "build"), { recursive: true, force: true });
      mkdirSync(path.join(from, "programs/tests"), { recursive: true });
      for (const name of ["octet-native-bench", "tests/octet-native-test", "liboctet_cuda.so"])
        writeFileSync(path.join(from, "programs", name), program, { mode: 0o755 });
      writeFileSync(path.join(from, "programs/sources.txt"), `${sources}\n`);
      expect(spawnSync("tar", ["-C", from, "-cJf", PACKED, "."]).status).toBe(0);
      return play("packed", ["build"], { PACKED }).said;
    };
    expect(programs(made, "#!/bin/sh\n")).toContain("the packed programs run here");
    expect(play("packed", ["build"], { PACKED }).said).toContain("built already");
    expect(programs(made, "#!/bin/sh\nexit 1\n")).toContain("no packed programs");
    expect(programs("0123456789ab", "#!/bin/sh\n")).toContain("no packed programs");
  }, 60_000);

  it("cuts a stage that takes too long, says so, and goes on with the next", () => {
    play("cut", ["build"]);
    const { status, ended, out } = play("cut", ["attention", "sampling"], { HANG: "attention", STAGE_SECONDS: "1" });
    expect(spawnSync("tar", ["-xzOf", path.join(out, "results.tar.gz"), "./stages.txt"], { encoding: "utf8" }).stdout).toContain("sampling: exit code 0");
    expect(ended[1]).toMatch(/^attention: exit code 124, [1-9]\d* s, /);
    expect(ended[2]).toMatch(/^sampling: exit code 0/);
    expect(status).toBe(1);
    writeFileSync(path.join(folder, "cut/steps.json"), '{"device": "a stand-in", "tab');
    const figures = spawnSync(process.execPath, ["scripts/gpu-figures.mjs", path.join(folder, "cut")], { encoding: "utf8" });
    expect(figures.stdout).toContain("- attention: exit code 124");
    expect(figures.stdout).toContain("| missing |");
    expect(figures.stdout).toContain("Not whole, and left out: steps.json.");
  }, 60_000);

  it("gives a stage no more than what is left", () => {
    const { said } = play("least", ["plan"], { GPU_PLAN, LEFT: "49", TICKS: "5" });
    expect([...said.matchAll(/^== (.*)$/gm)].map(([, line]) => line).slice(0, 8)).toEqual([
      "build, 34 s at most", "tests, 34 s at most", "steps, 34 s at most", "products, 29 s at most", "products_tuned, 24 s at most",
      "decode_simulated: left out, 14 s are left", "products_quantised, 14 s at most", "products_wgmma: left out, 9 s are left",
    ]);
    const cut = play("least-cut", ["plan"], { GPU_PLAN: "build 1 300\nsteps 1 60", LEFT: "20", HANG: "steps" }).said;
    expect(cut).toMatch(/^== steps, 5 s at most$/m);
    expect(cut).toContain("steps: exit code 124");
  }, 60_000);

  it("says what stages there are for one that there is not, before any runs", () => {
    const { status, said, ended } = play("none", ["build", "fly"]);
    expect(status).toBe(2);
    expect(said).toMatch(/^there is no stage fly; there are: /);
    expect(ended).toEqual([]);
  });

  it("is alone, ends its stage with itself, and one that a killed call has left", async () => {
    play("alone", ["build"]);
    const results = path.join(folder, "alone");
    const env = {
      ...process.env, PATH: `${path.join(folder, "bin")}:${process.env.PATH}`, RESULTS: results, BUILD: path.join(folder, "build"),
      OCTET_GPU_LINK: path.join(folder, "link"), HANG: "sampling", PACKED: path.join(folder, "no-parts"), PARTS: path.join(folder, "parts"),
    };
    const hangs = () => spawnSync("pgrep", ["-f", `${folder}/build/octet-native-bench sampling`], { encoding: "utf8" }).stdout.trim();
    const until = async (there: boolean) => {
      for (let i = 0; i < 200 && (hangs() !== "") !== there; ++i) await new Promise((resolve) => setTimeout(resolve, 50));
      expect(hangs() !== "", `a stage is${there ? " not" : ""} running`).toBe(there);
    };
    const begin = async () => {
      const call = spawn("bash", [script, "sampling"], { env, stdio: "ignore" });
      const ended = new Promise<number | null>((resolve) => call.on("exit", resolve));
      await until(true);
      return { call, ended };
    };
    const first = await begin();
    const second = play("alone", ["attention"]);
    expect([second.status, second.said]).toEqual([1, `run_gpu.sh is at work here already: process ${first.call.pid}\n`]);
    first.call.kill("SIGTERM");
    expect(await first.ended).toBe(143);
    await until(false);
    const killed = await begin();
    killed.call.kill("SIGKILL");
    await killed.ended;
    expect(hangs()).not.toBe("");
    expect(play("alone", ["attention"]).status).toBe(0);
    await until(false);
  }, 60_000);

  it("refuses what is asked wrongly in a line, and leaves results as they are where a file of them is not whole", () => {
    const said = (words: string[], more = {}) => {
      const { status, said } = play("wrongly", words, more);
      return `${status}: ${said}`;
    };
    expect(said(["plan"], { LEFT: "soon" })).toBe("2: STAGE_SECONDS and LEFT are whole seconds: soon\n");
    expect(said(["attention"], { STAGE_SECONDS: "-1" })).toBe("2: STAGE_SECONDS and LEFT are whole seconds: -1\n");
    expect(said(["plan", "attention"])).toBe("2: plan takes nothing more: attention\n");
    expect(said(["unpack"])).toMatch(/^2: which results\.tar\.gz\? .*\n$/);
    for (const file of ["README.md", "/nowhere"]) expect(said(["unpack", file])).toBe(`1: ${file} is no whole results.tar.gz\n`);
    expect(said(["pack"], { OCTET_LLAMA_LIBRARIES: "/nowhere" })).toMatch(/^1: \/nowhere is not here: .*\n$/);
    expect(existsSync(path.join(folder, "wrongly"))).toBe(false);
    expect(existsSync(path.join(folder, "no-parts"))).toBe(false);
  });

  it("is told in docs/cuda.md by commands that it has", () => {
    const words = [...readFileSync("docs/cuda.md", "utf8").matchAll(/native\/bench\/run_gpu\.sh (\w+)/g)].map(([, word]) => word!);
    expect(words).toEqual(expect.arrayContaining(["pack", "plan", "unpack"]));
    for (const word of words) expect(["pack", "plan", "unpack", ...all]).toContain(word);
  });
});
