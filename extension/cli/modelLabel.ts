// A model's name for people.
import path from "node:path";
import type { ModelInfo } from "../../protocol/worker";
import { oneLine } from "./sanitize";

/** Name and quantisation; the file's name where the file gives none. */
export function modelLabel(model: Pick<ModelInfo, "name" | "path" | "quantization">): string {
  const name = oneLine(model.name) || path.basename(oneLine(model.path), ".gguf");
  const quantization = oneLine(model.quantization);
  return name.toLowerCase().includes(quantization.toLowerCase()) ? name : `${name} ${quantization}`;
}
