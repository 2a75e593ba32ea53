// Drafts that are looked up: which match is taken, and what follows it.
#include <doctest/doctest.h>

#include "engine/lookup.h"
#include "toy_vocabulary.h"

using namespace octet;
using namespace octet::test;

namespace {

constexpr Token kPrefix = 60, kSuffix = 61, kMiddle = 62;

// Token 0 and the markers have no bytes.
const ToyVocabulary& letters() {
  static const ToyVocabulary vocabulary([] {
    std::vector<std::string> texts{"<end>"};
    for (int i = 1; i < 64; ++i) texts.push_back(i < kPrefix || i > kMiddle ? std::string(1, static_cast<char>('A' + i)) : "");
    return texts;
  }(), false, FimTokens{.prefix = kPrefix, .suffix = kSuffix, .middle = kMiddle});
  return vocabulary;
}

struct Texts {
  explicit Texts(std::vector<Token> prompt, int lanes = 2) : prompt(std::move(prompt)), lookup(this->prompt, lanes, recent, letters()) {}
  void write(int lane, const std::vector<Token>& tokens) {
    for (const Token token : tokens) lookup.append(lane, token);
  }
  Found find(int most = 4, int lane = 0) const { return lookup.find(lane, most); }

  RecentTexts recent;
  std::vector<Token> prompt;
  Lookup lookup;
};

std::vector<Token> joined(std::vector<Token> a, const std::vector<Token>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

TEST_CASE("a lookup finds what followed the prompt's last tokens where they stood before") {
  const Found found = Texts({1, 2, 3, 4, 5, 6, 9, 2, 3}).find();
  CHECK(found.match == 2);
  CHECK(found.tokens == std::vector<Token>{4, 5, 6, 9});
  CHECK(Texts({1, 2, 3, 4, 5, 6, 9, 2, 3}).find(2).tokens == std::vector<Token>{4, 5});
  CHECK(Texts({1, 2, 3, 4, 5, 6, 9, 2, 3}).find(0).tokens.empty());
}

TEST_CASE("a lookup finds nothing for a token that stood nowhere before") {
  for (const auto& prompt : {std::vector<Token>{7}, {1, 2, 3}}) {
    const Found found = Texts(prompt).find();
    CHECK(found.match == 0);
    CHECK(found.tokens.empty());
  }
  Texts texts({1, 2, 3});
  texts.write(0, {9});
  CHECK(texts.find().tokens.empty());
}

TEST_CASE("a lookup prefers the longest match, and of equally long ones the latest") {
  CHECK(Texts({1, 2, 3, 4, 8, 2, 3, 5, 9, 1, 2, 3}).find(1).tokens == std::vector<Token>{4});  // 1 2 3, though 2 3 is later
  CHECK(Texts({1, 2, 3, 4, 8, 2, 3, 5, 9, 7, 2, 3}).find(1).tokens == std::vector<Token>{5});
}

TEST_CASE("a lookup goes from the prompt into what the lane wrote") {
  Texts texts({1, 2, 3, 4, 5, 8, 1});
  texts.write(0, {2, 3});
  CHECK(texts.find().match == 3);
  CHECK(texts.find().tokens == std::vector<Token>{4, 5, 8, 1});
  CHECK(texts.find(8).tokens == std::vector<Token>{4, 5, 8, 1, 2, 3, 4, 5});  // and on, as if it had been written
  CHECK(texts.find(4, 1).tokens == std::vector<Token>{2, 3});                 // the other lane wrote nothing: its sibling is ahead
}

TEST_CASE("a text that repeats itself goes on repeating itself") {
  Texts texts({1, 9});
  texts.write(0, {5, 6, 7, 5, 6, 7});
  CHECK(texts.find(7).match == 3);
  CHECK(texts.find(7).tokens == std::vector<Token>{5, 6, 7, 5, 6, 7, 5});
  Texts same({4, 4, 4});
  CHECK(same.find(5).tokens == std::vector<Token>(5, 4));
}

TEST_CASE("a lookup finds what a sibling wrote behind the same text, and no more than that") {
  Texts texts({1, 2, 3});
  texts.write(1, {30, 31, 32});
  CHECK(texts.find().match == 3);
  CHECK(texts.find().tokens == std::vector<Token>{30, 31, 32});
  texts.write(0, {30});
  CHECK(texts.find().match == 4);
  CHECK(texts.find().tokens == std::vector<Token>{31, 32});
  CHECK(texts.find(4, 1).tokens.empty());
}

TEST_CASE("a lookup prefers a longer match in a sibling's text to a shorter one in its own") {
  Texts texts({1, 2, 40, 3, 2});
  CHECK(texts.find(1).tokens == std::vector<Token>{40});
  texts.write(1, {41});
  CHECK(texts.find(1).tokens == std::vector<Token>{41});
}

TEST_CASE("a lookup finds completions of requests before, the latest first") {
  Texts texts({1, 2, 3});
  const std::vector<Token> before{8, 2, 3};
  texts.recent.add(before, std::vector<Token>{50, 51});
  CHECK(texts.find().match == 2);
  CHECK(texts.find().tokens == std::vector<Token>{50, 51});
  texts.recent.add(before, std::vector<Token>{52});
  CHECK(texts.find().tokens == std::vector<Token>{52});
  texts.write(0, {50});
  CHECK(texts.find().tokens == std::vector<Token>{51});
}

TEST_CASE("of an earlier request's prompt nothing is proposed") {
  Texts texts({1, 2, 3});
  texts.recent.add(std::vector<Token>{1, 2, 3, 20, 21}, std::vector<Token>{22, 23});
  CHECK(texts.find().tokens.empty());
  Texts within({1, 2, 20});  // all but the earlier prompt's last token
  within.recent.add(std::vector<Token>{1, 2, 20, 21}, std::vector<Token>{22, 23});
  CHECK(within.find().tokens.empty());
}

TEST_CASE("completions of before are kept up to a number of tokens, and none that is longer than all together") {
  RecentTexts recent;
  const std::vector<Token> prompt(40, 1), text(1000, 2);
  for (int i = 0; i < 20; ++i) recent.add(prompt, text);
  std::size_t tokens = 0;
  for (const auto& kept : recent.texts()) {
    tokens += kept.text.tokens().size();
    CHECK(kept.written == kLongestMatch);
  }
  CHECK(recent.texts().size() == 8);
  CHECK(tokens <= 8192);
  const std::size_t before = recent.texts().size();
  recent.add(prompt, {});
  recent.add(prompt, std::vector<Token>(9000, 3));
  CHECK(recent.texts().size() == before);
  recent.add(prompt, std::vector<Token>(8190, 4));  // with what stood before it, more than all may have
  CHECK(recent.texts().size() == 1);
}

TEST_CASE("more than the longest match is not compared") {
  std::vector<Token> same(40);
  for (int i = 0; i < 40; ++i) same[static_cast<std::size_t>(i)] = i + 1;
  const Found found = Texts(joined(joined(same, {50, 51}), same)).find(2);
  CHECK(found.match == kLongestMatch);
  CHECK(found.tokens == std::vector<Token>{50, 51});
}

TEST_CASE("of a token that stands everywhere only the last places are looked at") {
  for (const int between : {kMostPlaces - 2, kMostPlaces}) {
    std::vector<Token> prompt{5, 9, 20};
    for (int i = 0; i < between; ++i) prompt = joined(std::move(prompt), {6, 9});
    const Found found = Texts(joined(std::move(prompt), {5, 9})).find(1);
    CHECK(found.match == (between < kMostPlaces ? 2 : 1));
    CHECK(found.tokens == std::vector<Token>{between < kMostPlaces ? 20 : 5});
  }
}

TEST_CASE("with what follows the cursor in the prompt, a lane continues what stands before the cursor") {
  // 7 8 1 2 | 9 1 2 5 6
  Texts texts({kPrefix, 7, 8, 1, 2, kSuffix, 9, 1, 2, 5, 6, kMiddle});
  CHECK(texts.find().match == 2);
  CHECK(texts.find().tokens == std::vector<Token>{5, 6});  // which stand behind the cursor
  texts.write(1, {30, 31});
  CHECK(texts.find().match == 4);
  CHECK(texts.find().tokens == std::vector<Token>{30, 31});
  texts.write(0, {7, 8});
  CHECK(texts.find().match == 2);
  CHECK(texts.find().tokens == std::vector<Token>{1, 2, 7, 8});  // from before the cursor into what was written, not into the marker
  CHECK(std::vector<Token>(texts.lookup.before().begin(), texts.lookup.before().end()) == std::vector<Token>{7, 8, 1, 2});
}

TEST_CASE("a completion at an earlier place of the cursor is found by the text before it, not by what follows the cursor") {
  Texts texts({kPrefix, 1, 2, 3, 4, kSuffix, 20, 21, 22, kMiddle});
  const Lookup before(std::vector<Token>{kPrefix, 1, 2, kSuffix, 20, 21, 22, kMiddle}, 1, texts.recent, letters());
  texts.recent.add(before.before(), std::vector<Token>{3, 4, 5, 6});  // of which 3 4 has been typed
  CHECK(texts.find().match == 4);
  CHECK(texts.find().tokens == std::vector<Token>{5, 6});
}

TEST_CASE("nothing is found where nothing stands before the cursor, until something is written") {
  for (const auto& prompt : {std::vector<Token>{kPrefix, kSuffix, 1, 2, 3, kMiddle}, {1, 2, 3, 0}, {0}, {1, 2, 3, kMiddle}}) {
    Texts texts(prompt);
    texts.write(1, {2});
    CHECK(texts.lookup.before().empty());
    CHECK(texts.find().tokens.empty());
    texts.write(0, {2});
    CHECK(texts.find().tokens == (prompt.size() > 1 ? std::vector<Token>{3} : std::vector<Token>{}));
  }
}

TEST_CASE("other files of a prompt are looked at, each by itself") {
  Texts texts({1, 2, 3, 0, 4, 5, 0, 9, 2});
  CHECK(texts.find().tokens == std::vector<Token>{3});
  CHECK(Texts({1, 2, 3, 0, 4, 5, 0, 9, 3}).find().tokens.empty());
  CHECK(Texts({1, 2, 0, 4, 2, 7, 0, 1, 2, 8, 0, 1, 2}).find(1).tokens == std::vector<Token>{8});  // the longest, then the latest
}

TEST_CASE("tokens without bytes of the prompt, its frame, are not proposed; a completion's end is") {
  CHECK(Texts({1, 2, 3, 0, 5, 1, 2}).find().tokens == std::vector<Token>{3});
  CHECK(Texts({1, 2, 0, 5, 1, 2}).find().tokens.empty());
  Texts texts({1, 2, 3});
  texts.write(1, {30, 0});
  CHECK(texts.find().tokens == std::vector<Token>{30, 0});
  Texts own({1, 2});
  own.write(0, {0, 1, 2});
  CHECK(own.find().tokens == std::vector<Token>{0, 1, 2, 0});
}

TEST_CASE("a lookup agrees with the plain search through every place") {
  unsigned seed = 1;
  const auto random = [&](int below) { return static_cast<int>((seed = seed * 1664525u + 1013904223u) >> 8) % below; };
  for (int round = 0; round < 300; ++round) {
    std::vector<Token> prompt(static_cast<std::size_t>(1 + random(60)));
    for (Token& token : prompt) token = 1 + random(3);
    Texts texts(prompt, 1);
    std::vector<Token> own = prompt, written(static_cast<std::size_t>(random(30)));
    for (Token& token : written) own.push_back(token = 1 + random(3));
    texts.write(0, written);
    int longest = 0;
    std::size_t next = 0;
    for (std::size_t end = own.size() - 1; end >= 1; --end) {  // of the earlier text
      int match = 0;
      while (match < kLongestMatch && match < static_cast<int>(end) && own[end - 1 - static_cast<std::size_t>(match)] == own[own.size() - 1 - static_cast<std::size_t>(match)]) ++match;
      if (match > longest) longest = match, next = end;
    }
    const Found found = texts.find(3);
    REQUIRE(found.match == longest);
    for (std::size_t i = 0; longest > 0 && i < 3; ++i) {
      REQUIRE(found.tokens[i] == own[next + i]);
      own.push_back(own[next + i]);
    }
  }
}
