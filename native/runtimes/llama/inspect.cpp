// inspect(): what a model file is, whether Octet can run it, and with which draft.
#include <algorithm>
#include <cstdio>
#include <map>

#include "runtimes/llama/load.h"
#include "runtimes/llama/model_check.h"
#include "runtimes/llama/model_file.h"
#include "runtimes/llama/vocabulary.h"
#include "runtimes/llama/vocabulary_pair.h"

namespace octet::llama {
namespace {

constexpr std::size_t kLongestText = 200;

std::string shorten(std::string text) {
  if (text.size() <= kLongestText) return text;
  std::size_t end = kLongestText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + "...";
}

// Empty for arrays.
std::string as_text(const GgufValue& value) {
  if (const auto* const text = std::get_if<std::string>(&value.data)) return shorten(*text);
  if (const auto* const flag = std::get_if<bool>(&value.data)) return *flag ? "true" : "false";
  if (const auto* const whole = std::get_if<std::uint64_t>(&value.data)) return std::to_string(*whole);
  if (const auto* const whole = std::get_if<std::int64_t>(&value.data)) return std::to_string(*whole);
  if (const auto* const real = std::get_if<double>(&value.data)) {
    char text[32];
    std::snprintf(text, sizeof text, "%.9g", *real);
    return text;
  }
  return {};
}

std::vector<TensorType> count_types(const std::vector<GgufFile>& parts) {
  std::map<ggml_type, TensorType> types;
  for (const GgufFile& part : parts) {
    for (const GgufTensor& tensor : part.tensors()) {
      TensorType& entry = types[tensor.type];
      entry.type = ggml_type_name(tensor.type);
      ++entry.count;
      entry.bytes += tensor.bytes;
    }
  }
  std::vector<TensorType> sorted;
  for (const auto& [type, entry] : types) sorted.push_back(entry);
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
  return sorted;
}

// What is known of one file: `model` is null where it cannot be run, for the reasons given.
struct Report {
  ModelHandle model;
  ModelInfo info;
  std::vector<std::string> reasons;
  std::uint64_t kv_bytes_per_token = 0;
};

Report examine(const std::vector<GgufFile>& parts) {
  Report report;
  report.info = describe(parts);
  try {
    check_tokens(parts[0]);
    ModelHandle model = open_vocabulary(parts[0].path());
    if (const std::string reason = unsupported_reason(model.get()); !reason.empty()) {
      report.reasons.push_back(reason);
      return report;
    }
    report.kv_bytes_per_token = kv_bytes_per_token(check_shape(parts), LoadOptions::KvType::kF16);
    report.info.fim = fim_tokens(llama_model_get_vocab(model.get())).has_value();
    report.model = std::move(model);
  } catch (const Error& error) {
    if (error.code != ErrorCode::kModelUnsupported) throw;
    report.reasons.emplace_back(error.what());
  }
  return report;
}

}  // namespace

Inspection inspect(const std::string& path, const std::string& draft_path) {
  Inspection inspection;
  const std::vector<GgufFile> parts = open_parts(path);
  const Report target = examine(parts);
  inspection.model = target.info;
  inspection.runnable = target.model != nullptr;
  inspection.reasons = target.reasons;
  inspection.kv_bytes_per_token = target.kv_bytes_per_token;
  inspection.tensor_types = count_types(parts);
  for (const auto& [key, value] : parts[0].metadata()) {
    if (value.type != GGUF_TYPE_ARRAY) inspection.metadata.emplace_back(key, as_text(value));
  }
  if (draft_path.empty()) return inspection;

  inspection.draft_given = true;
  const Report draft = examine(open_parts(draft_path));
  inspection.draft = draft.info;
  if (!draft.model) {
    inspection.draft_reason = draft.reasons.front();
  } else if (!target.model) {
    inspection.draft_reason = "the target cannot be run";
  } else {
    try {
      shared_vocabulary(target.model.get(), draft.model.get());
      inspection.draft_compatible = true;
    } catch (const Error& error) {
      inspection.draft_reason = error.what();
    }
  }
  return inspection;
}

}  // namespace octet::llama
