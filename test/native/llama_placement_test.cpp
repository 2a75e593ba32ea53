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

constexpr std::uint64_t kMachine = 64 * kGib;

Placement placed(const std::vector<Device>& devices) { return place({}, seven_billion(), nullptr, devices, kMachine); }

/// What it takes with so many lanes of 1024 tokens, and what must be free for that: a twentieth is left to others.
std::uint64_t bytes_of(int lanes, MemoryKind memory) {
  LoadOptions options;
  options.lanes = lanes;
  options.context_tokens = 1024;
  return fit_to_memory(options, seven_billion(), nullptr, memory, 64 * kGib).memory.total;
}

std::uint64_t free_for(int lanes, MemoryKind memory) { return bytes_of(lanes, memory) / 19 * 20 + 1000; }

}  // namespace

TEST_CASE("placement: the first device that holds every lane") {
  CHECK(placed({device("gpu", 24 * kGib), device("cpu", 64 * kGib)}).device == 0);
  CHECK(placed({device("gpu", 4 * kGib), device("gpu", 24 * kGib), device("cpu", 64 * kGib)}).device == 1);
  CHECK(placed({device("gpu", 12 * kGib), device("gpu", 24 * kGib), device("cpu", 64 * kGib)}).device == 0);
  CHECK(placed({device("gpu", 4 * kGib), device("integratedGpu", 64 * kGib), device("cpu", 64 * kGib)}).device == 1);
  for (const auto& devices : {std::vector{device("gpu", 24 * kGib), device("cpu", 64 * kGib)},
                              std::vector{device("gpu", 4 * kGib), device("integratedGpu", 64 * kGib), device("cpu", 64 * kGib)},
                              std::vector{device("cpu", 64 * kGib)}}) {
    const Placement here = placed(devices);
    CHECK(here.notices.empty());
    CHECK(here.fit.notices.empty());
  }
}

TEST_CASE("placement: a GPU that holds two lanes is better than the processor with all of them, and what it lacks is said") {
  const std::uint64_t two = free_for(2, MemoryKind::kGpu);
  for (const auto& others : {std::vector{device("cpu", 64 * kGib)}, std::vector{device("integratedGpu", 64 * kGib), device("cpu", 64 * kGib)}}) {
    std::vector<Device> devices{device("gpu", two)};
    devices.insert(devices.end(), others.begin(), others.end());
    const Placement here = placed(devices);
    CHECK(here.device == 0);
    CHECK(here.fit.lanes == 2);
    CHECK(here.fit.context_tokens == 1024);
    CHECK(here.notices.empty());
    REQUIRE(here.fit.notices.size() == 2);
    CHECK(here.fit.notices[0].find("The context is 1024 tokens instead of 8192: that is what fits into ") == 0);
    CHECK(here.fit.notices[1].find("2 lanes instead of 8: that is what fits into ") == 0);
    devices[0] = device("gpu", two - kGib / 16);
    CHECK(placed(devices).device == 1);
  }
  // Of two GPUs the one with more lanes; one that holds them all is better than one before it that does not.
  const Device small = device("gpu", two), larger = device("gpu", two + kGib / 8), large = device("gpu", 24 * kGib), cpu = device("cpu", 64 * kGib);
  CHECK(placed({small, larger, cpu}).device == 1);
  CHECK(placed({larger, small, cpu}).device == 0);
  CHECK(placed({larger, large, cpu}).device == 1);
  // Where but one lane is asked for, one is enough.
  LoadOptions one;
  one.lanes = 1;
  CHECK(place(one, seven_billion(), nullptr, std::vector{device("gpu", free_for(1, MemoryKind::kGpu)), cpu}, kMachine).device == 0);
}

TEST_CASE("placement: spare lanes decide nothing") {
  LoadOptions options;
  options.spare_lanes = 8;
  const auto placed_roomy = [&](std::uint64_t free) { return place(options, seven_billion(), nullptr, std::vector{device("gpu", free), device("cpu", 64 * kGib)}, kMachine); };
  CHECK(placed_roomy(24 * kGib).fit.spare_lanes == 8);
  for (const int lanes : {8, 2}) {
    const Placement tight = placed_roomy(free_for(lanes, MemoryKind::kGpu));
    CHECK(tight.device == 0);
    CHECK(tight.fit.lanes == lanes);
    CHECK(tight.fit.spare_lanes == 0);
  }
  const Placement passed_over = placed_roomy(4 * kGib);
  CHECK(passed_over.device == 1);
  CHECK(passed_over.fit.spare_lanes == 8);
  CHECK(passed_over.fit.notices.empty());
  REQUIRE(passed_over.notices.size() == 1);
  CHECK(passed_over.notices[0].find("the models want " + readable(bytes_of(2, MemoryKind::kGpu)) + ".") != std::string::npos);
}

TEST_CASE("placement: a GPU in the machine's memory takes no lanes from the processor") {
  const std::uint64_t all = free_for(8, MemoryKind::kShared);
  CHECK(placed({device("integratedGpu", all), device("cpu", 64 * kGib)}).device == 0);
  const Placement here = placed({device("integratedGpu", all - kGib / 16), device("cpu", 64 * kGib)});
  CHECK(here.device == 1);
  CHECK(here.fit.notices.empty());
  REQUIRE(here.notices.size() == 1);
  CHECK(here.notices[0].find("End what else uses it, ask for fewer completions, or choose a smaller pair.") != std::string::npos);
}

TEST_CASE("placement: whoever has a GPU is told why the processor is used") {
  const std::uint64_t wanted = bytes_of(2, MemoryKind::kGpu);
  for (const std::uint64_t free : {std::uint64_t{0}, 4 * kGib, wanted}) {
    CAPTURE(free);
    const Placement here = placed({device("gpu", free), device("cpu", 64 * kGib)});
    CHECK(here.device == 1);
    CHECK(here.fit.notices.empty());
    REQUIRE(here.notices.size() == 1);
    const std::string& notice = here.notices[0];
    CHECK(notice.find("The processor is used: the gpu has ") == 0);
    CHECK(notice.find("the models want " + readable(wanted) + ". End what else uses it or choose a smaller pair.") != std::string::npos);
  }
}

TEST_CASE("placement: where none holds enough the one with most lanes; else the reason") {
  const std::uint64_t one = free_for(1, MemoryKind::kGpu);
  const Placement few = placed({device("gpu", one), device("cpu", free_for(3, MemoryKind::kMachine))});
  CHECK(few.device == 1);
  CHECK(few.fit.lanes == 3);
  CHECK(placed({device("gpu", one), device("cpu", free_for(1, MemoryKind::kMachine))}).device == 0);
  CHECK(placed({device("gpu", one), device("cpu", 4 * kGib)}).device == 0);
  try {
    placed({device("gpu", 4 * kGib), device("cpu", 4 * kGib)});
    FAIL("placed");
  } catch (const Error& error) {
    CHECK(error.code == ErrorCode::kOutOfMemory);
  }
}
