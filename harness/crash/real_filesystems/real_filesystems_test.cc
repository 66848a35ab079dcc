// The crash model held against real filesystems: workloads run on ext4, xfs and btrfs, every write and
// flush the filesystem sends to its disk is recorded, disks that a power loss could have left are put
// together from that, mounted, and each directory found must be a state that the profile permits.
//
// The other way round, each state that a profile permits after a pattern of litmus_for_test.h must be found
// on one of the disks, or unseen_for_test.h must say why it can happen.
//
// It takes minutes and needs root, so it runs only with CRASHPOINT_REAL_FILESYSTEMS set to the number of
// rounds; each runs every pattern, and one workload drawn by the number of the round.
//
// What earlier runs corrected: on ext4 new blocks have their size before their bytes; on xfs a write across
// the end of a file may be there up to that end; on both a block written in place is torn at sectors, and
// a file cut inside a block may keep its old size with zeros after the new one. On ext4 any close ends what
// a truncation to nothing promises; on btrfs the names of one file in one directory come in order. A btrfs
// whose one superblock is torn cannot be mounted, which is no state of a directory.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "harness/base/temporary_directory.h"
#include "harness/crash/image/image.h"
#include "harness/crash/model.h"
#include "harness/crash/real_filesystems/power_loss_for_test.h"
#include "harness/crash/real_filesystems/unseen_for_test.h"
#include "harness/crash/states.h"
#include "harness/crash/states_for_test.h"

namespace crashpoint::crash {
namespace {

// More than a pattern needs to show all that it ever shows.
constexpr std::uint64_t kRoundsToJudgeUnseen = 20;

std::uint64_t round_count() {
  const char* const asked =
      std::getenv("CRASHPOINT_REAL_FILESYSTEMS");  // NOLINT(concurrency-mt-unsafe)
  return asked == nullptr ? 0 : static_cast<std::uint64_t>(std::atoll(asked));
}

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

// The disks of one filesystem.
class Comparison {
 public:
  Comparison(const Filesystem& filesystem, std::filesystem::path folder)
      : filesystem_(filesystem), folder_(std::move(folder)) {}

  void run(std::span<const Workload> workloads) {
    const auto& options = filesystem_.mount_options;
    const Recording recording =
        record(filesystem_, options[recordings_++ % options.size()], workloads, folder_);
    for (const RecordedRun& run : recording.runs) {
      for (const LostPower& loss : power_losses(filesystem_, recording, run)) {
        compare(recording, run, loss);
      }
    }
  }

  void report(std::uint64_t rounds) const {
    std::cout << fmt::format("{}: {} disks mounted, {} distinct directories found\n",
                             filesystem_.name, disks_, found_.size());
    EXPECT_EQ(passed_over_, 0U) << "points with too many states to list";
    for (const std::string& contradiction : contradictions_) {
      ADD_FAILURE() << filesystem_.profile << " does not permit: " << contradiction;
    }
    std::size_t permitted = 0;
    std::size_t unseen = 0;
    for (const Litmus& litmus : litmus_tests()) {
      const States& states = litmus.permitted.at(filesystem_.profile);
      permitted += states.size();
      for (const std::string& state : states) {
        const auto seen = seen_.find(litmus.name);
        if (seen == seen_.end() || !seen->second.contains(state)) {
          ++unseen;
          report_unseen(litmus, state, rounds);
        }
      }
    }
    std::cout << fmt::format("{}: {} of {} states permitted after a pattern were seen\n",
                             filesystem_.name, permitted - unseen, permitted);
  }

 private:
  void report_unseen(const Litmus& litmus, const std::string& state, std::uint64_t rounds) const {
    const std::string source = source_of_unseen(filesystem_.profile, litmus.name, state);
    std::cout << fmt::format("  not seen: {}: {}: {}\n", litmus.name, state,
                             source.empty() ? "no source" : source);
    EXPECT_TRUE(!source.empty() || rounds < kRoundsToJudgeUnseen)
        << filesystem_.profile << " permits " << state << " after " << litmus.name
        << ", which was seen on no disk, and nothing says that it can happen";
  }

