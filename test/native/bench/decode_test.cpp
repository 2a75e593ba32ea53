// decode on shapes that a CPU can carry: its rows, what is computed in them, and the pair's acceptance as it was asked for.
#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <sstream>
#include <thread>

#include "bench/decode_bench.h"
#include "bench/interrupt.h"
#include "run_bench.h"
#include "runtimes/cuda/device/calls.h"
#include "scripted_runtime.h"

using namespace octet;
using namespace octet::bench;

namespace {

// The cells of the Markdown row that has `part`.
std::vector<std::string> row_with(const BenchRun& run, const std::string& part) {
  std::istringstream lines(run.text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(part) == std::string::npos || line[0] != '|') continue;
    std::vector<std::string> cells;
    std::istringstream parts(line.substr(1));
    for (std::string cell; std::getline(parts, cell, '|');) {
      const std::size_t first = cell.find_first_not_of(' '), last = cell.find_last_not_of(' ');
      cells.push_back(first == std::string::npos ? "" : cell.substr(first, last - first + 1));
    }
    return cells;
  }
  return {};
}

class Words final : public Vocabulary {
 public:
  int size() const override { return octet::test::kVocabulary; }
  std::vector<Token> tokenize(std::string_view, bool, bool) const override { return {}; }
  std::string_view bytes(Token) const override { return "word"; }
  bool is_end(Token) const override { return false; }
  const std::optional<FimTokens>& fim() const override { return fim_; }

 private:
  std::optional<FimTokens> fim_;
};

}  // namespace

TEST_CASE("bench: decode reports each policy beside regular decoding, and says that acceptance is simulated") {
  const BenchRun run = run_bench({"decode", "--target", "tiny", "--draft", "tiny-draft", "--acceptance", "0.8", "--formats", "bf16", "--batches", "4",
                                  "--prompts", "9", "--draft-lengths", "none,fixed:2", "--tokens", "13", "--repeats", "1", "--temperature", "0.8"});
  CAPTURE(run.progress);
  REQUIRE(run.code == 0);
  CHECK(run.text.find("tiny with draft tiny-draft, acceptance simulated 0.798 per token") != std::string::npos);
  const auto headings = row_with(run, "| draft lengths"), regular = row_with(run, "| none "), fixed = row_with(run, "| fixed:2 ");
  REQUIRE(headings.size() == 21);
  REQUIRE(regular.size() == headings.size());
  REQUIRE(fixed.size() == headings.size());
  const auto number = [&](const std::vector<std::string>& row, const std::string& heading) {
    for (std::size_t i = 0; i < headings.size(); ++i)
      if (headings[i] == heading) return std::stod(row[i]);
    throw std::runtime_error("no column " + heading);
  };
  CHECK(number(regular, "tokens/step") == 1);
  CHECK(number(fixed, "tokens/step") >= 1);
  CHECK(number(regular, "k") == 0);
  CHECK(number(regular, "over regular") == 1);
  CHECK(number(fixed, "over regular") == doctest::Approx(number(regular, "all") / number(fixed, "all")).epsilon(0.01));
  CHECK(number(regular, "all") == doctest::Approx(number(regular, "ms/step")).epsilon(0.01));
  CHECK(regular[12] == "simulated 0.798 per token");
  CHECK(fixed[12] == regular[12]);
  CHECK(number(fixed, "tokens/s") > 0);
  CHECK(number(fixed, "ms/token first") < 0.99 * number(fixed, "all"));  // of four lanes that need not as many steps each
  CHECK(number(fixed, "all") < 0.99 * number(fixed, "last"));
  // Of two tokens drafted a step, fewer at the end: what is written beyond one a step was accepted.
  CHECK(number(fixed, "accepted/drafted") >= (number(fixed, "tokens/step") - 1) / 2 - 0.01);
  CHECK(number(fixed, "accepted/drafted") <= 1);
}

