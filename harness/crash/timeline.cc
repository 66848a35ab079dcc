#include "harness/crash/timeline.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "harness/crash/path_lookup.h"

namespace crashpoint::crash {

using trace::Event;
using trace::Name;
using trace::Op;
using Kind = trace::ImageEntry::Kind;

namespace {

// M1, M9: whether the kernel did it, or may have done it (it had not returned yet).
bool happened(const Event& event) {
  return !event.not_performed && (event.exit == trace::kNever || event.performed >= 0);
}

std::uint64_t round_up(std::uint64_t size) {
  return (size + kBlockSize - 1) / kBlockSize * kBlockSize;
}

// M20: the errors of a sync after which pages count as clean although they were not written. Others
// (EBADF, EINTR, EINVAL, EROFS) mean that nothing was tried.
bool loses_pages(std::int64_t result) {
  return result == -EIO || result == -ENOSPC || result == -EDQUOT;
}

}  // namespace

// Follows the trace with every call applied in turn, to know what paths mean and how long files are at
// each call.
class TimelineBuilder {
 public:
  explicit TimelineBuilder(Timeline& timeline) : timeline_(timeline) {}

  void build() {
    read_initial();
    timeline_.initial_directories_ = directories_;
    const auto& events = timeline_.trace_->events;
    for (std::size_t i = 0; i < events.size(); ++i) {
      read_event(static_cast<std::uint32_t>(i), events[i]);
    }
    order_steps();
  }

 private:
  // ---- the inode table

  InodeId add_inode(Kind kind, std::uint32_t mode, trace::FileId file, SharedContent content) {
    const InodeId inode(timeline_.inodes_.size());
    timeline_.inodes_.push_back({kind, mode, file, std::move(content)});
    sizes_.push_back(0);
    if (kind == Kind::kDirectory) {
      directories_[inode];
    }
    if (file != 0) {
      inode_of_file_[file] = inode;
    }
    return inode;
  }

  InodeId add_file(trace::FileId file, std::uint32_t mode) {
    static const auto kEmpty = std::make_shared<const Content>("");
    return add_inode(Kind::kFile, mode, file, kEmpty);
  }

  void read_initial() {
    add_inode(Kind::kDirectory, 0755, 0, nullptr);
    for (const auto& [path, entry] : timeline_.trace_->initial) {
      const auto known = inode_of_file_.find(entry.file);
      InodeId inode = kNoInode;
      if (entry.file != 0 && known != inode_of_file_.end()) {
        inode = known->second;
      } else {
        const bool has_content = entry.kind != Kind::kDirectory;
        inode = add_inode(entry.kind, entry.mode, entry.file,
                          has_content ? std::make_shared<const Content>(entry.content) : nullptr);
        size_of(inode) = entry.content.size();
      }
      if (const std::optional<PathLookup::Place> place = paths_.locate(path)) {
        set_name(directories_[place->parent], place->name, inode);
      }
    }
  }

  // ---- paths, as they are at this moment

  // The place of an entry to be changed; a note if it should be known and is not.
  std::optional<PathLookup::Place> place_of(const Event& event, std::string_view path) {
    std::optional<PathLookup::Place> place = paths_.locate(path);
    if (!place && PathLookup::is_inside(path)) {
      note(fmt::format("{} of {}: its directory is not known", event.syscall.str(), path));
    }
    return place;
  }

  std::optional<InodeId> inode_of(const Event& event) {
    if (event.file != 0) {
      const auto known = inode_of_file_.find(event.file);
      if (known != inode_of_file_.end()) {
        return known->second;
      }
    }
    std::optional<InodeId> inode = paths_.look_up(event.path.str());
    if (!inode && event.inside) {
      note(fmt::format("{} of {}: nothing of that name is known", event.syscall.str(),
                       event.path.str()));
    } else if (inode && event.file != 0 && timeline_.inodes_[inode->value()].file == 0) {
      timeline_.inodes_[inode->value()].file = event.file;  // from before the run, first seen here
      inode_of_file_[event.file] = *inode;
    }
    return inode;
  }

  void note(std::string text) {
    if (noted_.insert(text).second) {
      timeline_.notes_.push_back(std::move(text));
    }
  }

  // ---- calls and their micro-operations

