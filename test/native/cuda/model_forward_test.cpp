// The whole forward pass of the starter pair against llama.cpp's logits: exactly in float32, within rounding in bf16.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "gguf_editor.h"
#include "llama_fixture.h"
#include "llama_float_copy.h"
#include "random_floats.h"
#include "runtimes/cuda/model/describe.h"
#include "runtimes/cuda/runtime/forward.h"
#include "temporary_folder.h"

using namespace octet;
using namespace octet::cuda;

namespace {

constexpr int kCells = 64, kVocabulary = 8192;

const std::vector<Token> kTokens = {311, 12, 4021, 77, 900, 15, 2048, 8000, 3, 511, 640, 1999};

// llama.cpp's logits of every position of kTokens.
std::vector<std::vector<float>> llama_logits(const std::string& path) {
  const llama::LoadedPair pair = llama::load_pair(llama::exact_options(path));
  std::vector<Row> rows;
  for (std::size_t i = 0; i < kTokens.size(); ++i) rows.push_back({0, kTokens[i], static_cast<int>(i), true});
  pair.target->decode(rows);
  std::vector<std::vector<float>> all;
  for (std::size_t i = 0; i < kTokens.size(); ++i) {
    const auto logits = pair.target->logits(static_cast<int>(i));
    all.emplace_back(logits.begin(), logits.end());
  }
  return all;
}

// The same by the CUDA runtime: the first seven tokens as a prompt under way, in cells 10 to 16; then two lanes that share
// them, whose tails lie apart, in one ragged pass: one with the other five tokens, one with three and two idle rows.
std::vector<std::vector<float>> cuda_logits(const std::string& path, Precision precision, RaggedForm form = RaggedForm::kSplit) {
  const ModelSource source = describe_network(llama::open_parts(path));
  const std::optional<Network> network = load_network(source.source, {});
  const Architecture& shape = network->architecture;
  const KvCache cache(shape, kCells, precision);
  const Activations activations(pass_needs(*network, precision), precision, 16, device_info());
  const Forward forward(*network, cache, activations, form);
  Stream stream;
  std::vector<Place> places(kMaxSlots);
  places[16] = {0, 0, 10};
  places[2] = {10, 7, 40};
  places[5] = {10, 7, 50};
  const DeviceArray<Place> device_places(places);
  std::vector<std::vector<float>> all(kTokens.size());
  const auto pass = [&](const std::vector<int>& slots, const std::vector<int>& tokens, const std::vector<int>& positions) {
    const DeviceArray<int> device_slots(slots), device_tokens(tokens), device_positions(positions);
    const Batch batch{static_cast<int>(slots.size()), static_cast<int>(tokens.size() / slots.size()), device_slots.data(), device_tokens.data(),
                      device_positions.data(), device_places.data()};
    DeviceArray<float> logits(tokens.size() * kVocabulary);
    forward.pass(stream, batch);
    forward.logits(stream, batch, 0, batch.rows_per_lane, logits.data());
    stream.synchronize();
    const std::vector<float> got = logits.download();
    for (std::size_t row = 0; row < tokens.size(); ++row) {
      if (positions[row] < 0) continue;
      std::vector<float> values(got.begin() + static_cast<std::ptrdiff_t>(row * kVocabulary), got.begin() + static_cast<std::ptrdiff_t>((row + 1) * kVocabulary));
      std::vector<float>& known = all[static_cast<std::size_t>(positions[row])];
      if (known.empty()) known = values;
      else for (std::size_t i = 0; i < values.size(); ++i) REQUIRE(std::abs(values[i] - known[i]) <= 1e-4f);  // lanes agree
    }
  };
  pass({16}, {kTokens.begin(), kTokens.begin() + 7}, {0, 1, 2, 3, 4, 5, 6});
  std::vector<int> tokens(kTokens.begin() + 7, kTokens.end());
  tokens.insert(tokens.end(), {kTokens[7], kTokens[8], kTokens[9], 0, 0});
  pass({2, 5}, tokens, {7, 8, 9, 10, 11, 7, 8, 9, -1, -1});
  return all;
}

// The largest relative difference of two rows of logits: |got - want| / |want|, Euclidean norms.
double difference(const std::vector<std::vector<float>>& got, const std::vector<std::vector<float>>& want) {
  double most = 0;
  for (std::size_t row = 0; row < want.size(); ++row) {
    double apart = 0, length = 0;
    for (std::size_t i = 0; i < want[row].size(); ++i) {
      apart += std::pow(static_cast<double>(got[row][i]) - want[row][i], 2.0);
      length += std::pow(static_cast<double>(want[row][i]), 2.0);
    }
    most = std::max(most, std::sqrt(apart / length));
  }
  return most;
}

// Appends a vector in F32 to a file's tensors.
void add_vector(test::GgufBytes& file, const std::string& name, const std::vector<float>& values) {
  file.data.resize((file.data.size() + 31) / 32 * 32);
  std::string body;
  test::append<std::uint32_t>(body, 1);
  test::append<std::uint64_t>(body, values.size());
  test::append<std::int32_t>(body, 0);
  test::append<std::uint64_t>(body, file.data.size());
  file.tensors.push_back({name, body});
  for (const float value : values) test::append(file.data, value);
}

// A starter model's weights as a model of another architecture: the file's keys renamed, and what its layers have besides.
// scaling: of positions, as the file names it.
void write_as(const std::string& architecture, const std::string& scaling, const std::string& from, const std::string& path) {
  const Architecture shape = describe_network(llama::open_parts(from)).source.architecture;
  test::GgufBytes file(from);
  for (auto& entry : file.metadata)
    if (entry.name.starts_with("llama.")) entry.name.replace(0, 5, architecture);
  file.set_string("general.architecture", architecture);
  file.set_string(architecture + ".rope.scaling.type", scaling);
  file.set_f32(architecture + ".rope.scaling.factor", 4);
  file.set_u32(architecture + ".rope.scaling.original_context_length", 128);
  for (int layer = 0; layer < shape.layers; ++layer) {
    const auto add = [&](const char* name, int length, int number, float middle) {
      const auto seed = static_cast<unsigned>(10 * layer + number);
      std::vector<float> values = testing::random_floats(static_cast<std::size_t>(length), seed, 0.5f);
      for (float& value : values) value += middle;
      add_vector(file, "blk." + std::to_string(layer) + "." + name, values);
    };
    if (architecture == "qwen2") {
      add("attn_q.bias", shape.heads * shape.head_dim, 1, 0);
      add("attn_k.bias", shape.kv_heads * shape.head_dim, 2, 0);
      add("attn_v.bias", shape.kv_heads * shape.head_dim, 3, 0);
    } else {
      add("attn_q_norm.weight", shape.head_dim, 4, 1);
      add("attn_k_norm.weight", shape.head_dim, 5, 1);
    }
  }
  file.write(path);
}

std::size_t best(const std::vector<float>& row) { return static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin()); }

}  // namespace

