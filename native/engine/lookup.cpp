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

void RecentTexts::add(std::span<const Token> prompt, std::span<const Token> written) {
  if (written.empty() || written.size() > kMostTokens) return;
  const auto before = prompt.last(std::min<std::size_t>(prompt.size(), kLongestMatch));
  Text& text = texts_.emplace_back(Text{.text = IndexedText(before), .written = static_cast<int>(before.size())});
  for (const Token token : written) text.text.append(token);
  for (tokens_ += text.text.tokens().size(); tokens_ > kMostTokens && texts_.size() > 1; texts_.pop_front())
    tokens_ -= texts_.front().text.tokens().size();
}

Lookup::Lookup(std::span<const Token> prompt, int lanes, const RecentTexts& recent, const Vocabulary& vocabulary)
    : prompt_(prompt), written_(static_cast<std::size_t>(lanes)), recent_(recent), vocabulary_(vocabulary) {}

Found Lookup::find(int lane, int most) const {
  const TwoParts own{this->prompt(), written(lane)};
  const int prompt = prompt_.size();
  LongestMatch match(own);
  match.try_places(own, written_[static_cast<std::size_t>(lane)], prompt);
  match.try_places(own, prompt_, 0);
  const int in_own = match.length();
  const auto before = this->prompt().last(static_cast<std::size_t>(std::min(prompt, kLongestMatch)));
  for (int sibling = 0; sibling < static_cast<int>(written_.size()); ++sibling) {
    if (sibling == lane || written(sibling).empty()) continue;
    const TwoParts text{before, written(sibling)};
    match.try_places(text, written_[static_cast<std::size_t>(sibling)], static_cast<int>(before.size()));
    if (before.back() == own[own.size() - 1]) match.try_place(text, static_cast<int>(before.size()) - 1);
  }
  for (auto recent = recent_.texts().rbegin(); recent != recent_.texts().rend(); ++recent)
    match.try_places({{}, recent->text.tokens()}, recent->text, 0, recent->written - 1);

  Found found{.tokens = {}, .match = match.length()};
  if (match.length() == 0) return found;
  const TwoParts& text = match.text();
  const bool is_own = match.length() == in_own;
  for (int i = match.next(); static_cast<int>(found.tokens.size()) < most; ++i) {
    if (i >= text.size() && !is_own) break;
    // Its own text repeats itself: it goes on with what stands behind the match.
    const Token token = i < text.size() ? text[i] : found.tokens[found.tokens.size() - static_cast<std::size_t>(text.size() - match.next())];
    if (is_own && i < prompt && vocabulary_.bytes(token).empty()) break;
    found.tokens.push_back(token);
  }
  return found;
}

}  // namespace octet
