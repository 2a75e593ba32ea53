// Attention on tensor cores: BASS-PAD equals BASS-SPLIT bit for bit, whoever merges parts, and both the double-precision reference
// within the rounding of bf16 weights and outputs; with NaN in every cell that a row must not see and in what inactive rows ask.
#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>

#include "any_device.h"
#include "cuda/attention_case.h"
#include "runtimes/cuda/kernels/attention.h"

using namespace octet::cuda;
using namespace octet::cuda::testing;

namespace {

constexpr double kTolerance = 1.0 / 128;

DeviceInfo device_of(int multiprocessors) {
  DeviceInfo device = device_info();
  device.multiprocessors = multiprocessors;
  return device;
}

std::vector<Bf16> attended(const AttentionCase& a, const AttentionData<Bf16>& data, RaggedForm form, int multiprocessors, MergeBy merge) {
  const AttentionWorkspace workspace(a.shape, a.rows(), device_of(multiprocessors), merge);
  const DeviceArray<Bf16> out(data.size());
  Stream stream;
  plan_attention(stream, workspace, data.batch(), a.shape, form);
  attend(stream, workspace, data.batch(), a.shape, data.q(), data.keys(), data.values(), out.data());
  stream.synchronize();
  return out.download();
}

bool same_bits(const std::vector<Bf16>& a, const std::vector<Bf16>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](Bf16 x, Bf16 y) { return x.bits == y.bits; });
}

// On a device of many multiprocessors tails and prompts are cut into many parts, on a small one into few.
void check(const AttentionCase& a, std::initializer_list<int> multiprocessors = {132, 2}) {
  const AttentionData<Bf16> data(a);
  for (const int count : multiprocessors) {
    CAPTURE(count);
    const std::vector<Bf16> split = attended(a, data, RaggedForm::kSplit, count, MergeBy::kLastBlock);
    CHECK(data.difference(split) <= kTolerance);
    CHECK(same_bits(split, attended(a, data, RaggedForm::kPad, count, MergeBy::kLastBlock)));
    CHECK(same_bits(split, attended(a, data, RaggedForm::kSplit, count, MergeBy::kLaunch)));
    CHECK(same_bits(split, attended(a, data, RaggedForm::kPad, count, MergeBy::kLaunch)));
  }
}

// Prompts of 100 and 70 cells; tails end in the middle of a stage, at its edge, one behind it.
AttentionCase ragged(HeadShape shape) {
  return {shape, 1000,
          {{3, {10, 100, 200}, {98, 99, 100, 101}},     // its first rows inside the prompt
           {0, {10, 100, 300}, {161, 162, 163, -1}},    // the same prompt, a tail of one stage, one idle row
           {-1, {0, 0, 0}, {5, 6, 7, 8}},               // an idle lane between lanes of one prompt
           {5, {10, 100, 400}, {-1, 163, 164, 165}},    // a tail of one stage and two cells; its first row idle
           {8, {10, 100, 500}, {-1, -1, -1, -1}},       // all idle
           {7, {120, 70, 600}, {-1, -1, 226, 227}},     // another prompt, the longest tail
           {9, {0, 0, 900}, {0, 1, 2, 3}}}};            // no prompt: its first tokens
}

}  // namespace

TEST_CASE("cuda attention: ragged lanes of several prompts, by PAD and by SPLIT") {
  check(ragged({4, 2, 64}));
  check(ragged({2, 1, 128}));
}

TEST_CASE("cuda attention: as many query rows as need tiles of 128, by heads of either size") {
  AttentionCase a = ragged({10, 2, 64});
  check(a);
  a.shape = {5, 1, 128};
  check(a, {132});
}

TEST_CASE("cuda attention: a single row a lane, lengths 0, 1 and about the edges of stages") {
  for (const HeadShape shape : {HeadShape{2, 2, 64}, {6, 2, 64}, {7, 1, 128}, {14, 2, 64}, {32, 2, 64}}) {
    CAPTURE(shape.heads);
    AttentionCase a{shape, 700, {}};
    const int tails[] = {1, 2, 63, 64, 65, 128, 129};
    int slot = 0, at = 70;
    for (const int tail : tails) {
      a.lanes.push_back({slot++, {3, 65, at}, {65 + tail - 1}});
      at += tail;
    }
    a.lanes.push_back({slot, {3, 65, 0}, {-1}});
    check(a);
  }
}

TEST_CASE("cuda attention: sixteen lanes of the longest draft") {
  AttentionCase a{{2, 2, 64}, 1400, {}};
  for (int lane = 0; lane < 16; ++lane) {
    std::vector<int> positions = positions_from(40 + 3 * lane, 33);
    std::fill(positions.begin() + 33 - lane, positions.end(), -1);
    a.lanes.push_back({lane, {0, 40, 40 + 81 * lane}, positions});
  }
  check(a, {16});
}

