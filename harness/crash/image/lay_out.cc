#include "harness/crash/image/lay_out.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/base/check.h"
#include "harness/base/error.h"
#include "harness/base/fd.h"
#include "harness/base/text.h"

namespace crashpoint::crash {
namespace {

std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

// From where the descriptor is: all, if it was just opened. (A DIR would take the descriptor over, or cost
// another open for each directory of each state.)
std::vector<std::string> names_in(int directory_fd) {
  std::vector<std::string> names;
  alignas(dirent64) std::array<char, 16384> buffer{};
  while (true) {
    const ssize_t size = ::getdents64(directory_fd, buffer.data(), buffer.size());
    if (size <= 0) {
      return names;
    }
    for (ssize_t at = 0; at < size;) {
      const auto* const entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") {
        names.emplace_back(name);
      }
      at += entry->d_reclen;
    }
  }
}

// Removes whatever is there, without following anything.
bool remove_tree(int directory_fd, const char* name) {
  if (::unlinkat(directory_fd, name, 0) == 0 || errno == ENOENT) {
    return true;
  }
  if (errno != EISDIR && errno != EPERM) {
    return false;
  }
  const Fd inside(::openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!inside.valid()) {
    return false;
  }
  (void)::fchmod(inside.get(), 0700);
  for (const std::string& below : names_in(inside.get())) {
    if (!remove_tree(inside.get(), below.c_str())) {
      return false;
    }
  }
  return ::unlinkat(directory_fd, name, AT_REMOVEDIR) == 0;
}

}  // namespace

// One call of lay_out(): the directories it has open, by path.
class Layout::Session {
 public:
  Session(Layout& layout, const CrashImage& image) : layout_(layout), image_(image) {
    HARNESS_CHECK(std::is_sorted(image.entries.begin(), image.entries.end(),
                                 [](const auto& a, const auto& b) { return a.path < b.path; }));
    for (const CrashImage::Entry& entry : image.entries) {
      if (entry.kind == CrashImage::Kind::kFile && entry.file != 0) {
        ++links_[entry.file].count;
      }
    }
  }

