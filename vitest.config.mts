// Suites: `unit` (pure modules, fast), `webview` (the views in Chromium, skipped where there is none) and `process` (real
// worker and command-line processes). The last two take one file at a time so that they do not starve each other on two cores.
import { defineConfig } from "vitest/config";

process.env["OCTET_SHIPPED_PAIR"] ??= "small"; // tests, and the processes they start, keep the small pair

export default defineConfig({
  test: {
    maxWorkers: 2,
    teardownTimeout: 20_000,
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "webview",
          include: ["test/webview/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      {
        test: {
          name: "process",
          include: ["test/worker/**/*.test.ts", "test/cli/**/*.test.ts"],
          fileParallelism: false,
          pool: "forks",
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/e2e/prepare.ts"],
          setupFiles: ["test/e2e/clean.ts"],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 400_000,
        },
      },
    ],
  },
});
