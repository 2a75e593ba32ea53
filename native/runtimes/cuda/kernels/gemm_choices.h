// Plans of products that were measured on the device (runtime/tuning.h) and are taken instead of the cost model's.
//
// A plan depends on the rows of x by their number of n8 tiles alone, so that choices are kept for buckets of eight rows and serve every
// number of rows of theirs as they are.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <vector>

#include "runtimes/cuda/kernels/gemm.h"
#include "runtimes/cuda/kernels/gemm_plan.h"

namespace octet::cuda {

/// Rows of x that choices are made for: with more, as in prompts, the cost model's plan is taken.
constexpr int kMostTunedRows = kMostFoldedRows;

/// What of a product may decide which plan is fastest.
struct ProductKey {
  WeightFormat format = WeightFormat::kBf16;
  int rows = 0, columns = 0;
  Epilogue epilogue = Epilogue::kStore;
  bool normed = false;      ///< The norm of x is folded in.
  bool norms_next = false;  ///< That of y is.
  int bucket = 0;           ///< n8 tiles of x's rows: n / 8, rounded up.

  auto operator<=>(const ProductKey&) const = default;
};

ProductKey key_of(const Gemm& call);

/// "Q4_K 4096 14336 add norm next 72": the last number is the most rows of the bucket.
std::string name_of(const ProductKey& key);

/// All of a plan in words that no other plan of the same product has.
std::string name_of(const GemmPlan& plan);

/// Measured choices. Filled before the first product whose graph is recorded, and read from then on.
class GemmChoices {
 public:
  /// Null: none was made.
  const GemmPlan* find(const ProductKey& key) const;
  void set(const ProductKey& key, const GemmPlan& plan) { plans_[key] = plan; }
  const std::map<ProductKey, GemmPlan>& all() const { return plans_; }

 private:
  std::map<ProductKey, GemmPlan> plans_;
};

/// The measured choice where the workspace has one for such a product, else the cost model's plan.
GemmPlan plan_of(const Gemm& call, const GemmWorkspace& workspace);

/// The cost model's plan.
GemmPlan model_plan_of(const Gemm& call, const PlanDevice& device);

/// Plans worth measuring of a product, at most `most`: the cost model's own first, then those whose cost is within kCostsWorthTrying
/// times the least, cheapest first. `wgmma`: plans for warpgroups are among them whether or not the cost model may take them.
std::vector<GemmPlan> plans_worth_trying(const Gemm& call, const PlanDevice& device, bool wgmma, std::size_t most);

constexpr std::size_t kMostPlansTried = 10;  ///< Of a product.
constexpr double kCostsWorthTrying = 1.6;  ///< The model counts bytes and leaves out latency.

}  // namespace octet::cuda