  void run() {
    Fd root(::open(layout_.directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root.valid()) {
      fail("open", {});
    }
    enter({}, std::move(root));
    for (const CrashImage::Entry& entry : image_.entries) {
      switch (entry.kind) {
        case CrashImage::Kind::kDirectory:
          place_directory(entry);
          break;
        case CrashImage::Kind::kSymlink:
          place_symlink(entry);
          break;
        case CrashImage::Kind::kFile:
          place_file(entry);
          break;
      }
    }
  }

 private:
  struct Links {
    nlink_t count = 0;
    std::string first;  // the path it was laid out at; empty: not yet
    Laid laid;
  };

  [[noreturn]] void fail(const char* what, std::string_view path) const {
    const int error = errno;
    throw EnvironmentError(fmt::format("cannot {} {}: {}", what,
                                       (layout_.directory_ / path).string(), error_text(error)));
  }

  int directory_of(std::string_view path) const {
    const auto at = directories_.find(std::string(parent_of(path)));
    if (at == directories_.end()) {
      throw EnvironmentError(fmt::format("the image has {} without its directory", path));
    }
    return at->second.get();
  }
  static const char* name_in(const std::string& path) {
    return path.c_str() + (path.rfind('/') + 1);  // npos + 1 == 0
  }

  // Removes everything in the directory that the image does not have.
  void enter(const std::string& path, Fd fd) {
    for (const std::string& name : names_in(fd.get())) {
      const std::string below = path.empty() ? name : path + "/" + name;
      if (image_.find(below) == nullptr && !remove_tree(fd.get(), name.c_str())) {
        fail("remove", below);
      }
    }
    directories_.emplace(path, std::move(fd));
  }

  void clear(const CrashImage::Entry& entry) {
    if (!remove_tree(directory_of(entry.path), name_in(entry.path))) {
      fail("remove", entry.path);
    }
    layout_.laid_.erase(entry.path);
  }

  Fd open_directory(const CrashImage::Entry& entry) const {
    return Fd(::openat(directory_of(entry.path), name_in(entry.path),
                       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }

  void place_directory(const CrashImage::Entry& entry) {
    Fd fd = open_directory(entry);
    if (!fd.valid()) {
      clear(entry);
      if (::mkdirat(directory_of(entry.path), name_in(entry.path), 0700) != 0) {
        fail("create", entry.path);
      }
      fd = open_directory(entry);
      if (!fd.valid()) {
        fail("open", entry.path);
      }
    }
    if (::fchmod(fd.get(), entry.mode | 0700U) != 0) {
      fail("set the mode of", entry.path);
    }
    enter(entry.path, std::move(fd));
  }

  void place_symlink(const CrashImage::Entry& entry) {
    const int directory_fd = directory_of(entry.path);
    std::array<char, PATH_MAX> target{};
    const ssize_t size =
        ::readlinkat(directory_fd, name_in(entry.path), target.data(), target.size());
    if (size >= 0 &&
        std::string_view(target.data(), static_cast<std::size_t>(size)) == entry.content->bytes) {
      return;
    }
    clear(entry);
    if (::symlinkat(entry.content->bytes.c_str(), directory_fd, name_in(entry.path)) != 0) {
      fail("create", entry.path);
    }
  }

  [[nodiscard]] bool is_kept(const CrashImage::Entry& entry, const Links* links) const {
    const auto known = layout_.laid_.find(entry.path);
    if (!layout_.keep_unchanged_ || known == layout_.laid_.end() ||
        known->second.digest != entry.content->digest || known->second.mode != entry.mode) {
      return false;
    }
    if (links != nullptr && !links->first.empty() && links->laid.inode != known->second.inode) {
      return false;
    }
    struct stat status {};
    return ::fstatat(directory_of(entry.path), name_in(entry.path), &status, AT_SYMLINK_NOFOLLOW) ==
               0 &&
           S_ISREG(status.st_mode) && status.st_ino == known->second.inode &&
           static_cast<std::size_t>(status.st_size) == entry.content->bytes.size() &&
           status.st_mtim.tv_sec == layout_.stamp_s_ && status.st_mtim.tv_nsec == 0 &&
           (status.st_mode & 07777U) == (entry.mode | 0600U) &&
           status.st_nlink == (links == nullptr ? 1 : links->count);
  }

  void place_file(const CrashImage::Entry& entry) {
    const auto found = links_.find(entry.file);
    Links* const links = found == links_.end() ? nullptr : &found->second;
    if (is_kept(entry, links)) {
      ++layout_.statistics_.files_kept;
    } else {
      clear(entry);
      if (links != nullptr && !links->first.empty()) {
        link_file(entry, *links);
      } else {
        write_file(entry);
      }
    }
    if (links != nullptr && links->first.empty()) {
      links->first = entry.path;
      links->laid = layout_.laid_.at(entry.path);
    }
  }

  void link_file(const CrashImage::Entry& entry, const Links& links) {
    if (::linkat(directory_of(links.first), name_in(links.first), directory_of(entry.path),
                 name_in(entry.path), 0) != 0) {
      fail("link", entry.path);
    }
    HARNESS_CHECK(links.laid.digest == entry.content->digest, entry.path, links.first);
    layout_.laid_[entry.path] = links.laid;
  }

  void write_file(const CrashImage::Entry& entry) {
    const Fd fd(::openat(directory_of(entry.path), name_in(entry.path),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, entry.mode | 0600U));
    if (!fd.valid()) {
      fail("create", entry.path);
    }
    std::string_view rest = entry.content->bytes;
    while (!rest.empty()) {
      const ssize_t count = ::write(fd.get(), rest.data(), rest.size());
      if (count < 0 && errno != EINTR) {
        fail("write", entry.path);
      }
      rest.remove_prefix(count < 0 ? 0 : static_cast<std::size_t>(count));
    }
    const std::array<timespec, 2> times{timespec{layout_.stamp_s_, 0},
                                        timespec{layout_.stamp_s_, 0}};
    struct stat status {};
    if (::futimens(fd.get(), times.data()) != 0 || ::fstat(fd.get(), &status) != 0) {
      fail("write", entry.path);
    }
    // The umask may have taken some of it away.
    const mode_t mode = entry.mode | 0600U;
    if ((status.st_mode & 07777U) != mode && ::fchmod(fd.get(), mode) != 0) {
      fail("set the mode of", entry.path);
    }
    layout_.laid_[entry.path] = {status.st_ino, entry.content->digest, entry.mode};
    ++layout_.statistics_.files_written;
    layout_.statistics_.bytes_written += entry.content->bytes.size();
  }

  Layout& layout_;
  const CrashImage& image_;
  std::unordered_map<std::string, Fd> directories_;
  std::unordered_map<trace::FileId, Links> links_;
};

Layout::Layout(std::filesystem::path directory, bool keep_unchanged)
    : directory_(std::move(directory)),
      keep_unchanged_(keep_unchanged),
      // An hour ago: nothing a target writes now can carry it.
      stamp_s_(std::chrono::duration_cast<std::chrono::seconds>(
                   std::chrono::system_clock::now().time_since_epoch())
                   .count() -
               3600) {
  if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) {
    throw EnvironmentError(
        fmt::format("cannot create {}: {}", directory_.string(), error_text(errno)));
  }
}

void Layout::lay_out(const CrashImage& image) {
  try {
    Session(*this, image).run();
  } catch (...) {
    laid_.clear();
    throw;
  }
  ++statistics_.images;
}

void lay_out(const trace::Image& image, const std::filesystem::path& directory) {
  Layout(directory, false).lay_out(share(image));
}

}  // namespace crashpoint::crash
