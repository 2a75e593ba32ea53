// Reads and checks a GGUF header.
#include "runtimes/llama/gguf_file.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "engine/error.h"
#include "runtimes/llama/log.h"

namespace octet::llama {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostKeys = 1 << 16, kMostTensors = 1 << 17;
constexpr std::uint64_t kLongestName = 1 << 16;
constexpr std::uint64_t kMostElements = std::uint64_t{1} << 27;  ///< Of an array; vocabularies have 2^18.
constexpr std::uint64_t kMostKept = std::uint64_t{1} << 22;      ///< Longer arrays are not kept.
constexpr std::uint64_t kLargestAlignment = 1 << 16;

std::uint64_t size_of(gguf_type type) {
  switch (type) {
    case GGUF_TYPE_UINT8: case GGUF_TYPE_INT8: case GGUF_TYPE_BOOL: return 1;
    case GGUF_TYPE_UINT16: case GGUF_TYPE_INT16: return 2;
    case GGUF_TYPE_UINT32: case GGUF_TYPE_INT32: case GGUF_TYPE_FLOAT32: return 4;
    case GGUF_TYPE_UINT64: case GGUF_TYPE_INT64: case GGUF_TYPE_FLOAT64: return 8;
    default: return 0;
  }
}

// A number outside the enumeration becomes its end mark.
gguf_type to_type(std::int32_t number) {
  return number >= 0 && number < GGUF_TYPE_COUNT ? static_cast<gguf_type>(number) : GGUF_TYPE_COUNT;
}

double as_number(const GgufValue& value) {
  return std::visit([](const auto& data) -> double {
    if constexpr (std::is_arithmetic_v<std::decay_t<decltype(data)>>) return static_cast<double>(data);
    else return std::numeric_limits<double>::quiet_NaN();
  }, value.data);
}

// A folder, a pipe or a device is refused before it is opened: opening could block for ever.
std::uint64_t regular_file_size(const std::string& path, const fs::path& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (path.empty() || !fs::exists(status)) {
    const bool absent = path.empty() || status.type() == fs::file_type::not_found;
    throw Error(ErrorCode::kModelNotFound,
                absent ? "There is no file \"" + path + "\"" : path + " cannot be read: " + error.message());
  }
  if (fs::is_directory(status)) throw Error(ErrorCode::kModelNotFound, path + " is a folder, not a model file");
  if (!fs::is_regular_file(status)) throw Error(ErrorCode::kModelNotFound, path + " is not a regular file");
  const std::uint64_t size = fs::file_size(file, error);
  if (error) throw Error(ErrorCode::kModelNotFound, path + " cannot be read: " + error.message());
  return size;
}

}  // namespace

// Little-endian reads that never pass the end of the file.
class GgufFile::Reader {
 public:
  Reader(const GgufFile& file, const fs::path& path) : file_(file), stream_(path, std::ios::binary) {
    static_assert(std::endian::native == std::endian::little, "GGUF is read as it lies in memory");
    if (!stream_) {
      throw Error(ErrorCode::kModelNotFound, file.path_ + " cannot be opened: " + std::strerror(errno));
    }
  }

  std::uint64_t position() const { return position_; }
  std::uint64_t remaining() const { return file_.file_bytes_ - position_; }

  void bytes(void* to, std::uint64_t count) {
    if (count > remaining() || !stream_.read(static_cast<char*>(to), static_cast<std::streamsize>(count))) {
      file_.damaged("it ends in the middle of its header");
    }
    position_ += count;
  }

  void skip(std::uint64_t count) {
    if (count > remaining() || !stream_.seekg(static_cast<std::streamoff>(count), std::ios::cur)) {
      file_.damaged("it ends in the middle of its header");
    }
    position_ += count;
  }

  template <typename Value>
  Value read() {
    Value value;
    bytes(&value, sizeof value);
    return value;
  }

  std::string string(std::uint64_t longest) {
    const auto length = read<std::uint64_t>();
    if (length > longest || length > remaining()) file_.damaged("its header holds a string of impossible length");
    std::string text(static_cast<std::size_t>(length), '\0');
    bytes(text.data(), length);
    return text;
  }

 private:
  const GgufFile& file_;
  std::ifstream stream_;
  std::uint64_t position_ = 0;
};

