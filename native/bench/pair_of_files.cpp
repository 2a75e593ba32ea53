// Real pairs: the weights and words of GGUF files, by llama.cpp's reader and tokenizer.
#include "bench/arguments.h"
#include "bench/pair.h"

#ifdef OCTET_BENCH_LIBRARIES

#include <fstream>
#include <iterator>

#include "runtimes/cuda/model/describe.h"
#include "runtimes/llama/candidate.h"
#include "runtimes/llama/vocabulary.h"
#include "runtimes/llama/vocabulary_pair.h"

namespace octet::bench {
namespace {

std::vector<Token> prompt_of(const Vocabulary& vocabulary, const std::string& path, int count) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Usage("--prompt-file: " + path + " cannot be read");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<Token> tokens = vocabulary.tokenize(text, true, false);
  if (tokens.size() < static_cast<std::size_t>(count))
    throw Usage("--prompt-file: " + path + " has " + std::to_string(tokens.size()) + " tokens; a prompt of " + std::to_string(count) +
        " is asked for");
  tokens.resize(static_cast<std::size_t>(count));
  return tokens;
}

}  // namespace

SmallPair pair_of_files(const std::string& target, const std::string& draft, const std::string& text, int prompt_tokens) {
  llama::initialize({OCTET_BENCH_LIBRARIES}, [](llama::LogLevel, const std::string&) {});
  const llama::Candidate target_file = llama::examine(target), draft_file = llama::examine(draft);
  llama::shared_vocabulary(target_file.vocabulary.get(), draft_file.vocabulary.get());
  SmallPair pair{.target = small_network(cuda::describe_network(target_file.parts).source),
                 .draft = small_network(cuda::describe_network(draft_file.parts).source),
                 .vocabulary = llama::make_vocabulary(target_file.vocabulary), .acceptance = "real"};
  pair.prompt = prompt_of(*pair.vocabulary, text, prompt_tokens);
  return pair;
}

}  // namespace octet::bench

#else

namespace octet::bench {

SmallPair pair_of_files(const std::string&, const std::string&, const std::string&, int) {
  throw Usage("--expand: this program was built without llama.cpp and reads no model files; --acceptance simulates a pair");
}

}  // namespace octet::bench

#endif
