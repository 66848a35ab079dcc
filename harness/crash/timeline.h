// A trace as the crash model reads it: an inode table, and the micro-operations of each call, which are
// the smallest changes that can reach the disk on their own. Rule numbers (M1...) refer to README.md.
//
//   overwrite              M2  kData for each block it touches
//   append                 M3  for each block: kGrow to the end of its part, then kData. The first part
//                              may lie in a block that the file already has, the others never do.
//   truncate               M4  kResize to an exact size; if that ends inside a block of the file, kCutTail
//                              before it
//   fallocate              M5  kResize; kZero, kCollapse, kInsert for the modes that change bytes
//   create, link, mkdir,   M6  kCreateEntry(parent, name, inode)
//   symlink
//   unlink, rmdir          M6  kDeleteEntry(parent, name); the content goes with the last name
//   rename                 M7  kDeleteEntry(destination) if it existed, kCreateEntry(destination),
//                              kDeleteEntry(source). Exchange: two kCreateEntry.
//
// Which of them are durable, and which states that permits, is the business of model.h.
// What a call did is what the kernel did (Event::performed, M1): an injected error or a skipped call
// makes no micro-operation. Calls are in order of entry.
//
// Threads    Immutable once built.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "harness/crash/image/image.h"
#include "harness/crash/index.h"
#include "harness/crash/names.h"
#include "harness/trace/trace.h"

namespace crashpoint::crash {

inline constexpr std::uint64_t kBlockSize = 4096;  // of a page and of the usual filesystem block
inline constexpr std::uint64_t kSectorSize = 512;

// A write has at most this many parts; those of a larger one are several blocks each.
inline constexpr std::uint64_t kPartsMax = 16;

struct Inode {
  trace::ImageEntry::Kind kind = trace::ImageEntry::Kind::kFile;
  std::uint32_t mode = 0;
  trace::FileId file = 0;  // as the trace numbers it
  SharedContent initial;   // before the run; null for a directory
};

enum class MicroKind : std::uint8_t {
  kData,    // bytes at [offset, offset + size)
  kGrow,    // the size becomes at least `size`, for bytes that start at `offset`
  kResize,  // the size becomes `size`
  kCutTail,  // zeros at [offset, offset + size): from the lower end that follows to the end of its block
  kZero,         // zeros at [offset, offset + size), within the size
  kCollapse,     // [offset, offset + size) is taken out
  kInsert,       // `size` zeros are put in at `offset`
  kCreateEntry,  // in `parent`, `name` stands for `inode`
  kDeleteEntry,  // in `parent`, `name` stands for nothing; it stood for `inode`
};

struct MicroOp {
  MicroKind kind = MicroKind::kData;
  bool past_end = false;   // kData: beyond what the file's size was
  bool new_block = false;  // kGrow, kData: in a block the file did not reach into before
  InodeId inode = kNoInode;
  InodeId parent = kNoInode;  // entries
  CallIndex call = {};
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t end_before = 0;  // kData: the file's size before this part of the write
  trace::DataRef data = {};
  trace::Name name = {};  // entries

  [[nodiscard]] bool is_entry() const {
    return kind == MicroKind::kCreateEntry || kind == MicroKind::kDeleteEntry;
  }
};

// What a syscall asks to be made durable.
struct SyncRequest {
  enum class What : std::uint8_t { kNothing, kFile, kDirectory, kEverything };
  What what = What::kNothing;
  bool failed = false;     // the kernel reported an error: nothing of it may be relied on
  bool data_only = false;  // fdatasync
  InodeId inode = kNoInode;
  std::uint64_t from = 0;  // of a file: these bytes only
  std::uint64_t to = UINT64_MAX;
};

// A syscall that changes the data directory, or makes a filesystem write something out.
struct Call {
  std::uint32_t event = 0;  // index in Trace::events
  OpRange ops = {};
  trace::Position enter = 0;
  trace::Position exit = trace::kNever;
  SyncRequest sync = {};
  // The file whose mode this call sets, and that mode. It has no operation of its own: see README.md.
  InodeId sets_mode_of = kNoInode;
  std::uint32_t mode = 0;
  // M27: the file that this call closes, which was truncated to nothing and written since. It has no
  // operation of its own, but a filesystem may allocate the blocks of the file.
  InodeId closes = kNoInode;
};

class Timeline {
 public:
  // Keeps `trace` alive through the pointer.
  explicit Timeline(std::shared_ptr<const trace::Trace> trace);

  [[nodiscard]] const trace::Trace& trace() const { return *trace_; }
  [[nodiscard]] const std::vector<Inode>& inodes() const { return inodes_; }
  [[nodiscard]] const Inode& inode(InodeId inode) const { return inodes_[inode.value()]; }
  [[nodiscard]] const std::vector<MicroOp>& ops() const { return ops_; }
  [[nodiscard]] const MicroOp& op(OpIndex op) const { return ops_[op.value()]; }
  [[nodiscard]] std::span<const MicroOp> ops(OpRange range) const {
    return std::span(ops_).subspan(range.first.value(), range.count);
  }
  [[nodiscard]] const std::vector<Call>& calls() const { return calls_; }
  [[nodiscard]] const Call& call(CallIndex call) const { return calls_[call.value()]; }
  [[nodiscard]] const Directories& initial_directories() const { return initial_directories_; }

  // Entries and returns of calls, in order. A step at position p has been taken at crash point
  // p + 1 and later.
  struct Step {
    trace::Position position = 0;
    CallIndex call = {};
    bool returns = false;
  };
  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }

  // The last call that gives the inode a name; nothing if none does.
  [[nodiscard]] std::optional<CallIndex> last_named_by(InodeId inode) const;

  [[nodiscard]] const trace::Event& event_of(const Call& call) const {
    return trace_->events[call.event];
  }
  [[nodiscard]] std::string_view bytes(const MicroOp& op) const {
    return trace_->store->view(op.data);
  }

  // What the trace leaves open ("rename of x: nothing of that name is known").
  [[nodiscard]] const trace::Notes& notes() const { return notes_; }

 private:
  friend class TimelineBuilder;

  std::shared_ptr<const trace::Trace> trace_;
  std::vector<Inode> inodes_;
  std::vector<MicroOp> ops_;
  std::vector<Call> calls_;
  std::vector<Step> steps_;
  Directories initial_directories_;
  std::unordered_map<InodeId, CallIndex> last_named_by_;
  trace::Notes notes_;
};

}  // namespace crashpoint::crash
