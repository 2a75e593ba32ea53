#include "bench/attention_bench.h"

#include <algorithm>
#include <numeric>

#include "bench/interrupt.h"
#include "bench/timing.h"
#include "runtimes/cuda/kernels/attention.h"
#include "runtimes/cuda/kernels/attention_rows.h"
#include "runtimes/cuda/runtime/kv_cache.h"

namespace octet::bench {
namespace {

using namespace cuda;

/// A batch of the setting on the device: the prompt's cells first, then the tails', one behind the other.
struct Lanes {
  Lanes(const AttentionSetting& setting, const std::vector<int>& tails) {
    std::vector<Place> place(kMaxSlots);
    std::vector<int> slot, position;
    cells = setting.prompt;
    for (int lane = 0; lane < setting.lanes; ++lane) {
      const int tail = tails[static_cast<std::size_t>(lane)];
      slot.push_back(lane);
      place[static_cast<std::size_t>(lane)] = {0, setting.prompt, cells};
      for (int row = 0; row < setting.rows_per_lane; ++row) position.push_back(setting.prompt + tail - setting.rows_per_lane + row);
      cells += tail;
    }
    slots = DeviceArray<int>(slot);
    positions = DeviceArray<int>(position);
    places = DeviceArray<Place>(place);
    batch = {setting.lanes, setting.rows_per_lane, slots.data(), nullptr, positions.data(), places.data()};
  }

  int cells;
  DeviceArray<int> slots, positions;
  DeviceArray<Place> places;
  Batch batch;
};

constexpr int kFilled = 0x3c;  // bytes of operands: bf16 of about 0.01

}  // namespace

std::vector<int> ragged_tails(const AttentionSetting& setting) {
  std::vector<int> tails;
  const int step = setting.lanes % 7 ? 7 : 5;  // shares no factor with the number of lanes, 16 at most
  for (int lane = 0; lane < setting.lanes; ++lane)
    tails.push_back(std::max(setting.rows_per_lane, setting.longest_tail * (lane * step % setting.lanes + 1) / setting.lanes));
  return tails;
}

void bench_attention(Stream& stream, const Architecture& shape, std::span<const AttentionSetting> settings, int repeats, const DeviceFacts& device,
                     Report& report) {
  const HeadShape heads{shape.heads, shape.kv_heads, shape.head_dim};
  report.table("attention", shape.name + ": attention of a layer",
               {{"lanes", "lanes", 0}, {"rows", "rows", 0}, {"prompt", "prompt", 0}, {"longestTail", "longest tail", 0}, {"meanTail", "mean tail", 1},
                {"form", "form"}, {"us", "microseconds", 2}, {"gbPerS", "GB/s", 1}, {"ofCopy", "% of copy", 1, 100},
                {"timesRows", "times as fast as rows", 2}});
  for (const AttentionSetting& setting : settings) {
    const std::vector<int> tails = ragged_tails(setting);
    const Lanes lanes(setting, tails);
    const Batch& batch = lanes.batch;
    const KvCache cache(shape, lanes.cells, Precision::kBf16);
    const AttentionWorkspace workspace(heads, batch.rows(), device.info);
    const DeviceArray<std::byte> q(static_cast<std::size_t>(batch.rows()) * shape.heads * shape.head_dim * 2), out(q.size());
    stream.fill(q.data(), kFilled, q.size());
    const std::size_t plane = static_cast<std::size_t>(lanes.cells) * shape.kv_heads * shape.head_dim * 2;
    for (int layer = 0; layer < shape.layers; ++layer) {
      stream.fill(cache.keys(layer), kFilled, plane);
      stream.fill(cache.values(layer), kFilled, plane);
    }
    stream.synchronize();  // an interrupt frees what would still be written
    const auto timed = [&](const std::function<void(int)>& work) {
      check_interrupt();
      return time_on_device(stream, only_once ? 1 : shape.layers, repeats, work).median_ms;
    };
    const auto ragged = [&](RaggedForm form) {
      return timed([&](int layer) {
        if (layer == 0) plan_attention(stream, workspace, batch, heads, form);
        attend(stream, workspace, batch, heads, q.data(), cache.keys(layer), cache.values(layer), out.data());
      });
    };
    const double by_rows = timed([&](int layer) {
      attend_rows(stream, batch, heads, q.data(), cache.keys(layer), cache.values(layer), Precision::kBf16, out.data());
    });
    const double mean = std::accumulate(tails.begin(), tails.end(), 0.0) / setting.lanes;
    const auto line = [&](const char* form, double ms) {
      const double speed = 2 * static_cast<double>(plane) / ms / 1e6;
      report.row({static_cast<double>(setting.lanes), static_cast<double>(setting.rows_per_lane), static_cast<double>(setting.prompt),
                  static_cast<double>(setting.longest_tail), mean, form, ms * 1e3, speed, share(speed, device.copy_gb_per_s), share(by_rows, ms)});
    };
    line("split", ragged(RaggedForm::kSplit));
    line("pad", ragged(RaggedForm::kPad));
    line("rows", by_rows);
  }
}

}  // namespace octet::bench
