// report.json is read back as written, whatever bytes the target's keys hold.
#include "harness/report/report_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "harness/base/error.h"
#include "harness/report/merge.h"
#include "harness/report/sample_run_for_test.h"

#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/utils/nlohmann_json_utils.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace crashpoint::report {
namespace {

using namespace std::string_literals;
using Json = nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kHostile = "</script><!--\x1b[2J\0\r\n\xff\xfe \"'&<\\ \xE2\x80\xAE ü"s;

CaseResult hostile_case(const std::string& text) {
  CaseResult result = sample_violation();
  for (std::string* field :
       {&result.name, &result.summary, &result.file, &result.tags[0], &result.target, &result.crash,
        &result.promise, &result.verdict.summary, &result.verdict.lost[0].command,
        &result.verdict.differences[0].key, &result.verdict.differences[0].found,
        &result.faults[0].text, &result.story[0].what, &result.notes[0], &result.reproduce,
        &result.verdict.known, &result.verdict.cause}) {
    *field = text;
  }
  result.artifacts = {{text, text}};
  return result;
}

// What the schema says against `document`, one line each.
std::string schema_errors(const Json& document) {
  Json schema_json;
  valijson::utils::loadDocument(CRASHPOINT_SOURCE_DIR "/reports/schema/report.schema.json",
                                schema_json);
  valijson::Schema schema;
  valijson::SchemaParser().populateSchema(valijson::adapters::NlohmannJsonAdapter(schema_json),
                                          schema);
  valijson::ValidationResults results;
  valijson::Validator().validate(schema, valijson::adapters::NlohmannJsonAdapter(document),
                                 &results);
  std::string errors;
  for (const auto& error : results) {
    for (const std::string& part : error.context) {
      errors += part;
    }
    errors += ": " + error.description + "\n";
  }
  return errors;
}

TEST(ReportJson, CaseSurvivesTheWayFromWorkerToParent) {
  for (const CaseResult& result : sample_run().cases) {
    const std::string text = encode_case(result);
    EXPECT_EQ(encode_case(decode_case(text)), text);
  }
  const CaseResult read = decode_case(encode_case(sample_violation()));
  const CaseResult written = sample_violation();
  EXPECT_EQ(read.name, written.name);
  EXPECT_EQ(read.seed, 9007199254740991U) << "the largest seed there is";
  EXPECT_EQ(read.verdict.outcome, oracle::Outcome::kViolation);
  EXPECT_EQ(read.verdict.lost[1].command, "RPUSH list:7 \"\\x00\\xff tail\"");
  EXPECT_EQ(read.verdict.lost[1].before_crash_ms, 1410);
  EXPECT_EQ(read.verdict.lost_count, 31U);
  EXPECT_EQ(read.verdict.differences[2].database, 3U);
  EXPECT_EQ(read.checks.size(), written.checks.size());
  EXPECT_EQ(read.faults[0].report.first_fired, 4711U);
  EXPECT_EQ(read.faults[0].report.where, written.faults[0].report.where);
  EXPECT_EQ(read.story[7].kind, Moment::Kind::kCrash);
  EXPECT_EQ(read.artifacts, written.artifacts);
  EXPECT_EQ(read.notes, written.notes);
  EXPECT_EQ(read.timing.recovery_ms, 24);
}

TEST(ReportJson, FaultThatNeverFiredHasNoPosition) {
  const CaseResult read = decode_case(encode_case(sample_inconclusive()));
  EXPECT_EQ(read.faults[0].report.first_fired, trace::kNever);
  EXPECT_THAT(read.faults[0].report.nearest, testing::SizeIs(1));
}

TEST(ReportJson, RunSurvivesTheWayThroughTheFile) {
  RunResult run = sample_run();
  run.seed = 7;
  run.interrupted = true;
  run.planned = 99;
  run.part = Part{2, 3, 40};
  run.missing = {{1, 3, 40}};
  const RunResult read = decode_run(encode_run(run), "report.json");
  EXPECT_EQ(encode_run(read), encode_run(run));
  EXPECT_EQ(read.seed, 7U);
  EXPECT_TRUE(read.interrupted);
  EXPECT_EQ(read.planned, 99U);
  EXPECT_EQ(read.part, (Part{2, 3, 40}));
  EXPECT_THAT(read.missing, testing::ElementsAre(Part{1, 3, 40}));
  EXPECT_EQ(read.cases.size(), 4U);
  EXPECT_EQ(decode_run(encode_run(sample_run()), "").seed, std::nullopt);
}

RC_GTEST_PROP(ReportJson, IsWholeWhateverBytesAKeyHad, (const std::string& bytes)) {
  const std::string text = encode_case(hostile_case(bytes));
  RC_ASSERT(Json::accept(text));  // also refuses what is no UTF-8
  RC_ASSERT(encode_case(decode_case(text)) == text);
}

TEST(ReportJson, RealOutputFollowsTheSchema) {
  RunResult run = sample_run();
  run.cases.push_back(hostile_case(kHostile));
  EXPECT_THAT(schema_errors(Json::parse(encode_run(run))), IsEmpty());
  EXPECT_THAT(schema_errors(Json::parse(encode_run(run, Layout::kCompact))), IsEmpty());
  RunResult empty = sample_run();
  empty.cases.clear();
  EXPECT_THAT(schema_errors(Json::parse(encode_run(empty))), IsEmpty());
  EXPECT_THAT(schema_errors(Json::parse(encode_run(merge({{"a", run}})))), IsEmpty());
}

TEST(ReportJson, SchemaRefusesWhatTheFormatLacks) {
  Json report = Json::parse(encode_run(sample_run()));
  report["cases"][0]["surprise"] = 1;
  EXPECT_THAT(schema_errors(report), HasSubstr("surprise"));
}

TEST(ReportJson, TotalsSayOneThingAboutEachCase) {
  const Json report = Json::parse(encode_run(sample_run()));
  EXPECT_EQ(report["totals"]["cases"], 4);
  EXPECT_EQ(report["totals"]["passed"], 1);
  EXPECT_EQ(report["totals"]["violations"], 1);
  EXPECT_EQ(report["totals"]["known"], 1);
  EXPECT_EQ(report["totals"]["inconclusive"], 1);
  EXPECT_EQ(report["totals"]["cycles_per_second"], 1.6);
}

std::string refusal(const std::string& text) {
  try {
    (void)decode_run(text, "shard-2/report.json");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ReportJson, OtherFilesAreRefusedByName) {
  EXPECT_THAT(refusal("{]"), HasSubstr("shard-2/report.json: "));
  EXPECT_THAT(refusal("{}"), HasSubstr("not a report.json"));
  EXPECT_THAT(refusal("[1]"), HasSubstr("not a report.json"));
  EXPECT_THAT(refusal(R"({"format": 3})"), HasSubstr("not a report.json"));
}

TEST(ReportJson, OtherFormatVersionSaysWhatToDo) {
  Json report = Json::parse(encode_run(sample_run()));
  report["format_version"] = 2;
  EXPECT_THAT(refusal(report.dump()), HasSubstr("merge reports with the version that wrote them"));
}

TEST(ReportJson, DamagedReportSaysWhere) {
  Json report = Json::parse(encode_run(sample_run()));
  report["cases"][1]["verdict"]["lost"][0].erase("client");
  EXPECT_THAT(refusal(report.dump()),
              HasSubstr("report.json: /cases/1/verdict/lost/0: \"client\" is missing"));
}

}  // namespace
}  // namespace crashpoint::report
