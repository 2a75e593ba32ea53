// What `products` measures is what a pass runs: the same kind of product, by the same plans.
#include <doctest/doctest.h>

#include "bench/pass_products.h"
#include "bench/shapes.h"
#include "bench/synthetic_network.h"
#include "runtimes/cuda/kernels/gemm_choices.h"
#include "runtimes/cuda/runtime/forward.h"

using namespace octet::bench;
using namespace octet::cuda;

TEST_CASE("bench: products are those of a pass: epilogues, and norms folded in where a pass folds them") {
  Architecture odd = *shape_named("tiny");  // no whole groups of a norm, no pairs of rows
  odd.width = 160, odd.head_dim = odd.rope.dimensions = 40;
  Architecture wide = *shape_named("tiny-draft");  // where groups depend on the number of rows
  wide.width = 1088;
  Stream stream;
  for (const Architecture& shape : {*shape_named("tiny"), *shape_named("small-draft"), odd, wide}) {
    for (const WeightFormat format : {WeightFormat::kBf16, WeightFormat::kQ8_0, WeightFormat::kF32}) {
      if (format == WeightFormat::kQ8_0 && shape.width % 64 != 0) continue;  // synthetic weights are whole units
      const Network network = synthetic_network(stream, shape, format, 1);
      const KvCache cache(shape, 200, Precision::kBf16);
      const Activations activations(pass_needs(network, Precision::kBf16), Precision::kBf16, 200, device_info());
      const Forward forward(network, cache, activations);
      for (const int n : {1, 16, 17, 144, 145}) {
        const LayerProducts layer = forward.products(0, n);
        REQUIRE(layer.qkv.size() == 1);
        const Gemm pass[] = {layer.qkv.front(), layer.attention_output, layer.gate_up, layer.down, forward.output_product(n, n, nullptr)};
        const std::vector<PassProduct> products = products_of(shape, format);
        REQUIRE(products.size() == std::size(pass));
        for (std::size_t i = 0; i < products.size(); ++i) {
          const ProductOperands operands(stream, shape, products[i], 200);
          stream.synchronize();
          const Gemm call = operands.call({.format = format, .rows = products[i].rows, .columns = products[i].columns}, n);
          CAPTURE(shape.width);
          CAPTURE(name_of(key_of(call)));
          CHECK(name_of(key_of(call)) == name_of(key_of(pass[i])));
          CHECK(call.norm.stride == pass[i].norm.stride);
          CHECK(call.norm.group == pass[i].norm.group);
          CHECK(call.next.group == pass[i].next.group);
          CHECK(call.y_stride == pass[i].y_stride);
          CHECK(call.heads.pairs.turned == pass[i].heads.pairs.turned);
          CHECK((products[i].norm_at(n) == FoldedNorm::kNone) == (!pass[i].norm.squares && !pass[i].next.weight));
        }
      }
    }
  }
}
