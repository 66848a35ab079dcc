#include "harness/trace/audit.h"

#include <linux/fs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/trace/event.h"

namespace crashpoint::trace {
namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

// A file's changes of content that wait for a sync, oldest first.
class Unsynced {
 public:
  // A change that had returned at `position`; of a size alone: 0 bytes.
  void add(Position position, std::uint64_t bytes) {
    changes_.push_back({position, bytes});
    bytes_ += bytes;
  }
  // What had returned before a sync was called is durable when that returns.
  void synced(Position called) {
    while (!changes_.empty() && changes_.front().position < called) {
      bytes_ -= changes_.front().bytes;
      changes_.pop_front();
    }
  }
  [[nodiscard]] bool empty() const { return changes_.empty(); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  struct Change {
    Position position = 0;
    std::uint64_t bytes = 0;
  };
  std::deque<Change> changes_;
  std::uint64_t bytes_ = 0;
};

class Auditor {
 public:
  explicit Auditor(const Trace& trace) : trace_(trace) {
    for (const auto& [path, entry] : trace.initial) {
      if (entry.kind != ImageEntry::Kind::kSymlink) {
        named(entry.file, path, entry.kind == ImageEntry::Kind::kDirectory);
      }
    }
    // In the order in which calls returned: an effect is certain only then.
    std::vector<const Event*> returned;
    for (const Event& event : trace.events) {
      if (event.exit != kNever && event.performed >= 0 && !event.not_performed) {
        returned.push_back(&event);
      }
    }
    std::sort(returned.begin(), returned.end(),
              [](const Event* a, const Event* b) { return a->exit < b->exit; });
    for (const Event* event : returned) {
      apply(*event);
    }
  }

  [[nodiscard]] Audit result() {
    for (auto& [id, file] : files_) {
      file.summary.bytes_unsynced = file.unsynced.bytes();
      file.summary.unsynced = !file.unsynced.empty();
      file.summary.name_unsynced = unsynced_names_.contains(id);
      file.summary.unlinked = file.names == 0;
      audit_.files.push_back(file.summary);
    }
    std::sort(audit_.files.begin(), audit_.files.end(),
              [](const FileSummary& a, const FileSummary& b) { return a.path < b.path; });
    audit_.connections = connections_.size();
    return std::move(audit_);
  }

 private:
  struct File {
    FileSummary summary;
    Unsynced unsynced;
    int names = 0;
  };

  void apply(const Event& event) {
    if (event.op == Op::kSend) {
      ++audit_.sends;
      connections_.insert(event.connection);
      expose(event);
    } else if (event.op == Op::kOutput) {
      const std::string_view text = trace_.data(event);
      const auto lines = std::count(text.begin(), text.end(), '\n');
      if (event.fd == STDOUT_FILENO && lines > 0) {
        audit_.output_lines += static_cast<std::uint64_t>(lines);
        expose(event);
      }
    } else if (event.op == Op::kSync || (event.op == Op::kSyncfs && !event.elsewhere)) {
      for (auto& [id, file] : files_) {
        file.unsynced.synced(event.enter);
      }
      std::erase_if(unsynced_names_, [&](const auto& name) { return name.second < event.enter; });
    } else if (event.inside && event.file != 0) {
      apply_to_content(event, files_[event.file]);
      apply_to_names(event, files_[event.file]);
    }
  }

  static void apply_to_content(const Event& event, File& file) {
    if (event.found) {
      if (event.op == Op::kWrite && !event.synced_write) {
        file.unsynced.add(event.exit, static_cast<std::uint64_t>(event.performed));
      }
    } else if (event.op == Op::kWrite || event.op == Op::kCopy) {
      const auto bytes = static_cast<std::uint64_t>(event.performed);
      ++file.summary.writes;
      file.summary.bytes_written += bytes;
      if (!event.synced_write && bytes > 0) {
        file.unsynced.add(event.exit, bytes);
      }
    } else if (event.op == Op::kTruncate || event.op == Op::kAllocate || event.truncated) {
      file.unsynced.add(event.exit, 0);
    } else if (event.op == Op::kFsync || event.op == Op::kFdatasync) {
      ++file.summary.syncs;
      file.unsynced.synced(event.enter);
    }
  }

  void apply_to_names(const Event& event, File& file) {
    if (event.found) {
      if (event.op != Op::kWrite && event.op != Op::kSymlink) {
        named(event.file, event.op == Op::kLink ? event.path2 : event.path, event.directory);
        if (!event.synced_write) {
          unsynced_names_[event.file] = event.exit;
        }
      }
    } else if (event.created || event.op == Op::kMkdir) {
      file.summary.created = true;
      named(event.file, event.path, event.directory);
      unsynced_names_[event.file] = event.exit;
    } else if (event.op == Op::kRename || event.op == Op::kLink) {
      const bool exchanged = event.op == Op::kRename && (event.flags & RENAME_EXCHANGE) != 0;
      if (event.op == Op::kRename) {
        move_below(event.path, event.path2, exchanged);
        file.names -= 1;
      }
      named(event.file, event.path2, event.directory);
      unsynced_names_[event.file] = event.exit;
      if (exchanged) {
        unsynced_names_[event.file2] = event.exit;
        files_[event.file2].summary.path = event.path;
      } else if (event.op == Op::kRename && event.file2 != 0 && event.file2 != event.file) {
        unnamed(event.file2);
      }
    } else if (event.op == Op::kUnlink || event.op == Op::kRmdir) {
      unnamed(event.file);
    } else if (event.directory && (event.op == Op::kFsync || event.op == Op::kFdatasync)) {
      std::erase_if(unsynced_names_, [&](const auto& name) {
        return name.second < event.enter &&
               parent_of(files_[name.first].summary.path) == event.path.str();
      });
    }
  }

  void named(FileId id, Name path, bool directory) {
    File& file = files_[id];
    file.summary.path = path;
    file.summary.directory = directory;
    ++file.names;
  }

  // A directory takes what is in it along.
  void move_below(const std::string& from, const std::string& to, bool exchanged) {
    for (auto& [id, file] : files_) {
      const std::string& path = file.summary.path;
      if (path.starts_with(from + "/")) {
        file.summary.path = to + path.substr(from.size());
      } else if (exchanged && path.starts_with(to + "/")) {
        file.summary.path = from + path.substr(to.size());
      }
    }
  }

  // A name is gone; with the last one nothing of the file can be lost any more.
  void unnamed(FileId id) {
    File& file = files_[id];
    if (--file.names <= 0) {
      file.names = 0;
      file.unsynced = {};
      unsynced_names_.erase(id);
    }
  }

  void expose(const Event& ack) {
    const auto note = [&](Exposure& exposure, std::uint64_t bytes) {
      if (exposure.acks++ == 0) {
        exposure.first = ack.exit;
        exposure.first_ns = ack.exit_ns;
      }
      exposure.bytes_max = std::max(exposure.bytes_max, bytes);
    };
    for (auto& [id, file] : files_) {
      if (!file.unsynced.empty()) {
        note(file.summary.content, file.unsynced.bytes());
      }
    }
    for (const auto& [id, since] : unsynced_names_) {
      note(files_[id].summary.name, 0);
    }
  }

  const Trace& trace_;
  Audit audit_;
  std::map<FileId, File> files_;
  std::map<FileId, Position> unsynced_names_;  // file -> when its name had changed
  std::set<Name> connections_;
};

}  // namespace

Audit audit(const Trace& trace) {
  return Auditor(trace).result();
}

}  // namespace crashpoint::trace
