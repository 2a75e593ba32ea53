#include "engine/lookup.h"

#include <algorithm>
#include <utility>

namespace octet {
namespace {

// A text in two parts, the second behind the first.
struct TwoParts {
  std::span<const Token> first, second;
  int size() const { return static_cast<int>(first.size() + second.size()); }
  Token operator[](int i) const {
    const auto at = static_cast<std::size_t>(i);
    return at < first.size() ? first[at] : second[at - first.size()];
  }
};

// The longest match of a text's end, of the places that were tried the first.
class LongestMatch {
 public:
  explicit LongestMatch(const TwoParts& end) : end_(end) {}

  int length() const { return length_; }
  bool is_longest() const { return length_ == kLongestMatch; }
  const TwoParts& text() const { return text_; }
  int next() const { return next_; }  // in text(): the first token behind the match

  /// `at`: where the end's last token stands in `text`, something behind it.
  void try_place(const TwoParts& text, int at) {
    const int most = std::min({at + 1, end_.size(), kLongestMatch});
    if (length_ >= most || text[at - length_] != end_[end_.size() - 1 - length_]) return;
    int length = 1;
    while (length < most && text[at - length] == end_[end_.size() - 1 - length]) ++length;
    if (length <= length_) return;
    length_ = length;
    text_ = text;
    next_ = at + 1;
  }

  /// In `part`, which stands in `text` from `offset` on, from its end back to `first`.
  void try_places(const TwoParts& text, const IndexedText& part, int offset, int first = 0) {
    int left = kMostPlaces;
    for (int at = part.latest(end_[end_.size() - 1]); at >= first && left > 0 && !is_longest(); at = part.earlier(at), --left)
      if (offset + at + 1 < text.size()) try_place(text, offset + at);
  }

 private:
  TwoParts end_, text_;
  int length_ = 0, next_ = 0;
};

// Where the text before the cursor ends: at the prompt's end, or at the marker of what follows the cursor (<prefix> before <suffix> behind <middle>).
std::size_t cursor_of(std::span<const Token> prompt, const Vocabulary& vocabulary) {
  const auto& fim = vocabulary.fim();
  if (!fim || prompt.back() != fim->middle) return prompt.size();
  const auto marker = std::find(prompt.rbegin(), prompt.rend(), fim->suffix);
  return marker == prompt.rend() ? prompt.size() : static_cast<std::size_t>(prompt.rend() - marker) - 1;
}

}  // namespace

void IndexedText::append(Token token) {
  const int at = size();
  const auto [latest, is_first] = latest_.try_emplace(token, at);
  earlier_.push_back(is_first ? -1 : std::exchange(latest->second, at));
  tokens_.push_back(token);
}

int IndexedText::latest(Token token) const {
  const auto latest = latest_.find(token);
  return latest == latest_.end() ? -1 : latest->second;
}

void RecentTexts::add(std::span<const Token> before, std::span<const Token> written) {
  if (written.empty() || written.size() > kMostTokens) return;
  const auto end = before.last(std::min<std::size_t>(before.size(), kLongestMatch));
  Text& text = texts_.emplace_back(Text{.text = IndexedText(end), .written = static_cast<int>(end.size())});
  for (const Token token : written) text.text.append(token);
  for (tokens_ += text.text.tokens().size(); tokens_ > kMostTokens && texts_.size() > 1; texts_.pop_front())
    tokens_ -= texts_.front().text.tokens().size();
}

Lookup::Lookup(std::span<const Token> prompt, int lanes, const RecentTexts& recent, const Vocabulary& vocabulary)
    : written_(static_cast<std::size_t>(lanes)), recent_(recent) {
  const std::size_t cursor = cursor_of(prompt, vocabulary);
  std::vector<Token> piece;
  for (std::size_t at = 0; at <= prompt.size(); ++at) {
    if (at < prompt.size() && !vocabulary.bytes(prompt[at]).empty()) {
      piece.push_back(prompt[at]);
      continue;
    }
    if (at == cursor)
      before_ = IndexedText(piece);
    else if (!piece.empty())
      others_.emplace_back(piece);
    piece.clear();
  }
}

Found Lookup::find(int lane, int most) const {
  const TwoParts own{before(), written(lane)};
  if (own.size() == 0) return {};
  LongestMatch match(own);
  match.try_places(own, written_[static_cast<std::size_t>(lane)], before_.size());
  match.try_places(own, before_, 0);
  const int in_own = match.length();
  for (auto other = others_.rbegin(); other != others_.rend(); ++other) match.try_places({{}, other->tokens()}, *other, 0);
  const auto end = before().last(static_cast<std::size_t>(std::min(before_.size(), kLongestMatch)));
  for (int sibling = 0; sibling < static_cast<int>(written_.size()); ++sibling) {
    if (sibling == lane || written(sibling).empty()) continue;
    const TwoParts text{end, written(sibling)};
    match.try_places(text, written_[static_cast<std::size_t>(sibling)], static_cast<int>(end.size()));
    if (!end.empty() && end.back() == own[own.size() - 1]) match.try_place(text, static_cast<int>(end.size()) - 1);
  }
  for (auto recent = recent_.texts().rbegin(); recent != recent_.texts().rend(); ++recent)
    match.try_places({{}, recent->text.tokens()}, recent->text, 0, std::max(0, recent->written - 1));

  Found found{.tokens = {}, .match = match.length()};
  if (match.length() == 0) return found;
  const TwoParts& text = match.text();
  const bool is_own = match.length() == in_own;
  for (int i = match.next(); static_cast<int>(found.tokens.size()) < most; ++i) {
    if (i >= text.size() && !is_own) break;
    // Its own text repeats itself: it goes on with what stands behind the match.
    const Token token = i < text.size() ? text[i] : found.tokens[found.tokens.size() - static_cast<std::size_t>(text.size() - match.next())];
    found.tokens.push_back(token);
  }
  return found;
}

}  // namespace octet
