// Token healing, after Microsoft's guidance (Lundberg, "The art of prompt design: prompt boundaries and token healing", 2023).
//
// A vocabulary cuts "return" into one token, but "re", where the cursor stands within the word, into another, behind which a model
// has hardly ever read "turn". So the tokens at the text's end that the vocabulary may join to what follows, the *lead*, are taken
// off the prompt. At the i-th token of the lead a lane may write that token, or any that begins with all that is left of the lead's
// text; the model's probabilities decide among these alone. With such a token the lane has left the lead and goes on freely. Other
// ways to cut the lead's text are left out, so this is nearly, not exactly, the model's distribution over texts that begin with it.
//
// The lanes' first tokens need no steps of their own: the model's logits at all places of the lead come from one pass over the
// prompt's last tokens, and what a lane draws from them is the host's to decide.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/distribution.h"
#include "engine/token_index.h"

namespace octet {

/// A text's tokens, apart from those that are to be asked anew.
struct HealedText {
  std::vector<Token> tokens;
  std::vector<Token> lead;  ///< At most kMostLeadTokens; empty where the text is given as it stands.
};

constexpr int kMostLeadTokens = 4;

/// The lead is the blank (space or tab) at the text's end; else the tokens of the word at its end (letters, digits, "_" and whatever
/// is not ASCII), as many as are allowed, with what the vocabulary joins to the word's beginning; else the last token. Behind the
/// end of a line, where models are at home, there is none, and a text of which nothing would be left keeps it all. `begin`: see
/// Vocabulary::tokenize.
HealedText heal(const Vocabulary& vocabulary, std::string_view text, bool begin);

/// The bytes of tokens, one after the other.
std::string bytes_of(const Vocabulary& vocabulary, std::span<const Token> tokens);

/// What the lanes of a request may begin with, and how they draw it.
class LeadSampler {
 public:
  /// `lead` is not empty. `logits`: [lead.size()][vocabulary], of what follows the prompt, its lead's first token, and so on; NaN or
  /// no finite one among what may be drawn throws as Warper does.
  LeadSampler(const Vocabulary& vocabulary, const TokenIndex& index, std::span<const Token> lead, std::span<const float> logits,
              const Sampling& sampling);

  /// The first tokens of a lane of a prompt of `prompt_tokens`, lead excluded: one to lead.size(), all but the last the lead's own.
  /// Log-probabilities are under the unwarped distribution over what may stand there. Draws by Use::kTarget.
  std::vector<EmittedToken> draw(std::uint32_t stream, int prompt_tokens) const;

 private:
  struct Place {
    Token lead;
    std::vector<EmittedToken> allowed;  // ascending
    Distribution distribution;          // over their indices
  };
  std::uint64_t seed_;
  std::vector<Place> places_;
};

}  // namespace octet
