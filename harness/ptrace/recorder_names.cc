#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "harness/base/check.h"
#include "harness/ptrace/files.h"
#include "harness/ptrace/recorder.h"
#include "harness/ptrace/tree.h"
#include "harness/trace/syscalls.h"

namespace crashpoint::ptrace {
namespace {

bool is_unnamed(std::uint32_t open_flags) {
  return (open_flags & O_TMPFILE) == O_TMPFILE;
}

bool is_busy(const Inode* inode) {
  return inode != nullptr && inode->in_flight > 0;
}

void changed_names(const Place& place) {
  if (place.directory != nullptr && !place.directory->followed) {
    place.directory->unsynced = true;
  }
}

}  // namespace

Place Recorder::place_at(const Thread& thread, std::int8_t directory, std::int8_t path) {
  return files_.place(thread.id, directory < 0 ? AT_FDCWD : thread.call.fd(directory),
                      thread.memory().read_string(thread.call.argument(path), PATH_MAX));
}

Recorder::Follow Recorder::enter_open(Thread& thread, const trace::Syscall& syscall) {
  Call& call = thread.call;
  std::uint32_t flags = syscall.flags >= 0 ? call.flags(syscall.flags) : syscall.flags_fixed;
  std::uint32_t mode = syscall.mode >= 0 ? call.flags(syscall.mode) : 0;
  if (syscall.number == SYS_openat2) {
    open_how how{};
    thread.memory().read_value(call.arguments[2], how);
    flags = static_cast<std::uint32_t>(how.flags);
    mode = static_cast<std::uint32_t>(how.mode);
  }
  const bool acts = (flags & O_PATH) == 0;
  const bool creates = acts && ((flags & O_CREAT) != 0 || is_unnamed(flags));
  const bool changes = creates || (acts && (flags & (O_WRONLY | O_RDWR | O_TRUNC)) != 0);
  Place place = place_at(thread, syscall.directory, syscall.path);
  if (!place.followed() && !changes) {
    return Follow::kNone;
  }
  if (!is_unnamed(flags)) {
    call.inode = files_.find(place, (flags & O_NOFOLLOW) == 0);
  }
  // The open of a FIFO waits for another process.
  if (creates && !is_unnamed(flags) && place.followed() &&
      (call.inode == nullptr || !call.inode->special)) {
    if (is_busy(place.directory)) {
      call.inode = place.directory;
      return Follow::kWait;
    }
    hold(call, place.directory);
  }
  trace::Event& event = begin(thread, syscall, trace::Op::kOpen);
  event.path = place.name;
  event.inside = place.followed();
  event.flags = flags;
  event.mode = creates ? mode & 07777U : 0;
  if (call.inode != nullptr && !is_unnamed(flags)) {
    this->place(event, *call.inode);
  }
  call.places =
      std::make_unique<Call::Places>(Call::Places{.first = std::move(place), .second = {}});
  return Follow::kExit;
}

// Asks the kernel what was opened and whether the call created it: by now, symlinks, other roots and races
// have been resolved.
void Recorder::leave_open(Thread& thread, trace::Event& event) {
  if (event.performed < 0) {
    return;
  }
  const int fd = static_cast<int>(event.performed);
  const Place& asked = thread.call.places->first;
  DescriptorTable& table = *thread.process->descriptors;
  table.forget(fd);
  event.fd = fd;
  const bool acts = (event.flags & O_PATH) == 0;
  Inode* inode = nullptr;
  if (acts && is_unnamed(event.flags)) {
    inode = files_.opened_unnamed(thread.id, fd, asked);
  } else if (acts && (event.flags & O_CREAT) != 0) {
    const Files::Opened result = files_.opened(thread.id, fd, asked, (event.flags & O_EXCL) != 0);
    event.created = result.made != nullptr;
    inode = result.made;
    if (result.lost) {
      unseen(fmt::format("{} was made by {}, and where cannot be told", asked.name.str(),
                         event.syscall.str()));
    }
    if (event.created) {
      changed_names(asked);
    }
  }
  if (inode != nullptr) {
    event.mode = inode->mode;  // the umask has had its say
  }
  const Descriptor* const opened = files_.descriptor(table, thread.id, fd);
  if (inode == nullptr && opened != nullptr) {
    inode = opened->inode;
  }
  if (inode == nullptr) {
    return;
  }
  place(event, *inode);
  if (acts && (event.flags & O_TRUNC) != 0 && !event.created && inode->regular) {
    event.truncated = true;
    files_.set_size(*inode, 0);
    inode->unsynced = inode->unsynced || !inode->followed;
  }
  if (acts && (event.flags & O_DIRECT) != 0 && inode->followed) {
    note(fmt::format(
        "{} is opened with O_DIRECT: its writes are seen, but they pass by the page cache, "
        "which the crash model does not know",
        inode->path.str()));
  }
}

Recorder::Follow Recorder::enter_names(Thread& thread, const trace::Syscall& syscall) {
  Call& call = thread.call;
  const std::uint32_t flags = syscall.flags >= 0 ? call.flags(syscall.flags) : 0;
  const std::uint32_t mode = syscall.mode >= 0 ? call.flags(syscall.mode) : 0;
  const bool makes_file = syscall.op == trace::Op::kOpen;
  if (makes_file && (mode & S_IFMT) != 0 && !S_ISREG(mode)) {
    return Follow::kNone;  // a FIFO, a socket or a device holds no data
  }
  Call::Places places;
  std::string target;
  if (syscall.op == trace::Op::kSymlink) {
    target = thread.memory().read_string(call.argument(syscall.path), PATH_MAX);
  } else {
    places.first = place_at(thread, syscall.directory, syscall.path);
    call.inode = files_.find(places.first,
                             syscall.op == trace::Op::kLink && (flags & AT_SYMLINK_FOLLOW) != 0);
  }
  const Inode* replaced = nullptr;
  if (syscall.path2 >= 0) {
    places.second = place_at(thread, syscall.directory2, syscall.path2);
    replaced = syscall.op == trace::Op::kRename ? files_.find(places.second) : nullptr;
  }
  Inode* const moved = syscall.op == trace::Op::kRename && call.inode != nullptr &&
                               call.inode->directory && call.inode->followed
                           ? call.inode
                           : nullptr;
  Inode* const first = places.first.followed() ? places.first.directory : nullptr;
  Inode* const second = places.second.followed() ? places.second.directory : nullptr;
  for (Inode* const busy : {first, second, moved}) {
    if (is_busy(busy)) {
      call.inode = busy;
      return Follow::kWait;
    }
  }
  read_arrivals(thread, syscall, places);
  for (Inode* const held : {first, second, moved}) {
    hold(call, held);
  }
  trace::Op op = syscall.op;
  if (op == trace::Op::kUnlink && ((flags | syscall.flags_fixed) & AT_REMOVEDIR) != 0) {
    op = trace::Op::kRmdir;
  }
  trace::Event& event = begin(thread, syscall, op);
  if (call.inode != nullptr) {
    place(event, *call.inode);
  }
  if (syscall.op == trace::Op::kSymlink) {
    event.path = target;
  } else if (syscall.op != trace::Op::kLink || call.inode == nullptr) {
    event.path = places.first.name;
  }
  event.path2 = places.second.name;
  event.inside = event.inside || places.first.followed() || places.second.followed();
  event.file2 = replaced != nullptr ? replaced->id : 0;
  event.flags = makes_file ? O_CREAT | O_EXCL : flags;
  event.mode = mode & 07777U;
  if (call.inode != nullptr && call.inode->special && !makes_file) {
    tell_of_special(event, replaced);
  }
  call.places = std::make_unique<Call::Places>(std::move(places));
  return Follow::kExit;
}

// What holds no data is not in the trace: only what it replaces is.
void Recorder::tell_of_special(trace::Event& event, const Inode* replaced) {
  if (event.op == trace::Op::kRename && replaced != nullptr && !replaced->special) {
    event.op = trace::Op::kUnlink;
    place(event, *replaced);
    event.path = event.path2;
    event.path2 = {};
    event.file2 = 0;
    return;
  }
  event.inside = false;
  event.path = files_.absolute(event.path);
  event.path2 = event.path2.empty() ? event.path2 : trace::Name(files_.absolute(event.path2));
}

void Recorder::leave_names(Thread& thread, trace::Event& event) {
  if (event.performed < 0) {
    return;
  }
  HARNESS_CHECK(thread.call.places != nullptr, thread.id.tid);
  const Call::Places& places = *thread.call.places;
  changed_names(places.first);
  changed_names(places.second);
  const trace::Op op = thread.call.syscall->op;
  if (op == trace::Op::kRename) {
    leave_rename(thread, event);
  } else if (op == trace::Op::kUnlink || op == trace::Op::kRmdir) {
    files_.unnamed(places.first.name);
    if (event.op == trace::Op::kRmdir && !places.first.inside()) {
      watch_data_directory();
    }
  } else if (op == trace::Op::kLink) {
    leave_link(thread, event);
  } else {
    leave_made(event, op == trace::Op::kSymlink ? places.second : places.first);
  }
}

void Recorder::leave_rename(Thread& thread, const trace::Event& event) {
  const Call::Places& places = *thread.call.places;
  const bool exchanged = (event.flags & RENAME_EXCHANGE) != 0;
  expect_followed(places.second);
  if (exchanged) {
    expect_followed(places.first);
  }
  files_.renamed(places.first, places.second, exchanged);
  if (thread.call.inode != nullptr && !thread.call.inode->followed) {
    thread.call.inode->path = places.second.name;
  }
  if (!places.first.inside() || !places.second.inside()) {
    watch_data_directory();
  }
}

void Recorder::leave_link(Thread& thread, trace::Event& event) {
  const Place& made = thread.call.places->second;
  Inode* const inode = files_.find(made);
  if (inode == nullptr || inode->special) {
    return;
  }
  event.file = inode->id;
  expect_followed(made);
  if (inode->followed || made.followed()) {
    files_.named(*inode, made.name);
  }
}

void Recorder::leave_made(trace::Event& event, const Place& made) {
  event.created = event.op == trace::Op::kOpen;
  const std::optional<FileStatus> status = files_.status(made);
  if (!status) {
    return;  // gone again
  }
  event.mode = status->permissions();
  event.file = files_.made(made, *status).id;
  event.directory = event.op == trace::Op::kMkdir;
}

void Recorder::watch_data_directory() {
  if (!files_.data_directory_is_there()) {
    files_.data_directory_went();
    unseen(
        "the data directory was removed, moved or replaced: what its path leads to since is not "
        "recorded");
  }
}

Recorder::Follow Recorder::enter_mode(Thread& thread, const trace::Syscall& syscall) {
  Call& call = thread.call;
  // Of extended attributes only the access control list has to do with the mode.
  constexpr std::string_view kAccess = "system.posix_acl_access";
  if (syscall.mode < 0 &&
      thread.memory().read_string(call.argument(1), kAccess.size() + 1) != kAccess) {
    return Follow::kNone;
  }
  const std::uint32_t flags = syscall.flags >= 0 ? call.flags(syscall.flags) : 0;
  Call::Places places;
  if (syscall.fd >= 0) {
    const Descriptor* const open = descriptor(thread, call.fd(syscall.fd));
    call.inode = open == nullptr ? nullptr : open->inode;
  } else {
    places.first = place_at(thread, syscall.directory, syscall.path);
    call.inode = files_.find(places.first, (flags & AT_SYMLINK_NOFOLLOW) == 0);
  }
  if (call.inode == nullptr || !call.inode->followed || call.inode->special) {
    return Follow::kNone;
  }
  trace::Event& event = begin(thread, syscall, trace::Op::kChmod);
  place(event, *call.inode);
  event.fd = syscall.fd >= 0 ? call.fd(syscall.fd) : -1;
  event.flags = flags;
  event.mode = syscall.mode < 0 ? call.inode->mode : call.flags(syscall.mode) & 07777U;
  call.places = std::make_unique<Call::Places>(std::move(places));
  return Follow::kExit;
}

void Recorder::leave_mode(Thread& thread, trace::Event& event) {
  if (event.performed < 0) {
    return;
  }
  // The kernel may have dropped a bit that the program has no right to set.
  const std::optional<FileStatus> status =
      event.fd >= 0
          ? status_of(AT_FDCWD, fmt::format("/proc/{}/fd/{}", thread.id.tid, event.fd),
                      /*follow=*/true)
          : files_.status(thread.call.places->first, (event.flags & AT_SYMLINK_NOFOLLOW) == 0);
  if (status) {
    event.mode = status->permissions();
  }
  thread.call.inode->mode = event.mode;
}

}  // namespace crashpoint::ptrace
