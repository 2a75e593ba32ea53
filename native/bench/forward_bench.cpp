#include "bench/forward_bench.h"

#include <random>

#include "bench/interrupt.h"

namespace octet::bench {

using namespace cuda;

void tune_passes(Stream& stream, const Network& network, std::span<const TunedPass> passes, const TuningOptions& options, GemmChoices& choices) {
  constexpr int kCells = 4096;  // not attended to: their memory is what is overwritten between trials
  const DeviceInfo device = device_info();
  const KvCache cache(network.architecture, device.compute_capability == 0 ? 8 : kCells, Precision::kBf16);
  const Activations activations(pass_needs(network, Precision::kBf16), Precision::kBf16, kMostTunedRows, device);
  const Forward forward(network, cache, activations);
  const std::size_t spare = KvCache::bytes(network.architecture, device.compute_capability == 0 ? 8 : kCells, Precision::kBf16);
  const TunedNetwork tuned{&forward, passes.front().draft, {static_cast<std::byte*>(cache.keys(0)), spare}};
  if (!tune(stream, {&tuned, 1}, passes, device, options, choices)) throw Interrupted();
}

Timing time_pass(Stream& stream, const Network& network, const PassShape& shape, int repeats, const GemmChoices* choices) {
  const Architecture& model = network.architecture;
  const int rows = shape.lanes * shape.rows_per_lane, tail_cells = shape.tail + shape.rows_per_lane;
  const int cells = shape.prompt + shape.lanes * tail_cells;
  const KvCache cache(model, cells, Precision::kBf16);
  stream.fill(cache.keys(0), 0x3c, KvCache::bytes(model, cells, Precision::kBf16));  // 0.011 everywhere
  const Activations activations(pass_needs(network, Precision::kBf16), Precision::kBf16, rows, device_info(), choices);
  const Forward forward(network, cache, activations);
  std::mt19937 random(1);
  std::vector<int> slots, tokens, positions;
  std::vector<Place> places(kMaxSlots);
  for (int lane = 0; lane < shape.lanes; ++lane) {
    slots.push_back(lane);
    places[static_cast<std::size_t>(lane)] = {0, shape.prompt, shape.prompt + lane * tail_cells};
    for (int j = 0; j < shape.rows_per_lane; ++j) {
      tokens.push_back(static_cast<int>(random() % static_cast<unsigned>(model.vocabulary)));
      positions.push_back(shape.prompt + shape.tail + j);
    }
  }
  const DeviceArray<int> device_slots(slots), device_tokens(tokens), device_positions(positions);
  const DeviceArray<Place> device_places(places);
  const Batch batch{shape.lanes, shape.rows_per_lane, device_slots.data(), device_tokens.data(), device_positions.data(), device_places.data()};
  const DeviceArray<float> logits(static_cast<std::size_t>(rows) * static_cast<std::size_t>(model.vocabulary));
  return time_on_device(stream, 1, repeats, [&](int) {
    forward.pass(stream, batch);
    forward.logits(stream, batch, 0, shape.rows_per_lane, logits.data());
  });
}

}  // namespace octet::bench
