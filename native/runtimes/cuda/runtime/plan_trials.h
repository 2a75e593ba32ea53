// Which plan of a product to take, from trials on the device: a plan replaces the cost model's only where its results are right and it is
// faster by more than the noise. Knows nothing of devices: what it asks of one are two functions.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "runtimes/cuda/kernels/gemm_plan.h"

namespace octet::cuda {

enum class Finding {
  kRight,     ///< Its result agrees with that of the cost model's plan by mma.sync.
  kWrong,     ///< It does not.
  kFailed,    ///< It could not be launched.
  kHopeless,  ///< Right, and so much slower that it was not measured to the end.
};

struct PlanTrial {
  GemmPlan plan;
  Finding finding = Finding::kRight;
  double us = 0;  ///< Median microseconds of one product; 0: not measured.
};

struct ProductTrials {
  std::vector<PlanTrial> plans;  ///< The cost model's first.
  std::size_t chosen = 0;

  const GemmPlan& plan() const { return plans[chosen].plan; }
};

struct PlanTrialDevice {
  std::function<Finding(const GemmPlan&)> check;
  /// Microseconds of one product; nothing where it could not be launched.
  std::function<std::optional<double>(const GemmPlan&)> measure;
};

constexpr int kTrialRounds = 5;       ///< In which the plans take turns.
constexpr double kTrialNoise = 0.02;  ///< A plan is faster where its median is less by this share, and it was faster in all rounds but one.

/// `plans`: the cost model's first, which stays where none is right. Where it is wrong itself, the fastest of those that are right is chosen.
ProductTrials try_plans(const std::vector<GemmPlan>& plans, const PlanTrialDevice& device);

}  // namespace octet::cuda
