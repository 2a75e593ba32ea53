// What ends and limits a lane's step on the device: room, end tokens, lanes passed over, a draft's cache that lags, bad logits.
#include <doctest/doctest.h>

#include <algorithm>

#include "cuda/step_case.h"

using namespace octet;
using namespace octet::test;

namespace {

constexpr int kVocabulary = 12;
constexpr FakeFunction kTarget{.seed = 11};
constexpr FakeFunction kDraft{.seed = 11, .other_seed = 77, .mix = 0.35f};
const std::vector<Token> kPrompt{1, 4, 2, 0, 5};

// The lane alone, with all the room there is.
std::vector<Token> alone(const Sampling& sampling, int steps, int draft_length = 3) {
  DeviceSteps device(kTarget, kDraft, kVocabulary, 1, draft_length);
  device.open(0, kPrompt, sampling, 0, 140);
  std::vector<Token> tokens;
  for (int step = 0; step < steps; ++step)
    for (const Token token : tokens_of(device.step({{0, draft_length}}, draft_length).lane[0])) tokens.push_back(token);
  return tokens;
}

}  // namespace

TEST_CASE("cuda step: a lane never outgrows its room, and has ended when it is full") {
  for (int room = 1; room <= 9; ++room) {
    CAPTURE(room);
    DeviceSteps device(kTarget, kTarget, kVocabulary, 2, 5);
    device.open(0, kPrompt, {.seed = 3}, 0, room);
    device.open(1, kPrompt, {.seed = 3}, 1, 100);
    int written = 0;
    for (int step = 0; step < 4; ++step) {
      const auto output = device.step({{0, 5}, {1, 5}}, 5);
      const int left = room - written;
      CHECK(output.lane[0].drafted == std::max(0, std::min(5, left - 1)));
      CHECK(output.lane[0].tokens == std::min(6, left));  // the draft is the target: all are accepted
      CHECK(output.lane[1].tokens == 6);
      written += output.lane[0].tokens;
    }
    CHECK(written == room);
  }
}

TEST_CASE("cuda step: the graph's draft length bounds the lanes' wishes") {
  DeviceSteps device(kTarget, kTarget, kVocabulary, 2, 6);
  device.open(0, kPrompt, {.seed = 3}, 0, 100);
  device.open(1, kPrompt, {.seed = 3}, 1, 100);
  auto output = device.step({{0, 9}, {1, 2}}, 4);
  CHECK(output.lane[0].drafted == 4);
  CHECK(output.lane[1].drafted == 2);
  output = device.step({{0, 9}, {1, -1}}, 0);
  CHECK(output.lane[0].drafted == 0);
  CHECK(output.lane[1].tokens == 1);
}

namespace {

/// As the control tokens of a large vocabulary, in no order.
std::vector<Token> among_many(Token end) {
  std::vector<Token> ends;
  for (int i = 0; i < 1000; ++i) ends.push_back(kVocabulary + (i * 37) % 1000);
  ends.insert(ends.begin() + 500, end);
  return ends;
}

}  // namespace

TEST_CASE("cuda step: an end token ends the lane where it is told to, and hides what follows") {
  const Sampling sampling{.temperature = 1, .top_p = 1, .seed = 21};
  const std::vector<Token> all = alone(sampling, 12);
  REQUIRE(all.size() > 15);
  int cut_within_step = 0;
  for (int end = 0; end < kVocabulary; ++end) {
    CAPTURE(end);
    const auto first = std::find(all.begin(), all.end(), end);
    if (first == all.end()) continue;
    for (const bool ends : {true, false}) {
      DeviceSteps device(kTarget, kDraft, kVocabulary, 1, 3, among_many(end));
      device.open(0, kPrompt, sampling, 0, 140, ends);
      std::vector<Token> tokens;
      for (int step = 0; step < 12; ++step) {
        const auto lane = device.step({{0, 3}}, 3).lane[0];
        for (const Token token : tokens_of(lane)) tokens.push_back(token);
        cut_within_step += lane.tokens > 0 && lane.tokens <= lane.accepted;
        if (ends && !tokens.empty() && tokens.back() == end) {
          const auto idle = device.step({{0, 3}}, 3).lane[0];
          CHECK(idle.tokens == 0);
          CHECK(idle.drafted == 0);
          break;
        }
      }
      if (ends) CHECK(tokens == std::vector<Token>(all.begin(), first + 1));
      else CHECK(tokens == all);
    }
  }
  CHECK(cut_within_step > 0);
}

TEST_CASE("cuda step: lanes of slot -1 are passed over, and a lane's tokens do not depend on its neighbours") {
  const Sampling sampling{.temperature = 0.9f, .top_p = 0.95f, .seed = 8};
  const std::vector<Token> expected = alone(sampling, 6);
  DeviceSteps device(kTarget, kDraft, kVocabulary, 4, 3);
  device.open(6, {3, 3}, sampling, 5, 140);
  device.open(11, kPrompt, sampling, 0, 140);
  std::vector<Token> tokens;
  for (int step = 0; step < 6; ++step) {
    const auto output = device.step({{-1, 3}, {6, step % 4}, {-1, 2}, {11, 3}}, 3);
    for (const int i : {0, 2}) {
      CHECK(output.lane[i].tokens == 0);
      CHECK(output.lane[i].drafted == 0);
      CHECK(output.lane[i].accepted == 0);
    }
    for (const Token token : tokens_of(output.lane[3])) tokens.push_back(token);
  }
  CHECK(tokens == expected);
}

