// Exploration held against a toy target whose durability bugs are planted: a store that appends
// "key=value~check;" to a log, replays it up to the first torn record, and replaces it through a
// manifest. The check is of the record and its place, so that neither garbage nor a stale block passes.

#include "harness/explore/explore.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/error.h"
#include "harness/base/temporary_directory.h"
#include "harness/crash/trace_script_for_test.h"
#include "harness/oracle/resp/history_for_test.h"

namespace crashpoint::explore {
namespace {

using crash::TraceScript;
using oracle::CrashKind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// ---- the toy target

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string record_at(std::size_t offset, const std::string& key, const std::string& value) {
  const std::string text = key + "=" + value;
  const std::uint64_t check = crash::digest_of(std::to_string(offset) + ":" + text).low;
  return fmt::format("{}~{:04x};", text, check & 0xffff);
}

// `valid`: how many bytes of the log are whole records.
recovery::Recovered recover_store(const std::filesystem::path& directory,
                                  std::size_t* valid = nullptr) {
  recovery::Recovered recovered;
  const std::string log = read(directory / "manifest");
  if (log.empty() || !std::filesystem::is_regular_file(directory / log)) {
    recovered.trouble = "the manifest names a log that is not there";
    return recovered;
  }
  recovered.started = true;
  const std::string bytes = read(directory / log);
  for (std::size_t begin = 0; begin < bytes.size();) {
    const std::size_t equals = std::min(bytes.find('=', begin), bytes.size());
    const std::size_t tilde = std::min(bytes.find('~', equals), bytes.size());
    const std::string key = bytes.substr(begin, equals - begin);
    const std::string value = bytes.substr(std::min(equals + 1, tilde), tilde - equals - 1);
    const std::string record = record_at(begin, key, value);
    if (bytes.compare(begin, record.size(), record) != 0) {
      break;  // a torn tail
    }
    recovered.state.entries[{0, key}] = {value, {}};
    begin += record.size();
    if (valid != nullptr) {
      *valid = begin;
    }
  }
  return recovered;
}

class StoreRecoverer : public recovery::Recoverer {
 public:
  recovery::Recovered recover(const std::filesystem::path& directory) override {
    return recover_store(directory);
  }
};

std::unique_ptr<recovery::Recoverer> make_recoverer(unsigned, const std::filesystem::path&) {
  return std::make_unique<StoreRecoverer>();
}

// ---- a run of it: what it does to files, and what the client sees

struct RewriteFlaws {
  bool no_sync_of_log = false;
  bool no_sync_of_manifest = false;
  bool no_sync_of_directory = false;
  bool unlinks_first = false;
};

class StoreRun {
 public:
  StoreRun()
      : script_({{"manifest", crash::file_entry("log.1")}, {"log.1", crash::file_entry("")}}) {}

  TraceScript& script() { return script_; }

  // One command, and how the store serves it: given its record.
  template <typename Serve>
  StoreRun& set(const std::string& key, const std::string& value, const Serve& serve) {
    workload::Operation operation;
    operation.index = history_.operations.size();
    operation.arguments = {"SET", key, value};
    operation.sent_ns = now_ns();
    history_.operations.push_back(operation);
    const std::string record = record_at(log_size_, key, value);
    log_size_ += record.size();
    serve(record);
    return *this;
  }
  // Its reply leaves.
  void reply() {
    script_.ack();
    workload::Operation& operation = history_.operations.back();
    operation.reply = oracle::ok_reply();
    operation.acked = script_.trace().events.back().exit;
    operation.acked_ns = operation.read_ns = script_.trace().events.back().exit_ns;
  }
  // As it should be.
  StoreRun& set(const std::string& key, const std::string& value) {
    return set(key, value, [this](const std::string& record) {
      script_.append(log_, record).fsync(log_);
      reply();
    });
  }

