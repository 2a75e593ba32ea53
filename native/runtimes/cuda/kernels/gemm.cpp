#include "runtimes/cuda/kernels/gemm.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include "runtimes/cuda/kernels/gemm_choices.h"
#include "runtimes/cuda/kernels/gemm_tile.h"

namespace octet::cuda {
namespace {

/// Blocks that one multiprocessor may hold and the floats of their partial sums, two tiles each, over all kernels.
struct Most {
  int blocks = 0, floats = 0;
};

constexpr Most most() {
  Most most;
  for (const int tiles : kGemmTiles) {
    most.blocks = std::max(most.blocks, resident_blocks(tiles));
    most.floats = std::max(most.floats, resident_blocks(tiles) * 2 * tile_floats(tiles));
  }
  return most;
}

void check(const Gemm& call) {
  const auto refuse = [](const std::string& what) { throw std::invalid_argument("gemm: " + what); };
  const bool heads = call.epilogue == Epilogue::kHeads;
  if (!call.weights.units || !call.x || (!heads && !call.y) || call.n < 1) refuse("an operand is missing");
  const bool halves = call.epilogue == Epilogue::kSwiGlu;
  if (halves && (call.weights.rows % 2 != 0 || call.bias)) refuse("SwiGLU takes an interleaved matrix and no bias");
  if (!heads && call.y_stride < (halves ? call.weights.rows / 2 : call.weights.rows)) refuse("rows of y overlap");
  if (reinterpret_cast<std::uintptr_t>(call.x) % 16 != 0 || call.x_stride % 8 != 0) refuse("x is not aligned");
  if (call.norm.squares && (call.n > kMostFoldedRows || call.weights.columns % kNormGroup != 0 || !is_norm_group(call.norm.group)))
    refuse("the norm of x cannot be folded in");
  if (call.next.weight && (call.epilogue != Epilogue::kAdd || call.weights.rows % kNormGroup != 0 || call.y_stride != call.weights.rows ||
                           !is_norm_group(call.next.group)))
    refuse("the norm of y cannot be folded in");
  const HeadsOutput& out = call.heads;
  if (heads && (!out.q || !out.keys || !out.values || !out.table.cell || (out.pairs.turned > 0 && !out.table.turns))) refuse("heads have nowhere to go");
  if (heads && (!out.shape.pairs_rows() || out.first_row % 16 != 0 || call.weights.rows % 16 != 0 || out.pairs.turned > out.shape.head_dim / 2 ||
                out.first_row + call.weights.rows > out.shape.rows()))
    refuse("these heads do not stand in pairs");
}

template <WeightFormat kFormat>
void multiply(Stream& stream, const Product& product) {
  if (!product.plan.wgmma) return multiply_tiles<kFormat>(stream, product);
#ifdef OCTET_WGMMA
  multiply_tiles_by_wgmma<kFormat>(stream, product);
#else
  throw std::invalid_argument("gemm: there is no code for warpgroups");
#endif
}

}  // namespace

bool has_wgmma([[maybe_unused]] const DeviceInfo& device) {
#ifdef OCTET_WGMMA  // cmake/cuda.cmake: the code is built
  return device.compute_capability == 90 || device.compute_capability == 0;  // 0: the host
#else
  return false;
#endif
}

bool wgmma_asked() {
  const char* const asked = std::getenv("OCTET_CUDA_WGMMA");
  return asked && std::string_view(asked) == "1";
}

bool wgmma_refused() {
  const char* const asked = std::getenv("OCTET_CUDA_WGMMA");
  return asked && std::string_view(asked) == "0";
}

GemmWorkspace::GemmWorkspace(const DeviceInfo& device, bool wgmma, const GemmChoices* choices)
    : PlanDevice(device, wgmma && has_wgmma(device)), choices_(choices),
      partial_sums_(static_cast<std::size_t>(most().floats) * device.multiprocessors),
      counters_(std::vector<int>(static_cast<std::size_t>(most().blocks) * device.multiprocessors)) {}

std::size_t GemmWorkspace::bytes(const DeviceInfo& device) {
  return static_cast<std::size_t>(device.multiprocessors) * (most().floats * sizeof(float) + most().blocks * sizeof(int));
}

bool takes_tensor_cores(const Matrix& weights) { return weights.format != WeightFormat::kF32 && weights.columns % 8 == 0; }

void gemm(Stream& stream, const GemmWorkspace& workspace, const Gemm& call) {
  check(call);
  const bool plainly = call.precision == Precision::kFloat32 || !takes_tensor_cores(call.weights);
  if (!plainly) return gemm_by(stream, workspace, call, plan_of(call, workspace));
  if (call.x_stride != 0 || call.norm.squares || call.next.weight || call.epilogue == Epilogue::kHeads)
    throw std::invalid_argument("gemm: only tensor cores do this");
  if (call.precision == Precision::kFloat32) multiply_plainly<float>(stream, call);
  else multiply_plainly<Bf16>(stream, call);
}

void gemm_by(Stream& stream, const GemmWorkspace& workspace, const Gemm& call, const GemmPlan& plan) {
  if (call.next.weight && !plan.writes_groups_of(call.next.group)) throw std::invalid_argument("gemm: the plan's tiles are no whole groups of the next norm");
  const Product product{.weights = call.weights, .x = static_cast<const Bf16*>(call.x), .x_stride = call.x_stride ? call.x_stride : call.weights.columns,
                        .n = call.n, .epilogue = call.epilogue, .bias = call.bias, .y = call.y, .y_stride = call.y_stride, .norm = call.norm,
                        .next = call.next, .heads = call.heads, .partial_sums = workspace.partial_sums(), .counters = workspace.counters(), .plan = plan};
  switch (call.weights.format) {
    case WeightFormat::kF32: break;
    case WeightFormat::kF16: return multiply<WeightFormat::kF16>(stream, product);
    case WeightFormat::kBf16: return multiply<WeightFormat::kBf16>(stream, product);
    case WeightFormat::kQ8_0: return multiply<WeightFormat::kQ8_0>(stream, product);
    case WeightFormat::kQ4_0: return multiply<WeightFormat::kQ4_0>(stream, product);
    case WeightFormat::kQ4_K: return multiply<WeightFormat::kQ4_K>(stream, product);
    case WeightFormat::kQ6_K: return multiply<WeightFormat::kQ6_K>(stream, product);
  }
  throw std::invalid_argument("gemm: tensor cores do not take this weight format");
}

std::size_t gemm_bytes(const Gemm& call) {
  const std::size_t element = call.precision == Precision::kFloat32 ? sizeof(float) : sizeof(Bf16);
  const auto n = static_cast<std::size_t>(call.n);
  const std::size_t w = file_row_bytes(call.weights.format, call.weights.columns) * call.weights.rows;
  const std::size_t squares = (call.norm.squares ? n * (call.weights.columns / call.norm.group) : 0) * sizeof(float);
  const std::size_t next = call.next.weight ? n * (call.weights.rows * element + call.weights.rows / call.next.group * sizeof(float)) : 0;
  const std::size_t x = n * call.weights.columns * element + squares + next;
  switch (call.epilogue) {
    case Epilogue::kStore: return w + x + n * call.weights.rows * sizeof(float);
    case Epilogue::kAdd: return w + x + 2 * n * call.weights.rows * sizeof(float);
    case Epilogue::kSwiGlu: return w + x + n * (call.weights.rows / 2) * element;
    case Epilogue::kHeads: return w + x + n * call.weights.rows * element;
  }
  return 0;
}

}  // namespace octet::cuda
