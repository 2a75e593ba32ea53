// Token healing without a model: what is taken off a text, which tokens may stand for it, and with which probabilities they do.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>

#include "engine/random.h"
#include "engine/token_healing.h"
#include "toy_vocabulary.h"

using namespace octet;
using namespace octet::test;

namespace {

const ToyVocabulary kWords({"<end>", " ", "   ", "\n", "\t", "(", "()", ")", "re", " re", " return", " ret", "turn", "x", " x", "_y", "\xC3\xA4", "a", "b", "c", ".", "  x", "1"});

/// Another vocabulary, for a test to change.
struct Changed : Vocabulary {
  explicit Changed(const Vocabulary& of) : of(of) {}
  int size() const override { return of.size(); }
  std::vector<Token> tokenize(std::string_view text, bool begin, bool special) const override { return of.tokenize(text, begin, special); }
  std::string_view bytes(Token token) const override { return of.bytes(token); }
  bool is_end(Token token) const override { return of.is_end(token); }
  const std::optional<FimTokens>& fim() const override { return of.fim(); }
  const Vocabulary& of;
};

std::vector<std::string> texts(const Vocabulary& vocabulary, const std::vector<Token>& tokens) {
  std::vector<std::string> all;
  for (const Token token : tokens) all.emplace_back(vocabulary.bytes(token));
  return all;
}

struct Cut {
  std::vector<std::string> tokens, lead;
  bool operator==(const Cut&) const = default;
};

Cut cut(std::string_view text, const Vocabulary& vocabulary = kWords) {
  const HealedText healed = heal(vocabulary, text, true);
  return {texts(vocabulary, healed.tokens), texts(vocabulary, healed.lead)};
}

}  // namespace

TEST_CASE("healing takes the last word with what is joined to its beginning, the blank alone, or the last token") {
  CHECK(cut("x re") == Cut{{"x"}, {" re"}});
  CHECK(cut("x(re") == Cut{{"x", "("}, {"re"}});
  CHECK(cut("x ret") == Cut{{"x"}, {" ret"}});
  CHECK(cut("x rex_y") == Cut{{"x"}, {" re", "x", "_y"}});
  CHECK(cut("x(a1") == Cut{{"x", "("}, {"a", "1"}});
  CHECK(cut("x.\xC3\xA4x") == Cut{{"x", "."}, {"\xC3\xA4", "x"}});
  CHECK(cut("x ") == Cut{{"x"}, {" "}});
  CHECK(cut("x\t") == Cut{{"x"}, {"\t"}});
  CHECK(cut("x(") == Cut{{"x"}, {"("}});
  CHECK(cut("x()") == Cut{{"x"}, {"()"}});
  CHECK(cut("x))") == Cut{{"x", ")"}, {")"}});
}

TEST_CASE("healing leaves the blanks before a word to the blanks: four of them are three and one") {
  CHECK(cut("x\n    ") == Cut{{"x", "\n", "   "}, {" "}});
  CHECK(cut("x\n    re") == Cut{{"x", "\n", "   "}, {" re"}});
}

TEST_CASE("healing takes no more than four tokens, and never all there are") {
  CHECK(cut("x abcabc") == Cut{{"x", " ", "a", "b"}, {"c", "a", "b", "c"}});
  CHECK(cut("re") == Cut{{"re"}, {}});
  CHECK(cut("abc") == Cut{{"a"}, {"b", "c"}});
  CHECK(cut("(") == Cut{{"("}, {}});
  CHECK(cut(" ") == Cut{{" "}, {}});
  CHECK(cut("\n  ") == Cut{{"\n", " "}, {" "}});
  CHECK(cut("\n   ") == Cut{{"\n"}, {"   "}});
  CHECK(cut("") == Cut{{}, {}});
}

TEST_CASE("behind a line's end nothing is healed") {
  CHECK(cut("x\n") == Cut{{"x", "\n"}, {}});
  CHECK(cut("x()\n\n") == Cut{{"x", "()", "\n", "\n"}, {}});
}

TEST_CASE("a vocabulary that puts a blank before a text heals what the text has") {
  const ToyVocabulary blanks({"<end>", " ", " x", "x", " re", "re"}, true);
  CHECK(cut("x re", blanks) == Cut{{" x"}, {" re"}});
  CHECK(cut("x", blanks) == Cut{{" x"}, {}});
  CHECK(cut("x ", blanks) == Cut{{" x"}, {" "}});  // "  " would be asked for otherwise
}

