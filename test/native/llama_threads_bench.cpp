// How long a step takes by compute threads, alone and beside a busy program: the figures of docs/threads.md.
//   llama_threads_bench [MODELS-FOLDER [LIBRARIES-FOLDER]]
// A step: three draft passes of 8 rows and one target pass of 32 after a shared prompt of 200 tokens, starter pair.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "runtimes/llama/load.h"

#ifdef __linux__
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

using namespace octet;
using namespace octet::llama;

namespace {

constexpr int kLanes = 8, kDrafted = 3, kPrompt = 200, kWarmUp = 3, kSteps = 40;
constexpr double kMostMilliseconds = 15000;  // for one figure

double milliseconds() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

#ifdef __linux__
// Linux shares cores between sessions before it shares them within one; "nice" counts inside a session only.
std::string session_niceness() {
  std::ifstream file("/proc/self/autogroup");
  std::string word;
  while (file >> word && word != "nice") {}
  file >> word;
  return word;
}
#endif

// Another program that wants one core all the time and matters as much as this one.
class Neighbour {
 public:
  explicit Neighbour(bool busy) {
    if (!busy) return;
#ifdef __linux__
    const std::string niceness = session_niceness();
    process_ = fork();
    if (process_ != 0) return;
    setsid();
    std::ofstream("/proc/self/autogroup") << niceness;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (std::atomic<unsigned> spin{0};;) ++spin;
#else
    thread_ = std::thread([this] { while (!stop_.load(std::memory_order_relaxed)) {} });
#endif
  }
  ~Neighbour() {
#ifdef __linux__
    if (process_ <= 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
#else
    stop_ = true;
    if (thread_.joinable()) thread_.join();
#endif
  }

 private:
#ifdef __linux__
  pid_t process_ = 0;
#else
  std::atomic<bool> stop_{false};
  std::thread thread_;
#endif
};

void prefill(LogitsModel& model) {
  std::vector<Row> rows;
  for (int i = 0; i < kPrompt; ++i) rows.push_back({kLanes, 300 + i, i, false});
  model.decode(rows);
  for (Sequence lane = 0; lane < kLanes; ++lane) model.share(kLanes, lane, kPrompt);
}

void decode(LogitsModel& model, int first, int count) {
  std::vector<Row> rows;
  for (Sequence lane = 0; lane < kLanes; ++lane) {
    for (int i = first; i < first + count; ++i) rows.push_back({lane, 1000 + 7 * lane + i, kPrompt + i, true});
  }
  model.decode(rows);
}

void roll_back(LogitsModel& model) {
  for (Sequence lane = 0; lane < kLanes; ++lane) model.truncate(lane, kPrompt);
}

std::vector<double> measure(LoadedPair& pair, int steps) {
  std::vector<double> times;
  const double end = milliseconds() + kMostMilliseconds;
  for (int step = 0; step < steps && (step == 0 || milliseconds() < end); ++step) {
    const double start = milliseconds();
    for (int i = 0; i < kDrafted; ++i) decode(*pair.draft, i, 1);
    decode(*pair.target, 0, kDrafted + 1);
    times.push_back(milliseconds() - start);
    roll_back(*pair.draft);
    roll_back(*pair.target);
  }
  std::sort(times.begin(), times.end());
  return times;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string models = count > 1 ? arguments[1] : OCTET_TEST_MODELS;
  const std::string libraries = count > 2 ? arguments[2] : OCTET_TEST_LIBRARIES;
  initialize({libraries}, [](LogLevel level, const std::string& line) {
    if (level == LogLevel::kError) std::fprintf(stderr, "%s\n", line.c_str());
  });
  const Machine here = machine();
  std::printf("%d physical cores, %d logical; default %d thread%s\n\n", here.physical_cores, here.logical_cores,
              default_threads(), default_threads() == 1 ? "" : "s");
  std::printf("| threads | alone: median ms | p95 | one busy core beside: median ms | p95 |\n|---|---|---|---|---|\n");
  for (int threads = 1; threads <= here.logical_cores; threads += threads < 4 ? 1 : threads / 2) {
    LoadOptions options;
    options.target = models + "/octet-starter-6M-q8_0.gguf";
    options.draft = models + "/octet-starter-1M-draft-q8_0.gguf";
    options.device = "cpu";
    options.threads = threads;
    LoadedPair pair = load(options, nullptr);
    prefill(*pair.target);
    prefill(*pair.draft);
    std::printf("| %d |", threads);
    for (bool busy : {false, true}) {
      const Neighbour neighbour(busy);
      measure(pair, kWarmUp);
      const std::vector<double> times = measure(pair, kSteps);
      std::printf(" %.2f | %.2f |", times[times.size() / 2], times[times.size() * 95 / 100]);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
}
