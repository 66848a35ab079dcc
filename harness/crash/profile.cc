#include "harness/crash/profile.h"

#include <algorithm>

namespace crashpoint::crash {
namespace {

// Names, and sizes set by truncate or fallocate: in the journal from the moment the call is made.
constexpr OpClasses kMetadata = kEntryOp | kResizeOp | kShiftOp;

// M26: a fallocate that moves or zeroes bytes writes out what is dirty first (ext4_collapse_range,
// xfs_flush_unmap_range, btrfs_punch_hole), and later writes go where it left the file.
constexpr OrderRule kShiftsAreBarriers[] = {{kAllOps, kShiftOp, Scope::kSameFile},
                                            {kShiftOp, kAllOps, Scope::kSameFile}};

// M22: sizes of one file are only ever logged in order: Ferrite (ASPLOS'16) definition 7, rule 1.
constexpr OrderRule kSizesOfAFile{kGrowOps, kGrowOps, Scope::kSameFile};

// M23: a page holds the newest bytes when it is written out: Ferrite, definition 7, rule 2. It comes as
// a whole where it goes to a new place, which is not referred to until all of it is there.
constexpr OrderRule kBytesOfABlock{kDataOps, kDataOps, Scope::kSameBlock};

// M23: written in place, each of its sectors may be there without the others (real_filesystems_test.cc
// found on ext4 the later of two writes to one page alone).
constexpr OrderRule kBytesOfASector[] = {{kDataOps, kNewDataOp, Scope::kSameBlock},
                                         {kInPlaceOp, kInPlaceOp, Scope::kSameSector}};

std::vector<OrderRule> rules(std::span<const OrderRule> of_bytes,
                             std::initializer_list<OrderRule> own) {
  std::vector<OrderRule> all(own);
  all.push_back(kSizesOfAFile);
  all.insert(all.end(), of_bytes.begin(), of_bytes.end());
  all.insert(all.end(), std::begin(kShiftsAreBarriers), std::end(kShiftsAreBarriers));
  return all;
}

Profile process_kill() {
  return {.name = "process-kill",
          .order = {{kAllOps, kAllOps, Scope::kAnywhere}},
          .with_data = kGrowOps | kResizeOp,
          .durable_on_return = true};
}

// Everything in order, as on a filesystem that journals data too: the state is what a process kill
// would have left at this moment or at an earlier one.
Profile prefix() {
  return {.name = "prefix",
          .order = {{kAllOps, kAllOps, Scope::kAnywhere}},
          .with_data = kGrowOps | kResizeOp};
}

// ext4, data=ordered (the default), with delayed allocation.
//   M21  One journal: metadata is committed in the order it was made (BOB, OSDI'14 table 1: directory
//        operations are atomic and ordered; ALICE table 3d).
//   M24  An append inside the last allocated block sets the size at once, in the running transaction
//        (ext4_da_do_write_end), and its bytes float: the range reads as zeros (Ferrite 4.1, and seen on
//        Linux 6.18). One into new blocks sets the size when they are written back, after all metadata
//        before it, and before the bytes are on disk: the blocks are unwritten extents until then
//        (dioread_nolock, the default since Linux 5.6) and read as zeros. real_filesystems_test.cc found
//        that on Linux 6.18, although data=ordered is said to exclude it.
//   M25  truncate to a size inside a block zeroes the rest of it (ext4_block_truncate_page), and that may
//        reach the disk while the file still has its old size: real_filesystems_test.cc.
//   M27  With auto_da_alloc (the default) ext4_rename, where it replaces a name, and ext4_release_file,
//        after a truncation to nothing, call ext4_alloc_da_blocks: it allocates the blocks of the file
//        and sets its size in the running transaction, and starts the writing of the bytes without
//        waiting for them (filemap_flush).
//   M18  fsync of a file commits the transaction that has the last of its metadata (fs/ext4/fsync.c,
//        i_sync_tid): what was done later may be in another, as the journal is committed every five
//        seconds too. Of a directory it commits the running one (ext4_fsync_journal).
//   M20  A failed fsync leaves new sizes and old bytes (Rebello et al., ATC'20, table 1).
Profile ext4_ordered() {
  return {.name = "ext4-ordered",
          .order = rules(kBytesOfASector,
                         {{kMetadata | kGrowInOp, kMetadata | kGrowOps, Scope::kAnywhere},
                          {kDataOps, kResizeOp, Scope::kSameCall}}),
          .auto_da_alloc = true,
          .fsync_keeps = FsyncKeeps::kJournal,
          .fsync_failure = FsyncFailure::kSizeDurable,
          .tears = Tears::kAtSectors};
}

// ext4 mounted with noauto_da_alloc: M27 does not hold.
Profile ext4_noauto_da_alloc() {
  Profile profile = ext4_ordered();
  profile.name = "ext4-noauto_da_alloc";
  profile.auto_da_alloc = false;
  return profile;
}

// data=writeback: M29, new blocks may also hold what was on the disk before (BOB table 1: append
// atomicity fails; ext4(5)), and M25, the journal waits for no bytes.
Profile ext4_writeback() {
  Profile profile = ext4_ordered();
  profile.name = "ext4-writeback";
  std::erase_if(profile.order,
                [](const OrderRule& rule) { return rule.scope == Scope::kSameCall; });
  profile.garbage = true;
  return profile;
}

// xfs.
//   M21  Metadata strictly ordered.
//   M24  The size is logged when the bytes are on disk (xfs_end_ioend -> xfs_setfilesize), so it never
//        runs ahead of them.
//   M25  truncate writes out what the size on disk does not cover yet, up to the new size
//        (xfs_setattr_size). Overwrites float (real_filesystems_test.cc).
//   M18  An fsync forces the log up to the file's last change (xfs_fsync_flush_log).
//   M20  A failed fsync leaves the size (ATC'20, table 1).
Profile xfs() {
  return {.name = "xfs",
          .order = rules(kBytesOfASector, {{kMetadata, kMetadata | kGrowOps, Scope::kAnywhere},
                                           {kGrowOps | kNewDataOp, kResizeOp, Scope::kSameFile}}),
          .with_data = kGrowOps,
          .fsync_keeps = FsyncKeeps::kJournalToOwn,
          .fsync_failure = FsyncFailure::kSizeDurable,
          .tears = Tears::kAtSectors};
}

// btrfs.
//   M24  Copy on write: size and bytes come together when an ordered extent completes
//        (btrfs_finish_one_ordered).
//   M19  An fsync logs the file with its new names, and not what was done to others (tree-log.c), so
//   M21  names float against each other (ALICE table 3d, BOB table 1). Not those of one file in one
//        directory: the log has them together, as one item of the file (BTRFS_INODE_REF_KEY) and as
//        entries of the directory, which is logged as a whole (log_directory_changes). In two
//        directories they do: with the one that lost a name synced, Linux 6.18 was seen to lose the file.
//   M20  A failed fsync reverts the file (ATC'20, table 1).
Profile btrfs() {
  return {.name = "btrfs",
          .order = rules({&kBytesOfABlock, 1},
                         {{kEntryOp, kEntryOp, Scope::kSameName},
                          {kEntryOp, kEntryOp, Scope::kSameFileInDirectory},
                          {kResizeOp | kGrowOps, kResizeOp | kGrowOps, Scope::kSameFile}}),
          .with_data = kGrowOps,
          .fsync_keeps = FsyncKeeps::kOwnNames,
          .fsync_failure = FsyncFailure::kReverts};
}

// What POSIX leaves open and ALICE (OSDI'14, table 2) explores, and the new and the old name of a rename
// in either order: nothing is ordered, everything tears, only what was asked to be durable is.
Profile weakest() {
  return {.name = "weakest", .rename_atomic = false, .garbage = true, .tears = Tears::kAnywhere};
}

}  // namespace

std::span<const Profile> profiles() {
  static const std::vector<Profile> kProfiles = {
      process_kill(),         prefix(),         xfs(),    btrfs(), ext4_ordered(),
      ext4_noauto_da_alloc(), ext4_writeback(), weakest()};
  return kProfiles;
}

const Profile* find_profile(std::string_view name) {
  const std::span<const Profile> all = profiles();
  const auto at = std::find_if(all.begin(), all.end(),
                               [name](const Profile& profile) { return profile.name == name; });
  return at == all.end() ? nullptr : &*at;
}

}  // namespace crashpoint::crash
