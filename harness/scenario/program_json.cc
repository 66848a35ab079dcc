#include "harness/scenario/program_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/base/check.h"

namespace crashpoint::scenario {
namespace {

using Ordered = nlohmann::ordered_json;

Ordered to_json(const Command& command) {
  return command.words.empty() ? Ordered(command.text) : Ordered(command.words);
}

Ordered to_json(const std::vector<Command>& commands) {
  Ordered list = Ordered::array();
  for (const Command& command : commands) {
    list.push_back(to_json(command));
  }
  return list;
}

Ordered to_json(const RunStep& step) {
  Ordered object = {{"run", to_json(step.run)}};
  if (!step.acknowledging_lines.empty()) {
    object["acks"] = {{"lines", step.acknowledging_lines}};
    if (!step.synced_lines.empty()) {
      object["acks"]["synced"] = step.synced_lines;
    }
  }
  if (step.may_change_nothing) {
    object["may_change_nothing"] = true;
  }
  if (!step.atomic) {
    object["atomic"] = false;
  }
  return object;
}

std::string name_of(const oracle::Guarantee& guarantee) {
  using Kind = oracle::Guarantee::Kind;
  return guarantee.kind == Kind::kDurable  ? "durable"
         : guarantee.kind == Kind::kPrefix ? "prefix"
                                           : "none";
}

}  // namespace

std::string program_scenario(const Case& of) {
  HARNESS_CHECK(of.program && of.crash.explore && of.oracle.guarantee, of.name);
  const ProgramTarget& program = *of.program;
  Ordered json = {
      {"version", 1}, {"name", of.scenario}, {"summary", of.summary}, {"seed", of.seed}};
  Ordered target = {{"use", {{"program", of.target.command.front()}}},
                    {"dump", to_json(program.dump)}};
  if (!program.needs.empty()) {
    target["needs"] = program.needs;
  }
  if (!program.volatile_files.empty()) {
    target["volatile"] = program.volatile_files;
  }
  json["target"] = target;
  if (!program.setup.empty()) {
    json["setup"] = to_json(program.setup);
  }
  json["workload"] = Ordered::array();
  for (const RunStep& step : program.steps) {
    json["workload"].push_back(to_json(step));
  }
  json["crash"] = {
      {"explore", {{"prune", "representative"}, {"max_states", of.crash.explore->max_states}}}};
  if (of.crash.explore->for_ms > 0) {
    json["crash"]["explore"]["for"] = fmt::format("{}ms", of.crash.explore->for_ms);
  }
  json["recovery"] = {{"deadline_ms", of.recovery.deadline_ms}};
  if (!program.recovery.empty()) {
    json["recovery"]["run"] = to_json(program.recovery);
  }
  json["oracle"] = {{"guarantee", name_of(*of.oracle.guarantee)}};
  // A path need not be text.
  return json.dump(2, ' ', false, Ordered::error_handler_t::replace) + "\n";
}

}  // namespace crashpoint::scenario
