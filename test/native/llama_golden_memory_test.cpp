// What pairs take and where they go, in test/golden/memory/pairs.txt, by which the extension's formulas are held too
// (test/unit/models/memory.test.ts).
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "llama_fixture.h"
#include "runtimes/llama/candidate.h"
#include "runtimes/llama/placement.h"

using namespace octet;
using namespace octet::llama;

namespace {

Footprint footprint(std::istream& words) {
  Footprint model;
  int heads = 0, kv_heads = 0;
  ModelShape& shape = model.shape;
  std::uint64_t output = 0;
  words >> model.weights >> model.host_weights >> output >> shape.layers >> shape.embedding >> heads >> kv_heads >> shape.key_length >> shape.value_length >>
      shape.feed_forward >> shape.vocabulary >> shape.trained_context;
  REQUIRE(words);
  // The extension knows a file's layers as equal; the worker knows each.
  const auto layers = static_cast<std::uint64_t>(shape.layers);
  model.layer_weights.assign(layers, (model.weights - model.host_weights - output) / layers);
  // Of a layer the matrices of the feed-forward network are the largest, in the output's format.
  model.largest_layer_tensor = output / static_cast<std::uint64_t>(shape.vocabulary) * static_cast<std::uint64_t>(shape.feed_forward);
  shape.heads.assign(static_cast<std::size_t>(shape.layers), heads);
  shape.kv_heads.assign(static_cast<std::size_t>(shape.layers), kv_heads);
  return model;
}

LoadOptions wanted(std::istream& words) {
  LoadOptions options;
  words >> options.lanes >> options.context_tokens;
  REQUIRE(words);
  return options;
}

std::string need(std::istream& words, const Footprint& target, const Footprint& draft) {
  std::string name;
  words >> name;
  const MemoryKind memory = name == "gpu" ? MemoryKind::kGpu : name == "integrated" ? MemoryKind::kShared : MemoryKind::kMachine;
  const MemoryEstimate all = fit_to_memory(wanted(words), target, &draft, memory, UINT64_MAX).memory;
  CHECK(all.total == all.target_weights + all.draft_weights + all.kv_cache + all.compute);
  return std::to_string(all.target_weights + all.draft_weights) + " " + std::to_string(all.kv_cache) + " " + std::to_string(all.compute);
}

std::string placed(std::istream& words, const Footprint& target, const Footprint& draft) {
  const LoadOptions options = wanted(words);
  std::vector<Device> devices;
  std::string one;
  while (words >> one) {
    const std::size_t at = one.find('=');
    devices.push_back({.name = one, .kind = one.substr(0, at), .free_memory_bytes = std::stoull(one.substr(at + 1)) * 1'000'000});
  }
  try {
    const Placement here = place(options, target, &draft, devices, available_memory(options, devices.back()));
    // A context that short is said not to fit before a download; the worker takes it for want of a better.
    if (here.fit.context_tokens < 1024) return "nowhere";
    const std::string part = here.fit.gpu_layers > 0 ? " " + std::to_string(here.fit.gpu_layers) : "";
    return std::to_string(here.device) + " " + std::to_string(here.fit.lanes) + part;
  } catch (const Error& error) {
    CHECK(error.code == ErrorCode::kOutOfMemory);
    return "nowhere";
  }
}

}  // namespace

TEST_CASE("memory: pairs need and go where the extension says before a download") {
  std::ifstream file(std::string(OCTET_TEST_MODELS) + "/../test/golden/memory/pairs.txt");
  Footprint target, draft;
  int answers = 0;
  for (std::string line; std::getline(file, line);) {
    CAPTURE(line);
    const std::size_t arrow = line.find(" -> ");
    std::istringstream words(line.substr(0, arrow));
    std::string what;
    words >> what;
    if (what == "target") target = footprint(words);
    else if (what == "draft") draft = footprint(words);
    if (arrow == std::string::npos || what == "#") continue;
    CHECK((what == "need" ? need(words, target, draft) : placed(words, target, draft)) == line.substr(arrow + 4));
    ++answers;
  }
  CHECK(answers >= 30);
}
