#include "harness/report/story.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "harness/base/text.h"
#include "harness/fault/armed_faults.h"
#include "harness/fault/fault_rules.h"
#include "harness/oracle/resp/describe.h"

namespace crashpoint::report {
namespace {

using trace::Event;
using trace::Op;

// How the story shows an event.
enum class Part {
  kNone,   // not shown: opens, closes, replies (acks show these)
  kWrite,  // summarised with the writes around it
  kSync,
  kStep,  // changes names or processes
};

Part part_of(const Event& event) {
  switch (event.op) {
    case Op::kWrite:
    case Op::kCopy:
      return event.inside ? Part::kWrite : Part::kNone;
    case Op::kFsync:
    case Op::kFdatasync:
      return event.inside ? Part::kSync : Part::kNone;
    case Op::kSync:
    case Op::kSyncfs:
      return Part::kSync;
    case Op::kOpen:
      return event.inside && event.truncated ? Part::kStep : Part::kNone;
    case Op::kTruncate:
    case Op::kAllocate:
    case Op::kRename:
    case Op::kLink:
    case Op::kSymlink:
    case Op::kUnlink:
    case Op::kMkdir:
    case Op::kRmdir:
    case Op::kChmod:
    case Op::kMsync:
      return event.inside ? Part::kStep : Part::kNone;
    case Op::kFork:
      return Part::kStep;
    case Op::kClose:
    case Op::kSyncRange:
    case Op::kMap:
    case Op::kSend:
    case Op::kOutput:
    case Op::kThread:
    case Op::kExec:
    case Op::kExit:
    case Op::kFailpoint:
      break;
  }
  return Part::kNone;
}

bool in_flight(const Event& event) {
  return event.exit == trace::kNever;
}

std::int64_t time_of(const Event& event) {
  return in_flight(event) ? event.enter_ns : event.exit_ns;
}

// How a call ended, if it did not simply succeed.
std::string ending(const Event& event) {
  if (in_flight(event)) {
    return ", in flight when the process died";
  }
  if (event.not_performed && event.result >= 0) {
    return ": skipped, reported as done";
  }
  if (event.result < 0) {
    return fmt::format(": {}", fault::error_name(static_cast<int>(-event.result)));
  }
  if (event.op == Op::kFork) {
    return fmt::format(": process {}", event.result);
  }
  return event.op != Op::kFailpoint && event.performed != event.result
             ? fmt::format(": {} done, {} reported", event.performed, event.result)
             : "";
}

struct Entry {
  std::int64_t at_ns = 0;
  Moment moment;
  bool first_firing = false;  // of a fault: never omitted
};

// Writes, acks and repeated firings of faults since the last moment of another kind.
class Pending {
 public:
  void add_write(const Event& event) {
    Writes& writes = writes_[fault::describe(event)];
    ++writes.count;
    writes.bytes += static_cast<std::uint64_t>(std::max<std::int64_t>(event.performed, 0));
    writes.last_ns = time_of(event);
  }

  void add_ack(const workload::Operation& operation) {
    ++acks_;
    refused_ += operation.is_refused() ? 1U : 0U;
    last_ack_ = &operation;
  }

  void add_firing(std::size_t fault, const Event& event) {
    Firings& firings = firings_[fault];
    ++firings.count;
    firings.last = &event;
  }

  // Appends their summaries to `out` and starts over.
  void flush(std::vector<Entry>& out) {
    for (const auto& [what, writes] : writes_) {
      out.push_back({writes.last_ns,
                     Moment{0,
                            writes.count == 1
                                ? fmt::format("{}: {} bytes", what, with_commas(writes.bytes))
                                : fmt::format("{}: {} times, {} bytes", what,
                                              with_commas(writes.count), with_commas(writes.bytes)),
                            Moment::Kind::kStep}});
    }
    if (last_ack_ != nullptr) {
      const std::string last = oracle::describe_operation(*last_ack_);
      const std::string what = refused_ == acks_ ? "refused" : "acked";
      const std::string some = refused_ == acks_ || refused_ == 0
                                   ? std::string()
                                   : fmt::format(", {} of them refused", with_commas(refused_));
      out.push_back({last_ack_->acked_ns,
                     Moment{0,
                            acks_ == 1 ? fmt::format("{}: {}", last, what)
                                       : fmt::format("{} {}{}, the last {}",
                                                     counted(acks_, "command"), what, some, last),
                            Moment::Kind::kAck}});
    }
    for (const auto& [fault, firings] : firings_) {
      const std::string what = fault::describe(*firings.last) + ending(*firings.last);
      out.push_back({time_of(*firings.last),
                     Moment{0,
                            firings.count == 1 ? fmt::format("{} (again)", what)
                                               : fmt::format("{} (again, {} times)", what,
                                                             with_commas(firings.count)),
                            Moment::Kind::kFault}});
    }
    writes_.clear();
    firings_.clear();
    acks_ = 0;
    refused_ = 0;
    last_ack_ = nullptr;
  }