TEST_CASE("bench: a steady step is one graph, and the host waits for the one before it") {
  const BenchRun run = run_bench({"decode", "--target", "tiny", "--draft", "tiny-draft", "--acceptance", "0.8", "--formats", "bf16", "--batches", "1",
                                  "--prompts", "9", "--draft-lengths", "none,fixed:2", "--tokens", "40", "--repeats", "1"});
  CAPTURE(run.progress);
  REQUIRE(run.code == 0);
  const auto headings = row_with(run, "| draft lengths");
  for (const char* const policy : {"| none ", "| fixed:2 "}) {
    const auto row = row_with(run, policy);
    REQUIRE(row.size() == headings.size());
    for (std::size_t i = 0; i < headings.size(); ++i) {
      if (headings[i] == "launches/step") CHECK(std::stod(row[i]) == 0);
      if (headings[i] == "graphs/step" || headings[i] == "waits/step") CHECK(std::stod(row[i]) == 1);
    }
  }
}

TEST_CASE("bench: decode refuses what it cannot run, before anything is made") {
  const auto refused = [](std::initializer_list<const char*> words) {
    const BenchRun run = run_bench(words);
    CHECK(run.code == 2);
    CHECK(run.text.find('|') == std::string::npos);
    return run.progress.substr(run.progress.find(": ") + 2);
  };
  CHECK(refused({"decode"}) == "one of --expand and --acceptance is wanted\n");
  CHECK(refused({"decode", "--expand", "a", "--acceptance", "0.5"}) == "one of --expand and --acceptance is wanted\n");
  CHECK(refused({"decode", "--acceptance", "1.5"}) == "--acceptance: 1.5 is not between 0.0 and 1.0\n");
  CHECK(refused({"decode", "--acceptance", "0.5", "--temperature", "0"}) == "--acceptance: at temperature 0 acceptance is all or nothing\n");
  CHECK(refused({"decode", "--acceptance", "0.5", "--draft-lengths", "none,fixed:99"}).find("--draft-lengths: ") == 0);
  CHECK(refused({"decode", "--expand", "one-file"}).find("two files are wanted") != std::string::npos);
  CHECK(refused({"decode", "--expand", "a,b"}).find("--prompt-file") != std::string::npos);
}

TEST_CASE("bench: figures of a decoding, from steps that are known") {
  const auto script = std::make_shared<test::Script>();
  script->accepted = [](int, int, int drafted) { return drafted / 2; };
  Engine engine(std::make_unique<test::ScriptedRuntime>(script), std::make_shared<Words>());
  const PairCost cost{.target = {.weight_bytes = 1000, .cell_bytes = 1, .operations_per_row = 100},
                      .draft = {.weight_bytes = 10, .cell_bytes = 0, .operations_per_row = 1}};
  const std::vector<Token> prompt(5, 3);
  // Half of what is drafted is accepted and one more drawn: 3, 3, 3, then 2 of a draft cut to 2, then 1 of none.
  const DecodeFigures f = decode_once(engine, {.batch = 2, .prompt = prompt, .tokens = 12, .draft_length = DraftLengthSpec::parse("fixed:4")}, cost);
  const double seconds = f.ms_per_step * 5 / 1e3;
  CHECK(f.tokens_per_step == doctest::Approx(12 / 5.0));
  CHECK(f.draft_length == doctest::Approx((4 + 4 + 4 + 2) / 5.0));
  CHECK(f.acceptance.value() == 0.5);
  CHECK(f.tokens_per_second == doctest::Approx(24 / seconds));
  CHECK(f.flops_of_written == doctest::Approx(24 * 100 / seconds));
  CHECK(f.flops == doctest::Approx(2 * (19 * 100 + 14 * 1) / seconds));
  const double cells = 5 * 5 + 2 * (0 + 3 + 6 + 9 + 11);  // the prompt in five steps, the tails of two lanes
  CHECK(f.gb_per_s == doctest::Approx((5 * 1000 + cells + 14 * 10) / seconds / 1e9));
}

