// The crash model held against real filesystems: small workloads run on ext4, xfs and btrfs, every write
// and flush the filesystem sends to its disk is recorded, disks that a power loss could have left are
// put together from that, mounted, and each directory found must be a state that the profile permits.
//
// A disk after a power loss holds all writes up to the last flush that returned, and any of the writes
// since, whole sectors of them.
//
// It takes minutes and needs root, so it runs only with CRASHPOINT_REAL_FILESYSTEMS set to the number
// of workloads for each filesystem.
//
// Linux 6.18, default mounts (and data=writeback); no contradiction in the last run:
//
//                    workloads  disks mounted  directories found  states permitted
//   ext4 ordered            24            910                 69               206
//   ext4 writeback          24            923                 70               208
//   xfs                     24            205                 65               125
//   btrfs                   22          2,736                 54               146
//
// Each directory found is a permitted one, or one of those with sectors of some blocks missing. What
// earlier runs corrected: on ext4 new blocks have their size before their bytes; on xfs a
// write across the end of a file may come up to that end; on both a block written in place is torn at
// sectors, and a file cut inside a block may keep its old size with zeros after the new one. A btrfs
// whose one superblock is torn cannot be mounted, which is no state of a directory.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/fd.h"
#include "harness/base/random.h"
#include "harness/base/temporary_directory.h"
#include "harness/crash/image/image.h"
#include "harness/crash/model.h"
#include "harness/crash/real_filesystems/live_script_for_test.h"
#include "harness/crash/real_filesystems/loop_mount_for_test.h"
#include "harness/crash/real_filesystems/recording_disk_for_test.h"
#include "harness/crash/states.h"
#include "harness/crash/states_for_test.h"

