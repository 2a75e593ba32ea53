// A lane's text: characters split over tokens, bytes that are no UTF-8, stop strings, and which text the draft wrote.
#include <doctest/doctest.h>

#include <random>

#include "engine/lane_text.h"

using namespace octet;

namespace {

using Spans = std::vector<std::pair<std::string, bool>>;

constexpr const char* kReplacement = "\xEF\xBF\xBD";

Spans pairs(const std::vector<TextSpan>& spans) {
  Spans pairs;
  for (const TextSpan& span : spans) pairs.emplace_back(span.text, span.accepted);
  return pairs;
}

std::string joined(const std::vector<TextSpan>& spans) {
  std::string text;
  for (const TextSpan& span : spans) text += span.text;
  return text;
}

/// A lane that is given its tokens one per step.
struct Typist {
  std::vector<std::string> stop;
  LaneText lane{stop};
  bool stopped = false;

  explicit Typist(std::vector<std::string> stop = {}) : stop(std::move(stop)) {}
  Typist(const Typist&) = delete;

  std::string type(std::string_view bytes) {
    stopped = lane.append(bytes, false);
    return joined(lane.take());
  }
  std::string finish() { return joined(lane.finish()); }
};

}  // namespace

TEST_CASE("a character split over tokens appears when it is whole") {
  Typist typist;
  CHECK(typist.type("a\xE2") == "a");
  CHECK(typist.type("\x82") == "");
  CHECK(typist.type("\xAC" "b\xF0\x9F") == "€b");
  CHECK(typist.type("\x99\x82") == "🙂");
  CHECK(typist.finish() == "");
  CHECK(typist.lane.text() == "a€b🙂");
}

TEST_CASE("bytes that are no UTF-8 become U+FFFD, one each") {
  const std::string r = kReplacement;
  SUBCASE("a byte that starts nothing") {
    Typist typist;
    CHECK(typist.type("a\x80" "b\xFF") == "a" + r + "b" + r);
  }
  SUBCASE("a character that breaks off") {
    Typist typist;
    CHECK(typist.type("\xE2\x82") == "");
    CHECK(typist.type("x") == r + r + "x");
  }
  SUBCASE("a character that the end of the lane breaks off") {
    Typist typist;
    CHECK(typist.type("x\xF0\x9F\x99") == "x");
    CHECK(typist.finish() == r + r + r);
  }
  SUBCASE("overlong, surrogate, beyond U+10FFFF") {
    Typist typist;
    CHECK(typist.type("\xC0\xAF|\xED\xA0\x80|\xF4\x90\x80\x80|\xE0\x80\x80") ==
          r + r + "|" + r + r + r + "|" + r + r + r + r + "|" + r + r + r);
    CHECK(typist.type("\xF5\x80\x80\x80|\xF0\x80\x80\x80|") == r + r + r + r + "|" + r + r + r + r + "|");
  }
}

TEST_CASE("a stop string ends the text before it and takes no more") {
  SUBCASE("within one token") {
    Typist typist({"\n\n"});
    CHECK(typist.type("a;\n\nb") == "a;");
    CHECK(typist.stopped);
    CHECK(typist.type("more") == "");
    CHECK(typist.stopped);
    CHECK(typist.finish() == "");
    CHECK(typist.lane.text() == "a;");
  }
  SUBCASE("split over tokens") {
    Typist typist({"END."});
    CHECK(typist.type("the E") == "the ");
    CHECK(typist.type("ND") == "");
    CHECK_FALSE(typist.stopped);
    CHECK(typist.type(". x") == "");
    CHECK(typist.stopped);
    CHECK(typist.lane.text() == "the ");
  }
  SUBCASE("at the very start") {
    Typist typist({"ab"});
    CHECK(typist.type("abc") == "");
    CHECK(typist.stopped);
    CHECK(typist.finish() == "");
  }
  SUBCASE("one a prefix of another: the shorter is complete first") {
    Typist typist({"```ts", "```"});
    CHECK(typist.type("x```ts") == "x");
    CHECK(typist.stopped);
  }
  SUBCASE("one within another: the first to be complete, whether in one token or in several") {
    Typist at_once({"abcd", "c"}), split({"abcd", "c"});
    CHECK(at_once.type("abcd") == "ab");
    CHECK(split.type("ab") == "");
    CHECK(split.type("cd") == "ab");
  }
  SUBCASE("two that are complete with the same byte: the text ends before the longer") {
    Typist typist({"b!", "ab!"});
    CHECK(typist.type("xab!") == "x");
  }
  SUBCASE("overlapping itself") {
    Typist typist({"aab"});
    CHECK(typist.type("aa") == "");
    CHECK(typist.type("a") == "a");
    CHECK(typist.type("ab") == "a");
    CHECK(typist.stopped);
    CHECK(typist.lane.text() == "aa");
  }
  SUBCASE("in the middle of characters") {
    Typist typist({"é"});
    CHECK(typist.type("\xC3") == "");
    CHECK(typist.type("\xA8\xC3") == "è");
    CHECK(typist.type("\xA9") == "");
    CHECK(typist.stopped);
  }
  SUBCASE("that begins within a character") {
    Typist typist({"\xA9!"});
    CHECK(typist.type("a\xC3\xA9") == "a");
    CHECK(typist.type("!") == "");
    CHECK(typist.stopped);
    CHECK(typist.finish() == kReplacement);
  }
}

