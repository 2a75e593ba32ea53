// Test helper: reads a GGUF header into values, changes them, writes the file again with its tensor data.
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace octet::test {

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file) throw std::runtime_error("cannot write " + path);
}

template <typename Value>
Value value_at(const std::string& bytes, std::size_t at) {
  Value value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <typename Value>
void append(std::string& bytes, Value value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

inline void append_string(std::string& bytes, const std::string& text) {
  append<std::uint64_t>(bytes, text.size());
  bytes += text;
}

/// The header cut into its entries, each kept as its bytes.
struct GgufBytes {
  struct Entry {
    std::string name, body;  ///< body: everything after the name
  };
  std::vector<Entry> metadata, tensors;
  std::string data;

  explicit GgufBytes(const std::string& path) {
    const std::string bytes = read_file(path);
    std::size_t at = 8;
    const auto tensor_count = value_at<std::uint64_t>(bytes, at), key_count = value_at<std::uint64_t>(bytes, at + 8);
    at = 24;
    const auto string = [&] {
      const auto length = value_at<std::uint64_t>(bytes, at);
      at += 8 + length;
      return bytes.substr(at - length, length);
    };
    const auto skip_value = [&](auto& self, std::int32_t type) -> void {
      constexpr int widths[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
      if (type == 8) {
        string();
      } else if (type == 9) {
        const auto element = value_at<std::int32_t>(bytes, at);
        const auto count = value_at<std::uint64_t>(bytes, at + 4);
        at += 12;
        for (std::uint64_t i = 0; i < count; ++i) self(self, element);
      } else {
        at += static_cast<std::size_t>(widths[type]);
      }
    };
    for (std::uint64_t i = 0; i < key_count; ++i) {
      Entry entry{string(), {}};
      const std::size_t start = at;
      const auto type = value_at<std::int32_t>(bytes, at);
      at += 4;
      skip_value(skip_value, type);
      entry.body = bytes.substr(start, at - start);
      metadata.push_back(entry);
    }
    for (std::uint64_t i = 0; i < tensor_count; ++i) {
      Entry entry{string(), {}};
      const std::size_t length = 4 + 8 * value_at<std::uint32_t>(bytes, at) + 4 + 8;
      entry.body = bytes.substr(at, length);
      at += length;
      tensors.push_back(entry);
    }
    data = bytes.substr((at + 31) / 32 * 32);
  }

  Entry& key(const std::string& name) {
    for (Entry& entry : metadata) {
      if (entry.name == name) return entry;
    }
    metadata.push_back({name, {}});
    return metadata.back();
  }
  void set_string(const std::string& name, const std::string& text) {
    std::string body;
    append<std::int32_t>(body, 8);
    append_string(body, text);
    key(name).body = body;
  }
  void set_u32(const std::string& name, std::uint32_t value) {
    std::string body;
    append<std::int32_t>(body, 4);
    append(body, value);
    key(name).body = body;
  }
  void set_u16(const std::string& name, std::uint16_t value) {
    std::string body;
    append<std::int32_t>(body, 2);
    append(body, value);
    key(name).body = body;
  }
  void set_f32(const std::string& name, float value) {
    std::string body;
    append<std::int32_t>(body, 6);
    append(body, value);
    key(name).body = body;
  }
  void set_bool(const std::string& name, bool value) {
    std::string body;
    append<std::int32_t>(body, 7);
    append<std::uint8_t>(body, value);
    key(name).body = body;
  }

  std::vector<std::string> strings(const std::string& name) {
    const std::string& body = key(name).body;
    std::vector<std::string> all(value_at<std::uint64_t>(body, 8));
    std::size_t at = 16;
    for (std::string& text : all) {
      const auto length = value_at<std::uint64_t>(body, at);
      text = body.substr(at + 8, length);
      at += 8 + length;
    }
    return all;
  }
  void set_strings(const std::string& name, const std::vector<std::string>& texts) {
    std::string body;
    append<std::int32_t>(body, 9);
    append<std::int32_t>(body, 8);
    append<std::uint64_t>(body, texts.size());
    for (const std::string& text : texts) append_string(body, text);
    key(name).body = body;
  }
  std::vector<std::int32_t> integers(const std::string& name) {
    const std::string& body = key(name).body;
    std::vector<std::int32_t> all(value_at<std::uint64_t>(body, 8));
    std::memcpy(all.data(), body.data() + 16, 4 * all.size());
    return all;
  }
  void set_integers(const std::string& name, const std::vector<std::int32_t>& values) {
    std::string body;
    append<std::int32_t>(body, 9);
    append<std::int32_t>(body, 5);
    append<std::uint64_t>(body, values.size());
    for (std::int32_t value : values) append(body, value);
    key(name).body = body;
  }

  void write(const std::string& path) const {
    std::string bytes = "GGUF";
    append<std::uint32_t>(bytes, 3);
    append<std::uint64_t>(bytes, tensors.size());
    append<std::uint64_t>(bytes, metadata.size());
    for (const auto* entries : {&metadata, &tensors}) {
      for (const Entry& entry : *entries) {
        append_string(bytes, entry.name);
        bytes += entry.body;
      }
    }
    bytes.resize((bytes.size() + 31) / 32 * 32);
    write_file(path, bytes + data);
  }
};

}  // namespace octet::test
