#include "bench/pass_products.h"

#include <algorithm>
#include <numeric>

#include "bench/expand.h"
#include "runtimes/cuda/runtime/network.h"

namespace octet::bench {
namespace {

using namespace cuda;

constexpr int kAnything = 0x3c;  // bytes: 0.011 everywhere, as bf16 and as float32

std::size_t elements(int rows, int columns) { return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns); }

template <class T>
void fill(Stream& stream, const DeviceArray<T>& array) {
  if (array.size() > 0) stream.fill(array.data(), kAnything, array.size() * sizeof(T));
}

}  // namespace

std::vector<PassProduct> products_of(const Architecture& a, WeightFormat format) {
  std::vector<PassProduct> products = {{"qkv", heads_of(a).rows(), a.width, Epilogue::kStore, FoldedNorm::kOfX},
                                       {"attention-out", a.width, a.heads * a.head_dim, Epilogue::kAdd, FoldedNorm::kOfY},
                                       {"gate-up", 2 * a.feed_forward, a.width, Epilogue::kSwiGlu, FoldedNorm::kOfX},
                                       {"down", a.width, a.feed_forward, Epilogue::kAdd, FoldedNorm::kOfY},
                                       {"output", a.vocabulary, a.width, Epilogue::kStore, FoldedNorm::kOfX}};
  const auto takes = [&](const PassProduct& product) {
    return takes_tensor_cores({.format = format_for(format, product.columns), .rows = product.rows, .columns = product.columns});
  };
  if (heads_of(a).pairs_rows() && takes(products.front())) products.front().epilogue = Epilogue::kHeads;
  if (a.width % kNormGroup != 0 || !std::all_of(products.begin(), products.end(), takes))
    for (PassProduct& product : products) product.norm = FoldedNorm::kNone;
  return products;
}

ProductOperands::ProductOperands(Stream& stream, const Architecture& shape, const PassProduct& product, int most_rows)
    : shape_(shape), product_(product), x_(elements(most_rows, product.columns) * sizeof(Bf16)) {
  if (product.epilogue == Epilogue::kHeads) {
    std::vector<int> cells(static_cast<std::size_t>(most_rows));
    std::iota(cells.begin(), cells.end(), 0);
    cells_ = DeviceArray<int>(cells);
    turns_ = DeviceArray<Turn>(elements(most_rows, pairs_of(shape).turned));
    q_ = DeviceArray<Bf16>(elements(most_rows, shape.heads * shape.head_dim));
    keys_ = DeviceArray<Bf16>(elements(most_rows, shape.kv_heads * shape.head_dim));
    values_ = DeviceArray<Bf16>(keys_.size());
  } else {
    y_ = DeviceArray<float>(elements(most_rows, product.rows));
    stream.fill(y_.data(), 0, y_.size() * sizeof(float));
  }
  if (product.norm != FoldedNorm::kNone) {
    const int folded = std::min(most_rows, kMostFoldedRows);
    squares_ = DeviceArray<float>(elements(folded, shape.width / norm_group(shape.width, 1)));
    if (product.norm == FoldedNorm::kOfY) {
      norm_weight_ = DeviceArray<float>(static_cast<std::size_t>(shape.width));
      normed_ = DeviceArray<Bf16>(elements(folded, shape.width));
    }
  }
  fill(stream, x_);
  fill(stream, turns_);
  fill(stream, squares_);
  fill(stream, norm_weight_);
}

HeadsOutput ProductOperands::heads() const {
  return {.shape = heads_of(shape_), .pairs = pairs_of(shape_), .table = {cells_.data(), turns_.data()}, .q = q_.data(), .keys = keys_.data(),
          .values = values_.data()};
}

Gemm ProductOperands::call(const Matrix& weights, int n) const {
  Gemm call{.weights = weights, .x = x_.data(), .n = n, .epilogue = product_.epilogue};
  if (product_.epilogue == Epilogue::kHeads) {
    call.heads = heads();
  } else {
    call.y = y_.data();
    call.y_stride = product_.epilogue == Epilogue::kSwiGlu ? product_.rows / 2 : product_.rows;
  }
  const int group = norm_group(shape_.width, n);
  switch (product_.norm_at(n)) {
    case FoldedNorm::kNone: break;
    case FoldedNorm::kOfX:
      call.norm = {.squares = squares_.data(), .stride = shape_.width / group, .group = group, .epsilon = shape_.norm_epsilon};
      break;
    case FoldedNorm::kOfY: call.next = {.weight = norm_weight_.data(), .h = normed_.data(), .squares = squares_.data(), .group = group}; break;
  }
  return call;
}

}  // namespace octet::bench
