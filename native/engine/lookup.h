// Drafts without a draft model: prompt lookup decoding (Saxena, 2023). What a text was followed by where it stood before is proposed to follow
// it again. It is looked for in the prompt, in what the lane wrote, in what its siblings wrote for the same prompt, and in what was written of
// late for other requests, which someone who types asks for with almost the same prompt.
#pragma once

#include <deque>
#include <span>
#include <unordered_map>
#include <vector>

#include "runtimes/vocabulary.h"

namespace octet {

constexpr int kLongestMatch = 16;  ///< More of a text than this is not compared.
constexpr int kMostPlaces = 512;   ///< Of a token in one text; earlier ones are not looked at: a look-up takes well below a millisecond.

/// Tokens, and where each of them stood before.
class IndexedText {
 public:
  IndexedText() = default;
  explicit IndexedText(std::span<const Token> tokens) {
    for (const Token token : tokens) append(token);
  }

  void append(Token token);
  int size() const { return static_cast<int>(tokens_.size()); }
  std::span<const Token> tokens() const { return tokens_; }
  int latest(Token token) const;                                                ///< Where it stands last, or -1.
  int earlier(int at) const { return earlier_[static_cast<std::size_t>(at)]; }  ///< Where the token at `at` stood last before, or -1.

 private:
  std::vector<Token> tokens_;
  std::vector<int> earlier_;  // by place
  std::unordered_map<Token, int> latest_;
};

/// Completions of ended requests, the latest last, each with the last tokens before it.
class RecentTexts {
 public:
  struct Text {
    IndexedText text;
    int written = 0;  ///< Where in it the completion begins.
  };

  /// `before`: what `written` continues.
  void add(std::span<const Token> before, std::span<const Token> written);
  const std::deque<Text>& texts() const { return texts_; }

 private:
  static constexpr std::size_t kMostTokens = 8192;
  std::deque<Text> texts_;
  std::size_t tokens_ = 0;
};

/// What may follow a lane's text.
struct Found {
  std::vector<Token> tokens;  ///< Empty: it stands nowhere else.
  int match = 0;              ///< Tokens at the end of the lane's text that stood before them there, too; at most kLongestMatch.
};

/// The texts of one request's lanes. Tokens of the prompt without bytes are its frame (fill-in-the-middle markers, file separators): its text is the
/// pieces between them, and nothing is found across. A lane continues the piece that stands before the cursor.
class Lookup {
 public:
  /// `prompt`: at least one token, all lanes'. `recent` outlives this.
  Lookup(std::span<const Token> prompt, int lanes, const RecentTexts& recent, const Vocabulary& vocabulary);

  void append(int lane, Token token) { written_[static_cast<std::size_t>(lane)].append(token); }
  std::span<const Token> before() const { return before_.tokens(); }  ///< The piece before the cursor; may be empty.
  std::span<const Token> written(int lane) const { return written_[static_cast<std::size_t>(lane)].tokens(); }

  /// Up to `most` tokens, from behind the longest match; of several, from the latest of the lane's own text, else of the prompt's other pieces,
  /// else of the siblings', else of the recent ones.
  Found find(int lane, int most) const;

 private:
  IndexedText before_;
  std::vector<IndexedText> others_;   // pieces of the prompt
  std::vector<IndexedText> written_;  // by lane
  const RecentTexts& recent_;
};

}  // namespace octet
