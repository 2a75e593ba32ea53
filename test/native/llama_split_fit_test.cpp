// How a target is divided between a GPU that does not hold it and the processor: by arithmetic, nothing is loaded.
#include <doctest/doctest.h>

#include <numeric>

#include "llama_fixture.h"
#include "runtimes/llama/placement.h"
#include "runtimes/llama/split.h"
#include "runtimes/llama/tries.h"

using namespace octet;
using namespace octet::llama;

namespace {

constexpr std::uint64_t kGib = std::uint64_t{1} << 30, kMib = std::uint64_t{1} << 20;

/// Of the shape of Qwen2.5-Coder-7B in Q8_0, with an output matrix of its own; the first layers are larger than the last.
Footprint seven_billion() {
  Footprint model{dense_shape(28, 3584, 28, 4, 18944), 0, 550 * kMib};
  for (std::uint64_t layer = 0; layer < 28; ++layer) model.layer_weights.push_back((270 - layer) * kMib);
  model.largest_layer_tensor = 70 * kMib;
  model.weights = std::accumulate(model.layer_weights.begin(), model.layer_weights.end(), 1100 * kMib);
  return model;
}

Device device(const std::string& kind, std::uint64_t free) {
  return {.name = kind, .description = "the " + kind, .kind = kind, .memory_bytes = 2 * free, .free_memory_bytes = free};
}

Placement placed(const std::vector<Device>& devices, std::uint64_t machine = 64 * kGib) {
  return place({}, seven_billion(), nullptr, devices, machine);
}

}  // namespace

TEST_CASE("split: the GPU has the last layers and the output, the processor the embedding and the first") {
  const Footprint whole = seven_billion(), gpu = gpu_part(whole, 10), host = host_part(whole, 10);
  CHECK(gpu.weights + host.weights == whole.weights);
  std::uint64_t last = 550 * kMib;
  for (std::size_t layer = 18; layer < 28; ++layer) last += whole.layer_weights[layer];
  CHECK(gpu.weights == last);
  CHECK(gpu.host_weights == 0);
  CHECK(gpu.copied.weights == 70 * kMib);
  CHECK(gpu.copied.kv_heads == 4);
  CHECK(host.copied.weights == 0);
  const auto kv = [](const Footprint& model) { return kv_bytes_per_token(model.shape, LoadOptions::KvType::kF16); };
  CHECK(kv(gpu) + kv(host) == kv(whole));
  CHECK(kv(gpu) * 28 == kv(whole) * 10);

  // An embedding that is the output, too, is on both sides.
  Footprint tied = whole;
  tied.host_weights = 0;
  tied.weights -= 550 * kMib;
  CHECK(gpu_part(tied, 10).weights == gpu.weights);
  CHECK(host_part(tied, 10).weights == host.weights);
}

TEST_CASE("split: the more memory a GPU has, the more layers, with every lane and the context that is asked for") {
  LoadOptions options;
  options.context_tokens = 4096;
  options.spare_lanes = 8;
  LoadOptions no_spare = options;
  no_spare.spare_lanes = 0;
  int before = 28, roomy = 0, halved = 0;
  for (std::uint64_t bytes = 9 * kGib; bytes > kGib; bytes -= 50 * kMib) {
    CAPTURE(bytes / kMib);
    const std::optional<Fit> fit = fit_split(options, seven_billion(), nullptr, bytes, 64 * kGib);
    if (!fit) break;
    CHECK(fit->memory.total <= bytes);
    CHECK(fit->memory.available == bytes);
    CHECK(fit->memory.host > host_part(seven_billion(), fit->gpu_layers).weights);
    CHECK(fit->lanes == 8);
    REQUIRE(fit->gpu_layers >= 1);
    CHECK(fit->gpu_layers <= 27);
    const bool reduced = fit->context_tokens < 4096;
    CHECK(fit->notices.size() == (reduced ? 1 : 0));
    if (reduced) {
      CHECK(fit->notices[0].find("The context is " + std::to_string(fit->context_tokens) + " tokens instead of 4096: that is what fits into ") == 0);
      if (before > 1) CHECK(fit->gpu_layers >= 7);  // for less than that, or for its own sake, no context is given up
      ++halved;
    } else {
      CHECK(fit->gpu_layers <= before);
      before = fit->gpu_layers;
    }
    // Spare lanes cost no layer.
    CHECK(fit->gpu_layers == fit_split(no_spare, seven_billion(), nullptr, bytes, 64 * kGib)->gpu_layers);
    roomy += fit->spare_lanes == 8;
    CHECK((fit->spare_lanes == 0 || fit->spare_lanes == 8));
  }
  CHECK(before == 1);
  CHECK(halved > 0);
  CHECK(roomy > 10);
  CHECK_FALSE(fit_split(options, seven_billion(), nullptr, kGib / 2, 64 * kGib));
  CHECK_FALSE(fit_split(options, seven_billion(), nullptr, 5 * kGib, 3 * kGib));  // the rest has no room
  Footprint unknown = seven_billion();
  unknown.layer_weights.clear();
  CHECK_FALSE(fit_split(options, unknown, nullptr, 5 * kGib, 64 * kGib));
}

