// octet eval: what the models can do, measured on problems and held-out files.
import type { Command } from "commander";
import type { CliContext } from "../context";
import { addAcceptance } from "./acceptanceCommand";
import { addCursor } from "./cursorCommand";
import { addHumanEval } from "./humanevalCommand";
import { addInfill } from "./infillCommand";
import { addLoss } from "./lossCommand";

const help = `
Examples:
  octet eval humaneval --problems HumanEval.jsonl.gz --results humaneval.jsonl
  octet eval infill --files held-out/ --limit 200 --json infill.json
  octet eval cursor --files held-out/ --places 2
  octet eval acceptance --files held-out/ --temperatures 0,0.2,0.8 --batch 1,8
  octet eval loss --files held-out/`;

export function addEval(program: Command, run: (command: (context: CliContext) => Promise<number>) => Promise<void>): void {
  const command = program.command("eval").description("measure the models on problems and held-out files").addHelpText("after", help);
  addHumanEval(command, run);
  addInfill(command, run);
  addCursor(command, run);
  addAcceptance(command, run);
  addLoss(command, run);
}
