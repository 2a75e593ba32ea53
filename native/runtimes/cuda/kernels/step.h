// A step on the device, apart from its forward passes: what the passes read, drawing drafts, accepting, advancing. Everything a
// step depends on is data in device or pinned memory, so that one recorded graph serves every step of its shape:
//
//   begin_step
//   for pass 0 .. k - 1: the draft's pass over draft_batch(pass), its logits to draft_logits(pass), draw_drafts(pass)
//     (without a draft network none of these: drafts are in the step's input)
//   the target's pass over verify_batch, its logits to target_logits, accept_and_advance
//
// The order is the engine's own (engine/host_runtime.cpp), with the same random numbers, so that both write the same tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "runtimes/cuda/device/stream.h"
#include "runtimes/cuda/tables.h"
#include "runtimes/runtime.h"

namespace octet::cuda {

/// A lane on the device. The host writes it when it opens the lane; from then on only kernels do.
struct LaneState {
  Sampling sampling;
  std::uint32_t stream = 0;
  int prompt_length = 0;      ///< Tokens of the prompt that lie in shared cells: all but its last (Place::prompt_length).
  int length = 0;             ///< Tokens so far, prompt included.
  int room = 0;               ///< Tokens it may yet write.
  int draft_cached = 0;       ///< Tokens whose keys and values the draft's cache has, at most length - 1.
  bool ends_at_end = true;    ///< An end token ends it (LaneStart::ends_at_end).
  bool ended = false;         ///< It has ended, by an end token or for want of room: steps pass over it.
};

/// What the host asks of a step: written to pinned memory before the step's graph is launched.
struct StepInput {
  int slot[kMaxLanes];          ///< Of the i-th lane of the batch, or -1: none. Lanes of one prompt side by side.
  int draft_length[kMaxLanes];  ///< Wanted; the device may draft less (room, end, a draft that has not caught up).
  /// Without a draft network: the lane's draft_length tokens (LanePlan::draft). What is behind them is not read.
  Token draft[kMaxLanes][kMaxDraftLength];
};

/// What a step gave, in pinned memory: valid once the step's event has passed.
struct StepOutput {
  struct Lane {
    int drafted, accepted;
    int tokens;  ///< accepted + 1, or 0 where the lane had ended before. Tokens behind an end token are not listed.
    Token token[kMaxDraftLength + 1];
    float logprob[kMaxDraftLength + 1];
  };
  Lane lane[kMaxLanes];
  int bad_logits;  ///< Not 0: some row had a NaN, +inf, or no finite logit at all.
};

/// Steps under way at once, and so entries of the rings of inputs and outputs.
constexpr int kStepRing = 4;

struct StepShape {
  int lanes = 0;         ///< 1 to kMaxLanes.
  int draft_length = 0;  ///< 0 to kMaxDraftLength.
};

struct StepLimits {
  int lanes = 0;               ///< At most kMaxLanes.
  int draft_length = 0;        ///< The longest of any shape.
  int vocabulary = 0;          ///< Tokens both models know: what lies beyond in a row of logits is never looked at.
  int target_vocabulary = 0;   ///< Stride of the target's logits.
  int draft_vocabulary = 0;    ///< Stride of the draft's. 0: no draft network, drafts are given (StepInput::draft).
  int tail_tokens = 0;         ///< The longest tail of a lane: its tokens from the prompt's last on.
  int catch_up_rows = 0;       ///< Most rows a lane of catch_up_batch.
};

/// The memory of steps: state of lanes, batches, logits, rings.
class StepMemory {
 public:
  StepMemory(const StepLimits& limits, std::span<const Token> end_tokens, const DeviceInfo& device);
  ~StepMemory();
  StepMemory(StepMemory&&) noexcept;

  /// Device bytes it will take: for fitting a model into memory.
  static std::size_t bytes(const StepLimits& limits, const DeviceInfo& device);

  /// Ordered after the stream's work, and before what is put on it later: a lane's place, state and first token (the prompt's
  /// last). The host may go on at once.
  void open_lane(Stream& stream, int slot, const Place& place, const LaneState& state, Token last);
  /// The same for a prompt under way (slot kMaxSlots - 1), which only has a place.
  void set_place(Stream& stream, int slot, const Place& place);
  /// The draft's cache of this lane now holds `cached` tokens (its prompt's draft pass was put off and has been made).
  void set_draft_cached(Stream& stream, int slot, int cached);

  const Place* places() const;           ///< [kMaxSlots]
  StepInput& input(int ring) const;      ///< Pinned. Step number s (from 0) reads input(s % kStepRing).
  StepOutput& output(int ring) const;    ///< Pinned.

  // Those of a draft throw std::invalid_argument without a draft network.
  Batch draft_batch(const StepShape& shape, int pass) const;  ///< Two rows a lane in pass 0 (tokens n - 2 and n - 1), else one.
  Batch verify_batch(const StepShape& shape) const;           ///< draft_length + 1 rows a lane.
  Batch catch_up_batch(int lanes, int rows) const;
  float* draft_logits(const StepShape& shape, int pass) const;  ///< [lanes][draft_vocabulary]
  float* target_logits() const;                                 ///< [lanes * (draft_length + 1)][target_vocabulary]

  struct Body;
  Body& body() const { return *body_; }

 private:
  std::unique_ptr<Body> body_;
};

/// Fills pass 0's batch and the first rows of verify_batch from the lanes' states and the coming step's input.
void begin_step(Stream& stream, const StepMemory& memory, const StepShape& shape);

/// Draws token n + pass of every drafting lane from draft_logits(pass), by Use::kDraft, into the next batches.
void draw_drafts(Stream& stream, const StepMemory& memory, const StepShape& shape, int pass);

/// Accepts, draws residual or bonus tokens (where drafts are given, every row's as plain decoding would, which the draft must be), computes log-probabilities, moves the lanes on, writes the output and counts the step.
void accept_and_advance(Stream& stream, const StepMemory& memory, const StepShape& shape);

/// Fills catch_up_batch(lanes, rows) with tokens that the draft's cache lacks, up to the last two, of the coming step's lanes that
/// want to draft, and counts them as cached: the draft's pass over it follows. Done as often as the host knows to suffice.
void begin_catch_up(Stream& stream, const StepMemory& memory, int lanes, int rows);

}  // namespace octet::cuda