TEST_CASE("cuda step: lanes of one seed draw numbers of their own") {
  DeviceSteps device(kTarget, kTarget, kVocabulary, 2, 4);
  int equal = 0, drawn = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    for (const int slot : {0, 1})
      device.open(slot, kPrompt, {.temperature = 1.5f, .top_p = 1, .seed = seed}, static_cast<std::uint32_t>(slot), 140);
    const auto output = device.step({{0, 4}, {1, 4}}, 4);
    REQUIRE(output.lane[0].tokens == 5);  // four by the draft's numbers and the bonus token
    for (int j = 0; j < 5; ++j, ++drawn) equal += output.lane[0].token[j] == output.lane[1].token[j];
  }
  CHECK(equal < drawn / 3);
}

TEST_CASE("cuda step: a lane whose draft lags drafts nothing until it has caught up, then as if it never had") {
  const Sampling sampling{.temperature = 0.9f, .top_p = 0.95f, .seed = 8};
  DeviceSteps device(kTarget, kTarget, kVocabulary, 2, 3);
  device.open(0, kPrompt, sampling, 0, 140);
  device.open(1, kPrompt, sampling, 1, 140);
  for (int step = 0; step < 7; ++step) device.step({{0, 0}, {1, 3}}, 3);
  CHECK(device.step({{0, 3}, {1, 3}}, 3).lane[0].drafted == 0);  // eight plain steps: it lacks nine tokens
  const int before = device.draft_rows();
  auto output = device.step({{0, 3}, {1, 0}}, 3, 1);             // four rows of the seven before the last two
  CHECK(output.lane[0].drafted == 0);
  CHECK(device.draft_rows() - before == 4);
  output = device.step({{0, 3}, {1, 3}}, 3, 1);                  // one step on: four more of which all are needed
  CHECK(output.lane[0].drafted == 3);
  CHECK(output.lane[0].accepted == 3);
  CHECK(output.lane[1].accepted == 3);
}

TEST_CASE("cuda step: a prompt that the draft has not seen is caught up by the host alone") {
  DeviceSteps device(kTarget, kTarget, kVocabulary, 1, 3);
  device.open(0, kPrompt, {.seed = 2}, 0, 140, true, 2);
  CHECK(device.step({{0, 3}}, 3, 2).lane[0].drafted == 0);
  CHECK(device.draft_rows() == 0);
  device.open(0, kPrompt, {.seed = 2}, 0, 140, true, 3);  // all but the prompt's last two: the second row is the prompt's
  CHECK(device.step({{0, 3}}, 3, 1).lane[0].drafted == 0);
  device.open(0, kPrompt, {.seed = 2}, 0, 140, true, 4);
  device.memory().set_draft_cached(device.stream(), 0, 4);
  const auto output = device.step({{0, 3}}, 3);
  CHECK(output.lane[0].drafted == 3);
  CHECK(output.lane[0].accepted == 3);
}

TEST_CASE("cuda step: what the host writes of a lane, one write behind the other, is there in that order") {
  DeviceSteps device(kTarget, kTarget, kVocabulary, 1, 3);
  device.open(0, kPrompt, {.seed = 5}, 3, 1);
  device.open(0, kPrompt, {.seed = 2}, 0, 140, true, 2);
  const int shared = static_cast<int>(kPrompt.size()) - 1;
  device.memory().set_draft_cached(device.stream(), 0, shared);
  for (const int tail : {9, 7}) device.memory().set_place(device.stream(), 0, {.prompt_start = 3000, .prompt_length = shared, .tail_start = tail});
  CHECK(device.step({{0, 3}}, 3).lane[0].accepted == 3);
  cuda::Place place;
  cuda::detail::download(&place, device.memory().places(), sizeof place);
  CHECK(place.tail_start == 7);
  CHECK(place.prompt_length == shared);
}

TEST_CASE("cuda step: a bad row of either model is told in its step, not in the next") {
  DeviceSteps device(kTarget, kDraft, kVocabulary, 2, 2);
  device.open(0, kPrompt, {.seed = 2}, 0, 140);
  device.open(1, kPrompt, {.seed = 2}, 1, 140);
  CHECK(device.step({{0, 2}, {1, 0}}, 2).bad_logits == 0);  // rows that are not in use may hold anything
  device.after_target = [&] {
    const float bad = std::numeric_limits<float>::infinity();
    cuda::detail::upload(device.memory().target_logits() + 2, &bad, sizeof bad);
  };
  CHECK(device.step({{0, 2}, {1, 2}}, 2).bad_logits != 0);
  device.after_target = nullptr;
  CHECK(device.step({{1, 2}}, 2).bad_logits == 0);
}

