// The device memory of steps as kernels see it. Strides are kMaxLanes or of the step's shape, whose graph runs alone.
#pragma once

#include "runtimes/cuda/kernels/step.h"
#include "runtimes/cuda/kernels/warp.h"

namespace octet::cuda {

/// A lane in the step under way, from begin_step on.
struct StepLane {
  int slot;     ///< -1: passed over.
  int length;   ///< Tokens before the step.
  int drafts;   ///< Tokens it drafts.
};

struct StepCounters {
  int number;        ///< Steps completed.
  int lanes_done;    ///< Of the accept under way.
  int bad_logits;    ///< Of the step under way.
};

/// A slice's sums for the draw from the target: probabilities in units of warped_row.cuh.
struct SliceMass {
  std::uint64_t residual, plain;
};

struct StepTables {
  int vocabulary, target_stride, draft_stride, tail_tokens, end_tokens;
  bool drafts_given;    ///< By the input, without a draft network: what is of one alone has no memory.
  StepInput* input;     ///< [kStepRing], pinned
  StepOutput* output;   ///< [kStepRing], pinned
  const Token* end_token;  ///< [end_tokens] ascending
  StepCounters* counters;
  LaneState* lane;      ///< [kMaxSlots]
  Warping* warping;     ///< [kMaxSlots]
  Place* place;         ///< [kMaxSlots]
  Token* tail;          ///< [kMaxSlots][tail_tokens] a lane's tokens from the prompt's last on
  StepLane* step;       ///< [kMaxLanes]

  int* verify_slot;        ///< [kMaxLanes]
  int* draft_slot;         ///< [kMaxLanes] -1 where the lane drafts nothing
  int* verify_token;       ///< [lanes][draft_length + 1]
  int* verify_position;    ///< likewise
  int* verify_which;       ///< likewise: the row's slot, or -1
  float* verify_uniform;   ///< likewise, where drafts are given, else null
  Token* verify_drawn;     ///< likewise: what plain decoding draws in the row's place
  int* first_token;        ///< [lanes][2] of the draft's pass 0
  int* first_position;     ///< likewise
  int* drafted;            ///< [kMaxDraftLength][kMaxLanes] token drawn in a pass, read by the next; or given
  int* draft_position;     ///< likewise: of the pass's row
  int* draft_which;        ///< likewise: the row's slot, or -1
  float* draft_uniform;    ///< likewise
  int* catch_up_slot;      ///< [kMaxLanes]
  int* catch_up_token;     ///< [lanes][rows]
  int* catch_up_position;  ///< likewise

  WarpedRow* q;            ///< [kMaxDraftLength][kMaxLanes]
  WarpedRow* p;            ///< [lanes][draft_length + 1]
  SliceMass* slice_mass;   ///< [lanes][slices]
  int* slices_done;        ///< [kMaxLanes] of the accept under way
  float* draft_logits;     ///< [passes][lanes][draft_stride]
  float* target_logits;    ///< [lanes][draft_length + 1][target_stride]
};

/// What StepMemory holds.
struct StepMemory::Body {
  StepLimits limits;
  PinnedArray<StepInput> input;
  PinnedArray<StepOutput> output;
  DeviceArray<std::byte> memory;
  StepTables tables;
  WarpScratch scratch;
};

}  // namespace octet::cuda
