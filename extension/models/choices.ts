// What the user can choose between, as entries for a list: the starter pair, the catalogue with what fits, files of other tools.
import { bytesOf, catalogue, licenceLine } from "./catalogue";
import { fitBrief, fitSentence, machineWith, rank, type Fit, type Machine } from "./fit";
import { isSame, locate, type FoundFile, type LocatedPair } from "./found";
import type { Wanted } from "./need";
import { sameFile, type Pair } from "./pair";
import { formatBytes } from "./words";

export interface PairChoice {
  located: LocatedPair;
  /** null: the machine is not known. */
  fit: Fit | null;
  recommended: boolean;
  label: string;
  description: string;
  /** Short, and first what decides: VS Code's list is 600 pixels wide at most, less in a narrow window, and cuts what is longer. */
  detail: string;
}

/** The catalogue, best for this machine first. `current` and `device` are what the settings name; of a device that is not there, all that are. */
export async function pairChoices(
  machine: Machine | null, wanted: Wanted, folder: string, found: readonly FoundFile[], current: Pair, device = "auto",
): Promise<PairChoice[]> {
  const ranked = machine ? rank(catalogue, machineWith(device, machine) ?? machine, wanted) : catalogue.map((pair) => ({ pair, fit: null, recommended: false }));
  return Promise.all(ranked.map(async ({ pair, fit, recommended }) => {
    const located = await locate(pair, folder, found);
    return {
      located, fit, recommended,
      label: `$(${icon(located, fit)}) ${pair.title}`,
      description: [
        recommended ? "recommended" : "", stateOf(located, current), pair.target.licence.name, pair.target.licence.brief,
      ].filter(Boolean).join(" · "),
      detail: [fit ? fitBrief(fit) : "", pair.about].filter(Boolean).join(" "),
    };
  }));
}

function icon({ missingBytes }: LocatedPair, fit: Fit | null): string {
  if (missingBytes === 0) return "check";
  return fit?.where === "nowhere" ? "warning" : "cloud-download";
}

function stateOf({ pair, target, draft, missingBytes }: LocatedPair, current: Pair): string {
  if (target && sameFile(target.path, current.target)) return "in use";
  const sources = [...new Set([target, draft].flatMap((located) => located?.source ?? []))];
  if (missingBytes > 0) return missingBytes === bytesOf(pair) ? `${formatBytes(missingBytes)} to download` : `${formatBytes(missingBytes)} still to download`;
  return sources.length === 0 ? "downloaded" : `found, ${sources.join(" and ")}`;
}

/** Files of other tools that are no part of the catalogue, largest first. */
export function otherFiles(found: readonly FoundFile[]): FoundFile[] {
  const known = catalogue.flatMap(({ target, draft }) => [target, draft]);
  return found.filter((file) => !known.some((other) => isSame(file, other))).sort((a, b) => b.bytes - a.bytes);
}

/** A draft larger than this share of its target costs more than it saves. */
const MOST_DRAFT_SHARE = 1 / 3;
const MOST_DRAFTS = 12;

/** Files small enough to be a draft, smallest first; whether they share the target's vocabulary the worker must say. */
export function draftCandidates(target: { path: string; bytes: number }, files: readonly Pick<FoundFile, "path" | "name" | "source" | "bytes">[]) {
  return files
    .filter(({ path, bytes }) => bytes <= target.bytes * MOST_DRAFT_SHARE && !sameFile(path, target.path))
    .sort((a, b) => a.bytes - b.bytes)
    .slice(0, MOST_DRAFTS);
}

/** What the user must know before a download, one thing a line. */
export function downloadTerms({ pair, draft, missingBytes }: LocatedPair, fit: Fit | null, folder: string, endpoint: string): string {
  return [
    `${formatBytes(missingBytes)} from ${new URL(endpoint).host} to ${folder}.`,
    `Licence: ${licenceLine(pair)}.`,
    draft?.source ? `The draft is there already (${draft.source}).` : "",
    fit ? `The pair ${fitSentence(fit)}.` : "",
  ].filter(Boolean).join("\n");
}
