// A thread a column, so that a warp's reads lie side by side. Bounded by the bytes read.
#include "runtimes/cuda/device/intrinsics.h"
#include "runtimes/cuda/device/launch.h"
#include "runtimes/cuda/device/types.h"
#include "runtimes/cuda/kernels/compare.h"

namespace octet::cuda {
namespace {

constexpr int kThreads = 128;

template <class Element>
OCTET_KERNEL compare_columns(const Element* a, const Element* b, int rows, int columns, float relative, float floor, int* apart) {
  const int column = block_x() * kThreads + thread_x();
  if (column >= columns) return;
  float most = floor, difference = 0;
  bool numbers = true;
  for (int row = 0; row < rows; ++row) {
    const auto at = static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(column);
    const float x = to_float(a[at]), y = to_float(b[at]), d = x < y ? y - x : x - y, size = x < 0 ? -x : x;
    numbers = numbers && d - d == 0;  // neither NaN nor infinite
    difference = d > difference ? d : difference;
    most = size > most ? size : most;
  }
  if (!numbers || difference > relative * most) atomic_add(apart, 1);
}

}  // namespace

void count_apart(Stream& stream, const Comparison& c, int* apart) {
  const Shape shape{.grid = {(c.columns + kThreads - 1) / kThreads}, .threads = kThreads};
  if (c.bf16)
    launch(stream, shape, compare_columns<Bf16>, static_cast<const Bf16*>(c.a), static_cast<const Bf16*>(c.b), c.rows, c.columns, c.relative, c.floor, apart);
  else
    launch(stream, shape, compare_columns<float>, static_cast<const float*>(c.a), static_cast<const float*>(c.b), c.rows, c.columns, c.relative, c.floor, apart);
}

}  // namespace octet::cuda
