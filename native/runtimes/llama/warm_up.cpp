#include "runtimes/llama/warm_up.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <stdexcept>

#include "engine/error.h"
#include "runtimes/llama/model.h"
#include "runtimes/llama/model_file.h"

namespace octet::llama {
namespace {

// On a GPU, whose backends make some buffers when they first need them.
void compute(LogitsModel& model, std::span<const Row> rows) {
  try {
    model.decode(rows);
  } catch (const std::runtime_error& error) {
    if (!ran_out_of_memory(error.what())) throw;
    throw Error(ErrorCode::kOutOfMemory, error.what(), kGpuMemoryAdvice);
  }
}

}  // namespace

void check_numbers(LogitsModel& model, const std::string& path, const std::string& gpu) {
  const std::array<Row, 2> rows{Row{0, 0, 0, false}, Row{0, 0, 1, true}};
  if (gpu.empty()) model.decode(rows);
  else compute(model, rows);
  const auto logits = model.logits(1);
  if (!std::all_of(logits.begin(), logits.end(), [](float value) { return std::isfinite(value); })) {
    throw Error(ErrorCode::kModelDamaged, path + ": it computes values that are not numbers" + (gpu.empty() ? "" : " on " + gpu),
                gpu.empty() ? "Download the file again." : "Set the device to cpu: where it works, the GPU's driver is to blame; else download the file again.");
  }
  try {
    model.truncate(0, 1);
  } catch (const std::runtime_error& error) {
    throw Error(ErrorCode::kModelUnsupported, path + ": " + error.what());
  }
  model.truncate(0, 0);
}

// Kernels for matrices and a few rows are made for one number of rows each, up to 8; for more, there is one up to 32 rows, one up to 64
// and one beyond (ggml-vulkan; Metal's are alike).
std::vector<int> kernel_rows(int lanes) {
  constexpr int kPromptRows = 128;
  std::vector<int> rows;
  for (const int count : {kPromptRows, lanes, 1, 64, 32, 16, 8, 7, 6, 5, 4, 3, 2}) {
    if (std::find(rows.begin(), rows.end(), count) == rows.end()) rows.push_back(count);
  }
  return rows;
}

void compile_kernels(LogitsModel& model, int lanes, std::chrono::milliseconds most, const std::function<void(float)>& report) {
  constexpr int kLogitRows = 64;
  const auto end = std::chrono::steady_clock::now() + most;
  const std::vector<int> counts = kernel_rows(lanes);
  for (std::size_t i = 0; i < counts.size() && std::chrono::steady_clock::now() < end; ++i) {
    report(static_cast<float>(i) / static_cast<float>(counts.size()));
    const int count = std::min({counts[i], model.max_rows(), model.cache_tokens()});
    std::vector<Row> rows;
    for (int at = 0; at < count; ++at) rows.push_back({0, 0, at, count <= kLogitRows || at == count - 1});
    compute(model, rows);
    model.truncate(0, 0);
  }
}

}  // namespace octet::llama
