// Finds and opens the parts of a model that is split into several files.
#include <llama.h>

#include <algorithm>

#include "engine/error.h"
#include "runtimes/llama/gguf_file.h"

namespace octet::llama {

std::vector<GgufFile> open_parts(const std::string& path) {
  std::vector<GgufFile> parts;
  parts.emplace_back(path);
  const int count = static_cast<int>(std::min(1e6, parts[0].number("split.count").value_or(1)));
  if (count <= 1) return parts;
  const int first = static_cast<int>(std::min(1e6, parts[0].number("split.no").value_or(0)));
  if (first != 0) {
    throw Error(ErrorCode::kModelUnsupported, path + " is part " + std::to_string(first + 1) + " of " +
                std::to_string(count) + " of a model: give the first part");
  }
  constexpr int kMostParts = 4096;
  std::vector<char> prefix(path.size() + 64), part(path.size() + 64);
  if (count > kMostParts || llama_split_prefix(prefix.data(), prefix.size(), path.c_str(), 0, count) <= 0) {
    parts[0].damaged("it is the first of " + std::to_string(count) + " parts, but its name does not end in " +
                     "-00001-of-... as theirs do");
  }
  for (int i = 1; i < count; ++i) {
    llama_split_path(part.data(), part.size(), prefix.data(), i, count);
    parts.emplace_back(std::string(part.data()));
    const GgufValue* const number = parts.back().find("split.no");
    if (!number || number->type != GGUF_TYPE_UINT16 || parts.back().number("split.no") != i) {
      parts.back().damaged("it is not part " + std::to_string(i + 1) + " of " + std::to_string(count));
    }
  }
  return parts;
}

}  // namespace octet::llama
