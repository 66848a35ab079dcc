#include "harness/scenario/describe_fault.h"

#include <fmt/format.h>

#include <csignal>
#include <cstring>
#include <limits>
#include <type_traits>
#include <variant>

#include "harness/base/text.h"

namespace crashpoint::scenario {
namespace {

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

std::string error_name(int error) {
  const char* name = strerrorname_np(error);
  return name == nullptr ? std::to_string(error) : std::string(name);
}

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name == nullptr ? fmt::format("signal {}", signal) : fmt::format("SIG{}", name);
}

std::string describe_action(const fault::Fault& fault) {
  return std::visit(
      Overloaded{
          [](const fault::Kill& kill) {
            return fmt::format("kill the {}{}",
                               kill.tree   ? "tree"
                               : kill.main ? "main process"
                                           : "process",
                               kill.signal == SIGKILL ? "" : " with " + signal_name(kill.signal));
          },
          [](const fault::InjectError& inject) { return "fail with " + error_name(inject.error); },
          [](const fault::ShortWrite& write) {
            return fmt::format("write at most {}", counted(write.bytes, "byte"));
          },
          [](const fault::TornWrite& write) {
            return fmt::format("write {}, then kill the tree", counted(write.bytes, "byte"));
          },
          [](const fault::Delay& delay) {
            return delay.min_ms == delay.max_ms
                       ? fmt::format("delay by {} ms", delay.min_ms)
                       : fmt::format("delay by {} to {} ms", delay.min_ms, delay.max_ms);
          },
          [](const fault::Skip&) { return std::string("report success without doing anything"); },
          [](const fault::Trigger&) { return std::string("trigger"); },
          [](const fault::DiskBudget& disk) {
            return fmt::format("the data directory holds at most {}", counted(disk.bytes, "byte"));
          },
          [](const fault::Libfiu& libfiu) {
            return fmt::format("libfiu {} with probability {}{}", libfiu.name, libfiu.probability,
                               libfiu.error == 0 ? "" : ", giving " + error_name(libfiu.error));
          },
      },
      fault.action);
}

// "the 3rd write", "every 2nd write from the 3rd on".
std::string describe_occurrence(const fault::Occurrence& nth, const std::string& what) {
  const bool forever = nth.last == std::numeric_limits<std::uint64_t>::max();
  if (nth.first == nth.last) {
    return fmt::format("the {} {}", ordinal(nth.first), what);
  }
  if (nth.step > 1) {
    return fmt::format("every {} {} from the {} {}", ordinal(nth.step), what, ordinal(nth.first),
                       forever ? "on" : "to the " + ordinal(nth.last));
  }
  if (forever) {
    return nth.first == 1 ? "every " + what
                          : fmt::format("the {} and every later {}", ordinal(nth.first), what);
  }
  return fmt::format("the {} to {} {}", ordinal(nth.first), ordinal(nth.last), what);
}

// Only kills and delays have a phase relative to the call; other actions change the call itself.
const char* describe_phase(const fault::Fault& fault, const fault::Place& place) {
  const bool has_phase = std::holds_alternative<fault::Kill>(fault.action) ||
                         std::holds_alternative<fault::Delay>(fault.action);
  if (!place.failpoint.empty() || (!has_phase && place.phase == fault::Phase::kBefore)) {
    return "at";
  }
  return place.phase == fault::Phase::kBefore   ? "before"
         : place.phase == fault::Phase::kDuring ? "during"
                                                : "after";
}

std::string describe_while(const std::string& child) {
  return child.empty() ? "" : " while a " + child + " runs";
}

std::string describe_place(const fault::Fault& fault, const fault::Place& place) {
  const std::string what =
      place.failpoint.empty() ? place.syscall : "pass of failpoint " + place.failpoint;
  std::string text =
      fmt::format("{} {}", describe_phase(fault, place), describe_occurrence(place.nth, what));
  if (!place.path.empty()) {
    text += " of " + place.path;
  }
  if (place.at_offset.has_value()) {
    text += fmt::format(" across byte {}", *place.at_offset);
  }
  if (!place.role.empty()) {
    text += " by " + place.role;
  }
  if (place.count_per != fault::CountPer::kTree) {
    text += place.count_per == fault::CountPer::kPath ? " (counted per path)"
                                                      : " (counted per process)";
  }
  text += describe_while(place.while_child);
  if (place.probability < 1) {
    text += fmt::format(", with probability {}", place.probability);
  }
  return text;
}

}  // namespace

std::string describe(const fault::Fault& fault) {
  const std::string where =
      std::visit(Overloaded{
                     [](const std::monostate&) { return std::string(); },
                     [&](const fault::Place& place) { return " " + describe_place(fault, place); },
                     [](const fault::AfterAcked& moment) {
                       return fmt::format(" when {} acked",
                                          moment.commands == 1
                                              ? "1 command is"
                                              : with_commas(moment.commands) + " commands are") +
                              describe_while(moment.while_child);
                     },
                     [](const fault::AtTime& moment) {
                       return fmt::format(" {} ms into the workload", moment.ms) +
                              describe_while(moment.while_child);
                     },
                 },
                 fault.at);
  const std::string from =
      fault.from_step.has_value() ? fmt::format(", from step {} on", *fault.from_step) : "";
  return describe_action(fault) + where + from;
}

}  // namespace crashpoint::scenario