GgufFile::GgufFile(const std::string& path) : path_(path) {
  const fs::path file(std::u8string(path.begin(), path.end()));
  file_bytes_ = regular_file_size(path, file);
  if (file_bytes_ == 0) damaged("it is empty");
  Reader reader(*this, file);
  char magic[4] = {};
  reader.bytes(magic, std::min<std::uint64_t>(4, file_bytes_));
  if (std::memcmp(magic, GGUF_MAGIC, 4) != 0) damaged("it is not a GGUF file");
  const auto version = reader.read<std::uint32_t>();
  if (version >= 1 << 16) damaged("it is written for big-endian machines, or its version number is damaged");
  if (version < 2 || version > GGUF_VERSION) damaged("GGUF version " + std::to_string(version) + " is not known");
  const auto tensors = reader.read<std::uint64_t>();
  const auto keys = reader.read<std::uint64_t>();
  if (tensors > kMostTensors || keys > kMostKeys) damaged("its header counts impossibly many entries");
  read_metadata(reader, keys);
  read_tensors(reader, tensors);
}

void GgufFile::damaged(const std::string& what) const {
  throw Error(ErrorCode::kModelDamaged, path_ + ": " + printable(what), "Download the file again.");
}

void GgufFile::read_metadata(Reader& reader, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string key = reader.string(kLongestName);
    if (key.empty() || key.find('\0') != std::string::npos) damaged("a metadata key is damaged");
    if (!keys_.emplace(key, metadata_.size()).second) damaged("the metadata key " + key + " is there twice");
    const gguf_type type = to_type(reader.read<std::int32_t>());
    GgufValue value = read_value(reader, type, false);
    metadata_.emplace_back(std::move(key), std::move(value));
  }
}

GgufValue GgufFile::read_value(Reader& reader, gguf_type type, bool in_array) const {
  GgufValue value;
  value.type = type;
  switch (type) {
    case GGUF_TYPE_UINT8: value.data = std::uint64_t{reader.read<std::uint8_t>()}; return value;
    case GGUF_TYPE_INT8: value.data = std::int64_t{reader.read<std::int8_t>()}; return value;
    case GGUF_TYPE_UINT16: value.data = std::uint64_t{reader.read<std::uint16_t>()}; return value;
    case GGUF_TYPE_INT16: value.data = std::int64_t{reader.read<std::int16_t>()}; return value;
    case GGUF_TYPE_UINT32: value.data = std::uint64_t{reader.read<std::uint32_t>()}; return value;
    case GGUF_TYPE_INT32: value.data = std::int64_t{reader.read<std::int32_t>()}; return value;
    case GGUF_TYPE_FLOAT32: value.data = double{reader.read<float>()}; return value;
    case GGUF_TYPE_BOOL: value.data = reader.read<std::uint8_t>() != 0; return value;
    case GGUF_TYPE_STRING: value.data = reader.string(std::numeric_limits<std::uint32_t>::max() / 4); return value;
    case GGUF_TYPE_UINT64: value.data = reader.read<std::uint64_t>(); return value;
    case GGUF_TYPE_INT64: value.data = reader.read<std::int64_t>(); return value;
    case GGUF_TYPE_FLOAT64: value.data = reader.read<double>(); return value;
    case GGUF_TYPE_ARRAY: break;
    default: damaged("its metadata holds a value of unknown type");
  }
  if (in_array) damaged("its metadata holds an array of arrays");
  GgufArray array;
  array.type = to_type(reader.read<std::int32_t>());
  array.count = reader.read<std::uint64_t>();
  const bool of_strings = array.type == GGUF_TYPE_STRING;
  const std::uint64_t width = of_strings ? sizeof(std::uint64_t) : size_of(array.type);
  if (width == 0) damaged("its metadata holds an array of unknown type");
  if (array.count > kMostElements || array.count > reader.remaining() / width) {
    damaged("its metadata holds an array of impossible length");
  }
  if (!of_strings && array.count > kMostKept) {
    reader.skip(array.count * width);
  } else {
    for (std::uint64_t i = 0; i < array.count; ++i) {
      GgufValue element = read_value(reader, array.type, true);
      if (of_strings) array.strings.push_back(std::move(std::get<std::string>(element.data)));
      else array.numbers.push_back(as_number(element));
    }
  }
  value.data = std::move(array);
  return value;
}