  Call& open_call(std::uint32_t event_index, const Event& event) {
    HARNESS_CHECK(event.enter < event.exit, event.enter, event.exit);
    timeline_.calls_.push_back({.event = event_index,
                                .ops = {OpIndex(timeline_.ops_.size()), 0},
                                .enter = event.enter,
                                .exit = event.exit,
                                .sync = {}});
    return timeline_.calls_.back();
  }

  void add(MicroOp op) {
    HARNESS_CHECK(op.inode != kNoInode && op.is_entry() == (op.parent != kNoInode),
                  static_cast<int>(op.kind));
    op.call = CallIndex(timeline_.calls_.size() - 1);
    ++timeline_.calls_.back().ops.count;
    if (op.kind == MicroKind::kCreateEntry) {
      timeline_.last_named_by_[op.inode] = op.call;
      set_name(directories_[op.parent], op.name, op.inode);
    } else if (op.kind == MicroKind::kDeleteEntry) {
      remove_name(directories_[op.parent], op.name);
    }
    timeline_.ops_.push_back(op);
  }

  void add_entry(MicroKind kind, const PathLookup::Place& place, InodeId inode) {
    add({.kind = kind, .inode = inode, .parent = place.parent, .name = place.name});
  }

  void add_range(MicroKind kind, InodeId inode, std::uint64_t offset, std::uint64_t size) {
    add({.kind = kind, .inode = inode, .offset = offset, .size = size});
  }

  void read_event(std::uint32_t index, const Event& event) {
    if (is_sync(event.op)) {
      read_sync(index, event);
      return;
    }
    if (!happened(event)) {
      return;
    }
    open_call(index, event);
    add_ops(event);
    const Call& call = timeline_.calls_.back();
    if (call.ops.count == 0 && call.closes == kNoInode && call.sets_mode_of == kNoInode) {
      timeline_.calls_.pop_back();
    }
  }

  void add_ops(const Event& event) {
    if (event.found) {
      add_found(event);
      return;
    }
    switch (event.op) {
      case Op::kOpen:
        add_open(event);
        if (event.fd >= 0) {
          opened_[{event.pid, event.fd}] = event.exit;
        }
        break;
      case Op::kClose:
        add_close(event);
        break;
      case Op::kFork:
        forked_[event.pid] = event.exit;
        break;
      case Op::kWrite:
      case Op::kCopy:
        add_write(event);
        break;
      case Op::kTruncate:
        if (const auto inode = inode_of(event)) {
          resize(*inode, static_cast<std::uint64_t>(event.length));
        }
        break;
      case Op::kAllocate:
        add_allocate(event);
        break;
      case Op::kRename:
        add_rename(event);
        break;
      case Op::kLink:
        add_link(event);
        break;
      case Op::kSymlink:
        if (const auto place = place_of(event, event.path2.str())) {
          add_entry(MicroKind::kCreateEntry, *place,
                    add_inode(Kind::kSymlink, 0777, event.file,
                              std::make_shared<const Content>(event.path.str())));
        }
        break;
      case Op::kMkdir:
        if (const auto place = place_of(event, event.path.str())) {
          add_entry(MicroKind::kCreateEntry, *place,
                    add_inode(Kind::kDirectory, event.mode & 07777U, event.file, nullptr));
        }
        break;
      case Op::kUnlink:
      case Op::kRmdir:
        add_unlink(event);
        break;
      case Op::kChmod:
        if (const auto inode = inode_of(event)) {
          timeline_.calls_.back().sets_mode_of = *inode;
          timeline_.calls_.back().mode = event.mode;
        }
        break;
      case Op::kFsync:
      case Op::kFdatasync:
      case Op::kSync:
      case Op::kSyncfs:
      case Op::kSyncRange:
      case Op::kMsync:
      case Op::kMap:
      case Op::kSend:
      case Op::kOutput:
      case Op::kThread:
      case Op::kExec:
      case Op::kExit:
      case Op::kFailpoint:
        break;
    }
  }