TEST_CASE("bench: what a steady step asks of the device is counted over the middle half of the steps") {
  const auto script = std::make_shared<test::Script>();
  script->before_collect = [](int call) {
    const int launches = call <= 4 || call > 9 ? 1000 : 3;  // of twelve steps, the middle begins behind the fourth and ends with the ninth
    for (int i = 0; i < launches; ++i) cuda::detail::launch_calls.add();
    cuda::detail::graph_calls.add();
    for (int i = 0; i < 2; ++i) cuda::detail::wait_calls.add();
  };
  Engine engine(std::make_unique<test::ScriptedRuntime>(script), std::make_shared<Words>());
  const std::vector<Token> prompt(5, 3);
  const auto decode = [&](int tokens) { return decode_once(engine, {.batch = 1, .prompt = prompt, .tokens = tokens, .draft_length = DraftLengthSpec::parse("none")}, {}); };
  const DecodeFigures f = decode(12);
  CHECK(f.launches_per_step.value() == 3);
  CHECK(f.graphs_per_step.value() == 1);
  CHECK(f.waits_per_step.value() == 2);
  CHECK(!decode(3).launches_per_step);
}

TEST_CASE("bench: an interrupted decoding is cancelled and given up") {
  const auto script = std::make_shared<test::Script>();
  hear_interrupts();
  script->before_collect = [](int call) {
    if (call == 3) std::raise(SIGINT);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  {
    Engine engine(std::make_unique<test::ScriptedRuntime>(script), std::make_shared<Words>());
    const std::vector<Token> prompt(5, 3);
    CHECK_THROWS_AS(decode_once(engine, {.batch = 1, .prompt = prompt, .tokens = 3000, .draft_length = DraftLengthSpec::parse("none")},
        {}), Interrupted);
  }
  hear_interrupts();
  CHECK(script->collects < 2000);
}

TEST_CASE("bench: the middle of runs is by ms per token") {
  const auto run = [](double all) { return DecodeFigures{.ms_per_step = 10 * all, .ms_per_token_all = all}; };
  CHECK(middle_of({run(3), run(1), run(2)}).ms_per_step == 20);
  CHECK(middle_of({run(4)}).ms_per_token_all == 4);
}

TEST_CASE("bench: a run is over regular decoding what all lanes' time is, not the first's or the last's") {
  const DecodeFigures regular{.ms_per_step = 9, .ms_per_token_first = 10, .ms_per_token_last = 30, .ms_per_token_all = 12};
  CHECK(over_regular({.ms_per_step = 7, .ms_per_token_first = 1, .ms_per_token_last = 5, .ms_per_token_all = 3}, regular) == 4);
}

TEST_CASE("bench: policies run in turn; of the rounds after the first the middle one counts") {
  std::vector<std::pair<std::size_t, int>> asked;
  const auto rows = in_turn(2, 3, [&](std::size_t policy, int round) {
    asked.emplace_back(policy, round);
    const double times[] = {100, 9, 1, 5};  // the round that warms up, then the last, the first, the middle in size
    return DecodeFigures{.ms_per_token_all = times[round] + 1000.0 * static_cast<double>(policy)};
  });
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].ms_per_token_all == 5);
  CHECK(rows[1].ms_per_token_all == 1005);
  REQUIRE(asked.size() == 8);
  CHECK(asked[1] == std::pair<std::size_t, int>{1, 0});
}

TEST_CASE("bench: a lane that has ended costs no bytes and no operations") {
  const auto script = std::make_shared<test::Script>();
  script->accepted = [](int stream, int, int drafted) { return stream == 0 ? drafted : 0; };
  Engine engine(std::make_unique<test::ScriptedRuntime>(script), std::make_shared<Words>());
  const PairCost cost{.target = {.weight_bytes = 0, .cell_bytes = 1, .operations_per_row = 100}, .draft = {}};
  const std::vector<Token> prompt(1, 3);
  // One lane writes two tokens a step and ends after two; the other one a step.
  const DecodeFigures f = decode_once(engine, {.batch = 2, .prompt = prompt, .tokens = 4, .draft_length = DraftLengthSpec::parse("fixed:1")}, cost);
  const double seconds = 8 / f.tokens_per_second;
  CHECK(f.flops * seconds == doctest::Approx(100 * (4 + 7)));
  // The prompt in four steps; tails of two lanes holding none, then 3; of the lane that is left, half of the 6 and 7 written.
  CHECK(f.gb_per_s * seconds * 1e9 == doctest::Approx(4 + 3 + 3 + 3.5));
}
