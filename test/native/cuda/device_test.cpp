// The device layer: the same results from a GPU and from fibers.
#include <doctest/doctest.h>

#include <optional>
#include <random>

#include "runtimes/cuda/device/calls.h"
#include "runtimes/cuda/kernels/probe.h"

using namespace octet::cuda;

TEST_CASE("cuda device: a tensor-core product from shared memory") {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> small(-8, 8);
  std::vector<Bf16> a(16 * 16), b(16 * 8);
  for (Bf16& x : a) x = to_bf16(static_cast<float>(small(random)) / 4);
  for (Bf16& x : b) x = to_bf16(static_cast<float>(small(random)) / 4);
  const DeviceArray<Bf16> device_a{std::span<const Bf16>(a)}, device_b{std::span<const Bf16>(b)};
  DeviceArray<float> d(16 * 8);
  Stream stream;
  stream.begin_capture();
  probe_multiply(stream, device_a.data(), device_b.data(), d.data());
  const Graph graph = stream.end_capture();
  for (int replay = 0; replay < 2; ++replay) {
    stream.fill(d.data(), 0, d.size() * sizeof(float));
    stream.launch(graph);
    stream.synchronize();
    const std::vector<float> got = d.download();
    for (int m = 0; m < 16; ++m)
      for (int n = 0; n < 8; ++n) {
        float expected = 0;
        for (int k = 0; k < 16; ++k) expected += to_float(a[m * 16 + k]) * to_float(b[k * 8 + n]);
        CHECK(got[m * 8 + n] == expected);
      }
  }
}

TEST_CASE("cuda device: the last block to arrive, warp sums and ballots") {
  DeviceArray<int> counter{std::vector<int>{0}}, last{std::vector<int>{0}};
  DeviceArray<float> total{std::vector<float>{0}};
  Stream stream;
  probe_last_block(stream, 7, counter.data(), last.data(), total.data());
  stream.synchronize();
  CHECK(counter.download()[0] == 7);
  CHECK(static_cast<std::uint32_t>(last.download()[0]) == 0xaaaaaaaau);
  CHECK(total.download()[0] == 31 * 16);
}

TEST_CASE("cuda device: what is put on a stream by itself counts as a launch, what is recorded or in a graph does not") {
  DeviceArray<int> counter{std::vector<int>{0}}, last{std::vector<int>{0}};
  DeviceArray<float> total{std::vector<float>{0}};
  Stream stream;
  const Event over;
  const auto put = [&] {
    probe_last_block(stream, 7, counter.data(), last.data(), total.data());
    stream.copy(last.data(), counter.data(), sizeof(int));
    stream.fill(counter.data(), 0, sizeof(int));
  };
  struct Asked {
    std::uint64_t launches, graphs, waits;
    bool operator==(const Asked&) const = default;
  };
  const auto asked = [](auto&& what) {
    const DeviceCalls before = device_calls();
    what();
    const DeviceCalls after = device_calls();
    return Asked{after.launches - before.launches, after.graphs - before.graphs, after.waits - before.waits};
  };
  CHECK(asked(put) == Asked{3, 0, 0});
  std::optional<Graph> graph;
  CHECK(asked([&] {
    stream.begin_capture();
    put();
    graph = stream.end_capture();
  }) == Asked{0, 0, 0});
  CHECK(asked([&] {
    stream.launch(*graph);
    stream.launch(*graph);
  }) == Asked{0, 2, 0});
  CHECK(asked([&] { stream.record(over); }) == Asked{0, 0, 0});
  CHECK(asked([&] {
    over.wait();
    stream.synchronize();
  }) == Asked{0, 0, 2});
  CHECK(asked([&] { last.download(); }) == Asked{0, 0, 1});
  CHECK(asked([&] { last.upload(std::vector<int>{0}); }) == Asked{0, 0, 1});
  CHECK(asked([&] { DeviceArray<int>{4}; }) == Asked{0, 0, 2});
}

TEST_CASE("cuda device: bf16 and half conversions") {
  CHECK(to_float(to_bf16(1.0f)) == 1.0f);
  CHECK(to_bf16(1.00390625f).bits == 0x3f80);  // halfway: to even
  CHECK(to_bf16(1.01171875f).bits == 0x3f82);
  CHECK(to_float(Half{0x3c00}) == 1.0f);
  CHECK(to_float(Half{0x0001}) == 0x1p-24f);
  CHECK(to_float(Half{0xfbff}) == -65504.0f);
  CHECK(low_bf16(pack_bf16(2, -3)) == 2);
  CHECK(high_bf16(pack_bf16(2, -3)) == -3);
}
