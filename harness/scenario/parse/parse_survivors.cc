#include <fmt/format.h>

#include <csignal>
#include <string>
#include <variant>

#include "harness/scenario/parse/parse.h"

namespace crashpoint::scenario {
namespace {

// Whether a fault, if it fires, kills the main process and none of its children.
bool kills_main_alone(const fault::Fault& fault) {
  const auto* const kill = std::get_if<fault::Kill>(&fault.action);
  if (kill == nullptr || kill->tree || kill->signal != SIGKILL) {
    return false;
  }
  const auto* const place = std::get_if<fault::Place>(&fault.at);
  return kill->main || place == nullptr ||
         place->role == "main";  // at a moment it is the first process
}

bool stops_all(const fault::Fault& fault) {
  const auto* const kill = std::get_if<fault::Kill>(&fault.action);
  return kill != nullptr && kill->tree && kill->signal == SIGSTOP;
}

bool kills(const fault::Fault& fault) {
  return std::holds_alternative<fault::Kill>(fault.action) ||
         std::holds_alternative<fault::TornWrite>(fault.action);
}

void check_kills(const Node& root, const Case& out) {
  const Beside beside = out.recovery.beside;
  bool any = false;
  for (std::size_t i = 0; i < out.faults.size(); ++i) {
    const fault::Fault& fault = out.faults[i];
    const bool fits = beside == Beside::kOrphans   ? kills_main_alone(fault)
                      : beside == Beside::kStopped ? stops_all(fault)
                                                   : false;
    any = any || fits;
    if (kills(fault) && !fits) {
      root.at("faults").items()[i].at("do").problem(
          beside == Beside::kOrphans
              ? "\"beside\": \"orphans\" is about the children of a main process that was killed "
                "alone; allowed: {\"kill\": \"main\"}, or \"process\" where \"role\" is \"main\""
          : beside == Beside::kStopped
              ? "\"beside\": \"stopped\" is about a target that is stopped as a whole; allowed: "
                "{\"kill\": \"tree\", \"signal\": \"SIGSTOP\"}"
              : "\"beside\": \"instance\" is about a target that goes on serving: no fault may end "
                "it");
    }
  }
  if (beside == Beside::kOrphans && !any) {
    root.at("recovery")
        .at("beside")
        .problem(
            "\"orphans\" needs a fault that kills the main process alone, while a child of it is "
            "at "
            "work: {\"at\": ..., \"do\": {\"kill\": \"main\"}}");
  }
}

}  // namespace

void check_survivors(const Node& root, const Case& out) {
  const Node recovery = root.at("recovery");
  if (out.crash.explore || out.crash.kind == oracle::CrashKind::kPowerLoss) {
    root.at("crash").problem(
        "\"beside\" needs the crash \"process-kill\": nothing survives a power loss, and an "
        "exploration has no processes");
  }
  if (!out.damage.empty()) {
    root.at("damage").problem_at_key(
        "no damage is done to a directory that is in use; remove \"damage\" or \"beside\"");
  }
  if (out.recovery.cycles > 1) {
    recovery.at("cycles").problem(fmt::format(
        "found {}; \"beside\" has one crash, the one of all at the end", out.recovery.cycles));
  }
  if (!out.recovery.faults.empty()) {
    recovery.at("faults").problem_at_key(
        "\"beside\" has no faults in recovery: the start beside what still lives is the one that "
        "counts");
  }
  if (!out.oracle.starts) {
    root.at("oracle").at("start").problem(
        "found \"refuses\"; with \"beside\" a target may refuse to start beside what still lives, "
        "and must start when that is gone");
  }
  if (out.oracle.guarantee && out.oracle.guarantee->kind == oracle::Guarantee::Kind::kNone) {
    root.at("oracle")
        .at("guarantee")
        .problem(
            "found \"none\"; \"beside\" is about what a new instance acknowledged, and that needs "
            "a "
            "promise");
  }
  check_kills(root, out);
}

}  // namespace crashpoint::scenario
