// A block's way through the steps of a product (gemm_plan.h): whole tiles by rounds, then its share of the rest.
#pragma once

#include "runtimes/cuda/kernels/gemm_plan.h"

namespace octet::cuda {

/// One step of one output tile.
class Walk {
 public:
  OCTET_BOTH Walk(const GemmPlan& plan, int block) : rounds_left_(plan.rounds), tile_(block), step_(0), first_step_(0) {
    if (rounds_left_ == 0) enter_share(plan, block);
  }

  /// Steps in all.
  OCTET_BOTH static int length(const GemmPlan& plan, int block) {
    const int share = block < plan.sharers ? plan.share_begin(block + 1) - plan.share_begin(block) : 0;
    return plan.rounds * plan.steps + share;
  }

  /// To the next step. True where it is another tile's.
  OCTET_BOTH bool advance(const GemmPlan& plan, int block) {
    if (++step_ < plan.steps) return false;
    step_ = first_step_ = 0;
    if (rounds_left_ > 0) {
      tile_ += plan.blocks;
      if (--rounds_left_ == 0) enter_share(plan, block);
    } else {
      ++tile_;
    }
    return true;
  }

  OCTET_BOTH int tile() const { return tile_; }
  OCTET_BOTH int step() const { return step_; }
  /// The first step of this tile that the block takes.
  OCTET_BOTH int first_step() const { return first_step_; }

 private:
  OCTET_BOTH void enter_share(const GemmPlan& plan, int block) {
    if (block >= plan.sharers) return;
    const int begin = plan.share_begin(block);
    tile_ = plan.rounds * plan.blocks + begin / plan.steps;
    step_ = first_step_ = begin % plan.steps;
  }

  int rounds_left_, tile_, step_, first_step_;
};

}  // namespace octet::cuda
