// What is given of lanes and context where memory is short: by arithmetic, nothing is loaded.
#include <doctest/doctest.h>

#include "llama_fixture.h"
#include "runtimes/llama/memory.h"

using namespace octet;
using namespace octet::llama;

TEST_CASE("the less memory, the fewer lanes, until one lane and 256 tokens do not fit") {
  const Footprint target{dense_shape(32, 4096, 32, 8, 14336), std::uint64_t{8} << 30};
  LoadOptions options;
  const auto step = std::uint64_t{8} << 20;
  std::uint64_t available = std::uint64_t{12} << 30;
  Fit last = fit_to_memory(options, target, nullptr, MemoryKind::kMachine, available);
  CHECK(last.lanes == 8);
  CHECK(last.context_tokens == 8192);
  CHECK(last.notices.empty());
  bool reduced_lanes = false;
  try {
    for (;; available -= step) {
      const Fit fit = fit_to_memory(options, target, nullptr, MemoryKind::kMachine, available);
      REQUIRE(fit.memory.total <= available);
      REQUIRE(fit.cache_tokens == cache_tokens(fit.lanes, fit.context_tokens));
      REQUIRE(fit.lanes <= last.lanes);
      REQUIRE((fit.context_tokens <= last.context_tokens || fit.lanes < last.lanes));
      REQUIRE((fit.lanes == 8 || fit.context_tokens <= 1024));
      REQUIRE((fit.context_tokens >= 1024 || fit.lanes == 1));
      reduced_lanes = reduced_lanes || fit.lanes < 8;
      last = fit;
    }
  } catch (const Error& error) {
    CHECK(error.code == ErrorCode::kOutOfMemory);
  }
  CHECK(reduced_lanes);
  CHECK(last.lanes == 1);
  CHECK(last.context_tokens == 256);
}

TEST_CASE("spare lanes are given where nothing was reduced, all or none, and take no cache") {
  const Footprint target{dense_shape(32, 4096, 32, 8, 14336), std::uint64_t{1} << 30};
  LoadOptions options;
  const Fit plain = fit_to_memory(options, target, nullptr, MemoryKind::kMachine, UINT64_MAX);
  CHECK(plain.spare_lanes == 0);
  options.spare_lanes = 8;
  const Fit roomy = fit_to_memory(options, target, nullptr, MemoryKind::kMachine, UINT64_MAX);
  CHECK(roomy.lanes == 8);
  CHECK(roomy.spare_lanes == 8);
  CHECK(roomy.cache_tokens == plain.cache_tokens);
  CHECK(roomy.memory.kv_cache == plain.memory.kv_cache);
  CHECK(roomy.memory.total > plain.memory.total);
  CHECK(fit_to_memory(options, target, nullptr, MemoryKind::kMachine, roomy.memory.total).spare_lanes == 8);
  for (const std::uint64_t available : {roomy.memory.total - 1, plain.memory.total}) {
    const Fit tight = fit_to_memory(options, target, nullptr, MemoryKind::kMachine, available);
    CHECK(tight.lanes == 8);
    CHECK(tight.context_tokens == plain.context_tokens);
    CHECK(tight.spare_lanes == 0);
    CHECK(tight.memory.total == plain.memory.total);
    CHECK(tight.notices.empty());
  }
  const Fit first = fit_to_less(roomy, options, target, nullptr, MemoryKind::kMachine);
  CHECK(first.spare_lanes == 0);
  CHECK(first.context_tokens == plain.context_tokens);
  CHECK(first.memory.total == plain.memory.total);
  const Fit second = fit_to_less(first, options, target, nullptr, MemoryKind::kMachine);
  CHECK(second.spare_lanes == 0);
  CHECK(second.memory.target_weights == first.memory.target_weights);
  CHECK(second.memory.total - second.memory.target_weights <= (first.memory.total - first.memory.target_weights) / 4 * 3);
  const Fit reduced = fit_to_memory(options, target, nullptr, MemoryKind::kMachine, plain.memory.total - 1);
  CHECK(reduced.context_tokens < plain.context_tokens);
  CHECK(reduced.spare_lanes == 0);

  options.target = kTargetFile;
  for (const int spare : {-1, kMaxLanes - options.lanes + 1}) {
    options.spare_lanes = spare;
    CHECK_THROWS_WITH_AS(load(options, {}), doctest::Contains("with spare ones"), Error);
  }
}

TEST_CASE("contexts that a device does not hold beside large weights are made smaller, not given up") {
  constexpr std::uint64_t kGib = std::uint64_t{1} << 30;
  const Footprint large{dense_shape(28, 3584, 28, 4, 18944), 8 * kGib};
  LoadOptions options;
  Fit fit = fit_to_memory(options, large, nullptr, MemoryKind::kGpu, 24 * kGib);
  CHECK(fit.memory.total / 4 * 3 < 8 * kGib);
  for (int attempt = 0; attempt < 3; ++attempt) {
    const std::uint64_t before = fit.memory.total - 8 * kGib;
    fit = fit_to_less(fit, options, large, nullptr, MemoryKind::kGpu);
    CHECK(fit.memory.total - 8 * kGib <= before / 4 * 3);
  }
  CHECK(fit.lanes >= 1);
}