TEST_CASE("split: a draft is on the GPU as a whole") {
  const Footprint draft{dense_shape(24, 896, 14, 2, 4864), kGib / 2};
  const auto layers = [&](const Footprint* with) { return fit_split({}, seven_billion(), with, 6 * kGib, 64 * kGib)->gpu_layers; };
  CHECK(layers(&draft) < layers(nullptr));
  const Fit fit = *fit_split({}, seven_billion(), &draft, 6 * kGib, 64 * kGib);
  CHECK(fit.memory.draft_weights == kGib / 2);
}

TEST_CASE("split: what is in the machine's memory is counted in the cache's own format, with the draft's embedding and logits") {
  Footprint draft{dense_shape(24, 896, 14, 2, 4864), kGib / 2, 100 * kMib};
  const auto host = [](const LoadOptions& options, const Footprint* with) { return *fit_split(options, seven_billion(), with, 5 * kGib, 64 * kGib); };
  LoadOptions options;
  options.context_tokens = 4096;
  const Fit alone = host(options, nullptr);
  const Footprint rest = host_part(seven_billion(), alone.gpu_layers);
  CHECK(alone.memory.host == estimate_memory(rest, nullptr, LoadOptions::KvType::kF16, 8, alone.cache_tokens, MemoryKind::kMachine).total);
  const Fit pair = host(options, &draft);
  const Footprint more = host_part(seven_billion(), pair.gpu_layers);
  CHECK(pair.memory.host == estimate_memory(more, nullptr, LoadOptions::KvType::kF16, 8, pair.cache_tokens, MemoryKind::kMachine).total + 100 * kMib +
                                host_bytes_beside_gpu(draft.shape, 8));
  draft.host_weights = 0;  // it is the output, too
  draft.layer_weights.assign(24, 10 * kMib);
  CHECK(host(options, &draft).memory.host - pair.memory.host == kGib / 2 - 240 * kMib - 100 * kMib);
  Footprint odd = draft;
  odd.shape.key_length = odd.shape.value_length = 40;  // which no q8_0 block divides
  options.kv_type = LoadOptions::KvType::kQ8_0;
  const Fit plain = host(options, &odd);
  CHECK(plain.kv_type == LoadOptions::KvType::kF16);
  CHECK(plain.memory.host > host_part(seven_billion(), plain.gpu_layers).weights + std::uint64_t(plain.cache_tokens) * kv_bytes_per_token(host_part(seven_billion(), plain.gpu_layers).shape, LoadOptions::KvType::kF16));
}

TEST_CASE("split: where its contexts fail they are made smaller, and the layers stay where they are") {
  LoadOptions options;
  const Fit fit = *fit_split(options, seven_billion(), nullptr, 6 * kGib, 64 * kGib);
  const Fit less = fit_split_to_less(fit, options, seven_billion(), nullptr);
  CHECK(less.gpu_layers == fit.gpu_layers);
  CHECK(less.memory.target_weights == fit.memory.target_weights);
  CHECK(less.memory.total < fit.memory.total);
  CHECK(less.context_tokens < fit.context_tokens);
  CHECK(less.memory.host < fit.memory.host);
}

TEST_CASE("placement: a GPU with a quarter of the layers is better than the processor, and what is where is said") {
  for (const auto& others : {std::vector{device("cpu", 64 * kGib)}, std::vector{device("integratedGpu", 64 * kGib), device("cpu", 64 * kGib)}}) {
    std::vector<Device> devices{device("gpu", 5 * kGib)};
    devices.insert(devices.end(), others.begin(), others.end());
    const Placement here = placed(devices);
    CHECK(here.device == 0);
    REQUIRE(here.fit.gpu_layers > 7);
    CHECK(here.fit.notices.empty());
    REQUIRE(here.notices.size() == 1);
    CHECK(here.notices[0].find(std::to_string(here.fit.gpu_layers) + " of 28 layers are on the GPU, the others on the processor: the gpu has 4.8 GB of memory to spare, and the models want ") == 0);
    devices[0] = device("gpu", 2 * kGib);
    CHECK(placed(devices).device == 1);
    CHECK(placed(devices).fit.gpu_layers == 0);
  }
  // A GPU that holds it is better than one before it that has a part; of two that have a part, the one with more.
  CHECK(placed({device("gpu", 5 * kGib), device("gpu", 24 * kGib), device("cpu", 64 * kGib)}).device == 1);
  CHECK(placed({device("gpu", 4 * kGib), device("gpu", 6 * kGib), device("cpu", 64 * kGib)}).device == 1);
  CHECK(placed({device("gpu", 6 * kGib), device("gpu", 4 * kGib), device("cpu", 64 * kGib)}).device == 0);
  // Where there is no memory for the rest, or the GPU's is the machine's own, it is as it was.
  CHECK(placed({device("gpu", 5 * kGib), device("cpu", 64 * kGib)}, 2 * kGib).device == 1);
  Device metal = device("gpu", 5 * kGib);
  metal.name = "MTL0";
  CHECK(placed({metal, device("cpu", 64 * kGib)}).device == 1);
}

