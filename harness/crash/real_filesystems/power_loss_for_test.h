// Disks that a power loss could have left: all writes up to the last flush that returned, and any of the
// writes since, whole sectors of them.
#pragma once

#include <fcntl.h>
#include <linux/btrfs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "harness/base/error.h"
#include "harness/base/fd.h"
#include "harness/base/random.h"
#include "harness/crash/image/lay_out.h"
#include "harness/crash/real_filesystems/filesystem_for_test.h"
#include "harness/crash/real_filesystems/loop_mount_for_test.h"
#include "harness/crash/real_filesystems/perform_for_test.h"
#include "harness/crash/real_filesystems/recording_disk_for_test.h"
#include "harness/crash/real_filesystems/workloads_for_test.h"
#include "harness/crash/timeline.h"

namespace crashpoint::crash {

// A workload that ran in a directory of its own, and the entries of the disk's log that it made.
struct RecordedRun {
  const Workload* workload = nullptr;
  std::string directory;
  std::size_t first = 0;
  std::size_t last = 0;  // past them
};

// Several runs on one filesystem. (Its disks are mounted after it was unmounted: two filesystems of the
// same id cannot be mounted together.)
struct Recording {
  std::vector<std::pair<std::uint64_t, std::string>> begin;  // of the disk, by offset
  std::vector<RecordingDisk::Entry> log;
  std::vector<RecordedRun> runs;
};

// What the kernel does on its own within half a minute, at once and in an order drawn by the seed: the
// journal is committed, files are written back.
class Kernel {
 public:
  Kernel(const Filesystem& filesystem, std::filesystem::path root, std::filesystem::path directory,
         std::uint64_t seed)
      : filesystem_(filesystem),
        root_(std::move(root)),
        directory_(std::move(directory)),
        random_(seed, "kernel") {}

  // Between two calls of the program.
  void now_and_then() {
    while (random_.chance(0.6)) {
      act();
    }
  }

  // After the last call: some of it, and then all.
  void finish() {
    for (std::uint64_t acts = random_.below(4); acts > 0; --acts) {
      act();
    }
    commit();
    ::syncfs(open(root_).get());
  }

 private:
  static Fd open(const std::filesystem::path& path) {
    return Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }

  void act() {
    if (random_.chance(0.5)) {
      commit();
    } else {
      write_back();
    }
  }

  void commit() {
    const Fd root = open(root_);
    if (filesystem_.type == "btrfs") {  // without the data, as its thread does every 30 seconds
      std::uint64_t transaction = 0;
      if (::ioctl(root.get(), BTRFS_IOC_START_SYNC, &transaction) == 0) {
        ::ioctl(root.get(), BTRFS_IOC_WAIT_SYNC, &transaction);
      }
      return;
    }
    // A file of nobody's is synced, whose name is newer than all else in the journal.
    const std::string name = fmt::format("other-{}-{}", directory_.filename().string(), ++others_);
    const Fd other(::open((root_ / name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    ::fsync(other.get());
  }

  void write_back() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_)) {
      if (entry.is_regular_file()) {
        files.push_back(entry.path());
      }
    }
    std::sort(files.begin(), files.end());
    for (const std::filesystem::path& file : files) {
      if (random_.chance(0.7)) {
        const bool waits = random_.chance(0.5);
        ::sync_file_range(open(file).get(), 0, 0,
                          SYNC_FILE_RANGE_WRITE | (waits ? SYNC_FILE_RANGE_WAIT_AFTER : 0U));
      }
    }
  }