TEST_CASE("cuda step: drafts that are given are bounded by room, by the graph's draft length, and by nothing else") {
  const Sampling greedy{.temperature = 0};
  const auto likeliest = [](const std::vector<Token>& written, int length) {
    std::vector<Token> text = kPrompt;
    text.insert(text.end(), written.begin(), written.end());
    return made_up_draft(kTarget, kVocabulary, text, length, 10, 0);
  };
  for (int room = 1; room <= 9; ++room) {
    CAPTURE(room);
    DeviceSteps device(kTarget, std::nullopt, kVocabulary, 3, 5);
    device.open(0, kPrompt, greedy, 0, room);
    device.open(1, kPrompt, greedy, 1, 100);
    device.open(2, kPrompt, greedy, 2, 100);
    std::vector<Token> first, third;
    for (int step = 0; step < 4; ++step) {
      const auto output = device.step({{0, 7, likeliest(first, 7)}, {-1, 4, {1, 2, 3, 4}}, {2, 2 * step, likeliest(third, 2 * step)}}, 5);
      const int left = room - static_cast<int>(first.size());
      CHECK(output.lane[0].drafted == std::max(0, std::min(5, left - 1)));
      CHECK(output.lane[0].tokens == std::min(6, left));
      CHECK(output.lane[1].tokens == 0);
      CHECK(output.lane[1].drafted == 0);
      CHECK(output.lane[2].drafted == std::min(5, 2 * step));
      CHECK(output.lane[2].accepted == output.lane[2].drafted);
      for (const Token token : tokens_of(output.lane[0])) first.push_back(token);
      for (const Token token : tokens_of(output.lane[2])) third.push_back(token);
    }
    CHECK(first == likeliest({}, room));
    CHECK(third == likeliest({}, static_cast<int>(third.size())));
    CHECK(device.draft_rows() == 0);
  }
}

TEST_CASE("cuda step: a lane without a draft between lanes that are given one, after steps in which it had one") {
  const Sampling greedy{.temperature = 0};
  const std::vector<Token> draft = made_up_draft(kTarget, kVocabulary, kPrompt, 12, 10, 0);
  DeviceSteps device(kTarget, std::nullopt, kVocabulary, 2, 3);
  for (const int slot : {0, 1}) device.open(slot, kPrompt, greedy, static_cast<std::uint32_t>(slot), 100);
  const auto part = [&](int from) { return std::vector<Token>(draft.begin() + from, draft.begin() + from + 3); };
  CHECK(device.step({{0, 3, part(0)}, {1, 3, part(0)}}, 3).lane[1].accepted == 3);
  const auto output = device.step({{0, 3, part(4)}, {1, 0}}, 3);
  CHECK(output.lane[0].accepted == 3);
  CHECK(output.lane[1].drafted == 0);
  CHECK(output.lane[1].tokens == 1);
  CHECK(output.lane[1].token[0] == draft[4]);
}

TEST_CASE("cuda step: an end token among drafts that are given ends the lane where it is told to") {
  const Sampling greedy{.temperature = 0};
  const std::vector<Token> draft = made_up_draft(kTarget, kVocabulary, kPrompt, 6, 10, 0);
  const Token end = draft[2];
  const auto first = std::find(draft.begin(), draft.end(), end) - draft.begin();
  for (const bool ends : {true, false}) {
    DeviceSteps device(kTarget, std::nullopt, kVocabulary, 1, 6, among_many(end));
    device.open(0, kPrompt, greedy, 0, 100, ends);
    const auto lane = device.step({{0, 6, draft}}, 6).lane[0];
    CHECK(lane.accepted == 6);
    CHECK(lane.tokens == (ends ? first + 1 : 7));
    const auto next = device.step({{0, 2, {0, 0}}}, 2).lane[0];
    CHECK(next.drafted == (ends ? 0 : 2));
    CHECK((next.tokens > 0) != ends);
  }
}

TEST_CASE("cuda step: without a draft network nothing of one has memory or may be asked for") {
  const cuda::StepLimits with{.lanes = 8, .draft_length = 16, .vocabulary = 1000, .target_vocabulary = 1003, .draft_vocabulary = 1000, .tail_tokens = 100};
  cuda::StepLimits without = with;
  without.draft_vocabulary = 0;
  const std::size_t logits = std::size_t{16} * 8 * 1000 * sizeof(float);
  CHECK(cuda::StepMemory::bytes(without, cuda::device_info()) + logits < cuda::StepMemory::bytes(with, cuda::device_info()));
  const cuda::StepMemory memory(without, {}, cuda::device_info());
  cuda::Stream stream;
  const cuda::StepShape shape{.lanes = 8, .draft_length = 16};
  CHECK(memory.verify_batch(shape).rows() == 8 * 17);
  CHECK_THROWS_AS(memory.draft_batch(shape, 0), std::invalid_argument);
  CHECK_THROWS_AS(memory.draft_logits(shape, 0), std::invalid_argument);
  CHECK_THROWS_AS(cuda::draw_drafts(stream, memory, shape, 0), std::invalid_argument);
}