  // A new log with one record for each key, put in place through the manifest.
  StoreRun& rewrite(const RewriteFlaws& flaws = {}) {
    const std::string next = "log.2";
    std::map<std::string, std::string> latest;
    for (const workload::Operation& operation : history_.operations) {
      latest[operation.arguments[1]] = operation.arguments[2];
    }
    std::string records;
    for (const auto& [key, value] : latest) {
      records += record_at(records.size(), key, value);
    }
    script_.create(next).append(next, records);
    if (!flaws.no_sync_of_log) {
      script_.fsync(next);
    }
    script_.create("temp-7.manifest").append("temp-7.manifest", next);
    if (!flaws.no_sync_of_manifest) {
      script_.fsync("temp-7.manifest");
    }
    if (flaws.unlinks_first) {
      script_.unlink(log_);
    }
    if (!flaws.no_sync_of_directory) {
      script_.fsync_directory();
    }
    script_.rename("temp-7.manifest", "manifest").fsync_directory();
    if (!flaws.unlinks_first) {
      script_.unlink(log_);
    }
    log_ = next;
    log_size_ = records.size();
    return *this;
  }

  std::shared_ptr<const trace::Trace> trace() const {
    return std::make_shared<const trace::Trace>(script_.trace());
  }
  workload::History history() const {
    workload::History history = history_;
    history.clients = {{0, "@client"}};
    history.ended_ns = now_ns();
    return history;
  }

 private:
  std::int64_t now_ns() const { return static_cast<std::int64_t>(script_.now()) * 1000; }

  TraceScript script_;
  std::string log_ = "log.1";
  std::size_t log_size_ = 0;
  workload::History history_;
};

class Explore : public testing::Test {
 protected:
  Explore() {
    options_.folder = folder_.path();
    options_.guarantees = {{CrashKind::kProcessKill, {}}, {CrashKind::kPowerLoss, {}}};
  }

  Exploration explore(const StoreRun& run) {
    const workload::History history = run.history();
    const oracle::Judge judge(history);
    return explore::explore(run.trace(), judge, factory_, options_);
  }

  // In the form "kind check: cause [profiles]".
  static std::vector<std::string> told(const Exploration& exploration) {
    std::vector<std::string> all;
    for (const Finding& finding : exploration.findings) {
      all.push_back((finding.kind == CrashKind::kProcessKill ? "kill " : "power ") +
                    finding.verdict.check + ": " + finding.cause + " [" +
                    describe_profiles(finding.profiles) + "]");
    }
    return all;
  }

