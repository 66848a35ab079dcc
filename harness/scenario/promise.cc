#include "harness/scenario/promise.h"

#include <strings.h>

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "harness/base/text.h"
#include "harness/scenario/restarted.h"

namespace crashpoint::scenario {
namespace {

using oracle::Guarantee;

bool keeps_a_log(const Config& config) {
  return oracle::directive_value(config, "appendonly", "no") == "yes";
}

struct Change {
  workload::Arguments command;  // CONFIG SET ...
  std::size_t step = 0;
  bool awaited = false;  // with the background job that it starts
};

bool is_config_set(const workload::Arguments& command) {
  return command.size() >= 4 && ::strcasecmp(command[0].c_str(), "CONFIG") == 0 &&
         ::strcasecmp(command[1].c_str(), "SET") == 0;
}

std::vector<Change> changes_of(const workload::Plan& plan) {
  std::vector<Change> changes;
  for (std::size_t step = 0; step < plan.steps.size(); ++step) {
    if (const auto* admin = std::get_if<workload::Admin>(&plan.steps[step].action)) {
      changes.push_back({admin->command, step, admin->wait == workload::Admin::Wait::kDone});
    } else if (const auto* list = std::get_if<workload::Commands>(&plan.steps[step].action)) {
      for (const workload::Arguments& command : list->commands) {
        changes.push_back({command, step});
      }
    }
  }
  std::erase_if(changes, [](const Change& change) { return !is_config_set(change.command); });
  return changes;
}

bool was_refused(const Change& change, const workload::History& history) {
  return std::ranges::any_of(history.operations, [&](const workload::Operation& operation) {
    return operation.step == change.step && operation.is_refused() &&
           operation.arguments == change.command;
  });
}

bool is_weaker(const Guarantee& one, const Guarantee& other) {
  if (one.kind == Guarantee::Kind::kBuffered && other.kind == Guarantee::Kind::kBuffered) {
    return one.seconds > other.seconds;
  }
  return one.kind > other.kind;  // from the strictest on
}

}  // namespace

oracle::DerivedGuarantee promise_of(const Case& of, oracle::CrashKind crash,
                                    oracle::EverysecLoss everysec, const std::optional<Ran>& ran) {
  const Config next = restarted(of).config;
  const bool loads_log = keeps_a_log(next);
  Config config = of.target.config;
  bool is_log_cut = loads_log && !keeps_a_log(config);
  // That of the log while there is one, or else that of snapshots.
  oracle::DerivedGuarantee promise =
      oracle::derive_guarantee(keeps_a_log(config) == loads_log ? config : next, crash, everysec);
  for (const Change& change : changes_of(of.workload)) {
    if (ran && change.step > ran->crashed_in) {
      break;
    }
    if (ran && was_refused(change, ran->history)) {
      continue;
    }
    for (std::size_t i = 2; i + 1 < change.command.size(); i += 2) {
      config[lower_case(change.command[i])] = {lower_case(change.command[i + 1])};
    }
    if (loads_log && !keeps_a_log(config)) {
      is_log_cut = true;
      continue;
    }
    // A rewrite that was awaited is of all that was written in between.
    is_log_cut = is_log_cut && !(ran && change.step < ran->crashed_in && change.awaited);
    if (!loads_log && keeps_a_log(config)) {
      continue;  // it is started again without the log, and loads the last snapshot
    }
    const oracle::DerivedGuarantee then = oracle::derive_guarantee(config, crash, everysec);
    promise.guarantee.unlisted_snapshots =
        promise.guarantee.unlisted_snapshots || then.guarantee.unlisted_snapshots;
    if (is_weaker(then.guarantee, promise.guarantee)) {
      promise = then;
    }
  }
  const Guarantee prefix = {.kind = Guarantee::Kind::kPrefix};
  if (is_log_cut && is_weaker(prefix, promise.guarantee)) {
    return {
        .guarantee = prefix,
        .reason = keeps_a_log(of.target.config)
                      ? "appendonly is switched off in the run: what is written then is in no log"
                      : "what is written before appendonly is switched on is in no log"};
  }
  return promise;
}

}  // namespace crashpoint::scenario
