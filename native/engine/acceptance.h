// The accept test of speculative sampling (Leviathan et al. 2023; Chen et al. 2023), one token at a time.
// p: the target's warped distribution, q: the draft's, both from the same Sampling; q is the very one x was drawn from.
#pragma once

#include "engine/distribution.h"

namespace octet {

/// Keep x ~ q with probability min(1, p(x)/q(x)): true iff u * q(x) < p(x), u in [0, 1).
bool accepts(const Distribution& p, const Distribution& q, Token x, float u);

/// After a rejection: a draw from norm(max(p - q, 0)), inverse CDF in token order. Where rounding leaves no mass
/// (p equals q to the last bit), a draw from p.
Token draw_residual(const Distribution& p, const Distribution& q, float u);

}  // namespace octet
