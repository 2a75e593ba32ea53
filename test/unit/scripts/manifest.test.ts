// The manifest: pinned versions, settings and commands that agree with the code, a lock file that names no host.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { sourcePackage } from "../../../scripts/lib/llama.mjs";

interface Setting {
  type: string;
  default: unknown;
  scope: string;
  markdownDescription: string;
}
interface Manifest {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  engines: { vscode: string };
  capabilities: { untrustedWorkspaces: { restrictedConfigurations: string[] } };
  contributes: {
    commands: { command: string }[];
    keybindings: { command?: string }[];
    menus: Record<string, { command?: string }[]>;
    configuration: { properties: Record<string, Setting> };
  };
}
interface Lock {
  packages: Record<string, { version?: string; resolved?: string }>;
}

const root = path.resolve(import.meta.dirname, "../../..");
const read = (file: string) => readFileSync(path.join(root, file), "utf8");
const manifest = JSON.parse(read("package.json")) as Manifest;
const lock = JSON.parse(read("package-lock.json")) as Lock;
const properties = manifest.contributes.configuration.properties;

describe("dependencies", () => {
  const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };

  it.each(Object.entries(all))("%s is pinned to %s, as in the lock file", (name, version) => {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(lock.packages[`node_modules/${name}`]?.version).toBe(version);
  });

  it("llama.cpp's libraries are of the release whose headers are used, for every platform", () => {
    expect(new Set(Object.values(manifest.optionalDependencies))).toEqual(new Set([sourcePackage.version]));
    expect(Object.keys(manifest.optionalDependencies)).toHaveLength(8); // six platforms, and Vulkan's backend for two
  });

  it("the lock file names no place to download from", () => {
    expect(Object.values(lock.packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
  });

  it("the types of VS Code's API are of the oldest version that is supported", () => {
    expect(manifest.engines.vscode).toBe(`^${manifest.devDependencies["@types/vscode"]}`);
  });
});

describe("settings", () => {
  it("are those that config.ts reads", () => {
    const names = [...read("extension/config.ts").matchAll(/settings\.get\("([\w.]+)"\)/g)].map((match) => `octet.${match[1]}`);
    expect(names.sort()).toEqual(Object.keys(properties).sort());
  });

  it.each(Object.entries(properties))("%s has a default of its type and a description", (name, setting) => {
    const type = setting.type === "integer" ? "number" : setting.type;
    expect(typeof setting.default).toBe(type);
    expect(setting.markdownDescription).toMatch(/\.$/);
    // Where files are written is no matter of a workspace at all.
    expect(setting.scope).toBe(name === "octet.modelsFolder" ? "machine" : "machine-overridable");
  });

  it("are listed in the README with their defaults", () => {
    const rows = read("README.md").split("\n").filter((line) => line.startsWith("| `octet."));
    const listed = rows.flatMap((row) => {
      const [, names = "", defaults = ""] = row.split("|");
      const values = defaults.split(",").map((value) => value.trim().replaceAll("`", ""));
      return names.split(",").map((name, at) => [name.trim().replaceAll("`", ""), values[at] ?? values[0] ?? ""]);
    });
    const inWords = (value: unknown) => {
      if (typeof value === "object" && value) return `all but ${Object.entries(value).flatMap(([name, on]) => (on ? [] : name)).join(" and ")}`;
      return value === "" ? "empty" : JSON.stringify(value).replaceAll('"', "");
    };
    expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(Object.entries(properties).map(([name, setting]) => [name, inWords(setting.default)])));
  });

  it("that a workspace must not set unasked are known settings", () => {
    const restricted = manifest.capabilities.untrustedWorkspaces.restrictedConfigurations;
    expect(restricted).toEqual(expect.arrayContaining(["octet.target", "octet.draft", "octet.device"]));
    expect(restricted.filter((name) => !(name in properties))).toEqual([]);
  });
});

describe("commands", () => {
  const code = readdirSync(path.join(root, "extension"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => read(path.join("extension", file)))
    .join("\n");
  const { commands, keybindings, menus } = manifest.contributes;

  it.each(commands)("$command is registered", ({ command }) => {
    expect(code).toMatch(new RegExp(`(registerCommand\\(|\\[|^\\s*)"${command}"[,:]`, "m"));
  });

  it("named by keys and menus are those of the manifest", () => {
    const known = new Set(commands.map(({ command }) => command));
    const named = [...keybindings, ...Object.values(menus).flat()].flatMap(({ command }) => command ?? []);
    expect(named.filter((command) => !known.has(command))).toEqual([]);
  });
});
