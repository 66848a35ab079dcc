// The loader fills in the structs from the file, for the chosen cases only.
#include "harness/scenario/load/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "harness/scenario/load/files_for_test.h"

namespace crashpoint::scenario {
namespace {

using testing::ElementsAre;

// A complete scenario with these keys.
Case with(const std::string& keys) {
  return FilesForTest().load_one(R"({"version": 1, "summary": "s", )" + keys + "}");
}

fault::Fault fault(const std::string& json) {
  return with(R"("workload": [{"pause_ms": 1}, {"pause_ms": 1}], "faults": [)" + json + "]")
      .faults.at(0);
}

const fault::Place& place(const fault::Fault& fault) {
  return std::get<fault::Place>(fault.at);
}

crash::DamageAction damage(const std::string& json) {
  return with(R"("damage": [{"file": "*.aof", )" + json + "}]").damage.at(0).action;
}

TEST(Load, AScenarioOfTwoKeysKillsAnIdleEngine) {
  const Case loaded = with(R"("name": "a/b")");
  EXPECT_EQ(loaded.name, "a/b");
  EXPECT_EQ(loaded.scenario, "a/b");
  EXPECT_EQ(loaded.target.use, "engine");
  EXPECT_EQ(loaded.seed, 1U);
  EXPECT_EQ(loaded.crash.kind, oracle::CrashKind::kProcessKill);
  EXPECT_FALSE(loaded.crash.explore.has_value());
  EXPECT_FALSE(loaded.oracle.guarantee.has_value());
  EXPECT_TRUE(loaded.workload.steps.empty());
}

TEST(Load, NamesAScenarioAfterItsFolderAndFile) {
  const FilesForTest files;
  EXPECT_EQ(load({files.write("aof/x.y.json", R"({"version": 1, "summary": "s"})")}).cases[0].name,
            "aof/x.y");
}

TEST(LoadTarget, TakesDirectivesInAllTheirForms) {
  const Target target =
      with(R"("seed": 9, "target": {"use": {"command": ["valkey", "{config}", "{seed}"]},
      "config": {"A": "yes", "b": 10, "c": 1.5, "save": ["900 1", "60 10"]}, "arguments": ["--x"],
      "environment": {"HOME": "/h"}})")
          .target;
  EXPECT_EQ(target.use, "command");
  EXPECT_THAT(target.command, ElementsAre("valkey", "{config}", "9"));
  EXPECT_THAT(target.config.at("a"), ElementsAre("yes"));
  EXPECT_THAT(target.config.at("b"), ElementsAre("10"));
  EXPECT_THAT(target.config.at("c"), ElementsAre("1.5"));
  EXPECT_THAT(target.config.at("save"), ElementsAre("900 1", "60 10"));
  EXPECT_THAT(target.arguments, ElementsAre("--x"));
  EXPECT_EQ(target.environment.at("HOME"), "/h");
}

TEST(LoadFiles, TakesBytesInAllTheirForms) {
  const FilesForTest files;
  files.write("fixture.rdb", std::string("RE\0DIS", 6));
  const Files found = files
                          .load_one(R"({"version": 1, "summary": "s", "files": {
      "text": "a\r\n\u0000", "hex": {"hex": "00fFa0"}, "big": {"repeat": "xy", "times": 3},
      "copied": {"copy": "fixture.rdb"}}})")
                          .files;
  EXPECT_EQ(found.at("text"), std::string("a\r\n\0", 4));
  EXPECT_EQ(found.at("hex"), std::string("\0\xff\xa0", 3));
  EXPECT_EQ(found.at("big"), "xyxyxy");
  EXPECT_EQ(found.at("copied"), std::string("RE\0DIS", 6));
}

