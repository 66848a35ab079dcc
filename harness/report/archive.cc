#include "harness/report/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/error.h"

namespace crashpoint::report {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kChunk = std::size_t{1} << 16;

using Reader = std::unique_ptr<archive, decltype(&archive_read_free)>;
using Writer = std::unique_ptr<archive, decltype(&archive_write_free)>;
using Entry = std::unique_ptr<archive_entry, decltype(&archive_entry_free)>;

// (device, inode): identifies a file that has several names.
using FileIdentity = std::pair<dev_t, ino_t>;

class Packer {
 public:
  Packer(const fs::path& folder, const fs::path& target)
      : folder_(folder), target_(target), archive_(archive_write_new(), archive_write_free) {
    check(archive_write_set_format_pax_restricted(archive_.get()));
    check(archive_write_add_filter_zstd(archive_.get()));
    check(archive_write_open_filename(archive_.get(), target.c_str()));
  }

  void pack() {
    std::vector<fs::path> paths = {folder_};
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder_)) {
      paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    for (const fs::path& path : paths) {
      add(path);
    }
    check(archive_write_close(archive_.get()));
  }

 private:
  void check(int status) const {
    if (status != ARCHIVE_OK) {
      throw EnvironmentError(fmt::format("cannot write {}: {}", target_.string(),
                                         archive_error_string(archive_.get())));
    }
  }

  void add(const fs::path& path) {
    struct stat status {};
    if (lstat(path.c_str(), &status) != 0) {
      throw EnvironmentError("cannot read " + path.string());
    }
    const std::string name =
        (folder_.filename() / path.lexically_relative(folder_)).lexically_normal().string();
    const Entry entry(archive_entry_new(), archive_entry_free);
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_mode(entry.get(), status.st_mode);
    if (S_ISLNK(status.st_mode)) {
      archive_entry_set_symlink(entry.get(), fs::read_symlink(path).c_str());
    }
    const bool file = S_ISREG(status.st_mode);
    const auto [first, is_first] = names_.emplace(FileIdentity{status.st_dev, status.st_ino}, name);
    if (file && !is_first) {
      archive_entry_set_hardlink(entry.get(), first->second.c_str());
    }
    const bool with_content = file && is_first;
    archive_entry_set_size(entry.get(), with_content ? status.st_size : 0);
    check(archive_write_header(archive_.get(), entry.get()));
    if (with_content) {
      copy_content(path, status.st_size);
    }
  }

  void copy_content(const fs::path& path, off_t size) {
    std::ifstream file(path, std::ios::binary);
    std::array<char, kChunk> chunk{};
    for (off_t left = size; left > 0;) {
      file.read(chunk.data(), std::min<std::streamsize>(left, kChunk));
      if (file.gcount() == 0 ||
          archive_write_data(archive_.get(), chunk.data(),
                             static_cast<std::size_t>(file.gcount())) != file.gcount()) {
        throw EnvironmentError(
            fmt::format("cannot copy {} into {}", path.string(), target_.string()));
      }
      left -= file.gcount();
    }
  }

  const fs::path& folder_;
  const fs::path& target_;
  Writer archive_;
  std::map<FileIdentity, std::string> names_;
};

[[noreturn]] void refuse(const fs::path& source, const std::string& why) {
  throw UsageError(fmt::format("{}: {}", source.string(), why));
}

// libarchive refuses ".." and symlinks in a path (ARCHIVE_EXTRACT_SECURE_*). This function refuses
// absolute names and makes the others, including targets of hard links, relative to `folder`.
std::string inside(const fs::path& source, const fs::path& folder, const std::string& name) {
  const fs::path path(name);
  if (path.empty() || path.is_absolute() ||
      std::find(path.begin(), path.end(), fs::path("..")) != path.end()) {
    refuse(source, fmt::format("entry '{}' leads out of the archive", name));
  }
  return (folder / path).string();
}

void copy_content(const fs::path& source, archive* from, archive* to) {
  const void* block = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  int status = ARCHIVE_OK;
  while ((status = archive_read_data_block(from, &block, &size, &offset)) == ARCHIVE_OK) {
    if (archive_write_data_block(to, block, size, offset) != ARCHIVE_OK) {
      throw EnvironmentError(
          fmt::format("cannot unpack {}: {}", source.string(), archive_error_string(to)));
    }
  }
  if (status != ARCHIVE_EOF) {
    refuse(source, archive_error_string(from));
  }
}

}  // namespace

void pack(const fs::path& folder, const fs::path& archive) {
  const fs::path whole = fs::weakly_canonical(folder);
  Packer(whole, archive).pack();
}

fs::path unpack(const fs::path& source, const fs::path& folder) {
  const Reader reader(archive_read_new(), archive_read_free);
  const Writer disk(archive_write_disk_new(), archive_write_free);
  archive_read_support_format_tar(reader.get());
  archive_read_support_filter_zstd(reader.get());
  archive_write_disk_set_options(disk.get(), ARCHIVE_EXTRACT_PERM |
                                                 ARCHIVE_EXTRACT_SECURE_NODOTDOT |
                                                 ARCHIVE_EXTRACT_SECURE_SYMLINKS);
  if (archive_read_open_filename(reader.get(), source.c_str(), kChunk) != ARCHIVE_OK) {
    refuse(source, archive_error_string(reader.get()));
  }
  // Symlinks in the path of `folder` itself are allowed.
  const fs::path root = fs::canonical(folder);
  std::set<std::string> tops;
  archive_entry* entry = nullptr;
  int status = ARCHIVE_OK;
  while ((status = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK) {
    const std::string name = archive_entry_pathname(entry);
    const std::string place = inside(source, root, name);
    tops.insert(fs::path(name).begin()->string());
    if (const auto type = archive_entry_filetype(entry); type != AE_IFREG && type != AE_IFDIR &&
                                                         type != AE_IFLNK &&
                                                         archive_entry_hardlink(entry) == nullptr) {
      refuse(source, fmt::format("entry '{}' is not a file, directory or link", name));
    }
    archive_entry_set_pathname(entry, place.c_str());
    archive_entry_set_perm(entry, archive_entry_perm(entry) & 0777);  // nothing set-user-id
    if (const char* link = archive_entry_hardlink(entry); link != nullptr) {
      archive_entry_set_hardlink(entry, inside(source, root, link).c_str());
    }
    if (archive_write_header(disk.get(), entry) != ARCHIVE_OK) {
      refuse(source, fmt::format("entry '{}' cannot be unpacked: {}", name,
                                 archive_error_string(disk.get())));
    }
    copy_content(source, reader.get(), disk.get());
  }
  if (status != ARCHIVE_EOF) {
    refuse(source, archive_error_string(reader.get()));
  }
  if (tops.size() != 1 || archive_write_close(disk.get()) != ARCHIVE_OK) {
    refuse(source,
           fmt::format("the archive holds {} top-level entries; a bundle has one", tops.size()));
  }
  return folder / *tops.begin();
}

}  // namespace crashpoint::report
