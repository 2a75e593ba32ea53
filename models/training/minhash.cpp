// MinHash signature of a text: tokens are runs of letters, digits and underscores, or single other non-space bytes; a shingle is
// five tokens in a row. Value i is the minimum over shingles of a_i * h + b_i (32 high bits of 64-bit arithmetic).
#include <cctype>
#include <cstddef>
#include <cstdint>

namespace {

constexpr int values = 64, width = 5;

std::uint64_t mix(std::uint64_t x) {  // splitmix64's finaliser
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

bool word(unsigned char c) { return std::isalnum(c) || c == '_' || c >= 128; }

}  // namespace

/// `out`: 64 values; all ones where the text has fewer than five tokens.
extern "C" void minhash(const unsigned char* text, std::size_t length, std::uint32_t* out) {
  std::uint64_t a[values], b[values], recent[width] = {};
  for (int i = 0; i < values; ++i) {
    a[i] = mix(2 * i + 1) | 1;
    b[i] = mix(2 * i + 2);
    out[i] = UINT32_MAX;
  }
  std::size_t tokens = 0;
  for (std::size_t at = 0; at < length;) {
    if (std::isspace(text[at])) { ++at; continue; }
    std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
    const std::size_t start = at;
    do hash = (hash ^ text[at++]) * 0x100000001b3ULL;
    while (word(text[start]) && at < length && word(text[at]));
    recent[tokens++ % width] = hash;
    if (tokens < width) continue;
    std::uint64_t shingle = 0;
    for (std::size_t i = 0; i < width; ++i) shingle = mix(shingle ^ recent[(tokens + i) % width]);
    for (int i = 0; i < values; ++i) {
      const auto value = static_cast<std::uint32_t>((a[i] * shingle + b[i]) >> 32);
      if (value < out[i]) out[i] = value;
    }
  }
}