  TemporaryDirectory folder_;
  ExploreOptions options_;
  recovery::RecovererFactory factory_ = make_recoverer;
};

// ---- what it finds, and says

TEST_F(Explore, FindsNothingInACorrectTarget) {
  StoreRun run;
  run.set("a", "1").set("b", "2").set("a", "3").rewrite().set("c", "4").set("a", "5");
  const Exploration exploration = explore(run);
  EXPECT_THAT(told(exploration), IsEmpty());
  EXPECT_EQ(exploration.inconclusive, "");
  ASSERT_THAT(exploration.accounts, SizeIs(2));
  EXPECT_GT(exploration.accounts[1].tried, 100U);
  EXPECT_EQ(exploration.accounts[1].tried, exploration.accounts[1].permitted);
}

TEST_F(Explore, AnAckBeforeTheSyncIsLostWithTheWrite) {
  StoreRun run;
  run.set("a", "1").set("b", "2", [&](const std::string& record) {
    run.script().append("log.1", record);
    run.reply();
    run.script().fsync("log.1");
  });
  const Exploration exploration = explore(run);
  ASSERT_THAT(told(exploration),
              ElementsAre("power guarantee: write of 9 bytes at 9 to log.1 lost: log.1 was not "
                          "synced [already with prefix: any power loss]"));
  EXPECT_GT(exploration.findings[0].states, 1U) << "torn and lost in part, it is the same finding";
  EXPECT_EQ(exploration.findings[0].verdict.lost_count, 1U);
}

TEST_F(Explore, SyncFileRangeIsToldFromASync) {
  StoreRun run;
  run.set("b", "2", [&](const std::string& record) {
    run.script().append("log.1", record).sync_range("log.1");
    run.reply();
  });
  EXPECT_THAT(
      told(explore(run)),
      ElementsAre(HasSubstr("log.1 was not synced (sync_file_range makes nothing durable)")));
}

TEST_F(Explore, AnAckBeforeTheWriteNeedsNoLossAtAll) {
  StoreRun run;
  run.set("a", "1").set("b", "2", [&](const std::string& record) {
    run.reply();
    run.script().append("log.1", record).fsync("log.1");
  });
  EXPECT_THAT(told(explore(run)),
              ElementsAre(HasSubstr("kill guarantee: nothing needs to be lost: any crash")));
}

TEST_F(Explore, ARenamedManifestCanNameALogThatWasLost) {
  StoreRun run;
  run.set("a", "1").rewrite({.no_sync_of_directory = true});
  const Exploration exploration = explore(run);
  ASSERT_THAT(told(exploration), SizeIs(1));
  EXPECT_THAT(told(exploration)[0], HasSubstr("power start: "));
  EXPECT_THAT(
      exploration.findings[0].cause,
      HasSubstr("rename of temp-7.manifest to manifest survived, creation of log.2 did not: "
                "directory . was not synced in between"));
  EXPECT_THAT(exploration.findings[0].profiles, ElementsAre("weakest"))
      << "where names are journaled the sync of the log keeps its name";
}

TEST_F(Explore, ALogRenamedIntoUseBeforeItIsSyncedMayBeEmpty) {
  StoreRun run;
  run.set("a", "1").rewrite({.no_sync_of_log = true});
  const Exploration exploration = explore(run);
  ASSERT_FALSE(exploration.findings.empty());
  EXPECT_THAT(exploration.findings[0].cause, HasSubstr("write of 9 bytes at 0 to log.2"));
  EXPECT_THAT(exploration.findings[0].cause, HasSubstr("log.2 was not synced"));
  EXPECT_EQ(exploration.findings[0].verdict.cause, "write log.#") << "the same in any run";
  EXPECT_THAT(exploration.findings[0].profiles, testing::Contains("ext4-ordered"));
}

TEST_F(Explore, AManifestRenamedBeforeItIsSyncedMayBeEmpty) {
  StoreRun run;
  run.set("a", "1").rewrite({.no_sync_of_manifest = true});
  const Exploration exploration = explore(run);
  ASSERT_FALSE(exploration.findings.empty());
  EXPECT_THAT(exploration.findings[0].cause, HasSubstr("temp-7.manifest was not synced"));
}

TEST_F(Explore, TheOldLogRemovedTooEarlyIsMissedByAnyCrash) {
  StoreRun run;
  run.set("a", "1").rewrite({.unlinks_first = true});
  EXPECT_THAT(told(explore(run)), testing::Contains(HasSubstr("already after a process kill")));
}

TEST_F(Explore, BufferedPromisesAreJudgedByTheTimeOfTheTrace) {
  StoreRun run;
  for (const char* const key : {"a", "b", "c", "d"}) {
    run.set(key, "1", [&](const std::string& record) {
      run.script().append("log.1", record);
      run.reply();
    });
  }
  oracle::Guarantee buffered{.kind = oracle::Guarantee::Kind::kBuffered, .seconds = 1};
  options_.guarantees = {{CrashKind::kPowerLoss, buffered}};
  EXPECT_THAT(told(explore(run)), IsEmpty()) << "the run took some microseconds";
  buffered.seconds = 5e-6;
  options_.guarantees = {{CrashKind::kPowerLoss, buffered}};
  EXPECT_THAT(told(explore(run)), SizeIs(1));
}

// ---- crashes during recovery

// A store that, at start, writes the log anew in place, without care.
class CarelessRecoverer : public StoreRecoverer {
 public:
  std::optional<trace::Trace> record(const std::filesystem::path& directory) override {
    const std::string bytes = read(directory / "log.1");
    TraceScript script(crash::read_directory(directory));
    script.open_truncate("log.1");
    if (!bytes.empty()) {
      script.append("log.1", bytes);
    }
    script.fsync("log.1");
    return script.trace();
  }
};

TEST_F(Explore, ACrashDuringRecoveryIsACrashLikeAnyOther) {
  StoreRun run;
  run.set("a", "1").set("b", "2");
  options_.guarantees = {{CrashKind::kPowerLoss, {}}};
  options_.depth = 2;
  EXPECT_THAT(told(explore(run)), IsEmpty()) << "a recovery that changes nothing";

  factory_ = [](unsigned, const std::filesystem::path&) {
    return std::make_unique<CarelessRecoverer>();
  };
  const Exploration exploration = explore(run);
  ASSERT_FALSE(exploration.findings.empty());
  EXPECT_THAT(exploration.findings[0].cause, HasSubstr("recovery crashed: "));
  EXPECT_EQ(exploration.findings[0].depth, 2U);
  EXPECT_THAT(exploration.findings[0].verdict.summary, HasSubstr("lost"));
}

// A store that, at start, leaves a note beside its log.
class NotingRecoverer : public StoreRecoverer {
 public:
  std::optional<trace::Trace> record(const std::filesystem::path& directory) override {
    TraceScript script(crash::read_directory(directory));
    if (!std::filesystem::exists(directory / "note")) {
      script.create("note").append("note", "here").fsync("note").fsync_directory();
    }
    return script.trace();
  }
};

TEST_F(Explore, WhatIsLostBeforeARecoveryIsNotBlamedOnACrashOfIt) {
  StoreRun run;
  run.set("a", "1").set("b", "2", [&](const std::string& record) {
    run.script().append("log.1", record);
    run.reply();
  });
  factory_ = [](unsigned, const std::filesystem::path&) {
    return std::make_unique<NotingRecoverer>();
  };
  const std::vector<std::string> once = told(explore(run));
  ASSERT_THAT(once, SizeIs(1));
  options_.depth = 2;
  EXPECT_EQ(told(explore(run)), once);
}

// ---- how it goes about it

StoreRun flawed_run() {
  StoreRun run;
  run.set("a", "1").set("b", "2").rewrite({.no_sync_of_log = true, .no_sync_of_directory = true});
  run.set("c", "3", [&](const std::string& record) {
    run.script().append("log.2", record);
    run.reply();
  });
  return run;
}

std::vector<std::string> states_of(const Exploration& exploration) {
  std::vector<std::string> states;
  for (const KeptState& state : exploration.kept) {
    states.push_back(state.point + ": " + state.state + " " + to_hex(state.image.digest()));
  }
  return states;
}

TEST_F(Explore, GivesTheSameWhateverTheNumberOfWorkers) {
  options_.kept_max = 1'000'000;  // all
  const Exploration one = explore(flawed_run());
  options_.jobs = 4;
  const Exploration four = explore(flawed_run());
  EXPECT_EQ(told(one), told(four));
  EXPECT_EQ(one.kept.size(), one.recovered);
  EXPECT_EQ(states_of(one), states_of(four)) << "the same states in the same order";
  for (std::size_t i = 0; i < one.accounts.size(); ++i) {
    EXPECT_EQ(one.accounts[i].tried, four.accounts[i].tried);
    EXPECT_EQ(one.accounts[i].violating, four.accounts[i].violating);
  }
  for (std::size_t i = 0; i < one.findings.size(); ++i) {
    EXPECT_EQ(one.findings[i].states, four.findings[i].states);
    EXPECT_EQ(one.findings[i].image.digest(), four.findings[i].image.digest());
  }
}

TEST_F(Explore, StopsAtTheLargestNumberOfStatesAndSaysSo) {
  options_.max_states = 20;
  const Exploration exploration = explore(flawed_run());
  EXPECT_LE(exploration.accounts[1].tried, 20U);
  EXPECT_FALSE(exploration.accounts[1].permitted_exactly);
  EXPECT_THAT(exploration.accounts[1].skipped,
              testing::Contains(testing::Key(SkipReason::kMaxStates)));
}

TEST_F(Explore, GoesNoDeeperThanTheLargestNumberOfStatesPermits) {
  factory_ = [](unsigned, const std::filesystem::path&) {
    return std::make_unique<CarelessRecoverer>();
  };
  options_.depth = 2;
  for (const std::uint64_t max : {1U, 7U, 40U}) {
    options_.max_states = max;
    const Exploration exploration = explore(flawed_run());
    EXPECT_LE(exploration.accounts[1].tried, max);
    EXPECT_FALSE(exploration.accounts[1].permitted_exactly);
  }
}

TEST_F(Explore, EqualDirectoriesAreTriedOnceAndNoFindingIsLost) {
  const Exploration once = explore(flawed_run());
  EXPECT_GT(once.accounts[1].skipped.at(SkipReason::kSameDirectory), 0U);
  options_.prune = Prune::kNone;
  const Exploration every = explore(flawed_run());
  EXPECT_THAT(every.accounts[1].skipped, IsEmpty());
  EXPECT_GT(every.recovered, 2 * once.recovered);
  EXPECT_EQ(told(once), told(every));
}

TEST_F(Explore, RepresentativesFindWhatAllStatesFind) {
  StoreRun run = flawed_run();
  for (int i = 0; i < 20; ++i) {
    run.set("k" + std::to_string(i), "v");
  }
  const Exploration all = explore(run);
  options_.prune = Prune::kRepresentative;
  const Exploration few = explore(run);
  EXPECT_EQ(told(all), told(few));
  EXPECT_LT(few.accounts[1].tried, all.accounts[1].tried / 2);
}

// A store that tells what it asks of its directory, as what watches a process would. `reads_notes`: as one
// that lets a file count that the others leave alone.
class TellingRecoverer : public recovery::Recoverer {
 public:
  explicit TellingRecoverer(bool reads_notes = false) : reads_notes_(reads_notes) {}

