// The load rules: what a start makes of every state the last file, or one before it, can be in.
#include "engine/aof/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/aof/annotation.h"
#include "engine/aof/step_encoder.h"
#include "engine/base/files_for_test.h"

namespace engine::aof {
namespace {

using keyspace::Replayed;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Nonce kNonce = make_nonce(0x1234abcd);

class Recorder final : public ReplayTarget {
 public:
  Replayed replay(int db, std::span<const std::string_view> argv) override {
    const std::map<std::string_view, Replayed> other = {{"BLA", Replayed::kUnknown},
                                                        {"SAVE", Replayed::kNoChange},
                                                        {"GET", Replayed::kWrongArguments},
                                                        {"DEBUG", Replayed::kEndsServer}};
    if (const auto found = other.find(argv[0]); found != other.end()) {
      return found->second;
    }
    std::string text = db == 0 ? "" : std::to_string(db) + ":";
    for (const std::string_view argument : argv) {
      text += argument;
      text += ' ';
    }
    text.pop_back();
    commands.push_back(text);
    return Replayed::kDone;
  }
  std::vector<std::string> commands;
};

// Writes files as an engine does, step by step, and remembers where each begins.
class LogText {
 public:
  explicit LogText(bool checksum, const Nonce& nonce = kNonce)
      : checksum_(checksum), nonce_(nonce) {
    if (checksum) {
      synced_here();
    }
  }
  // Everything so far is durable, and the file says so.
  LogText& synced_here() { return synced(text.size()); }
  // The same up to `size`.
  LogText& synced(std::size_t size) {
    begin_ = begin_ ? begin_ : text.size();
    append_synced_line(text, {text.size() - size, place()});
    return *this;
  }
  LogText& step(const std::vector<std::vector<std::string_view>>& commands, int db = 0) {
    begins.push_back(text.size());
    std::vector<keyspace::Effect> effects;
    for (const auto& argv : commands) {
      effects.push_back({db, argv});
    }
    encoder_.append(text, effects, checksum_ ? std::optional(place()) : std::nullopt, std::nullopt);
    return *this;
  }
  LogText& set(std::string_view key, std::string_view value, int db = 0) {
    return step({{"SET", key, value}}, db);
  }
  std::string text;
  std::vector<std::size_t> begins;

 private:
  Place place() const { return {nonce_, text.size() - *begin_}; }

