// The catalogue: open pairs of code models that Octet offers to download. Both models of a pair come from one family, share
// their vocabulary and know the fill-in-the-middle tokens. Every file is pinned: revision, size and SHA-256.

/** Hyper-parameters that memory depends on, as the file's own header gives them. */
export interface Shape {
  layers: number;
  embedding: number;
  heads: number;
  kvHeads: number;
  keyLength: number;
  valueLength: number;
  feedForward: number;
  vocabulary: number;
  trainedContext: number;
}

export interface Licence {
  name: string;
  /** What the user must know before the download, and the same for a narrow place; absent where the licence allows any use. */
  caution?: string;
  brief?: string;
}

/** One GGUF file in a repository of Hugging Face. */
export interface ModelFile {
  /** OWNER/NAME. */
  repository: string;
  /** A commit, so that the file cannot change under the name. */
  revision: string;
  file: string;
  bytes: number;
  /** Of them the token embedding's where it is not the output matrix, too: llama.cpp keeps it in the machine's memory whatever the device. */
  hostBytes: number;
  /** Of them the output matrix's, be it the embedding or not. */
  outputBytes: number;
  /** Lower-case hex. */
  sha256: string;
  quantization: string;
  licence: Licence;
  shape: Shape;
}

export interface CataloguePair {
  /** What the command line calls it. */
  name: string;
  title: string;
  /** One short sentence: what it is good for. */
  about: string;
  /** Of the target. */
  parameters: number;
  /** The target is a base model: trained to fill in, not to chat. */
  base: boolean;
  target: ModelFile;
  draft: ModelFile;
}

const apache: Licence = { name: "Apache-2.0" };
const qwenResearch: Licence = { name: "Qwen Research Licence", caution: "for research and evaluation only, not for commercial use", brief: "non-commercial" };

const common = { keyLength: 128, valueLength: 128, trainedContext: 32_768, vocabulary: 151_936 };
const half: Shape = { ...common, layers: 24, embedding: 896, heads: 14, kvHeads: 2, keyLength: 64, valueLength: 64, feedForward: 4_864 };
const oneAndHalf: Shape = { ...common, layers: 28, embedding: 1_536, heads: 12, kvHeads: 2, feedForward: 8_960 };
const three: Shape = { ...common, layers: 36, embedding: 2_048, heads: 16, kvHeads: 2, feedForward: 11_008 };
const seven: Shape = { ...common, layers: 28, embedding: 3_584, heads: 28, kvHeads: 4, feedForward: 18_944, vocabulary: 152_064 };
const fourteen: Shape = { ...common, layers: 48, embedding: 5_120, heads: 40, kvHeads: 8, feedForward: 13_824, vocabulary: 152_064 };

/** Q4_K_M has its output matrix in Q6_K. */
const bytesPerWeight: Record<"Q8_0" | "Q4_K_M", number> = { Q8_0: 34 / 32, Q4_K_M: 210 / 256 };
const outputOf = (quantization: "Q8_0" | "Q4_K_M", { vocabulary, embedding }: Shape): number => vocabulary * embedding * bytesPerWeight[quantization];

/** Base models, quantised by the makers of llama.cpp. */
function baseFile(size: string, revision: string, [bytes, hostBytes]: [number, number], sha256: string, shape: Shape, licence = apache): ModelFile {
  const file = `qwen2.5-coder-${size.toLowerCase()}-q8_0.gguf`;
  const outputBytes = outputOf("Q8_0", shape);
  return { repository: `ggml-org/Qwen2.5-Coder-${size}-Q8_0-GGUF`, revision, file, bytes, hostBytes, outputBytes, sha256, quantization: "Q8_0", licence, shape };
}

/** Instruct models, as their own makers publish them. */
function instructFile(
  size: string, quantization: "Q8_0" | "Q4_K_M", revision: string, [bytes, hostBytes]: [number, number], sha256: string, shape: Shape, licence = apache,
): ModelFile {
  const file = `qwen2.5-coder-${size}-instruct-${quantization}.gguf`.toLowerCase();
  const outputBytes = outputOf(quantization, shape);
  return { repository: `Qwen/Qwen2.5-Coder-${size}-Instruct-GGUF`, revision, file, bytes, hostBytes, outputBytes, sha256, quantization, licence, shape };
}

const baseDraft = baseFile("0.5B", "5788aee90e725673490be18f553d234feaa8303d", [531_068_128, 0],
  "d0f8cd6c49bab52a0abdbe47948518b1f4d9b1a8a2a6825099cea31cea10ac56", half);
