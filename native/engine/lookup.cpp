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
    int length = 1;
    while (length < most && text[at - length] == end_[end_.size() - 1 - length]) ++length;
    if (length <= length_) return;
    length_ = length;
    text_ = text;
    next_ = at + 1;
  }

  /// From the text's end back to `first`.
  void try_places(const TwoParts& text, int first) {
    const Token last = end_[end_.size() - 1];
    for (int at = text.size() - 2; at >= first && !is_longest(); --at)
      if (text[at] == last) try_place(text, at);
  }

 private:
  TwoParts end_, text_;
  int length_ = 0, next_ = 0;
};

}  // namespace

void RecentTexts::add(std::span<const Token> prompt, std::span<const Token> written) {
  if (written.empty() || written.size() > kMostTokens) return;
  const auto before = prompt.last(std::min<std::size_t>(prompt.size(), kLongestMatch));
  Text& text = texts_.emplace_back(Text{.tokens = {before.begin(), before.end()}, .written = static_cast<int>(before.size())});
  text.tokens.insert(text.tokens.end(), written.begin(), written.end());
  for (tokens_ += text.tokens.size(); tokens_ > kMostTokens && texts_.size() > 1; texts_.pop_front()) tokens_ -= texts_.front().tokens.size();
}

Lookup::Lookup(std::span<const Token> prompt, int lanes, const RecentTexts& recent, const Vocabulary& vocabulary)
    : prompt_(prompt.begin(), prompt.end()), written_(static_cast<std::size_t>(lanes)), recent_(recent), vocabulary_(vocabulary) {
  earlier_.reserve(prompt_.size());
  for (const Token token : prompt_) {
    const int at = static_cast<int>(earlier_.size());
    const auto [latest, is_first] = latest_.try_emplace(token, at);
    earlier_.push_back(is_first ? -1 : std::exchange(latest->second, at));
  }
}

int Lookup::latest_in_prompt(int lane) const {
  if (written(lane).empty()) return earlier_.back();
  const auto latest = latest_.find(written(lane).back());
  return latest == latest_.end() ? -1 : latest->second;
}

Found Lookup::find(int lane, int most) const {
  const TwoParts own{prompt_, written(lane)};
  const int prompt = static_cast<int>(prompt_.size());
  const auto before = std::span<const Token>(prompt_).last(std::min<std::size_t>(prompt_.size(), kLongestMatch));
  LongestMatch match(own);
  match.try_places(own, prompt);
  for (int at = latest_in_prompt(lane); at >= 0 && !match.is_longest(); at = earlier_[static_cast<std::size_t>(at)]) match.try_place(own, at);
  for (int sibling = 0; sibling < static_cast<int>(written_.size()); ++sibling)
    if (sibling != lane) match.try_places({before, written(sibling)}, static_cast<int>(before.size()) - 1);
  for (auto text = recent_.texts().rbegin(); text != recent_.texts().rend(); ++text) match.try_places({{}, text->tokens}, text->written - 1);

  Found found{.tokens = {}, .match = match.length()};
  if (match.length() == 0) return found;
  const TwoParts& text = match.text();
  const bool is_own = text.first.data() == own.first.data() && text.second.data() == own.second.data();
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
