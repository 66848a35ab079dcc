// A filesystem mounted from a file through a loop device, for as long as this lives. Needs root.
#pragma once

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>

#include "fmt/format.h"
#include "harness/base/error.h"
#include "harness/base/fd.h"

namespace crashpoint::crash {

class LoopMount {
 public:
  LoopMount(const std::filesystem::path& file, const std::string& type, const std::string& options,
            std::filesystem::path mount_point)
      : mount_point_(std::move(mount_point)) {
    attach(file);
    if (::mount(device_.c_str(), mount_point_.c_str(), type.c_str(), MS_NOATIME, options.c_str()) !=
        0) {
      const int error = errno;
      detach();
      throw EnvironmentError(
          fmt::format("cannot mount {} as {}: {}", file.string(), type, std::strerror(error)));
    }
  }
  LoopMount(const LoopMount&) = delete;
  LoopMount& operator=(const LoopMount&) = delete;
  ~LoopMount() {
    // A filesystem may be busy for a moment after its last user is gone.
    while (::umount2(mount_point_.c_str(), 0) != 0 && errno == EBUSY) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    detach();
  }

  [[nodiscard]] const std::filesystem::path& path() const { return mount_point_; }

 private:
  void attach(const std::filesystem::path& file) {
    const Fd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    const Fd backing(::open(file.c_str(), O_RDWR | O_CLOEXEC));
    while (true) {
      const int number = control.valid() ? ::ioctl(control.get(), LOOP_CTL_GET_FREE) : -1;
      if (number < 0 || !backing.valid()) {
        throw EnvironmentError(
            fmt::format("no loop device for {}: {}", file.string(), std::strerror(errno)));
      }
      device_ = fmt::format("/dev/loop{}", number);
      loop_ = Fd(::open(device_.c_str(), O_RDWR | O_CLOEXEC));
      loop_config config{};
      config.fd = static_cast<std::uint32_t>(backing.get());
      config.info.lo_flags = LO_FLAGS_AUTOCLEAR;  // goes with us if we are killed
      if (loop_.valid() && ::ioctl(loop_.get(), LOOP_CONFIGURE, &config) == 0) {
        return;
      }
      if (errno != EBUSY) {  // else another took the number first
        throw EnvironmentError(fmt::format("cannot set up {}: {}", device_, std::strerror(errno)));
      }
    }
  }

  void detach() { ::ioctl(loop_.get(), LOOP_CLR_FD, 0); }

  std::filesystem::path mount_point_;
  std::string device_;
  Fd loop_;
};

}  // namespace crashpoint::crash
