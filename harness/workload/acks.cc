#include "harness/workload/acks.h"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <string>

#include "harness/target/resp_client.h"

namespace crashpoint::workload {
namespace {

using trace::Event;
using trace::Op;

// The replies of one connection, as they leave.
struct ReplyStream {
  target::ReplyParser parser;
  std::size_t next = 0;  // operation, in History::operations
  std::size_t end = 0;   // past the last of this client
  std::int64_t from_ns =
      0;  // what left before its first command was sent went to an earlier connection of that name
};

// The bytes did leave: the call returned, and the kernel did take them.
bool has_left(const Event& event) {
  return event.exit != trace::kNever && event.performed > 0 && !event.not_performed;
}

}  // namespace

void fill_acks(History& history, const trace::Trace& trace) {
  std::map<std::string, ReplyStream, std::less<>> streams;
  for (const Client& client : history.clients) {
    const auto first =
        std::ranges::lower_bound(history.operations, client.number, {}, &Operation::client);
    const auto last =
        std::ranges::upper_bound(history.operations, client.number, {}, &Operation::client);
    ReplyStream& stream = streams[client.connection];
    stream.next = static_cast<std::size_t>(first - history.operations.begin());
    stream.end = static_cast<std::size_t>(last - history.operations.begin());
    stream.from_ns = first == last ? 0 : first->sent_ns;
  }
  for (const Event& event : trace.events) {
    if (event.op != Op::kSend || !has_left(event)) {
      continue;
    }
    const auto found = streams.find(event.connection);
    if (found == streams.end() || event.enter_ns < found->second.from_ns) {
      continue;
    }
    ReplyStream& stream = found->second;
    const std::string_view bytes = trace.data(event);
    stream.parser.feed(bytes.substr(0, static_cast<std::size_t>(event.performed)));
    while (stream.next < stream.end) {
      std::optional<target::RespValue> reply = stream.parser.next();
      if (!reply) {
        break;
      }
      Operation& operation = history.operations[stream.next++];
      operation.reply = std::move(reply);
      operation.acked = event.exit;
      operation.acked_ns = event.exit_ns;
    }
  }
}

void fill_snapshots(History& history, const trace::Trace& trace, std::string_view snapshot_file) {
  std::map<pid_t, const Event*> forks;          // child -> the fork that made it
  std::map<trace::FileId, const Event*> opens;  // file -> what last opened it to write
  std::vector<Snapshot> found;
  for (const Event& event : trace.events) {
    if (event.op == Op::kFork && event.result > 0) {
      forks[static_cast<pid_t>(event.result)] = &event;
    } else if (event.op == Op::kOpen && (event.flags & O_ACCMODE) != O_RDONLY) {
      opens[event.file] = &event;
    } else if (event.op == Op::kRename && event.path2 == snapshot_file && !event.not_performed &&
               event.performed >= 0) {
      const auto open = opens.find(event.file);
      if (open == opens.end()) {
        continue;  // nobody in this run wrote it
      }
      const auto fork = forks.find(open->second->pid);
      const Event& taken = fork != forks.end() ? *fork->second : *open->second;
      // A save in the main process holds everything else up from its first step to its last.
      const Event& last = fork != forks.end() ? *fork->second : event;
      found.push_back({.from_ns = taken.enter_ns,
                       .to_ns = last.exit == trace::kNever ? history.ended_ns : last.exit_ns,
                       .what = "save rule"});
    }
  }
  // The trace knows when each was taken, the clients what they asked for and when they knew it done.
  for (const Snapshot& asked : history.snapshots) {
    const std::int64_t until = asked.completed_ns != 0 ? asked.completed_ns : asked.to_ns;
    const auto taken = std::ranges::find_if(found, [&](const Snapshot& snapshot) {
      return asked.from_ns <= snapshot.to_ns && snapshot.from_ns <= until &&
             snapshot.completed_ns == 0;
    });
    if (taken != found.end()) {
      taken->completed_ns = asked.completed_ns;
      taken->what = asked.what;
    } else if (asked.completed_ns != 0) {
      found.push_back(
          asked);  // reported complete, though it never got its name: a promise all the same
    }
  }
  history.snapshots = std::move(found);
  std::ranges::sort(history.snapshots, {}, &Snapshot::from_ns);
}

}  // namespace crashpoint::workload