TEST_CASE("cuda model: llama.cpp's logits in float32, for target and draft") {
  for (const std::string& file : {llama::kTargetFile, llama::kDraftFile}) {
    CAPTURE(file);
    const std::string& exact = llama::float_copy(file);
    const auto want = llama_logits(exact), got = cuda_logits(exact, Precision::kFloat32);
    CHECK(difference(got, want) <= 1e-5);
    for (std::size_t row = 0; row < want.size(); ++row) CHECK(best(got[row]) == best(want[row]));
  }
}

TEST_CASE("cuda model: llama.cpp's logits of qwen2 with biases and qwen3 with norms of queries and keys, their positions stretched") {
  const test::TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> kinds = {{"qwen2", "linear"}, {"qwen3", "yarn"}};
  for (const auto& [architecture, scaling] : kinds) {
    CAPTURE(architecture);
    CAPTURE(scaling);
    const std::string exact = folder / (architecture + "-f32.gguf"), quantised = folder / (architecture + "-q8_0.gguf");
    write_as(architecture, scaling, llama::float_copy(llama::kDraftFile), exact);
    write_as(architecture, scaling, llama::kDraftFile, quantised);
    const auto want = llama_logits(exact);
    CHECK(difference(cuda_logits(exact, Precision::kFloat32), want) <= 1e-5);
    CHECK(difference(cuda_logits(quantised, Precision::kBf16), want) <= 2e-2);
  }
}

TEST_CASE("cuda model: a Q8_0 file's weights are taken over exactly") {
  const auto want = llama_logits(llama::float_copy(llama::kDraftFile));
  CHECK(difference(cuda_logits(llama::kDraftFile, Precision::kFloat32), want) <= 1e-5);
}

TEST_CASE("cuda model: llama.cpp's logits within 2e-2 by the tensor cores' way, from Q8_0 weights") {
  const auto want = llama_logits(llama::float_copy(llama::kTargetFile)), got = cuda_logits(llama::kTargetFile, Precision::kBf16);
  const double off = difference(got, want);
  CAPTURE(off);
  CHECK(off <= 2e-2);
  CHECK(cuda_logits(llama::kTargetFile, Precision::kBf16, RaggedForm::kPad) == got);  // bit for bit
}