TEST_CASE("a vocabulary that opens texts with a token opens the text alone, not the blank behind it") {
  struct Opening final : Changed {
    using Changed::Changed;
    std::vector<Token> tokenize(std::string_view text, bool begin, bool special) const override {
      std::vector<Token> tokens = of.tokenize(text, begin, special);
      if (begin) tokens.insert(tokens.begin(), 0);
      return tokens;
    }
  };
  const Opening opening(kWords);
  CHECK(cut("x ", opening) == Cut{{"", "x"}, {" "}});
  CHECK(cut("x re", opening) == Cut{{"", "x"}, {" re"}});
}

TEST_CASE("what a vocabulary does not give back as it was written is not healed") {
  struct Lossy final : Changed {  // capitals become small letters, "#" a token without bytes
    using Changed::Changed;
    std::vector<Token> tokenize(std::string_view text, bool begin, bool special) const override {
      std::vector<Token> tokens;
      std::string known;
      for (const char c : std::string(text) + '#') {
        if (c != '#') known += static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
        if (c != '#') continue;
        for (const Token token : of.tokenize(known, begin, special)) tokens.push_back(token);
        tokens.push_back(0);
        known.clear();
      }
      tokens.pop_back();
      return tokens;
    }
  };
  const Lossy lossy(kWords);
  CHECK(cut("X re", lossy) == Cut{{"x"}, {" re"}});
  CHECK(cut("x RE", lossy) == Cut{{"x", " re"}, {}});
  CHECK(cut("x#####", lossy) == Cut{{"x", "", "", "", "", ""}, {}});
}

TEST_CASE("tokens by their beginning: all of them, ascending, none that ends a text or has no bytes") {
  const ToyVocabulary vocabulary({"<end>", "b", "ab", "", "a", "abc", "\xFF", "\xFF\xFF", "ac", "a\xE4"});
  const TokenIndex index(vocabulary, vocabulary.size());
  CHECK(index.beginning_with("a") == std::vector<Token>{2, 4, 5, 8, 9});
  CHECK(index.beginning_with("ab") == std::vector<Token>{2, 5});
  CHECK(index.beginning_with("abcd").empty());
  CHECK(index.beginning_with("\xFF") == std::vector<Token>{6, 7});
  CHECK(index.beginning_with("").size() == 8);
  CHECK(index.beginning_with("<").empty());
  CHECK(TokenIndex(vocabulary, 5).beginning_with("a") == std::vector<Token>{2, 4});
  struct Spelled final : Changed {  // a token that ends a text and has bytes
    using Changed::Changed;
    bool is_end(Token token) const override { return token == 8; }
  };
  const Spelled spelled(vocabulary);
  CHECK(TokenIndex(spelled, spelled.size()).beginning_with("a") == std::vector<Token>{2, 4, 5, 9});
}

TEST_CASE("tokens by their beginning, of several hundred that begin with the same bytes, hold a zero, or share eight bytes and more") {
  std::vector<std::string> texts{"<end>"};
  const std::vector<std::string> stems{" ", std::string(1, '\0'), std::string("a\0", 2), "returned", "\xE4\xBD\xA0\xE5\xA5\xBD\xE4\xB8\x96\xE7"};
  for (const std::string& stem : stems)
    for (int i = 0; i < 100; ++i) texts.push_back(stem + (i % 7 == 0 ? "" : std::to_string(i * 37 % 101)));
  const ToyVocabulary vocabulary(texts);
  const TokenIndex index(vocabulary, vocabulary.size());
  std::set<std::string> beginnings{"", "x", "a", "re", "\xE4", "returned1", "returnee"};
  beginnings.insert(texts.begin() + 1, texts.end());
  for (const std::string& beginning : beginnings) {
    std::vector<Token> expected;
    for (Token token = 1; token < vocabulary.size(); ++token)
      if (vocabulary.bytes(token).starts_with(beginning)) expected.push_back(token);
    CHECK(index.beginning_with(beginning) == expected);
  }
}

TEST_CASE("an index of many tokens reads the bytes of each once, not once for each comparison") {
  struct Counting final : Changed {
    using Changed::Changed;
    std::string_view bytes(Token token) const override { return ++reads, of.bytes(token); }
    mutable int reads = 0;
  };
  std::vector<std::string> texts{"<end>"};
  for (int i = 1; i < 4096; ++i) texts.push_back(std::to_string(i * 2654435761u));
  const ToyVocabulary vocabulary(texts);
  const Counting counting(vocabulary);
  const TokenIndex index(counting, counting.size());
  CHECK(counting.reads < 2 * counting.size());
}

