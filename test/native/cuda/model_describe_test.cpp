// A GGUF file as the CUDA runtime takes it, and what it refuses.
#include <doctest/doctest.h>

#include <cstring>

#include "engine/error.h"
#include "gguf_editor.h"
#include "llama_fixture.h"
#include "runtimes/cuda/model/describe.h"
#include "temporary_folder.h"

using namespace octet;
using namespace octet::cuda;

namespace {

std::string refusal(const std::string& path) {
  try {
    describe_network(llama::open_parts(path));
  } catch (const Error& error) {
    CHECK(error.code == ErrorCode::kModelUnsupported);
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("cuda model: the starter target, as its file says") {
  const ModelSource model = describe_network(llama::open_parts(llama::kTargetFile));
  const Architecture& shape = model.source.architecture;
  CHECK(shape.name == "llama");
  CHECK(shape.layers == 6);
  CHECK(shape.width == 256);
  CHECK(shape.heads == 4);
  CHECK(shape.kv_heads == 2);
  CHECK(shape.head_dim == 64);
  CHECK(shape.feed_forward == 704);
  CHECK(shape.vocabulary == 8192);
  CHECK(!shape.rope.halves);
  CHECK(shape.rope.dimensions == 64);
  REQUIRE(model.source.layers.size() == 6);
  CHECK(!model.source.output.present());
  const TensorSource& down = model.source.layers[5].down;
  CHECK(down.format == WeightFormat::kQ8_0);
  CHECK(down.rows == 256);
  CHECK(down.columns == 704);
  CHECK(down.bytes.size() == 256 * 704 / 32 * 34);
  // The bytes are the file's own: the norm of a trained layer is near one.
  float first = 0;
  std::memcpy(&first, model.source.layers[0].attention_norm.bytes.data(), sizeof first);
  CHECK(first > 0.01f);
  CHECK(first < 10.0f);
}

TEST_CASE("cuda model: what it cannot run is named") {
  const test::TemporaryFolder folder;
  const test::GgufBytes original(llama::kTargetFile);
  const std::string path = folder / "edited.gguf";
  const auto with = [&](auto change) {
    test::GgufBytes edited = original;
    change(edited);
    edited.write(path);
    return refusal(path);
  };
  CHECK(with([](test::GgufBytes&) {}).empty());
  CHECK(with([](test::GgufBytes& file) { file.set_string("general.architecture", "gemma"); }).find("architecture gemma") != std::string::npos);
  CHECK(with([](test::GgufBytes& file) { file.set_u32("llama.expert_count", 4); }).find("llama.expert_count") != std::string::npos);
  CHECK(with([](test::GgufBytes& file) { file.set_u32("llama.attention.sliding_window", 512); }).find("sliding_window") != std::string::npos);
  CHECK(with([](test::GgufBytes& file) { file.tensors[2].name = "blk.0.surprise.weight"; }).find("blk.0.") != std::string::npos);
}
