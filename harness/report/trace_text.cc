#include "harness/report/trace_text.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "harness/base/text.h"
#include "harness/fault/armed_faults.h"
#include "harness/fault/fault_rules.h"
#include "harness/trace/audit.h"
#include "harness/trace/event.h"

namespace crashpoint::report {
namespace {

// A cycle of up to so many lines is told once if it comes so often again.
constexpr std::size_t kCycleLines = 6;
constexpr std::size_t kRepetitionsFolded = 2;

bool is_about_a_process(trace::Op op) {
  return op == trace::Op::kFork || op == trace::Op::kExec || op == trace::Op::kExit;
}

// Events that change or persist something, acknowledge it, or make and end a process.
bool is_told(const trace::Event& event) {
  switch (event.op) {
    case trace::Op::kClose:
    case trace::Op::kThread:
      return false;
    case trace::Op::kOpen:
      return event.inside && (event.created || event.truncated ||
                              (event.result < 0 && (event.flags & O_CREAT) != 0));
    case trace::Op::kSend:
    case trace::Op::kFork:
    case trace::Op::kExec:
    case trace::Op::kExit:
    case trace::Op::kSync:
    case trace::Op::kFailpoint:
      return true;
    case trace::Op::kOutput:
      return event.fd == 1;
    case trace::Op::kWrite:
    case trace::Op::kCopy:
    case trace::Op::kTruncate:
    case trace::Op::kAllocate:
    case trace::Op::kRename:
    case trace::Op::kLink:
    case trace::Op::kSymlink:
    case trace::Op::kUnlink:
    case trace::Op::kMkdir:
    case trace::Op::kRmdir:
    case trace::Op::kChmod:
    case trace::Op::kFsync:
    case trace::Op::kFdatasync:
    case trace::Op::kSyncfs:
    case trace::Op::kSyncRange:
    case trace::Op::kMsync:
    case trace::Op::kMap:
      return event.inside;
  }
  return false;
}

bool transfers(trace::Op op) {
  return op == trace::Op::kWrite || op == trace::Op::kCopy || op == trace::Op::kSend ||
         op == trace::Op::kOutput;
}

// One line's worth of events: the first, and how many like it follow.
struct Group {
  const trace::Event* first = nullptr;
  std::uint64_t count = 0;
  std::int64_t bytes = 0;
  std::set<trace::Name> connections = {};  // of sends
};

bool are_alike(const trace::Event& a, const trace::Event& b) {
  return a.op == b.op && a.syscall == b.syscall && a.path == b.path && a.path2 == b.path2 &&
         a.role == b.role && a.fault == b.fault && a.internal == b.internal &&
         (a.result < 0) == (b.result < 0) && a.op != trace::Op::kFork && a.op != trace::Op::kExit;
}

// How often the `length` groups before `end` are repeated from there on.
std::size_t repetitions(const std::vector<Group>& groups, std::size_t end, std::size_t length) {
  std::size_t same = 0;
  while (end + same < groups.size() &&
         are_alike(*groups[end + same].first, *groups[end + same - length].first)) {
    ++same;
  }
  return same / length;
}

std::string subject_of(const Group& group) {
  const trace::Event& event = *group.first;
  if (event.op == trace::Op::kSend) {
    return group.connections.size() == 1
               ? fmt::format("to {}", escape(event.connection.str()))
               : fmt::format("to {} connections", group.connections.size());
  }
  if (event.op == trace::Op::kOutput) {
    return "to standard output";
  }
  if (event.op == trace::Op::kFork) {
    return event.result > 0 ? fmt::format("process {}", event.result) : std::string();
  }
  if (event.op == trace::Op::kExit) {
    const auto status = static_cast<int>(event.result);
    return WIFSIGNALED(status) ? fmt::format("killed by signal {}", WTERMSIG(status))
                               : fmt::format("status {}", WEXITSTATUS(status));
  }
  return event.path2.empty()
             ? escape(event.path.str())
             : fmt::format("{} -> {}", escape(event.path.str()), escape(event.path2.str()));
}

std::string detail_of(const Group& group) {
  const trace::Event& event = *group.first;
  std::vector<std::string> details;
  if (transfers(event.op) && event.result >= 0) {
    details.push_back(
        fmt::format("{} bytes", with_commas(static_cast<std::uint64_t>(group.bytes))));
    if (event.op == trace::Op::kWrite || event.op == trace::Op::kCopy) {
      details.back() += fmt::format(" at {}", event.offset);
    }
  } else if (event.op == trace::Op::kTruncate) {
    details.push_back(fmt::format("to {} bytes", event.length));
  } else if (event.op == trace::Op::kAllocate || event.op == trace::Op::kSyncRange) {
    details.push_back(fmt::format("{} bytes at {}", event.length, event.offset));
  }
  if (event.op == trace::Op::kChmod) {
    details.push_back(fmt::format("{:04o}", event.mode));
  }
  if (event.found) {
    details.emplace_back("moved in");
  }
  if (event.created) {
    details.emplace_back("created");
  }
  if (event.truncated) {
    details.emplace_back("truncated");
  }
  if (event.synced_write) {
    details.emplace_back("synced");
  }
  if (event.result < 0 && event.op != trace::Op::kMap) {
    details.push_back(fault::error_name(static_cast<int>(-event.result)));
  }
  if (event.internal) {
    details.emplace_back("to itself: no acknowledgement");
  }
  if (event.not_performed) {
    details.emplace_back("not performed");
  }
  if (event.exit == trace::kNever) {
    details.emplace_back("never returned");
  }
  std::string text;
  for (const std::string& detail : details) {
    text += (text.empty() ? "" : ", ") + detail;
  }
  return text;
}

// Columns as wide as their widest cell; those of numbers to the right.
std::string table(const std::vector<std::vector<std::string>>& rows, const std::string& alignment) {
  std::vector<std::size_t> widths(alignment.size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += alignment[i] == '>' ? fmt::format(" {:>{}}", row[i], widths[i])
                                  : fmt::format(" {:<{}}", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string acknowledged_text(const trace::Audit& audit) {
  const trace::Acks& acks = audit.held_against;
  std::vector<std::string> kinds;
  if (acks.sends) {
    kinds.push_back(fmt::format("{} on {}", counted(audit.sends, "send", "sends"),
                                counted(audit.connections, "connection", "connections")));
  }
  if (acks.output) {
    kinds.push_back(counted(audit.output_lines, "line", "lines") + " of standard output");
  }
  if (acks.errors) {
    kinds.push_back(counted(audit.error_lines, "line", "lines") + " of standard error");
  }
  if (acks.exit) {
    kinds.emplace_back(audit.exits > 0 ? "its exit with status 0" : "no exit with status 0");
  }
  return fmt::format("  acknowledged: {}\n", fmt::join(kinds, ", "));
}

std::string seconds(std::int64_t ns) {
  return fmt::format("{:.6f}", static_cast<double>(ns) / 1e9);
}

}  // namespace

std::string operations_text(const trace::Trace& trace, std::size_t lines_max) {
  // Of processes, only those that do anything to be told.
  std::set<pid_t> told = {trace.events.empty() ? 0 : trace.events.front().pid};
  for (const trace::Event& event : trace.events) {
    if (is_told(event) && !is_about_a_process(event.op)) {
      told.insert(event.pid);
    }
  }
  const auto concerned = [&](const trace::Event& event) {
    const bool made_one = event.op == trace::Op::kFork && event.result >= 0;
    return told.contains(made_one ? static_cast<pid_t>(event.result) : event.pid);
  };
  std::vector<Group> groups;
  for (const trace::Event& event : trace.events) {
    if (!is_told(event) || (is_about_a_process(event.op) && !concerned(event))) {
      continue;
    }
    if (groups.empty() || !are_alike(*groups.back().first, event)) {
      groups.push_back({.first = &event});
    }
    if (event.op == trace::Op::kSend) {
      groups.back().connections.insert(event.connection);
    }
    ++groups.back().count;
    groups.back().bytes += std::max<std::int64_t>(event.performed, 0);
  }
  const std::int64_t began = trace.events.empty() ? 0 : trace.events.front().enter_ns;
  std::vector<std::vector<std::string>> rows;
  std::size_t next = 0;
  while (next < groups.size() && rows.size() < lines_max) {
    const trace::Event& first = *groups[next].first;
    const std::string times =
        groups[next].count == 1 ? "" : fmt::format(" x{}", groups[next].count);
    rows.push_back({seconds(first.enter_ns - began), fault::describe(first.role),
                    first.syscall.str() + times, subject_of(groups[next]),
                    detail_of(groups[next])});
    ++next;
    // A server's loop is told once, with how often it went round.
    for (std::size_t length = 1; length <= std::min(next, kCycleLines); ++length) {
      if (const std::size_t times_more = repetitions(groups, next, length);
          times_more >= kRepetitionsFolded) {
        rows.push_back({"", "", "",
                        fmt::format("... the last {} {} more times",
                                    counted(length, "line", "lines"), with_commas(times_more))});
        next += length * times_more;
        break;
      }
    }
  }
  std::string text = table(rows, "><<<<");
  if (next < groups.size()) {
    text += fmt::format("  ... and {} more lines\n", with_commas(groups.size() - next));
  }
  return text;
}

std::string files_text(const trace::Audit& audit) {
  std::vector<std::vector<std::string>> rows = {
      {"file", "bytes written", "writes", "syncs", "not synced at the end"}};
  for (const trace::FileSummary& file : audit.files) {
    if (file.directory || (file.writes == 0 && file.syncs == 0 && !file.unsynced &&
                           !file.name_unsynced && !file.removal_unsynced)) {
      continue;
    }
    std::string rest = file.unlinked ? "gone" : "";
    const auto add = [&rest](bool unsynced, const std::string& what) {
      if (unsynced) {
        rest += rest.empty() ? what : ", " + what;
      }
    };
    add(!file.unlinked && file.unsynced,
        file.bytes_unsynced > 0 ? with_commas(file.bytes_unsynced) + " bytes" : "its size");
    add(file.name_unsynced, "its name");
    add(file.removal_unsynced,
        file.unlinked ? "its removal" : "the loss of its name " + escape(file.removed.str()));
    rows.push_back({escape(file.path.str()), with_commas(file.bytes_written),
                    with_commas(file.writes), with_commas(file.syncs), rest});
  }
  return rows.size() == 1 ? "  no file of the data directory was written or synced\n"
                          : table(rows, "<>>><");
}

std::string audit_text(const trace::Audit& audit, const trace::Trace& trace,
                       const std::string& directory) {
  const std::int64_t began_ns = trace.events.empty() ? 0 : trace.events.front().enter_ns;
  std::string text = acknowledged_text(audit);
  if (audit.changes == 0) {
    text += fmt::format(
        "  Nothing of {} was changed by a call that could be seen: nothing was checked. (--dir "
        "names "
        "the directory of the data.)\n",
        escape(directory));
    return text;
  }
  if (audit.acks() == 0) {
    text += "  Nothing was acknowledged that anything could be held against.\n";
    if (!audit.held_against.exit) {
      text +=
          "  If its exit with status 0 says that all is done, hold that against it: --ack exit.\n";
    }
    return text;
  }
  bool exposed = false;
  const auto add = [&](const trace::FileSummary& file, const trace::Exposure& exposure,
                       const std::string& what) {
    if (exposure.acks > 0) {
      exposed = true;
      text += fmt::format(
          "  {}: {} while {}, the first at {} s\n", escape(file.path.str()),
          counted(exposure.acks, "acknowledgement went out", "acknowledgements went out"), what,
          seconds(exposure.first_ns - began_ns));
    }
  };
  for (const trace::FileSummary& file : audit.files) {
    add(file, file.content,
        file.content.bytes_max > 0 ? fmt::format("up to {} bytes of it were not durable",
                                                 with_commas(file.content.bytes_max))
                                   : "a change of its size was not durable");
    add(file, file.name, "its name was not durable (no fsync of its directory)");
    add(file, file.removal,
        file.unlinked ? "its removal was not durable (no fsync of its directory)"
                      : fmt::format("the loss of its name {} was not durable (no fsync of the "
                                    "directory it was in)",
                                    escape(file.removed.str())));
  }
  if (!trace.unseen.empty()) {
    text +=
        exposed
            ? "  There may be more: not all that it did could be seen.\n"
            : "  What could be seen was durable before each acknowledgement, but not all that it "
              "did could be seen.\n";
  } else if (!exposed) {
    text += "  Everything written before an acknowledgement was durable by then.\n";
  }
  return text;
}

std::string notes_text(const trace::Trace& trace) {
  std::string text;
  for (const trace::Notes* notes : {&trace.unseen, &trace.notes}) {
    for (const std::string& note : *notes) {
      text += fmt::format("  {}\n", escape(note));
    }
  }
  return text;
}

}  // namespace crashpoint::report
