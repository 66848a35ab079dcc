#include "harness/crash/points.h"

#include <algorithm>
#include <map>
#include <utility>

#include "harness/base/check.h"

namespace crashpoint::crash {
namespace {

using trace::Event;
using trace::Op;
using trace::Position;

// What a program orders its durability by: what it syncs, and the names it switches.
bool is_sync_or_name_change(Op op) {
  return op == Op::kFsync || op == Op::kFdatasync || op == Op::kSync || op == Op::kSyncfs ||
         op == Op::kMsync || op == Op::kRename || op == Op::kLink || op == Op::kUnlink;
}

bool changes_files(const Event& event) {
  switch (event.op) {
    case Op::kOpen:
      return event.created || event.truncated || event.exit == trace::kNever;
    case Op::kWrite:
    case Op::kCopy:
    case Op::kTruncate:
    case Op::kAllocate:
    case Op::kRename:
    case Op::kLink:
    case Op::kSymlink:
    case Op::kUnlink:
    case Op::kMkdir:
    case Op::kRmdir:
    case Op::kChmod:
    case Op::kFsync:
    case Op::kFdatasync:
    case Op::kSync:
    case Op::kSyncfs:
    case Op::kMsync:
      return true;
    case Op::kClose:
    case Op::kSyncRange:
    case Op::kMap:
    case Op::kSend:
    case Op::kOutput:
    case Op::kFork:
    case Op::kThread:
    case Op::kExec:
    case Op::kExit:
    case Op::kFailpoint:
      return false;
  }
  return false;
}

// When anything happened: for each position, its time.
std::vector<std::pair<Position, std::int64_t>> moments(const trace::Trace& trace) {
  std::vector<std::pair<Position, std::int64_t>> all;
  all.reserve(trace.events.size() * 2);
  for (const Event& event : trace.events) {
    all.emplace_back(event.enter, event.enter_ns);
    if (event.exit != trace::kNever) {
      all.emplace_back(event.exit, event.exit_ns);
    }
  }
  std::sort(all.begin(), all.end());
  return all;
}

std::int64_t last_moment_of(const std::vector<std::pair<Position, std::int64_t>>& moments,
                            Position position) {
  if (moments.empty()) {
    return 0;
  }
  const auto next = std::lower_bound(moments.begin(), moments.end(),
                                     std::pair<Position, std::int64_t>{position, INT64_MIN});
  return next == moments.end() ? moments.back().second : next->second;
}

// Whether a sync of something in the directory is running at a position, and since when. Queried in
// order of positions.
class RunningSyncs {
 public:
  explicit RunningSyncs(const trace::Trace& trace) {
    for (const Event& event : trace.events) {
      if (event.inside && (event.op == Op::kFsync || event.op == Op::kFdatasync)) {
        syncs_.push_back(&event);
      }
    }
  }

  std::int64_t since_ns(Position position) {
    while (next_ < syncs_.size() && syncs_[next_]->enter < position) {
      running_.push_back(syncs_[next_++]);
    }
    std::erase_if(running_, [&](const Event* sync) { return sync->exit < position; });
    std::int64_t since_ns = std::numeric_limits<std::int64_t>::max();
    for (const Event* sync : running_) {
      since_ns = std::min(since_ns, sync->enter_ns);
    }
    return since_ns;
  }

 private:
  std::vector<const Event*> syncs_;
  std::vector<const Event*> running_;
  std::size_t next_ = 0;
};

// The intervals in which a child of that purpose lived: from its birth to its end.
std::vector<std::pair<Position, Position>> lives_of(const trace::Trace& trace,
                                                    const std::string& purpose) {
  std::map<pid_t, Position> born;
  std::map<pid_t, Position> ended;
  std::map<pid_t, bool> wanted;
  for (const Event& event : trace.events) {
    if (event.op == Op::kFork && event.performed > 0) {
      born[static_cast<pid_t>(event.performed)] = event.exit;
    } else if (event.op == Op::kExit) {
      ended[event.pid] = event.enter;
    }
    wanted[event.pid] = wanted[event.pid] || event.role.purpose == purpose;
  }
  std::vector<std::pair<Position, Position>> lives;
  for (const auto& [pid, is_wanted] : wanted) {
    if (is_wanted) {
      lives.emplace_back(born.contains(pid) ? born[pid] : 0,
                         ended.contains(pid) ? ended[pid] : trace::kNever);
    }
  }
  return lives;
}

}  // namespace

std::vector<CrashPoint> crash_points(const trace::Trace& trace, const PointOptions& options) {
  if (options.only_the_end) {
    return {{trace::kNever, last_moment_of(moments(trace), trace::kNever),
             RunningSyncs(trace).since_ns(trace.end)}};
  }
  std::vector<Position> positions;
  for (const Event& event : trace.events) {
    const bool syncs_all = event.op == Op::kSync || (event.op == Op::kSyncfs && !event.elsewhere);
    const bool in_directory = event.inside || syncs_all;
    const bool is_call = in_directory && changes_files(event) &&
                         (!options.persistence_points_only || is_sync_or_name_change(event.op));
    const bool is_reply = event.op == Op::kSend && !options.persistence_points_only;
    if (is_call) {
      positions.push_back(event.enter + 1);
    }
    if ((is_call || is_reply) && event.exit != trace::kNever) {
      positions.push_back(event.exit + 1);
    }
  }
  for (const Ack& ack : options.acks) {
    positions.push_back(ack.position + 1);
  }
  std::sort(positions.begin(), positions.end());
  positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
  if (!options.while_child.empty()) {
    const auto lives = lives_of(trace, options.while_child);
    std::erase_if(positions, [&](Position position) {
      return std::none_of(lives.begin(), lives.end(), [&](const auto& life) {
        return life.first < position && position <= life.second;
      });
    });
  }
  const auto when = moments(trace);
  RunningSyncs syncs(trace);
  std::vector<CrashPoint> points;
  for (std::uint64_t i = options.first; i < positions.size() && i <= options.last; ++i) {
    HARNESS_CHECK(i == 0 || positions[i - 1] < positions[i], i, positions[i]);
    points.push_back(
        {positions[i], last_moment_of(when, positions[i]), syncs.since_ns(positions[i])});
  }
  return points;
}

}  // namespace crashpoint::crash
