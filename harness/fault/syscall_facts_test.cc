#include "harness/fault/syscall_facts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "harness/trace/syscalls.h"

namespace crashpoint::fault {
namespace {

TEST(SyscallFacts, AreKnownOfEverySyscallThatAFaultCanName) {
  for (const std::string& name : trace::fault_syscall_names()) {
    ASSERT_NE(syscall_facts(name), nullptr) << name;
    EXPECT_TRUE(
        std::is_sorted(syscall_facts(name)->errors.begin(), syscall_facts(name)->errors.end()));
  }
  EXPECT_EQ(syscall_facts("getpid"), nullptr);
  EXPECT_EQ(syscall_facts(""), nullptr);
}

TEST(SyscallFacts, OfAFamilyHoldForItsMembers) {
  EXPECT_TRUE(syscall_facts("write")->writes);
  EXPECT_TRUE(syscall_facts("sendfile")->writes);
  EXPECT_TRUE(syscall_facts("sendto")->transfers);
  EXPECT_FALSE(syscall_facts("sendto")->writes);
  EXPECT_TRUE(syscall_facts("pwritev2")->writes);
  EXPECT_FALSE(syscall_facts("fdatasync")->writes);
  EXPECT_TRUE(syscall_facts("renameat2")->skippable);
  EXPECT_FALSE(syscall_facts("clone")->skippable);
  EXPECT_TRUE(syscall_facts("exit_group")->errors.empty());
}

}  // namespace
}  // namespace crashpoint::fault
