// octet-native-bench: the CUDA runtime's products against the device's own copy. No Node, no model files.
//
//   octet-native-bench products [--shape NAME] [--formats bf16,q8_0,q4_k] [--rows 1,8,64]
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "bench/copy_bench.h"
#include "bench/gemm_bench.h"
#include "bench/shapes.h"

using namespace octet;

namespace {

struct Usage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> parts{""};
  for (const char c : list) {
    if (c == ',') parts.emplace_back();
    else parts.back() += c;
  }
  return parts;
}

cuda::WeightFormat format_named(const std::string& name) {
  using enum cuda::WeightFormat;
  if (name == "bf16") return kBf16;
  if (name == "f16") return kF16;
  if (name == "q8_0") return kQ8_0;
  if (name == "q4_0") return kQ4_0;
  if (name == "q4_k") return kQ4_K;
  if (name == "q6_k") return kQ6_K;
  throw Usage("there is no format \"" + name + "\"; there are: bf16, f16, q8_0, q4_0, q4_k, q6_k");
}

int whole(const std::string& text) {
  std::size_t end = 0;
  int value = 0;
  try {
    value = std::stoi(text, &end);
  } catch (const std::exception&) {
    end = 0;
  }
  if (end != text.size() || text.empty() || value < 1) throw Usage("\"" + text + "\" is not a number above 0");
  return value;
}

struct Options {
  std::vector<cuda::Architecture> shapes;
  std::vector<cuda::WeightFormat> formats{cuda::WeightFormat::kBf16, cuda::WeightFormat::kQ8_0, cuda::WeightFormat::kQ4_K};
  std::vector<int> rows{1, 8, 16, 64, 72, 136};
};

Options read_options(int count, char** words) {
  Options options;
  for (int i = 2; i < count; i += 2) {
    const std::string name = words[i];
    if (i + 1 >= count) throw Usage(name + " needs a value");
    const std::string value = words[i + 1];
    if (name == "--shape") {
      const cuda::Architecture* const shape = bench::shape_named(value);
      if (!shape) {
        std::string known;
        for (const cuda::Architecture& each : bench::shapes()) known += (known.empty() ? "" : ", ") + each.name;
        throw Usage("there is no shape \"" + value + "\"; there are: " + known);
      }
      options.shapes.push_back(*shape);
    } else if (name == "--formats") {
      options.formats.clear();
      for (const std::string& part : parts_of(value)) options.formats.push_back(format_named(part));
    } else if (name == "--rows") {
      options.rows.clear();
      for (const std::string& part : parts_of(value)) options.rows.push_back(whole(part));
    } else {
      throw Usage("there is no option " + name);
    }
  }
  if (options.shapes.empty()) options.shapes = {*bench::shape_named("7.8B"), *bench::shape_named("0.5B")};
  return options;
}

}  // namespace

int main(int count, char** words) {
  try {
    const std::string what = count > 1 ? words[1] : "";
    if (what != "products") throw Usage("usage: octet-native-bench products [--shape NAME] [--formats LIST] [--rows LIST]");
    const Options options = read_options(count, words);
    const cuda::DeviceInfo device = cuda::device_info();
    std::printf("%s, %d multiprocessors, %.1f GB free\n", device.name.c_str(), device.multiprocessors, static_cast<double>(device.free_bytes) / 1e9);
    cuda::Stream stream;
    const double copy = bench::measure_copy(stream, std::size_t{1} << 30);
    std::printf("copy of 1 GiB: %.1f GB/s\n", copy);
    for (const cuda::Architecture& shape : options.shapes) bench::bench_products(stream, shape, options.formats, options.rows, copy);
    return 0;
  } catch (const Usage& error) {
    std::fprintf(stderr, "octet-native-bench: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "octet-native-bench: %s\n", error.what());
    return 1;
  }
}
