// A trace as the crash model reads it: an inode table, and what each syscall does to it in
// micro-operations, the smallest changes that can reach the disk on their own.
//
//   overwrite              kData for each block it touches
//   append                 for each block: kGrow to the end of its part, and kData. The first part
//                          may lie in a block the file already has, the others never do.
//   truncate               kResize to an exact size; before it, where that ends inside a block of the
//                          file, kCutTail
//   fallocate              kResize; kZero, kCollapse, kInsert for the modes that change bytes
//   create, link, mkdir,   kCreateEntry(parent, name, inode)
//   symlink
//   unlink, rmdir          kDeleteEntry(parent, name); content goes with the last name
//   rename                 kDeleteEntry(destination) if it existed, kCreateEntry(destination),
//                          kDeleteEntry(source). Exchange: two kCreateEntry.
//
// Which of them are durable, and which states that permits, is not known here: model.h.
// What a syscall did is what the kernel did (Event::performed): an injected error or a skipped call
// makes no micro-operation. Calls are put in order of entry.
//
// Threads    Immutable once built.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/crash/image.h"
#include "harness/trace/trace.h"

namespace crashpoint::crash {

inline constexpr std::uint64_t kBlockSize = 4096;  // of a page and of the usual filesystem block
inline constexpr std::uint64_t kSectorSize = 512;

// A write is told apart into at most this many parts; a larger one has parts of several blocks.
inline constexpr std::uint64_t kPartsMax = 16;

// Numbers the inodes of a timeline: 0 is the data directory itself.
using InodeId = std::uint32_t;
inline constexpr InodeId kRoot = 0;
inline constexpr InodeId kNoInode = 0xFFFFFFFF;

struct Inode {
  trace::ImageEntry::Kind kind = trace::ImageEntry::Kind::kFile;
  std::uint32_t mode = 0;
  trace::FileId file = 0;  // as the trace numbers it
  SharedContent initial;   // before the run; null for a directory
};

enum class MicroKind : std::uint8_t {
  kData,         // bytes at [offset, offset + size)
  kGrow,         // the size becomes at least `size`, for bytes that start at `offset`
  kResize,       // the size becomes `size`
  kCutTail,      // zeros at [offset, offset + size), from a lower end to come to that of its block
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
  std::uint32_t call = 0;     // index in Timeline::calls()
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

// A syscall that changes the data directory or makes something durable.
struct Call {
  std::uint32_t event = 0;  // index in Trace::events
  std::uint32_t first_op = 0;
  std::uint32_t op_count = 0;
  trace::Position enter = 0;
  trace::Position exit = trace::kNever;
  SyncRequest sync;
};

// The names in a directory, by name.
using Names = std::vector<std::pair<trace::Name, InodeId>>;
void set_name(Names& names, trace::Name name, InodeId inode);
void remove_name(Names& names, trace::Name name);
[[nodiscard]] InodeId find_name(const Names& names, trace::Name name);
using Directories = std::unordered_map<InodeId, Names>;

class Timeline {
 public:
  // Keeps `trace` alive through the pointer.
  explicit Timeline(std::shared_ptr<const trace::Trace> trace);

  [[nodiscard]] const trace::Trace& trace() const { return *trace_; }
  [[nodiscard]] const std::vector<Inode>& inodes() const { return inodes_; }
  [[nodiscard]] const std::vector<MicroOp>& ops() const { return ops_; }
  [[nodiscard]] const std::vector<Call>& calls() const { return calls_; }
  [[nodiscard]] const Directories& initial_directories() const { return initial_directories_; }

  // Entries and returns of calls, in order. A step at position p has been taken at crash point
  // p + 1 and later.
  struct Step {
    trace::Position position = 0;
    std::uint32_t call = 0;
    bool returns = false;
  };
  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }

  // The last call that gives the inode a name; nothing if none does.
  [[nodiscard]] std::optional<std::uint32_t> last_named_by(InodeId inode) const;

  [[nodiscard]] const trace::Event& event_of(const Call& call) const {
    return trace_->events[call.event];
  }
  [[nodiscard]] std::string_view bytes(const MicroOp& op) const {
    return trace_->store->view(op.data);
  }

  // What the trace left open and how it was read ("rename of x: nothing of that name is known").
  [[nodiscard]] const trace::Notes& notes() const { return notes_; }

 private:
  friend class TimelineBuilder;

  std::shared_ptr<const trace::Trace> trace_;
  std::vector<Inode> inodes_;
  std::vector<MicroOp> ops_;
  std::vector<Call> calls_;
  std::vector<Step> steps_;
  Directories initial_directories_;
  std::unordered_map<InodeId, std::uint32_t> last_named_by_;
  trace::Notes notes_;
};

}  // namespace crashpoint::crash
