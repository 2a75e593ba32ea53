// Compares a draft's vocabulary with its target's, token by token.
#include "runtimes/llama/vocabulary_pair.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "engine/error.h"

namespace octet::llama {
namespace {

[[noreturn]] void differ(const std::string& what) {
  throw Error(ErrorCode::kVocabularyMismatch, "The draft does not fit the target: " + what,
              "Choose a draft of the target's own family, or none.");
}

std::string type_name(const llama_vocab* vocabulary) {
  switch (llama_vocab_type(vocabulary)) {
    case LLAMA_VOCAB_TYPE_SPM: return "SentencePiece";
    case LLAMA_VOCAB_TYPE_BPE: return "byte-pair";
    default: return "other";
  }
}

// Rows that fill a table up to a round size, under the names the common converters give them.
bool is_placeholder(const llama_vocab* vocabulary, llama_token token) {
  if (llama_vocab_get_attr(vocabulary, token) & LLAMA_TOKEN_ATTR_UNUSED) return true;
  const std::string_view text = llama_vocab_get_text(vocabulary, token);
  for (std::string_view start : {"[PAD", "[EMPTY_", "[UNUSED", "[unused", "<unused", "<pad", "<|unused", "<|reserved",
                                 "<|extra_", "<extra_", "<reserved", "<dummy", "<|dummy", "<|placeholder"}) {
    if (text.substr(0, start.size()) == start) return true;
  }
  return false;
}

// A token that one file marks as text and the other as control or as a raw byte is not the same token. Control and
// user-defined tokens are told apart by some converters and not by others.
bool same_kind(llama_token_attr a, llama_token_attr b) {
  const auto kind = [](llama_token_attr attributes) {
    if (attributes & LLAMA_TOKEN_ATTR_BYTE) return 1;
    if (attributes & (LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN)) return 2;
    if (attributes & LLAMA_TOKEN_ATTR_USER_DEFINED) return 3;
    return 0;
  };
  const int first = kind(a), second = kind(b);
  return first == second || (std::min(first, second) == 2 && std::max(first, second) == 3) ||
         (std::min(first, second) == 0 && std::max(first, second) == 3);
}

std::string quoted(const llama_vocab* vocabulary, llama_token token) {
  std::string text = "\"";
  constexpr std::size_t kLongest = 40;
  for (const char* c = llama_vocab_get_text(vocabulary, token); *c; ++c) {
    const auto byte = static_cast<unsigned char>(*c);
    if (text.size() >= kLongest && (byte & 0xC0) != 0x80) break;
    text += byte < 0x20 ? '?' : *c;
  }
  return text + "\"";
}

std::string sizes(const llama_vocab* target, const llama_vocab* draft) {
  return " (" + std::to_string(llama_vocab_n_tokens(target)) + " tokens in the target, " +
         std::to_string(llama_vocab_n_tokens(draft)) + " in the draft)";
}

bool declares(const llama_model* model, const char* key) {
  std::array<char, 32> text{};
  return llama_model_meta_val_str(model, key, text.data(), text.size()) >= 0;
}

void check_special(const llama_model* target_model, const llama_model* draft_model) {
  const llama_vocab* const target = llama_model_get_vocab(target_model);
  const llama_vocab* const draft = llama_model_get_vocab(draft_model);
  if (llama_vocab_get_add_bos(target) != llama_vocab_get_add_bos(draft)) {
    differ(std::string("only the ") + (llama_vocab_get_add_bos(target) ? "target" : "draft") +
           " begins every text with a token of its own");
  }
  if (llama_vocab_get_add_bos(target) && llama_vocab_bos(target) != llama_vocab_bos(draft)) {
    differ("texts begin with token " + std::to_string(llama_vocab_bos(target)) + " in the target and " +
           std::to_string(llama_vocab_bos(draft)) + " in the draft");
  }
  // A chat-tuned partner names another of the family's end tokens its own; both still end texts in either.
  const llama_token end = llama_vocab_eos(target), draft_end = llama_vocab_eos(draft);
  constexpr const char* kEnd = "tokenizer.ggml.eos_token_id";
  if (end >= 0 && draft_end >= 0 && end != draft_end && declares(target_model, kEnd) && declares(draft_model, kEnd)) {
    const int shared = std::min(llama_vocab_n_tokens(target), llama_vocab_n_tokens(draft));
    if (end >= shared || draft_end >= shared || !llama_vocab_is_eog(draft, end) ||
        !llama_vocab_is_eog(target, draft_end)) {
      differ("texts end with token " + std::to_string(end) + " in the target and " + std::to_string(draft_end) +
             " in the draft");
    }
  }
  using Getter = llama_token (*)(const llama_vocab*);
  constexpr std::array<std::pair<const char*, Getter>, 3> kMarkers{
      {{"prefix", llama_vocab_fim_pre}, {"suffix", llama_vocab_fim_suf}, {"middle", llama_vocab_fim_mid}}};
  for (const auto& [name, marker] : kMarkers) {
    const llama_token a = marker(target), b = marker(draft);
    if (a >= 0 && b >= 0 && a != b) {
      differ(std::string("the fill-in-the-middle ") + name + " marker is token " + std::to_string(a) +
             " in the target and " + std::to_string(b) + " in the draft");
    }
  }
}

}  // namespace

int shared_vocabulary(const llama_model* target_model, const llama_model* draft_model) {
  const llama_vocab* const target = llama_model_get_vocab(target_model);
  const llama_vocab* const draft = llama_model_get_vocab(draft_model);
  if (llama_vocab_type(target) != llama_vocab_type(draft)) {
    differ("the target has a " + type_name(target) + " vocabulary, the draft a " + type_name(draft) + " one" +
           sizes(target, draft));
  }
  const int target_size = llama_vocab_n_tokens(target);
  const int shared = std::min(target_size, llama_vocab_n_tokens(draft));
  for (llama_token token = 0; token < shared; ++token) {
    const std::string_view text = llama_vocab_get_text(target, token), draft_text = llama_vocab_get_text(draft, token);
    const bool same = text == draft_text &&
                      same_kind(llama_vocab_get_attr(target, token), llama_vocab_get_attr(draft, token));
    if (same || is_placeholder(target, token) || is_placeholder(draft, token)) continue;
    differ("token " + std::to_string(token) + " is " + quoted(target, token) + " in the target and " +
           quoted(draft, token) + " in the draft" +
           (text == draft_text ? ", one of them text and the other not" : sizes(target, draft)));
  }
  for (llama_token token = shared; token < target_size; ++token) {
    if (is_placeholder(target, token)) continue;
    differ("the draft lacks token " + std::to_string(token) + ", " + quoted(target, token) + sizes(target, draft));
  }
  check_special(target_model, draft_model);
  return shared;
}

}  // namespace octet::llama
