// A disk in memory that remembers every write and flush a filesystem sends it: one file of a FUSE
// mount, for a loop device to lie on. Needs root.
#pragma once

#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "harness/base/error.h"
#include "harness/base/fd.h"

namespace crashpoint::crash {

class RecordingDisk {
 public:
  struct Entry {
    bool flush = false;
    std::uint64_t offset = 0;
    std::string data;
    std::uint64_t moment = 0;  // the newest moment when it arrived
  };

  // Mounts on `mount_point`, an empty directory.
  RecordingDisk(const std::filesystem::path& mount_point, std::uint64_t size)
      : mount_point_(mount_point), size_(size) {
    memory_ = static_cast<char*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    fuse_ = Fd(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
    const std::string options =
        fmt::format("fd={},rootmode=40755,user_id=0,group_id=0", fuse_.get());
    if (memory_ == MAP_FAILED || !fuse_.valid() ||
        ::mount("crashpoint", mount_point.c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) !=
            0) {
      throw EnvironmentError(fmt::format("no FUSE mount: {}", std::strerror(errno)));
    }
    thread_ = std::thread([this] { serve(); });
  }
  RecordingDisk(const RecordingDisk&) = delete;
  RecordingDisk& operator=(const RecordingDisk&) = delete;
  ~RecordingDisk() {
    ::umount2(mount_point_.c_str(), MNT_DETACH);
    thread_.join();
    ::munmap(memory_, size_);
  }

  [[nodiscard]] std::filesystem::path path() const { return mount_point_ / "disk"; }
  [[nodiscard]] std::uint64_t size() const { return size_; }

  // Entries are stamped with the newest value.
  void set_moment(std::uint64_t moment) { moment_ = moment; }

  // What is on the disk now, but for pages of zeros, as the beginning of a new recording.
  [[nodiscard]] std::vector<std::pair<std::uint64_t, std::string>> begin() {
    const std::lock_guard lock(mutex_);
    log_.clear();
    std::vector<std::pair<std::uint64_t, std::string>> pages;
    for (const std::uint64_t page : touched_) {
      std::string bytes(memory_ + page * kPage, kPage);
      if (bytes.find_first_not_of('\0') != std::string::npos) {
        pages.emplace_back(page * kPage, std::move(bytes));
      }
    }
    return pages;
  }
  [[nodiscard]] std::size_t log_size() const {
    const std::lock_guard lock(mutex_);
    return log_.size();
  }
  [[nodiscard]] std::vector<Entry> log() const {
    const std::lock_guard lock(mutex_);
    return log_;
  }

 private:
  static constexpr std::uint64_t kPage = 4096;
  static constexpr std::uint64_t kRoot = 1;
  static constexpr std::uint64_t kFile = 2;

  void serve() {
    std::vector<char> buffer(std::size_t{2} << 20);
    while (true) {
      const ssize_t count = ::read(fuse_.get(), buffer.data(), buffer.size());
      if (count < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT)) {
        continue;
      }
      if (count <= 0) {
        return;  // unmounted
      }
      answer(buffer.data());
    }
  }

  template <typename Out>
  void reply(std::uint64_t unique, const Out& out) {
    send(unique, 0, &out, sizeof out);
  }
  void send(std::uint64_t unique, int error, const void* data, std::size_t size) {
    std::string message(sizeof(fuse_out_header) + size, '\0');
    const fuse_out_header header{static_cast<std::uint32_t>(message.size()), -error, unique};
    std::memcpy(message.data(), &header, sizeof header);
    if (size > 0) {
      std::memcpy(message.data() + sizeof header, data, size);
    }
    (void)!::write(fuse_.get(), message.data(), message.size());
  }

  [[nodiscard]] fuse_attr attributes(std::uint64_t node) const {
    fuse_attr attr{};
    attr.ino = node;
    attr.mode = node == kRoot ? S_IFDIR | 0755U : S_IFREG | 0600U;
    attr.nlink = 1;
    attr.size = node == kRoot ? 0 : size_;
    attr.blocks = attr.size / 512;
    attr.blksize = kPage;
    return attr;
  }

  void answer(const char* message) {
    fuse_in_header in{};
    std::memcpy(&in, message, sizeof in);
    const char* const body = message + sizeof in;
    switch (in.opcode) {
      case FUSE_INIT: {
        fuse_init_out out{};
        out.major = FUSE_KERNEL_VERSION;
        out.minor = FUSE_KERNEL_MINOR_VERSION;
        out.max_readahead = 1U << 20U;
        out.flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES;
        out.max_write = 1U << 20U;
        out.max_pages = 256;
        out.max_background = 64;
        out.congestion_threshold = 48;
        out.time_gran = 1;
        reply(in.unique, out);
        return;
      }
      case FUSE_LOOKUP: {
        if (std::string_view(body) != "disk") {
          send(in.unique, ENOENT, nullptr, 0);
          return;
        }
        fuse_entry_out out{};
        out.nodeid = kFile;
        out.attr = attributes(kFile);
        out.entry_valid = out.attr_valid = 3600;
        reply(in.unique, out);
        return;
      }
      case FUSE_GETATTR: {
        fuse_attr_out out{};
        out.attr = attributes(in.nodeid);
        out.attr_valid = 3600;
        reply(in.unique, out);
        return;
      }
      case FUSE_SETATTR: {
        fuse_attr_out out{};
        out.attr = attributes(in.nodeid);
        reply(in.unique, out);
        return;
      }
      case FUSE_OPEN:
      case FUSE_OPENDIR:
        reply(in.unique, fuse_open_out{});
        return;
      case FUSE_READ: {
        fuse_read_in read{};
        std::memcpy(&read, body, sizeof read);
        const std::uint64_t end = std::min<std::uint64_t>(read.offset + read.size, size_);
        send(in.unique, 0, memory_ + read.offset, end > read.offset ? end - read.offset : 0);
        return;
      }
      case FUSE_WRITE: {
        fuse_write_in write{};
        std::memcpy(&write, body, sizeof write);
        store(write.offset, {body + sizeof write, write.size});
        fuse_write_out out{};
        out.size = write.size;
        reply(in.unique, out);
        return;
      }
      case FUSE_FSYNC: {
        {
          const std::lock_guard lock(mutex_);
          log_.push_back({true, 0, {}, moment_});
        }
        send(in.unique, 0, nullptr, 0);
        return;
      }
      case FUSE_FLUSH:
      case FUSE_RELEASE:
      case FUSE_RELEASEDIR:
        send(in.unique, 0, nullptr, 0);
        return;
      case FUSE_FORGET:
      case FUSE_BATCH_FORGET:
      case FUSE_INTERRUPT:
        return;  // not answered
      default:
        send(in.unique, ENOSYS, nullptr, 0);
        return;
    }
  }

  void store(std::uint64_t offset, std::string_view data) {
    const std::lock_guard lock(mutex_);
    std::memcpy(memory_ + offset, data.data(), data.size());
    for (std::uint64_t page = offset / kPage; page <= (offset + data.size() - 1) / kPage; ++page) {
      touched_.insert(page);
    }
    log_.push_back({false, offset, std::string(data), moment_});
  }

  std::filesystem::path mount_point_;
  std::uint64_t size_;
  char* memory_ = nullptr;
  Fd fuse_;
  std::atomic<std::uint64_t> moment_ = 0;
  mutable std::mutex mutex_;
  std::vector<Entry> log_;
  std::set<std::uint64_t> touched_;
  std::thread thread_;
};

}  // namespace crashpoint::crash
