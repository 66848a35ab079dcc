#include "harness/campaign/campaign.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <utility>
#include <variant>

#include "harness/base/error.h"
#include "harness/base/glob.h"
#include "harness/base/nearest.h"
#include "harness/base/text.h"
#include "harness/campaign/case_runner.h"
#include "harness/campaign/worker_pool.h"
#include "harness/campaign/workspace.h"
#include "harness/recovery/program.h"
#include "harness/report/report_json.h"

namespace crashpoint::campaign {
namespace {

namespace fs = std::filesystem;

// The names of the failpoints that faults of the case strike at.
std::set<std::string> failpoints_of(const scenario::Case& of) {
  std::set<std::string> names;
  for (const auto* faults : {&of.faults, &of.recovery.faults}) {
    for (const fault::Fault& fault : *faults) {
      const auto* place = std::get_if<fault::Place>(&fault.at);
      if (place != nullptr && !place->failpoint.empty()) {
        names.insert(place->failpoint);
      }
    }
  }
  return names;
}

// The first word of each line of `program --list-failpoints`.
std::vector<std::string> list_failpoints(const std::string& program) {
  std::istringstream output(recovery::output_of(program, "--list-failpoints"));
  std::vector<std::string> names;
  for (std::string line; std::getline(output, line);) {
    names.push_back(line.substr(0, line.find_first_of(" \t")));
  }
  return names;
}

// The programs of a run, each found once, before any worker is forked.
class Programs {
 public:
  explicit Programs(fs::path links) : links_(std::move(links)) {}

  const recovery::Program& of(const scenario::Target& target) {
    const std::string key =
        target.command.empty() ? target.use : fmt::format("{}", fmt::join(target.command, "\n"));
    const auto known = programs_.find(key);
    return known != programs_.end()
               ? known->second
               : programs_.emplace(key, recovery::find_program(target, links_)).first->second;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [key, program] : programs_) {
      names.push_back(program.version.empty() ? program.use : program.use + " " + program.version);
    }
    return names;
  }

 private:
  fs::path links_;
  std::map<std::string, recovery::Program> programs_;
};

class Campaign {
 public:
  Campaign(const std::vector<scenario::Case>& cases, const CampaignOptions& options)
      : cases_(cases),
        options_(options),
        workspace_(Workspace::open()),
        programs_(workspace_.path()) {}

  CampaignResult run() {
    check();
    options_.begin();
    std::map<std::size_t, report::CaseResult> finished;
    const Job job = [this](std::size_t number, const GoOn& go_on) {
      const scenario::Case& of = cases_[number];
      const CaseContext context{
          workspace_.path() / fmt::format("{}", number),
          [this](const scenario::Target& target) { return programs_.of(target); },
          options_.reproduce_options,
          options_.bundles,
          jobs_per_case(),
          go_on};
      return report::encode_case(run_case(of, context));
    };
    const Done done = [&](std::size_t number, const std::string& result, const std::string& died) {
      const scenario::Case& of = cases_[number];
      report::CaseResult outcome =
          died.empty() ? report::decode_case(result) : lost_worker(of, died);
      options_.case_done(outcome);
      finished.emplace(number, std::move(outcome));
    };
    result_.interrupted = !run_in_workers(cases_.size(), options_.jobs, job, done, options_.go_on);
    for (auto& [number, outcome] : finished) {
      result_.cases.push_back(std::move(outcome));
    }
    result_.targets = programs_.names();
    return std::move(result_);
  }

 private:
  // Finds every program and failpoint that the run will need.
  void check() {
    std::map<std::string, std::vector<std::string>> failpoints;  // by engine
    for (const scenario::Case& of : cases_) {
      const std::string binary = programs_.of(of.target).command.front();
      for (const std::string& use : of.oracle.also_loads_in) {
        scenario::Target other;
        other.use = use;
        static_cast<void>(programs_.of(other));
      }
      const std::set<std::string> wanted = failpoints_of(of);
      if (wanted.empty()) {
        continue;
      }
      if (!failpoints.contains(binary)) {
        failpoints[binary] = list_failpoints(binary);
      }
      check_failpoints(of, wanted, failpoints[binary], binary);
    }
  }

  // Cases that run side by side share the workers; one that has them to itself uses all of them.
  [[nodiscard]] unsigned jobs_per_case() const {
    const std::size_t at_once = std::min<std::size_t>(options_.jobs, cases_.size());
    return std::max(1U, options_.jobs / static_cast<unsigned>(std::max<std::size_t>(at_once, 1)));
  }

  static void check_failpoints(const scenario::Case& of, const std::set<std::string>& wanted,
                               const std::vector<std::string>& known, const std::string& binary) {
    for (const std::string& name : wanted) {
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        const std::string near = nearest(name, known);
        throw UsageError(fmt::format(
            "{}: {}: the engine has no failpoint '{}'{}; `{} --list-failpoints` lists them",
            of.file, of.name, name, near.empty() ? "" : fmt::format(", did you mean '{}'?", near),
            binary));
      }
    }
  }

  static report::CaseResult lost_worker(const scenario::Case& of, const std::string& died) {
    report::CaseResult result;
    result.name = of.name;
    result.summary = of.summary;
    result.file = of.file;
    result.tags = of.tags;
    result.seed = of.seed;
    result.target = of.target.use;
    result.verdict.outcome = oracle::Outcome::kInconclusive;
    result.verdict.check = "harness";
    const bool from_outside = died.ends_with("SIGKILL") || died.ends_with("SIGTERM") ||
                              died.ends_with("SIGINT") || died.ends_with("SIGHUP");
    result.verdict.summary =
        fmt::format("the worker that ran this case was {}: {}", died,
                    from_outside ? "by someone else, or by the kernel for want of memory"
                                 : "a fault of crashpoint, please report it");
    result.checks.push_back(result.verdict);
    return result;
  }

  const std::vector<scenario::Case>& cases_;
  const CampaignOptions& options_;
  Workspace workspace_;
  Programs programs_;
  CampaignResult result_;
};

}  // namespace

CampaignResult run_campaign(const std::vector<scenario::Case>& cases,
                            const CampaignOptions& options) {
  return Campaign(cases, options).run();
}

}  // namespace crashpoint::campaign
