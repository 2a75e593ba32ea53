// One product at a time tried on the device by several plans: whether a plan's result is right, and how long it takes among the weights
// of all layers. Activations and results lie in memory of its own, so that nothing else of a network is touched.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "runtimes/cuda/kernels/gemm.h"
#include "runtimes/cuda/runtime/plan_trials.h"

namespace octet::cuda {

/// What a chain of one product's launches should read at least, so that its time is many times the clock's step.
constexpr std::size_t kBytesOfTrial = std::size_t{256} << 20;
/// What is overwritten between two trials, so that no weights stay in a cache: twice the largest there is.
constexpr std::size_t kBytesBetweenTrials = std::size_t{128} << 20;

class ProductBench {
 public:
  /// `spare`: device memory that may be overwritten, best kBytesBetweenTrials of it; may be empty.
  ProductBench(Stream& stream, const GemmWorkspace& workspace, std::span<std::byte> spare) : stream_(stream), workspace_(workspace), spare_(spare) {}

  /// The product to try next: the same call with the weights of one layer after the other, as many as read kBytesOfTrial and a few at least.
  /// Of its operands only weights and biases are read. Throws std::runtime_error where there is no memory for the others.
  void take(std::span<const Gemm> of_layers);

  Finding check(const GemmPlan& plan);
  std::optional<double> measure(const GemmPlan& plan);

 private:
  /// One array of a product's results, in every copy of them.
  struct Output {
    std::size_t offset = 0;
    bool bf16 = false;
    int columns = 0;
  };
  enum Copy { kReference, kTried };
  Gemm with_operands(const Gemm& call, Copy copy) const;
  void run(const GemmPlan& plan, Copy copy);
  bool agrees(bool exactly);

  Stream& stream_;
  const GemmWorkspace& workspace_;
  std::span<std::byte> spare_;
  std::vector<Gemm> calls_;
  GemmPlan reference_;
  std::vector<Output> outputs_;  ///< y, or queries, keys and values; then what is left for the next norm.
  std::size_t result_bytes_ = 0;
  float typical_ = 0;  ///< Root mean square of the reference's first row.
  DeviceArray<std::uint16_t> x_;
  DeviceArray<float> squares_;
  DeviceArray<float> turns_;
  DeviceArray<int> cells_;
  DeviceArray<std::byte> results_[2];
  DeviceArray<int> apart_{1};
  std::vector<std::pair<GemmPlan, Graph>> graphs_;
  Event start_, end_;
};

/// Tries `plans`, the cost model's first.
ProductTrials try_on(ProductBench& bench, std::span<const Gemm> of_layers, const std::vector<GemmPlan>& plans);

}  // namespace octet::cuda