  // What a rename is about to move in, or a link to give a name in the directory. What is durable of it
  // is as if it had been there before the run.
  void add_found(const Event& event) {
    if (event.op == Op::kWrite) {
      const std::optional<InodeId> inode = inode_of(event);
      if (inode && event.synced_write) {
        const std::string_view bytes = timeline_.trace_->data(event);
        timeline_.inodes_[inode->value()].initial =
            std::make_shared<const Content>(std::string(bytes));
        size_of(*inode) = bytes.size();
      } else if (inode) {
        add_write(event);
      }
      return;
    }
    const bool has_target = event.op == Op::kSymlink || event.op == Op::kLink;
    const std::string& path = has_target ? event.path2.str() : event.path.str();
    std::optional<InodeId> inode;
    if (event.op == Op::kLink) {
      inode = inode_of(event);
    } else if (event.op == Op::kOpen) {
      inode = add_file(event.file, event.mode);
    } else {
      inode = event.op == Op::kMkdir ? add_inode(Kind::kDirectory, event.mode, event.file, nullptr)
                                     : add_inode(Kind::kSymlink, event.mode, event.file,
                                                 std::make_shared<const Content>(event.path.str()));
    }
    if (!inode) {
      return;
    }
    const std::optional<PathLookup::Place> place = paths_.locate(path);
    if (!place) {
      paths_.put_outside(path, *inode);
    } else if (event.synced_write) {
      set_name(directories_[place->parent], place->name, *inode);
      set_name(timeline_.initial_directories_[place->parent], place->name, *inode);
    } else {
      add_entry(MicroKind::kCreateEntry, *place, *inode);
    }
  }

  void add_open(const Event& event) {
    const bool in_flight = event.exit == trace::kNever;
    if ((event.flags & O_TMPFILE) == O_TMPFILE) {
      add_file(event.file, event.mode & 07777U);
      return;
    }
    // M9: of an open in flight the trace knows what it was asked to do, not what it did.
    const bool creates = event.created || (in_flight && (event.flags & O_CREAT) != 0 &&
                                           !paths_.look_up(event.path.str()));
    if (creates) {
      if (const auto place = place_of(event, event.path.str())) {
        add_entry(MicroKind::kCreateEntry, *place, add_file(event.file, event.mode & 07777U));
      }
    } else if (event.truncated || (in_flight && (event.flags & O_TRUNC) != 0)) {
      if (const auto inode = inode_of(event)) {
        resize(*inode, 0);
      }
    }
  }

  // M27. A descriptor that was not opened under this number, or that a child may share, is not known to
  // be the last of its file description: its close may allocate, or not. The first close of a file takes
  // the mark of the truncation away, also one through another descriptor, and before anything was written.
  void add_close(const Event& event) {
    const auto opened = opened_.extract({event.pid, event.fd});
    const std::optional<InodeId> inode = inode_of(event);
    if (!inode || emptied_.erase(*inode) == 0) {
      return;
    }
    const auto forked = forked_.find(event.pid);
    const bool is_last =
        !opened.empty() && (forked == forked_.end() || forked->second <= opened.mapped());
    if (is_last && size_of(*inode) > 0) {
      timeline_.calls_.back().closes = *inode;
    }
  }

  // M4
  void resize(InodeId inode, std::uint64_t size) {
    const std::uint64_t tail_end = std::min(size_of(inode), round_up(size));
    if (size < tail_end) {
      add_range(MicroKind::kCutTail, inode, size, tail_end - size);
    }
    if (size_of(inode) != size) {
      add({.kind = MicroKind::kResize, .inode = inode, .size = size});
      size_of(inode) = size;
    }
    if (size == 0) {
      emptied_.insert(inode);
    }
  }

  // M2, M3
  void add_write(const Event& event) {
    if (event.data.size == 0) {
      return;
    }
    const std::optional<InodeId> inode = inode_of(event);
    if (!inode) {
      return;
    }
    const auto begin = static_cast<std::uint64_t>(event.offset);
    const std::uint64_t end = begin + event.data.size;
    const std::uint64_t blocks = (end - 1) / kBlockSize - begin / kBlockSize + 1;
    const std::uint64_t step = (blocks + kPartsMax - 1) / kPartsMax * kBlockSize;
    for (std::uint64_t from = begin; from < end;) {
      // A part ends at the end of the file, because what lies before that needs no new size (on xfs it
      // may be there without the rest), and at the end of the last block the file reaches into.
      const std::uint64_t size = size_of(*inode);
      const std::uint64_t reached = round_up(size);
      std::uint64_t to = std::min(end, from / kBlockSize * kBlockSize + step);
      to = std::min(to, from < size ? size : from < reached ? reached : to);
      HARNESS_CHECK(from < to && to <= end, from, to, end);
      add_part(*inode, from, to, {event.data.offset + (from - begin), to - from});
      from = to;
    }
    if (event.synced_write) {
      timeline_.calls_.back().sync = {.what = SyncRequest::What::kFile,
                                      .data_only = (event.flags & O_SYNC) != O_SYNC,
                                      .inode = *inode,
                                      .from = begin,
                                      .to = end};
    }
  }

