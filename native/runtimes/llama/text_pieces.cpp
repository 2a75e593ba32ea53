#include "runtimes/llama/text_pieces.h"

#include <algorithm>
#include <array>

namespace octet::llama {
namespace {

enum Kind { kLetter, kDigit, kSpace, kPunctuation, kAny };

Kind kind_of(unsigned char byte) {
  if (byte >= 0x80) return kAny;
  if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') return kLetter;
  if (byte >= '0' && byte <= '9') return kDigit;
  return byte == ' ' || (byte >= '\t' && byte <= '\r') ? kSpace : kPunctuation;
}

bool begins_character(unsigned char byte) { return (byte & 0xC0) != 0x80; }

}  // namespace

std::vector<std::string_view> text_pieces(std::string_view text) {
  constexpr int kLongestCharacter = 4;
  std::vector<std::string_view> pieces;
  std::array<int, kAny> runs{};  // up to here, of each kind
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const int longest = *std::max_element(runs.begin(), runs.end());
    if (longest >= kLongestRun && (begins_character(byte) || longest >= kLongestRun + kLongestCharacter)) {
      pieces.push_back(text.substr(start, at - start));
      start = at;
      runs = {};
    }
    const Kind kind = kind_of(byte);
    for (int run = 0; run < kAny; ++run) runs[run] = kind == kAny || kind == run ? runs[run] + 1 : 0;
  }
  if (start < text.size()) pieces.push_back(text.substr(start));
  return pieces;
}

}  // namespace octet::llama
