// The vocabulary by its tokens' bytes: which tokens begin with a text.
#pragma once

#include <string_view>
#include <vector>

#include "runtimes/vocabulary.h"

namespace octet {

class TokenIndex {
 public:
  /// Of the vocabulary's first `size` tokens, without those that have no bytes or end a text. Looks at all of them and
  /// sorts them. The vocabulary outlives this.
  TokenIndex(const Vocabulary& vocabulary, int size);

  /// Tokens whose bytes are `text` or begin with it, ascending by id.
  std::vector<Token> beginning_with(std::string_view text) const;

 private:
  const Vocabulary& vocabulary_;
  int size_;
  std::vector<Token> by_bytes_;
};

}  // namespace octet
