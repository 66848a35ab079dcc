#include "harness/ptrace/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "harness/base/check.h"
#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/ptrace/content.h"

namespace crashpoint::ptrace {
namespace {

trace::ImageEntry::Kind kind_of(const FileStatus& status) {
  using Kind = trace::ImageEntry::Kind;
  return status.is_directory() ? Kind::kDirectory
         : status.is_symlink() ? Kind::kSymlink
                               : Kind::kFile;
}

std::string joined(const std::string& directory, const std::string& last) {
  return last.empty()       ? directory
         : directory == "." ? last
                            : directory + (directory.ends_with('/') ? "" : "/") + last;
}

bool is_outside(std::string_view name) {
  return name.starts_with('/');
}

}  // namespace

Files::Files(const std::string& data_directory, trace::Image& initial, bool with_content,
             trace::Notes& notes)
    : data_directory_(canonical(data_directory)) {
  const Fd directory(::open(data_directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::optional<FileStatus> status = status_of(directory.get(), "", /*follow=*/false);
  if (!directory.valid() || !status) {
    throw EnvironmentError(fmt::format("the data directory {} is no directory", data_directory_));
  }
  key_ = status->key;
  follow(*status, ".");
  const auto visit = [&](const std::string& path, int parent, const std::string& name,
                         const FileStatus& found) {
    Inode& inode = follow(found, path);
    if (found.is_special()) {
      return;
    }
    trace::ImageEntry entry;
    entry.kind = kind_of(found);
    entry.mode = inode.mode;
    entry.file = inode.id;
    if (found.is_symlink()) {
      entry.content = link_target(parent, name);
    } else if (found.is_file() && with_content) {
      if (const std::string why = read_content(parent, name, entry.content); !why.empty()) {
        notes.push_back(fmt::format(
            "{} could not be read ({}): what was in it at the start is not in the trace", path,
            why));
      }
    }
    initial.insert_or_assign(path, std::move(entry));
  };
  DirectoryWalk(visit, [&](const std::string& path) {
    if (path.empty()) {
      throw EnvironmentError(
          fmt::format("cannot read the data directory {}: {}", data_directory_, error_text(errno)));
    }
    unreadable_.insert(path);
    notes.push_back(
        fmt::format("{} could not be read: what was in it at the start is not known", path));
  }).walk(directory.get());
}

// ---- which file

Inode& Files::add(const FileStatus& status, std::string_view absolute) {
  Inode& inode = inodes_.emplace_back();
  inode.id = inodes_.size();
  inode.path = went_ ? trace::Name(absolute) : name_in(data_directory_, absolute);
  inode.followed = !went_ && is_inside(data_directory_, absolute);
  inode.directory = status.is_directory();
  inode.regular = status.is_file();
  inode.special = status.is_special();
  inode.elsewhere = status.key.device != key_.device;
  inode.mode = status.permissions();
  inode.size = status.size;
  by_key_.insert_or_assign(status.key, &inode);
  return inode;
}

// A file that has lost its last name may have left its number to another.
Inode* Files::known(const FileStatus& status) const {
  const auto found = by_key_.find(status.key);
  if (found == by_key_.end()) {
    return nullptr;
  }
  Inode& inode = *found->second;
  const bool is_gone = inode.named && inode.names == 0;
  const bool is_same = inode.regular == status.is_file() &&
                       inode.directory == status.is_directory() && !(is_gone && status.names > 0);
  return is_same ? &inode : nullptr;
}

Inode& Files::known_or_added(const FileStatus& status, std::string_view absolute) {
  Inode* const inode = known(status);
  return inode != nullptr ? *inode : add(status, absolute);
}

Inode* Files::find(const Place& place, bool follow) {
  const std::optional<FileStatus> there = status(place, follow);
  if (!there) {
    return nullptr;
  }
  return &known_or_added(*there, absolute(place.name));
}

std::optional<FileStatus> Files::status(const Place& place, bool follow) const {
  return place.opened.valid() ? status_of(place.opened.get(), place.last, follow) : std::nullopt;
}

// ---- where

bool Files::same_root(pid_t tid) const {
  return !roots_may_differ_ || has_our_root(tid);
}

Place Files::place(ThreadId thread, int directory_fd, std::string_view path) {
  OpenedParent parent = open_parent(thread, directory_fd, path, same_root(thread.tid));
  Place place;
  const std::optional<FileStatus> status =
      parent.directory.valid() ? status_of(parent.directory.get(), "", /*follow=*/false)
                               : std::nullopt;
  if (!status) {
    place.name = resolve_path(data_directory_, thread, directory_fd, path).name;
    return place;
  }
  place.directory = known(*status);
  if (place.directory == nullptr) {
    place.directory = &add(*status, path_of_ours(parent.directory.get()));
  }
  place.name = joined(place.directory->path, parent.last);
  place.opened = std::move(parent.directory);
  place.last = std::move(parent.last);
  return place;
}

std::optional<Files::Found> Files::find_in(int directory, const std::string& last,
                                           const FileKey& key) {
  const std::optional<FileStatus> there = status_of(directory, last, /*follow=*/false);
  const std::optional<FileStatus> parent = status_of(directory, "", /*follow=*/false);
  if (last.empty() || !there || there->key != key || !parent) {
    return std::nullopt;
  }
  const Inode& in = known_or_added(*parent, path_of_ours(directory));
  return Found{joined(in.path, last), in.followed};
}

// The name of an open file: the one that was asked for, or, where a symlink led elsewhere, the one that
// the kernel knows it by. Nothing: neither leads to it.
std::optional<Files::Found> Files::place_of(ThreadId thread, int fd, const FileStatus& status,
                                            const Place& asked) {
  std::optional<Found> found;
  if (asked.opened.valid()) {
    found = find_in(asked.opened.get(), asked.last, status.key);
  }
  if (found) {
    return found;
  }
  const std::string path = link_target(AT_FDCWD, fmt::format("/proc/{}/fd/{}", thread.tid, fd));
  const std::size_t slash = path.rfind('/');
  for (const std::string& root : {std::string(), fmt::format("/proc/{}/root", thread.tid)}) {
    if (found || slash == std::string::npos) {
      break;
    }
    const Fd directory(
        ::open((root + path.substr(0, slash + 1)).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (directory.valid()) {
      found = find_in(directory.get(), path.substr(slash + 1), status.key);
    }
  }
  return found;
}

// ---- what has happened

Files::Opened Files::opened(ThreadId thread, int fd, const Place& asked, bool exclusive) {
  std::optional<FileStatus> status =
      status_of(AT_FDCWD, fmt::format("/proc/{}/fd/{}", thread.tid, fd), /*follow=*/true);
  if (!status) {
    status = this->status(asked);  // another thread has closed it already
  }
  if (!status || !status->is_file()) {
    return {};
  }
  Inode* inode = known(*status);
  const bool is_new = exclusive || inode == nullptr || (inode->followed && !inode->named);
  if (!is_new || (status->names == 0 && inode != nullptr)) {
    return {};
  }
  const std::optional<Found> found = place_of(thread, fd, *status, asked);
  const std::string name = found ? found->name : asked.name.str();
  if (inode == nullptr || !inode->followed || inode->named) {
    inode = &add(*status, name);
  }
  if (found ? found->followed : asked.followed()) {
    named(*inode, name);
  }
  return {.made = inode, .lost = !found && status->names > 0};
}

Inode* Files::opened_unnamed(ThreadId thread, int fd, const Place& directory) {
  const std::optional<FileStatus> status =
      status_of(AT_FDCWD, fmt::format("/proc/{}/fd/{}", thread.tid, fd), /*follow=*/true);
  if (!status) {
    return nullptr;
  }
  Inode& inode = add(*status, "");
  inode.path = joined(directory.name.str(), fmt::format("#{}", status->key.number));  // as in /proc
  inode.followed = directory.followed();
  return &inode;
}

Inode& Files::made(const Place& place, const FileStatus& status) {
  Inode* inode = known(status);
  if (inode == nullptr || !inode->followed || inode->named) {
    inode = &add(status, place.name.str());
  }
  if (place.followed()) {
    named(*inode, place.name);
  }
  return *inode;
}

Inode& Files::follow(const FileStatus& status, const std::string& name) {
  Inode& inode = known_or_added(status, name);
  if (!inode.followed) {
    inode.size = status.size;
    inode.mode = status.permissions();
  }
  named(inode, name);
  return inode;
}

void Files::named(Inode& inode, const std::string& name) {
  unnamed(name);
  names_.insert_or_assign(name, &inode);
  if (inode.names == 0) {
    inode.path = name;
  }
  inode.followed = true;
  inode.named = true;
  ++inode.names;
  if (!is_outside(name) && inode.names_inside++ == 0 && inode.regular) {
    bytes_inside_ += static_cast<std::uint64_t>(inode.size);
  }
}

void Files::unnamed(const std::string& name) {
  const auto found = names_.find(name);
  if (found == names_.end()) {
    return;
  }
  Inode& inode = *found->second;
  names_.erase(found);
  HARNESS_CHECK(inode.names > 0, name);
  --inode.names;
  if (is_outside(name)) {
    return;
  }
  HARNESS_CHECK(inode.names_inside > 0, name);
  if (--inode.names_inside == 0 && inode.regular) {
    HARNESS_CHECK(bytes_inside_ >= static_cast<std::uint64_t>(inode.size), bytes_inside_);
    bytes_inside_ -= static_cast<std::uint64_t>(inode.size);
  }
}

void Files::renamed(const Place& from, const Place& to, bool exchanged) {
  const std::string& old_name = from.name;
  const std::string& new_name = to.name;
  if (old_name == new_name) {
    return;
  }
  // Takes a name and, of a directory, all names below it out of the table: the rest of each name
  // after `name`, and the file.
  using Moved = std::vector<std::pair<std::string, Inode*>>;
  const auto take = [this](const std::string& name) {
    Moved moved;
    if (const auto found = names_.find(name); found != names_.end()) {
      moved.emplace_back("", found->second);
    }
    const std::string below = name + "/";
    for (auto at = names_.lower_bound(below); at != names_.end() && at->first.starts_with(below);
         ++at) {
      moved.emplace_back(at->first.substr(name.size()), at->second);
    }
    for (const auto& [rest, inode] : moved) {
      unnamed(name + rest);
    }
    return moved;
  };
  const auto put = [this](const Moved& moved, const std::string& name) {
    for (const auto& [rest, inode] : moved) {
      named(*inode, name + rest);
      inode->path = name + rest;
    }
  };
  const auto a = names_.find(old_name);
  const auto b = names_.find(new_name);
  if (!exchanged && a != names_.end() && b != names_.end() && a->second == b->second) {
    return;  // two names of one file: rename(2) leaves both
  }
  const Moved first = take(old_name);
  const Moved second = exchanged ? take(new_name) : Moved();
  unnamed(new_name);
  put(first, new_name);
  put(second, old_name);
}

const Inode* Files::followed(const std::string& name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : found->second;
}

void Files::synced_all() {
  for (Inode& inode : inodes_) {
    inode.unsynced = false;
  }
}

std::int64_t Files::growth(const trace::Event& event) const {
  HARNESS_CHECK(event.file >= 1 && event.file <= inodes_.size(), event.file, inodes_.size());
  const Inode& inode = inodes_[event.file - 1];
  return std::max<std::int64_t>(0, event.offset + event.length - inode.size);
}

void Files::set_size(Inode& inode, std::int64_t size) {
  if (inode.regular && inode.names_inside > 0) {
    bytes_inside_ += static_cast<std::uint64_t>(size) - static_cast<std::uint64_t>(inode.size);
  }
  inode.size = size;
}

// ---- the end

bool Files::data_directory_is_there() const {
  const std::optional<FileStatus> status = status_of(AT_FDCWD, data_directory_, /*follow=*/false);
  return status && status->key == key_;
}

std::string Files::absolute(const std::string& name) const {
  return is_outside(name) ? name : name == "." ? data_directory_ : data_directory_ + "/" + name;
}

std::vector<Files::Difference> Files::differences() const {
  std::vector<Difference> found;
  std::map<std::string, const Inode*, std::less<>> missing;
  for (const auto& [name, inode] : names_) {
    if (!is_outside(name) && name != "." && !inode->special) {
      missing.emplace(name, inode);
    }
  }
  const auto visit = [&](const std::string& path, int /*directory*/, const std::string& /*name*/,
                         const FileStatus& status) {
    if (status.is_special()) {
      return;
    }
    const auto expected = missing.find(path);
    if (expected == missing.end()) {
      found.push_back({path, 0, "no call that was seen made it"});
      return;
    }
    const Inode& inode = *expected->second;
    if (inode.directory != status.is_directory() || inode.regular != status.is_file()) {
      found.push_back({path, inode.id, "it is no longer what was made"});
    } else if (inode.regular && inode.size != status.size) {
      found.push_back({path, inode.id,
                       fmt::format("it has {} bytes, by the calls that were seen {}", status.size,
                                   inode.size)});
    } else if (!status.is_symlink() && inode.mode != status.permissions()) {
      found.push_back({path, inode.id,
                       fmt::format("its mode is {:04o}, by the calls that were seen {:04o}",
                                   status.permissions(), inode.mode)});
    }
    missing.erase(expected);
  };
  const Fd directory(::open(data_directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  DirectoryWalk(visit, [&](const std::string& path) {
    if (!unreadable_.contains(path)) {
      found.push_back({path.empty() ? "." : path, 0, "it could not be read"});
    }
    std::erase_if(missing, [&](const auto& entry) { return is_inside(path, entry.first); });
  }).walk(directory.get());
  for (const auto& [name, inode] : missing) {
    found.push_back({name, inode->id, "no call that was seen removed it"});
  }
  return found;
}

}  // namespace crashpoint::ptrace
