// Lint: TypeScript's recommended rules with types, and the direction of imports between the folders.
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";
import { layersRule } from "./scripts/lint/layers.mjs";

export default defineConfig(
  { ignores: ["dist/", "build/", ".cache/", "node_modules/", "coverage/", "examples/"] },
  {
    files: ["**/*.ts", "**/*.mts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { octet: { rules: { layers: layersRule } } },
    rules: {
      "octet/layers": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/require-await": "off",
    },
  },
);