TEST_CASE("placement: a GPU that is asked for by name gets what it holds, however little") {
  CHECK(placed({device("gpu", 5 * kGib)}).fit.gpu_layers > 7);
  const Placement few = placed({device("gpu", 2 * kGib)});
  CHECK(few.fit.gpu_layers >= 1);
  CHECK(few.fit.gpu_layers < 7);
  CHECK_THROWS_AS(placed({device("gpu", kGib / 2)}), Error);
  CHECK_THROWS_AS(placed({device("gpu", 5 * kGib)}, kGib), Error);
}

namespace {

constexpr std::uint64_t kTera = std::uint64_t{1} << 40;

Tries tries_of(const std::vector<Device>& devices) {
  std::vector<ChosenDevice> chosen;
  for (const Device& one : devices) chosen.push_back({one, nullptr});
  return Tries(std::move(chosen));
}

Tries::Try next(Tries& tries) { return tries.next({}, seven_billion(), nullptr, 64 * kGib); }

const Error kRanOut(ErrorCode::kOutOfMemory, "failed to allocate gpu buffer");

}  // namespace

TEST_CASE("tries: a GPU that did not hold what it said gets less, as a whole or split, and is given up after the third time") {
  Tries tries = tries_of({device("gpu", 12 * kGib), device("cpu", 64 * kGib)});
  std::uint64_t before = kTera;
  bool split = false;
  for (int failures = 0; failures < 3; ++failures) {
    const Tries::Try here = next(tries);
    CHECK(here.device.device.name == "gpu");
    CHECK(here.device.device.free_memory_bytes == 12 * kGib);
    CHECK(here.placement.fit.memory.total <= before / 8 * 7);
    CHECK_FALSE(tries.is_last());
    CHECK(tries.notices().size() == (failures > 0 ? 1 : 0));
    if (failures > 0) CHECK(tries.notices()[0].find("the gpu is given less: its memory ran out as the models were loaded.") == 0);
    split = split || here.placement.fit.gpu_layers > 0;
    before = here.placement.fit.memory.total;
    tries.failed(kRanOut, before);
  }
  CHECK(split);
  const Tries::Try last = next(tries);
  CHECK(last.device.device.name == "cpu");
  CHECK(last.placement.notices.empty());
  CHECK(tries.is_last());
  REQUIRE(tries.notices().size() == 1);
  CHECK(tries.notices()[0].find("the gpu is not used: its memory ran out as the models were loaded.") == 0);
}

TEST_CASE("tries: a GPU that failed and gets the pair no more is not said to have been too small") {
  Tries tries = tries_of({device("gpu", 12 * kGib), device("cpu", 64 * kGib)});
  next(tries);
  tries.failed(kRanOut, 2 * kGib);
  const Tries::Try here = next(tries);
  CHECK(here.device.device.name == "cpu");
  CHECK(here.placement.notices.empty());
  REQUIRE(tries.notices().size() == 1);
  CHECK(tries.notices()[0].find("the gpu is not used: its memory ran out") == 0);
}

TEST_CASE("tries: where nothing is left, the error is that of the load, not of the arithmetic after it") {
  Tries small = tries_of({device("gpu", 12 * kGib)});
  next(small);
  CHECK(small.is_last());
  small.failed(kRanOut, kGib);
  CHECK_THROWS_WITH_AS(next(small), "failed to allocate gpu buffer", Error);

  Tries thrice = tries_of({device("gpu", 12 * kGib)});
  for (int failures = 0; failures < 2; ++failures) thrice.failed(kRanOut, next(thrice).placement.fit.memory.total);
  const std::uint64_t wanted = next(thrice).placement.fit.memory.total;
  CHECK_THROWS_WITH_AS(thrice.failed(kRanOut, wanted), "failed to allocate gpu buffer", Error);

  Tries none = tries_of({device("gpu", kGib)});
  CHECK_THROWS_WITH_AS(next(none), doctest::Contains("are free"), Error);
}
