// Text to tokens and back, as the model's own file declares it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtimes/runtime.h"

namespace octet {

/// Fill-in-the-middle markers, where the model has them.
struct FimTokens {
  Token prefix = -1, suffix = -1, middle = -1;  ///< All three or none (see Vocabulary::fim).
  Token pad = -1, repository = -1, separator = -1;  ///< -1 where absent.
};

class Vocabulary {
 public:
  virtual ~Vocabulary() = default;

  virtual int size() const = 0;

  /// `special`: text such as "<|endoftext|>" becomes the control token. Never set for a user's code.
  /// The model's own beginning-of-text token comes first where it wants one and `begin` is set.
  virtual std::vector<Token> tokenize(std::string_view text, bool begin, bool special) const = 0;

  /// The token's bytes; not necessarily whole UTF-8 characters; empty for control tokens. Valid as long as this.
  virtual std::string_view bytes(Token token) const = 0;

  /// End of text or of turn, a fill-in-the-middle marker, or any other control token, such as what opens a turn of a chat, behind
  /// which another text would begin: generation stops here.
  virtual bool is_end(Token token) const = 0;
  virtual const std::optional<FimTokens>& fim() const = 0;
};

}  // namespace octet
