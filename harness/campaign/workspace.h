// The folder in which a run's targets live: on tmpfs where there is room, gone when the run ends.
//
// A run that is killed cannot clean up after itself, so each workspace holds a lock, and opening
// one removes those left behind whose lock nobody holds.
#pragma once

#include <filesystem>

namespace crashpoint::campaign {

class Workspace {
 public:
  // Makes `<parent>/crashpoint-XXXXXX`. `parent` is $CRASHPOINT_TMPDIR if set, else /dev/shm where
  // it has 256 MiB free, else the temp folder. Throws EnvironmentError.
  static Workspace open();
  // The same below a given parent (tests).
  static Workspace open_in(const std::filesystem::path& given);

  Workspace(Workspace&& other) noexcept;
  Workspace& operator=(Workspace&&) = delete;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  // Removes the folder and all in it. A forked process that exits with _exit() does not get here.
  ~Workspace();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  Workspace(std::filesystem::path path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}

  std::filesystem::path path_;
  int lock_fd_ = -1;
};

}  // namespace crashpoint::campaign
