#include <algorithm>
#include <stdexcept>
#include <vector>

#include "runtimes/cuda/kernels/device_parts.h"
#include "runtimes/cuda/kernels/step_tables.h"

namespace octet::cuda {
namespace {

int slices_of(int vocabulary) { return (vocabulary + kSliceTokens - 1) / kSliceTokens; }
int most_rows(const StepLimits& limits) { return limits.lanes * (limits.draft_length + 1); }

// The parts of the tables that start as zeros come first; returns where they end.
std::size_t lay_out(DeviceParts& parts, const StepLimits& limits, std::size_t end_tokens, StepTables& t) {
  const auto lanes = static_cast<std::size_t>(limits.lanes), rows = static_cast<std::size_t>(most_rows(limits));
  constexpr std::size_t drafts = static_cast<std::size_t>(kMaxDraftLength) * kMaxLanes;
  const bool given = limits.draft_vocabulary == 0;
  const std::size_t drawn = given ? 0 : drafts;
  t.vocabulary = limits.vocabulary;
  t.target_stride = limits.target_vocabulary;
  t.draft_stride = limits.draft_vocabulary;
  t.tail_tokens = limits.tail_tokens;
  t.end_tokens = static_cast<int>(end_tokens);
  t.drafts_given = given;
  t.counters = parts.take<StepCounters>(1);
  t.slices_done = parts.take<int>(kMaxLanes);
  t.place = parts.take<Place>(kMaxSlots);
  t.drafted = parts.take<int>(drafts);
  const std::size_t zeros = parts.used;
  t.end_token = parts.take<Token>(end_tokens);
  t.lane = parts.take<LaneState>(kMaxSlots);
  t.warping = parts.take<Warping>(kMaxSlots);
  t.tail = parts.take<Token>(static_cast<std::size_t>(kMaxSlots) * static_cast<std::size_t>(limits.tail_tokens));
  t.step = parts.take<StepLane>(kMaxLanes);
  t.verify_slot = parts.take<int>(kMaxLanes);
  t.draft_slot = parts.take<int>(kMaxLanes);
  t.verify_token = parts.take<int>(rows);
  t.verify_position = parts.take<int>(rows);
  t.verify_which = parts.take<int>(rows);
  t.verify_uniform = given ? parts.take<float>(rows) : nullptr;
  t.verify_drawn = given ? parts.take<Token>(rows) : nullptr;
  t.first_token = parts.take<int>(2 * kMaxLanes);
  t.first_position = parts.take<int>(2 * kMaxLanes);
  t.draft_position = parts.take<int>(drawn);
  t.draft_which = parts.take<int>(drawn);
  t.draft_uniform = parts.take<float>(drawn);
  t.catch_up_slot = parts.take<int>(kMaxLanes);
  t.catch_up_token = parts.take<int>(lanes * static_cast<std::size_t>(limits.catch_up_rows));
  t.catch_up_position = parts.take<int>(lanes * static_cast<std::size_t>(limits.catch_up_rows));
  t.q = parts.take<WarpedRow>(drawn);
  t.p = parts.take<WarpedRow>(rows);
  t.slice_mass = parts.take<SliceMass>(lanes * static_cast<std::size_t>(slices_of(limits.vocabulary)));
  t.draft_logits =
      parts.take<float>(static_cast<std::size_t>(limits.draft_length) * lanes * static_cast<std::size_t>(limits.draft_vocabulary));
  t.target_logits = parts.take<float>(rows * static_cast<std::size_t>(limits.target_vocabulary));
  return zeros;
}

void check(const StepLimits& limits) {
  const bool draft_fits = limits.draft_length == 0 || limits.draft_vocabulary == 0 || limits.vocabulary <= limits.draft_vocabulary;
  if (limits.lanes < 1 || limits.lanes > kMaxLanes || limits.draft_length < 0 || limits.draft_length > kMaxDraftLength ||
      limits.vocabulary < 1 || limits.vocabulary > limits.target_vocabulary || !draft_fits ||
      limits.tail_tokens < 1 || limits.catch_up_rows < 0)
    throw std::invalid_argument("limits of steps");
}

void check(const StepLimits& limits, const StepShape& shape) {
  if (shape.lanes < 1 || shape.lanes > limits.lanes || shape.draft_length < 0 || shape.draft_length > limits.draft_length)
    throw std::invalid_argument("a step's shape is beyond its limits");
}

void check_draws(const StepLimits& limits) {
  if (limits.draft_vocabulary == 0) throw std::invalid_argument("there is no draft network");
}

}  // namespace

/// The control tokens of a vocabulary that has many.
constexpr std::size_t kManyEndTokens = 8192;

std::size_t StepMemory::bytes(const StepLimits& limits, const DeviceInfo&) {
  DeviceParts parts;
  StepTables tables{};
  lay_out(parts, limits, kManyEndTokens, tables);
  return parts.used + WarpScratch::bytes(most_rows(limits), limits.vocabulary);
}

StepMemory::StepMemory(const StepLimits& limits, std::span<const Token> end_tokens, const DeviceInfo&) {
  check(limits);
  DeviceParts size;
  StepTables tables{};
  lay_out(size, limits, end_tokens.size(), tables);
  body_.reset(new Body{.limits = limits, .input = PinnedArray<StepInput>(kStepRing), .output = PinnedArray<StepOutput>(kStepRing),
                       .memory = DeviceArray<std::byte>(size.used), .tables = {},
                       .scratch = WarpScratch(most_rows(limits), limits.vocabulary)});
  DeviceParts parts{body_->memory.data()};
  StepTables& t = body_->tables;
  body_->memory.upload(std::vector<std::byte>(lay_out(parts, limits, end_tokens.size(), t)));
  t.input = body_->input.data();
  t.output = body_->output.data();
  if (!end_tokens.empty()) {
    const auto at = static_cast<std::size_t>(reinterpret_cast<const std::byte*>(t.end_token) - body_->memory.data());
    std::vector<Token> sorted(end_tokens.begin(), end_tokens.end());
    std::sort(sorted.begin(), sorted.end());
    body_->memory.upload(std::as_bytes(std::span(sorted)), at);
  }
}

StepMemory::~StepMemory() = default;
StepMemory::StepMemory(StepMemory&&) noexcept = default;

const Place* StepMemory::places() const { return body_->tables.place; }
StepInput& StepMemory::input(int ring) const { return body_->input[static_cast<std::size_t>(ring)]; }
StepOutput& StepMemory::output(int ring) const { return body_->output[static_cast<std::size_t>(ring)]; }

Batch StepMemory::draft_batch(const StepShape& shape, int pass) const {
  check(body_->limits, shape);
  check_draws(body_->limits);
  const StepTables& t = body_->tables;
  if (pass == 0) return {shape.lanes, 2, t.draft_slot, t.first_token, t.first_position, t.place};
  return {shape.lanes, 1, t.draft_slot, t.drafted + (pass - 1) * kMaxLanes, t.draft_position + pass * kMaxLanes, t.place};
}

Batch StepMemory::verify_batch(const StepShape& shape) const {
  check(body_->limits, shape);
  const StepTables& t = body_->tables;
  return {shape.lanes, shape.draft_length + 1, t.verify_slot, t.verify_token, t.verify_position, t.place};
}

Batch StepMemory::catch_up_batch(int lanes, int rows) const {
  check(body_->limits, StepShape{.lanes = lanes});
  if (rows < 1 || rows > body_->limits.catch_up_rows) throw std::invalid_argument("rows of a catch-up");
  const StepTables& t = body_->tables;
  return {lanes, rows, t.catch_up_slot, t.catch_up_token, t.catch_up_position, t.place};
}

float* StepMemory::draft_logits(const StepShape& shape, int pass) const {
  check_draws(body_->limits);
  return body_->tables.draft_logits + static_cast<std::ptrdiff_t>(pass) * shape.lanes * body_->limits.draft_vocabulary;
}

float* StepMemory::target_logits() const { return body_->tables.target_logits; }

void draw_drafts(Stream& stream, const StepMemory& memory, const StepShape& shape, int pass) {
  if (pass < 0 || pass >= shape.draft_length) throw std::invalid_argument("a pass beyond the draft length");
  check(memory.body().limits, shape);
  const StepTables& t = memory.body().tables;
  const int at = pass * kMaxLanes;
  warp_rows(stream, memory.body().scratch,
            {.rows = shape.lanes, .vocabulary = t.vocabulary, .logits = memory.draft_logits(shape, pass), .stride = t.draft_stride,
             .which = t.draft_which + at, .warping = t.warping, .warped = t.q + at, .bad_logits = &t.counters->bad_logits,
             .uniform = t.draft_uniform + at, .drawn = t.drafted + at, .drawn_too = t.verify_token + pass + 1,
             .too_stride = shape.draft_length + 1});
}

}  // namespace octet::cuda