  recovery::Recovered recover(const std::filesystem::path& directory) override {
    using Of = trace::Question::Of;
    recovery::Recovered recovered = recover_store(directory);
    recovered.asked = {{Of::kContent, "manifest"}};
    for (const char* const log : {"log.1", "log.2"}) {
      if (read(directory / "manifest") == log) {
        recovered.asked->push_back({Of::kContent, log});
      }
    }
    if (reads_notes_) {
      recovered.asked->push_back({Of::kContent, "notes"});
      if (read(directory / "notes").starts_with("lost")) {
        recovered.state.entries.clear();
      }
    }
    return recovered;
  }

 private:
  bool reads_notes_;
};

// Beside its log it writes what no recovery needs.
StoreRun run_with_notes() {
  StoreRun run;
  run.script().create("notes").append("notes", "los").append("notes", "t in a dream");
  run.set("a", "1").rewrite({.no_sync_of_log = true, .no_sync_of_directory = true}).set("b", "2");
  run.script().append("notes", std::string(2000, 'n'));
  return run;
}

TEST_F(Explore, WhatARecoveryCannotTellApartItMakesOnceAndNoFindingIsLost) {
  const Exploration each = explore(run_with_notes());
  factory_ = [](unsigned, const std::filesystem::path&) {
    return std::make_unique<TellingRecoverer>();
  };
  const Exploration alike = explore(run_with_notes());
  ASSERT_FALSE(each.findings.empty());
  EXPECT_EQ(told(alike), told(each));
  EXPECT_LT(alike.recovered, each.recovered / 2);
  EXPECT_LT(alike.explaining, each.explaining);
  EXPECT_EQ(alike.accounts[1].tried, each.accounts[1].tried);
  EXPECT_EQ(alike.accounts[1].violating, each.accounts[1].violating);
  for (std::size_t i = 0; i < each.findings.size(); ++i) {
    EXPECT_EQ(alike.findings[i].states, each.findings[i].states);
    EXPECT_EQ(alike.findings[i].image.digest(), each.findings[i].image.digest());
  }
  EXPECT_EQ(each.accounts[1].alike, 0U);

  options_.prune = Prune::kNone;
  EXPECT_EQ(explore(run_with_notes()).accounts[1].alike, 0U);
}

TEST_F(Explore, HowManyAreAlikeDoesNotDependOnTheWorkers) {
  factory_ = [](unsigned, const std::filesystem::path&) {
    return std::make_unique<TellingRecoverer>();
  };
  const Exploration one = explore(run_with_notes());
  options_.jobs = 4;
  const Exploration four = explore(run_with_notes());
  EXPECT_EQ(one.recovered, four.recovered);
  EXPECT_EQ(one.explaining, four.explaining);
  EXPECT_EQ(one.accounts[1].alike, four.accounts[1].alike);
  EXPECT_EQ(told(one), told(four));
}

TEST_F(Explore, ARecoveryThatReadsWhatOthersLeaveAloneIsStillCaught) {
  factory_ = [](unsigned, const std::filesystem::path&) {
    return std::make_unique<TellingRecoverer>(/*reads_notes=*/true);
  };
  StoreRun run;
  run.script().create("notes").append("notes", "los").append("notes", "t in a dream");
  run.set("a", "1").set("b", "2");
  EXPECT_THAT(told(explore(run)), testing::Contains(HasSubstr("kill guarantee: nothing needs")));
}

// A store that takes one write once it has recovered, and is killed. If it does not cut off a torn tail, that
// write comes after the tail, where no recovery reads it.
class LivingRecoverer : public StoreRecoverer {
 public:
  explicit LivingRecoverer(bool cuts_tail) : cuts_tail_(cuts_tail) {}