const instructDraft = instructFile("0.5B", "Q8_0", "ebb2015119c907b064c512bf053e945850b5875f", [675_710_848, 144_643_072],
  "e1a77721fa97d412f121878223eec81fb4ae6f271e18f922d746711f67b344d1", half);

const aboutBase = "Best for ghost text.";
const aboutInstruct = "Follows comments.";

export const catalogue: readonly CataloguePair[] = [
  {
    name: "qwen2.5-coder-1.5b", title: "Qwen2.5-Coder 1.5B", about: aboutBase, parameters: 1.54e9, base: true, draft: baseDraft,
    target: baseFile("1.5B", "8be1b8a895a84beea772817caaa71eba6b6e0d07", [1_646_573_056, 0],
      "29871c94d15727a6e243f79a37113d4ae625a6215b5e800bf41a23af2da32832", oneAndHalf),
  },
  {
    name: "qwen2.5-coder-3b", title: "Qwen2.5-Coder 3B", about: aboutBase, parameters: 3.09e9, base: true, draft: baseDraft,
    target: baseFile("3B", "9c1de162ae417c9c3aacde97c729c4128de047d8", [3_285_476_160, 0],
      "a522a906e299ed34db738b9626b2cd0da9e446c14674468a22fc2eae3dbd344d", three, qwenResearch),
  },
  {
    name: "qwen2.5-coder-7b", title: "Qwen2.5-Coder 7B", about: aboutBase, parameters: 7.62e9, base: true, draft: baseDraft,
    target: baseFile("7B", "bca77e0a8c88fc224882bcc404170c3ef17efacc", [8_098_525_600, 579_059_712],
      "0ef48dc94a3c551a6736ac2601de38413dc9aa9318534b16e8baee08290a4aaf", seven),
  },
  {
    name: "qwen2.5-coder-1.5b-instruct", title: "Qwen2.5-Coder 1.5B Instruct", about: aboutInstruct, parameters: 1.54e9, base: false, draft: instructDraft,
    target: instructFile("1.5B", "Q4_K_M", "f86cb2c1fa58255f8052cc32aeede1b7482d4361", [1_117_320_768, 131_272_704],
      "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046", oneAndHalf),
  },
  {
    name: "qwen2.5-coder-3b-instruct", title: "Qwen2.5-Coder 3B Instruct", about: aboutInstruct, parameters: 3.09e9, base: false, draft: instructDraft,
    target: instructFile("3B", "Q4_K_M", "f74adce6aa16316c625447af059dbebe4983757c", [2_104_932_800, 175_030_272],
      "724fb256bec1ff062b2f65e4569e871ad2e95ab2a3989723d1769c54294730b7", three, qwenResearch),
  },
  {
    name: "qwen2.5-coder-7b-instruct", title: "Qwen2.5-Coder 7B Instruct", about: aboutInstruct, parameters: 7.62e9, base: false, draft: instructDraft,
    target: instructFile("7B", "Q4_K_M", "13fb94bfda8c8cf22497dc57b78f391a9acb426a", [4_683_073_536, 306_561_024],
      "509287f78cb4d4cf6b3843734733b914b2c158e43e22a7f4bf5e963800894d3c", seven),
  },
  {
    name: "qwen2.5-coder-14b-instruct", title: "Qwen2.5-Coder 14B Instruct", about: aboutInstruct, parameters: 14.8e9, base: false, draft: instructDraft,
    target: instructFile("14B", "Q4_K_M", "d0a692ef765eefbf2fabb130b3cb2e8917e3d225", [8_988_110_272, 437_944_320],
      "c1e659736d89ac1065fb495330fb824d94001974a4bfa78e7270e43476a8d940", fourteen),
  },
];

export const filesOf = ({ target, draft }: CataloguePair): [ModelFile, ModelFile] => [target, draft];

export const bytesOf = (pair: CataloguePair): number => filesOf(pair).reduce((sum, { bytes }) => sum + bytes, 0);

/** The page that describes a file and shows its licence. */
export const pageOf = ({ repository }: ModelFile, endpoint: string): string => `${endpoint}/${repository}`;

/** "Apache-2.0", or what each of the two files is under where they differ. */
export function licenceLine({ target, draft }: CataloguePair): string {
  const text = ({ name, caution }: Licence): string => (caution ? `${name} (${caution})` : name);
  return target.licence.name === draft.licence.name ? text(target.licence) : `${text(target.licence)}; draft: ${text(draft.licence)}`;
}
