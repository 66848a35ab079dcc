// Runs those of scenarios/programs/ whose programs are part of every Debian installation: each shows the findings that
// it names, by their causes, and no other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "harness/cli/command_line_for_test.h"

namespace crashpoint {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Shipped {
  const char* scenario;
  std::vector<const char*> told;  // of its output
  friend std::ostream& operator<<(std::ostream& out, const Shipped& shipped) {
    return out << shipped.scenario;
  }
};

class ProgramCatalogue : public CommandLine, public testing::WithParamInterface<Shipped> {};

TEST_P(ProgramCatalogue, FindsWhatIsKnownOfTheProgramAndNothingElse) {
  const Outcome outcome = crashpoint("run -j2 " CRASHPOINT_SOURCE_DIR "/scenarios/programs/" +
                                     std::string(GetParam().scenario) + ".json");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  for (const char* text : GetParam().told) {
    EXPECT_THAT(outcome.output, HasSubstr(text));
  }
  EXPECT_THAT(outcome.output, Not(HasSubstr("inconclusive")));
}

INSTANTIATE_TEST_SUITE_P(Programs, ProgramCatalogue,
                         testing::Values(Shipped{"sed", {"known  programs/sed"}},
                                         Shipped{
                                             "shell-save",
                                             {"known  programs/shell-save[run=overwrite]",
                                              "known  programs/shell-save[run=rename]",
                                              "known  programs/shell-save[run=sync-rename]",
                                              "pass  programs/shell-save[run=sync-rename-sync]"}},
                                         Shipped{"dpkg", {"pass  programs/dpkg"}}),
                         [](const auto& of) {
                           std::string name = of.param.scenario;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace crashpoint
