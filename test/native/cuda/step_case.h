// Steps on the device around models that can be enumerated: their logits are a hash of the last three tokens, read back from cells as
// a forward pass over the same batch would, so that a stale, missing or foreign cell changes what comes out or is found out.
#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "fake_model.h"
#include "runtimes/cuda/kernels/step.h"

namespace octet::test {

/// A model's cells, and its logits over a batch on the device.
class FakeNetwork {
 public:
  FakeNetwork(FakeFunction function, int vocabulary, int padding)
      : function_(function), vocabulary_(vocabulary), padding_(padding), cells_(4096, kPoison) {}

  int stride() const { return vocabulary_ + padding_; }
  void put(int cell, Token token) { cells_.at(static_cast<std::size_t>(cell)) = token; }
  int rows_run = 0;

  /// Stores the batch's active rows in their cells; logits, where wanted, of rows `first` .. of every lane, NaN in inactive ones.
  void pass(cuda::Stream& stream, const cuda::Batch& batch, float* logits, int first) {
    stream.synchronize();
    const auto lanes = static_cast<std::size_t>(batch.lanes);
    const auto slots = fetched(batch.slot, lanes);
    const auto tokens = fetched(batch.token, static_cast<std::size_t>(batch.rows())), positions = fetched(batch.position, tokens.size());
    const auto places = fetched(batch.place, cuda::kMaxSlots);
    std::vector<float> out;
    for (int i = 0; i < batch.lanes; ++i)
      for (int j = 0; j < batch.rows_per_lane; ++j) {
        const auto row = static_cast<std::size_t>(i * batch.rows_per_lane + j);
        std::vector<float> result(static_cast<std::size_t>(stride()), std::numeric_limits<float>::quiet_NaN());
        require(tokens[row] >= 0 && tokens[row] < vocabulary_, "a token out of the vocabulary");
        if (slots[static_cast<std::size_t>(i)] >= 0 && positions[row] >= 0) {
          const cuda::Place& place = places[static_cast<std::size_t>(slots[static_cast<std::size_t>(i)])];
          require(positions[row] >= place.prompt_length, "a lane writes to its prompt's cells");
          put(cuda::cell_of(place, positions[row]), tokens[row]);
          ++rows_run;
          std::vector<Token> last;
          for (int at = std::max(0, positions[row] - Context::kLength + 1); at <= positions[row]; ++at) {
            last.push_back(cells_.at(static_cast<std::size_t>(cuda::cell_of(place, at))));
            require(last.back() != kPoison, "a stale cell is read");
          }
          const auto known = function_.logits(Context(last), vocabulary_);
          std::copy(known.begin(), known.end(), result.begin());
        }
        if (j >= first) out.insert(out.end(), result.begin(), result.end());
      }
    if (logits) cuda::detail::upload(logits, out.data(), out.size() * sizeof(float));
  }

  template <class T>
  static std::vector<T> fetched(const T* from, std::size_t count) {
    std::vector<T> host(count);
    cuda::detail::download(host.data(), from, count * sizeof(T));
    return host;
  }

 private:
  static constexpr Token kPoison = -1000000;
  static void require(bool holds, const std::string& what) {
    if (!holds) throw std::logic_error("fake network: " + what);
  }
  FakeFunction function_;
  int vocabulary_, padding_;
  std::vector<Token> cells_;
};

/// Lanes on the device, stepped as the runtime would.
class DeviceSteps {
 public:
  static constexpr int kTail = 150;

  /// Without a `draft`, wishes bring drafts along.
  DeviceSteps(FakeFunction target, std::optional<FakeFunction> draft, int vocabulary, int lanes, int draft_length,
              const std::vector<Token>& end_tokens = {})
      : has_draft_(draft.has_value()), target_(target, vocabulary, 3), draft_(draft.value_or(target), vocabulary, 1),
        memory_({.lanes = lanes, .draft_length = draft_length, .vocabulary = vocabulary, .target_vocabulary = vocabulary + 3,
                 .draft_vocabulary = has_draft_ ? vocabulary + 1 : 0, .tail_tokens = kTail, .catch_up_rows = has_draft_ ? 4 : 0},
                end_tokens, cuda::device_info()) {
    for (int ring = 0; ring < cuda::kStepRing; ++ring) poison_drafts(memory_.input(ring));
  }