  void compare(const Recording& recording, const RecordedRun& run, const LostPower& loss) {
    write_disk(recording, run, loss, filesystem_.size, folder_ / "image");
    ++disks_;
    CrashImage image;
    try {
      const LoopMount mounted(folder_ / "image", filesystem_.type,
                              filesystem_.mount_options.front(), folder_ / "mount");
      image = share(read_directory(mounted.path() / run.directory));
    } catch (const EnvironmentError& error) {
      contradictions_.insert(fmt::format("{}: {}", run.workload->name, error.what()));
      return;
    }
    found_.insert(run.workload->name + ": " + digest_text(image));
    std::set<trace::Position> points;
    for (const std::size_t at : loss.at) {
      // The power may have failed at any moment until the next entry.
      const trace::Position first = at == run.first ? 1 : recording.log[at - 1].moment + 1;
      const trace::Position last = at == run.last ? first : recording.log[at].moment + 1;
      for (trace::Position point = first; point <= std::max(first, last); ++point) {
        points.insert(point);
      }
    }
    if (*points.rbegin() >= run.workload->script.now()) {
      seen_[run.workload->name].insert(show(image));
    }
    for (const trace::Position point : points) {
      check_permitted(*run.workload, image, point);
    }
  }

  void check_permitted(const Workload& workload, const CrashImage& image, trace::Position point) {
    const PermittedStates& states = permitted_after(workload, point);
    if (!states.all()) {
      ++passed_over_;
    } else if (!states.hold(image)) {
      std::vector<std::string> lines;
      for (const trace::Event& event : workload.script.trace().events) {
        lines.push_back(line_of(event));
      }
      contradictions_.insert(fmt::format("{}: {}\n    left {}\n    at position {}", workload.name,
                                         fmt::join(lines, "; "), digest_text(image), point));
    }
  }

  const PermittedStates& permitted_after(const Workload& workload, trace::Position point) {
    return permitted_
        .try_emplace({workload.name, point}, timeline_of(workload.script),
                     *find_profile(filesystem_.profile), point)
        .first->second;
  }

  const Filesystem& filesystem_;
  std::filesystem::path folder_;
  std::map<std::pair<std::string, trace::Position>, PermittedStates> permitted_;
  std::size_t recordings_ = 0;
  std::size_t disks_ = 0;
  std::size_t passed_over_ = 0;  // points with too many permitted states to list
  std::set<std::string> found_;
  std::map<std::string, States> seen_;  // after the last call, by workload
  std::set<std::string> contradictions_;
};

class RealFilesystem : public testing::TestWithParam<Filesystem> {};

TEST_P(RealFilesystem, LeavesOnlyStatesThatItsProfilePermitsAndAllOfThem) {
  const Filesystem& filesystem = GetParam();
  const std::uint64_t rounds = round_count();
  if (rounds == 0) {
    GTEST_SKIP() << "set CRASHPOINT_REAL_FILESYSTEMS to a number of rounds (takes minutes)";
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
  const std::vector<Workload> workloads = all_workloads(rounds);
  Comparison comparison(filesystem, folder.path());
  constexpr std::size_t kTogether = 32;
  for (std::size_t begin = 0; begin < workloads.size(); begin += kTogether) {
    comparison.run(
        std::span(workloads).subspan(begin, std::min(kTogether, workloads.size() - begin)));
  }
  comparison.report(rounds);
}

INSTANTIATE_TEST_SUITE_P(All, RealFilesystem, testing::ValuesIn(kFilesystems),
                         [](const auto& test) { return test.param.name; });

TEST(RealFilesystemTools, AreNamedWithTheirPackageWhenTheyAreMissing) {
  for (const Filesystem& filesystem : kFilesystems) {
    try {
      require_tool(filesystem, "/nowhere:");
      ADD_FAILURE() << filesystem.tool;
    } catch (const EnvironmentError& error) {
      EXPECT_EQ(std::string(error.what()),
                filesystem.tool + " is not installed: apt-get install " + filesystem.package);
    }
  }
}

}  // namespace
}  // namespace crashpoint::crash
