// Tokens to bytes from a table made once; text to tokens by llama.cpp's tokenizer.
#include "runtimes/llama/vocabulary.h"

#include <limits>
#include <stdexcept>

#include "engine/error.h"
#include "runtimes/llama/text_pieces.h"

namespace octet::llama {
namespace {

class LlamaVocabulary final : public Vocabulary {
 public:
  explicit LlamaVocabulary(ModelHandle model)
      : model_(std::move(model)), vocabulary_(llama_model_get_vocab(model_.get())), fim_(fim_tokens(vocabulary_)) {
    const int count = llama_vocab_n_tokens(vocabulary_);
    starts_.reserve(static_cast<std::size_t>(count) + 1);
    std::string piece(256, '\0');
    for (Token token = 0; token < count; ++token) {
      starts_.push_back(bytes_.size());
      int length = llama_token_to_piece(vocabulary_, token, piece.data(), static_cast<int>(piece.size()), 0, false);
      if (length < 0) {
        piece.resize(static_cast<std::size_t>(-length));
        length = llama_token_to_piece(vocabulary_, token, piece.data(), static_cast<int>(piece.size()), 0, false);
      }
      if (length > 0) bytes_.append(piece.data(), static_cast<std::size_t>(length));
    }
    starts_.push_back(bytes_.size());
  }

  int size() const override { return static_cast<int>(starts_.size()) - 1; }

  std::vector<Token> tokenize(std::string_view text, bool begin, bool special) const override {
    if (text.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()) / 2) {
      throw Error(ErrorCode::kPromptTooLong, "The text to tokenize is longer than a gigabyte");
    }
    std::vector<Token> tokens;
    const llama_token first = llama_vocab_bos(vocabulary_);
    if (begin && llama_vocab_get_add_bos(vocabulary_) && first >= 0) tokens.push_back(first);
    if (llama_vocab_type(vocabulary_) != LLAMA_VOCAB_TYPE_BPE) {
      append(tokens, text, special);
    } else {
      for (const std::string_view piece : text_pieces(text)) append(tokens, piece, special);
    }
    return tokens;
  }

  std::string_view bytes(Token token) const override {
    if (token < 0 || token >= size()) return {};
    const auto index = static_cast<std::size_t>(token);
    return std::string_view(bytes_).substr(starts_[index], starts_[index + 1] - starts_[index]);
  }

  bool is_end(Token token) const override {
    if (token < 0 || token >= size()) return false;
    constexpr int kWithoutText = LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN;
    return llama_vocab_is_eog(vocabulary_, token) || (llama_vocab_get_attr(vocabulary_, token) & kWithoutText) != 0 ||
           (fim_ && (token == fim_->prefix || token == fim_->suffix || token == fim_->middle));
  }

  const std::optional<FimTokens>& fim() const override { return fim_; }

 private:
  void append(std::vector<Token>& tokens, std::string_view text, bool special) const {
    const std::size_t before = tokens.size();
    tokens.resize(before + text.size() + 2);
    const auto run = [&] {
      return llama_tokenize(vocabulary_, text.data(), static_cast<int>(text.size()), tokens.data() + before,
                            static_cast<int>(tokens.size() - before), false, special);
    };
    int count = text.empty() ? 0 : run();
    if (count < 0 && count != std::numeric_limits<std::int32_t>::min()) {
      tokens.resize(before + static_cast<std::size_t>(-static_cast<std::int64_t>(count)) + 1);
      count = run();
    }
    if (count < 0) throw std::runtime_error("The tokenizer could not represent this text");
    tokens.resize(before + static_cast<std::size_t>(count));
  }

  ModelHandle model_;
  const llama_vocab* vocabulary_;
  std::optional<FimTokens> fim_;
  std::string bytes_;                ///< All tokens' bytes, one after the other.
  std::vector<std::size_t> starts_;  ///< [tokens + 1]
};

}  // namespace

std::optional<FimTokens> fim_tokens(const llama_vocab* vocabulary) {
  FimTokens fim;
  fim.prefix = llama_vocab_fim_pre(vocabulary);
  fim.suffix = llama_vocab_fim_suf(vocabulary);
  fim.middle = llama_vocab_fim_mid(vocabulary);
  fim.pad = llama_vocab_fim_pad(vocabulary);
  fim.repository = llama_vocab_fim_rep(vocabulary);
  fim.separator = llama_vocab_fim_sep(vocabulary);
  if (fim.prefix < 0 || fim.suffix < 0 || fim.middle < 0) return std::nullopt;
  return fim;
}

std::shared_ptr<const Vocabulary> make_vocabulary(ModelHandle model) {
  return std::make_shared<LlamaVocabulary>(std::move(model));
}

}  // namespace octet::llama