  const Filesystem& filesystem_;
  std::filesystem::path root_;
  std::filesystem::path directory_;
  Random random_;
  int others_ = 0;
};

inline Recording record(const Filesystem& filesystem, std::span<const Workload> workloads,
                        const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder / "fuse");
  std::filesystem::create_directories(folder / "mount");
  RecordingDisk disk(folder / "fuse", filesystem.size);
  make_filesystem(filesystem, disk.path());
  Recording recording;
  const LoopMount mounted(disk.path(), filesystem.type, filesystem.mount_options, folder / "mount");
  const Fd root(::open(mounted.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ::syncfs(root.get());
  recording.begin = disk.begin();
  for (const Workload& workload : workloads) {
    const std::string name = fmt::format("w{}", recording.runs.size());
    const std::filesystem::path directory = mounted.path() / name;
    lay_out(workload.script.trace().initial, directory);
    ::syncfs(root.get());
    disk.set_moment(0);
    RecordedRun run{&workload, name, disk.log_size(), 0};
    Kernel kernel(filesystem, mounted.path(), directory, workload.seed);
    Performer performer(directory, [&](trace::Position moment) { disk.set_moment(moment); });
    performer.perform(workload.script.trace(), [&] { kernel.now_and_then(); });
    disk.set_moment(workload.script.now() - 1);
    kernel.finish();
    run.last = disk.log_size();
    recording.runs.push_back(std::move(run));
  }
  recording.log = disk.log();
  return recording;
}

struct LostPower {
  std::size_t at = 0;               // entries of the log before this one had come
  std::set<std::size_t> lost;       // of those, writes that are not on the disk
  std::set<std::size_t> half_lost;  // and writes of which only the first half of the sectors are
};

// btrfs mounts from the superblock at 64 KiB, of 4 KiB with one checksum: torn, there is no filesystem
// to look at.
inline bool is_superblock_of_btrfs(const Filesystem& filesystem,
                                   const RecordingDisk::Entry& entry) {
  constexpr std::uint64_t kPlace = 64U << 10U;
  return filesystem.type == "btrfs" && entry.offset <= kPlace &&
         kPlace < entry.offset + entry.data.size();
}

inline constexpr std::size_t kDisksMax =
    16;  // of one run: each is mounted, which takes most of the time

// At every entry of the run, with all that came since the last flush, with none and with some of it; a
// choice of these, drawn by the seed.
inline std::vector<LostPower> power_losses(const Filesystem& filesystem, const Recording& recording,
                                           const RecordedRun& run) {
  Random random(run.workload->seed, "power-losses/" + run.workload->name);
  std::vector<LostPower> losses;
  std::size_t flushed = run.first;  // entries up to here are on the disk for good
  for (std::size_t at = run.first; at <= run.last; ++at) {
    losses.push_back({at, {}, {}});
    if (at > flushed) {
      LostPower none{at, {}, {}};
      for (std::size_t i = flushed; i < at; ++i) {
        none.lost.insert(i);
      }
      losses.push_back(std::move(none));
    }
    if (at - flushed > 1) {
      for (int sample = 0; sample < 4; ++sample) {
        LostPower loss{at, {}, {}};
        const double density = random.fraction();
        for (std::size_t i = flushed; i < at; ++i) {
          if (random.chance(density)) {
            const bool whole =
                random.chance(0.8) || is_superblock_of_btrfs(filesystem, recording.log[i]);
            (whole ? loss.lost : loss.half_lost).insert(i);
          }
        }
        losses.push_back(std::move(loss));
      }
    }
    if (at < run.last && recording.log[at].flush) {
      flushed = at + 1;
    }
  }
  while (losses.size() > kDisksMax) {
    losses.erase(losses.begin() + static_cast<std::ptrdiff_t>(random.below(losses.size())));
  }
  return losses;
}

inline void write_disk(const Recording& recording, const LostPower& loss, std::uint64_t size,
                       const std::filesystem::path& file) {
  std::filesystem::remove(file);
  const Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  const auto put = [&](std::uint64_t offset, std::string_view data) {
    if (::pwrite(fd.get(), data.data(), data.size(), static_cast<off_t>(offset)) !=
        static_cast<ssize_t>(data.size())) {
      throw EnvironmentError(fmt::format("cannot write {}", file.string()));
    }
  };
  if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
    throw EnvironmentError(fmt::format("cannot write {}", file.string()));
  }
  for (const auto& [offset, data] : recording.begin) {
    put(offset, data);
  }
  for (std::size_t i = 0; i < loss.at; ++i) {
    const RecordingDisk::Entry& entry = recording.log[i];
    if (entry.flush || loss.lost.contains(i)) {
      continue;
    }
    std::string_view data = entry.data;
    if (loss.half_lost.contains(i)) {
      data = data.substr(0, data.size() / kSectorSize / 2 * kSectorSize);
    }
    put(entry.offset, data);
  }
}

}  // namespace crashpoint::crash
