// A logits model small enough to enumerate: the logits are a hash of the last three tokens, read back from the model's
// own cache of cells, so that a stale, missing or foreign cell changes what comes out. Everything the contract of
// LogitsModel forbids throws.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtimes/logits_model.h"

namespace octet::test {

/// The last tokens of a sequence that a fake model looks at, the latest first; -1 before the beginning.
struct Context {
  static constexpr int kLength = 3;
  Token tokens[kLength] = {-1, -1, -1};

  Context() = default;
  explicit Context(std::span<const Token> sequence) {
    for (int i = 0; i < kLength && i < static_cast<int>(sequence.size()); ++i)
      tokens[i] = sequence[sequence.size() - 1 - i];
  }
};

/// Which function of the context a model computes. `other_seed` and `mix` blend in another function, so that a draft
/// can be near its target: mix 0 is the function of `seed` alone.
struct FakeFunction {
  std::uint64_t seed = 1, other_seed = 2;
  float mix = 0, spread = 4;

  static float noise(std::uint64_t seed, const Context& context, Token token) {
    std::uint64_t h = seed * 0x9E3779B97F4A7C15u + static_cast<std::uint64_t>(token) + 1;
    for (const Token t : context.tokens) {
      h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9u;
      h = (h ^ (h >> 27)) * 0x94D049BB133111EBu + static_cast<std::uint64_t>(t + 7);
    }
    h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9u;
    return static_cast<float>((h ^ (h >> 31)) >> 40) * 0x1p-24f;
  }
  std::vector<float> logits(const Context& context, int vocabulary) const {
    std::vector<float> row(vocabulary);
    for (Token t = 0; t < vocabulary; ++t)
      row[t] = spread * ((1 - mix) * noise(seed, context, t) + mix * noise(other_seed, context, t));
    return row;
  }
};

class FakeModel final : public LogitsModel {
 public:
  struct Limits {
    int sequences = 20, cache_tokens = 4096, max_rows = 512;
  };

  /// `padding`: logits beyond the vocabulary, NaN: whoever reads them is found out.
  FakeModel(FakeFunction function, int vocabulary, int padding) : FakeModel(function, vocabulary, padding, Limits()) {}
  FakeModel(FakeFunction function, int vocabulary, int padding, Limits limits)
      : function_(function), vocabulary_(vocabulary), padding_(padding), limits_(limits),
        sequences_(limits.sequences), cells_(limits.cache_tokens) {
    for (int c = limits.cache_tokens - 1; c >= 0; --c) free_.push_back(c);
  }

  int vocabulary() const override { return vocabulary_ + padding_; }
  int max_sequences() const override { return limits_.sequences; }
  int cache_tokens() const override { return limits_.cache_tokens; }
  int max_rows() const override { return limits_.max_rows; }

  void watch(const std::atomic<bool>& given_up) override { given_up_ = &given_up; }

  void decode(std::span<const Row> rows) override {
    if (before_pass) before_pass(passes + 1);
    if (given_up_ && *given_up_) throw GivenUp();
    require(!rows.empty(), "no rows");
    require(static_cast<int>(rows.size()) <= limits_.max_rows, "too many rows");
    std::map<Sequence, int> wanted;
    for (const Row& row : rows) require((wanted[row.sequence] += row.wants_logits) <= kMaxDraftLength + 1, "too many logits of one sequence");
    logits_.clear();
    for (const Row& row : rows) {
      auto& cells = sequences_.at(row.sequence);
      require(row.token >= 0 && row.token < vocabulary_, "a token out of the vocabulary");
      require(row.position == static_cast<int>(cells.size()),
              "position " + std::to_string(row.position) + " of a sequence with " + std::to_string(cells.size()) +
                  " cells");
      require(!free_.empty(), "the cache is full");
      const int cell = free_.back();
      free_.pop_back();
      cells_[cell] = {row.token, 1};
      cells.push_back(cell);
      logits_.emplace_back();
      if (row.wants_logits) {
        logits_.back() = function_.logits(context_of(cells), vocabulary_);
        logits_.back().resize(vocabulary(), std::numeric_limits<float>::quiet_NaN());
      }
    }
    ++passes;
    rows_decoded += static_cast<int>(rows.size());
  }

  std::span<const float> logits(int row) const override {
    require(!logits_.at(row).empty(), "logits of a row that did not want any");
    return logits_[row];
  }

  void share(Sequence from, Sequence to, int length) override {
    auto &source = sequences_.at(from), &target = sequences_.at(to);
    require(from != to && target.empty(), "sharing into a sequence in use");
    require(length <= static_cast<int>(source.size()), "sharing more than there is");
    target.assign(source.begin(), source.begin() + length);
    for (const int cell : target) ++cells_[cell].users;
  }

  void truncate(Sequence sequence, int length) override {
    auto& cells = sequences_.at(sequence);
    require(length >= 0, "truncating to less than nothing");
    while (static_cast<int>(cells.size()) > length) {
      Cell& cell = cells_[cells.back()];
      if (--cell.users == 0) {
        cell.token = kPoison;
        free_.push_back(cells.back());
      }
      cells.pop_back();
    }
  }

  int used_cells() const { return limits_.cache_tokens - static_cast<int>(free_.size()); }

  int passes = 0, rows_decoded = 0;
  std::function<void(int pass)> before_pass;

 private:
  static constexpr Token kPoison = -1000000;
  struct Cell {
    Token token = kPoison;
    int users = 0;
  };

  static void require(bool holds, const std::string& what) {
    if (!holds) throw std::logic_error("fake model: " + what);
  }

  Context context_of(const std::vector<int>& cells) const {
    std::vector<Token> tokens;
    for (std::size_t i = cells.size() - std::min<std::size_t>(cells.size(), Context::kLength); i < cells.size(); ++i) {
      require(cells_[cells[i]].token != kPoison, "a stale cell is read");
      tokens.push_back(cells_[cells[i]].token);
    }
    return Context(tokens);
  }

  const std::atomic<bool>* given_up_ = nullptr;
  FakeFunction function_;
  int vocabulary_, padding_;
  Limits limits_;
  std::vector<std::vector<int>> sequences_;  // cells by position
  std::vector<Cell> cells_;
  std::vector<int> free_;
  std::vector<std::vector<float>> logits_;
};

}  // namespace octet::test
