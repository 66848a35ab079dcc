#include "harness/fault/fault_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <string.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "harness/base/glob.h"
#include "harness/base/nearest.h"
#include "harness/fault/libfiu.h"
#include "harness/fault/syscall_facts.h"
#include "harness/trace/syscalls.h"

namespace crashpoint::fault {
namespace {

constexpr int kErrnoMax = 133;

std::string role_problem(const std::string& role) {
  std::string_view rest = role;
  for (const std::string_view kind : {"child:", "thread:"}) {
    if (!rest.starts_with(kind)) {
      continue;
    }
    rest.remove_prefix(kind.size());
    unsigned number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error != std::errc() || end != rest.data() + rest.size() || number == 0) {
      return fmt::format("role '{}' does not number a {} from 1, as in \"{}2\"", role,
                         kind.substr(0, kind.size() - 1), kind);
    }
  }
  return {};
}

std::string place_problem(const Place& place) {
  if (place.syscall.empty() == place.failpoint.empty()) {
    return "a place is either a syscall or a failpoint";
  }
  if (!place.failpoint.empty() && (!place.path.empty() || place.at_offset.has_value())) {
    return "a failpoint has no path and no offset";
  }
  if (!place.syscall.empty()) {
    const SyscallFacts* const facts = syscall_facts(place.syscall);
    if (facts == nullptr) {
      const std::vector<std::string> names = trace::fault_syscall_names();
      const std::string near = nearest(place.syscall, names);
      return fmt::format("no such syscall: '{}'{}; allowed: {}", place.syscall,
                         near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near),
                         fmt::join(names, ", "));
    }
    if (!place.path.empty() && !facts->names_file) {
      return fmt::format("{} has no path", place.syscall);
    }
    if (place.at_offset.has_value() && !facts->writes) {
      return fmt::format("at_offset means the write that crosses a byte of a file; {} is none",
                         place.syscall);
    }
  }
  if (std::string problem = place.path.empty() ? "" : path_glob_problem(place.path);
      !problem.empty()) {
    return fmt::format("path '{}' {}", place.path, problem);
  }
  if (place.nth.first < 1 || place.nth.last < place.nth.first || place.nth.step < 1) {
    return fmt::format("occurrences {} to {} in steps of {}: they count from 1 upwards",
                       place.nth.first, place.nth.last, place.nth.step);
  }
  if (!(place.probability > 0.0 && place.probability <= 1.0)) {
    return fmt::format("probability {} is not above 0 and at most 1", place.probability);
  }
  return role_problem(place.role);
}

// What may be done at a place.
struct AtPlace {
  const Place& place;
  const SyscallFacts* facts = syscall_facts(place.syscall);  // null at a failpoint

  std::string operator()(const Kill& kill) const {
    if (kill.signal < 1 || kill.signal > SIGRTMAX) {
      return fmt::format("no such signal: {}", kill.signal);
    }
    if (kill.signal != SIGKILL && place.phase == Phase::kDuring) {
      return "only SIGKILL can strike while the call is in the kernel";
    }
    return {};
  }
  std::string operator()(const InjectError& inject) const {
    if (facts == nullptr) {
      return inject.error > 0 && inject.error <= kErrnoMax
                 ? ""
                 : fmt::format("no such errno: {}", inject.error);
    }
    const std::string name = error_name(inject.error);
    if (!std::binary_search(facts->errors.begin(), facts->errors.end(), name)) {
      return facts->errors.empty()
                 ? fmt::format("{} cannot fail", place.syscall)
                 : fmt::format("{} cannot fail with {}; allowed: {}", place.syscall, name,
                               fmt::join(facts->errors, ", "));
    }
    return place.phase == Phase::kDuring
               ? "an error is injected before or after the call, not during"
               : "";
  }
  std::string operator()(const ShortWrite&) const { return shortens("short_write"); }
  std::string operator()(const TornWrite&) const { return shortens("torn_write"); }
  std::string operator()(const Delay& delay) const {
    if (delay.min_ms < 0 || delay.max_ms < delay.min_ms) {
      return fmt::format("a delay of {} to {} ms", delay.min_ms, delay.max_ms);
    }
    return place.phase == Phase::kDuring ? "a delay comes before or after the call, not during"
                                         : "";
  }
  std::string operator()(const Skip&) const {
    return facts != nullptr && facts->skippable
               ? ""
               : fmt::format("{} cannot be skipped and reported as done", said());
  }
  std::string operator()(const Trigger&) const {
    return facts == nullptr ? "" : "only a failpoint can be triggered";
  }
  std::string operator()(const DiskBudget&) const { return "a disk budget is not at a place"; }
  std::string operator()(const Libfiu&) const { return "a libfiu fault is not at a place of ours"; }

 private:
  [[nodiscard]] std::string shortens(std::string_view what) const {
    return facts != nullptr && facts->transfers
               ? ""
               : fmt::format("{} is for writes; {} is none", what, said());
  }
  [[nodiscard]] std::string said() const {
    return facts == nullptr ? "a failpoint" : place.syscall;
  }
};

}  // namespace

std::string fault_problem(const Fault& fault) {
  if (const auto* const place = std::get_if<Place>(&fault.at)) {
    std::string problem = place_problem(*place);
    return problem.empty() ? std::visit(AtPlace{*place}, fault.action) : problem;
  }
  if (std::holds_alternative<std::monostate>(fault.at)) {
    if (const auto* const libfiu = std::get_if<Libfiu>(&fault.action)) {
      return libfiu->probability > 0.0 && libfiu->probability <= 1.0
                 ? libfiu_name_problem(libfiu->name)
                 : "a libfiu fault needs a probability above 0 and at most 1";
    }
    return std::holds_alternative<DiskBudget>(fault.action)
               ? ""
               : "this fault needs a place or a moment: a syscall, a failpoint, after_acked or "
                 "at_ms";
  }
  return std::holds_alternative<Kill>(fault.action)
             ? ""
             : "at a moment (after_acked, at_ms) only a kill can be";
}

std::string error_name(int error) {
  const char* const name = ::strerrorname_np(error);
  return name != nullptr ? name : fmt::format("errno {}", error);
}

int error_number(std::string_view name) {
  for (int error = 1; error <= kErrnoMax; ++error) {
    const char* const known = ::strerrorname_np(error);
    if (known != nullptr && name == known) {
      return error;
    }
  }
  return name == "EWOULDBLOCK" ? EWOULDBLOCK : name == "ENOTSUP" ? ENOTSUP : 0;
}

int signal_number(std::string_view name) {
  if (name.starts_with("SIG")) {
    name.remove_prefix(3);
  }
  for (int signal = 1; signal < SIGRTMIN; ++signal) {
    const char* const known = ::sigabbrev_np(signal);
    if (known != nullptr && name == known) {
      return signal;
    }
  }
  return 0;
}

}  // namespace crashpoint::fault