  StepEncoder encoder_;
  bool checksum_;
  Nonce nonce_;
  std::optional<std::size_t> begin_;  // of the first #SYNCED line
};

struct Outcome {
  std::vector<std::string> commands;
  std::optional<std::uint64_t> cut_at;  // the file is to be cut here
  std::string refused;                  // why
  std::uint64_t skipped = 0;
  std::string first_skipped;
};

Outcome load(const std::string& content, const ReplayOptions& options) {
  const TempDirectory directory;
  write_test_file(directory.file("f"), content);
  const io::File file = io::File::open(directory.file("f"), io::OpenMode::kRead).value();
  Recorder target;
  const Result<ReplayResult> result = replay_file(file, options, target);
  Outcome outcome;
  if (!result) {
    outcome.refused = result.error().message;
    return outcome;
  }
  outcome.commands = target.commands;
  EXPECT_EQ(result->commands, target.commands.size() + result->skipped.count);
  outcome.skipped = result->skipped.count;
  outcome.first_skipped = result->skipped.first;
  if (result->valid_size < result->file_size) {
    EXPECT_NE(result->cut_reason, "");
    outcome.cut_at = result->valid_size;
  }
  return outcome;
}

ReplayOptions last_file() {
  ReplayOptions options;
  options.last = true;
  return options;
}

ReplayOptions not_last() {
  return {};
}

ReplayOptions strict() {
  ReplayOptions options = last_file();
  options.truncated_ok = false;
  return options;
}

ReplayOptions without_checksums() {
  ReplayOptions options = last_file();
  options.checksum = false;
  return options;
}

std::string flip(std::string text, std::size_t at) {
  text[at] = static_cast<char>(text[at] ^ 0x20);
  return text;
}

// --- whole files ---------------------------------------------------------------------------------

TEST(Replay, ExecutesEveryStepInItsDatabase) {
  for (const bool checksum : {false, true}) {
    LogText log(checksum);
    log.set("a", "1").set("b", "2", 3).step({{"SET", "c", "3"}, {"DEL", "a"}}).synced_here();
    const Outcome outcome = load(log.text, last_file());
    EXPECT_THAT(outcome.commands, ElementsAre("SET a 1", "3:SET b 2", "SET c 3", "DEL a"));
    EXPECT_FALSE(outcome.cut_at);
  }
}

TEST(Replay, TakesAFileOfSeveralWritersOneAfterAnother) {
  LogText ours(true);
  ours.set("a", "1");
  LogText redis(false);
  redis.set("b", "2");
  LogText again(true, make_nonce(0x5678));
  again.set("c", "3");
  const Outcome outcome = load(ours.text + redis.text + again.text, last_file());
  EXPECT_THAT(outcome.commands, ElementsAre("SET a 1", "SET b 2", "SET c 3"));
  EXPECT_EQ(outcome.refused, "");
}

TEST(Replay, RefusesAnUnknownCommand) {
  LogText log(false);
  log.set("a", "1").step({{"BLA", "x"}});
  EXPECT_THAT(load(log.text, last_file()).refused,
              HasSubstr("Unknown command 'BLA' reading the append only file"));
}

TEST(Replay, ARefusedCommandIsNamedWithItsPlaceAndWhatToDo) {
  LogText log(false);
  log.set("a", "1");
  const std::size_t good = log.text.size();
  log.text += "*1\r\n$5\r\nMULTI\r\n";
  const std::size_t at = log.text.size();
  log.text += "*1\r\n$3\r\nGET\r\n*1\r\n$4\r\nEXEC\r\n";
  const Outcome outcome = load(log.text, last_file());
  EXPECT_THAT(outcome.refused, HasSubstr("Wrong number of arguments of the command 'GET'"));
  EXPECT_THAT(outcome.refused, HasSubstr("at byte " + std::to_string(at)));
  EXPECT_THAT(outcome.refused, HasSubstr("truncate -s " + std::to_string(good)));
  log.text.replace(at, 11, "*1\r\n$5\r\nDEBUG");
  EXPECT_THAT(load(log.text, last_file()).refused,
              HasSubstr("A command that ends the server, 'DEBUG'"));
}

TEST(Replay, ACommandThatChangesNoDataIsSkippedAndTold) {
  LogText log(false);
  log.set("a", "1");
  const std::string at = std::to_string(log.text.size());
  log.step({{"SAVE"}}).set("b", "2").step({{"SAVE", "x"}});
  const Outcome outcome = load(log.text, last_file());
  EXPECT_THAT(outcome.commands, ElementsAre("SET a 1", "SET b 2"));
  EXPECT_EQ(outcome.skipped, 2u);
  EXPECT_EQ(outcome.first_skipped, "'SAVE' at byte " + at);
}

TEST(Replay, RefusesADatabaseThatDoesNotExist) {
  LogText log(false);
  log.set("a", "1", 16);
  EXPECT_THAT(load(log.text, last_file()).refused, HasSubstr("selects database '16'"));
}

// --- the last file is cut ------------------------------------------------------------------------

TEST(Replay, ALastFileCutAnywhereLosesOnlyTheStepItIsCutIn) {
  for (const bool checksum : {false, true}) {
    LogText log(checksum);
    log.set("a", "1").set("b", "22").set("c", "333");  // the first one also holds the SELECT
    log.begins.push_back(log.text.size());
    for (std::size_t size = log.begins[1]; size < log.text.size(); ++size) {
      std::size_t whole = 1;
      while (log.begins[whole + 1] <= size) {
        ++whole;
      }
      const Outcome outcome = load(log.text.substr(0, size), last_file());
      ASSERT_EQ(outcome.refused, "") << size;
      EXPECT_EQ(outcome.commands.size(), whole) << size;
      if (size == log.begins[whole]) {
        EXPECT_FALSE(outcome.cut_at) << size;
      } else {
        EXPECT_EQ(outcome.cut_at, log.begins[whole]) << size;
      }
    }
  }
}

TEST(Replay, ATransactionCutAnywhereIsLeftOutWhole) {
  for (const bool checksum : {false, true}) {
    LogText log(checksum);
    log.set("a", "1").step({{"SET", "b", "2"}, {"SET", "c", "3"}});
    for (std::size_t size = log.begins[1] + 1; size < log.text.size(); ++size) {
      const Outcome outcome = load(log.text.substr(0, size), last_file());
      EXPECT_THAT(outcome.commands, ElementsAre("SET a 1")) << size;
      EXPECT_EQ(outcome.cut_at, log.begins[1]) << size;
    }
  }
}

TEST(Replay, WithAofLoadTruncatedNoACutIsRefused) {
  for (const bool checksum : {false, true}) {
    LogText log(checksum);
    log.set("a", "1");
    log.text.pop_back();
    EXPECT_THAT(load(log.text, strict()).refused,
                HasSubstr("Unexpected end of file reading the append only file"));
  }
}

TEST(Replay, AFileThatIsNotTheLastMustBeWhole) {
  for (const bool checksum : {false, true}) {
    LogText log(checksum);
    log.set("a", "1").step({{"SET", "b", "2"}, {"SET", "c", "3"}});
    for (const std::size_t missing : {1UL, 10UL, 30UL}) {
      EXPECT_THAT(load(log.text.substr(0, log.text.size() - missing), not_last()).refused,
                  HasSubstr("Fatal error: the truncated file is not the last file"));
    }
  }
}

// --- the tail is garbage -------------------------------------------------------------------------

TEST(Replay, ATailThatWasNeverSyncedIsCut) {
  LogText log(true);
  log.set("a", "1").set("b", "2");
  for (const std::string& tail :
       {std::string(1, '\0'), std::string(4096, '\0'), std::string("garbage"),
        std::string("*2\r\n$1\r\nx\r\n\0\0", 13), log.text.substr(10, 40)}) {
    const Outcome outcome = load(log.text + tail, last_file());
    EXPECT_THAT(outcome.commands, ElementsAre("SET a 1", "SET b 2"));
    EXPECT_EQ(outcome.cut_at, log.text.size());
    EXPECT_THAT(load(log.text + tail, not_last()).refused, ::testing::Not(IsEmpty()));
    EXPECT_THAT(load(log.text + tail, strict()).refused, ::testing::Not(IsEmpty()));
  }
}

TEST(Replay, WithoutChecksumsAGarbageTailIsRefusedAsRedisServerDoes) {
  LogText plain(false);
  plain.set("a", "1");
  LogText annotated(true);
  annotated.set("a", "1");
  for (const std::string& tail : {std::string(100, '\0'), std::string("garbage")}) {
    EXPECT_THAT(load(plain.text + tail, last_file()).refused,
                HasSubstr("Bad file format reading the append only file"));
    EXPECT_THAT(load(annotated.text + tail, without_checksums()).refused,
                HasSubstr("Bad file format reading the append only file"));
  }
}

TEST(Replay, AStepWithZerosInsideIsNotLoaded) {
  LogText log(true);
  log.set("a", "1").set("b", std::string(2000, 'v')).set("c", "3");
  std::string torn = log.text;
  torn.replace(log.begins[1] + 600, 512, 512, '\0');  // a sector that never reached the disk
  const Outcome outcome = load(torn, last_file());
  EXPECT_THAT(outcome.commands, ElementsAre("SET a 1"));
  EXPECT_EQ(outcome.cut_at, log.begins[1]);
}

// --- damage where it had been synced -------------------------------------------------------------

TEST(Replay, AnyFlippedBitInASyncedPartIsRefused) {
  LogText log(true);
  log.set("a", "1").set("b", "2").step({{"SET", "c", "3"}, {"DEL", "a"}});
  const std::size_t synced_size = log.text.size();
  log.synced_here().set("d", "4");
  for (std::size_t at = 0; at < synced_size; ++at) {
    const Outcome outcome = load(flip(log.text, at), last_file());
    EXPECT_NE(outcome.refused, "") << "a flip at " << at << " is not noticed";
  }
}

TEST(Replay, ARefusalNamesTheByteAndWhatToDo) {
  LogText log(true);
  log.set("a", "1").set("b", "2").synced_here();
  const std::string refused = load(flip(log.text, log.begins[1] + 30), last_file()).refused;
  EXPECT_THAT(refused, HasSubstr("is damaged at byte " + std::to_string(log.begins[1])));
  EXPECT_THAT(refused, HasSubstr("checksum mismatch"));
  EXPECT_THAT(refused, HasSubstr("had been synced to disk"));
  EXPECT_THAT(refused, HasSubstr("truncate -s " + std::to_string(log.begins[1])));
}

TEST(Replay, AFlippedBitBehindTheLastSyncCutsThere) {
  LogText log(true);
  log.set("a", "1");
  const std::size_t synced_size = log.text.size();
  log.set("b", "2").synced(synced_size).set("c", "3");
  for (std::size_t at = log.begins[1]; at < log.text.size(); ++at) {
    const Outcome outcome = load(flip(log.text, at), last_file());
    ASSERT_EQ(outcome.refused, "") << at;
    ASSERT_TRUE(outcome.cut_at) << at;
    EXPECT_THAT(outcome.commands, ::testing::Contains("SET a 1")) << at;
  }
}

// A length made huge looks like the end of the file, yet what follows had been synced.
TEST(Replay, ADamagedLengthIsNotMistakenForTheEnd) {
  LogText log(true);
  log.set("a", "1").set("b", "2").synced_here();
  std::string text = log.text;
  text.insert(log.begins[1] + std::string("#CRC:").size(), "99");
  EXPECT_THAT(load(text, last_file()).refused, HasSubstr("had been synced to disk"));
}

TEST(Replay, AStaleBlockOfAnotherFileIsNotTaken) {
  LogText log(true);
  log.set("a", "1");
  std::string stale;
  const std::string_view argv[] = {"SET", "old", "1"};
  const keyspace::Effect effect{0, argv};
  StepEncoder().append(stale, {&effect, 1}, Place{make_nonce(0xfeedbeef), log.text.size()},
                       std::nullopt);
  const Outcome outcome = load(log.text + stale, last_file());
  EXPECT_THAT(outcome.commands, ElementsAre("SET a 1"));
  EXPECT_EQ(outcome.cut_at, log.text.size());
}

// A filesystem that wrote the end of the file elsewhere before may bring that block back.
TEST(Replay, AStaleBlockOfThisFileIsNotTakenAtAnotherPlace) {
  LogText log(true);
  log.set("a", "1").synced_here().set("b", "2");
  for (const std::size_t begin : {std::size_t{0}, log.begins[0], log.begins[1]}) {
    const Outcome outcome = load(log.text + log.text.substr(begin), last_file());
    EXPECT_EQ(outcome.refused, "") << begin;
    EXPECT_THAT(outcome.commands, ElementsAre("SET a 1", "SET b 2")) << begin;
    EXPECT_EQ(outcome.cut_at, log.text.size()) << begin;
  }
}

TEST(Replay, ACopyOfASyncedLineInATornTailSaysNothingAboutIt) {
  LogText log(true);
  log.set("a", "1");
  const std::size_t line = log.text.size();
  log.synced_here().set("b", "2");
  const std::string tail = log.text.substr(line);
  const Outcome outcome = load(log.text + "#CRC:5:00000000\r\ntorn\n" + tail, last_file());
  EXPECT_EQ(outcome.refused, "");
  EXPECT_EQ(outcome.cut_at, log.text.size());
}

// The file was opened for appending twice: what a stale block brings back may be of the earlier session.
TEST(Replay, AStaleBlockOfAnEarlierSessionIsNotTakenAsANewOne) {
  LogText first(true);
  first.set("a", "1");
  const std::size_t line = first.text.size();
  first.synced_here().set("a", "2").synced_here();
  LogText second(true, make_nonce(0xfeedbeef));
  second.set("b", "1");
  const std::string whole = first.text + second.text;
  for (const std::size_t begin : {std::size_t{0}, first.begins[0], line, first.begins[1]}) {
    const Outcome outcome = load(whole + first.text.substr(begin), last_file());
    EXPECT_EQ(outcome.refused, "") << begin;
    EXPECT_THAT(outcome.commands, ElementsAre("SET a 1", "SET a 2", "SET b 1")) << begin;
    EXPECT_EQ(outcome.cut_at, whole.size()) << begin;
  }
}

TEST(Replay, ABitFlipInAFileWithoutChecksumsLoadsAsInRedisServer) {
  LogText log(false);
  log.set("a", "xyz");
  EXPECT_THAT(load(flip(log.text, log.text.size() - 3), last_file()).commands,
              ElementsAre("SET a xyZ"));
}

// Commands without checksum after ours are another writer's: nothing is known about their tail.
TEST(Replay, DamageBehindCommandsWithoutChecksumIsRefused) {
  LogText ours(true);
  ours.set("a", "1");
  LogText redis(false);
  redis.set("b", "2");
  EXPECT_THAT(load(ours.text + redis.text + "garbage", last_file()).refused,
              HasSubstr("Bad file format reading the append only file"));
}

// Whatever a file holds, the loader ends, and with a reason if it refuses.
TEST(Replay, SurvivesEveryFlipCutAndInsertion) {
  LogText log(true);
  log.set("a", "1", 2).step({{"SET", "c", "3"}, {"DEL", "a"}}).synced_here();
  log.text += "#TS:1700000000\r\n";
  LogText plain(false);
  plain.set("x", "y").step({{"SET", "c", "3"}, {"DEL", "a"}});
  const std::string whole = log.text + plain.text;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      load(damaged, last_file());
      load(damaged, without_checksums());
    }
    load(whole.substr(0, at) + whole.substr(at + 1), last_file());
    load(whole.substr(0, at) + "\r\n" + whole.substr(at), last_file());
  }
}

}  // namespace
}  // namespace engine::aof
