// What a crash state costs along traces of growing length: the directory stays as small, so must the cost.
//   explore_bench FOLDER     a line for each length; FOLDER is worked in, and should be on tmpfs
// States are made, told apart, laid out and judged; the target is one that recovers to nothing, at once.
#include <fmt/format.h>
#include <sys/resource.h>

#include <filesystem>
#include <memory>
#include <string>

#include "harness/crash/trace_script_for_test.h"
#include "harness/explore/explore.h"
#include "harness/oracle/resp/judge.h"

namespace crashpoint::explore {
namespace {

class Nothing : public recovery::Recoverer {
 public:
  recovery::Recovered recover(const std::filesystem::path&) override {
    recovery::Recovered recovered;
    recovered.started = true;
    return recovered;
  }
};

// A log of synced appends, which is replaced by a new one every twenty.
crash::TraceScript log_of(std::size_t events) {
  crash::TraceScript script({{"log", crash::file_entry("")}});
  std::string log = "log";
  for (int count = 1; script.trace().events.size() < events; ++count) {
    script.append(log, std::string(40, 'r')).fdatasync(log).ack();
    if (count % 20 == 0) {
      const std::string base = fmt::format("base-{}", count);
      const std::string next = fmt::format("log-{}", count);
      script.create(base).append(base, std::string(200, 'b')).fsync(base).rename(base, "base");
      script.create(next).fsync_directory().unlink(log).fsync_directory();
      log = next;
    }
  }
  return script;
}

double cpu_ms(const rusage& usage) {
  const auto ms = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

rusage used() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage;
}

void measure(std::size_t events, const std::filesystem::path& folder) {
  const auto trace = std::make_shared<const trace::Trace>(log_of(events).trace());
  const workload::History history;
  const oracle::Judge judge(history);
  ExploreOptions options;
  options.guarantees[oracle::CrashKind::kPowerLoss].kind = oracle::Guarantee::Kind::kNone;
  options.max_states = 10'000'000;
  options.samples_per_point = 4;
  options.folder = folder;
  const double before_ms = cpu_ms(used());
  const Exploration exploration = explore(
      trace, judge,
      [](unsigned, const std::filesystem::path&) { return std::make_unique<Nothing>(); }, options);
  const rusage after = used();
  fmt::print("{:>8} {:>8} {:>14.3f} {:>10}\n", trace->events.size(), exploration.recovered,
             (cpu_ms(after) - before_ms) / static_cast<double>(exploration.recovered),
             after.ru_maxrss / 1024);
}

}  // namespace
}  // namespace crashpoint::explore

int main(int argc, char** argv) {  // NOLINT(bugprone-exception-escape): ends the bench
  if (argc != 2) {
    fmt::print(stderr, "usage: explore_bench FOLDER\n");
    return 2;
  }
  fmt::print("{:>8} {:>8} {:>14} {:>10}\n", "events", "states", "CPU ms/state", "MiB (max)");
  for (const std::size_t events : {100U, 1'000U, 10'000U, 100'000U}) {
    crashpoint::explore::measure(events, argv[1]);
  }
}
