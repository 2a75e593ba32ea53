// A GGUF file's header, read with every count, length and offset checked, so that llama.cpp only meets sound files.
// The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <ggml.h>
#include <gguf.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace octet::llama {

/// Elements of an array of strings, or of numbers; arrays of other things and very long ones are skipped but counted.
struct GgufArray {
  gguf_type type = GGUF_TYPE_COUNT;
  std::uint64_t count = 0;
  std::vector<std::string> strings;
  std::vector<double> numbers;
};

struct GgufValue {
  gguf_type type = GGUF_TYPE_COUNT;
  std::variant<std::uint64_t, std::int64_t, double, bool, std::string, GgufArray> data;
};

struct GgufTensor {
  std::string name;
  ggml_type type = GGML_TYPE_COUNT;
  std::array<std::int64_t, GGML_MAX_DIMS> shape{1, 1, 1, 1};
  std::uint64_t elements = 0, bytes = 0;
  std::uint64_t offset = 0;  ///< Of its data, from the start of the file.
};

class GgufFile {
 public:
  /// Throws Error(kModelNotFound) if there is no readable regular file and Error(kModelDamaged) if its header is not
  /// sound or its tensors reach beyond its end. Reads no tensor data.
  explicit GgufFile(const std::string& path);

  const std::string& path() const { return path_; }
  std::uint64_t file_bytes() const { return file_bytes_; }
  const std::vector<std::pair<std::string, GgufValue>>& metadata() const { return metadata_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }

  const GgufValue* find(const std::string& key) const;
  const GgufTensor* find_tensor(const std::string& name) const;
  std::string text(const std::string& key) const;                      ///< Empty if absent or not a string.
  std::optional<double> number(const std::string& key) const;          ///< Of any numeric type.
  const GgufArray* array(const std::string& key) const;

  /// Throws Error(kModelDamaged) naming the file.
  [[noreturn]] void damaged(const std::string& what) const;

 private:
  class Reader;
  void read_metadata(Reader& reader, std::uint64_t count);
  void read_tensors(Reader& reader, std::uint64_t count);
  void place_tensors(Reader& reader, const std::vector<std::uint64_t>& offsets);
  GgufValue read_value(Reader& reader, gguf_type type, bool in_array) const;

  std::string path_;
  std::uint64_t file_bytes_ = 0;
  std::vector<std::pair<std::string, GgufValue>> metadata_;
  std::vector<GgufTensor> tensors_;
  std::unordered_map<std::string, std::size_t> keys_, tensor_names_;
};

/// All parts of a split model, the first first; one file for most. `path` must be the first part.
std::vector<GgufFile> open_parts(const std::string& path);

}  // namespace octet::llama
