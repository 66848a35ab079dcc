// What a filesystem permits after a crash, as data: which operations may reach the disk before
// which, which reach it as one, what a sync makes durable, what a torn write looks like.
//
// M8: a crash state is a set of micro-operations, applied in order of the trace. It is permitted when it
// holds everything durable, and with each operation all that must reach the disk before it. README.md has
// the rules by number, and the profiles as a table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace crashpoint::crash {

// Classes of micro-operations; a set of them is a mask.
using OpClasses = std::uint16_t;
inline constexpr OpClasses kEntryOp = 1;    // a name made or removed
inline constexpr OpClasses kResizeOp = 2;   // truncate, fallocate
inline constexpr OpClasses kShiftOp = 4;    // fallocate that moves or zeroes bytes
inline constexpr OpClasses kInPlaceOp = 8;  // other bytes: where the file has a block on disk
inline constexpr OpClasses kGrowInOp = 16;  // an append's new size, inside a block that is on disk
inline constexpr OpClasses kGrowDelayedOp = 32;  // inside a block that has not been allocated yet
inline constexpr OpClasses kGrowNewOp = 64;      // into blocks the file did not reach before
inline constexpr OpClasses kNewDataOp =
    128;  // bytes nobody sees before a new block, or size, is there
inline constexpr OpClasses kGrowOps = kGrowInOp | kGrowDelayedOp | kGrowNewOp;
inline constexpr OpClasses kDataOps = kInPlaceOp | kNewDataOp;
inline constexpr OpClasses kAllOps = 255;

enum class Scope : std::uint8_t {
  kAnywhere,
  kSameFile,
  kSameBlock,
  kSameSector,
  kSameCall,
  kSameName,
  kSameFileInDirectory,  // names of one file in one directory
};

// M10: an operation of `earlier` that had returned when one of `later` began is on disk whenever that
// one is.
struct OrderRule {
  OpClasses earlier = 0;
  OpClasses later = 0;
  Scope scope = Scope::kAnywhere;
};

// M18, M19: what a sync of a file makes durable besides its bytes and its size.
enum class FsyncKeeps : std::uint8_t {
  kFileOnly,      // nothing: its name needs a sync of its directory
  kOwnNames,      // its names, and those of the directories on the way
  kJournalToOwn,  // all metadata of the filesystem up to the last of its own
  kJournal,       // the same; a sync of a directory: all metadata
};

// M20: what a sync that reported EIO or ENOSPC leaves behind. The pages count as clean: a later sync
// does not write them.
enum class FsyncFailure : std::uint8_t {
  kNothingDurable,  // the bytes may be on disk or not, now and after any later sync
  kSizeDurable,     // so may the bytes; the size is on disk
  kReverts,         // the file is what it was before, on disk and for readers
};

// M28: where the writing of a block may stop, besides between blocks.
enum class Tears : std::uint8_t {
  kBetweenBlocks,
  kAtSectors,  // of a block that is written in place: a disk writes whole sectors
  kAnywhere,
};

struct Profile {
  std::string name = {};
  std::vector<OrderRule> order = {};
  // M24: kinds of growth that reach the disk as one with their bytes; M25: kResizeOp where a new, lower
  // size does with the zeros after it.
  OpClasses with_data = 0;
  // M7: else the new name and the removal of the old one are made in any order. A name that is replaced
  // stands for the one file or the other in either case, never for none: what rename(2) is for.
  bool rename_atomic = true;
  // M27: the sizes that a file was given are in the journal when it replaces another by rename, and
  // when one that was truncated to nothing is closed.
  bool auto_da_alloc = false;
  FsyncKeeps fsync_keeps = FsyncKeeps::kFileOnly;
  FsyncFailure fsync_failure = FsyncFailure::kNothingDurable;
  bool garbage = false;  // M29: a range that grew without its bytes may read as anything
  Tears tears = Tears::kBetweenBlocks;
  bool durable_on_return = false;  // M11: the kernel lives on: what returned has happened
};

// The built-in profiles, strongest first: process-kill, prefix, xfs, btrfs, ext4-ordered,
// ext4-noauto_da_alloc, ext4-writeback, weakest. (Between neighbours not every state of the one is one of the other.)
[[nodiscard]] std::span<const Profile> profiles();

// Nullptr when there is none of that name.
[[nodiscard]] const Profile* find_profile(std::string_view name);

}  // namespace crashpoint::crash