  std::optional<oracle::Verdict> live_on(const std::filesystem::path& directory) override {
    std::size_t size = 0;
    if (!recover_store(directory, &size).started) {
      return std::nullopt;
    }
    const std::filesystem::path log = directory / read(directory / "manifest");
    if (cuts_tail_) {
      std::filesystem::resize_file(log, size);
    }
    std::ofstream(log, std::ios::app) << record_at(std::filesystem::file_size(log), "after", "1");
    oracle::Verdict verdict;
    verdict.check = "continues";
    if (!recover_store(directory).state.entries.contains({0, "after"})) {
      verdict.outcome = oracle::Outcome::kViolation;
      verdict.summary = "it is lost";
    }
    return verdict;
  }

 private:
  bool cuts_tail_;
};

TEST_F(Explore, FindsWhatIsLostOnlyOnceLifeGoesOn) {
  StoreRun run;
  run.set("a", "1").set("b", "2").set("c", "3");
  options_.continued_max = 10'000;
  for (const bool cuts_tail : {true, false}) {
    factory_ = [cuts_tail](unsigned, const std::filesystem::path&) {
      return std::make_unique<LivingRecoverer>(cuts_tail);
    };
    const Exploration exploration = explore(run);
    EXPECT_GE(exploration.continued, exploration.recovered - 1) << "of all that keep their promise";
    if (cuts_tail) {
      EXPECT_THAT(told(exploration), IsEmpty());
      continue;
    }
    EXPECT_THAT(
        told(exploration),
        testing::Contains(HasSubstr("power continues: the new size of the write of 9 bytes at 0")));
    EXPECT_EQ(exploration.findings[0].verdict.summary, "it is lost");
    EXPECT_GT(exploration.accounts[1].violating, 0U);
  }
}

TEST_F(Explore, LifeGoesOnOnAsManyStatesAsWereAskedFor) {
  factory_ = [](unsigned, const std::filesystem::path&) {
    return std::make_unique<LivingRecoverer>(true);
  };
  StoreRun run;
  run.set("a", "1").set("b", "2").set("c", "3");
  options_.continued_max = 5;
  EXPECT_EQ(explore(run).continued, 5U);
  options_.continued_max = 0;
  EXPECT_EQ(explore(run).continued, 0U);
}

// What a recovery never read may matter to what follows, so none stands for another here.
TEST_F(Explore, LifeGoesOnOnEachOfTheStatesThatRecoveryCannotTellApart) {
  class Both : public TellingRecoverer {
   public:
    std::optional<oracle::Verdict> live_on(const std::filesystem::path& directory) override {
      oracle::Verdict verdict;
      verdict.check = "continues";
      if (read(directory / "notes").starts_with("lost")) {
        verdict.outcome = oracle::Outcome::kViolation;
      }
      return verdict;
    }
  };
  factory_ = [](unsigned, const std::filesystem::path&) { return std::make_unique<Both>(); };
  StoreRun run;
  run.script().create("notes").append("notes", "los").append("notes", "t in a dream");
  run.set("a", "1").set("b", "2");
  options_.continued_max = 10'000;
  EXPECT_THAT(told(explore(run)), testing::Contains(HasSubstr("continues")));
}

TEST_F(Explore, CanBeInterrupted) {
  const workload::History history = flawed_run().history();
  const oracle::Judge judge(history);
  int ticks = 0;
  const Exploration exploration =
      explore::explore(flawed_run().trace(), judge, factory_, options_,
                       [&](const ExploreProgress&) { return ++ticks < 5; });
  EXPECT_TRUE(exploration.interrupted);
  EXPECT_EQ(ticks, 5);
}

TEST_F(Explore, KeepsWhatItHadFoundWhenItWasInterrupted) {
  const workload::History history = flawed_run().history();
  const oracle::Judge judge(history);
  const auto stopped_after = [&](int limit) {
    int ticks = 0;
    return explore::explore(flawed_run().trace(), judge, factory_, options_,
                            [&](const ExploreProgress&) { return ++ticks < limit; });
  };
  bool found = false;
  int limit = 1;
  for (bool interrupted = true; interrupted; limit += 1 + limit / 20) {
    options_.jobs = limit % 2 == 0 ? 1 : 3;
    const Exploration exploration = stopped_after(limit);
    interrupted = exploration.interrupted;
    found = found || (interrupted && !exploration.findings.empty());
    EXPECT_TRUE(!interrupted || exploration.findings.size() <= 2U) << "one of each kind";
  }
  EXPECT_TRUE(found) << limit;
}

TEST_F(Explore, ATargetThatMayRefuseIsNotBlamedForIt) {
  StoreRun run;
  run.set("a", "1").rewrite({.no_sync_of_directory = true});
  options_.must_start = false;
  EXPECT_THAT(told(explore(run)), IsEmpty());
}

// ext4 that commits nothing but the file: the name of a synced new file may be lost.
TEST_F(Explore, FindsUnderAProfileOfTheScenariosOwnAndNamesIt) {
  StoreRun run;
  run.set("a", "1").rewrite({.no_sync_of_directory = true});
  options_.profile = *crash::find_profile("ext4-ordered");
  EXPECT_THAT(told(explore(run)), IsEmpty());
  options_.profile.name = "ext4-without-a-journal";
  options_.profile.order.clear();
  options_.profile.fsync_keeps = crash::FsyncKeeps::kFileOnly;
  const Exploration exploration = explore(run);
  ASSERT_THAT(told(exploration), testing::Not(IsEmpty()));
  EXPECT_THAT(exploration.findings[0].profiles,
              testing::ElementsAre("weakest", "ext4-without-a-journal"));
  EXPECT_EQ(exploration.accounts.back().profile, "ext4-without-a-journal");
}

TEST_F(Explore, WhatARecovererCannotDoEndsTheExploration) {
  class Broken : public recovery::Recoverer {
    recovery::Recovered recover(const std::filesystem::path&) override {
      throw EnvironmentError("no ptrace");
    }
  };
  factory_ = [](unsigned, const std::filesystem::path&) { return std::make_unique<Broken>(); };
  options_.jobs = 2;
  EXPECT_THROW((void)explore(flawed_run()), EnvironmentError);
}

}  // namespace
}  // namespace crashpoint::explore
