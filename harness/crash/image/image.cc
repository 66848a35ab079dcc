#include "harness/crash/image/image.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <map>
#include <utility>

#include "harness/base/error.h"
#include "harness/base/fd.h"
#include "harness/base/text.h"

namespace crashpoint::crash {
namespace {

[[noreturn]] void fail(const std::filesystem::path& directory, const std::string& path) {
  throw EnvironmentError(
      fmt::format("cannot read {}: {}", (directory / path).string(), error_text(errno)));
}

std::string read_all(int fd, std::size_t size_hint, const std::filesystem::path& directory,
                     const std::string& path) {
  std::string bytes;
  std::size_t used = 0;
  while (true) {
    bytes.resize(std::max(used + 4096, size_hint + 1));
    const ssize_t count = ::read(fd, bytes.data() + used, bytes.size() - used);
    if (count < 0) {
      if (errno == EINTR) {
        continue;
      }
      fail(directory, path);
    }
    if (count == 0) {
      bytes.resize(used);
      return bytes;
    }
    used += static_cast<std::size_t>(count);
    size_hint = std::max(size_hint, used);
  }
}

std::string read_link(int directory_fd, const char* name, const std::filesystem::path& directory,
                      const std::string& path) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlinkat(directory_fd, name, target.data(), target.size());
  if (size < 0) {
    fail(directory, path);
  }
  return {target.data(), static_cast<std::size_t>(size)};
}

class Reader {
 public:
  explicit Reader(std::filesystem::path directory) : directory_(std::move(directory)) {}

  trace::Image read() {
    const int fd = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
      fail(directory_, {});
    }
    read_below(Fd(fd), {});
    return std::move(image_);
  }

 private:
  void read_below(Fd directory_fd, const std::string& prefix) {
    DIR* const stream = ::fdopendir(directory_fd.get());
    if (stream == nullptr) {
      fail(directory_, prefix);
    }
    (void)directory_fd.release();  // the stream closes it
    const std::unique_ptr<DIR, int (*)(DIR*)> closer(stream, ::closedir);
    errno = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    while (const dirent* const entry = ::readdir(stream)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") {
        read_entry(::dirfd(stream), entry->d_name, prefix);
      }
      errno = 0;
    }
    if (errno != 0) {
      fail(directory_, prefix);
    }
  }

  void read_entry(int directory_fd, const char* name, const std::string& prefix) {
    const std::string path = prefix.empty() ? name : prefix + "/" + name;
    struct stat status {};
    if (::fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) {
        return;  // removed since it was listed
      }
      fail(directory_, path);
    }
    trace::ImageEntry entry;
    entry.mode = status.st_mode & 07777U;
    if (S_ISLNK(status.st_mode)) {
      entry.kind = trace::ImageEntry::Kind::kSymlink;
      entry.content = read_link(directory_fd, name, directory_, path);
    } else if (S_ISDIR(status.st_mode)) {
      entry.kind = trace::ImageEntry::Kind::kDirectory;
    } else if (!S_ISREG(status.st_mode)) {
      return;
    }
    entry.file =
        files_.try_emplace({status.st_dev, status.st_ino}, files_.size() + 1).first->second;
    if (S_ISLNK(status.st_mode)) {
      image_.emplace(path, std::move(entry));
      return;
    }
    const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC |
                      (S_ISDIR(status.st_mode) ? O_DIRECTORY : 0);
    Fd fd(::openat(directory_fd, name, flags));
    if (!fd.valid()) {
      fail(directory_, path);
    }
    if (S_ISREG(status.st_mode)) {
      entry.content =
          read_all(fd.get(), static_cast<std::size_t>(status.st_size), directory_, path);
    }
    image_.emplace(path, std::move(entry));
    if (S_ISDIR(status.st_mode)) {
      read_below(std::move(fd), path);
    }
  }

  std::filesystem::path directory_;
  trace::Image image_;
  std::map<std::pair<dev_t, ino_t>, trace::FileId> files_;
};

}  // namespace

Digest digest_of(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

std::string to_hex(const Digest& digest) {
  return fmt::format("{:016x}{:016x}", digest.high, digest.low);
}

const CrashImage::Entry* CrashImage::find(std::string_view path) const {
  const auto at = std::lower_bound(
      entries.begin(), entries.end(), path,
      [](const Entry& entry, std::string_view wanted) { return entry.path < wanted; });
  return at != entries.end() && at->path == path ? &*at : nullptr;
}

Digest CrashImage::digest() const {
  // Two names of one file differ from two equal files by the position of the first name.
  std::map<trace::FileId, std::uint64_t> first_name;
  for (std::size_t i = entries.size(); i-- > 0;) {
    if (entries[i].kind == Kind::kFile && entries[i].file != 0) {
      first_name[entries[i].file] = i;
    }
  }
  std::string text;
  const auto add_number = [&text](auto number) {
    text.append(reinterpret_cast<const char*>(&number), sizeof number);
  };
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    add_number(entry.path.size());
    text += entry.path;
    add_number(entry.kind);
    add_number(entry.mode);
    if (entry.content != nullptr) {
      add_number(entry.content->digest.high);
      add_number(entry.content->digest.low);
    }
    const auto named = first_name.find(entry.file);
    add_number(named == first_name.end() ? i : named->second);
  }
  return digest_of(text);
}

trace::Image image_of(const std::map<std::string, std::string>& files) {
  trace::Image image;
  for (const auto& [path, bytes] : files) {
    for (std::size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      image[path.substr(0, slash)] = {trace::ImageEntry::Kind::kDirectory, 0755, {}, 0};
    }
    image[path] = {trace::ImageEntry::Kind::kFile, 0644, bytes, 0};
  }
  return image;
}

CrashImage share(const trace::Image& image) {
  CrashImage shared;
  shared.entries.reserve(image.size());
  for (const auto& [path, entry] : image) {
    const bool has_content = entry.kind != trace::ImageEntry::Kind::kDirectory;
    shared.entries.push_back(
        {path, entry.kind, entry.mode,
         has_content ? std::make_shared<const Content>(entry.content) : nullptr, entry.file});
  }
  return shared;
}

trace::Image to_image(const CrashImage& image) {
  trace::Image copy;
  for (const CrashImage::Entry& entry : image.entries) {
    copy.emplace_hint(
        copy.end(), entry.path,
        trace::ImageEntry{entry.kind, entry.mode,
                          entry.content == nullptr ? "" : entry.content->bytes, entry.file});
  }
  return copy;
}

trace::Image read_directory(const std::filesystem::path& directory) {
  return Reader(directory).read();
}

}  // namespace crashpoint::crash