  /// At the end of `prompt`, whose first draft_cached tokens (all but the last: -1) the draft has.
  void open(int slot, const std::vector<Token>& prompt, const Sampling& sampling, std::uint32_t stream, int room, bool ends_at_end = true,
            int draft_cached = -1) {
    const int shared = static_cast<int>(prompt.size()) - 1, start = 3000 + 50 * slot;
    for (int i = 0; i < shared; ++i) {
      target_.put(start + i, prompt[static_cast<std::size_t>(i)]);
      if (draft_cached < 0 || i < draft_cached) draft_.put(start + i, prompt[static_cast<std::size_t>(i)]);
    }
    memory_.open_lane(stream_, slot, {.prompt_start = start, .prompt_length = shared, .tail_start = slot * kTail},
                      {.sampling = sampling, .stream = stream, .prompt_length = shared, .length = shared + 1, .room = room,
                       .draft_cached = draft_cached < 0 ? shared : draft_cached, .ends_at_end = ends_at_end},
                      prompt.back());
  }

  struct Wish {
    int slot, draft_length;
    std::vector<Token> draft = {};  ///< [draft_length], of a lane that is given one.
  };

  /// A step of shape `draft_length`; `catch_ups` passes of four rows first. What is no wish's draft is no token.
  cuda::StepOutput step(const std::vector<Wish>& wishes, int draft_length, int catch_ups = 0) {
    using namespace cuda;
    const StepShape shape{.lanes = static_cast<int>(wishes.size()), .draft_length = draft_length};
    StepInput& input = memory_.input(number_ % kStepRing);
    for (std::size_t i = 0; i < wishes.size(); ++i) {
      input.slot[i] = wishes[i].slot;
      input.draft_length[i] = wishes[i].draft_length;
      std::copy(wishes[i].draft.begin(), wishes[i].draft.end(), input.draft[i]);
    }
    for (int i = 0; i < catch_ups; ++i) {
      begin_catch_up(stream_, memory_, shape.lanes, 4);
      draft_.pass(stream_, memory_.catch_up_batch(shape.lanes, 4), nullptr, 0);
    }
    begin_step(stream_, memory_, shape);
    for (int pass = 0; has_draft_ && pass < draft_length; ++pass) {
      draft_.pass(stream_, memory_.draft_batch(shape, pass), memory_.draft_logits(shape, pass), pass == 0 ? 1 : 0);
      draw_drafts(stream_, memory_, shape, pass);
    }
    target_.pass(stream_, memory_.verify_batch(shape), memory_.target_logits(), 0);
    if (after_target) after_target();
    accept_and_advance(stream_, memory_, shape);
    stream_.synchronize();
    poison_drafts(input);
    return memory_.output(number_++ % kStepRing);
  }

  std::function<void()> after_target;  ///< Between the target's pass and the accept.
  cuda::StepMemory& memory() { return memory_; }
  cuda::Stream& stream() { return stream_; }
  int draft_rows() const { return draft_.rows_run; }

 private:
  static void poison_drafts(cuda::StepInput& input) {
    for (auto& draft : input.draft) std::fill(std::begin(draft), std::end(draft), -77);
  }

  bool has_draft_;
  cuda::Stream stream_;
  FakeNetwork target_, draft_;
  cuda::StepMemory memory_;
  int number_ = 0;
};

/// `length` tokens that `target` may write behind `text`: each with a chance of `good` in 10 the likeliest, else any; the same for one `seed`.
inline std::vector<Token> made_up_draft(FakeFunction target, int vocabulary, std::vector<Token> text, int length, int good, std::uint64_t seed) {
  std::vector<Token> draft;
  for (int j = 0; j < length; ++j) {
    const std::vector<float> logits = target.logits(Context(text), vocabulary);
    const std::uint64_t h = (seed * 131 + static_cast<std::uint64_t>(j) + 1) * 0x9E3779B97F4A7C15u >> 24;
    const auto likeliest = std::max_element(logits.begin(), logits.end()) - logits.begin();
    draft.push_back(static_cast<int>(h % 10) < good ? static_cast<Token>(likeliest) : static_cast<Token>(h / 10 % static_cast<unsigned>(vocabulary)));
    text.push_back(draft.back());
  }
  return draft;
}

inline std::vector<Token> tokens_of(const cuda::StepOutput::Lane& lane) { return {lane.token, lane.token + lane.tokens}; }

}  // namespace octet::test
