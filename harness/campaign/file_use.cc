#include "harness/campaign/file_use.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace crashpoint::campaign {
namespace {

constexpr std::uint32_t kUse = IN_OPEN | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;

}  // namespace

FileUse::FileUse(const trace::Image& image, const std::filesystem::path& folder)
    : events_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)), works_(events_.valid()) {
  std::map<std::filesystem::path, std::set<std::string>> by_directory;
  for (const auto& [path, entry] : image) {
    if (entry.kind == trace::ImageEntry::Kind::kFile) {
      const std::filesystem::path file = folder / path;
      by_directory[file.parent_path()].insert(file.filename().string());
      ++count_;
    }
  }
  for (const auto& [directory, names] : by_directory) {
    const int watch = ::inotify_add_watch(events_.get(), directory.c_str(), kUse);
    works_ = works_ && watch >= 0;
    files_[watch] = names;
  }
}

bool FileUse::any() const {
  if (!works_ || count_ == 0) {
    return true;
  }
  alignas(inotify_event) std::array<char, 1 << 16> buffer{};
  for (;;) {
    const ssize_t size = ::read(events_.get(), buffer.data(), buffer.size());
    if (size <= 0) {
      return false;
    }
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      inotify_event event{};
      std::memcpy(&event, &buffer[at], sizeof event);
      const char* const name = &buffer[at + sizeof event];
      const auto names = files_.find(event.wd);
      if ((event.mask & IN_Q_OVERFLOW) != 0 ||
          (event.len > 0 && names != files_.end() && names->second.contains(name))) {
        return true;
      }
      at += sizeof event + event.len;
    }
  }
}

}  // namespace crashpoint::campaign