TEST_CASE("cuda attention: a prompt under way, many rows on what is there already") {
  check({{7, 1, 64}, 400, {{16, {0, 0, 30}, positions_from(75, 90)}}});
  check({{2, 1, 128}, 300, {{16, {0, 0, 10}, positions_from(0, 70)}}}, {132});
  std::vector<int> positions = positions_from(70, 40);
  positions.resize(72, -1);
  check({{4, 2, 64}, 200, {{16, {0, 0, 0}, positions}}});
}

TEST_CASE("cuda attention: scores below zero that rise from stage to stage, so that what was summed is scaled") {
  for (const int dim : {64, 128})
    for (const int rows : {1, 40, 70}) {
      CAPTURE(dim);
      CAPTURE(rows);
      check({{2, 1, dim}, 700, {{0, {0, 0, 0}, positions_from(700 - rows, rows)}}, true}, {1});
    }
}

TEST_CASE("cuda attention: blocks that take several items each") {
  AttentionCase a{{8, 8, 64}, 1200, {}};
  for (int lane = 0; lane < 4; ++lane)
    a.lanes.push_back({lane, {lane / 2 * 100, 100, 500 + 150 * lane}, positions_from(100 + 40 * lane, 3)});
  const AttentionWorkspace workspace(a.shape, a.rows(), device_of(1));
  const AttentionGeometry geometry = workspace.geometry(AttentionData<Bf16>(a).batch(), a.shape);
  CHECK(geometry.most_items > workspace.most_blocks(geometry, a.shape));
  check(a, {1});
}

TEST_CASE("cuda attention: SPLIT lists exactly each tail's own chunks, PAD the longest one's for all; a prompt's once for all lanes") {
  const AttentionCase a = {{4, 2, 64}, 2000, {{0, {0, 256, 300}, {256}}, {1, {0, 256, 400}, {256 + 64}}, {2, {0, 256, 600}, {256 + 299}}}};
  const auto count = [](const AttentionCase& listed, RaggedForm form) {
    const AttentionData<Bf16> data(listed);
    const AttentionWorkspace workspace(listed.shape, listed.rows(), device_of(132));
    Stream stream;
    plan_attention(stream, workspace, data.batch(), listed.shape, form);
    stream.synchronize();
    int items = 0;
    detail::download(&items, workspace.plan().count, sizeof items);
    return items;
  };
  CHECK(count(a, RaggedForm::kSplit) == 4 + (1 + 2 + 5));
  CHECK(count(a, RaggedForm::kPad) == 4 + 3 * 5);
  AttentionCase ended = a;  // a lane that has ended, by its slot or its rows, costs nothing, whatever lay in its tail
  ended.lanes.push_back({-1, {0, 256, 1000}, {256 + 299}});
  ended.lanes.push_back({3, {0, 256, 1400}, {-1}});
  CHECK(count(ended, RaggedForm::kSplit) == 4 + (1 + 2 + 5));
  CHECK(count(ended, RaggedForm::kPad) == 4 + 3 * 5);
  check(a, {7});  // two chunks of the longest tail at most: the others have its edges, not their own
}

TEST_CASE("cuda attention: as many parts as there can be, one, and none") {
  // 32 parts; a prompt of one part; tails of one part, without a prompt; a row that sees one cell.
  check({{4, 2, 64}, 2100, {{0, {0, 1500, 1500}, {1988, 1989}}, {1, {0, 1500, 2000}, {1500, 1501}}}}, {132});
  check({{2, 1, 128}, 700, {{0, {0, 600, 600}, {660}}, {1, {0, 600, 670}, {600}}}}, {132});
  check({{4, 2, 64}, 60, {{0, {0, 40, 50}, {38, 39}}, {1, {0, 40, 50}, {39, -1}}}});
  check({{4, 2, 64}, 60, {{0, {0, 0, 0}, {0, 1}}, {1, {0, 0, 20}, {29, 30}}, {-1, {0, 0, 0}, {3, 4}}}});
  check({{4, 2, 64}, 60, {{-1, {0, 0, 0}, {3, 4}}, {0, {0, 0, 0}, {-1, -1}}}});
}

