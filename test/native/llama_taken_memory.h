// What llama.cpp takes for a context, as it says itself, against the estimate: never more, and not much less. Weights are made up; widths
// and vocabularies are those of published models.
#pragma once

#include <doctest/doctest.h>

#include <cstdio>

#include "llama_made_up_model.h"
#include "runtimes/llama/compute_memory.h"
#include "temporary_folder.h"

namespace octet::llama {

constexpr double kMib = 1 << 20;

/// Two layers: as many as it takes, the last does less.
inline ModelShape shape_of(int embedding, int heads, int kv_heads, int head, int feed_forward, int vocabulary) {
  ModelShape shape = dense_shape(2, embedding, heads, kv_heads, feed_forward);
  shape.key_length = shape.value_length = head;
  shape.vocabulary = vocabulary;
  return shape;
}

struct Taken {
  double device = 0, host = 0;  ///< MiB for passes that the context said it had when it was freed: on the device, in the machine's memory.
  double weights = 0, cache = 0;            ///< MiB on a GPU.
  double host_weights = 0, host_cache = 0;  ///< MiB that are the processor's.
  Copies copied;                            ///< Where the target is split.
  int contexts = 0;
  int cells = 0;  ///< Of the cache.
  MemoryEstimate estimate;
};

/// Listens to llama.cpp's log while it lives.
class MemoryLog {
 public:
  MemoryLog() {
    start_backends();
    std::vector<std::string> folders = {OCTET_TEST_LIBRARIES};
    initialize(folders, [this](LogLevel level, const std::string& line) {
      if (!hear(line)) note_problem(level, line);
    });
  }
  ~MemoryLog() { start_backends(); }

  Taken taken;

 private:
  // "load_tensors:  Vulkan0 model buffer size =  28.69 MiB", "llama_kv_cache:  Vulkan0 KV buffer size =  11.50 MiB",
  // "~llama_context:  Vulkan0 compute buffer size is  44.8705 MiB, matches ...", or "of" where it has grown.
  bool hear(const std::string& line) {
    char name[64];
    double size = 0;
    const auto count = [&](double& device, double& host) { (std::string(name).rfind("CPU", 0) == 0 ? host : device) += size; };
    if (std::sscanf(line.c_str(), "load_tensors: %63s model buffer size = %lf MiB", name, &size) == 2) count(taken.weights, taken.host_weights);
    if (std::sscanf(line.c_str(), "llama_kv_cache: %63s KV buffer size = %lf MiB", name, &size) == 2) count(taken.cache, taken.host_cache);
    if (std::sscanf(line.c_str(), "~llama_context: %63s compute buffer size %*s %lf MiB", name, &size) != 2) return false;
    const bool host = std::string(name).find("_Host") != std::string::npos;
    (host ? taken.host : taken.device) += size;
    if (!host) ++taken.contexts;
    return true;
  }
};

struct Wanted {
  int lanes = 8, context_tokens = 4096;
  LoadOptions::KvType kv_type = LoadOptions::KvType::kF16;
  bool tied = true;  ///< The embedding is the output matrix, too.
};

/// A load, then passes of as many rows and logits as there may be.
inline Taken take(const ModelShape& shape, const Wanted& wanted, const std::string& device, bool passes = false) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "model.gguf";
  write_made_up_model(path, shape, wanted.tied);
  MemoryLog log;
  LoadOptions options;
  options.target = path;
  options.device = device;
  options.threads = 2;
  options.lanes = wanted.lanes;
  options.context_tokens = wanted.context_tokens;
  options.kv_type = wanted.kv_type;
  {
    const LoadedPair pair = load(options, nullptr);
    REQUIRE(pair.lanes == wanted.lanes);
    log.taken.cells = pair.cache_tokens;
    log.taken.estimate = pair.memory;
    std::vector<Row> rows;
    for (int at = 0; passes && at < pair.target->max_rows(); ++at) rows.push_back({kMaxLanes, 0, at, at < 33 * wanted.lanes});
    pair.target->decode(rows);
    rows.clear();
    for (int at = 0; passes && at < 33 * wanted.lanes; ++at) rows.push_back({at % wanted.lanes, 0, at / wanted.lanes, true});
    pair.target->decode(rows);
  }
  REQUIRE(log.taken.contexts == 1);
  return log.taken;
}

/// MiB of the logits that a context copies for the engine, which its log counts elsewhere.
inline double copied_logits(const ModelShape& shape, int lanes) {
  return std::max(64, lanes * (kMaxDraftLength + 1)) * double(shape.vocabulary) * sizeof(float) / kMib;
}

/// Holds what was taken of that memory beside weights and cache against the estimate.
inline void check_taken(const Taken& taken, const ModelShape& shape, const Wanted& wanted, MemoryKind memory) {
  // A GPU's kernels have buffers of their own, which the estimate counts and the log does not.
  const double most_over = memory == MemoryKind::kGpu ? 1.5 : 1.3;
  const double all = taken.device + (memory == MemoryKind::kGpu ? 0 : taken.host + copied_logits(shape, wanted.lanes));
  const double estimate = static_cast<double>(compute_bytes(shape, wanted.kv_type, wanted.lanes, taken.cells, memory, taken.copied)) / kMib;
  CAPTURE(shape.embedding);
  CAPTURE(shape.vocabulary);
  CAPTURE(wanted.lanes);
  CAPTURE(taken.cells);
  MESSAGE("took " << all << " MiB, estimated " << estimate << ", " << estimate / all);
  CHECK(estimate >= all);
  CHECK(estimate <= most_over * all);
}

}  // namespace octet::llama