  // A part lies in one block, or starts at a block's beginning.
  void add_part(InodeId inode, std::uint64_t from, std::uint64_t to, trace::DataRef data) {
    const std::uint64_t size = size_of(inode);
    const bool new_block = from >= round_up(size);
    if (to > size) {
      add({.kind = MicroKind::kGrow,
           .new_block = new_block,
           .inode = inode,
           .offset = from,
           .size = to});
      size_of(inode) = to;
    }
    add({.kind = MicroKind::kData,
         .past_end = to > size,
         .new_block = new_block,
         .inode = inode,
         .offset = from,
         .size = to - from,
         .end_before = size,
         .data = data});
  }

  // M5
  void add_allocate(const Event& event) {
    const std::optional<InodeId> inode = inode_of(event);
    if (!inode) {
      return;
    }
    const auto offset = static_cast<std::uint64_t>(event.offset);
    const auto size = static_cast<std::uint64_t>(event.length);
    std::uint64_t& now = size_of(*inode);
    if ((event.flags & FALLOC_FL_COLLAPSE_RANGE) != 0) {
      add_range(MicroKind::kCollapse, *inode, offset, size);
      now -= std::min(size, now);
      return;
    }
    if ((event.flags & FALLOC_FL_INSERT_RANGE) != 0) {
      add_range(MicroKind::kInsert, *inode, offset, size);
      now += size;
      return;
    }
    if ((event.flags & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0 && offset < now) {
      add_range(MicroKind::kZero, *inode, offset, std::min(size, now - offset));
    }
    if ((event.flags & FALLOC_FL_KEEP_SIZE) == 0) {
      resize(*inode, std::max(now, offset + size));
    }
  }

  // A name outside reaches no disk of ours.
  void put(const std::optional<PathLookup::Place>& place, const std::string& path, InodeId inode) {
    if (place) {
      add_entry(MicroKind::kCreateEntry, *place, inode);
    } else if (!PathLookup::is_inside(path)) {
      paths_.put_outside(path, inode);
    }
  }
  void take(const std::optional<PathLookup::Place>& place, const std::string& path, InodeId inode) {
    if (place) {
      add_entry(MicroKind::kDeleteEntry, *place, inode);
    } else {
      paths_.take_outside(path);
    }
  }

  // M7
  void add_rename(const Event& event) {
    const std::string& path = event.path.str();
    const std::string& path2 = event.path2.str();
    const auto from = place_of(event, path);
    const auto to = place_of(event, path2);
    InodeId moved = paths_.stands_for(from, path);
    if (moved == kNoInode && !to) {
      return;  // from outside to outside
    }
    if (moved == kNoInode && from) {
      note(fmt::format("rename of {}: nothing of that name is known", path));
      return;
    }
    if (moved == kNoInode) {
      const auto known = inode_of_file_.find(event.file);
      moved = event.file != 0 && known != inode_of_file_.end() ? known->second
                                                               : add_file(event.file, 0644);
      note(fmt::format("{} was moved in from outside: what it held before is not known", path2));
    }
    const InodeId replaced = paths_.stands_for(to, path2);
    if (moved == replaced) {
      return;  // two names of one file: POSIX requires rename to do nothing
    }
    if ((event.flags & RENAME_EXCHANGE) != 0 && replaced != kNoInode) {
      put(to, path2, moved);
      put(from, path, replaced);
      return;
    }
    if (replaced != kNoInode) {
      take(to, path2, replaced);
    }
    put(to, path2, moved);
    take(from, path, moved);
  }

  void add_link(const Event& event) {
    const auto place = place_of(event, event.path2.str());
    if (!place && !event.inside) {
      return;
    }
    if (const auto inode = inode_of(event)) {
      put(place, event.path2.str(), *inode);
    }
  }

  void add_unlink(const Event& event) {
    const auto place = place_of(event, event.path.str());
    if (!place) {
      paths_.take_outside(event.path.str());
      return;
    }
    const InodeId inode = find_name(directories_[place->parent], place->name);
    if (inode == kNoInode) {
      note(fmt::format("{} of {}: nothing of that name is known", event.syscall.str(),
                       event.path.str()));
      return;
    }
    add_entry(MicroKind::kDeleteEntry, *place, inode);
  }

  // ---- persistence points

  static bool is_sync(Op op) {
    return op == Op::kFsync || op == Op::kFdatasync || op == Op::kSync || op == Op::kSyncfs ||
           op == Op::kMsync;
  }

  void read_sync(std::uint32_t index, const Event& event) {
    SyncRequest sync;
    sync.failed = event.not_performed ? event.result < 0 : event.performed < 0;
    const std::int64_t error = event.performed < 0 ? event.performed : event.result;
    if (event.exit == trace::kNever || (sync.failed && !loses_pages(error)) ||
        (!sync.failed && event.not_performed)) {
      return;  // it never returned, was never tried, or was reported done by a disk that did nothing
    }
    if (event.op == Op::kSync || event.op == Op::kSyncfs) {
      if (event.elsewhere) {
        return;  // M14
      }
      sync.what = SyncRequest::What::kEverything;
    } else if (event.op != Op::kMsync || (event.flags & MS_SYNC) != 0) {  // M16
      const std::optional<InodeId> inode = inode_of(event);
      if (!inode) {
        return;
      }
      sync.inode = *inode;
      sync.what =
          directories_.contains(*inode) ? SyncRequest::What::kDirectory : SyncRequest::What::kFile;
      sync.data_only = event.op != Op::kFsync;
      if (event.op == Op::kMsync) {  // whole pages
        sync.from = static_cast<std::uint64_t>(event.offset) / kBlockSize * kBlockSize;
        sync.to = round_up(static_cast<std::uint64_t>(event.offset + event.length));
      }
    } else {
      return;
    }
    open_call(index, event).sync = sync;
  }

  void order_steps() {
    for (std::size_t i = 0; i < timeline_.calls_.size(); ++i) {
      const Call& call = timeline_.calls_[i];
      timeline_.steps_.push_back({call.enter, CallIndex(i), false});
      if (call.exit != trace::kNever) {
        timeline_.steps_.push_back({call.exit, CallIndex(i), true});
      }
    }
    std::sort(
        timeline_.steps_.begin(), timeline_.steps_.end(),
        [](const Timeline::Step& a, const Timeline::Step& b) { return a.position < b.position; });
    // The tracer gives each position once, or what had returned before what would be undecided.
    for (std::size_t i = 1; i < timeline_.steps_.size(); ++i) {
      HARNESS_CHECK(timeline_.steps_[i - 1].position < timeline_.steps_[i].position,
                    timeline_.steps_[i].position);
    }
  }

  std::uint64_t& size_of(InodeId inode) { return sizes_[inode.value()]; }

  Timeline& timeline_;
  Directories directories_;
  PathLookup paths_{directories_};
  std::vector<std::uint64_t> sizes_;  // by inode
  std::unordered_map<trace::FileId, InodeId> inode_of_file_;
  std::set<InodeId> emptied_;  // truncated to nothing, and not closed since
  std::map<std::pair<pid_t, std::int64_t>, trace::Position> opened_;  // by process and descriptor
  std::map<pid_t, trace::Position> forked_;                           // when it last forked
  std::set<std::string> noted_;
};

Timeline::Timeline(std::shared_ptr<const trace::Trace> trace) : trace_(std::move(trace)) {
  TimelineBuilder(*this).build();
}

std::optional<CallIndex> Timeline::last_named_by(InodeId inode) const {
  const auto at = last_named_by_.find(inode);
  return at == last_named_by_.end() ? std::nullopt : std::optional(at->second);
}

}  // namespace crashpoint::crash
