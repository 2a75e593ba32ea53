// The starter pair, loaded as the llama tests need it.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "runtimes/llama/load.h"
#include "runtimes/llama/model_check.h"

namespace octet::llama {

inline const std::string kTargetFile = std::string(OCTET_TEST_MODELS) + "/octet-starter-6M-q8_0.gguf";
inline const std::string kDraftFile = std::string(OCTET_TEST_MODELS) + "/octet-starter-1M-draft-q8_0.gguf";
inline const std::string kStoriesFile = std::string(OCTET_TEST_MODELS) + "/../test/data/stories260K.gguf";

/// What llama.cpp logged as errors and warnings since the process began.
inline std::vector<std::string>& logged_problems() {
  static std::vector<std::string> lines;
  return lines;
}

inline void note_problem(LogLevel level, const std::string& line) {
  if (level == LogLevel::kError || level == LogLevel::kWarning) logged_problems().push_back(line);
}

/// A folder with llama.cpp's backends for GPUs, given to the cases of gpu/; empty: the process does without.
inline std::string gpu_libraries() {
  const char* const folder = std::getenv("OCTET_TEST_GPU_LIBRARIES");
  return folder ? folder : "";
}

inline void start_backends() {
  std::vector<std::string> folders = {OCTET_TEST_LIBRARIES};
  if (const std::string gpu = gpu_libraries(); !gpu.empty()) folders.push_back(gpu);
  initialize(folders, note_problem);
}

/// On the CPU with one thread and float32 keys and values, so that results do not depend on the machine's load.
inline LoadOptions exact_options(const std::string& target, const std::string& draft = {}) {
  LoadOptions options;
  options.target = target;
  options.draft = draft;
  options.device = "cpu";
  options.threads = 1;
  options.context_tokens = 512;
  options.kv_type = LoadOptions::KvType::kF32;
  return options;
}

/// A dense model of heads of 128 with the vocabulary of Qwen2.5-7B, trained on 32,768 tokens.
inline ModelShape dense_shape(int layers, int embedding, int heads, int kv_heads, int feed_forward) {
  ModelShape shape;
  shape.layers = layers;
  shape.embedding = embedding;
  shape.trained_context = 32768;
  shape.vocabulary = 152064;
  shape.heads.assign(static_cast<std::size_t>(layers), heads);
  shape.kv_heads.assign(static_cast<std::size_t>(layers), kv_heads);
  shape.key_length = shape.value_length = 128;
  shape.feed_forward = feed_forward;
  return shape;
}

inline LoadedPair load_pair(const LoadOptions& options) {
  start_backends();
  return load(options, [](LoadPhase, float) { return true; });
}

}  // namespace octet::llama