void GgufFile::read_tensors(Reader& reader, std::uint64_t count) {
  std::vector<std::uint64_t> offsets;
  for (std::uint64_t i = 0; i < count; ++i) {
    GgufTensor tensor;
    tensor.name = reader.string(kLongestName);
    if (tensor.name.empty() || tensor.name.size() >= GGML_MAX_NAME || tensor.name.find('\0') != std::string::npos) {
      damaged("a tensor's name is damaged");
    }
    const auto wrong = [&](const std::string& what) { damaged("the tensor " + tensor.name + " " + what); };
    if (!tensor_names_.emplace(tensor.name, tensors_.size()).second) wrong("is there twice");
    const auto dimensions = reader.read<std::uint32_t>();
    if (dimensions < 1 || dimensions > GGML_MAX_DIMS) wrong("has " + std::to_string(dimensions) + " dimensions");
    std::uint64_t elements = 1;
    for (std::uint32_t d = 0; d < dimensions; ++d) {
      const auto extent = reader.read<std::uint64_t>();
      constexpr std::uint64_t kMost = std::uint64_t{1} << 48;
      if (extent < 1 || extent > kMost || elements > kMost / extent) wrong("has an impossible shape");
      elements *= extent;
      tensor.shape[d] = static_cast<std::int64_t>(extent);
    }
    const auto type = reader.read<std::int32_t>();
    if (type < 0 || type >= GGML_TYPE_COUNT || ggml_blck_size(static_cast<ggml_type>(type)) <= 0) {
      wrong("has the unknown type " + std::to_string(type));
    }
    tensor.type = static_cast<ggml_type>(type);
    const std::int64_t block = ggml_blck_size(tensor.type);
    if (tensor.shape[0] % block != 0) wrong("has rows that are not whole blocks of its type");
    tensor.elements = elements;
    tensor.bytes = elements / static_cast<std::uint64_t>(block) * ggml_type_size(tensor.type);
    offsets.push_back(reader.read<std::uint64_t>());
    tensors_.push_back(std::move(tensor));
  }
  place_tensors(reader, offsets);
}

void GgufFile::place_tensors(Reader& reader, const std::vector<std::uint64_t>& offsets) {
  const GgufValue* const declared = find(GGUF_KEY_GENERAL_ALIGNMENT);
  std::uint64_t alignment = GGUF_DEFAULT_ALIGNMENT;
  if (declared) {
    if (declared->type != GGUF_TYPE_UINT32) damaged("its alignment is not a 32-bit number");
    alignment = std::get<std::uint64_t>(declared->data);
  }
  if (!std::has_single_bit(alignment) || alignment > kLargestAlignment) {
    damaged("its alignment is not a small power of two");
  }
  const auto align = [&](std::uint64_t value) { return (value + alignment - 1) / alignment * alignment; };
  const std::uint64_t start = align(reader.position());
  std::uint64_t expected = 0;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    if (offsets[i] != expected) damaged("the tensor " + tensors_[i].name + " is not where it should be");
    if (start + expected + tensors_[i].bytes > file_bytes_) {
      damaged("it is cut short: the tensor " + tensors_[i].name + " would end at byte " +
              std::to_string(start + expected + tensors_[i].bytes) + " of " + std::to_string(file_bytes_));
    }
    tensors_[i].offset = start + expected;
    expected += align(tensors_[i].bytes);
  }
}

const GgufValue* GgufFile::find(const std::string& key) const {
  const auto found = keys_.find(key);
  return found == keys_.end() ? nullptr : &metadata_[found->second].second;
}

const GgufTensor* GgufFile::find_tensor(const std::string& name) const {
  const auto found = tensor_names_.find(name);
  return found == tensor_names_.end() ? nullptr : &tensors_[found->second];
}

std::string GgufFile::text(const std::string& key) const {
  const GgufValue* const value = find(key);
  const auto* const text = value ? std::get_if<std::string>(&value->data) : nullptr;
  return text ? *text : std::string();
}

std::optional<double> GgufFile::number(const std::string& key) const {
  const GgufValue* const value = find(key);
  if (!value || value->type == GGUF_TYPE_STRING || value->type == GGUF_TYPE_ARRAY) return std::nullopt;
  return as_number(*value);
}

const GgufArray* GgufFile::array(const std::string& key) const {
  const GgufValue* const value = find(key);
  return value ? std::get_if<GgufArray>(&value->data) : nullptr;
}

}  // namespace octet::llama
