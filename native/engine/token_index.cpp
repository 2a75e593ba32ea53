#include "engine/token_index.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>

namespace octet {
namespace {

// The first eight bytes as a number: where two differ, they order as the texts do.
std::uint64_t beginning_of(std::string_view text) {
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < sizeof key; ++i) key = key << 8 | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0);
  return key;
}

// Marked and read off in order: a third of a large vocabulary may begin with a blank, and sorting so many takes longer than drawing.
std::vector<Token> ascending(std::span<const Token> tokens, int size) {
  constexpr std::size_t kBits = 64;
  std::vector<std::uint64_t> marks(static_cast<std::size_t>(size) / kBits + 1);
  for (const Token token : tokens) marks[static_cast<std::size_t>(token) / kBits] |= std::uint64_t{1} << (static_cast<std::size_t>(token) % kBits);
  std::vector<Token> sorted;
  sorted.reserve(tokens.size());
  for (std::size_t word = 0; word < marks.size(); ++word)
    for (std::uint64_t left = marks[word]; left != 0; left &= left - 1) sorted.push_back(static_cast<Token>(word * kBits) + std::countr_zero(left));
  return sorted;
}

}  // namespace

TokenIndex::TokenIndex(const Vocabulary& vocabulary, int size) : vocabulary_(vocabulary), size_(size) {
  struct Entry {
    std::uint64_t beginning;
    Token token;
  };
  std::vector<Entry> entries;
  entries.reserve(static_cast<std::size_t>(size));
  for (Token token = 0; token < size; ++token)
    if (const std::string_view bytes = vocabulary.bytes(token); !bytes.empty() && !vocabulary.is_end(token)) entries.push_back({beginning_of(bytes), token});
  std::sort(entries.begin(), entries.end(), [&](const Entry& a, const Entry& b) {
    return a.beginning != b.beginning ? a.beginning < b.beginning : vocabulary.bytes(a.token) < vocabulary.bytes(b.token);
  });
  by_bytes_.reserve(entries.size());
  for (const Entry& entry : entries) by_bytes_.push_back(entry.token);
}

std::vector<Token> TokenIndex::beginning_with(std::string_view text) const {
  const auto begins_before = [&](Token token, std::string_view wanted) { return vocabulary_.bytes(token).substr(0, wanted.size()) < wanted; };
  const auto begins_behind = [&](std::string_view wanted, Token token) { return wanted < vocabulary_.bytes(token).substr(0, wanted.size()); };
  const auto first = std::lower_bound(by_bytes_.begin(), by_bytes_.end(), text, begins_before);
  return ascending({first, std::upper_bound(first, by_bytes_.end(), text, begins_behind)}, size_);
}

}  // namespace octet
