// What a rename or a link brings into the data directory, and whether the directory is in the end what
// the trace makes of it. Part of Recorder.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/base/fd.h"
#include "harness/ptrace/files.h"
#include "harness/ptrace/kernel/on_disk.h"
#include "harness/ptrace/recorder.h"
#include "harness/ptrace/tree.h"

namespace crashpoint::ptrace {
namespace {

// Differences beyond this number are only counted.
constexpr std::size_t kTold = 5;

const trace::Name& found_name() {
  static const trace::Name kFound("found");
  return kFound;
}

}  // namespace

// At the entry of the call, so that it comes before what the call does with it.
void Recorder::read_arrivals(Thread& thread, const trace::Syscall& syscall,
                             const Call::Places& places) {
  if (syscall.op != trace::Op::kRename && syscall.op != trace::Op::kLink) {
    return;
  }
  const std::uint32_t flags = syscall.flags >= 0 ? thread.call.flags(syscall.flags) : 0;
  if (places.second.inside()) {
    const bool follow = syscall.op == trace::Op::kLink && (flags & AT_SYMLINK_FOLLOW) != 0;
    read_arrival(thread, places.first, follow);
  }
  if (syscall.op == trace::Op::kRename && (flags & RENAME_EXCHANGE) != 0 && places.first.inside()) {
    read_arrival(thread, places.second, /*follow=*/false);
  }
}

void Recorder::read_arrival(const Thread& thread, const Place& place, bool follow) {
  const Inode* const inode = files_.find(place, follow);
  if (inode == nullptr || inode->followed || inode->special || inode->elsewhere) {
    return;
  }
  const int flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
  const Fd source(place.last.empty() ? ::dup(place.opened.get())
                                     : ::openat(place.opened.get(), place.last.c_str(), flags));
  const std::optional<FileStatus> status =
      source.valid() ? status_of(source.get(), "", /*follow=*/false) : std::nullopt;
  if (!status) {
    return;
  }
  const std::string root = follow || place.last.empty() ? inode->path.str() : place.name.str();
  tell_found(thread, {.status = *status, .directory = source.get(), .name = {}, .path = root});
  if (!status->is_directory()) {
    return;
  }
  const auto visit = [&](const std::string& path, int directory, const std::string& name,
                         const FileStatus& entry) {
    tell_found(thread,
               {.status = entry, .directory = directory, .name = name, .path = root + "/" + path});
  };
  DirectoryWalk(visit, [&](const std::string& path) {
    unseen(fmt::format("{}/{} was moved in and could not be read", root, path));
  }).walk(source.get());
}

// One file of those that are moved in, as it is now.
void Recorder::tell_found(const Thread& thread, const FoundFile& found) {
  if (found.status.is_special()) {
    return;
  }
  using trace::Op;
  const std::string parent = found.path.substr(0, found.path.rfind('/'));
  const Inode* const directory = files_.followed(parent);
  const Inode& inode = files_.look(found.status, found.path);
  const bool has_name = inode.named;  // another one, that was followed before
  const std::string other_name = inode.path;
  const bool is_synced = !inode.unsynced;
  if (inode.in_flight > 0) {
    unseen(fmt::format("{} was moved in while it was written to", found.path));
  }
  const Op op = has_name                      ? Op::kLink
                : found.status.is_directory() ? Op::kMkdir
                : found.status.is_symlink()   ? Op::kSymlink
                                              : Op::kOpen;
  trace::Event& event = instant(thread, op, found_name());
  event.found = true;
  event.inside = true;
  event.synced_write = directory == nullptr || !directory->unsynced;
  event.file = inode.id;
  event.mode = found.status.permissions();
  event.directory = found.status.is_directory();
  event.created = op == Op::kOpen;
  event.path = op == Op::kLink      ? trace::Name(other_name)
               : op == Op::kSymlink ? trace::Name(link_target(found.directory, found.name))
                                    : trace::Name(found.path);
  event.path2 = op == Op::kLink || op == Op::kSymlink ? trace::Name(found.path) : trace::Name();
  complete(event);
  files_.follow(found.status, found.path);
  if (op != Op::kOpen || found.status.size == 0) {
    return;
  }
  trace::Event& content = instant(thread, Op::kWrite, found_name());
  content.found = true;
  content.inside = true;
  content.synced_write = is_synced;
  content.file = inode.id;
  content.path = found.path;
  content.length = found.status.size;
  content.data = read_found(found);
  content.result = static_cast<std::int64_t>(content.data.size);
  content.performed = content.result;
  complete(content);
  if (content.result != content.length) {
    unseen(fmt::format("{} was moved in and could not be read", found.path));
  }
}

trace::DataRef Recorder::read_found(const FoundFile& found) {
  const Fd file(
      found.name.empty()
          ? ::open(fmt::format("/proc/self/fd/{}", found.directory).c_str(), O_RDONLY | O_CLOEXEC)
          : ::openat(found.directory, found.name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  return file.valid() ? read_content(file.get(), 0, static_cast<std::size_t>(found.status.size))
                      : trace::DataRef{};
}

// Fewer bytes than asked for: the rest cannot be read.
trace::DataRef Recorder::read_content(int file, std::int64_t offset, std::size_t size) {
  std::byte* const room = store_->reserve(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got =
        ::pread(file, room + done, size - done, offset + static_cast<std::int64_t>(done));
    if (got <= 0) {
      break;
    }
    done += static_cast<std::size_t>(got);
  }
  return store_->commit(done);
}

// What was read at the entry of the call need not be what the call has brought in.
void Recorder::expect_followed(const Place& place) {
  const Inode* const there = place.inside() ? files_.find(place) : nullptr;
  if (there != nullptr && !there->followed && !there->special) {
    unseen(
        fmt::format("{} was moved in from outside: what it holds is not known", place.name.str()));
  }
}

void Recorder::check_end() {
  if (shared_) {
    return;
  }
  if (!files_.data_directory_is_there()) {
    watch_data_directory();
    return;
  }
  std::vector<Files::Difference> differences = files_.differences();
  if (differences.empty()) {
    return;
  }
  // A call that was cut off may have had its effect or not.
  std::set<trace::FileId> files;
  std::set<std::string> paths;
  for (const trace::Event& event : trace_.events) {
    if (event.exit == trace::kNever && event.inside) {
      files.insert(event.file);
      paths.insert({event.path.str(), event.path2.str()});
    }
  }
  std::erase_if(differences, [&](const Files::Difference& difference) {
    return files.contains(difference.file) ||
           std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
             return !path.empty() && is_inside(path, difference.path);
           });
  });
  for (std::size_t i = 0; i < differences.size(); ++i) {
    if (i == kTold) {
      unseen(fmt::format("{} more differ from what the calls that were seen make of them",
                         differences.size() - i));
      break;
    }
    unseen(fmt::format("{}: {}", differences[i].path, differences[i].what));
  }
}

}  // namespace crashpoint::ptrace
