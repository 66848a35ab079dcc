#include "harness/fault/armed_faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "harness/base/glob.h"
#include "harness/base/random.h"
#include "harness/base/text.h"
#include "harness/fault/fault.h"
#include "harness/trace/event.h"
#include "harness/trace/syscalls.h"

namespace crashpoint::fault {
namespace {

constexpr std::size_t kNearestShown = 5;

std::optional<Place> place_of(const Fault& fault) {
  if (const auto* const libfiu = std::get_if<Libfiu>(&fault.action)) {
    Place place;
    place.failpoint = libfiu->name;
    place.nth.last = std::numeric_limits<std::uint64_t>::max();
    place.probability = libfiu->probability;
    return place;
  }
  const auto* const place = std::get_if<Place>(&fault.at);
  return place != nullptr ? std::optional(*place) : std::nullopt;
}

bool is_alive(const std::string& purpose, const ArmedFaults::Purposes& purposes) {
  return purpose.empty() || purposes.contains(purpose);
}

bool role_matches(const std::string& said, const trace::Role& role) {
  switch (role.kind) {
    case trace::RoleKind::kMain:
      return said == "main";
    case trace::RoleKind::kChild:
      return said == "child" || said == fmt::format("child:{}", role.ordinal) ||
             (!role.purpose.empty() && said == role.purpose.str());
    case trace::RoleKind::kThread:
      return said == "thread" || said == fmt::format("thread:{}", role.ordinal);
  }
  return false;
}

bool path_matches(const std::string& glob, const trace::Event& event) {
  const bool two_names = event.op == trace::Op::kRename || event.op == trace::Op::kLink;
  return glob_match(glob, event.path.str()) ||
         ((two_names || event.op == trace::Op::kSymlink) && glob_match(glob, event.path2.str()));
}

// Ops that concern no file: a place for them needs none inside the data directory.
bool is_about_a_file(trace::Op op) {
  return op != trace::Op::kSend && op != trace::Op::kOutput && op != trace::Op::kFork &&
         op != trace::Op::kExit && op != trace::Op::kSync && op != trace::Op::kFailpoint &&
         op != trace::Op::kMsync;
}

bool offset_matches(const Place& place, const trace::Event& event) {
  if (!place.at_offset.has_value()) {
    return true;
  }
  const auto at = static_cast<std::int64_t>(*place.at_offset);
  return event.offset <= at && at - event.offset < event.length;
}

bool occurs(const Occurrence& nth, std::uint64_t count) {
  return count >= nth.first && count <= nth.last && (count - nth.first) % nth.step == 0;
}

bool is_same_kind(const Place& place, const trace::Event& event) {
  if (!place.failpoint.empty()) {
    return event.op == trace::Op::kFailpoint;
  }
  for (const trace::Syscall& syscall : trace::syscalls()) {
    if (syscall.name == event.syscall && trace::means(place.syscall, syscall, event.op)) {
      return true;
    }
  }
  return false;
}

// Whether role and path are those of the place.
bool concerns(const Place& place, const trace::Event& event) {
  if (!place.role.empty() && !role_matches(place.role, event.role)) {
    return false;
  }
  if (place.path.empty()) {
    return event.inside || !is_about_a_file(event.op);
  }
  return (event.inside || place.path.starts_with('/')) && path_matches(place.path, event);
}

}  // namespace

bool counts(const Place& place, const trace::Event& event, const trace::Syscall& syscall) {
  return trace::means(place.syscall, syscall, event.op) && concerns(place, event);
}

std::string describe(const trace::Role& role) {
  switch (role.kind) {
    case trace::RoleKind::kMain:
      return "main";
    case trace::RoleKind::kChild:
      return role.purpose.empty() ? fmt::format("child {}", role.ordinal)
                                  : fmt::format("child {} ({})", role.ordinal, role.purpose.str());
    case trace::RoleKind::kThread:
      return fmt::format("thread {}", role.ordinal);
  }
  return {};
}

std::string describe(const trace::Event& event) {
  if (event.op == trace::Op::kFailpoint) {
    return fmt::format("failpoint {} by {}", event.path.str(), describe(event.role));
  }
  const std::string& what =
      event.op == trace::Op::kSend ? event.connection.str() : event.path.str();
  return fmt::format("{}({}{}{}) by {}", event.syscall.str(), what,
                     event.path2.empty() ? "" : " -> ", event.path2.str(), describe(event.role));
}

ArmedFaults::ArmedFaults(const std::vector<Fault>& faults, std::uint64_t seed)
    : faults_(faults),
      states_(faults.size()),
      reports_(faults.size()),
      said_(faults.size()),
      random_(seed, "faults") {
  for (std::size_t i = 0; i < faults.size(); ++i) {
    reports_[i].armed = !faults[i].from_step.has_value();
    const std::optional<Place>& place = places_.emplace_back(place_of(faults[i]));
    if (!place.has_value()) {
      continue;
    }
    if (!place->failpoint.empty()) {
      ops_ |= std::uint64_t{1} << static_cast<unsigned>(trace::Op::kFailpoint);
      continue;
    }
    said_[i] = place->syscall;
    for (const trace::Syscall& syscall : trace::syscalls()) {
      for (const trace::Op op : {syscall.op, trace::Op::kSend, trace::Op::kRmdir}) {
        if (syscall.handling == trace::Handling::kRecord && trace::means(said_[i], syscall, op)) {
          ops_ |= std::uint64_t{1} << static_cast<unsigned>(op);
        }
      }
    }
  }
}

bool ArmedFaults::matches(std::size_t fault, const trace::Event& event,
                          const trace::Syscall* syscall) const {
  const Place& place = *places_[fault];
  if (syscall == nullptr) {
    return (place.role.empty() || role_matches(place.role, event.role)) &&
           !place.failpoint.empty() && name_match(place.failpoint, event.path.str());
  }
  return place.failpoint.empty() && trace::means(said_[fault], *syscall, event.op) &&
         concerns(place, event);
}

Strike ArmedFaults::at(const trace::Event& event, const trace::Syscall* syscall,
                       const Purposes& purposes) {
  Strike strike;
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    const std::optional<Place>& place = places_[i];
    if (!place.has_value() || !reports_[i].armed || !matches(i, event, syscall) ||
        !offset_matches(*place, event) || !is_alive(place->while_child, purposes)) {
      continue;
    }
    ++reports_[i].passed;
    const std::string counted = place->count_per == CountPer::kTree      ? std::string()
                                : place->count_per == CountPer::kProcess ? std::to_string(event.pid)
                                                                         : event.path.str();
    const std::uint64_t count = ++states_[i].counts[counted];
    if (!occurs(place->nth, count) ||
        (place->probability < 1.0 && !random_.chance(place->probability))) {
      continue;
    }
    const auto* const delay = std::get_if<Delay>(&faults_[i].action);
    if (delay == nullptr && strike.action.has_value()) {
      continue;  // another fault acts on this event already
    }
    if (delay != nullptr) {
      const std::uint64_t ms = random_.between(static_cast<std::uint64_t>(delay->min_ms),
                                               static_cast<std::uint64_t>(delay->max_ms));
      const std::int64_t ns = static_cast<std::int64_t>(ms) * 1'000'000;
      (place->phase == Phase::kAfter ? strike.delay_after_ns : strike.delay_before_ns) += ns;
      strike.fault = strike.fault < 0 ? static_cast<int>(i) : strike.fault;
    } else {
      strike.fault = static_cast<int>(i);
      strike.action = faults_[i].action;
      strike.phase = place->phase;
    }
    fired(i, event.enter, event.enter_ns, fmt::format("{}, {}", describe(event), ordinal(count)));
  }
  return strike;
}