namespace crashpoint::crash {
namespace {

struct Filesystem {
  std::string name;     // of the test
  std::string profile;  // that it must keep to
  std::string type;
  std::string make;  // the command, but for the file
  std::string options;
  std::uint64_t size = 0;
};
std::ostream& operator<<(std::ostream& out, const Filesystem& value) {
  return out << value.name;
}

const Filesystem kFilesystems[] = {
    {"Ext4Ordered", "ext4-ordered", "ext4",
     "mkfs.ext4 -q -F -b 4096 -E nodiscard,lazy_itable_init=0", "data=ordered", 64U << 20U},
    {"Ext4Writeback", "ext4-writeback", "ext4",
     "mkfs.ext4 -q -F -b 4096 -E nodiscard,lazy_itable_init=0", "data=writeback", 64U << 20U},
    {"Xfs", "xfs", "xfs", "mkfs.xfs -q -f -K", "", 320U << 20U},
    {"Btrfs", "btrfs", "btrfs", "mkfs.btrfs -q -f -K", "nodiscard", 256U << 20U},
};

std::size_t workload_count() {
  const char* const asked =
      std::getenv("CRASHPOINT_REAL_FILESYSTEMS");  // NOLINT(concurrency-mt-unsafe)
  return asked == nullptr ? 0 : static_cast<std::size_t>(std::atoll(asked));
}

// ---- workloads

using Workload = std::function<void(LiveScript&)>;

// The patterns of litmus_test.cc, and what DESIGN.md section 6 reports of them.
std::vector<Workload> classic_workloads() {
  const std::string small(500, 'b');
  const std::string large(6000, 'c');
  return {
      [=](LiveScript& s) { s.append("a", small); },
      [=](LiveScript& s) { s.append("a", large); },
      [=](LiveScript& s) {
        s.append("a", small);
        s.append("a", small);
        s.write_back("a");
      },
      [=](LiveScript& s) {
        s.create("t");
        s.append("t", small);
        s.rename("t", "a");
      },
      [=](LiveScript& s) {
        s.create("t");
        s.append("t", small);
        s.fsync("t");
        s.rename("t", "a");
      },
      [=](LiveScript& s) {
        s.create("t");
        s.append("t", large);
        s.fsync("t");
        s.rename("t", "a");
        s.fsync_directory(".");
      },
      [=](LiveScript& s) {
        s.create("t");
        s.append("t", small);
        s.rename("t", "n");
      },
      [=](LiveScript& s) {
        s.append("a", small);
        s.append("b", large);
        s.fsync("b");
      },
      [=](LiveScript& s) {
        s.link("a", "g");
        s.unlink("a");
        s.fsync("g");
      },
      [=](LiveScript& s) {
        s.mkdir("d");
        s.create("d/f");
        s.fsync("d/f");
      },
      [=](LiveScript& s) {
        s.mkdir("d");
        s.create("d/f");
        s.append("d/f", small);
        s.fsync_directory("d");
      },
      [=](LiveScript& s) {
        s.rename("a", "n");
        s.fdatasync("n");
        s.create("m");
      },
      [=](LiveScript& s) {
        s.create("x");
        s.create("y");
        s.create("z");
        s.fsync("y");
      },
      [=](LiveScript& s) {
        s.append("a", small);
        s.write("a", 2490, "x");
        s.write_back("a");
      },
      [=](LiveScript& s) { s.truncate("a", 1250); },
      [=](LiveScript& s) {
        s.append("a", large);
        s.truncate("a", 3000);
        s.create("x");
        s.fsync("x");
      },
  };
}

// A few calls on few names, drawn by the seed; only what succeeds.
void random_workload(LiveScript& script, std::uint64_t seed) {
  Random random(seed, "real-filesystems");
  std::vector<std::string> files{"a", "b"};
  int made = 0;
  const auto pick = [&]() -> std::string& { return files[random.below(files.size())]; };
  const auto bytes = [&] {
    const std::uint64_t sizes[] = {1, 500, 1500, 4096, 6000, 9000};
    return std::string(sizes[random.below(6)], static_cast<char>('A' + random.below(26)));
  };
  for (std::uint64_t calls = random.between(3, 7); calls > 0; --calls) {
    switch (random.below(12)) {
      case 0:
      case 1:
        script.append(pick(), bytes());
        break;
      case 2:
        script.write(pick(), static_cast<std::int64_t>(random.below(3) * 1000), bytes());
        break;
      case 3:
        script.truncate(pick(), static_cast<std::int64_t>(random.below(4) * 1250));
        break;
      case 4:
        files.push_back(fmt::format("n{}", ++made));
        script.create(files.back());
        break;
      case 5:
      case 6: {
        std::string& from = pick();
        const std::string to = random.chance(0.5) ? fmt::format("n{}", ++made) : pick();
        if (from != to) {
          script.rename(from, to);
          const std::string old = from;
          std::erase(files, to);
          std::replace(files.begin(), files.end(), old, to);
        }
        break;
      }
      case 7:
        files.push_back(fmt::format("n{}", ++made));
        script.link(files[random.below(files.size() - 1)], files.back());
        break;
      case 8:
        if (files.size() > 1) {
          const std::size_t gone = random.below(files.size());
          script.unlink(files[gone]);
          files.erase(files.begin() + static_cast<std::ptrdiff_t>(gone));
        }
        break;
      case 9:
        random.chance(0.5) ? script.fsync(pick()) : script.fdatasync(pick());
        break;
      case 10:
        script.fsync_directory(".");
        break;
      default:
        script.write_back(pick());
        break;
    }
  }
}

// ---- one run: a filesystem, several workloads in a directory of their own each

struct RecordedRun {
  std::string directory;
  std::vector<std::pair<std::uint64_t, std::string>> begin;  // of the disk, by offset
  std::vector<RecordingDisk::Entry> log;
  TraceScript script;
  std::vector<std::string> lines;
};

void run_command(const std::string& command) {
  ASSERT_EQ(std::system((command + " >/dev/null 2>&1").c_str()),
            0)  // NOLINT(concurrency-mt-unsafe)
      << command;
}

std::vector<RecordedRun> record(const Filesystem& filesystem,
                                const std::vector<Workload>& workloads,
                                const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder / "fuse");
  std::filesystem::create_directories(folder / "mount");
  RecordingDisk disk(folder / "fuse", filesystem.size);
  run_command(filesystem.make + " " + disk.path().string());
  const LoopMount mounted(disk.path(), filesystem.type, filesystem.options, folder / "mount");
  std::vector<RecordedRun> runs;
  for (const Workload& workload : workloads) {
    const std::string name = fmt::format("w{}", runs.size());
    const std::filesystem::path directory = mounted.path() / name;
    std::filesystem::create_directory(directory);
    std::ofstream(directory / "a") << std::string(2500, 'a');
    std::ofstream(directory / "b") << std::string(5000, 'o');
    const Fd root(::open(mounted.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ::syncfs(root.get());
    disk.set_moment(0);
    RecordedRun run{
        .directory = name, .begin = disk.begin(), .log = {}, .script = TraceScript(), .lines = {}};
    LiveScript script(directory, [&](trace::Position moment) { disk.set_moment(moment); });
    workload(script);
    // What the kernel would write back on its own within the half minute, in an order of its own:
    // first a commit of the journal (a file of nobody's is synced), then all that is dirty.
    disk.set_moment(script.script().now() - 1);
    const Fd other(
        ::open((mounted.path() / ("other-" + name)).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    ::fsync(other.get());
    ::syncfs(root.get());
    run.log = disk.log();
    run.script = script.script();
    run.lines = script.lines();
    runs.push_back(std::move(run));
  }
  return runs;
}

// ---- disks after a power loss

// Indices of the log entries whose writes are on it.
struct LostPower {
  std::size_t at = 0;               // entries before this one had come
  std::set<std::size_t> lost;       // of those, writes that are not on the disk
  std::set<std::size_t> half_lost;  // and writes of which only the first half of the sectors are
};

// btrfs mounts from the superblock at 64 KiB, of 4 KiB with one checksum: torn, there is no filesystem
// to look at.
bool is_superblock_of_btrfs(const Filesystem& filesystem, const RecordingDisk::Entry& entry) {
  constexpr std::uint64_t kPlace = 64U << 10U;
  return filesystem.type == "btrfs" && entry.offset <= kPlace &&
         kPlace < entry.offset + entry.data.size();
}

std::vector<LostPower> power_losses(const Filesystem& filesystem,
                                    const std::vector<RecordingDisk::Entry>& log,
                                    std::uint64_t seed) {
  Random random(seed, "power-losses");
  std::vector<LostPower> losses;
  std::size_t flushed = 0;  // entries up to here are on the disk for good
  for (std::size_t at = 0; at <= log.size(); ++at) {
    losses.push_back({at, {}, {}});
    const std::size_t pending = at - flushed;
    if (pending > 1) {
      for (int sample = 0; sample < 4; ++sample) {
        LostPower loss{at, {}, {}};
        const double density = random.fraction();
        for (std::size_t i = flushed; i < at; ++i) {
          if (random.chance(density)) {
            const bool whole = random.chance(0.8) || is_superblock_of_btrfs(filesystem, log[i]);
            (whole ? loss.lost : loss.half_lost).insert(i);
          }
        }
        losses.push_back(std::move(loss));
      }
    }
    if (at < log.size() && log[at].flush) {
      flushed = at + 1;
    }
  }
  return losses;
}

void write_disk(const RecordedRun& run, const LostPower& loss, std::uint64_t size,
                const std::filesystem::path& file) {
  std::filesystem::remove(file);
  const Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  ASSERT_EQ(::ftruncate(fd.get(), static_cast<off_t>(size)), 0);
  const auto put = [&](std::uint64_t offset, std::string_view data) {
    ASSERT_EQ(::pwrite(fd.get(), data.data(), data.size(), static_cast<off_t>(offset)),
              static_cast<ssize_t>(data.size()));
  };
  for (const auto& [offset, data] : run.begin) {
    put(offset, data);
  }
  for (std::size_t i = 0; i < loss.at; ++i) {
    const RecordingDisk::Entry& entry = run.log[i];
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

// ---- holding them against the model

std::string digest_text(const CrashImage& image) {
  // Long runs of one character, shortened: "a=2500*a 500*."
  const std::string text = show(image);
  std::string shortened;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && text[end] == text[i]) {
      ++end;
    }
    shortened += end - i > 3 ? fmt::format("{}*{}", end - i, text[i]) : text.substr(i, end - i);
    i = end;
  }
  return shortened;
}

// Names, kinds and sizes.
std::string shape_of(const CrashImage& image) {
  std::string shape;
  for (const CrashImage::Entry& entry : image.entries) {
    const std::size_t size = entry.content == nullptr ? 0 : entry.content->bytes.size();
    shape += fmt::format("{} {} {}\n", entry.path, static_cast<int>(entry.kind), size);
  }
  return shape;
}

// The states permitted at one crash point, except those in which a block is torn at sectors: these are
// too many to list, and are derived from the others.
class PermittedStates {
 public:
  PermittedStates(const std::shared_ptr<const Timeline>& timeline, const Profile& profile,
                  trace::Position point)
      : torn_at_sectors_(profile.tears == Tears::kAtSectors) {
    CrashModel model(timeline, profile);
    for (const CrashImage::Entry& entry : model.image(model.everything()).entries) {
      size_before_[entry.file] = entry.content == nullptr ? 0 : entry.content->bytes.size();
    }
    model.advance(point);
    StateOptions options{.torn_writes = TornWrites::kNone, .garbage = false};
    options.first_phase = Phase::kSampled;
    options.all_max = 20'000;
    options.samples = 0;
    all_ = for_each_state(model, options, [&](CrashState&& state) {
             texts_.insert(digest_text(state.image));
             by_shape_[shape_of(state.image)].push_back(std::move(state.image));
             return true;
           }).all;
  }

  [[nodiscard]] bool all() const { return all_; }
  [[nodiscard]] const std::set<std::string>& texts() const { return texts_; }

  [[nodiscard]] bool hold(const CrashImage& found) const {
    if (texts_.contains(digest_text(found))) {
      return true;
    }
    const auto like_it = by_shape_.find(shape_of(found));
    return torn_at_sectors_ && like_it != by_shape_.end() &&
           std::any_of(
               like_it->second.begin(), like_it->second.end(),
               [&](const CrashImage& state) { return is_torn(found, state, like_it->second); });
  }

 private:
  // Whether `found` is that state, with some sectors of blocks that the files had before as they are in
  // another state.
  bool is_torn(const CrashImage& found, const CrashImage& state,
               const std::vector<CrashImage>& others) const {
    for (std::size_t i = 0; i < found.entries.size(); ++i) {
      if (found.entries[i].content == nullptr) {
        continue;
      }
      const std::string_view bytes = found.entries[i].content->bytes;
      for (std::size_t at = 0; at < bytes.size(); at += kSectorSize) {
        const std::string_view sector = bytes.substr(at, kSectorSize);
        const auto has_it = [&](const CrashImage& other) {
          return std::string_view(other.entries[i].content->bytes).substr(at, kSectorSize) ==
                 sector;
        };
        const auto before = size_before_.find(state.entries[i].file);
        const bool in_place =
            before != size_before_.end() && at / kBlockSize * kBlockSize < before->second;
        if (!has_it(state) && !(in_place && std::any_of(others.begin(), others.end(), has_it))) {
          return false;
        }
      }
    }
    return true;
  }

  bool torn_at_sectors_;
  std::map<trace::FileId, std::size_t> size_before_;
  bool all_ = false;
  std::set<std::string> texts_;
  std::map<std::string, std::vector<CrashImage>> by_shape_;
};

struct Tally {
  std::size_t disks = 0;
  std::size_t unmountable = 0;
  std::size_t passed_over = 0;  // too many permitted states to list
  std::set<std::string> found;
  std::set<std::string> permitted;
  std::set<std::string> contradictions;
};

void check_run(const Filesystem& filesystem, const RecordedRun& run, std::uint64_t seed,
               const std::filesystem::path& folder, Tally& tally) {
  const std::shared_ptr<const Timeline> timeline = timeline_of(run.script);
  std::map<trace::Position, PermittedStates> permitted;
  for (const LostPower& loss : power_losses(filesystem, run.log, seed)) {
    write_disk(run, loss, filesystem.size, folder / "image");
    ++tally.disks;
    CrashImage image;
    try {
      const LoopMount mounted(folder / "image", filesystem.type, filesystem.options,
                              folder / "mount");
      image = share(read_directory(mounted.path() / run.directory));
    } catch (const EnvironmentError& error) {
      ++tally.unmountable;
      tally.contradictions.insert(fmt::format("{}: {}", run.directory, error.what()));
      continue;
    }
    const std::string found = digest_text(image);
    // The power may have failed at any moment until the next entry.
    const trace::Position first = loss.at == 0 ? 1 : run.log[loss.at - 1].moment + 1;
    const trace::Position last = loss.at == run.log.size() ? first : run.log[loss.at].moment + 1;
    const std::string workload = fmt::format("{}", fmt::join(run.lines, "; "));
    tally.found.insert(run.directory + ": " + found);
    for (trace::Position point = first; point <= std::max(first, last); ++point) {
      const PermittedStates& states =
          permitted.try_emplace(point, timeline, *find_profile(filesystem.profile), point)
              .first->second;
      if (!states.all()) {
        ++tally.passed_over;
        continue;
      }
      for (const std::string& state : states.texts()) {
        tally.permitted.insert(run.directory + ": " + state);
      }
      if (!states.hold(image)) {
        tally.contradictions.insert(
            fmt::format("{}\n    left {}\n    at position {}", workload, found, point));
      }
    }
  }
}

class RealFilesystem : public testing::TestWithParam<Filesystem> {};

TEST_P(RealFilesystem, LeavesOnlyStatesItsProfilePermits) {
  const Filesystem& filesystem = GetParam();
  const std::size_t count = workload_count();
  if (count == 0) {
    GTEST_SKIP() << "set CRASHPOINT_REAL_FILESYSTEMS to a number of workloads (takes minutes)";
  }
  if (::geteuid() != 0) {
    GTEST_SKIP() << "needs root, to mount " << filesystem.type;
  }
  // Mounts of our own, that go with us if we are killed.
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    GTEST_SKIP() << "needs a mount namespace of its own: " << std::strerror(errno);
  }
  const TemporaryDirectory folder("/dev/shm");
  std::vector<Workload> workloads = classic_workloads();
  for (std::uint64_t seed = 1; workloads.size() < std::max(count, workloads.size()); ++seed) {
    workloads.push_back([seed](LiveScript& script) { random_workload(script, seed); });
  }
  Tally tally;
  const std::vector<RecordedRun> runs = record(filesystem, workloads, folder.path());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    check_run(filesystem, runs[i], i, folder.path(), tally);
  }
  std::size_t seen = 0;
  for (const std::string& state : tally.permitted) {
    seen += tally.found.contains(state) ? 1U : 0U;
  }
  std::cout << fmt::format(
      "{}: {} workloads, {} disks mounted, {} distinct directories found; {} of {} permitted "
      "states "
      "were seen; {} contradictions\n",
      filesystem.name, runs.size(), tally.disks, tally.found.size(), seen, tally.permitted.size(),
      tally.contradictions.size());
  EXPECT_EQ(tally.passed_over, 0U) << "points with too many states to list";
  for (const std::string& contradiction : tally.contradictions) {
    ADD_FAILURE() << filesystem.profile << " does not permit: " << contradiction;
  }
}

INSTANTIATE_TEST_SUITE_P(All, RealFilesystem, testing::ValuesIn(kFilesystems),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace crashpoint::crash
