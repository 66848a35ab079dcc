#include "harness/campaign/case_story.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <variant>

#include "harness/base/clock.h"
#include "harness/base/text.h"
#include "harness/recovery/live_target.h"
#include "harness/report/story.h"

namespace crashpoint::campaign {
namespace {

using report::Moment;

double ms_between(std::int64_t from_ns, std::int64_t to_ns) {
  return static_cast<double>(to_ns - from_ns) / 1e6;
}

std::string describe_step(const workload::Step& step) {
  struct Describe {
    std::string operator()(const workload::Commands& commands) const {
      return counted(commands.commands.size(), "command");
    }
    std::string operator()(const workload::Generate& generate) const {
      return fmt::format("{} from {}", counted(generate.count, "generated command"),
                         counted(generate.clients, "client"));
    }
    std::string operator()(const workload::Admin& admin) const {
      return fmt::format("{}{}", fmt::join(admin.command, " "),
                         admin.repeat == 1 ? "" : fmt::format(", {} times", admin.repeat));
    }
    std::string operator()(const workload::Pause& pause) const {
      return fmt::format("nothing for {} ms", pause.ms);
    }
  };
  return std::visit(Describe{}, step.action);
}

std::string describe_start(const std::string& damage) {
  return damage.empty() ? "the target is started on what the crash left"
                        : fmt::format("the target is started ({})", damage);
}

}  // namespace

void CaseStory::record_run(const LiveRun& run, const std::vector<fault::Fault>& faults) {
  const ptrace::Run& traced = run.traced;
  const workload::History& history = run.workload.history;
  moments_.clear();
  if (history.began_ns == 0) {
    return;  // no workload began
  }
  const std::string end =
      run.crashed_ns != 0 ? "all that lives is killed"
      : run.ended_by_itself
          ? fmt::format("the target {}", recovery::describe_status(*run.ended_by_itself))
          : "the target and all its children are killed";
  std::vector<report::FaultResult> results;
  for (std::size_t i = 0; i < traced.faults.size(); ++i) {
    results.push_back({faults[i].text, traced.faults[i]});
  }
  moments_ = report::tell_story(traced.trace, history, results, end);
  const auto crash = std::ranges::find(moments_, Moment::Kind::kCrash, &Moment::kind);
  std::vector<Moment> course(moments_.begin(), crash);
  for (const auto& [began_ns, step] : run.steps) {
    course.push_back({ms_between(history.began_ns, began_ns),
                      fmt::format("step {}: {}", step, describe_step(run.plan.steps[step]))});
  }
  for (const auto& [at_ns, what] : run.told) {
    course.push_back({ms_between(history.began_ns, at_ns), what});
  }
  if (run.crashed_ns != 0) {
    crash->at_ms = ms_between(history.began_ns, run.crashed_ns);
  }
  std::ranges::stable_sort(course, {}, &Moment::at_ms);
  course.insert(course.end(), crash, moments_.end());
  moments_ = std::move(course);
}

void CaseStory::record_struck_start(const workload::History& history, const std::string& damage,
                                    const ptrace::Run& struck, std::int64_t began_ns) {
  std::vector<std::string> places;
  for (const fault::FaultReport& report : struck.faults) {
    if (report.fired > 0) {
      places.push_back(report.where);
    }
  }
  forget_recovery();
  struck_ = true;
  add(history, began_ns,
      fmt::format("{}, and {}", describe_start(damage),
                  places.empty() ? "ended" : fmt::format("struck: {}", fmt::join(places, "; "))));
}

void CaseStory::record_recovery(const workload::History& history,
                                const recovery::Recovery& recovery, const std::string& damage,
                                std::int64_t began_ns) {
  if (!struck_) {
    forget_recovery();
  }
  add(history, began_ns, struck_ ? "the target is started again" : describe_start(damage));
  add(history, began_ns + static_cast<std::int64_t>(recovery.start_ms * 1e6),
      recovery.started
          ? fmt::format("it serves, with {}", counted(recovery.state.entries.size(), "key"))
          : "it does not serve");
  for (const oracle::Verdict& verdict : recovery.checks) {
    if (verdict.outcome == oracle::Outcome::kViolation) {
      add(history, now_ns(), fmt::format("check \"{}\" fails: {}", verdict.check, verdict.summary));
    }
  }
  struck_ = false;
}

void CaseStory::add(const workload::History& history, std::int64_t at_ns, std::string what) {
  moments_.push_back(
      {ms_between(history.began_ns, at_ns), std::move(what), Moment::Kind::kRecovery});
}

void CaseStory::forget_recovery() {
  std::erase_if(moments_,
                [](const Moment& moment) { return moment.kind == Moment::Kind::kRecovery; });
}

}  // namespace crashpoint::campaign
