// How much of a prompt is computed at once.
#pragma once

#include <algorithm>

namespace octet {

constexpr int kSmallestPrefillChunk = 16, kLargestPrefillChunk = 2048;
constexpr double kPrefillChunkMs = 50;  ///< Aimed at: a cancellation is heard soon, other lanes go on, and little of a pass given up is lost.

/// The next chunk's tokens after one of `tokens` took `ms`. Other chunks round otherwise, so that a seed gives another text: they are
/// changed only where four times off the aim.
constexpr int next_prefill_chunk(int tokens, double ms) {
  constexpr double kFarOff = 4;
  if (ms > kPrefillChunkMs * kFarOff)
    for (; ms > kPrefillChunkMs && tokens > kSmallestPrefillChunk; ms /= 2) tokens /= 2;
  if (ms < kPrefillChunkMs / kFarOff) tokens = std::min(tokens * 4, kLargestPrefillChunk);
  return tokens;
}

}  // namespace octet
