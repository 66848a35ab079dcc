// crashpoint reproduce: recovers a bundle's crash state with the real target and judges it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "harness/base/temporary_directory.h"
#include "harness/base/text.h"
#include "harness/cli/shell_for_test.h"
#include "harness/report/archive.h"
#include "harness/report/bundle.h"

namespace crashpoint::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using trace::ImageEntry;

constexpr const char* kTwoSets =
    "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nfirst\r\n";

// SET k first and SET k second were acknowledged; `log` is the AOF that the crash left.
report::Bundle bundle_with(const std::string& log) {
  report::Bundle bundle;
  bundle.version = "0.1.0";
  bundle.target = "redis 1.2.3";
  bundle.scenario = R"({"version": 1, "name": "aof/lost", "summary": "A test.",
      "target": {"use": "redis", "config": {"appendonly": "yes"}},
      "workload": [{"commands": [["SET", "k", "first"], ["SET", "k", "second"]]}],
      "oracle": {"usable": false, "idempotent": false}})";
  bundle.result.name = "aof/lost[nth=1]";
  bundle.result.seed = 3;
  bundle.result.verdict.outcome = oracle::Outcome::kViolation;
  bundle.result.verdict.check = "guarantee";
  bundle.guarantee.kind = oracle::Guarantee::Kind::kDurable;
  bundle.history.began_ns = 1;
  bundle.history.ended_ns = 100;
  bundle.history.clients = {{0, "@c"}};
  for (const char* value : {"first", "second"}) {
    workload::Operation operation;
    operation.index = bundle.history.operations.size();
    operation.arguments = {"SET", "k", value};
    operation.reply = target::RespValue{target::RespValue::Kind::kSimple, "OK", 0, {}};
    operation.sent_ns = 10 + static_cast<std::int64_t>(operation.index) * 10;
    operation.acked_ns = operation.read_ns = operation.sent_ns + 5;
    bundle.history.operations.push_back(operation);
  }
  const auto file = [](std::string content) {
    return ImageEntry{ImageEntry::Kind::kFile, 0644, std::move(content), 0};
  };
  bundle.image["appendonlydir"] = {ImageEntry::Kind::kDirectory, 0755, "", 0};
  bundle.image["appendonlydir/appendonly.aof.1.incr.aof"] = file(log);
  bundle.image["appendonlydir/appendonly.aof.manifest"] =
      file("file appendonly.aof.1.incr.aof seq 1 type i\n");
  return bundle;
}

class ReproduceCommand : public testing::Test {
 protected:
  Outcome reproduce(const report::Bundle& bundle, const std::string& options = "") const {
    report::write_bundle(bundle, folder_);
    return reproduce(folder_, options);
  }
  Outcome reproduce(const fs::path& given, const std::string& options = "") const {
    return shell("CRASHPOINT_TMPDIR=" + shell_quote(temp_.path().string()) + " " +
                 shell_quote(CRASHPOINT_BINARY) + " reproduce " + shell_quote(given.string()) +
                 " " + options);
  }

  TemporaryDirectory temp_;
  fs::path folder_ = temp_.path() / "bundle";
};

TEST_F(ReproduceCommand, LostWriteIsLostAgain) {
  const Outcome ended = reproduce(bundle_with(kTwoSets));
  EXPECT_EQ(ended.exit_code, 1) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("aof/lost[nth=1]\n"));
  EXPECT_THAT(ended.output, HasSubstr("; the bundle was made with redis 1.2.3\n"));
  EXPECT_THAT(ended.output, HasSubstr("client 0 #1  SET k second"));
  EXPECT_THAT(ended.output, HasSubstr("Reproduced: the check \"guarantee\" fails again.\n"));
}

TEST_F(ReproduceCommand, StateThatKeepsThePromiseIsNotReproduced) {
  const Outcome ended = reproduce(
      bundle_with(std::string(kTwoSets) + "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$6\r\nsecond\r\n"));
  EXPECT_EQ(ended.exit_code, 0) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("Not reproduced: every check passes.\n"));
}

TEST_F(ReproduceCommand, AnotherFailureIsNotTakenForTheSame) {
  const Outcome ended = reproduce(bundle_with("*nonsense\r\n" + std::string(kTwoSets)));
  EXPECT_EQ(ended.exit_code, 1) << ended.output;
  EXPECT_THAT(ended.output,
              HasSubstr("A different violation: the check \"start\" fails; in the bundle it was "
                        "\"guarantee\".\n"));
}

TEST_F(ReproduceCommand, TakesTheBundleAsOneFile) {
  report::write_bundle(bundle_with(kTwoSets), folder_);
  report::pack(folder_, temp_.path() / "b.tar.zst");
  fs::remove_all(folder_);
  const Outcome ended = reproduce(temp_.path() / "b.tar.zst");
  EXPECT_EQ(ended.exit_code, 1) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("Reproduced: "));
}

