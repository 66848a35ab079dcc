#include "harness/campaign/promise_of_end.h"

#include <strings.h>
#include <sys/wait.h>

#include <algorithm>
#include <string>
#include <variant>

namespace crashpoint::campaign {
namespace {

bool is_word(const std::string& text, const char* word) {
  return ::strcasecmp(text.c_str(), word) == 0;
}

// The admin commands of a name, as far as they were sent in the run.
template <typename Use>
void for_each_admin(const scenario::Case& of, const char* name, const Use& use) {
  for (const workload::Step& step : of.workload.steps) {
    const auto* admin = std::get_if<workload::Admin>(&step.action);
    if (admin != nullptr && !admin->command.empty() && is_word(admin->command.front(), name)) {
      use(admin->command);
    }
  }
}

bool has_word(const workload::Arguments& command, const char* word) {
  return std::any_of(command.begin() + 1, command.end(),
                     [&](const std::string& argument) { return is_word(argument, word); });
}

bool saves_at_the_end(const scenario::Case& of) {
  const auto rules = of.target.config.find("save");
  bool saves = rules == of.target.config.end() ||
               std::ranges::any_of(rules->second, [](const std::string& rule) {
                 return !rule.empty() && rule != "\"\"";
               });
  for_each_admin(of, "SHUTDOWN", [&](const workload::Arguments& command) {
    saves = has_word(command, "SAVE") || (saves && !has_word(command, "NOSAVE"));
  });
  return saves;
}

}  // namespace

std::optional<oracle::DerivedGuarantee> promise_of_end(const scenario::Case& of,
                                                       const recovery::Program& program,
                                                       const LiveRun& run) {
  if (!run.ended_by_itself || !WIFEXITED(*run.ended_by_itself) ||
      WEXITSTATUS(*run.ended_by_itself) != 0 || of.oracle.guarantee || of.crash.explore ||
      !of.recovery.config.empty() || !recovery::takes_config(program, of.target)) {
    return std::nullopt;
  }
  bool is_certain = true;
  for_each_admin(of, "SHUTDOWN", [&](const workload::Arguments& command) {
    is_certain = is_certain && !has_word(command, "FORCE");
  });
  for_each_admin(of, "CONFIG", [&](const workload::Arguments& command) {
    is_certain = is_certain && !has_word(command, "appendonly") && !has_word(command, "save");
  });
  if (!is_certain) {
    return std::nullopt;
  }
  const bool keeps_a_log = oracle::directive_value(of.target.config, "appendonly", "no") == "yes";
  if (!keeps_a_log && !saves_at_the_end(of)) {
    return std::nullopt;
  }
  oracle::DerivedGuarantee promise;
  promise.guarantee.kind = oracle::Guarantee::Kind::kDurable;
  promise.reason = keeps_a_log ? "appendonly yes, and it ended with exit status 0"
                               : "it saved its data at the end, with exit status 0";
  return promise;
}

}  // namespace crashpoint::campaign
