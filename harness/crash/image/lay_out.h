// Writes one image after another to a directory; fast, because only what differs from the last image is
// written again.
//
// What a recovery changed in between is found by stat: every file laid out carries the same old
// modification time, and any write or truncation replaces it. (Except, on tmpfs, a write through a
// shared mapping. A target that maps its files for writing needs `keep_unchanged` off.)
// No symlink is ever followed and nothing outside the directory is touched, whatever a target has
// left in it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "harness/crash/image/image.h"

namespace crashpoint::crash {

// Not for use from several threads at once.
class Layout {
 public:
  struct Statistics {
    std::uint64_t images = 0;
    std::uint64_t files_written = 0;
    std::uint64_t files_kept = 0;
    std::uint64_t bytes_written = 0;
  };

  // Takes `directory` over, with whatever is in it; creates it (not its parents) when missing.
  // Throws EnvironmentError when it cannot.
  explicit Layout(std::filesystem::path directory, bool keep_unchanged = true);

  // When it returns, the directory holds exactly `image`. Modes are set as in the image, except
  // that the owner can always read and write. Throws EnvironmentError (no space, no permission);
  // the next call then starts afresh.
  void lay_out(const CrashImage& image);

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] const Statistics& statistics() const { return statistics_; }

 private:
  struct Laid {  // a file as it was left
    std::uint64_t inode = 0;
    Digest digest;
    std::uint32_t mode = 0;
  };
  class Session;

  std::filesystem::path directory_;
  bool keep_unchanged_;
  std::int64_t stamp_s_;  // the modification time of what we wrote
  std::map<std::string, Laid, std::less<>> laid_;
  Statistics statistics_;
};

// The same once: `directory` holds exactly `image` afterwards.
void lay_out(const trace::Image& image, const std::filesystem::path& directory);

}  // namespace crashpoint::crash
