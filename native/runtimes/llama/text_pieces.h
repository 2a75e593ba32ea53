// Text cut into pieces that llama.cpp's byte-pair tokenizers can take.
#pragma once

#include <string_view>
#include <vector>

namespace octet::llama {

/// In bytes. Many pre-tokenizers are regular expressions of the C++ library, which goes as deep as a match is long: runs of letters,
/// blanks or punctuation of some 30,000 characters overflow a stack of 8 MB, and some threads have half of one.
constexpr int kLongestRun = 1024;

/// The text, cut where it has been letters, digits, blanks and line ends, or punctuation alone for kLongestRun bytes; what is not
/// ASCII may be any of these. Characters stay whole. Text as people write it is one piece.
std::vector<std::string_view> text_pieces(std::string_view text);

}  // namespace octet::llama