TEST(LoadWorkload, TakesEachKindOfStep) {
  const workload::Plan plan = with(R"("seed": 5, "stall_ms": 70, "workload": [
      {"commands": [["SET", "a", 1], ["PING"]], "client": 2, "pipeline": 4, "repeat": 2},
      {"generate": {"count": 9, "clients": 3, "value_bytes": [1, 7], "mix": {"SET": 2}}},
      {"generate": {"value_bytes": 16}},
      {"admin": ["BGSAVE"], "wait": "done"},
      {"pause_ms": 12}])")
                                  .workload;
  EXPECT_EQ(plan.seed, 5U);
  EXPECT_EQ(plan.stall_ms, 70);
  ASSERT_EQ(plan.steps.size(), 5U);
  const auto& commands = std::get<workload::Commands>(plan.steps[0].action);
  EXPECT_THAT(commands.commands,
              ElementsAre(workload::Arguments{"SET", "a", "1"}, workload::Arguments{"PING"},
                          workload::Arguments{"SET", "a", "1"}, workload::Arguments{"PING"}));
  EXPECT_EQ(commands.client, 2U);
  EXPECT_EQ(commands.pipeline, 4U);
  const auto& generate = std::get<workload::Generate>(plan.steps[1].action);
  EXPECT_EQ(generate.count, 9U);
  EXPECT_EQ(generate.clients, 3U);
  EXPECT_EQ(generate.value_bytes_min, 1U);
  EXPECT_EQ(generate.value_bytes_max, 7U);
  EXPECT_EQ(generate.mix.at("SET"), 2U);
  EXPECT_EQ(std::get<workload::Generate>(plan.steps[2].action).value_bytes_max, 16U);
  EXPECT_EQ(std::get<workload::Admin>(plan.steps[3].action).wait, workload::Admin::Wait::kDone);
  EXPECT_EQ(std::get<workload::Pause>(plan.steps[4].action).ms, 12);
}

TEST(LoadFault, TakesAPlace) {
  const fault::Fault full = fault(R"({"at": {"syscall": "write", "path": "*.aof", "role": "child:2",
      "nth": {"from": 2, "to": 9, "step": 3}, "per": "process", "phase": "after", "probability": 0.25,
      "at_offset": 77, "while": "rewrite"}, "do": {"kill": "process", "signal": "SIGTERM"},
      "may_miss": true, "from_step": 1})");
  EXPECT_EQ(place(full).syscall, "write");
  EXPECT_EQ(place(full).path, "*.aof");
  EXPECT_EQ(place(full).role, "child:2");
  EXPECT_EQ(place(full).nth.first, 2U);
  EXPECT_EQ(place(full).nth.last, 9U);
  EXPECT_EQ(place(full).nth.step, 3U);
  EXPECT_EQ(place(full).count_per, fault::CountPer::kProcess);
  EXPECT_EQ(place(full).phase, fault::Phase::kAfter);
  EXPECT_EQ(place(full).probability, 0.25);
  EXPECT_EQ(place(full).at_offset, 77U);
  EXPECT_EQ(place(full).while_child, "rewrite");
  EXPECT_FALSE(std::get<fault::Kill>(full.action).tree);
  EXPECT_EQ(std::get<fault::Kill>(full.action).signal, SIGTERM);
  EXPECT_TRUE(full.may_miss);
  EXPECT_EQ(full.from_step, 1U);
}

TEST(LoadFault, CountsOccurrencesInAllTheirForms) {
  constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();
  const auto nth = [](const std::string& at, const std::string& action = R"({"skip": true})") {
    const fault::Fault loaded =
        fault(R"({"at": {"syscall": "fsync")" + at + R"(}, "do": )" + action + "}");
    return std::pair(place(loaded).nth.first, place(loaded).nth.last);
  };
  EXPECT_EQ(nth(""), std::pair(std::uint64_t{1}, std::uint64_t{1}));
  EXPECT_EQ(nth(R"(, "nth": 4)"), std::pair(std::uint64_t{4}, std::uint64_t{4}));
  EXPECT_EQ(nth(R"(, "nth": "every")"), std::pair(std::uint64_t{1}, kForever));
  EXPECT_EQ(nth(R"(, "nth": {"from": 3})"), std::pair(std::uint64_t{3}, kForever));
  EXPECT_EQ(nth(R"(, "nth": 3)", R"({"error": "EIO", "times": 4})"),
            std::pair(std::uint64_t{3}, std::uint64_t{6}));
  EXPECT_EQ(nth(R"(, "nth": 3)", R"({"error": "EIO", "times": 0})"),
            std::pair(std::uint64_t{3}, kForever));
}

