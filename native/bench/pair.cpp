#include "bench/pair.h"

#include <cstdio>
#include <random>

#include "bench/chain.h"

namespace octet::bench {
namespace {

// Every token is the same four letters, about the length of a real one.
class PlainVocabulary final : public Vocabulary {
 public:
  explicit PlainVocabulary(int size) : size_(size) {}
  int size() const override { return size_; }
  std::vector<Token> tokenize(std::string_view, bool, bool) const override { return {}; }
  std::string_view bytes(Token) const override { return "word"; }
  bool is_end(Token) const override { return false; }
  const std::optional<FimTokens>& fim() const override { return fim_; }

 private:
  int size_;
  std::optional<FimTokens> fim_;
};

}  // namespace

SmallPair simulated_pair(double acceptance, const Sampling& sampling, const cuda::Architecture& target, const cuda::Architecture& draft,
    int prompt_tokens) {
  Chain chain = make_chain(acceptance, sampling, target.head_dim, draft.head_dim);
  char label[64];
  std::snprintf(label, sizeof label, "simulated %.3g per token", chain.acceptance);
  SmallPair pair{.target = std::move(chain.target), .draft = std::move(chain.draft),
                 .vocabulary = std::make_shared<PlainVocabulary>(kChainVocabulary), .acceptance = label};
  std::mt19937 random(1);
  for (int i = 0; i < prompt_tokens; ++i) pair.prompt.push_back(static_cast<Token>(random() % kChainVocabulary));
  return pair;
}

}  // namespace octet::bench
