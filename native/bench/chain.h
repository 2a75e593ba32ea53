// A pair of small networks whose acceptance is known: what stands in for real models where none are at hand. Its text means nothing.
//
// Each of the two gives the same distribution after any tokens: uniform over a set of tokens, the target over kChainChoices tokens from
// 0 on, the draft over as many from `shift` on. After top-k and top-p, which keep the lowest tokens of equals, each is uniform over its
// first n, and a drafted token is accepted with the chance sum min(p, q) = (n - shift) / n, whatever came before. Expanded to a large
// shape (expand.h) it costs what that shape costs: nothing in the runtime knows of it.
#pragma once

#include "bench/small_network.h"
#include "runtimes/runtime.h"

namespace octet::bench {

constexpr int kChainChoices = 250, kChainVocabulary = 512;

struct Chain {
  SmallNetwork target, draft;
  double acceptance = 0;  ///< Chance that a drafted token is accepted; as near to the one asked for as n allows.
};

/// `head_dim`: the heads' of both shapes it will be expanded to. Throws std::invalid_argument at temperature 0, where a token is
/// always or never accepted.
Chain make_chain(double acceptance, const Sampling& sampling, int target_head_dim, int draft_head_dim);

}  // namespace octet::bench
