// Which device a pair goes to, and what is said of a GPU that it does not go to.
#include <doctest/doctest.h>

#include "llama_fixture.h"
#include "runtimes/llama/placement.h"

using namespace octet;
using namespace octet::llama;

namespace {

constexpr std::uint64_t kGib = std::uint64_t{1} << 30;

Device device(const std::string& kind, std::uint64_t free) {
  return {.name = kind, .description = "the " + kind, .kind = kind, .memory_bytes = 2 * free, .free_memory_bytes = free};
}

/// A model of the shape of Qwen2.5-Coder-7B in Q8_0.
Footprint seven_billion() { return {dense_shape(28, 3584, 28, 4, 18944), 8 * kGib}; }

Placement placed(const std::vector<Device>& devices) { return place({}, seven_billion(), nullptr, devices); }

}  // namespace

TEST_CASE("placement: the first device that holds every lane") {
  CHECK(placed({device("gpu", 24 * kGib), device("cpu", 64 * kGib)}).device == 0);
  CHECK(placed({device("gpu", 4 * kGib), device("gpu", 24 * kGib), device("cpu", 64 * kGib)}).device == 1);
  CHECK(placed({device("gpu", 4 * kGib), device("integratedGpu", 64 * kGib), device("cpu", 64 * kGib)}).device == 1);
  for (const auto& devices : {std::vector{device("gpu", 24 * kGib), device("cpu", 64 * kGib)},
                              std::vector{device("gpu", 4 * kGib), device("integratedGpu", 64 * kGib), device("cpu", 64 * kGib)},
                              std::vector{device("cpu", 64 * kGib)}}) {
    CHECK(placed(devices).fit.notices.empty());
  }
}

TEST_CASE("placement: whoever has a GPU is told why the processor is used") {
  LoadOptions least;
  least.context_tokens = 1024;
  const std::uint64_t wanted = fit_to_memory(least, seven_billion(), nullptr, 64 * kGib).memory.total;
  for (const std::uint64_t free : {std::uint64_t{0}, 4 * kGib, wanted}) {
    CAPTURE(free);
    const Placement here = placed({device("gpu", free), device("cpu", 64 * kGib)});
    CHECK(here.device == 1);
    REQUIRE(here.fit.notices.size() == 1);
    const std::string& notice = here.fit.notices[0];
    CHECK(notice.find("The processor is used: the gpu has ") == 0);
    CHECK(notice.find("the models want " + readable(wanted)) != std::string::npos);
  }
  const std::uint64_t enough = wanted + 512 * (kGib >> 10);  // half a gigabyte is left to others
  CHECK(placed({device("gpu", enough), device("cpu", 64 * kGib)}).device == 0);
}

TEST_CASE("placement: the last that holds it at all, where none holds every lane; else the reason") {
  const Placement few = placed({device("gpu", 9 * kGib), device("cpu", 9 * kGib)});
  CHECK(few.device == 1);
  CHECK(few.fit.lanes < 8);
  CHECK(placed({device("gpu", 9 * kGib), device("cpu", 4 * kGib)}).device == 0);
  try {
    placed({device("gpu", 4 * kGib), device("cpu", 4 * kGib)});
    FAIL("placed");
  } catch (const Error& error) {
    CHECK(error.code == ErrorCode::kOutOfMemory);
  }
}
