// A vocabulary of a few given texts, the first of which ends a text; the longest that fits comes first.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runtimes/vocabulary.h"

namespace octet::test {

class ToyVocabulary final : public Vocabulary {
 public:
  /// `blank_first`: texts get a blank before them, as by sentencepiece's vocabularies.
  explicit ToyVocabulary(std::vector<std::string> texts, bool blank_first = false, std::optional<FimTokens> fim = {})
      : texts_(std::move(texts)), blank_first_(blank_first), fim_(fim) {}

  int size() const override { return static_cast<int>(texts_.size()); }

  std::vector<Token> tokenize(std::string_view text, bool, bool) const override {
    std::string left = (blank_first_ && !text.empty() ? " " : "") + std::string(text);
    std::vector<Token> tokens;
    while (!left.empty()) {
      Token best = -1;
      for (Token token = 1; token < size(); ++token) {
        const std::string& bytes = texts_[static_cast<std::size_t>(token)];
        if (left.starts_with(bytes) && bytes.size() > (best < 0 ? 0 : texts_[static_cast<std::size_t>(best)].size())) best = token;
      }
      if (best < 0) throw std::logic_error("the toy vocabulary has no token for: " + left);
      tokens.push_back(best);
      left.erase(0, texts_[static_cast<std::size_t>(best)].size());
    }
    return tokens;
  }

  std::string_view bytes(Token token) const override {
    return token == 0 ? std::string_view() : std::string_view(texts_.at(static_cast<std::size_t>(token)));
  }
  bool is_end(Token token) const override { return token == 0; }
  const std::optional<FimTokens>& fim() const override { return fim_; }

 private:
  std::vector<std::string> texts_;
  bool blank_first_;
  std::optional<FimTokens> fim_;
};

}  // namespace octet::test
