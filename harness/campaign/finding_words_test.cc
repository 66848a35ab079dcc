#include "harness/campaign/finding_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crashpoint::campaign {
namespace {

TEST(FileSystems, AreNamedAsPeopleKnowThem) {
  EXPECT_EQ(file_systems({"process-kill", "prefix", "weakest"}),
            "any file system, also if the machine runs on");
  EXPECT_EQ(file_systems({"prefix", "xfs", "weakest"}), "any file system");
  EXPECT_EQ(file_systems({"xfs", "btrfs", "ext4-ordered", "ext4-noauto_da_alloc", "ext4-writeback",
                          "weakest"}),
            "xfs, btrfs and ext4");
  EXPECT_EQ(file_systems({"btrfs", "weakest"}), "btrfs");
  EXPECT_EQ(file_systems({"ext4-noauto_da_alloc", "weakest"}), "ext4 with noauto_da_alloc");
  EXPECT_EQ(file_systems({"weakest"}), "none that we know of, but POSIX permits it");
}

TEST(FindingWords, SayWhatIsLostWhyWhereAndWhen) {
  explore::Finding finding;
  finding.kind = oracle::CrashKind::kPowerLoss;
  finding.verdict.check = "guarantee";
  finding.verdict.summary = "step 1 (mv new conf) is lost";
  finding.cause = "rename of new to conf lost: directory . was not synced";
  finding.profiles = {"prefix", "weakest"};
  finding.point = "after rename of new to conf";
  finding.states = 3;
  EXPECT_EQ(verdict_of(finding).summary,
            "after a power loss, step 1 (mv new conf) is lost\n"
            "why: rename of new to conf lost: directory . was not synced\n"
            "file systems: any file system\n"
            "first seen after rename of new to conf; 3 crash states with this cause");
}

}  // namespace
}  // namespace crashpoint::campaign
