// The file of measured plans: what comes back of it, for whom, whatever happens to it, and who measures.
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "runtimes/cuda/runtime/plan_file.h"
#include "temporary_folder.h"

using namespace octet::cuda;

namespace {

PlanScope scope() {
  return {.device = {.name = "a GPU", .multiprocessors = 132, .shared_bytes = 232448, .compute_capability = 90}, .build = "build-1", .wgmma = "measured"};
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::string& path, const std::string& content) { std::ofstream(path, std::ios::binary) << content; }

std::size_t files_in(const std::string& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

const StoredPlans kPlans = {{"BF16 10 20 add 8", "1 tiles"}, {"Q4_K 10 256 store norm 16", "2 tiles, wgmma"}};

}  // namespace

TEST_CASE("cuda plan file: a round trip, in a folder that is made, and nothing else left there") {
  const octet::test::TemporaryFolder folder;
  const std::string path = folder / "new/deep/plans.txt";
  CHECK_FALSE(read_plans(path, scope()));
  CHECK(add_plans(path, scope(), kPlans) == kPlans);
  CHECK(read_plans(path, scope()) == kPlans);
  CHECK(files_in(folder / "new/deep") == 1);
}

TEST_CASE("cuda plan file: another device's, build's or setting's is not taken, and is made anew") {
  const octet::test::TemporaryFolder folder;
  const std::string path = folder / "plans.txt";
  add_plans(path, scope(), kPlans);
  for (const auto& change : std::vector<void (*)(PlanScope&)>{
           [](PlanScope& s) { s.device.name = "another GPU"; }, [](PlanScope& s) { s.device.multiprocessors = 114; },
           [](PlanScope& s) { s.device.compute_capability = 89; }, [](PlanScope& s) { s.device.shared_bytes = 101376; },
           [](PlanScope& s) { s.build = "build-2"; }, [](PlanScope& s) { s.wgmma = "never"; }}) {
    PlanScope other = scope();
    change(other);
    CHECK_FALSE(read_plans(path, other));
  }
  PlanScope other = scope();
  other.build = "build-2";
  CHECK(add_plans(path, other, {{"a", "b"}}) == StoredPlans{{"a", "b"}});
  CHECK_FALSE(read_plans(path, scope()));
}

TEST_CASE("cuda plan file: one that is damaged anywhere, cut off, or no such file is not taken") {
  const octet::test::TemporaryFolder folder;
  const std::string path = folder / "plans.txt";
  add_plans(path, scope(), kPlans);
  const std::string whole = content_of(path);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] ^= 1;
    write(path, damaged);
    REQUIRE_FALSE(read_plans(path, scope()));
    write(path, whole.substr(0, at));
    REQUIRE_FALSE(read_plans(path, scope()));
  }
  for (const std::string& other : {std::string(), std::string("\nend \n"), whole + "more\n", whole + whole}) {
    write(path, other);
    CHECK_FALSE(read_plans(path, scope()));
  }
  CHECK_FALSE(read_plans(folder.path(), scope()));
  CHECK(add_plans(path, scope(), kPlans) == kPlans);  // made anew
  CHECK(read_plans(path, scope()) == kPlans);
}

TEST_CASE("cuda plan file: of two writers what was there first stays, and both have all") {
  const octet::test::TemporaryFolder folder;
  const std::string path = folder / "plans.txt";
  add_plans(path, scope(), {{"one", "first"}, {"shared", "first"}});
  const StoredPlans both = {{"one", "first"}, {"shared", "first"}, {"two", "second"}};
  CHECK(add_plans(path, scope(), {{"two", "second"}, {"shared", "second"}}) == both);
  CHECK(read_plans(path, scope()) == both);
}

TEST_CASE("cuda plan file: where it cannot be written, that is said, and what is there stays") {
  const octet::test::TemporaryFolder folder;
  write(folder / "file", "x");
  CHECK_THROWS_AS(add_plans(folder / "file/plans.txt", scope(), kPlans), std::runtime_error);
  CHECK(MeasuringMark(folder / "file/plans.txt", "build").state() == MeasuringMark::State::kGivenUp);
  std::filesystem::create_directories(folder / "plans.txt/in the way");
  CHECK_THROWS_AS(add_plans(folder / "plans.txt", scope(), kPlans), std::runtime_error);
  CHECK(files_in(folder.path()) == 2);
}

TEST_CASE("cuda plan file: one process measures at a time, and what one ended over is tried no third time") {
  using State = MeasuringMark::State;
  const octet::test::TemporaryFolder folder;
  const std::string path = folder / "plans.txt", mark = path + ".measuring";
  const auto leave_behind = [&](const std::string& build, double stale_seconds) {
    MeasuringMark left(path, build, stale_seconds);
    const State state = left.state();
    left.leave();
    return state;
  };
  {
    const MeasuringMark mine(path, "build");
    CHECK(mine.state() == State::kMine);
    CHECK(MeasuringMark(path, "build").state() == State::kOthers);
    CHECK(std::filesystem::exists(mark));  // another's is left alone
  }
  CHECK_FALSE(std::filesystem::exists(mark));
  CHECK(leave_behind("build", 60) == State::kMine);
  CHECK(MeasuringMark(path, "build").state() == State::kOthers);
  CHECK(leave_behind("build", -1) == State::kLeftBehind);
  CHECK(MeasuringMark(path, "build", -1).state() == State::kGivenUp);
  CHECK(std::filesystem::exists(mark));
  CHECK(MeasuringMark(path, "another build", -1).state() == State::kMine);  // which may do better
  CHECK_FALSE(std::filesystem::exists(mark));
}
