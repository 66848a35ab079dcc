// Directories and files as they are on disk for good, and images of them with further operations on top.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/crash/image/image.h"
#include "harness/crash/index.h"
#include "harness/crash/selection.h"
#include "harness/crash/timeline.h"

namespace crashpoint::crash {

struct AppliedOp {
  OpIndex op = {};
  Choice choice = Choice::kPresent;
};

// Not for several threads at once. Borrows the timeline.
class Disk {
 public:
  // Holds what was there before the run.
  explicit Disk(const Timeline& timeline);

  // For good, in this order. An operation on an inode that was forgotten does nothing.
  void apply(std::span<const OpIndex> ops);

  void set_mode(InodeId inode, std::uint32_t mode) { modes_[inode] = mode; }

  // The directory with `ops` on top, in order of the trace. Contents are shared with images made
  // before where they are the same.
  [[nodiscard]] CrashImage image(std::span<const AppliedOp> ops, const std::optional<Tear>& tear);

  // How many names the inode has.
  [[nodiscard]] std::uint32_t names_of(InodeId inode) const;
  // Drops the content of a file that no image will show again: it has no name.
  void forget(InodeId inode);

 private:
  struct File {
    SharedContent content;
    // With operations on top, by key_of() those.
    std::unordered_map<std::string, SharedContent> made;
  };
  class ImageMaker;

  void apply_entry(const MicroOp& op);
  SharedContent content_with(InodeId inode, std::span<const AppliedOp> ops,
                             const std::optional<Tear>& tear);
  [[nodiscard]] std::string key_of(std::span<const AppliedOp> ops,
                                   const std::optional<Tear>& tear) const;

  [[nodiscard]] std::uint32_t mode_of(InodeId inode) const;

  const Timeline& timeline_;
  std::unordered_map<InodeId, std::uint32_t> modes_;  // that were set
  Directories directories_;
  std::unordered_map<InodeId, File> files_;
  std::unordered_map<InodeId, std::uint32_t> name_counts_;
  std::uint64_t made_bytes_ = 0;
};

}  // namespace crashpoint::crash
