// One request decoded by the product's engine, and its figures as the BASS paper defines them.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "bench/pass_cost.h"
#include "engine/engine.h"

namespace octet::bench {

struct DecodeCase {
  int batch = 8;
  std::span<const Token> prompt;
  int tokens = 256;  ///< Of each lane.
  Sampling sampling;
  DraftLengthSpec draft_length;
};

/// Without a draft: draft's costs are zero.
struct PairCost {
  PassCost target, draft;
};

struct DecodeFigures {
  double ms_per_step = 0;
  double ms_per_token_first = 0, ms_per_token_last = 0, ms_per_token_all = 0;  ///< Of the first lane to end, the last, mean of all.
  double tokens_per_second = 0;             ///< All lanes.
  double tokens_per_step = 0;               ///< Of a lane.
  std::optional<double> acceptance;         ///< Accepted / drafted.
  double draft_length = 0;                  ///< Mean over steps of the longest of the step.
  double gb_per_s = 0;                      ///< What passes must move (PassCost::bytes), over the decoding's time.
  double flops = 0;                         ///< Operations a second of all rows drafted and verified for live lanes.
  double flops_of_written = 0;              ///< Of the target's rows whose tokens were written, alone.
  /// What the host asked of the device for a step (cuda::DeviceCalls), over the middle half of the steps, where lanes neither start nor
  /// end: launches outside graphs, graphs, waits. Nothing where there were too few steps.
  std::optional<double> launches_per_step, graphs_per_step, waits_per_step;
};

/// Decodes once, end tokens ignored. Throws std::runtime_error with the engine's words if it fails, Interrupted where a signal ends it.
DecodeFigures decode_once(Engine& engine, const DecodeCase& decode, const PairCost& cost);

/// The run whose ms per token over all lanes is in the middle. `runs` is not empty.
DecodeFigures middle_of(std::vector<DecodeFigures> runs);

/// How many times as fast the run is as regular decoding, by ms per token over all lanes.
double over_regular(const DecodeFigures& run, const DecodeFigures& regular);

/// The middle run of every policy, all taken in turn so that what slows the machine for a while slows them all; round 0 warms up and
/// is not counted. decode(policy, round) runs one.
std::vector<DecodeFigures> in_turn(std::size_t policies, int repeats, const std::function<DecodeFigures(std::size_t policy, int round)>& decode);

}  // namespace octet::bench
