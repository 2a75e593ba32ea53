// Products read nothing beyond their operands: these end where memory that may not be touched begins. On the host only; on a
// GPU compute-sanitizer says the same of every test.
#include <doctest/doctest.h>

#if !defined(OCTET_CUDA_GPU) && (defined(__unix__) || defined(__APPLE__))
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <span>

#include "runtimes/cuda/kernels/gemm.h"
#include "weight_file.h"

using namespace octet::cuda;
using namespace octet::cuda::testing;

namespace {

/// A copy of bytes (a multiple of 16) that ends at the end of a page, with a forbidden one behind it.
class Fenced {
 public:
  explicit Fenced(std::span<const std::byte> bytes) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE)), data = (bytes.size() + page - 1) / page * page;
    size_ = data + page;
    memory_ = static_cast<std::byte*>(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    REQUIRE(memory_ != MAP_FAILED);
    REQUIRE(mprotect(memory_ + data, page, PROT_NONE) == 0);
    start_ = memory_ + data - bytes.size();
    std::memcpy(start_, bytes.data(), bytes.size());
  }
  Fenced(const Fenced&) = delete;
  ~Fenced() { munmap(memory_, size_); }
  std::byte* data() const { return start_; }

 private:
  std::byte *memory_, *start_;
  std::size_t size_;
};

}  // namespace

TEST_CASE("cuda gemm: nothing beyond the operands is read") {
  const GemmWorkspace workspace(device_info());
  WeightFileMaker maker(7);
  for (const WeightFormat format : {WeightFormat::kBf16, WeightFormat::kQ8_0, WeightFormat::kQ4_K, WeightFormat::kQ6_K})
    for (const int n : {1, 13, 72, 150}) {
      CAPTURE(name_of(format));
      CAPTURE(n);
      const int rows = 35, columns = block_of(format) == 256 ? 256 : 320;
      const PackedMatrix packed = pack(format, rows, columns, maker.make(format, rows, columns).bytes);
      const std::vector<std::byte> bytes = packed.memory.download();
      const std::size_t units = packed.matrix.supers ? packed.matrix.supers - packed.matrix.units : bytes.size();
      const Fenced fenced_units(std::span<const std::byte>{bytes}.first(units)), fenced_supers(std::span<const std::byte>{bytes}.subspan(units));
      const std::vector<Bf16> ones(static_cast<std::size_t>(n) * columns, to_bf16(1));
      const Fenced x(std::as_bytes(std::span<const Bf16>{ones}));
      Matrix weights = packed.matrix;
      weights.units = fenced_units.data();
      if (weights.supers) weights.supers = fenced_supers.data();
      DeviceArray<float> y(static_cast<std::size_t>(n) * rows);
      Stream stream;
      gemm(stream, workspace, {.weights = weights, .x = x.data(), .n = n, .y = y.data(), .y_stride = rows});
      stream.synchronize();
      for (const float sum : y.download()) REQUIRE(std::isfinite(sum));
    }
}
#endif
