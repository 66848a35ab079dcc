// A bundle loses nothing of a run: histories and states are read back exactly as written.
#include "harness/report/history_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <stdexcept>
#include <string>

namespace crashpoint::report {
namespace {

using namespace std::string_literals;
using target::RespValue;
using testing::HasSubstr;

workload::History sample_history(const std::string& bytes) {
  workload::History history;
  history.began_ns = 9'000'000'000'123;
  history.began_unix_ms = 1'700'000'000'000;
  history.ended_ns = history.began_ns + 77;
  history.clients = {{0, "@client"}, {7, bytes}};
  history.snapshots = {{1, 2, 3, "BGSAVE"}};
  workload::Operation answered;
  answered.client = 7;
  answered.index = 41;
  answered.step = 2;
  answered.database = 3;
  answered.arguments = {"SET", bytes, ""};
  answered.sent_ns = 10;
  answered.acked = 4711;
  answered.acked_ns = 20;
  answered.read_ns = 30;
  const auto reply = [&](RespValue::Kind kind) { return RespValue{kind, bytes, 0, {}}; };
  answered.reply =
      RespValue{RespValue::Kind::kArray,
                "",
                0,
                {reply(RespValue::Kind::kSimple),
                 reply(RespValue::Kind::kError),
                 reply(RespValue::Kind::kBulk),
                 {RespValue::Kind::kInteger, "", std::numeric_limits<std::int64_t>::min(), {}},
                 {RespValue::Kind::kNull, "", 0, {}},
                 {RespValue::Kind::kNullArray, "", 0, {}},
                 {RespValue::Kind::kArray, "", 0, {}}}};
  workload::Operation in_flight;
  in_flight.arguments = {"GET", "x"};
  history.operations = {answered, in_flight};
  return history;
}

RC_GTEST_PROP(HistoryJson, GivesTheSameHistoryBack, (const std::string& bytes)) {
  const workload::History written = sample_history(bytes);
  const workload::History read = decode_history(encode_history(written));
  RC_ASSERT(read.began_ns == written.began_ns);
  RC_ASSERT(read.began_unix_ms == written.began_unix_ms);
  RC_ASSERT(read.ended_ns == written.ended_ns);
  RC_ASSERT(read.clients.size() == 2U);
  RC_ASSERT(read.clients[1].number == 7U);
  RC_ASSERT(read.clients[1].connection == bytes);
  RC_ASSERT(read.snapshots == written.snapshots);
  RC_ASSERT(read.operations.size() == 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const workload::Operation& a = read.operations[i];
    const workload::Operation& b = written.operations[i];
    RC_ASSERT(a.client == b.client);
    RC_ASSERT(a.index == b.index);
    RC_ASSERT(a.step == b.step);
    RC_ASSERT(a.database == b.database);
    RC_ASSERT(a.arguments == b.arguments);
    RC_ASSERT(a.sent_ns == b.sent_ns);
    RC_ASSERT((a.reply == b.reply));
    RC_ASSERT(a.acked == b.acked);
    RC_ASSERT(a.acked_ns == b.acked_ns);
    RC_ASSERT(a.read_ns == b.read_ns);
  }
}

RC_GTEST_PROP(StateJson, GivesTheSameStateBack, (const std::string& bytes, double score)) {
  target::State written;
  written.observed_from_ms = 5;
  written.observed_to_ms = 9;
  written.entries[{0, bytes}] = {bytes, 1'700'000'000'000};
  written.entries[{1, "list"}] = {target::List{bytes, bytes, ""}, std::nullopt};
  written.entries[{1, "set"}] = {target::Set{bytes, "m"}, std::nullopt};
  written.entries[{1, "hash"}] = {target::Hash{{bytes, bytes}, {"f", ""}}, std::nullopt};
  written.entries[{15, "zset"}] = {
      target::SortedSet{{bytes, score}, {"top", std::numeric_limits<double>::infinity()}},
      std::nullopt};
  written.entries[{15, "stream"}] = {target::Opaque{"stream", bytes}, std::nullopt};
  const target::State read = decode_state(encode_state(written));
  RC_ASSERT((read.entries == written.entries));
  RC_ASSERT(read.observed_from_ms == 5);
  RC_ASSERT(read.observed_to_ms == 9);
}

TEST(HistoryJson, SaysWhichLineIsDamaged) {
  std::string text = encode_history(sample_history("k"));
  text.resize(text.size() - 20);
  try {
    (void)decode_history(text);
    FAIL() << "a cut history";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("line 3: "));
  }
  EXPECT_THROW((void)decode_history(""), std::runtime_error);
}

}  // namespace
}  // namespace crashpoint::report
