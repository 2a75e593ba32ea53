#include "bench/sampling_bench.h"

#include <cmath>
#include <random>
#include <vector>

namespace octet::bench {
namespace {

using namespace cuda;

constexpr int kRows = 8;

std::vector<float> made_up_row(int vocabulary, int number) {
  std::mt19937 random(static_cast<unsigned>(number));
  std::normal_distribution<float> normal(0, 2.2f);
  std::vector<float> row(static_cast<std::size_t>(vocabulary));
  for (float& logit : row) logit = normal(random);
  const float lift = std::log(static_cast<float>(vocabulary) / 8192);  // the tail's mass grows with the vocabulary
  if (number % 3 == 0) row[random() % row.size()] = 16 + lift;
  if (number % 3 <= 1)
    for (int i = 0; i < 30; ++i) row[random() % row.size()] += 3 + lift + static_cast<float>(random() % 64) / 8;
  return row;
}

}  // namespace

std::size_t sampling_bytes(const SamplingShape& shape) {
  const int rows = shape.draft_length + shape.draft_length + 1;
  const int read = shape.lanes * (2 * rows + (shape.draft_length > 0 ? 2 : 1));
  return static_cast<std::size_t>(read) * static_cast<std::size_t>(shape.vocabulary) * sizeof(float);
}

Timing time_sampling(Stream& stream, const SamplingShape& shape, const Sampling& sampling, int repeats) {
  const int tail = (repeats + 8) * (shape.draft_length + 1) + 1, k = shape.draft_length;
  StepMemory memory({.lanes = shape.lanes, .draft_length = k, .vocabulary = shape.vocabulary, .target_vocabulary = shape.vocabulary,
                           .draft_vocabulary = shape.vocabulary, .tail_tokens = tail}, {}, device_info());
  const StepShape step{.lanes = shape.lanes, .draft_length = k};
  std::vector<std::vector<float>> rows;
  for (int i = 0; i < kRows; ++i) rows.push_back(made_up_row(shape.vocabulary, i));
  const auto put = [&](float* to, int row, int number) {
    const std::vector<float>& from = rows[static_cast<std::size_t>(number % kRows)];
    detail::upload(to + static_cast<std::ptrdiff_t>(row) * shape.vocabulary, from.data(), from.size() * sizeof(float));
  };
  for (int lane = 0; lane < shape.lanes; ++lane) {
    for (int j = 0; j < k; ++j) put(memory.draft_logits(step, j), lane, lane + j);
    for (int j = 0; j <= k; ++j) put(memory.target_logits(), lane * (k + 1) + j, lane + j);
  }
  for (int lane = 0; lane < shape.lanes; ++lane)
    memory.open_lane(stream, lane, {}, {.sampling = sampling, .stream = static_cast<std::uint32_t>(lane), .length = 1, .room = tail - 1}, 0);
  for (int ring = 0; ring < kStepRing; ++ring)
    for (int lane = 0; lane < shape.lanes; ++lane) {
      memory.input(ring).slot[lane] = lane;
      memory.input(ring).draft_length[lane] = k;
    }
  return time_on_device(stream, 1, repeats, [&](int) {
    begin_step(stream, memory, step);
    for (int pass = 0; pass < k; ++pass) draw_drafts(stream, memory, step, pass);
    accept_and_advance(stream, memory, step);
  });
}

}  // namespace octet::bench