std::vector<std::size_t> ArmedFaults::due(std::uint64_t acked, std::int64_t ms,
                                          const Purposes& purposes) {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    if (states_[i].done || !reports_[i].armed) {
      continue;
    }
    const auto* const after = std::get_if<AfterAcked>(&faults_[i].at);
    const auto* const at = std::get_if<AtTime>(&faults_[i].at);
    if ((after != nullptr && acked >= after->commands && is_alive(after->while_child, purposes)) ||
        (at != nullptr && ms >= 0 && ms >= at->ms && is_alive(at->while_child, purposes))) {
      states_[i].done = true;
      ++reports_[i].passed;
      result.push_back(i);
    }
  }
  return result;
}

std::optional<std::int64_t> ArmedFaults::next_ms(const Purposes& purposes) const {
  std::optional<std::int64_t> next;
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    const auto* const at = std::get_if<AtTime>(&faults_[i].at);
    if (at != nullptr && !states_[i].done && reports_[i].armed &&
        is_alive(at->while_child, purposes)) {
      next = next.has_value() ? std::min(*next, at->ms) : at->ms;
    }
  }
  return next;
}

void ArmedFaults::arm_step(std::size_t step) {
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    if (faults_[i].from_step.has_value() && *faults_[i].from_step <= step) {
      reports_[i].armed = true;
    }
  }
}

std::optional<std::pair<std::size_t, std::uint64_t>> ArmedFaults::budget() const {
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    if (const auto* const budget = std::get_if<DiskBudget>(&faults_[i].action);
        budget != nullptr && reports_[i].armed) {
      return std::pair(i, budget->bytes);
    }
  }
  return std::nullopt;
}

void ArmedFaults::fired(std::size_t fault, trace::Position position, std::int64_t at_ns,
                        const std::string& where) {
  FaultReport& report = reports_[fault];
  if (report.fired++ == 0) {
    report.first_fired = position;
    report.first_fired_ns = at_ns;
    report.where = where;
  }
}

std::vector<FaultReport> ArmedFaults::reports(const trace::Trace& trace) const {
  std::vector<FaultReport> reports = reports_;
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    const std::optional<Place>& place = places_[i];
    if (!place.has_value() || reports[i].fired > 0) {
      continue;
    }
    // What is of the same kind, counted; what is also at a path or by a role asked for comes first.
    std::map<std::string, std::pair<std::uint64_t, int>> seen;
    for (const trace::Event& event : trace.events) {
      const bool about = event.inside || !is_about_a_file(event.op);
      const bool same_path = !place->path.empty() && path_matches(place->path, event);
      if ((!is_same_kind(*place, event) && !same_path) || !about) {
        continue;
      }
      auto& [count, closeness] = seen[describe(event)];
      ++count;
      closeness = (is_same_kind(*place, event) ? 4 : 0) + (same_path ? 2 : 0) +
                  (!place->role.empty() && role_matches(place->role, event.role) ? 1 : 0);
    }
    std::vector<std::pair<std::string, std::pair<std::uint64_t, int>>> ranked(seen.begin(),
                                                                              seen.end());
    std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
      return a.second.second > b.second.second;
    });
    for (std::size_t k = 0; k < std::min(ranked.size(), kNearestShown); ++k) {
      reports[i].nearest.push_back(fmt::format("{} happened {}", ranked[k].first,
                                               counted(ranked[k].second.first, "time", "times")));
    }
  }
  return reports;
}

}  // namespace crashpoint::fault
