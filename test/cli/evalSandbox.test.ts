// The sandbox of octet eval against programs that try to get out, to stay, or to take all there is.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSandbox, type Sandbox, type Verdict } from "../../extension/cli/eval/sandbox/sandbox";
import { launcher } from "../../extension/cli/eval/sandbox/filter";
import { systemFolders, type Jail } from "../../extension/cli/eval/sandbox/jail";
import { defaultLimits } from "../../extension/cli/eval/sandbox/limits";
import { jailsHere } from "./holdingJails";

const never = new AbortController().signal;
const limits = { seconds: 5, processes: 8, memoryBytes: 128 * 2 ** 20, fileBytes: 2 ** 20, folderBytes: 4 * 2 ** 20, outputBytes: 2 ** 16 };

const { holding, broken, forbidden } = await jailsHere();

describe("on this machine", () => {
  it("every jail holds that the system lets be made", () => {
    expect(broken).toEqual([]);
  });
  it.skipIf(holding.length > 0)(`programs cannot be shut in: ${forbidden.join("; ")}`, ({ skip }) => skip());
  it.skipIf(!holding.some(({ name }) => name === "unshare"))("a jail that shuts nothing in is seen, not skipped", async () => {
    const open: Jail = { name: "unshare", command: () => ["sh", "-c", "exec python3 -I -S -"] };
    const unfiltered: Jail = { name: "unshare", command: (room) => holding[0]!.command(room).map((part) => (part === launcher ? RUN_IT : part)) };
    for (const [jail, reason] of [[open, /limited|cut off|can be/], [unfiltered, /a virtual machine's host can be reached|namespaces can be made|shared memory is not limited/]] as const) {
      const here = await jailsHere([jail]);
      expect(here).toMatchObject({ holding: [], broken: [expect.stringMatching(reason) as string], forbidden: [] });
    }
  });
});

/** The program without the filter of system calls. */
const RUN_IT = "import sys; exec(compile(open(sys.argv[1]).read(), sys.argv[1], 'exec'))";

/** Processes of this machine whose command line holds the text. */
const withText = (text: string): string[] => readdirSync("/proc").filter((name) => {
  try {
    return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, "utf8").includes(text);
  } catch {
    return false;
  }
});

describe.each(holding.map((jail) => ({ jail, name: jail.name })))("in $name", ({ jail }) => {
  let sandbox: Sandbox;
  let folder: string;
  const judge = (...lines: string[]): Promise<Verdict> => sandbox.judge(lines.join("\n"), never);
  /** Passes where the action raises the error; a hole shows as "failed". */
  const refused = (setup: string, action: string, error: string): Promise<Verdict> =>
    judge(setup, "try:", `    ${action}`, `except ${error}:`, "    pass", "else:", "    raise SystemExit('it was let')");

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "octet-hostile-"));
    sandbox = await openSandbox({ jails: [jail], limits }, never);
  });
  afterAll(async () => {
    await sandbox.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("passes what is right and fails what is wrong, with the reason", async () => {
    expect(await judge("import math, typing, collections", "assert math.gcd(12, 18) == 6")).toEqual({ outcome: "passed", detail: "" });
    expect(await judge("assert 1 == 2, 'numbers differ'")).toEqual({ outcome: "failed", detail: "AssertionError: numbers differ" });
    expect((await judge("def broken(:")).outcome).toBe("failed");
    expect((await judge("name = 'größer'", "assert len(name) == 6")).outcome).toBe("passed");
  });

  it("is not fooled by an early end", async () => {
    expect((await judge("raise SystemExit(0)")).outcome).toBe("failed");
    expect((await judge("import os", "os._exit(0)")).outcome).toBe("failed");
    expect((await judge("import os, signal", "os.kill(os.getpid(), signal.SIGKILL)")).outcome).toBe("failed");
  });

  it("ends an endless loop, and an endless sleep", async () => {
    expect((await judge("while True: pass")).outcome).toBe("timeout");
    expect((await judge("import time", "time.sleep(1000)")).outcome).toBe("timeout");
  });

  it("ends a fork bomb", async () => {
    const { outcome } = await judge(
      "import os, time", "while True:", "    try:", "        os.fork()", "    except OSError:", "        time.sleep(0.1)");
    expect(outcome).toBe("timeout");
    expect(withText("program.py")).toEqual([]);
  });

  it("limits memory, processes, open files, file size and the folder", async () => {
    expect((await refused("", "bytearray(1 << 29)", "MemoryError")).outcome).toBe("passed");
    expect((await judge("hog = []", "while True: hog.append(bytearray(1 << 20))"))).toEqual({ outcome: "failed", detail: "MemoryError" });
    expect((await refused("import subprocess", "running = [subprocess.Popen(['sleep', '60']) for _ in range(8)]", "OSError")).outcome).toBe("passed");
    expect((await refused("", "files = [open('program.py') for _ in range(100)]", "OSError")).outcome).toBe("passed");
    expect((await refused("import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)",
      "open('huge', 'wb').write(bytes(1 << 21))", "OSError")).outcome).toBe("passed");
    expect((await judge("import signal", "while True: open('huge', 'ab').write(bytes(1 << 20))")).outcome).toBe("failed");
    expect((await refused("", "[open(f'part{n}', 'wb').write(bytes(1 << 20)) for n in range(6)]", "OSError")).outcome).toBe("passed");
    const manyFiles = await refused("", "[open(f'empty{n}', 'wb').close() for n in range(1000)]", "OSError");
    expect(manyFiles.outcome).toBe(jail.name === "unshare" ? "passed" : "failed"); // bubblewrap cannot bound their number
  });

  it("stops a program that prints endlessly", async () => {
    expect((await judge("while True: print('x' * 1000)")).outcome).toBe("output");
    expect((await judge("import sys", "while True: sys.stderr.write('x' * 1000)")).outcome).toBe("output");
  });

  it("gives nothing on standard input", async () => {
    expect((await judge("import sys", "assert sys.stdin.read() == ''")).outcome).toBe("passed");
  });

  it("reaches no network, not even this machine's own", async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    expect((await refused("import socket", `socket.create_connection(('127.0.0.1', ${port}), 2)`, "OSError")).outcome).toBe("passed");
    expect((await refused("import socket", "socket.create_connection(('1.1.1.1', 53), 2)", "OSError")).outcome).toBe("passed");
    await new Promise((resolve) => server.close(resolve));
    expect(connections).toBe(0);
  });

  it("writes nowhere but in its folder, which is gone afterwards", async () => {
    const outside = path.join(folder, "outside");
    for (const file of [outside, "/outside", "/usr/outside", "/etc/passwd", "/dev/shm/outside"]) {
      expect((await refused("", `open(${JSON.stringify(file)}, 'w')`, "OSError")).outcome, file).toBe("passed");
    }
    expect(existsSync(outside)).toBe(false);
    expect((await judge("import os, tempfile", "open('note', 'w').write('x')", "tempfile.mkstemp()",
      "assert os.getcwd() == '/work' == os.environ['HOME']")).outcome).toBe("passed");
    expect((await judge("import os", "assert os.listdir('.') == ['program.py'], os.listdir('.')")).outcome).toBe("passed");
  });

  it("sees no file and no variable of ours", async () => {
    writeFileSync(path.join(folder, "secret"), "secret");
    process.env.OCTET_SECRET = "secret";
    for (const file of [path.join(folder, "secret"), path.join(homedir(), ".profile"), "/etc/passwd", "/etc/hostname", __filename]) {
      expect((await refused("", `open(${JSON.stringify(file)})`, "OSError")).outcome, file).toBe("passed");
    }
    expect((await judge("import os", "assert not os.path.exists('/home')", "assert 'OCTET_SECRET' not in os.environ")).outcome).toBe("passed");
    delete process.env.OCTET_SECRET;
  });

  it("leaves no daemon behind", async () => {
    const { outcome } = await judge(
      "import os, subprocess", "subprocess.Popen(['sleep', '86411'], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)");
    expect(outcome).toBe("passed");
    expect(withText("86411")).toEqual([]);
  });

  it("outlives a program that kills whatever it can", async () => {
    expect((await judge("import os, signal", "os.kill(os.getppid(), signal.SIGKILL)", "while True: pass")).outcome).not.toBe("passed");
    expect((await judge("import os, signal", "os.kill(-1, signal.SIGKILL)", "while True: pass")).outcome).not.toBe("passed");
    expect((await refused("import os", `os.kill(${process.pid}, 0)`, "OSError")).outcome).toBe("passed");
    expect((await judge("assert True")).outcome).toBe("passed");
  });

  it("gains no rights", async () => {
    expect((await refused("import os", "os.setuid(0) if os.getuid() else os.setuid(1)", "OSError")).outcome).toBe("passed");
    expect((await refused("import os", "os.chroot('.')", "OSError")).outcome).toBe("passed");
  });

  it("makes no namespaces, and takes no memory that its limits do not count", async () => {
    const call = (text: string): Promise<Verdict> =>
      judge("import ctypes", "libc = ctypes.CDLL(None, use_errno=True)", `assert ${text} == -1 and ctypes.get_errno() == 1`);
    expect(await call("libc.unshare(0x10000000)")).toEqual({ outcome: "passed", detail: "" });
    const clone = process.arch === "x64" ? 56 : 220;
    expect(await call(`libc.syscall(${clone}, 0x10000000 | 17, 0, 0, 0, 0)`)).toEqual({ outcome: "passed", detail: "" });
    expect(await call("libc.shmget(0, 4096, 0o1600)")).toEqual({ outcome: "passed", detail: "" });
    expect((await refused("import os", "os.memfd_create('hidden')", "PermissionError")).outcome).toBe("passed");
  });

  it("opens no socket that the network namespace does not hold", async () => {
    for (const family of ["AF_VSOCK", "AF_ALG", "AF_PACKET"]) {
      expect((await refused("import socket", `socket.socket(socket.${family}, socket.SOCK_STREAM)`, "PermissionError")).outcome).toBe("passed");
    }
    expect(await judge("import socket", "socket.socket(socket.AF_INET6)", "a, b = socket.socketpair()", "a.send(b'x')", "assert b.recv(1) == b'x'"))
      .toEqual({ outcome: "passed", detail: "" });
  });

  it("may still start threads and processes", async () => {
    expect(await judge("import subprocess, threading", "seen = []", "thread = threading.Thread(target=lambda: seen.append(1))",
      "thread.start(); thread.join()",
      "assert seen == [1] and subprocess.run(['true']).returncode == 0")).toEqual({ outcome: "passed", detail: "" });
  });

  it("ends with the process that started it, killed too", async () => {
    const mark = 2 ** 20 + process.pid;               // in the command line of what holds the program
    const room = { mountPoint: folder, ...systemFolders("/usr"), python: "/usr/bin/python3", limits: { ...defaultLimits, seconds: 600, folderBytes: mark } };
    const starter = `const [program, ...args] = ${JSON.stringify(jail.command(room))};
      require("node:child_process").spawn(program, args, { detached: true, stdio: ["pipe", "ignore", "ignore"] }).stdin.end("import time; time.sleep(600)");
      setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ["-e", starter], { stdio: "ignore" });
    const held = (): string[] => withText(String(mark)).filter((pid) => pid !== String(child.pid));
    await expect.poll(() => held().length, { timeout: 20_000 }).toBeGreaterThan(0);
    child.kill("SIGKILL");
    await expect.poll(held, { timeout: 10_000 }).toEqual([]);
    await expect.poll(() => withText("program.py"), { timeout: 10_000 }).toEqual([]); // what it held goes a moment later
  });

  it("ends at a cancellation", async () => {
    const cancel = new AbortController();
    const running = sandbox.judge("import time\ntime.sleep(1000)", cancel.signal);
    cancel.abort();
    await expect(running).rejects.toThrow(/abort/);
    expect(withText("program.py")).toEqual([]);
  });
});

describe("without a way to shut programs in", () => {
  const broken: Jail = { name: "bwrap", command: () => ["octet-no-such-program"] };
  /** Runs the program, but shuts nothing in. */
  const open: Jail = { name: "unshare", command: () => ["sh", "-c", "exec python3 -I -S -"] };

  it("refuses in one line that says why and what to do", async () => {
    await expect(openSandbox({ jails: [broken, open] }, never)).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/^Generated programs cannot be shut in on this machine \(bwrap: not installed; unshare: \S.*\)$/) as string,
      advice: expect.stringMatching(/^Install bubblewrap/) as string,
    });
  });
  it("refuses on other systems", async () => {
    await expect(openSandbox({ platform: "darwin" }, never)).rejects.toThrow("on Linux only");
    await expect(openSandbox({ platform: "win32", unsafe: true }, never)).rejects.toThrow("on Linux only");
  });
  it("leaves no folder behind", async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith("octet-eval-"));
    await openSandbox({ jails: [broken] }, never).catch(() => undefined);
    await (await openSandbox({ unsafe: true }, never)).close();
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith("octet-eval-"))).toEqual(before);
  });
  it("runs them with limits alone where that was asked for", async () => {
    const sandbox = await openSandbox({ unsafe: true, limits: { ...limits, seconds: 1 } }, never);
    expect(sandbox.name).toBe("none");
    const verdicts = await Promise.all(["assert True", "assert False", "while True: pass"].map((program) => sandbox.judge(program, never)));
    expect(verdicts.map(({ outcome }) => outcome)).toEqual(["passed", "failed", "timeout"]);
    await sandbox.close();
  });
});
