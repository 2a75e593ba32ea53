#include "bench/forward_bench.h"

#include <random>

namespace octet::bench {

using namespace cuda;

Timing time_pass(Stream& stream, const Network& network, const PassShape& shape, int repeats) {
  const Architecture& model = network.architecture;
  const int rows = shape.lanes * shape.rows_per_lane, tail_cells = shape.tail + shape.rows_per_lane;
  const int cells = shape.prompt + shape.lanes * tail_cells;
  const KvCache cache(model, cells, Precision::kBf16);
  stream.fill(cache.keys(0), 0x3c, KvCache::bytes(model, cells, Precision::kBf16));  // 0.011 everywhere
  const Activations activations(pass_needs(network, Precision::kBf16), Precision::kBf16, rows, device_info());
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
