// Plain decoding of a known sequence, one row at a time on a cache of its own: what the engine's lanes are held to.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>

#include "collect.h"
#include "engine/host_runtime.h"
#include "llama_float_copy.h"

namespace octet::llama {

/// What a model says after each prefix of a sequence, for the tokens from `prompt` on.
struct Walked {
  Token best = 0;      ///< Its most probable token (the lowest of several).
  double gap = 0;      ///< By how much the best logit exceeds the actual token's.
  double margin = 0;   ///< By how much it exceeds the next best.
  double logprob = 0;  ///< Of the actual token.
};

inline std::vector<Walked> walk(LogitsModel& model, int vocabulary, const std::vector<Token>& prompt,
                                const std::vector<EmittedToken>& tokens) {
  std::vector<Token> all = prompt;
  for (const EmittedToken& token : tokens) all.push_back(token.token);
  std::vector<Walked> walked;
  model.truncate(0, 0);
  for (std::size_t i = 0; i + 1 < all.size(); ++i) {
    const Row row{0, all[i], static_cast<int>(i), i + 1 >= prompt.size()};
    model.decode(std::span(&row, 1));
    if (!row.wants_logits) continue;
    const auto logits = model.logits(0).first(static_cast<std::size_t>(vocabulary));
    const auto best = std::max_element(logits.begin(), logits.end());
    double sum = 0, next = -INFINITY;
    for (const float& logit : logits) {
      sum += std::exp(double{logit} - *best);
      if (&logit != &*best) next = std::max(next, double{logit});
    }
    const double actual = logits[static_cast<std::size_t>(all[i + 1])];
    walked.push_back({static_cast<Token>(best - logits.begin()), *best - actual, *best - next,
                      actual - *best - std::log(sum)});
  }
  return walked;
}

/// An engine on a pair; where none is given, on the starter pair, all in float32, on one thread.
struct LlamaEngine {
  std::shared_ptr<const Vocabulary> vocabulary;
  int shared_vocabulary = 0;
  std::unique_ptr<Engine> engine;

  explicit LlamaEngine(int lanes = 8, const std::string& draft = kDraftFile) : LlamaEngine(load_exactly(lanes, draft)) {}

  explicit LlamaEngine(LoadedPair pair) {
    vocabulary = pair.vocabulary;
    shared_vocabulary = pair.shared_vocabulary;
    const RuntimeInfo info{.name = "llama", .device = "CPU", .max_lanes = pair.lanes,
                           .context_tokens = pair.context_tokens, .cache_tokens = pair.cache_tokens,
                           .vocabulary = pair.shared_vocabulary, .has_draft = pair.draft != nullptr};
    auto runtime = std::make_unique<HostRuntime>(info, std::move(pair.target), std::move(pair.draft));
    engine = std::make_unique<Engine>(std::move(runtime), vocabulary);
  }

  static LoadedPair load_exactly(int lanes, const std::string& draft) {
    LoadOptions options = exact_options(float_copy(kTargetFile), float_copy(draft));
    options.lanes = lanes;
    return load_pair(options);
  }

  Request request(const char* text, const char* policy, float temperature, int lanes = 8, int tokens = 64) const {
    Request request;
    request.prompt = vocabulary->tokenize(text, true, false);
    request.lanes = lanes;
    request.max_new_tokens = tokens;
    request.sampling = {.temperature = temperature, .seed = 11};
    request.draft_length = DraftLengthSpec::parse(policy);
    request.ignore_end = true;
    return request;
  }
};

inline const char* const kPrompts[] = {
    "export function closestPair(points: Point[]): [Point, Point] | undefined {\n  let best: [Point, Point]",
    "import os\n\ndef read_lines(path):\n    \"\"\"Returns the lines of a file.\"\"\"\n    with open(path) as f:\n",
    "export class Queue<T> {\n  private items: T[] = [];\n\n  push(item: T): void {\n    this.items.push(item);\n"
    "  }\n\n",
    "class Matrix:\n    def __init__(self, rows, cols):\n        self.rows = rows\n        self.cols = cols\n\n"
    "    def ",
    "const add = (a: number, b: number) => a + b;\n\nfor (let i = 0; i < 10; i++) {\n",
    "def fibonacci(n):\n    if n < 2:\n        return n\n"};

}  // namespace octet::llama
