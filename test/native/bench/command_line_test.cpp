// octet-native-bench's command line: what it refuses and how, and a command run to its end.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "bench/interrupt.h"
#include "bench/timing.h"
#include "run_bench.h"

using namespace octet::bench;

TEST_CASE("bench: a command line that makes no sense is refused with one line and code 2") {
  const auto refused = [](std::initializer_list<const char*> words, const std::string& line) {
    const BenchRun run = run_bench(words);
    CHECK(run.code == 2);
    CHECK(run.text == "");
    CHECK(run.progress == "octet-native-bench: " + line + "\n");
  };
  refused({}, "which command? --help lists them");
  refused({"fly"}, "there is no command \"fly\"; --help lists those there are");
  refused({"products", "--fly", "1"}, "there is no option --fly; --help lists those there are");
  refused({"products", "--rows"}, "--rows needs a value: LIST");
  refused({"products", "--rows", ""}, "--rows needs a value: LIST");
  refused({"products", "--rows", "1", "--rows", "2"}, "--rows is given twice");
  for (const char* const rows : {"1,x", "1,", "1.5", "1 "}) {
    const BenchRun run = run_bench({"products", "--rows", rows});
    CAPTURE(run.progress);
    CHECK(run.code == 2);
    CHECK(run.progress.find("is not a number\n") != std::string::npos);
  }
}

TEST_CASE("bench: values out of range and unknown names are refused before anything is measured") {
  for (const auto& [words, reason] : std::vector<std::pair<std::vector<const char*>, std::string>>{
           {{"--rows", "0"}, "--rows: 0 is not between 1 and 4096"},
           {{"--rows", "1,4097"}, "--rows: 4097 is not between 1 and 4096"},
           {{"--formats", "bf16,q9"}, "--formats: there is no format \"q9\"; there are: bf16, f16, q8_0, q4_0, q4_k, q6_k"},
           {{"--matrices", "down,up"}, "--matrices: there is no matrix \"up\""},
           {{"--shape", "9B"}, "--shape: there is no shape \"9B\"; there are: 7.8B, 0.5B, "}}) {
    const BenchRun run = run_bench({"products", words[0], words[1]});
    CHECK(run.code == 2);
    CHECK(run.progress.find(reason) != std::string::npos);
    CHECK(std::count(run.progress.begin(), run.progress.end(), '\n') == 1);
    CHECK(run.text.find('|') == std::string::npos);
  }
}

TEST_CASE("bench: help names every command and option") {
  const BenchRun all = run_bench({"--help"}), one = run_bench({"products", "--help"});
  CHECK(all.code == 0);
  CHECK(all.text.find("products") != std::string::npos);
  CHECK(one.code == 0);
  for (const char* const option : {"--shape", "--formats", "--rows", "--json"}) CHECK(one.text.find(option) != std::string::npos);
}

TEST_CASE("bench: products of a tiny shape, as Markdown") {
  const BenchRun run = run_bench({"products", "--shape", "tiny-draft", "--formats", "bf16,q4_k", "--rows", "1,8"});
  CHECK(run.code == 0);
  CHECK(run.progress == "");
  CHECK(run.lines_with("| bf16") == 10);  // five matrices, two numbers of rows
  CHECK(run.lines_with("| q4_k") == 0);   // no matrix of it has whole super-blocks
  CHECK(run.text.find(" | 8 | mma.sync | ") != std::string::npos);  // by which instruction
  CHECK(run.text.find("device: ") != std::string::npos);
  CHECK(copies_beyond_caches(1000) > 1);
}

TEST_CASE("bench: products of chosen matrices, once") {
  const BenchRun run = run_bench({"products", "--shape", "tiny-draft", "--formats", "bf16", "--rows", "1,8", "--matrices", "down,qkv", "--once"});
  CHECK(run.code == 0);
  CHECK(run.lines_with("| down ") == 2);
  CHECK(run.lines_with("| bf16") == 4);
  CHECK(copies_beyond_caches(1000) == 1);
  run_bench({"products", "--shape", "tiny-draft", "--formats", "bf16", "--rows", "1", "--matrices", "qkv"});
  CHECK(copies_beyond_caches(1000) > 1);
}

TEST_CASE("bench: products say which norm they have folded in, as in a pass") {
  const BenchRun run = run_bench({"products", "--shape", "tiny-draft", "--formats", "bf16", "--rows", "144,145", "--matrices", "attention-out,gate-up", "--once"});
  REQUIRE(run.code == 0);
  CHECK(run.text.find(" norm folded in ") != std::string::npos);
  const auto row = [&](const char* matrix, int n) {
    const std::size_t at = run.text.find(" | " + std::to_string(n) + " | ", run.text.find(std::string("| ") + matrix));
    REQUIRE(at != std::string::npos);
    return run.text.substr(at, run.text.find('\n', at) - at);
  };
  CHECK(row("attention-out", 144).find(" | of y ") != std::string::npos);
  CHECK(row("gate-up", 144).find(" | of x ") != std::string::npos);
  for (const char* const matrix : {"attention-out", "gate-up"}) CHECK(row(matrix, 145).find(" | none ") != std::string::npos);
}

