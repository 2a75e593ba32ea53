#include "runtimes/cuda/runtime/product_bench.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "runtimes/cuda/kernels/compare.h"
#include "runtimes/cuda/kernels/gemm_choices.h"
#include "runtimes/cuda/kernels/gemm_tile.h"
#include "runtimes/cuda/runtime/record_graph.h"

namespace octet::cuda {
namespace {

constexpr std::size_t kLeastLaunches = 3;  // of a trial, so that one starts behind another
constexpr int kStale = 0x3c;               // bytes of results before a product: 0.011 everywhere
// Rounding. Sums of `columns` products of bf16 in float32: each addition is off by up to 2^-24 of a partial sum (tensor cores cut off where they
// align, some bits above), and partial sums are of the size of the result's spread over rows. A bf16 result is off by a last place.
constexpr float kSumRounding = 2e-5f, kBf16Rounding = 0x1p-7f;

float relative_of(int columns, bool bf16) { return kSumRounding * std::sqrt(static_cast<float>(columns)) + (bf16 ? kBf16Rounding : 0.0f); }

// Pseudo-random numbers, uniform in [-1, 1) (xorshift, Marsaglia, 2003).
class Uniform {
 public:
  float operator()() {
    state_ ^= state_ << 13, state_ ^= state_ >> 17, state_ ^= state_ << 5;
    return static_cast<float>(state_ >> 8) * 0x1p-23f - 1.0f;
  }