TEST_CASE("cuda attention: one recorded graph serves batches of other lengths, places and idle lanes") {
  const HeadShape shape{4, 2, 64};
  const auto batch_of = [&](int first, int second, int slot) {
    return AttentionCase{shape, 600, {{1, {0, 80, 100}, positions_from(first, 3)}, {slot, {0, 80, 330}, positions_from(second, 3)}}};
  };
  DeviceArray<int> slots(2), positions(6);
  DeviceArray<Place> places(kMaxSlots);
  DeviceArray<Bf16> q(6 * 4 * 64), keys(600 * 2 * 64), values(keys.size()), out(q.size());
  const Batch batch{2, 3, slots.data(), nullptr, positions.data(), places.data()};
  AttentionCase idle = batch_of(100, 90, -1);
  idle.lanes[0].slot = -1;
  for (const MergeBy merge : {MergeBy::kLastBlock, MergeBy::kLaunch}) {
    const AttentionWorkspace workspace(shape, 6, device_of(132), merge);
    Stream stream;
    stream.begin_capture();
    plan_attention(stream, workspace, batch, shape, RaggedForm::kSplit);
    attend(stream, workspace, batch, shape, q.data(), keys.data(), values.data(), out.data());
    const Graph graph = stream.end_capture();
    for (const AttentionCase& a : {batch_of(280, 80, 4), batch_of(80, 200, 9), batch_of(150, 100, -1), batch_of(3, 81, 2), idle, batch_of(280, 278, 4)}) {
      const AttentionData<Bf16> data(a);
      const Batch from = data.batch();
      stream.copy(slots.data(), from.slot, 2 * sizeof(int));
      stream.copy(positions.data(), from.position, 6 * sizeof(int));
      stream.copy(places.data(), from.place, kMaxSlots * sizeof(Place));
      stream.copy(q.data(), data.q(), q.size() * sizeof(Bf16));
      stream.copy(keys.data(), data.keys(), keys.size() * sizeof(Bf16));
      stream.copy(values.data(), data.values(), values.size() * sizeof(Bf16));
      for (int time = 0; time < 2; ++time) {
        stream.fill(out.data(), 0xff, out.size() * sizeof(Bf16));
        stream.fill(workspace.scales(), 0xff, 6 * 4 * sizeof(Vector8));
        stream.launch(graph);
        stream.synchronize();
        CHECK(data.difference(out.download()) <= kTolerance);
      }
    }
  }
}

TEST_CASE("cuda attention: the last block merges for few query rows, a launch for many") {
  const auto merges = [](HeadShape shape, int lanes, int rows, int multiprocessors = 132) {
    const AttentionWorkspace workspace(shape, lanes * rows, device_of(multiprocessors), MergeBy::kShape);
    const AttentionGeometry geometry = workspace.geometry({.lanes = lanes, .rows_per_lane = rows}, shape);
    if (geometry.last_block_merges) CHECK(geometry.parts() <= 32);
    return geometry.last_block_merges;
  };
  CHECK(merges({14, 2, 64}, 1, 1));
  CHECK(merges({14, 2, 64}, 4, 1));
  CHECK_FALSE(merges({14, 2, 64}, 8, 1));
  CHECK(merges({32, 8, 128}, 4, 1));
  CHECK_FALSE(merges({32, 8, 128}, 8, 1));
  CHECK_FALSE(merges({32, 8, 128}, 8, 8));
  CHECK_FALSE(merges({14, 2, 64}, 1, 512));
}

TEST_CASE("cuda attention: what it cannot do is refused") {
  const AttentionCase a{{4, 2, 64}, 20, {{0, {0, 0, 0}, {0, 1}}}};
  const AttentionData<Bf16> data(a);
  const AttentionWorkspace small(a.shape, 1, device_info());
  Stream stream;
  CHECK_THROWS_AS(plan_attention(stream, small, data.batch(), a.shape, RaggedForm::kSplit), std::invalid_argument);
  CHECK_FALSE(attends_on_tensor_cores({4, 2, 96}));
  CHECK(attends_on_tensor_cores({28, 4, 128}));
}

TEST_CASE("cuda attention: the order of threads and blocks does not matter") {
  const AttentionCase many_parts{{4, 2, 64}, 1600, {{0, {0, 900, 900}, {1239, 1240}}, {1, {0, 900, 1300}, {1100, 1101}}}};
  for (const AttentionCase& a : {ragged({4, 2, 64}), many_parts}) {
    const AttentionData<Bf16> data(a);
    const auto attend_by = [&](MergeBy merge) { return attended(a, data, RaggedForm::kSplit, 132, merge); };
    const std::vector<Bf16> in_order = attend_by(MergeBy::kLaunch);
    for (const std::uint64_t seed : {1, 2, 3}) {
      const BlockOrder shuffled(seed);
      CHECK(same_bits(attend_by(MergeBy::kLastBlock), in_order));
      CHECK(same_bits(attend_by(MergeBy::kLaunch), in_order));
    }
  }
}
