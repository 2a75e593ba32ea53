// The small pair whose function large shapes take on (expand.h), with what the engine needs beside it: words and a prompt.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/small_network.h"
#include "runtimes/vocabulary.h"

namespace octet::bench {

struct SmallPair {
  SmallNetwork target, draft;
  std::shared_ptr<const Vocabulary> vocabulary;
  std::vector<Token> prompt;  ///< As many tokens as were asked for.
  std::string acceptance;     ///< For reports: "real" or "simulated 0.8 per token".
};

/// A pair of known acceptance (chain.h): nothing of it is real but the cost. `prompt_tokens` random ones.
SmallPair simulated_pair(double acceptance, const Sampling& sampling, const cuda::Architecture& target, const cuda::Architecture& draft,
    int prompt_tokens);

/// Two GGUF files and the first `prompt_tokens` tokens of a text file. Throws Usage where this program is built without llama.cpp or
/// the text is too short, Error for files that cannot be read.
SmallPair pair_of_files(const std::string& target, const std::string& draft, const std::string& text, int prompt_tokens);

}  // namespace octet::bench
