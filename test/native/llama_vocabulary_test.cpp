// Text to tokens and back, markers, and which pairs of vocabularies fit.
#include <doctest/doctest.h>

#include <llama.h>

#include <set>

#include "gguf_editor.h"
#include "llama_fixture.h"
#include "temporary_folder.h"

using namespace octet;
using namespace octet::llama;

namespace {

std::string join(const Vocabulary& vocabulary, const std::vector<Token>& tokens) {
  std::string text;
  for (Token token : tokens) text += vocabulary.bytes(token);
  return text;
}

const char* const kTexts[] = {
    "def add(a, b):\n    return a + b\n",
    "  leading, trailing  \t\r\n\n",
    "grüße — 你好 🎉 e\u0301\u200d",
    "<|endoftext|><|fim_prefix|>x<|fim_suffix|><|fim_middle|>",
};

}  // namespace

TEST_CASE("text comes back from its tokens byte for byte") {
  const auto pair = load_pair(exact_options(kTargetFile));
  const Vocabulary& vocabulary = *pair.vocabulary;
  CHECK(vocabulary.size() == 8192);
  for (const char* text : kTexts) CHECK(join(vocabulary, vocabulary.tokenize(text, true, false)) == text);
  CHECK(vocabulary.tokenize("", true, false).empty());

  std::string bytes;
  for (int byte = 1; byte < 256; ++byte) bytes += static_cast<char>(byte);
  CHECK_NOTHROW(vocabulary.tokenize(bytes, true, false));
  CHECK(join(vocabulary, vocabulary.tokenize(std::string("a\0b", 3), false, false)) == std::string("a\0b", 3));
  const std::string large(1 << 20, 'x');
  CHECK(join(vocabulary, vocabulary.tokenize(large, false, false)).size() == large.size());
}

TEST_CASE("control tokens come from their text only where that was asked for") {
  const auto pair = load_pair(exact_options(kTargetFile));
  const Vocabulary& vocabulary = *pair.vocabulary;
  const auto parsed = vocabulary.tokenize("<|endoftext|>", false, true);
  REQUIRE(parsed.size() == 1);
  CHECK(vocabulary.is_end(parsed[0]));
  CHECK(vocabulary.bytes(parsed[0]).empty());
  CHECK(vocabulary.bytes(-1).empty());
  CHECK(vocabulary.bytes(vocabulary.size()).empty());
  CHECK_FALSE(vocabulary.is_end(-1));
  CHECK_FALSE(vocabulary.is_end(vocabulary.size()));

  REQUIRE(vocabulary.fim());
  const FimTokens fim = *vocabulary.fim();
  const std::set<Token> markers = {fim.prefix, fim.suffix, fim.middle};
  CHECK(markers.size() == 3);
  CHECK(vocabulary.tokenize("<|fim_prefix|>", false, true) == std::vector<Token>{fim.prefix});
  CHECK(vocabulary.tokenize("<|fim_suffix|>", false, true) == std::vector<Token>{fim.suffix});
  CHECK(vocabulary.tokenize("<|fim_middle|>", false, true) == std::vector<Token>{fim.middle});
  for (Token marker : {fim.prefix, fim.suffix, fim.middle, fim.pad, fim.repository, fim.separator}) {
    CHECK(vocabulary.is_end(marker));
    CHECK(vocabulary.bytes(marker).empty());
  }
  for (Token token : vocabulary.tokenize(kTexts[3], true, false)) {
    CHECK(markers.count(token) == 0);
    CHECK_FALSE(vocabulary.is_end(token));
  }
}

