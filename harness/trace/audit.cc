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

bool is_inside(const std::string& path) {
  return !path.starts_with('/');
}

bool is_below(const std::string& path, const std::string& directory) {
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

class Auditor {
 public:
  Auditor(const Trace& trace, const Acks& acks) : trace_(trace) {
    audit_.held_against = acks;
    for (const auto& [path, entry] : trace.initial) {
      named(entry.file, path, entry.kind == ImageEntry::Kind::kDirectory);
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
    for (const NameChange& change : unsynced_names_) {
      FileSummary& summary = files_[change.file].summary;
      (change.gone ? summary.removal_unsynced : summary.name_unsynced) = true;
    }
    for (auto& [id, file] : files_) {
      file.summary.bytes_unsynced = file.unsynced.bytes();
      file.summary.unsynced = !file.unsynced.empty();
      file.summary.unlinked = file.lost_a_name && file.names == 0;
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
    bool lost_a_name = false;
  };

  // A name that came, or went, and waits for a sync of its directory.
  struct NameChange {
    FileId file = 0;
    bool gone = false;
    std::string path;
    std::string directory;
    Position position = 0;  // when it had returned
  };

  void apply(const Event& event) {
    if (changes_directory(event)) {
      ++audit_.changes;
    }
    if (event.op == Op::kSend && !event.internal) {
      acknowledge(event, audit_.held_against.sends, 1, audit_.sends);
      connections_.insert(event.connection);
    } else if (event.op == Op::kOutput) {
      const std::string_view text = trace_.data(event);
      const auto lines = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
      if (event.fd == STDOUT_FILENO) {
        acknowledge(event, audit_.held_against.output, lines, audit_.output_lines);
      } else {
        acknowledge(event, audit_.held_against.errors, lines, audit_.error_lines);
      }
    } else if (event.op == Op::kExit) {
      const bool done = event.role.kind == RoleKind::kMain && event.result == 0;
      acknowledge(event, audit_.held_against.exit, done ? 1 : 0, audit_.exits);
    } else if (event.op == Op::kSync || (event.op == Op::kSyncfs && !event.elsewhere)) {
      for (auto& [id, file] : files_) {
        file.unsynced.synced(event.enter);
      }
      std::erase_if(unsynced_names_, [&](const auto& name) { return name.position < event.enter; });
    } else if (event.inside && event.file != 0) {
      File& file = files_[event.file];
      if (file.summary.path.empty()) {  // it was not seen to get its name
        file.summary.path = event.path;
        file.summary.directory = event.directory;
      }
      apply_to_content(event, file);
      apply_to_names(event, file);
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
        const Name& path = event.op == Op::kLink ? event.path2 : event.path;
        if (event.synced_write) {
          named(event.file, path, event.directory);
        } else {
          came(event, path);
        }
      }
    } else if (event.created || event.op == Op::kMkdir) {
      file.summary.created = true;
      came(event, event.path);
    } else if (event.op == Op::kSymlink || event.op == Op::kLink) {
      came(event, event.path2);
    } else if (event.op == Op::kRename) {
      rename(event);
    } else if (event.op == Op::kUnlink || event.op == Op::kRmdir) {
      went(event, event.file, event.path);
    } else if (event.directory && (event.op == Op::kFsync || event.op == Op::kFdatasync)) {
      std::erase_if(unsynced_names_, [&](const NameChange& change) {
        return change.position < event.enter && change.directory == event.path.str();
      });
    }
  }

  void rename(const Event& event) {
    const bool exchanged = (event.flags & RENAME_EXCHANGE) != 0;
    if (event.file2 == event.file) {
      return;  // two names of one file: rename(2) leaves both
    }
    if (exchanged) {
      move_below(event.path, event.path2, /*exchanged=*/true);
      forget_changes(event.file, event.path);
      forget_changes(event.file2, event.path2);
      add_change(event, event.file, event.path2, /*gone=*/false);
      add_change(event, event.file2, event.path, /*gone=*/false);
      files_[event.file].summary.path = event.path2;
      files_[event.file2].summary.path = event.path;
      return;
    }
    if (event.file2 != 0) {
      lose_name(event.file2, event.path2);
    }
    move_below(event.path, event.path2, /*exchanged=*/false);
    // Within a directory the old name goes with the change that brings the new one.
    if (is_inside(event.path) && parent_of(event.path) != parent_of(event.path2)) {
      went(event, event.file, event.path);
    } else {
      lose_name(event.file, event.path, /*moves=*/true);
    }
    if (is_inside(event.path2)) {
      came(event, event.path2);
    }
  }

  void named(FileId id, Name path, bool directory) {
    File& file = files_[id];
    file.summary.path = path;
    file.summary.directory = directory;
    ++file.names;
  }

  void came(const Event& event, const Name& path) {
    // Whatever had this name and lost it: what counts now is that it is that of another.
    std::erase_if(unsynced_names_,
                  [&](const NameChange& change) { return change.path == path.str(); });
    named(event.file, path, event.directory);
    add_change(event, event.file, path, /*gone=*/false);
  }

  void went(const Event& event, FileId id, const Name& path) {
    File& file = files_[id];
    file.summary.removed = path;
    lose_name(id, path, /*moves=*/event.op == Op::kRename && is_inside(event.path2));
    // Nobody can sync a directory that is gone: that it is gone must be durable.
    if (event.op == Op::kRmdir) {
      for (NameChange& change : unsynced_names_) {
        if (change.directory == path.str()) {
          change.directory = parent_of(path);
          change.position = event.exit;
        }
      }
    }
    add_change(event, id, path, /*gone=*/true);
  }

  void add_change(const Event& event, FileId id, const std::string& path, bool gone) {
    if (is_inside(path)) {
      unsynced_names_.push_back({id, gone, path, parent_of(path), event.exit});
    }
  }

  void forget_changes(FileId id, const std::string& path) {
    std::erase_if(unsynced_names_, [&](const NameChange& change) {
      return change.file == id && change.path == path;
    });
  }

  // With its last name nothing of a file's content can be lost any more, unless it moves to another.
  void lose_name(FileId id, const std::string& path, bool moves = false) {
    File& file = files_[id];
    forget_changes(id, path);
    file.names = std::max(file.names - 1, 0);
    file.lost_a_name = true;
    if (file.names == 0 && !moves) {
      file.unsynced = {};
    }
  }

  // A directory takes what is in it along.
  void move_below(const std::string& from, const std::string& to, bool exchanged) {
    const auto moved = [&](std::string path) {
      if (is_below(path, from)) {
        path = to + path.substr(from.size());
      } else if (exchanged && is_below(path, to)) {
        path = from + path.substr(to.size());
      }
      return path;
    };
    for (auto& [id, file] : files_) {
      file.summary.path = moved(file.summary.path);
    }
    for (NameChange& change : unsynced_names_) {
      change.path = moved(change.path);
      change.directory = moved(change.directory + "/.");
      change.directory.resize(change.directory.size() - 2);
    }
  }

  // `count` acknowledgements by one call, if they are held against anything.
  void acknowledge(const Event& ack, bool counts, std::uint64_t count, std::uint64_t& total) {
    if (!counts || count == 0) {
      return;
    }
    total += count;
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
    std::set<Exposure*> exposed;
    for (const NameChange& change : unsynced_names_) {
      FileSummary& summary = files_[change.file].summary;
      Exposure& exposure = change.gone ? summary.removal : summary.name;
      if (exposed.insert(&exposure).second) {
        note(exposure, 0);
      }
    }
  }

  const Trace& trace_;
  Audit audit_;
  std::map<FileId, File> files_;
  std::vector<NameChange> unsynced_names_;
  std::set<Name> connections_;
};

}  // namespace

bool changes_directory(const Event& event) {
  if (!event.inside || event.found || event.not_performed || event.performed < 0) {
    return false;
  }
  switch (event.op) {
    case Op::kWrite:
    case Op::kCopy:
      return event.performed > 0;
    case Op::kOpen:
      return event.created || event.truncated;
    case Op::kTruncate:
    case Op::kAllocate:
    case Op::kRename:
    case Op::kLink:
    case Op::kSymlink:
    case Op::kUnlink:
    case Op::kMkdir:
    case Op::kRmdir:
    case Op::kChmod:
      return true;
    case Op::kClose:
    case Op::kFsync:
    case Op::kFdatasync:
    case Op::kSync:
    case Op::kSyncfs:
    case Op::kSyncRange:
    case Op::kMsync:
    case Op::kMap:
    case Op::kSend:
    case Op::kOutput:
    case Op::kFork:
    case Op::kThread:
    case Op::kExec:
    case Op::kExit:
    case Op::kFailpoint:
      break;
  }
  return false;
}

Audit audit(const Trace& trace, const Acks& acks) {
  return Auditor(trace, acks).result();
}

}  // namespace crashpoint::trace
