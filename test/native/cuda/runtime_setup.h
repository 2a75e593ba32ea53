// The CUDA runtime on tiny networks, and beside it what its tokens are held against: the engine's own acceptance on the host, over
// the same networks in plain loops (plain_model.h).
#pragma once

#include <memory>
#include <optional>
#include <set>

#include "engine/host_runtime.h"
#include "plain_model.h"
#include "runtimes/cuda/runtime/cuda_runtime.h"
#include "runtimes/vocabulary.h"
#include "tiny_network.h"

namespace octet::cuda::testing {

struct TinyPair {
  /// The draft's weights are the target's disturbed: 0 = it is always right, 0.3 = mostly, 3 = hardly ever.
  explicit TinyPair(float disturbance = 0.3f, unsigned seed = 1) : target(seed), draft(seed, disturbance, 0) {}
  TinyNetwork target, draft;
};

inline RuntimeOptions tiny_options() {
  return {.vocabulary = kTinyVocabulary, .lanes = 8, .context_tokens = 96, .cache_tokens = 512, .precision = Precision::kFloat32};
}

inline std::unique_ptr<Runtime> cuda_runtime(const TinyPair& pair, const RuntimeOptions& options = tiny_options(), bool with_draft = true) {
  return make_cuda_runtime(pair.target.network(), with_draft ? std::optional<Network>(pair.draft.network()) : std::nullopt, options);
}

inline std::unique_ptr<Runtime> host_runtime(const TinyPair& pair, bool with_draft = true) {
  const RuntimeInfo info{.name = "host", .device = "host", .max_lanes = 8, .context_tokens = 96,
                         .cache_tokens = PlainModel::kSequences * PlainModel::kSequenceCells, .vocabulary = kTinyVocabulary};
  return std::make_unique<HostRuntime>(info, std::make_unique<PlainModel>(pair.target),
                                       with_draft ? std::make_unique<PlainModel>(pair.draft) : nullptr);
}

/// Every token is a letter, but for "abc" and "bc"; some end a lane.
class TinyVocabulary final : public Vocabulary {
 public:
  std::set<Token> ends;

  int size() const override { return kTinyVocabulary; }
  std::vector<Token> tokenize(std::string_view, bool, bool) const override { return {}; }
  std::string_view bytes(Token token) const override {
    if (token == 62) return "abc";
    if (token == 63) return "bc";
    return std::string_view("abcdefghijklmnopqrstuvwxyz").substr(static_cast<std::size_t>(token % 26), 1);
  }
  bool is_end(Token token) const override { return ends.count(token) > 0; }
  const std::optional<FimTokens>& fim() const override { return fim_; }

 private:
  std::optional<FimTokens> fim_;
};

}  // namespace octet::cuda::testing
