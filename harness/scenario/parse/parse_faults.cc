#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>
#include <variant>

#include "harness/base/nearest.h"
#include "harness/base/text.h"
#include "harness/fault/libfiu.h"
#include "harness/fault/syscall_facts.h"
#include "harness/scenario/describe_fault.h"
#include "harness/scenario/parse/parse.h"
#include "harness/trace/syscalls.h"

namespace crashpoint::scenario {
namespace {

constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();

// Empty facts for a failpoint, or for a name that is already a problem.
const fault::SyscallFacts& facts_of(const fault::Place& place) {
  static const fault::SyscallFacts kNone;
  const fault::SyscallFacts* facts = fault::syscall_facts(place.syscall);
  return facts == nullptr ? kNone : *facts;
}

fault::Occurrence parse_nth(const Node& node) {
  if (node.json().is_number()) {
    const auto nth = node.as<std::uint64_t>();
    return {nth, nth, 1};
  }
  fault::Occurrence nth{1, kForever, 1};
  if (node.json().is_object()) {
    node.read("from", nth.first);
    node.read("to", nth.last);
    node.read("step", nth.step);
    check_order(node, nth.first, nth.last);
  }
  return nth;
}

void check_syscall(const Node& node) {
  if (const std::string problem = syscall_problem(node.text()); !problem.empty()) {
    node.problem(problem);
  }
}

fault::Place parse_place(const Node& node) {
  fault::Place place;
  if (const auto syscall = node.find("syscall")) {
    place.syscall = syscall->text();
    check_syscall(*syscall);
  }
  node.read("failpoint", place.failpoint);
  if (const auto path = node.find("path")) {
    place.path = parse_inside_path(*path);
    if (!place.failpoint.empty()) {
      path->problem_at_key("\"path\" needs \"syscall\"; a failpoint has no file");
    }
  }
  node.read("role", place.role);
  if (const auto nth = node.find("nth")) {
    place.nth = parse_nth(*nth);
  }
  if (const auto per = node.find("per")) {
    place.count_per = per->text() == "tree"      ? fault::CountPer::kTree
                      : per->text() == "process" ? fault::CountPer::kProcess
                                                 : fault::CountPer::kPath;
  }
  if (const auto phase = node.find("phase")) {
    place.phase = phase->text() == "before"   ? fault::Phase::kBefore
                  : phase->text() == "during" ? fault::Phase::kDuring
                                              : fault::Phase::kAfter;
    if (!place.failpoint.empty()) {
      phase->problem_at_key("\"phase\" needs \"syscall\"; a failpoint has no phases");
    }
  }
  node.read("probability", place.probability);
  if (const auto offset = node.find("at_offset")) {
    place.at_offset = offset->as<std::uint64_t>();
    if (!facts_of(place).writes) {
      offset->problem_at_key("\"at_offset\" needs a syscall that writes");
    }
  }
  node.read("while", place.while_child);
  return place;
}

void check_moment(const Node& node) {
  for (const char* key : {"path", "role", "nth", "per", "phase", "probability", "at_offset"}) {
    if (const auto found = node.find(key)) {
      found->problem_at_key(fmt::format(
          "\"{}\" needs \"syscall\" or \"failpoint\"; it has no meaning at a moment", key));
    }
  }
}

void parse_at(const Node& node, fault::Fault& fault) {
  if (const auto commands = node.find("after_acked")) {
    fault::AfterAcked moment{commands->as<std::uint64_t>(), {}};
    node.read("while", moment.while_child);
    fault.at = std::move(moment);
    check_moment(node);
  } else if (const auto ms = node.find("at_ms")) {
    fault::AtTime moment{ms->as<std::int64_t>(), {}};
    node.read("while", moment.while_child);
    fault.at = std::move(moment);
    check_moment(node);
  } else {
    fault.at = parse_place(node);
  }
}

void check_error(const Node& node, const fault::Fault& fault) {
  const auto* place = std::get_if<fault::Place>(&fault.at);
  if (place == nullptr || fault::syscall_facts(place->syscall) == nullptr) {
    return;
  }
  const std::vector<std::string>& possible = facts_of(*place).errors;
  if (possible.empty()) {
    node.problem(fmt::format("{} cannot fail", place->syscall));
  } else if (!std::binary_search(possible.begin(), possible.end(), node.text())) {
    node.problem(fmt::format("{} cannot fail with {}; allowed: {}", place->syscall, node.text(),
                             fmt::join(possible, ", ")));
  }
}

void parse_delay(const Node& node, fault::Fault& fault) {
  fault::Delay delay;
  const bool range = node.json().is_array();
  delay.min_ms = (range ? node.json()[0] : node.json()).get<std::int64_t>();
  delay.max_ms = (range ? node.json()[1] : node.json()).get<std::int64_t>();
  if (delay.min_ms > delay.max_ms) {
    node.problem(fmt::format("found [{}, {}]; allowed: [least, most]", delay.min_ms, delay.max_ms));
  }
  fault.action = delay;
}

void parse_libfiu(const Node& node, fault::Fault& fault) {
  fault::Libfiu libfiu;
  const Node name = node.at("name");
  libfiu.name = name.text();
  if (const std::string problem = fault::libfiu_name_problem(libfiu.name); !problem.empty()) {
    name.problem(problem);
  }
  node.read("probability", libfiu.probability);
  if (const auto error = node.find("error")) {
    libfiu.error = parse_errno(*error);
  }
  fault.action = libfiu;
}

void parse_error(const Node& node, const Node& error, fault::Fault& fault) {
  const int number = parse_errno(error);
  fault.action = fault::InjectError{number};
  if (number != 0) {
    check_error(error, fault);
  }
  const auto times = node.find("times");
  auto* place = std::get_if<fault::Place>(&fault.at);
  if (!times.has_value() || place == nullptr) {
    return;
  }
  if (place->nth.first != place->nth.last) {
    times->problem_at_key("\"times\" needs an \"nth\" that is a single number");
    return;
  }
  const auto count = times->as<std::uint64_t>();
  place->nth.last =
      count == 0 || count > kForever - place->nth.first ? kForever : place->nth.first + count - 1;
}

void parse_do(const Node& node, fault::Fault& fault) {
  if (const auto what = node.find("kill")) {
    fault::Kill kill;
    kill.tree = what->text() == "tree";
    kill.main = what->text() == "main";
    if (const auto signal = node.find("signal")) {
      kill.signal = parse_signal(*signal);
    }
    fault.action = kill;
  } else if (const auto error = node.find("error")) {
    parse_error(node, *error, fault);
  } else if (const auto short_bytes = node.find("short_write")) {
    fault.action = fault::ShortWrite{short_bytes->as<std::uint64_t>()};
  } else if (const auto torn_bytes = node.find("torn_write")) {
    fault.action = fault::TornWrite{torn_bytes->as<std::uint64_t>()};
  } else if (const auto delay = node.find("delay_ms")) {
    parse_delay(*delay, fault);
  } else if (node.has("skip")) {
    fault.action = fault::Skip{};
  } else if (node.has("trigger")) {
    fault.action = fault::Trigger{};
  } else if (const auto bytes = node.find("disk_bytes")) {
    fault.action = fault::DiskBudget{bytes->as<std::uint64_t>()};
  } else {
    parse_libfiu(node.at("libfiu"), fault);
  }
}

// Checks that the action is possible at the place.
void check_together(const Node& node, const fault::Fault& fault) {
  const Node action = node.at("do");
  const bool always = std::holds_alternative<fault::DiskBudget>(fault.action) ||
                      std::holds_alternative<fault::Libfiu>(fault.action);
  const bool nowhere = std::holds_alternative<std::monostate>(fault.at);
  if (always != nowhere) {
    node.problem(always ? "disk_bytes and libfiu are in effect from the start; remove \"at\""
                        : "\"at\" is missing: where does the fault fire?");
    return;
  }
  if (nowhere) {
    return;
  }
  const auto* place = std::get_if<fault::Place>(&fault.at);
  if (place == nullptr) {
    if (!std::holds_alternative<fault::Kill>(fault.action)) {
      action.problem("at a moment (after_acked, at_ms) only \"kill\" is possible");
    }
    return;
  }
  if (!place->syscall.empty() && fault::syscall_facts(place->syscall) == nullptr) {
    return;
  }
  const std::string what = place->failpoint.empty() ? place->syscall : "a failpoint";
  const fault::SyscallFacts& facts = facts_of(*place);
  if ((std::holds_alternative<fault::ShortWrite>(fault.action) ||
       std::holds_alternative<fault::TornWrite>(fault.action)) &&
      !facts.transfers) {
    action.problem(
        fmt::format("short_write and torn_write need a syscall that writes; found {}", what));
  }
  if (std::holds_alternative<fault::Skip>(fault.action) && !facts.skippable) {
    action.problem(fmt::format(
        "{} cannot be skipped; allowed: calls that write, rename, remove or sync", what));
  }
  if (std::holds_alternative<fault::Trigger>(fault.action) && place->failpoint.empty()) {
    action.problem("\"trigger\" needs a failpoint");
  }
}

fault::Fault parse_fault(const Node& item, const Case& known) {
  fault::Fault fault;
  if (const auto at = item.find("at")) {
    parse_at(*at, fault);
    const auto* place = std::get_if<fault::Place>(&fault.at);
    if (place != nullptr && !place->failpoint.empty() && known.target.use != "engine") {
      at->problem("only crashpoint-engine has failpoints; this target has none");
    }
  }
  parse_do(item.at("do"), fault);
  check_together(item, fault);
  item.read("may_miss", fault.may_miss);
  item.read("fires_max", fault.fires_max);
  return fault;
}

}  // namespace

std::string syscall_problem(const std::string& name) {
  if (fault::syscall_facts(name) != nullptr) {
    return {};
  }
  const std::vector<std::string> names = trace::fault_syscall_names();
  const std::string meant = nearest(name, names);
  return fmt::format("unknown syscall \"{}\"; {}", shorten(name),
                     meant.empty() ? fmt::format("allowed: {}", fmt::join(names, ", "))
                                   : fmt::format("did you mean \"{}\"?", meant));
}

std::vector<fault::Fault> parse_faults(const Node& node, const Case& known) {
  std::vector<fault::Fault> faults;
  for (const Node& item : node.items()) {
    fault::Fault fault = parse_fault(item, known);
    if (const auto step = item.find("from_step")) {
      fault.from_step = step->as<std::size_t>();
      if (*fault.from_step >= known.workload.steps.size()) {
        step->problem(fmt::format("found {}; the workload has {}, numbered from 0",
                                  *fault.from_step, counted(known.workload.steps.size(), "step")));
      }
    }
    fault.text = describe(fault);
    faults.push_back(std::move(fault));
  }
  return faults;
}

std::vector<fault::Fault> parse_recovery_faults(const Node& node, const Case& known) {
  std::vector<fault::Fault> faults;
  for (const Node& item : node.items()) {
    fault::Fault fault = parse_fault(item, known);
    for (const auto& [holder, key] :
         {std::pair(item.find("at"), "after_acked"), std::pair(std::optional(item), "from_step")}) {
      const auto found = holder.has_value() ? holder->find(key) : std::nullopt;
      if (found.has_value()) {
        found->problem_at_key(
            fmt::format("\"{}\" refers to the workload, and there is none during recovery", key));
      }
    }
    fault.text = "in recovery: " + describe(fault);
    faults.push_back(std::move(fault));
  }
  return faults;
}

}  // namespace crashpoint::scenario
