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

std::string describe_action(const trace::Fault& fault) {
  return std::visit(
      Overloaded{
          [](const trace::Kill& kill) {
            return fmt::format("kill the {}{}", kill.tree ? "tree" : "process",
                               kill.signal == SIGKILL ? "" : " with " + signal_name(kill.signal));
          },
          [](const trace::InjectError& inject) { return "fail with " + error_name(inject.error); },
          [](const trace::ShortWrite& write) {
            return fmt::format("write at most {}", counted(write.bytes, "byte"));
          },
          [](const trace::TornWrite& write) {
            return fmt::format("write {}, then kill the tree", counted(write.bytes, "byte"));
          },
          [](const trace::Delay& delay) {
            return delay.min_ms == delay.max_ms
                       ? fmt::format("delay by {} ms", delay.min_ms)
                       : fmt::format("delay by {} to {} ms", delay.min_ms, delay.max_ms);
          },
          [](const trace::Skip&) { return std::string("report success without doing anything"); },
          [](const trace::Trigger&) { return std::string("trigger"); },
          [](const trace::DiskBudget& disk) {
            return fmt::format("the data directory holds at most {}", counted(disk.bytes, "byte"));
          },
          [](const trace::Libfiu& libfiu) {
            return fmt::format("libfiu {} with probability {}{}", libfiu.name, libfiu.probability,
                               libfiu.error == 0 ? "" : ", giving " + error_name(libfiu.error));
          },
      },
      fault.action);
}

std::string describe_occurrence(const trace::Occurrence& nth) {
  if (nth.first == nth.last) {
    return fmt::format("the {}", ordinal(nth.first));
  }
  const bool forever = nth.last == std::numeric_limits<std::uint64_t>::max();
  if (forever && nth.first == 1 && nth.step == 1) {
    return "every";
  }
  return fmt::format("{}{}", nth.step == 1 ? "" : fmt::format("every {} from ", ordinal(nth.step)),
                     forever ? fmt::format("the {} and every later", ordinal(nth.first))
                             : fmt::format("the {} to {}", ordinal(nth.first), ordinal(nth.last)));
}

std::string describe_place(const trace::Place& place) {
  const char* phase = place.phase == trace::Phase::kBefore   ? "before"
                      : place.phase == trace::Phase::kDuring ? "during"
                                                             : "after";
  std::string text = place.failpoint.empty() ? phase : "at";
  text += " " + describe_occurrence(place.nth) + " ";
  text += place.failpoint.empty() ? place.syscall : "pass of failpoint " + place.failpoint;
  if (!place.path.empty()) {
    text += " of " + place.path;
  }
  if (place.at_offset.has_value()) {
    text += fmt::format(" across byte {}", *place.at_offset);
  }
  if (!place.role.empty()) {
    text += " by " + place.role;
  }
  if (place.count_per != trace::CountPer::kTree) {
    text += place.count_per == trace::CountPer::kPath ? " (counted per path)"
                                                      : " (counted per process)";
  }
  if (!place.while_child.empty()) {
    text += " while a " + place.while_child + " runs";
  }
  if (place.probability < 1) {
    text += fmt::format(", with probability {}", place.probability);
  }
  return text;
}

}  // namespace

std::string describe(const trace::Fault& fault) {
  const std::string where =
      std::visit(Overloaded{
                     [](const std::monostate&) { return std::string(); },
                     [](const trace::Place& place) { return " " + describe_place(place); },
                     [](const trace::AfterAcked& moment) {
                       return fmt::format(" when {} acked",
                                          moment.commands == 1
                                              ? "1 command is"
                                              : with_commas(moment.commands) + " commands are");
                     },
                     [](const trace::AtTime& moment) {
                       return fmt::format(" {} ms into the workload", moment.ms);
                     },
                 },
                 fault.at);
  const std::string from =
      fault.from_step.has_value() ? fmt::format(", from step {} on", *fault.from_step) : "";
  return describe_action(fault) + where + from;
}

}  // namespace crashpoint::scenario
