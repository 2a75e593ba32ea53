// The llama.cpp cache behind LogitsModel: shared prompts, ragged sequences and rollback give what a fresh cache gives.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

#include "llama_fixture.h"
#include "llama_made_up_model.h"
#include "temporary_folder.h"

using namespace octet;
using namespace octet::llama;

namespace {

/// Feeds `tokens` to `sequence` from position `start` on; returns the logits after the last one.
std::vector<float> feed(LogitsModel& model, Sequence sequence, int start, const std::vector<Token>& tokens) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    rows.push_back({sequence, tokens[i], start + static_cast<int>(i), i + 1 == tokens.size()});
  }
  model.decode(rows);
  const auto logits = model.logits(static_cast<int>(rows.size()) - 1);
  return {logits.begin(), logits.end()};
}

double difference(std::span<const float> a, std::span<const float> b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double apart = std::abs(double{a[i]} - double{b[i]});
    if (!(apart <= most)) most = apart;
  }
  return most;
}

// Sums in another order: 6 layers of 256 float32 terms at logits of about 10.
constexpr double kTolerance = 2e-3;

const std::vector<Token> kPrompt = {300, 301, 302, 400, 500, 600, 700, 800, 900, 1000, 1100, 1200};

}  // namespace

TEST_CASE("sequences that share a prompt decode as if each were alone") {
  auto pair = load_pair(exact_options(kTargetFile));
  LogitsModel& model = *pair.target;
  REQUIRE(model.max_sequences() == kMaxLanes + 8);

  std::vector<std::vector<float>> alone;
  for (Token token : {2000, 3000}) {
    std::vector<Token> all = kPrompt;
    all.push_back(token);
    all.push_back(token + 1);
    alone.push_back(feed(model, 0, 0, all));
    model.truncate(0, 0);
  }

  feed(model, 20, 0, kPrompt);
  const int length = static_cast<int>(kPrompt.size());
  model.share(20, 0, length);
  model.share(20, 1, length);
  const std::vector<Row> rows = {{0, 2000, length, true}, {1, 3000, length, false}, {1, 3001, length + 1, true}};
  model.decode(rows);
  CHECK(difference(model.logits(2), alone[1]) < kTolerance);
  CHECK_THROWS(model.logits(1));
  CHECK_THROWS(model.logits(3));
  CHECK(difference(feed(model, 0, length + 1, {2001}), alone[0]) < kTolerance);

  SUBCASE("closing the prompt's own sequence leaves the lanes their cells") {
    model.truncate(20, 0);
    model.truncate(0, length);
    CHECK(difference(feed(model, 0, length, {2000, 2001}), alone[0]) < kTolerance);
  }
  SUBCASE("a prefix of the prompt can be shared") {
    model.share(20, 5, 4);
    std::vector<Token> rest(kPrompt.begin() + 4, kPrompt.end());
    rest.insert(rest.end(), {2000, 2001});
    CHECK(difference(feed(model, 5, 4, rest), alone[0]) < kTolerance);
  }
}

TEST_CASE("a rolled back sequence continues as if what was removed had never been") {
  auto pair = load_pair(exact_options(kTargetFile, kDraftFile));
  for (LogitsModel* model : {pair.target.get(), pair.draft.get()}) {
    const int length = static_cast<int>(kPrompt.size());
    std::vector<Token> all = kPrompt;
    all.insert(all.end(), {2000, 2001, 2002});
    const auto fresh = feed(*model, 0, 0, all);
    model->truncate(0, 0);

    // Garbage at the very positions that are decoded again, in this sequence and in its neighbour.
    feed(*model, 0, 0, kPrompt);
    model->share(0, 1, length);
    for (Sequence sequence : {0, 1}) feed(*model, sequence, length, {7000, 7100, 7200, 7300, 7400, 7500});
    model->truncate(0, length + 1);
    model->truncate(0, length);
    CHECK(difference(feed(*model, 0, length, {2000, 2001, 2002}), fresh) < kTolerance);

    // The check would notice: without the rollback the logits are others.
    CHECK(difference(feed(*model, 1, length + 6, {2002}), fresh) > 100 * kTolerance);
    model->truncate(0, 0);
    model->truncate(1, 0);
  }
}

TEST_CASE("rows that do not continue their sequence are refused and change nothing") {
  auto pair = load_pair(exact_options(kDraftFile));
  LogitsModel& model = *pair.target;
  const auto expected = feed(model, 0, 0, {300, 301, 302});
  model.truncate(0, 2);
  const auto refused = [&](Row row) { CHECK_THROWS_AS(model.decode(std::span(&row, 1)), std::runtime_error); };
  refused({0, 302, 3, true});
  refused({0, 302, 1, true});
  refused({0, -1, 2, true});
  refused({0, model.vocabulary(), 2, true});
  refused({model.max_sequences(), 302, 0, true});
  refused({-1, 302, 0, true});
  CHECK_THROWS(model.decode(std::vector<Row>(static_cast<std::size_t>(model.max_rows()) + 1)));
  CHECK_THROWS(model.share(0, 1, 3));
  CHECK_THROWS(model.share(0, model.max_sequences(), 1));
  CHECK(difference(feed(model, 0, 2, {302}), expected) < kTolerance);
}

