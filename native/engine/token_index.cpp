#include "engine/token_index.h"

#include <algorithm>

namespace octet {

TokenIndex::TokenIndex(const Vocabulary& vocabulary, int size) : vocabulary_(vocabulary) {
  for (Token token = 0; token < size; ++token)
    if (!vocabulary.bytes(token).empty() && !vocabulary.is_end(token)) by_bytes_.push_back(token);
  std::sort(by_bytes_.begin(), by_bytes_.end(), [&](Token a, Token b) { return vocabulary.bytes(a) < vocabulary.bytes(b); });
}

std::vector<Token> TokenIndex::beginning_with(std::string_view text) const {
  const auto begins_before = [&](Token token, std::string_view wanted) { return vocabulary_.bytes(token).substr(0, wanted.size()) < wanted; };
  const auto begins_behind = [&](std::string_view wanted, Token token) { return wanted < vocabulary_.bytes(token).substr(0, wanted.size()); };
  const auto first = std::lower_bound(by_bytes_.begin(), by_bytes_.end(), text, begins_before);
  std::vector<Token> found(first, std::upper_bound(first, by_bytes_.end(), text, begins_behind));
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace octet
