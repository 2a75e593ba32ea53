// Counter-based random numbers: a uniform is a function of (seed, stream, position, use) and of nothing else, so that
// host and device draw the same ones and no lane's numbers depend on its neighbours.
// Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once

#include <array>
#include <cstdint>

namespace octet {

/// What a uniform is for. Each use has numbers of its own, so that no draw is ever conditioned on another's number.
enum class Use : std::uint32_t {
  kDraft = 0,     ///< Drawing a token from the draft's distribution q.
  kAccept = 1,    ///< The accept test, u < p/q.
  kResidual = 2,  ///< Drawing from norm(max(p - q, 0)) after a rejection.
  kTarget = 3,    ///< Drawing from p: plain decoding, the bonus token, and what a draft that was given (LanePlan::draft) is compared with.
};

/// One Philox4x32-10 block. key: 2 words; counter: 4 words.
constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * counter[0], b = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

/// Uniform in [0, 1), a multiple of 2^-24. `position` is the index in the lane (prompt included) of the token being drawn.
constexpr float uniform(std::uint64_t seed, std::uint32_t stream, std::uint32_t position, Use use) {
  const auto words = philox({position, stream, static_cast<std::uint32_t>(use), 0},
                            {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  return static_cast<float>(words[0] >> 8) * 0x1p-24f;
}

}  // namespace octet
