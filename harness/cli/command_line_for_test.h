// Runs the real crashpoint binary in a temporary directory, for the tests of the commands.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "harness/base/temporary_directory.h"
#include "harness/base/text.h"
#include "harness/cli/shell_for_test.h"

namespace crashpoint {

class CommandLine : public testing::Test {
 protected:
  // Runs `crashpoint <arguments>` in a directory of the test's own.
  Outcome crashpoint(const std::string& arguments) const {
    return shell("cd " + shell_quote(folder_.path().string()) + " && { " +
                 shell_quote(CRASHPOINT_BINARY) + " " + arguments + "; }");
  }

  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

  [[nodiscard]] std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(folder_.path() / name).rdbuf();
    return text.str();
  }

  TemporaryDirectory folder_;
};

}  // namespace crashpoint