TEST_CASE("text held back for a stop string comes when the string does not") {
  Typist typist({"</code>", "<!--"});
  CHECK(typist.type("a</") == "a");
  CHECK(typist.type("co") == "");
  CHECK(typist.type("re") == "</core");
  CHECK(typist.type("<") == "");
  CHECK(typist.type("<") == "<");
  CHECK(typist.type("!-") == "");
  CHECK(typist.finish() == "<!-");
  CHECK(typist.lane.text() == "a</core<<!-");
}

TEST_CASE("spans say which text the draft wrote; a split character is its first token's") {
  const std::vector<std::string> stop = {"zz"};
  LaneText lane(stop);
  lane.append("ab", true);
  lane.append("c\xC3", true);
  lane.append("\xA9" "d", false);
  CHECK(pairs(lane.take()) == Spans{{"abcé", true}, {"d", false}});
  lane.append("z", true);
  CHECK(lane.take().empty());
  lane.append("y", false);
  CHECK(pairs(lane.take()) == Spans{{"z", true}, {"y", false}});
  lane.append("\xC3", true);
  CHECK(pairs(lane.finish()) == Spans{{kReplacement, true}});
}

TEST_CASE("a token without bytes changes nothing") {
  Typist typist({"x"});
  CHECK(typist.type("") == "");
  CHECK(typist.finish() == "");
  CHECK(typist.lane.take().empty());
}

namespace {

struct Expected {
  std::string text;
  std::vector<bool> accepted;  // for each byte of text
  bool stopped = false;
};

/// What a lane must have written, from all its bytes at once.
Expected reference(const std::string& bytes, const std::vector<bool>& accepted, const std::vector<std::string>& stop) {
  Expected expected;
  std::size_t end = bytes.size();
  for (std::size_t n = 1; n <= bytes.size() && !expected.stopped; ++n)
    for (const std::string& s : stop)
      if (std::string_view(bytes).substr(0, n).ends_with(s)) {
        end = expected.stopped ? std::min(end, n - s.size()) : n - s.size();
        expected.stopped = true;
      }
  for (std::size_t at = 0; at < end;) {
    const auto lead = static_cast<unsigned char>(bytes[at]);
    const std::size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    bool valid = length > 0 && at + length <= end;
    char32_t code = length == 1 ? lead : lead & (0x7Fu >> length);
    for (std::size_t i = 1; valid && i < length; ++i) {
      const auto next = static_cast<unsigned char>(bytes[at + i]);
      valid = next >> 6 == 2;
      code = code << 6 | (next & 0x3Fu);
    }
    constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    valid = valid && code >= kSmallest[length] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
    const std::string character = valid ? bytes.substr(at, length) : kReplacement;
    expected.text += character;
    expected.accepted.insert(expected.accepted.end(), character.size(), accepted[at]);
    at += valid ? length : 1;
  }
  return expected;
}

}  // namespace

TEST_CASE("whatever the tokens, spans joined are the text, and the text is what the bytes say") {
  std::mt19937 random(7);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::vector<std::string> pieces = {"a", "b", "ab", "aab", "c",    "é",    "\xC3", "\xA9",
                                           "€", "🙂", "\xE2\x82", "\xF0", "\x9F", "\xED\xA0\x80"};
  const std::vector<std::string> stops = {"aab", "ab", "bab", "é", "€a", "cc", "abab", "🙂🙂", "caca"};
  int ended = 0;
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::string> stop;
    for (std::size_t i = below(4); i > 0; --i) stop.push_back(stops[below(stops.size())]);
    LaneText lane(stop);
    std::string bytes, text;
    std::vector<bool> accepted, heard;
    bool stopped = false;
    const auto hear = [&](const std::vector<TextSpan>& spans) {
      for (std::size_t i = 0; i < spans.size(); ++i) {
        if (spans[i].text.empty() || (i > 0 && spans[i].accepted == spans[i - 1].accepted)) FAIL("a needless span");
        text += spans[i].text;
        heard.insert(heard.end(), spans[i].text.size(), spans[i].accepted);
      }
      REQUIRE(text == lane.text());
    };
    for (std::size_t tokens = below(12); tokens > 0 && !stopped; --tokens) {
      std::string token;
      for (std::size_t n = below(4); n > 0; --n) token += pieces[below(pieces.size())];
      const bool flag = below(2) == 0;
      bytes += token;
      accepted.insert(accepted.end(), token.size(), flag);
      stopped = lane.append(token, flag);
      if (below(2) == 0) hear(lane.take());
    }
    const Expected expected = reference(bytes, accepted, stop);
    REQUIRE(stopped == expected.stopped);
    if (!expected.text.starts_with(text)) FAIL("text was shown that the lane does not have");
    hear(lane.finish());
    CAPTURE(bytes);
    CAPTURE(stop);
    REQUIRE(text == expected.text);
    REQUIRE(heard == expected.accepted);
    ended += stopped;
  }
  CHECK(ended > 1000);
}