TEST_CASE("what opens a turn of a chat ends a completion, as every control token does, whatever its name") {
  const octet::test::TemporaryFolder folder;
  const std::string file = folder / "chat.gguf";
  octet::test::GgufBytes model(kTargetFile);
  auto texts = model.strings("tokenizer.ggml.tokens");
  auto types = model.integers("tokenizer.ggml.token_type");
  const std::pair<const char*, std::int32_t> turns[] = {
      {"<|im_start|>", LLAMA_TOKEN_TYPE_CONTROL}, {"<start_of_turn>", LLAMA_TOKEN_TYPE_CONTROL}, {"<zzz>", LLAMA_TOKEN_TYPE_UNKNOWN}, {"<div>", LLAMA_TOKEN_TYPE_USER_DEFINED}};
  constexpr std::size_t first = 5000;
  for (std::size_t i = 0; i < std::size(turns); ++i) {
    texts[first + i] = turns[i].first;
    types[first + i] = turns[i].second;
  }
  model.set_strings("tokenizer.ggml.tokens", texts);
  model.set_integers("tokenizer.ggml.token_type", types);
  model.write(file);

  const auto pair = load_pair(exact_options(file));
  const Vocabulary& vocabulary = *pair.vocabulary;
  for (std::size_t i = 0; i < std::size(turns); ++i) {
    CAPTURE(turns[i].first);
    const bool text = turns[i].second == LLAMA_TOKEN_TYPE_USER_DEFINED;
    CHECK(vocabulary.is_end(static_cast<Token>(first + i)) == !text);
    CHECK(vocabulary.bytes(static_cast<Token>(first + i)) == (text ? turns[i].first : ""));
  }
  int ends = 0;
  for (Token token = 0; token < vocabulary.size(); ++token) ends += vocabulary.is_end(token);
  const auto original = load_pair(exact_options(kTargetFile));
  int ends_before = 0;
  for (Token token = 0; token < original.vocabulary->size(); ++token) ends_before += original.vocabulary->is_end(token);
  CHECK(ends == ends_before + 3);
}

TEST_CASE("a SentencePiece model of another maker runs alone") {
  const auto pair = load_pair(exact_options(kStoriesFile));
  const Vocabulary& vocabulary = *pair.vocabulary;
  CHECK(vocabulary.size() == 512);
  CHECK_FALSE(vocabulary.fim());
  CHECK(pair.draft == nullptr);
  const auto tokens = vocabulary.tokenize("Once upon a time", true, false);
  REQUIRE(tokens.size() > 2);
  CHECK(tokens[0] == 1);
  CHECK(vocabulary.tokenize("Once", false, false)[0] != 1);
  CHECK(join(vocabulary, tokens) == " Once upon a time");
  CHECK(vocabulary.is_end(0));  // unknown
  CHECK(vocabulary.is_end(1));  // beginning of text
  CHECK(vocabulary.is_end(2));  // end of text
  for (Token token = 3; token < vocabulary.size(); ++token) CHECK_FALSE(vocabulary.is_end(token));
  CHECK(vocabulary.tokenize("", true, false) == std::vector<Token>{1});
}

TEST_CASE("the vocabulary outlives the models") {
  auto pair = load_pair(exact_options(kDraftFile));
  const auto vocabulary = pair.vocabulary;
  pair = {};
  CHECK(join(*vocabulary, vocabulary->tokenize("const x = 1;", false, false)) == "const x = 1;");
}

TEST_CASE("the starter pair fits, a stranger's model does not") {
  const auto pair = load_pair(exact_options(kTargetFile, kDraftFile));
  CHECK(pair.shared_vocabulary == 8192);
  REQUIRE(pair.draft);
  CHECK(pair.draft->vocabulary() == 8192);

  for (const auto& [target, draft] : {std::pair{kTargetFile, kStoriesFile}, std::pair{kStoriesFile, kDraftFile}}) {
    try {
      load_pair(exact_options(target, draft));
      FAIL("a mismatched pair was loaded");
    } catch (const Error& error) {
      CHECK(error.code == ErrorCode::kVocabularyMismatch);
      const std::string message = error.what();
      for (const char* part : {"SentencePiece", "byte-pair", "512", "8192"}) {
        CHECK(message.find(part) != std::string::npos);
      }
      CHECK(message.find('\n') == std::string::npos);
    }
    const Inspection inspection = inspect(target, draft);
    CHECK(inspection.runnable);
    CHECK(inspection.draft_given);
    CHECK_FALSE(inspection.draft_compatible);
    CHECK(inspection.draft_reason.find("SentencePiece") != std::string::npos);
  }
  CHECK(inspect(kTargetFile, kDraftFile).draft_compatible);
}
