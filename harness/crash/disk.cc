#include "harness/crash/disk.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "harness/base/check.h"
#include "harness/crash/file_after_crash.h"

namespace crashpoint::crash {
namespace {

// What is kept of contents made for states, beyond which all of it is dropped.
constexpr std::uint64_t kMadeBytesMax = std::uint64_t{64} << 20;

}  // namespace

Disk::Disk(const Timeline& timeline)
    : timeline_(timeline), directories_(timeline.initial_directories()) {
  for (InodeId inode = kRoot; inode.value() < timeline.inodes().size(); ++inode) {
    if (const SharedContent& initial = timeline.inode(inode).initial; initial != nullptr) {
      files_[inode].content = initial;
    }
  }
  for (const auto& [directory, names] : directories_) {
    for (const auto& [name, inode] : names) {
      ++name_counts_[inode];
    }
  }
}

void Disk::apply(std::span<const OpIndex> ops) {
  std::unordered_map<InodeId, FileAfterCrash> changed;  // each file is copied once
  for (const OpIndex index : ops) {
    const MicroOp& op = timeline_.op(index);
    if (op.is_entry()) {
      apply_entry(op);
    } else if (const auto file = files_.find(op.inode); file != files_.end()) {
      changed.try_emplace(op.inode, file->second.content->bytes)
          .first->second.apply(op, timeline_.bytes(op));
    }
  }
  for (auto& [inode, bytes] : changed) {
    File& file = files_.at(inode);
    file.content = std::make_shared<const Content>(bytes.take());
    file.made.clear();
  }
}

void Disk::apply_entry(const MicroOp& op) {
  Names& names = directories_[op.parent];
  if (const InodeId replaced = find_name(names, op.name); replaced != kNoInode) {
    std::uint32_t& names_left = name_counts_[replaced];
    HARNESS_CHECK(names_left > 0, replaced.value());
    --names_left;
  }
  if (op.kind == MicroKind::kCreateEntry) {
    set_name(names, op.name, op.inode);
    ++name_counts_[op.inode];
  } else {
    remove_name(names, op.name);
  }
}

std::uint32_t Disk::names_of(InodeId inode) const {
  const auto at = name_counts_.find(inode);
  return at == name_counts_.end() ? 0 : at->second;
}

std::uint32_t Disk::mode_of(InodeId inode) const {
  const auto set = modes_.find(inode);
  return set == modes_.end() ? timeline_.inode(inode).mode : set->second;
}

void Disk::forget(InodeId inode) {
  HARNESS_CHECK(names_of(inode) == 0, inode.value(), names_of(inode));
  files_.erase(inode);
}

std::string Disk::key_of(std::span<const AppliedOp> ops, const std::optional<Tear>& tear) const {
  std::string key;
  const auto add = [&key](const auto& value) {
    key.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  bool torn = false;
  for (const AppliedOp& applied : ops) {
    add(applied.op);
    add(applied.choice);
    torn = torn || (tear && timeline_.op(applied.op).call == tear->call);
  }
  if (torn) {
    add(tear->call);
    add(tear->from);
    add(tear->to);
    add(tear->rest);
  }
  return key;
}

SharedContent Disk::content_with(InodeId inode, std::span<const AppliedOp> ops,
                                 const std::optional<Tear>& tear) {
  File& file = files_.at(inode);
  if (ops.empty()) {
    return file.content;
  }
  std::string key = key_of(ops, tear);
  if (const auto made = file.made.find(key); made != file.made.end()) {
    return made->second;
  }
  FileAfterCrash bytes(file.content->bytes);
  for (const AppliedOp& applied : ops) {
    const MicroOp& op = timeline_.op(applied.op);
    if (applied.choice == Choice::kGarbage || applied.choice == Choice::kStale) {
      bytes.fill(op, applied.choice);
    } else if (tear && op.call == tear->call) {
      const trace::Event& write = timeline_.event_of(timeline_.call(op.call));
      bytes.apply_torn(op, timeline_.bytes(op), *tear, static_cast<std::uint64_t>(write.offset),
                       write.data.size);
    } else {
      bytes.apply(op, timeline_.bytes(op));
    }
  }
  auto content = std::make_shared<const Content>(bytes.take());
  made_bytes_ += content->bytes.size();
  if (made_bytes_ > kMadeBytesMax) {
    for (auto& [other, state] : files_) {
      state.made.clear();
    }
    made_bytes_ = content->bytes.size();
  }
  file.made.emplace(std::move(key), content);
  return content;
}

// Walks the directories of one state.
class Disk::ImageMaker {
 public:
  ImageMaker(Disk& disk, std::span<const AppliedOp> ops, const std::optional<Tear>& tear)
      : disk_(disk), tear_(tear) {
    for (const AppliedOp& applied : ops) {
      const MicroOp& op = disk.timeline_.op(applied.op);
      if (op.is_entry()) {
        apply_entry(op);
      } else {
        contents_[op.inode].push_back(applied);
      }
    }
  }

  CrashImage make() {
    enter(kRoot, {});
    if (!std::is_sorted(image_.entries.begin(), image_.entries.end(), by_path)) {
      std::sort(image_.entries.begin(), image_.entries.end(), by_path);
    }
    return std::move(image_);
  }

 private:
  static bool by_path(const CrashImage::Entry& a, const CrashImage::Entry& b) {
    return a.path < b.path;
  }

  void apply_entry(const MicroOp& op) {
    auto changed = changed_.find(op.parent);
    if (changed == changed_.end()) {
      const auto base = disk_.directories_.find(op.parent);
      changed =
          changed_.emplace(op.parent, base == disk_.directories_.end() ? Names{} : base->second)
              .first;
    }
    if (op.kind == MicroKind::kCreateEntry) {
      set_name(changed->second, op.name, op.inode);
    } else {
      remove_name(changed->second, op.name);
    }
  }

  [[nodiscard]] const Names* names_in(InodeId directory) const {
    if (const auto changed = changed_.find(directory); changed != changed_.end()) {
      return &changed->second;
    }
    const auto base = disk_.directories_.find(directory);
    return base == disk_.directories_.end() ? nullptr : &base->second;
  }

  void enter(InodeId directory, const std::string& prefix) {
    const Names* const names = names_in(directory);
    if (names == nullptr) {
      return;
    }
    above_.push_back(directory);
    for (const auto& [name, inode] : *names) {
      add(inode, prefix.empty() ? name.str() : prefix + "/" + name.str());
    }
    above_.pop_back();
  }

  void add(InodeId id, std::string path) {
    const Inode& inode = disk_.timeline_.inode(id);
    if (inode.kind == CrashImage::Kind::kDirectory) {
      // Entries of two renames can make a directory its own ancestor, which no tool could show.
      if (std::find(above_.begin(), above_.end(), id) == above_.end()) {
        image_.entries.push_back({path, inode.kind, disk_.mode_of(id), nullptr, 0});
        enter(id, path);
      }
      return;
    }
    const auto ops = contents_.find(id);
    image_.entries.push_back(
        {std::move(path), inode.kind, disk_.mode_of(id),
         disk_.content_with(
             id, ops == contents_.end() ? std::span<const AppliedOp>() : std::span(ops->second),
             tear_),
         id.value()});
  }

  Disk& disk_;
  const std::optional<Tear>& tear_;
  std::unordered_map<InodeId, Names> changed_;
  std::unordered_map<InodeId, std::vector<AppliedOp>> contents_;
  std::vector<InodeId> above_;
  CrashImage image_;
};

CrashImage Disk::image(std::span<const AppliedOp> ops, const std::optional<Tear>& tear) {
  return ImageMaker(*this, ops, tear).make();
}

}  // namespace crashpoint::crash