TEST_CASE("bench: queries, keys and values are measured as a pass runs them: in bf16, normed, turned and stored by their product") {
  const std::string path = "octet-bench-products-test.json";
  constexpr double kRows = 72, kWidth = 128, kHeads = 2, kKvHeads = 1, kHeadDim = 64, kBf16 = 2, kGroup = 64, kFloat = 4;  // "tiny-draft"
  const BenchRun run = run_bench({"products", "--shape", "tiny-draft", "--formats", "bf16", "--rows", "72", "--matrices", "qkv", "--once", "--json", path.c_str()});
  REQUIRE(run.code == 0);
  std::ifstream file(path);
  const std::string report{std::istreambuf_iterator<char>(file), {}};
  std::remove(path.c_str());
  const auto figure = [&](const char* name) {
    const std::size_t at = report.find(name);
    REQUIRE(at != std::string::npos);
    return std::stod(report.substr(at + std::string(name).size()));
  };
  const double moved = figure("\"us\": ") * figure("\"gbPerS\": ") * 1e3;
  const double outputs = (kHeads + 2 * kKvHeads) * kHeadDim;
  const double squares = kRows * kWidth / kGroup * kFloat;
  CHECK(moved == doctest::Approx((outputs * kWidth + kRows * kWidth + kRows * outputs) * kBf16 + squares).epsilon(0.003));
}

TEST_CASE("bench: an interrupted run keeps its rows, says so and ends with code 130") {
  // What was still to be written to memory that the interrupt frees is found by a device that waits for nobody (test/native/ptx).
  const auto interrupted = [](std::initializer_list<const char*> words) {
    hear_interrupts();
    std::raise(SIGINT);
    const BenchRun run = run_bench(words);
    hear_interrupts();
    CHECK(run.code == 130);
    CHECK(run.progress.find("octet-native-bench: interrupted; the rows above are complete\n") != std::string::npos);
    return run;
  };
  const BenchRun products = interrupted({"products", "--shape", "tiny-draft", "--formats", "bf16", "--rows", "1"});
  CHECK(products.text.find("| matrix") != std::string::npos);
  CHECK(products.lines_with("| bf16") == 0);
  interrupted({"attention", "--shape", "tiny", "--lanes", "2", "--rows", "1", "--prompt", "70", "--tail", "20"});
  interrupted({"steps", "--target", "tiny", "--draft", "tiny-draft", "--formats", "bf16"});
}

TEST_CASE("bench: a report as JSON, whole after every row, unknown figures null") {
  const std::string path = "octet-bench-report-test.json";
  std::FILE* const nowhere = std::tmpfile();
  const auto written = [&] {
    std::ifstream file(path);
    return std::string{std::istreambuf_iterator<char>(file), {}};
  };
  Report report(nowhere, nowhere, path);
  report.fact("device", "device", "a \"quoted\" name\n");
  report.table("things", "Things", {{"name", "name"}, {"share", "%", 1, 100}});
  report.row({"first", 0.25});
  CHECK(written() == "{\"device\": \"a \\\"quoted\\\" name\\u000a\",\n \"tables\": [\n  {\"key\": \"things\", \"title\": \"Things\", \"rows\": [\n"
                     "    {\"name\": \"first\", \"share\": 0.25}], \"notes\": []}\n]}\n");
  report.row({"second", Value()});
  report.note("so");
  CHECK(written().find("{\"name\": \"second\", \"share\": null}], \"notes\": [\"so\"]}") != std::string::npos);
  CHECK_THROWS_AS(report.row({"third"}), std::logic_error);
  // Whoever has opened the file keeps a whole one: the next is put in its place, not written into it.
  std::ifstream opened;
  opened.rdbuf()->pubsetbuf(nullptr, 0);
  opened.open(path);
  report.row({"fourth", 1.0});
  CHECK(std::string{std::istreambuf_iterator<char>(opened), {}}.find("fourth") == std::string::npos);
  CHECK(!std::filesystem::exists(path + ".unfinished"));
  // A run that measures nothing leaves the last one's figures.
  const std::string before = written();
  CHECK(run_bench({"products", "--json", path.c_str(), "--rows", "0"}).code == 2);
  CHECK(written() == before);
  std::fclose(nowhere);
  std::remove(path.c_str());
  CHECK(run_bench({"products", "--json", "/no/such/folder/x.json"}).code == 2);
}