 private:
  struct Writes {
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
    std::int64_t last_ns = 0;
  };
  struct Firings {
    std::uint64_t count = 0;
    const Event* last = nullptr;
  };
  std::map<std::string, Writes> writes_;    // by call, file and caller
  std::map<std::size_t, Firings> firings_;  // by fault
  std::uint64_t acks_ = 0;
  std::uint64_t refused_ = 0;  // of these
  const workload::Operation* last_ack_ = nullptr;
};

class Storyteller {
 public:
  Storyteller(const trace::Trace& trace, const workload::History& history,
              const std::vector<FaultResult>& faults)
      : trace_(trace), history_(history), faults_(faults) {}

  std::vector<Moment> tell(const std::string& crash, std::size_t moments_max) {
    walk();
    add_faults_without_event();
    std::ranges::stable_sort(entries_, {}, &Entry::at_ns);
    omit_the_beginning(moments_max);
    std::vector<Moment> story;
    for (auto& [at_ns, moment, first_firing] : entries_) {
      moment.at_ms = ms(at_ns);
      story.push_back(std::move(moment));
    }
    if (!crash.empty()) {
      story.push_back({ms(history_.ended_ns), crash, Moment::Kind::kCrash});
    }
    return story;
  }

 private:
  double ms(std::int64_t at_ns) const {
    return static_cast<double>(at_ns - history_.began_ns) / 1e6;
  }

  // Visits events and acks in order of time.
  void walk() {
    std::vector<const Event*> events;
    for (const Event& event : trace_.events) {
      if (time_of(event) >= history_.began_ns &&
          (event.fault >= 0 || part_of(event) != Part::kNone)) {
        events.push_back(&event);
      }
    }
    std::vector<const workload::Operation*> acks;
    for (const workload::Operation& operation : history_.operations) {
      if (operation.is_acked() && operation.acked_ns != 0) {
        acks.push_back(&operation);
      }
    }
    std::ranges::stable_sort(events, {}, [](const Event* event) { return time_of(*event); });
    std::ranges::stable_sort(acks, {}, &workload::Operation::acked_ns);
    auto ack = acks.begin();
    for (const Event* event : events) {
      for (; ack != acks.end() && (*ack)->acked_ns < time_of(*event); ++ack) {
        pending_.add_ack(**ack);
      }
      add_event(*event);
    }
    for (; ack != acks.end(); ++ack) {
      pending_.add_ack(**ack);
    }
    pending_.flush(entries_);
  }

  void add_event(const Event& event) {
    const Part part = part_of(event);
    if (event.fault < 0 && part == Part::kWrite && event.result >= 0 && !in_flight(event)) {
      pending_.add_write(event);
      return;
    }
    const bool fired = event.fault >= 0;
    const auto fault = static_cast<std::size_t>(std::max(event.fault, 0));
    if (fired && shown_faults_.contains(fault) && !in_flight(event)) {
      pending_.add_firing(fault, event);
      return;
    }
    pending_.flush(entries_);
    Moment moment;
    moment.what = fault::describe(event) + ending(event);
    if (fired) {
      moment.kind = Moment::Kind::kFault;
      shown_faults_.insert(fault);
      if (fault < faults_.size()) {
        moment.what += fmt::format(" (fault: {})", faults_[fault].text);
      }
    } else if (part == Part::kSync && event.result >= 0 && !in_flight(event)) {
      moment.kind = Moment::Kind::kSync;
    }
    entries_.push_back({time_of(event), std::move(moment), fired});
  }

  // Kills at a moment, and faults that fired where no event was recorded.
  void add_faults_without_event() {
    for (std::size_t i = 0; i < faults_.size(); ++i) {
      const fault::FaultReport& report = faults_[i].report;
      if (report.fired > 0 && !shown_faults_.contains(i)) {
        entries_.push_back(
            {report.first_fired_ns,
             Moment{0,
                    report.where.empty()
                        ? faults_[i].text
                        : fmt::format("{} (fault: {})", report.where, faults_[i].text),
                    Moment::Kind::kFault},
             true});
      }
    }
  }

  void omit_the_beginning(std::size_t moments_max) {
    if (entries_.size() <= moments_max) {
      return;
    }
    const auto kept = entries_.end() - static_cast<std::ptrdiff_t>(moments_max);
    const std::int64_t until_ns = kept->at_ns;
    const auto omitted = std::stable_partition(
        entries_.begin(), kept, [](const Entry& entry) { return entry.first_firing; });
    const auto count = static_cast<std::uint64_t>(kept - omitted);
    entries_.erase(omitted, kept);
    if (count > 0) {
      const auto place = std::ranges::upper_bound(entries_, until_ns - 1, {}, &Entry::at_ns);
      const std::string what = fmt::format("{} before this, omitted", counted(count, "moment"));
      entries_.insert(place, Entry{until_ns, Moment{0, what, Moment::Kind::kStep}});
    }
  }

  const trace::Trace& trace_;
  const workload::History& history_;
  const std::vector<FaultResult>& faults_;
  Pending pending_;
  std::set<std::size_t> shown_faults_;  // faults that fired at a recorded event
  std::vector<Entry> entries_;
};

}  // namespace

std::vector<Moment> tell_story(const trace::Trace& trace, const workload::History& history,
                               const std::vector<FaultResult>& faults, const std::string& crash,
                               std::size_t moments_max) {
  return Storyteller(trace, history, faults).tell(crash, moments_max);
}

}  // namespace crashpoint::report
