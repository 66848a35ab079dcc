// The crash model held against real filesystems: small workloads run on ext4, xfs and btrfs, every write
// and flush the filesystem sends to its disk is recorded, disks that a power loss could have left are
// put together from that, mounted, and each directory found must be a state that the profile permits.
//
// A disk after a power loss holds all writes up to the last flush that returned, and any of the writes
// since, whole sectors of them.
//
// It takes minutes and needs root, so it runs only with CRASHPOINT_REAL_FILESYSTEMS set to the number
// of workloads for each filesystem (scripts/real-filesystems).

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
#include "harness/crash/image.h"
#include "harness/crash/live_script_for_test.h"
#include "harness/crash/loop_mount_for_test.h"
#include "harness/crash/model.h"
#include "harness/crash/recording_disk_for_test.h"
#include "harness/crash/states.h"
#include "harness/crash/test_states.h"

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

std::vector<LostPower> power_losses(const std::vector<RecordingDisk::Entry>& log,
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
            (random.chance(0.8) ? loss.lost : loss.half_lost).insert(i);
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

// The states permitted at each crash point, as text; empty where there are too many to list.
class PermittedStates {
 public:
  PermittedStates(const RecordedRun& run, const std::string& profile)
      : timeline_(timeline_of(run.script)), profile_(profile) {}

  // Nothing: too many.
  const std::optional<std::set<std::string>>& at(trace::Position point) {
    const auto known = by_point_.find(point);
    if (known != by_point_.end()) {
      return known->second;
    }
    CrashModel model(timeline_, *find_profile(profile_));
    model.advance(point);
    StateOptions options{.torn_writes = TornWrites::kNone, .garbage = false};
    options.first_phase = Phase::kSampled;
    options.all_max = 20'000;
    options.samples = 0;
    std::set<std::string> states;
    const StateCount count = for_each_state(model, options, [&](CrashState&& state) {
      states.insert(digest_text(state.image));
      return true;
    });
    std::optional<std::set<std::string>> all;
    if (count.all) {
      all = std::move(states);
    }
    return by_point_.emplace(point, std::move(all)).first->second;
  }

 private:
  std::shared_ptr<const Timeline> timeline_;
  std::string profile_;
  std::map<trace::Position, std::optional<std::set<std::string>>> by_point_;
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
  PermittedStates permitted(run, filesystem.profile);
  for (const LostPower& loss : power_losses(run.log, seed)) {
    write_disk(run, loss, filesystem.size, folder / "image");
    ++tally.disks;
    std::string found;
    try {
      const LoopMount mounted(folder / "image", filesystem.type, filesystem.options,
                              folder / "mount");
      found = digest_text(share(read_directory(mounted.path() / run.directory)));
    } catch (const EnvironmentError& error) {
      ++tally.unmountable;
      tally.contradictions.insert(fmt::format("{}: {}", run.directory, error.what()));
      continue;
    }
    // The power may have failed at any moment until the next entry came.
    const trace::Position first = loss.at == 0 ? 1 : run.log[loss.at - 1].moment + 1;
    const trace::Position last = loss.at == run.log.size() ? first : run.log[loss.at].moment + 1;
    const std::string workload = fmt::format("{}", fmt::join(run.lines, "; "));
    tally.found.insert(run.directory + ": " + found);
    for (trace::Position point = first; point <= std::max(first, last); ++point) {
      const auto& states = permitted.at(point);
      if (!states) {
        ++tally.passed_over;
        continue;
      }
      for (const std::string& state : *states) {
        tally.permitted.insert(run.directory + ": " + state);
      }
      if (!states->contains(found)) {
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
