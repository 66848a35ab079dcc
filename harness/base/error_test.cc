#include "harness/base/error.h"

#include <gtest/gtest.h>

namespace crashpoint {
namespace {

TEST(Error, UsageAndEnvironmentAreToldApart) {
  EXPECT_THROW(throw UsageError("no such scenario"), UsageError);
  EXPECT_THROW(throw EnvironmentError("ptrace is forbidden"), std::runtime_error);
}

}  // namespace
}  // namespace crashpoint
