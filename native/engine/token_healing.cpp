#include "engine/token_healing.h"

#include <algorithm>

#include "engine/random.h"

namespace octet {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_line_end(char c) { return c == '\n' || c == '\r'; }

bool is_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || byte == '_' || (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

// The blank alone, not its token: the blanks before it make a token of their own where a word follows.
HealedText without_blank(const Vocabulary& vocabulary, std::string_view text, bool begin) {
  const std::string_view rest = text.substr(0, text.size() - 1), blank = text.substr(rest.size());
  if (std::all_of(rest.begin(), rest.end(), [](char c) { return is_blank(c) || is_line_end(c); })) return {vocabulary.tokenize(text, begin, false), {}};
  return {vocabulary.tokenize(rest, begin, false), vocabulary.tokenize(blank, false, false)};
}

}  // namespace

std::string bytes_of(const Vocabulary& vocabulary, std::span<const Token> tokens) {
  std::string bytes;
  for (const Token token : tokens) bytes += vocabulary.bytes(token);
  return bytes;
}

HealedText heal(const Vocabulary& vocabulary, std::string_view text, bool begin) {
  if (text.empty() || is_line_end(text.back())) return {vocabulary.tokenize(text, begin, false), {}};
  if (is_blank(text.back())) {
    HealedText healed = without_blank(vocabulary, text, begin);
    if (bytes_of(vocabulary, healed.lead) == text.substr(text.size() - 1)) return healed;
  }
  HealedText healed{vocabulary.tokenize(text, begin, false), {}};
  const auto word = static_cast<std::size_t>(std::find_if_not(text.rbegin(), text.rend(), is_word) - text.rbegin());
  std::size_t bytes = 0, count = 0;
  const std::size_t most = std::min<std::size_t>(kMostLeadTokens, healed.tokens.empty() ? 0 : healed.tokens.size() - 1);
  while (count < most && bytes < std::max<std::size_t>(word, 1)) bytes += vocabulary.bytes(healed.tokens[healed.tokens.size() - ++count]).size();
  const auto first = healed.tokens.end() - static_cast<std::ptrdiff_t>(count);
  healed.lead.assign(first, healed.tokens.end());
  // Some vocabularies put a blank before a text's first word: what is not in the text cannot be asked for.
  if (bytes == 0 || bytes > text.size() || bytes_of(vocabulary, healed.lead) != text.substr(text.size() - bytes))
    healed.lead.clear();
  else
    healed.tokens.erase(first, healed.tokens.end());
  return healed;
}

LeadSampler::LeadSampler(const Vocabulary& vocabulary, const TokenIndex& index, std::span<const Token> lead, std::span<const float> logits,
                         const Sampling& sampling)
    : seed_(sampling.seed) {
  const std::size_t stride = logits.size() / lead.size();
  Warper warper;
  std::vector<float> row;
  for (std::size_t i = 0; i < lead.size(); ++i) {
    std::vector<Token> allowed = index.beginning_with(bytes_of(vocabulary, lead.subspan(i)));
    const auto own = std::lower_bound(allowed.begin(), allowed.end(), lead[i]);
    if (own == allowed.end() || *own != lead[i]) allowed.insert(own, lead[i]);
    row.clear();
    for (const Token token : allowed) row.push_back(logits[i * stride + static_cast<std::size_t>(token)]);
    Place& place = places_.emplace_back(Place{.lead = lead[i]});
    float log_sum_exp = 0;
    warper.warp(row, sampling, place.distribution, &log_sum_exp);
    for (std::size_t j = 0; j < allowed.size(); ++j) place.allowed.push_back({allowed[j], row[j] - log_sum_exp});
  }
}

std::vector<EmittedToken> LeadSampler::draw(std::uint32_t stream, int prompt_tokens) const {
  std::vector<EmittedToken> tokens;
  for (const Place& place : places_) {
    const auto position = static_cast<std::uint32_t>(prompt_tokens) + static_cast<std::uint32_t>(tokens.size());
    const auto at = static_cast<std::size_t>(place.distribution.draw(uniform(seed_, stream, position, Use::kTarget)));
    tokens.push_back(place.allowed[at]);
    if (tokens.back().token != place.lead) break;
  }
  return tokens;
}

}  // namespace octet