TEST(LoadFault, TakesEachAction) {
  const auto action = [](const std::string& json) {
    return fault(R"({"at": {"syscall": "write"}, "do": )" + json + "}").action;
  };
  EXPECT_TRUE(std::get<fault::Kill>(action(R"({"kill": "tree"})")).tree);
  EXPECT_EQ(std::get<fault::InjectError>(action(R"({"error": "ENOSPC"})")).error, ENOSPC);
  EXPECT_EQ(std::get<fault::ShortWrite>(action(R"({"short_write": 3})")).bytes, 3U);
  EXPECT_EQ(std::get<fault::TornWrite>(action(R"({"torn_write": 3})")).bytes, 3U);
  EXPECT_EQ(std::get<fault::Delay>(action(R"({"delay_ms": 3})")).max_ms, 3);
  EXPECT_EQ(std::get<fault::Delay>(action(R"({"delay_ms": [3, 5]})")).max_ms, 5);
  EXPECT_TRUE(std::holds_alternative<fault::Skip>(action(R"({"skip": true})")));
  EXPECT_TRUE(std::holds_alternative<fault::Trigger>(
      fault(R"({"at": {"failpoint": "a/b"}, "do": {"trigger": true}})").action));
  EXPECT_EQ(std::get<fault::DiskBudget>(fault(R"({"do": {"disk_bytes": 9}})").action).bytes, 9U);
  const fault::Fault libfiu =
      fault(R"({"do": {"libfiu": {"name": "posix/io/rw/*", "probability": 0.5, "error": "EIO"}}})");
  EXPECT_EQ(std::get<fault::Libfiu>(libfiu.action).name, "posix/io/rw/*");
  EXPECT_EQ(std::get<fault::Libfiu>(libfiu.action).error, EIO);
}

TEST(LoadFault, TakesMoments) {
  EXPECT_EQ(
      std::get<fault::AfterAcked>(fault(R"({"at": {"after_acked": 7}, "do": {"kill": "tree"}})").at)
          .commands,
      7U);
  EXPECT_EQ(
      std::get<fault::AfterAcked>(
          fault(R"({"at": {"after_acked": 7, "while": "rewrite"}, "do": {"kill": "tree"}})").at)
          .while_child,
      "rewrite");
  EXPECT_EQ(std::get<fault::AtTime>(fault(R"({"at": {"at_ms": 7}, "do": {"kill": "tree"}})").at).ms,
            7);
}

TEST(LoadFault, IsDescribedInWords) {
  const auto text = [](const std::string& json) { return fault(json).text; };
  EXPECT_EQ(
      text(
          R"({"at": {"syscall": "fdatasync", "path": "*.incr.aof", "role": "main", "nth": 3, "phase": "during"}, "do": {"kill": "tree"}})"),
      "kill the tree during the 3rd fdatasync of *.incr.aof by main");
  EXPECT_EQ(
      text(
          R"({"at": {"syscall": "write", "path": "*.aof", "nth": 2}, "do": {"error": "ENOSPC", "times": 3}})"),
      "fail with ENOSPC at the 2nd to 4th write of *.aof");
  EXPECT_EQ(
      text(
          R"({"at": {"syscall": "fsync", "nth": "every", "probability": 0.1}, "do": {"skip": true}, "from_step": 1})"),
      "report success without doing anything at every fsync, with probability 0.1, from step 1 "
      "on");
  EXPECT_EQ(text(R"({"at": {"failpoint": "aof/append/after-write"}, "do": {"delay_ms": [1, 5]}})"),
            "delay by 1 to 5 ms at the 1st pass of failpoint aof/append/after-write");
  EXPECT_EQ(
      text(R"({"at": {"after_acked": 1000}, "do": {"kill": "process", "signal": "SIGTERM"}})"),
      "kill the process with SIGTERM when 1,000 commands are acked");
  EXPECT_EQ(text(R"({"at": {"at_ms": 5, "while": "snapshot"}, "do": {"kill": "tree"}})"),
            "kill the tree 5 ms into the workload while a snapshot runs");
  EXPECT_EQ(text(R"({"do": {"disk_bytes": 65536}})"),
            "the data directory holds at most 65,536 bytes");
  EXPECT_EQ(
      text(
          R"({"at": {"syscall": "write", "nth": {"from": 3, "step": 2}, "while": "rewrite"}, "do": {"torn_write": 1}})"),
      "write 1 byte, then kill the tree at every 2nd write from the 3rd on while a rewrite runs");
}

TEST(LoadCrash, TakesKindsAndExploration) {
  EXPECT_EQ(with(R"("crash": "power-loss")").crash.kind, oracle::CrashKind::kPowerLoss);
  const Explore explore =
      *with(R"("crash": {"explore": {"kinds": ["process-kill"], "profile": "xfs",
      "points": {"of": "every-persistence-point", "from": 3, "while": "rewrite"}, "torn_writes": "byte",
      "samples_per_point": 2, "max_states": 9, "depth": 2, "prune": "representative"}})")
           .crash.explore;
  EXPECT_THAT(explore.kinds, ElementsAre(oracle::CrashKind::kProcessKill));
  EXPECT_EQ(explore.profile.name, "xfs");
  EXPECT_EQ(explore.points.kind, Points::Kind::kPersistencePoint);
  EXPECT_EQ(explore.points.first, 3U);
  EXPECT_EQ(explore.points.while_child, "rewrite");
  EXPECT_EQ(explore.torn_writes, crash::TornWrites::kByte);
  EXPECT_EQ(explore.prune, Prune::kRepresentative);
  EXPECT_EQ(explore.depth, 2U);
}

TEST(LoadCrash, TakesAProfileOfItsOwn) {
  const crash::Profile profile =
      with(
          R"("crash": {"explore": {"profile": {"name": "shared-journal", "base": "btrfs", "rename_atomic": false, "auto_da_alloc": true,
      "fsync_keeps": "journal", "failed_fsync": "nothing", "tears": "sectors", "garbage": true,
      "size_with_bytes": ["grow-new", "resize"],
      "order": [{"earlier": ["names", "resize"], "later": ["names"], "of": "name"}]}}})")
          .crash.explore->profile;
  EXPECT_EQ(profile.name, "shared-journal");
  EXPECT_FALSE(profile.rename_atomic);
  EXPECT_TRUE(profile.auto_da_alloc);
  EXPECT_EQ(profile.fsync_keeps, crash::FsyncKeeps::kJournal);
  EXPECT_EQ(profile.fsync_failure, crash::FsyncFailure::kNothingDurable);
  EXPECT_EQ(profile.tears, crash::Tears::kAtSectors);
  EXPECT_TRUE(profile.garbage);
  EXPECT_EQ(profile.with_data, crash::kGrowNewOp | crash::kResizeOp);
  ASSERT_EQ(profile.order.size(), 1U);
  EXPECT_EQ(profile.order[0].earlier, crash::kEntryOp | crash::kResizeOp);
  EXPECT_EQ(profile.order[0].later, crash::kEntryOp);
  EXPECT_EQ(profile.order[0].scope, crash::Scope::kSameName);
}

TEST(LoadCrash, WhatAProfileDoesNotSayIsThatOfItsBase) {
  const crash::Profile profile =
      with(
          R"("crash": {"explore": {"profile": {"name": "p", "base": "ext4-writeback", "tears": "blocks"}}})")
          .crash.explore->profile;
  const crash::Profile& base = *crash::find_profile("ext4-writeback");
  EXPECT_EQ(profile.tears, crash::Tears::kBetweenBlocks);
  EXPECT_EQ(profile.garbage, base.garbage);
  EXPECT_EQ(profile.order.size(), base.order.size());
  EXPECT_EQ(profile.fsync_keeps, base.fsync_keeps);
}

TEST(LoadDamage, TakesEachKind) {
  const auto cut = std::get<crash::Truncate>(damage(R"("truncate_tail": 7)"));
  EXPECT_EQ(cut.size.bytes, 7U);
  EXPECT_TRUE(cut.size.from_end);
  EXPECT_FALSE(std::get<crash::Truncate>(damage(R"("truncate_to": 7)")).size.from_end);
  const auto range =
      std::get<crash::TruncateEvery>(damage(R"("truncate_tail": {"from": 2, "to": 9, "step": 3})"));
  EXPECT_EQ(range.from.bytes, 9U) << "the smallest size comes first";
  EXPECT_EQ(range.to.bytes, 2U);
  EXPECT_EQ(range.step, 3U);
  const auto every = std::get<crash::TruncateEvery>(damage(R"("truncate_tail": "every")"));
  EXPECT_FALSE(every.from.from_end);
  EXPECT_EQ(every.to.bytes, 1U) << "a whole file is no damage";
  EXPECT_EQ(
      std::get<crash::TruncateLastCommands>(damage(R"("truncate_tail": {"last_commands": 3})"))
          .count,
      3U);
  const auto flip = std::get<crash::FlipBit>(damage(R"("flip_bit": {"at": -1, "bit": 7})"));
  EXPECT_TRUE(flip.byte.from_end);
  EXPECT_EQ(flip.byte.bytes, 1U);
  EXPECT_EQ(flip.bit, 7U);
  EXPECT_EQ(std::get<crash::FlipRandomBits>(damage(R"("flip_bit": {"random": 3})")).count, 3U);
  EXPECT_EQ(
      std::get<crash::FlipEveryByte>(damage(R"("flip_bit": {"each_byte": true, "step": 4})")).step,
      4U);
  EXPECT_EQ(std::get<crash::Zero>(damage(R"("zero_range": {"from": 5})")).range.from.bytes, 5U);
  EXPECT_TRUE(
      std::get<crash::Garbage>(damage(R"("garbage_range": {"from": -5})")).range.from.from_end);
  EXPECT_EQ(std::get<crash::Append>(damage(R"("append": {"hex": "0d0a"})")).bytes, "\r\n");
  EXPECT_EQ(std::get<crash::AppendZeros>(damage(R"("append": {"zeros": 5})")).bytes, 5U);
  EXPECT_EQ(std::get<crash::AppendGarbage>(damage(R"("append": {"garbage": 5})")).bytes, 5U);
  EXPECT_EQ(std::get<crash::DuplicateTail>(damage(R"("duplicate_tail": 5)")).bytes, 5U);
  EXPECT_EQ(std::get<crash::Swap>(damage(R"("swap": "dump.rdb")")).with, "dump.rdb");
  EXPECT_TRUE(std::holds_alternative<crash::Remove>(damage(R"("remove": true)")));
  EXPECT_TRUE(std::holds_alternative<crash::Empty>(damage(R"("replace": "empty")")));
  EXPECT_EQ(std::get<crash::EarlierVersion>(damage(R"("replace": {"earlier_version": 2})")).back,
            2U);
  EXPECT_EQ(std::get<crash::Chmod>(damage(R"("chmod": "0400")")).mode, 0400U);
}

TEST(LoadOracle, TakesGuarantees) {
  using Kind = oracle::Guarantee::Kind;
  const auto guarantee = [](const std::string& json, const std::string& config = "{}") {
    return *with(R"("target": {"config": )" + config + R"(}, "oracle": {"guarantee": )" + json +
                 "}")
                .oracle.guarantee;
  };
  EXPECT_EQ(guarantee(R"("durable")").kind, Kind::kDurable);
  EXPECT_EQ(guarantee(R"("prefix")").kind, Kind::kPrefix);
  EXPECT_EQ(guarantee(R"("none")").kind, Kind::kNone);
  EXPECT_EQ(guarantee(R"({"buffered": {"seconds": 2}})").kind, Kind::kBuffered);
  EXPECT_EQ(guarantee(R"({"buffered": {"seconds": 2.5}})").seconds, 2.5);
  EXPECT_EQ(guarantee(R"("snapshot")").kind, Kind::kSnapshot);
  EXPECT_TRUE(guarantee(R"("snapshot")").unlisted_snapshots) << "Redis has save rules by default";
  EXPECT_FALSE(guarantee(R"("snapshot")", R"({"save": ""})").unlisted_snapshots);
}

TEST(LoadOracle, TakesExplicitState) {
  const oracle::Expectations expect = with(R"("oracle": {"expect": [
      {"keys": {"s": "x", "n": 10, "l": {"list": ["a", 1]}, "e": {"set": ["b", "a"]},
                "h": {"hash": {"f": "v"}}, "z": {"zset": {"m": 1.5}}}, "absent": ["gone"], "dbsize": 6},
      {"database": 3, "types": {"t": "list"}, "ttl": {"a": "none", "b": "any", "c": {"max_ms": 5}}}]})")
                                          .oracle.expect;
  EXPECT_EQ(expect.values.at({0, "n"}), target::Value("10"));
  EXPECT_EQ(expect.values.at({0, "l"}), target::Value(target::List{"a", "1"}));
  EXPECT_EQ(expect.values.at({0, "e"}), target::Value(target::Set{"a", "b"}));
  EXPECT_EQ(expect.values.at({0, "h"}), target::Value(target::Hash{{"f", "v"}}));
  EXPECT_EQ(expect.values.at({0, "z"}), target::Value(target::SortedSet{{"m", 1.5}}));
  EXPECT_THAT(expect.absent, ElementsAre(target::Key{0, "gone"}));
  EXPECT_EQ(expect.dbsize.at(0), 6U);
  EXPECT_EQ(expect.types.at({3, "t"}), "list");
  EXPECT_TRUE(expect.ttls.at({3, "a"}).none);
  EXPECT_FALSE(expect.ttls.at({3, "b"}).none);
  EXPECT_EQ(expect.ttls.at({3, "c"}).max_ms, 5);
}

TEST(LoadOracle, TakesOnWhichDirectoriesLifeGoesOnAndFurtherRounds) {
  EXPECT_EQ(with(R"("oracle": {})").oracle.continues, Continues::kSampled);
  EXPECT_EQ(with(R"("oracle": {"continues": false})").oracle.continues, Continues::kNone);
  EXPECT_EQ(with(R"("oracle": {"continues": true})").oracle.continues, Continues::kSampled);
  const Oracle oracle =
      with(R"("oracle": {"continues": "all", "then": [[{"commands": [["SET", "a", 1]]}], []]})")
          .oracle;
  EXPECT_EQ(oracle.continues, Continues::kAll);
  ASSERT_EQ(oracle.then.size(), 2U);
  EXPECT_EQ(oracle.then[0].steps.size(), 1U);
  EXPECT_NE(oracle.then[0].seed, oracle.then[1].seed);
}

TEST(LoadOracle, TakesFilesLogInfoAndTools) {
  const Oracle oracle = with(R"("oracle": {"start": "refuses", "usable": false,
      "files": {"present": ["*.rdb"], "absent": ["temp-*"]}, "log": {"present": ["Bad file"]},
      "info": {"a": "ok*", "b": 1, "c": {"min": 2}}, "also_loads_in": ["redis"],
      "tools": [["redis-check-aof", "{manifest}"]], "memory_mb_max": 64})")
                            .oracle;
  EXPECT_FALSE(oracle.starts);
  EXPECT_FALSE(oracle.usable);
  ASSERT_EQ(oracle.files.size(), 2U);
  EXPECT_TRUE(oracle.files[0].present);
  EXPECT_EQ(oracle.files[1].glob, "temp-*");
  EXPECT_FALSE(oracle.files[1].present);
  EXPECT_EQ(oracle.log.at(0).glob, "*Bad file*") << "anywhere in the line";
  ASSERT_EQ(oracle.info.size(), 3U);
  EXPECT_EQ(oracle.info[0].glob, "ok*");
  EXPECT_EQ(oracle.info[1].glob, "1");
  EXPECT_EQ(oracle.info[2].min, 2);
  EXPECT_THAT(oracle.also_loads_in, ElementsAre("redis"));
  EXPECT_THAT(oracle.tools.at(0), ElementsAre("redis-check-aof", "{manifest}"));
  EXPECT_EQ(oracle.memory_mb_max, 64U);
}

TEST(LoadName, IsMadeOfThoseOfDirectoryAndFile) {
  const FilesForTest files;
  const auto name = [&](const std::string& path) {
    return load({files.write(path, R"({"version": 1, "summary": "s"})")}).cases.at(0).name;
  };
  EXPECT_EQ(name("aof/kill.json"), "aof/kill");
  EXPECT_EQ(name("My Job@2/a b.json"), "My-Job-2/a-b");
  EXPECT_EQ(name("it's a \"dir\" $HOME `x` ä/[1].json"), "it-s-a-dir-HOME-x-/-1-");
  EXPECT_EQ(name("back\\slash\n/\xe4.json"), "back-slash-/-") << "bytes that are no UTF-8";
}

TEST(LoadName, OfACaseIsOneThatItsBundleCanHave) {
  const FilesForTest files;
  const Case first =
      load({files.write("a (1)/ü x.json", R"({"version": 1, "summary": "s"})")}).cases.at(0);
  const Case again = load({files.write("scenario.json", first.stand_alone)}).cases.at(0);
  EXPECT_EQ(again.name, first.name);
}

TEST(LoadName, ThatTwoOddNamesShareIsRefused) {
  const FilesForTest files;
  files.write("d/a b.json", R"({"version": 1, "summary": "s"})");
  files.write("d/a-b.json", R"({"version": 1, "summary": "s"})");
  EXPECT_THAT(files.problems({files.path()}),
              testing::Contains(testing::HasSubstr("\"d/a-b\" is also the name of d/a b.json")));
}

TEST(LoadTarget, FindsAProgramFromTheCurrentDirectoryOrFromThatOfTheScenario) {
  const FilesForTest files;
  files.write("x/bin/server", "");
  const std::string file = files.write("x/s.json", R"({"version": 1, "summary": "s", "target":
      {"use": {"command": ["./bin/server", "{config}"]}}})");
  const Case beside = load({file}).cases.at(0);
  EXPECT_EQ(beside.target.command.front(), files.path("x/bin/server"));
  EXPECT_THAT(beside.stand_alone, testing::HasSubstr(files.path("x/bin/server")))
      << "a bundle is recovered from anywhere";
}

TEST(LoadFiles, PassOverWhatCrashpointWrote) {
  const FilesForTest files;
  const std::string scenario = R"({"version": 1, "summary": "s"})";
  files.write("a.json", scenario);
  files.write("bundles/report.json", scenario);  // names alone say nothing
  files.write("out/report.json", R"({"format": "crashpoint-report", "format_version": 1})");
  files.write("out/bundles/b/bundle.json", R"({"format": "crashpoint-bundle"})");
  files.write("out/bundles/b/base-state.json", "{}");
  files.write("out/bundles/b/scenario.json", scenario);
  files.write("out/bundles/b/crash-state/x.json", "no JSON");
  EXPECT_THAT(scenario_files({files.path()}),
              ElementsAre(files.path("a.json"), files.path("bundles/report.json")));
  EXPECT_THAT(scenario_files({files.path("out/bundles/b")}),
              ElementsAre(files.path("out/bundles/b/scenario.json")))
      << "the scenario of a bundle that is asked for";
  EXPECT_THAT(
      files.problems({files.path("out/report.json")}),
      testing::Contains("out/report.json: is a report that crashpoint wrote, not a scenario"));
  EXPECT_THAT(files.problems({files.path("out/bundles/b/bundle.json")}),
              testing::Contains(testing::HasSubstr("its scenario is scenario.json")));
}

class Choosing : public testing::Test {
 protected:
  Choosing() {
    files_.write("aof/kill.json", R"({"version": 1, "summary": "s", "tags": ["aof", "slow"],
                                      "matrix": {"/seed": [1, 2, 10]}})");
    files_.write("rdb/kill.json", R"({"version": 1, "summary": "s", "tags": ["rdb"]})");
    files_.write("rdb/point.json", R"({"version": 1, "summary": "s", "tags": ["rdb"],
        "faults": [{"at": {"failpoint": "rdb/save/before-rename"}, "do": {"kill": "tree"}}]})");
  }

  std::vector<std::string> names(const LoadOptions& options) const {
    std::vector<std::string> all;
    for (const Case& each : load({files_.path()}, options).cases) {
      all.push_back(each.name);
    }
    return all;
  }

  LoadOptions options_;
  FilesForTest files_;
};

TEST_F(Choosing, AllCasesSortedAsPeopleCount) {
  EXPECT_THAT(names({}), ElementsAre("aof/kill[seed=1]", "aof/kill[seed=2]", "aof/kill[seed=10]",
                                     "rdb/kill", "rdb/point"));
}

TEST_F(Choosing, ByCaseByScenarioByGlobAndByTag) {
  options_.filter = {"aof/kill[seed=2]"};
  EXPECT_THAT(names(options_), ElementsAre("aof/kill[seed=2]"));
  options_.filter = {"aof/kill"};
  EXPECT_THAT(names(options_), testing::SizeIs(3));
  options_.filter = {"*/kill*"};
  EXPECT_THAT(names(options_), testing::SizeIs(4));
  options_.filter = {"tag:rdb"};
  EXPECT_THAT(names(options_), ElementsAre("rdb/kill", "rdb/point"));
  options_.filter = {"aof/kill[seed=1]", "tag:rdb"};
  options_.exclude = {"*/point"};
  EXPECT_THAT(names(options_), ElementsAre("aof/kill[seed=1]", "rdb/kill"));
}

TEST_F(Choosing, ASeedOnTheCommandLineWins) {
  options_.seed = 77;
  EXPECT_EQ(load({files_.path()}, options_).cases.at(0).seed, 77U);
}

TEST_F(Choosing, AnotherTargetRunsWhatItCanAndSaysWhatItCannot) {
  options_.target = "redis";
  const Loaded loaded = load({files_.path()}, options_);
  EXPECT_EQ(loaded.cases.size(), 4U);
  EXPECT_EQ(loaded.cases[0].target.use, "redis");
  ASSERT_EQ(loaded.left_out.size(), 1U);
  EXPECT_EQ(loaded.left_out[0].name, "rdb/point");
  options_.target = "valkey-server";
  EXPECT_THAT(load({files_.path()}, options_).cases.at(0).target.command,
              ElementsAre("valkey-server", "{config}"));
}

TEST_F(Choosing, ATargetOfSeveralWordsIsACommandAndItsScriptIsFound) {
  files_.write("kv.py", "");
  options_.target = "python3 " + files_.path("kv.py") + " {config} {port}";
  EXPECT_THAT(load({files_.path()}, options_).cases.at(0).target.command,
              ElementsAre("python3", files_.path("kv.py"), "{config}", "{port}"));
  files_.write("aof/kv.py", "");
  options_.target = "python3 kv.py {config}";  // beside the scenario
  EXPECT_THAT(load({files_.path("aof")}, options_).cases.at(0).target.command,
              ElementsAre("python3", files_.path("aof/kv.py"), "{config}"));
}

}  // namespace
}  // namespace crashpoint::scenario