TEST_CASE("a full cache is reported and what was in it stays usable") {
  LoadOptions options = exact_options(kDraftFile);
  options.context_tokens = 256;
  options.lanes = 1;
  auto pair = load_pair(options);
  LogitsModel& model = *pair.target;
  const auto expected = feed(model, 0, 0, {300, 301, 302, 303});
  model.truncate(0, 3);
  int used = 3;
  for (Sequence sequence = 1; used < model.cache_tokens(); ++sequence) {
    const int count = std::min(100, model.cache_tokens() - used - 1);
    if (count <= 0) break;
    feed(model, sequence, 0, std::vector<Token>(static_cast<std::size_t>(count), 500));
    used += count;
  }
  CHECK_THROWS_AS(feed(model, 20, 0, std::vector<Token>(50, 500)), std::runtime_error);
  CHECK_THROWS_AS(feed(model, 1, 100, std::vector<Token>(50, 500)), std::runtime_error);
  CHECK(difference(feed(model, 0, 3, {303}), expected) < kTolerance);
}

TEST_CASE("a kept prompt has no holes where attention slides over a window") {
  const test::TemporaryFolder folder;
  write_sliding_window_model(folder / "sliding.gguf", 16);
  LoadOptions options = exact_options(folder / "sliding.gguf");
  options.context_tokens = 256;
  options.lanes = 1;
  auto pair = load_pair(options);
  LogitsModel& model = *pair.target;
  std::vector<Token> prompt;
  for (int i = 0; i < 150; ++i) prompt.push_back(300 + 7 * i);
  const std::vector<Token> prefix(prompt.begin(), prompt.begin() + 60);
  std::vector<Token> all = prefix;
  all.push_back(2000);
  const auto expected = feed(model, 0, 0, all);
  model.truncate(0, 0);

  // A gap before the prompt's cells: the next sequence fills it and looks on among them.
  feed(model, 0, 0, std::vector<Token>(20, 500));
  feed(model, 20, 0, prompt);
  model.truncate(0, 0);
  feed(model, 1, 0, std::vector<Token>(70, 501));
  model.share(20, 0, 60);
  CHECK(difference(feed(model, 0, 60, {2000}), expected) < kTolerance);
}

TEST_CASE("a pass that is given up caches nothing, and is no problem to the log") {
  auto pair = load_pair(exact_options(kTargetFile));
  LogitsModel& model = *pair.target;
  const std::vector<float> expected = [&] {
    feed(model, 0, 0, kPrompt);
    const auto logits = feed(model, 0, static_cast<int>(kPrompt.size()), {2000});
    model.truncate(0, 0);
    return logits;
  }();
  std::atomic<bool> given_up = false;
  model.watch(given_up);
  feed(model, 0, 0, kPrompt);
  model.share(0, 1, 4);
  const std::size_t problems = logged_problems().size();
  given_up = true;
  const int end = static_cast<int>(kPrompt.size());
  CHECK_THROWS_AS(model.decode(std::vector<Row>{{0, 2000, end, true}, {1, 400, 4, false}, {2, 300, 0, true}}), GivenUp);
  given_up = false;
  CHECK(logged_problems().size() == problems);
  CHECK(difference(feed(model, 0, end, {2000}), expected) == 0);
  feed(model, 2, 0, kPrompt);  // the others begin where they were
  feed(model, 1, 4, {kPrompt.begin() + 4, kPrompt.end()});
  CHECK(difference(feed(model, 1, end, {2000}), expected) < kTolerance);
  CHECK(difference(feed(model, 2, end, {2000}), expected) < kTolerance);
}

TEST_CASE("a long pass is given up while it runs") {
  auto options = exact_options(kTargetFile);
  options.context_tokens = 2048;
  auto pair = load_pair(options);
  LogitsModel& model = *pair.target;
  std::vector<Row> rows;
  for (int i = 0; i < 512; ++i) rows.push_back({0, 300 + i, i, false});
  std::atomic<bool> given_up = false;
  model.watch(given_up);
  const auto ms = [&](auto&& action) {
    const auto start = std::chrono::steady_clock::now();
    action();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  };
  const double whole = ms([&] { model.decode(rows); });
  model.truncate(0, 0);
  bool early = false;  // in one of some tries: a busy machine may wake the thread late
  for (int attempt = 0; attempt < 20 && !early; ++attempt) {
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(whole / 4));
      given_up = true;
    });
    try {
      model.decode(rows);
    } catch (const GivenUp&) {
      early = true;
    }
    other.join();
    given_up = false;
    model.truncate(0, 0);
  }
  CHECK(early);
}