TEST_CASE("a lane's first tokens: the lead's, or what begins with all that is left of it, by their probabilities among these") {
  // The lead is " re" "x": at its first place " re" and " return" (no: it does not begin with " rex"), so " re" alone and " rex...".
  const ToyVocabulary vocabulary({"<end>", " re", " rex", " rexy", " return", "x", "xy", "y", "x "});
  const TokenIndex index(vocabulary, vocabulary.size());
  const std::vector<Token> lead = {1, 5};
  const std::vector<float> logits = {9, 0.5f, 1.0f, -1.0f, 8, 7, 7, 7, 7,    // at the prompt's end
                                     9, 6, 6, 6, 6, 0.3f, 0.9f, 5, -0.2f};   // behind " re"
  const std::vector<std::vector<Token>> allowed = {{1, 2, 3}, {5, 6, 8}};
  for (const float temperature : {1.0f, 0.5f}) {
    const Sampling sampling{.temperature = temperature, .top_k = 0, .top_p = 1, .seed = 5};
    std::map<std::vector<Token>, double> want;
    std::vector<std::map<Token, double>> p(2), unwarped(2);
    for (std::size_t i = 0; i < 2; ++i) {
      double total = 0, plain = 0;
      for (const Token token : allowed[i]) {
        const double logit = logits[i * 9 + static_cast<std::size_t>(token)];
        total += p[i][token] = std::exp(logit / temperature);
        plain += unwarped[i][token] = std::exp(logit);
      }
      for (auto& [token, x] : p[i]) x /= total;
      for (auto& [token, x] : unwarped[i]) x /= plain;
    }
    want[{2}] = p[0][2];
    want[{3}] = p[0][3];
    for (const Token token : allowed[1]) want[{1, token}] = p[0][1] * p[1][token];
    const LeadSampler sampler(vocabulary, index, lead, logits, sampling);
    std::map<std::vector<Token>, int> count;
    constexpr int kLanes = 40000;
    for (int lane = 0; lane < kLanes; ++lane) {
      std::vector<Token> tokens;
      for (const EmittedToken& token : sampler.draw(static_cast<std::uint32_t>(lane), 30)) {
        CHECK(token.logprob == doctest::Approx(std::log(unwarped[tokens.size()].at(token.token))).epsilon(1e-4));
        tokens.push_back(token.token);
      }
      ++count[tokens];
    }
    REQUIRE(count.size() == want.size());
    double chi_square = 0;
    for (const auto& [tokens, probability] : want) {
      const double expected = probability * kLanes;
      chi_square += (count[tokens] - expected) * (count[tokens] - expected) / expected;
    }
    CHECK(chi_square < 25);  // four degrees of freedom: one in 20,000
  }
}

TEST_CASE("a lane draws by its stream and the place of the token in its text, as in every other step") {
  const ToyVocabulary vocabulary({"<end>", "a", "aa", "ab", "ac"});
  const TokenIndex index(vocabulary, vocabulary.size());
  const std::vector<float> logits(5, 0.0f);
  const Sampling sampling{.temperature = 1, .top_k = 0, .top_p = 1, .seed = 77};
  const LeadSampler sampler(vocabulary, index, std::vector<Token>{1}, logits, sampling);
  for (std::uint32_t stream = 0; stream < 50; ++stream)
    for (const std::uint32_t prompt : {1u, 40u}) {
      const auto drawn = sampler.draw(stream, static_cast<int>(prompt));
      REQUIRE(drawn.size() == 1);
      CHECK(drawn[0].token == 1 + static_cast<Token>(4 * uniform(77, stream, prompt, Use::kTarget)));
    }
}

TEST_CASE("greedy, a lane takes the most probable of what may stand there; broken logits are an error") {
  const ToyVocabulary vocabulary({"<end>", "a", "ab", "abc", "b"});
  const TokenIndex index(vocabulary, vocabulary.size());
  std::vector<float> logits = {5, 1, 2, 0, 9};
  const Sampling greedy{.temperature = 0};
  CHECK(LeadSampler(vocabulary, index, std::vector<Token>{1}, logits, greedy).draw(0, 1)[0].token == 2);
  logits[3] = std::nanf("");
  CHECK_THROWS_AS(LeadSampler(vocabulary, index, std::vector<Token>{1}, logits, greedy), std::runtime_error);
}
