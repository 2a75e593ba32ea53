// Runs of one kind of character that are too long for llama.cpp's regular expressions.
#include <doctest/doctest.h>

#include "gguf_editor.h"
#include "llama_fixture.h"
#include "runtimes/llama/text_pieces.h"
#include "temporary_folder.h"

using namespace octet;
using namespace octet::llama;
using namespace octet::test;

namespace {

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

const std::vector<std::string> kRuns = {"a", "7", " ", "\n", "\r\n", "=", "\xE6\xBC\xA2", "\xF0\x9F\x98\x80", " \xC2\xA0", "-\xE2\x80\x94", "a\xC3\xA4"};

}  // namespace

TEST_CASE("text is cut within long runs only, between characters, and is whole again in a row") {
  CHECK(text_pieces("").empty());
  CHECK(text_pieces(repeated("def add(a, b):\n    return a + b\n", 10000)).size() == 1);
  CHECK(text_pieces(repeated(repeated("\xE6\xBC\xA2", 40) + ", x\n", 10000)).size() == 1);
  CHECK(text_pieces(std::string(kLongestRun, 'x')).size() == 1);
  for (const std::string& run : kRuns) {
    const std::string text = "x = 1\n" + repeated(run, 50000) + "\ny = 2\n";
    const auto pieces = text_pieces(text);
    CHECK(pieces.size() > 5);
    std::string joined;
    for (const std::string_view piece : pieces) {
      CHECK(piece.size() <= kLongestRun + 10);
      CHECK((static_cast<unsigned char>(piece.front()) & 0xC0) != 0x80);
      joined += piece;
    }
    CHECK(joined == text);
  }
  CHECK(text_pieces(std::string(100000, '\x80')).size() > 10);
}

TEST_CASE("a run of any length is tokenized, whichever the pre-tokenizer") {
  start_backends();
  const TemporaryFolder folder;
  const std::string path = folder / "model.gguf";
  for (const char* pre : {"qwen2", "deepseek-coder", "deepseek-v3", "tekken", "gpt-4o"}) {
    GgufBytes edited(kDraftFile);
    edited.set_string("tokenizer.ggml.pre", pre);
    edited.write(path);
    const auto vocabulary = load_pair(exact_options(path)).vocabulary;
    for (const std::string& run : kRuns) {
      const std::string text = repeated(run, 60000);
      std::string joined;
      for (const Token token : vocabulary->tokenize(text, true, false)) joined += vocabulary->bytes(token);
      CHECK(joined == text);
    }
  }
}