 private:
  std::uint32_t state_ = 2463534242u;
};

// Grown where it is too small. What it held is gone.
template <class T, class Make>
void hold(DeviceArray<T>& array, std::size_t size, Make&& make) {
  if (array.size() >= size) return;
  array = {};
  std::vector<T> values(size);
  for (T& value : values) value = make();
  array = DeviceArray<T>(values);
}

}  // namespace

void ProductBench::take(std::span<const Gemm> of_layers) {
  calls_.clear();
  graphs_.clear();
  outputs_.clear();
  const Gemm& call = of_layers.front();
  const std::size_t bytes = gemm_bytes(call);
  const std::size_t launches = std::max(kLeastLaunches, (kBytesOfTrial + bytes - 1) / bytes);
  // At least kLeastLaunches, if need be of the same weights again; else no layer twice.
  for (std::size_t i = 0; i < std::max(kLeastLaunches, std::min(launches, of_layers.size())); ++i) {
    calls_.push_back(of_layers[i % of_layers.size()]);
    calls_.back().x_stride = 0;
  }
  const Matrix& w = call.weights;
  const auto n = static_cast<std::size_t>(call.n);
  Uniform uniform;
  hold(x_, n * static_cast<std::size_t>(w.columns), [&] { return to_bf16(uniform()).bits; });
  hold(squares_, n * static_cast<std::size_t>(w.columns / call.norm.group + 1), [&] { return 20 + 10 * uniform(); });
  hold(turns_, 2 * n * static_cast<std::size_t>(call.heads.pairs.turned), uniform);
  int cell = 0;
  hold(cells_, n, [&] { return cell++; });

  std::size_t end = 0;
  const auto add = [&](bool bf16, int columns) {
    outputs_.push_back({end, bf16, columns});
    end += (n * static_cast<std::size_t>(columns) * (bf16 ? 2 : 4) + 255) / 256 * 256;
  };
  if (call.epilogue == Epilogue::kHeads) {
    const HeadShape& heads = call.heads.shape;
    for (const int count : {heads.heads, heads.kv_heads, heads.kv_heads}) add(true, count * heads.head_dim);
  } else {
    add(call.epilogue == Epilogue::kSwiGlu, call.epilogue == Epilogue::kSwiGlu ? w.rows / 2 : w.rows);
  }
  if (call.next.weight) add(true, w.rows), add(false, w.rows / call.next.group);
  result_bytes_ = end;
  for (DeviceArray<std::byte>& results : results_) {
    if (results.size() >= end) continue;
    results = {};
    results = DeviceArray<std::byte>(end);
  }

  reference_ = model_plan_of(call, workspace_.with_wgmma(false));
  run(reference_, kReference);
  stream_.synchronize();
  std::vector<float> row;
  const Output& first = outputs_.front();
  const auto columns = static_cast<std::size_t>(first.columns);
  if (first.bf16) {
    std::vector<Bf16> bits(columns);
    detail::download(bits.data(), results_[kReference].data() + first.offset, columns * sizeof(Bf16));
    for (const Bf16 value : bits) row.push_back(to_float(value));
  } else {
    row.resize(columns);
    detail::download(row.data(), results_[kReference].data() + first.offset, columns * sizeof(float));
  }
  double squares = 0;
  for (const float value : row) squares += static_cast<double>(value) * value;
  typical_ = static_cast<float>(std::sqrt(squares / static_cast<double>(columns)));
}

Gemm ProductBench::with_operands(const Gemm& call, Copy copy) const {
  Gemm given = call;
  std::byte* const results = results_[copy].data();
  std::size_t next = 0;
  const auto output = [&] { return results + outputs_[next++].offset; };
  given.x = x_.data();
  if (given.norm.squares) {
    given.norm.squares = squares_.data();
    given.norm.stride = call.weights.columns / call.norm.group;
  }
  if (given.epilogue == Epilogue::kHeads) {
    given.heads.table = {const_cast<int*>(cells_.data()), reinterpret_cast<Turn*>(turns_.data())};
    given.heads.q = reinterpret_cast<Bf16*>(output());
    given.heads.keys = reinterpret_cast<Bf16*>(output());
    given.heads.values = reinterpret_cast<Bf16*>(output());
  } else {
    given.y_stride = outputs_.front().columns;
    given.y = output();
  }
  if (given.next.weight) {
    given.next.h = reinterpret_cast<Bf16*>(output());
    given.next.squares = reinterpret_cast<float*>(output());
  }
  return given;
}

void ProductBench::run(const GemmPlan& plan, Copy copy) {
  stream_.fill(results_[copy].data(), kStale, result_bytes_);
  gemm_by(stream_, workspace_, with_operands(calls_.front(), copy), plan);
}

bool ProductBench::agrees(bool exactly) {
  stream_.fill(apart_.data(), 0, sizeof(int));
  for (const Output& output : outputs_)
    count_apart(stream_,
                {.a = results_[kReference].data() + output.offset, .b = results_[kTried].data() + output.offset, .bf16 = output.bf16, .rows = calls_.front().n,
                 .columns = output.columns, .relative = exactly ? 0 : relative_of(calls_.front().weights.columns, output.bf16), .floor = typical_},
                apart_.data());
  stream_.synchronize();
  return apart_.download().front() == 0;
}

// Twice: what goes wrong at times, or leaves counters behind, is wrong the second time. The reference's own bits are to come again.
Finding ProductBench::check(const GemmPlan& plan) {
  try {
    for (int turn = 0; turn < 2; ++turn) {
      run(plan, kTried);
      stream_.synchronize();
      if (!agrees(plan == reference_)) return Finding::kWrong;
    }
    return Finding::kRight;
  } catch (const std::exception&) {
    stream_.synchronize();  // throws where the device is lost
    return Finding::kFailed;
  }
}

std::optional<double> ProductBench::measure(const GemmPlan& plan) {
  try {
    auto found = std::find_if(graphs_.begin(), graphs_.end(), [&](const auto& each) { return each.first == plan; });
    if (found == graphs_.end()) {
      graphs_.emplace_back(plan, record_graph(stream_, [&] {
        for (const Gemm& call : calls_) gemm_by(stream_, workspace_, with_operands(call, kTried), plan);
      }));
      found = graphs_.end() - 1;
      stream_.launch(found->second);
    }
    if (!spare_.empty()) stream_.fill(spare_.data(), 0, std::min(spare_.size(), kBytesBetweenTrials));
    stream_.record(start_);
    stream_.launch(found->second);
    stream_.record(end_);
    end_.wait();
    return end_.ms_since(start_) * 1e3 / static_cast<double>(calls_.size());
  } catch (const std::exception&) {
    stream_.synchronize();
    return std::nullopt;
  }
}

ProductTrials try_on(ProductBench& bench, std::span<const Gemm> of_layers, const std::vector<GemmPlan>& plans) {
  bench.take(of_layers);
  return try_plans(plans, {[&](const GemmPlan& plan) { return bench.check(plan); }, [&](const GemmPlan& plan) { return bench.measure(plan); }});
}

}  // namespace octet::cuda
