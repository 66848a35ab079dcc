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
#include <map>
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
    const std::uint64_t what = random_.below(3);
    if (what != 0) {
      write_back();
    }
    if (what != 1) {
      commit();
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
    static_cast<void>(::fsync(other.get()));
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
        opened_.push_back(open(file));
        ::sync_file_range(opened_.back().get(), 0, 0,
                          SYNC_FILE_RANGE_WRITE | (waits ? SYNC_FILE_RANGE_WAIT_AFTER : 0U));
      }
    }
  }

  const Filesystem& filesystem_;
  std::filesystem::path root_;
  std::filesystem::path directory_;
  Random random_;
  std::vector<Fd>
      opened_;  // not closed meanwhile: a close makes ext4 forget what it has to allocate
  int others_ = 0;
};

inline Recording record(const Filesystem& filesystem, const std::string& mount_options,
                        std::span<const Workload> workloads, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder / "fuse");
  std::filesystem::create_directories(folder / "mount");
  RecordingDisk disk(folder / "fuse", filesystem.size);
  make_filesystem(filesystem, disk.path());
  Recording recording;
  const LoopMount mounted(disk.path(), filesystem.type, mount_options, folder / "mount");
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

// A disk that a power loss could have left.
struct LostPower {
  using Writes = std::vector<std::pair<std::size_t, bool>>;
  Writes writes;             // of the run, by entry of the log; whether only half of its sectors
  std::set<std::size_t> at;  // when: the entries of the log before one of these had come
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

// The entries that had come when the last call of the run returned.
inline std::size_t end_of_calls(const Recording& recording, const RecordedRun& run) {
  std::size_t at = run.first;
  while (at < run.last && recording.log[at].moment + 1 < run.workload->script.now()) {
    ++at;
  }
  return at;
}

// At every entry of the run, with all that came since the last flush, with none and with some of it, each
// disk once. Drawn of these by the seed are first such that the last call may have left, then such as the
// kernel left of it afterwards, and a few of the time before.
inline std::vector<LostPower> power_losses(const Filesystem& filesystem, const Recording& recording,
                                           const RecordedRun& run) {
  Random random(run.workload->seed, "power-losses/" + run.workload->name);
  std::map<LostPower::Writes, std::set<std::size_t>> disks;
  std::size_t flushed = run.first;  // entries up to here are on the disk for good
  const auto add = [&](std::size_t at, double density) {
    LostPower::Writes writes;
    for (std::size_t i = run.first; i < at; ++i) {
      const bool reached = i < flushed || !random.chance(density);
      const bool half = !reached && density < 1 && random.chance(0.2) &&
                        !is_superblock_of_btrfs(filesystem, recording.log[i]);
      if (!recording.log[i].flush && (reached || half)) {
        writes.emplace_back(i, half);
      }
    }
    disks[std::move(writes)].insert(at);
  };
  for (std::size_t at = run.first; at <= run.last; ++at) {
    add(at, 0);
    add(at, 1);
    for (int sample = 0; at - flushed > 1 && sample < 4; ++sample) {
      add(at, random.fraction());
    }
    if (at < run.last && recording.log[at].flush) {
      flushed = at + 1;
    }
  }

  std::vector<LostPower> of_end;
  std::vector<LostPower> after;
  std::vector<LostPower> before;
  const std::size_t end = end_of_calls(recording, run);
  for (const auto& [writes, at] : disks) {
    (at.contains(end) ? of_end : *at.rbegin() > end ? after : before).push_back({writes, at});
  }
  std::vector<LostPower> drawn;
  const auto draw = [&](std::vector<LostPower>& from, std::size_t max) {
    while (drawn.size() < max && !from.empty()) {
      const auto one = from.begin() + static_cast<std::ptrdiff_t>(random.below(from.size()));
      drawn.push_back(std::move(*one));
      from.erase(one);
    }
  };
  draw(of_end, kDisksMax / 3);
  draw(after, kDisksMax - kDisksMax / 4);
  draw(before, kDisksMax);
  return drawn;
}

inline void write_disk(const Recording& recording, const RecordedRun& run, const LostPower& loss,
                       std::uint64_t size, const std::filesystem::path& file) {
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
  for (std::size_t i = 0; i < run.first; ++i) {
    put(recording.log[i].offset, recording.log[i].data);
  }
  for (const auto& [i, half] : loss.writes) {
    const std::string_view data = recording.log[i].data;
    put(recording.log[i].offset,
        data.substr(0, half ? data.size() / kSectorSize / 2 * kSectorSize : data.size()));
  }
}

}  // namespace crashpoint::crash
