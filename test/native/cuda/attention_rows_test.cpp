// Attention over shared prompts and ragged tails against a double-precision reference, with NaN in every cell that a row must
// not see.
#include <doctest/doctest.h>

#include "any_device.h"
#include "cuda/attention_case.h"
#include "runtimes/cuda/kernels/attention_rows.h"

using namespace octet::cuda;
using namespace octet::cuda::testing;

namespace {

template <class T>
void check(const AttentionCase& a, Precision precision, double tolerance) {
  const AttentionData<T> data(a);
  const DeviceArray<T> out(data.size());
  Stream stream;
  attend_rows(stream, data.batch(), a.shape, data.q(), data.keys(), data.values(), precision, out.data());
  stream.synchronize();
  CHECK(data.difference(out.download()) <= tolerance);
}

const AttentionCase kRagged{{4, 2, 64}, 120,
                            {{3, {10, 20, 40}, {20, 21, 22}},    // past its prompt of 20
                             {0, {10, 20, 60}, {33, 34, -1}},    // the same prompt, a longer tail, one idle row
                             {-1, {0, 0, 0}, {5, 6, 7}},         // an idle lane
                             {7, {0, 0, 90}, {0, 1, 2}}}};       // no prompt: its first tokens
const AttentionCase kGroups{{7, 1, 128}, 64, {{1, {0, 1, 8}, {0}}, {2, {0, 1, 20}, {1}}, {4, {0, 1, 30}, {33}}}};

}  // namespace

TEST_CASE("cuda attention by rows: ragged lanes of several prompts, exact in float32") {
  check<float>(kRagged, Precision::kFloat32, 2e-6);
  check<float>(kGroups, Precision::kFloat32, 2e-6);
}

TEST_CASE("cuda attention by rows: in bf16 within its rounding") {
  check<Bf16>(kRagged, Precision::kBf16, 1.0 / 256);
  check<Bf16>(kGroups, Precision::kBf16, 1.0 / 256);
}

TEST_CASE("cuda attention by rows: the order of threads does not matter") {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const BlockOrder shuffled(seed);
    check<float>(kRagged, Precision::kFloat32, 2e-6);
  }
}
