// From logits to the distribution tokens are drawn from, without sorting the vocabulary.
#pragma once

#include <span>
#include <vector>

#include "runtimes/runtime.h"

namespace octet {

/// A warped, normalised distribution in float32. Either dense (`ids` empty, probabilities[t] for token t) or sparse
/// (`ids` ascending, probabilities[i] for token ids[i], every other token 0).
struct Distribution {
  std::vector<Token> ids;
  std::vector<float> probabilities;

  bool dense() const { return ids.empty(); }
  float probability(Token token) const;

  /// Inverse-CDF draw in token order for a uniform u in [0, 1): the first token whose running sum exceeds u times the
  /// total. Never returns a token of probability 0.
  Token draw(float u) const;
};

/// Turns logits into distributions. Keeps scratch memory between calls; one per thread.
/// -inf logits are probability 0; NaN or +inf anywhere throws std::runtime_error ("the model returned NaN ..."), and so
/// does a row without any finite logit.
class Warper {
 public:
  /// temperature, top-k, top-p, min-p of `sampling`, in this order: top-p's mass is of what top-k left, and the ratio
  /// of min-p is to the most probable token. temperature 0: all mass on argmax. Ties are broken by the lower token id.
  /// Each truncation keeps at least one token; out-of-range values mean the nearest one in range.
  /// `logits`: [vocabulary], only the tokens both models know. Where `log_sum_exp` is given it receives
  /// log sum exp(logits) of the *unwarped* logits over `logits` (temperature 1, no truncation).
  void warp(std::span<const float> logits, const Sampling& sampling, Distribution& out, float* log_sum_exp = nullptr);

 private:
  /// A place in the order of all truncations: logit descending, token ascending.
  struct Place {
    float logit;
    Token token;
    bool precedes(float other_logit, Token other) const {
      return other_logit < logit || (other_logit == logit && other > token);
    }
  };
  Place find_max(std::span<const float> logits);
  std::span<const float> sample(std::span<const float> logits);
  void gather(std::span<const float> logits, float cutoff);
  void gather_most_probable(std::span<const float> logits, std::size_t count);
  void gather_mass(std::span<const float> logits, double mass, double total);
  double weigh();
  template <class WeightOf>
  Place place_of(double mass, WeightOf weight_of);
  void keep_until(Place last);

  std::vector<float> block_max_, sample_;
  // The candidates, by token ascending; weights are exp((logit - max) / temperature).
  std::vector<float> logits_, weights_;
  std::vector<Token> tokens_;
  std::size_t count_ = 0;
  std::vector<std::uint32_t> open_;  // candidates among which a boundary is sought, and their bins
  std::vector<std::uint8_t> bins_;
  float max_ = 0, scale_ = 1, cutoff_ = 0;
};

}  // namespace octet