TEST_F(ReproduceCommand, BundleIsLeftAsItWas) {
  const Outcome ended =
      reproduce(bundle_with(kTwoSets), "--keep " + (temp_.path() / "kept").string());
  EXPECT_EQ(ended.exit_code, 1) << ended.output;
  const auto log = report::read_bundle(folder_).image.at("appendonlydir/appendonly.aof.1.incr.aof");
  EXPECT_EQ(log.content, kTwoSets);
  EXPECT_TRUE(fs::exists(temp_.path() / "kept/recovered/appendonlydir/appendonly.aof.manifest"));
  EXPECT_TRUE(fs::exists(temp_.path() / "kept/recovery.log"));
}

TEST_F(ReproduceCommand, WhatIsNoBundleIsRefused) {
  fs::create_directory(folder_);
  const Outcome folder = reproduce(folder_);
  EXPECT_EQ(folder.exit_code, 2);
  EXPECT_THAT(folder.output, HasSubstr("bundle.json: cannot be read; a bundle is a directory"));
  std::ofstream(temp_.path() / "text") << "no archive";
  EXPECT_EQ(reproduce(temp_.path() / "text").exit_code, 2);
  EXPECT_EQ(reproduce(temp_.path() / "missing").exit_code, 2);
}

// A server that answers PING and holds nothing, wherever it is started.
constexpr const char* kEmptyServer = R"(#!/usr/bin/env python3
import os, re, socket, sys
path = re.search(r'^unixsocket (\S+)$', open(sys.argv[1]).read(), re.M).group(1)
server = socket.socket(socket.AF_UNIX); server.bind(path); server.listen()
while True:
    client = server.accept()[0]
    if os.fork() == 0:
        while True:
            request = client.recv(65536)
            if not request: os._exit(0)
            for line in re.findall(rb'\*(\d+)\r\n\$\d+\r\n([^\r]*)\r\n', request):
                word = line[1].upper()
                client.sendall(b'+PONG\r\n' if word == b'PING' else b'$0\r\n\r\n' if word == b'INFO'
                               else b'*2\r\n$1\r\n0\r\n*0\r\n' if word == b'SCAN' else b'+OK\r\n')
)";

TEST_F(ReproduceCommand, ATargetThatDoesNotLookAtTheCrashStateReproducesNothing) {
  const fs::path server = temp_.path() / "server";
  std::ofstream(server) << kEmptyServer;
  fs::permissions(server, fs::perms::owner_all);
  const Outcome ended = reproduce(bundle_with(kTwoSets), "--target " + server.string());
  EXPECT_EQ(ended.exit_code, 3) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("server opened none of the 2 files of the crash state"));
  EXPECT_THAT(ended.output,
              HasSubstr("Not reproduced: this target did not look at the crash state.\n"));
  EXPECT_THAT(ended.output, Not(HasSubstr("Reproduced:")));
  EXPECT_THAT(reproduce(folder_, "--target /bin/true").output, HasSubstr("did not look at"));
}

TEST_F(ReproduceCommand, AMissingTargetIsAUsageError) {
  const Outcome ended = reproduce(bundle_with(kTwoSets), "--target /nowhere/server");
  EXPECT_EQ(ended.exit_code, 2) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("target '/nowhere/server': no such program"));
  EXPECT_EQ(reproduce(folder_, "--target ''").exit_code, 2);
}

TEST_F(ReproduceCommand, LeavesNothingBehindWhenInterrupted) {
  report::write_bundle(bundle_with(kTwoSets), folder_);
  std::ofstream(temp_.path() / "server") << "#!/bin/sh\nexec sleep 600\n";
  fs::permissions(temp_.path() / "server", fs::perms::owner_all);
  const Outcome ended =
      shell("CRASHPOINT_TMPDIR=" + shell_quote(temp_.path().string()) + " timeout -s TERM 1 " +
            shell_quote(CRASHPOINT_BINARY) + " reproduce " + folder_.string() + " --target " +
            (temp_.path() / "server").string());
  EXPECT_THAT(ended.output, HasSubstr("crashpoint: inconclusive: interrupted\n"));
  EXPECT_EQ(std::distance(fs::directory_iterator(temp_.path()), fs::directory_iterator()), 2)
      << "the bundle and the server";
}

TEST_F(ReproduceCommand, LeavesNothingBehind) {
  static_cast<void>(reproduce(bundle_with(kTwoSets)));
  EXPECT_EQ(std::distance(fs::directory_iterator(temp_.path()), fs::directory_iterator()), 1)
      << "only the bundle must be left, no workspace";
}

}  // namespace
}  // namespace crashpoint::cli
