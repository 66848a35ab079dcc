#include "harness/scenario/json/document.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace crashpoint::scenario {
namespace {

Document parse(const std::string& text, const std::string& file = "t.json") {
  std::vector<Problem> problems;
  std::optional<Document> document = Document::parse(file, text, problems);
  EXPECT_TRUE(document.has_value()) << (problems.empty() ? "" : to_string(problems.front()));
  return std::move(*document);
}

std::string problem_in(const std::string& text) {
  std::vector<Problem> problems;
  EXPECT_FALSE(Document::parse("t.json", text, problems).has_value());
  return problems.empty() ? "none" : to_string(problems.front());
}

using Place = std::pair<std::size_t, std::size_t>;

Place place(const Position& position) {
  return {position.line, position.column};
}

TEST(Document, KnowsThePositionOfEachKeyAndValue) {
  const Document document = parse("{\n  \"a\": [10,\n    {\"b\" : \"x\"}]\n}");
  EXPECT_EQ(place(document.value_position("")), Place(1, 1));
  EXPECT_EQ(place(document.key_position("/a")), Place(2, 3));
  EXPECT_EQ(place(document.value_position("/a")), Place(2, 8));
  EXPECT_EQ(place(document.value_position("/a/0")), Place(2, 9));
  EXPECT_EQ(place(document.key_position("/a/1/b")), Place(3, 6));
  EXPECT_EQ(place(document.value_position("/a/1/b")), Place(3, 12));
}

TEST(Document, AMissingValueHasThePositionOfItsParent) {
  const Document document = parse("{\n  \"a\": {}\n}");
  EXPECT_EQ(place(document.value_position("/a/b/c")), Place(2, 8));
}

TEST(Document, ReadsCommentsByteOrderMarkAndCrlf) {
  const Document document = parse(
      "\xEF\xBB\xBF// first\r\n{ /* {\"no\": */ \"a\"/**/:/**/1, // x\r\n\"b\": \"// no "
      "comment\"}");
  EXPECT_EQ(document.json(), (Json{{"a", 1}, {"b", "// no comment"}}));
  EXPECT_EQ(place(document.value_position("/a")), Place(2, 28));
  EXPECT_EQ(place(document.key_position("/b")), Place(3, 1));
}

TEST(Document, CountsCharactersNotBytes) {
  EXPECT_EQ(place(parse(R"({"é✓😀": 1})").value_position("/é✓😀")), Place(1, 9));
}

TEST(Document, KeysWithQuotesSlashesAndTildesHavePointers) {
  const Document document = parse(R"({"a\"b": 1, "c/d": 2, "e~f": 3, "": 4, "\u00e9": 5})");
  EXPECT_EQ(place(document.value_position("/a\"b")), Place(1, 10));
  EXPECT_EQ(place(document.value_position("/c~1d")), Place(1, 20));
  EXPECT_EQ(place(document.value_position("/e~0f")), Place(1, 30));
  EXPECT_EQ(place(document.value_position("/")), Place(1, 37));
  EXPECT_EQ(place(document.value_position("/é")), Place(1, 50));
}

TEST(Document, SaysWhereItIsNotJson) {
  EXPECT_EQ(problem_in("{\n  \"a\": 1,\n}"),
            "t.json:3:1: not JSON: there is a comma before '}'; remove it");
  EXPECT_EQ(problem_in("{\"a\": [1, 2, ]}"),
            "t.json:1:14: not JSON: there is a comma before ']'; remove it");
  EXPECT_EQ(problem_in("{\"a\": "),
            "t.json:1:7: not JSON: unexpected end of file; a bracket, brace or quote is not "
            "closed");
  EXPECT_EQ(problem_in(""),
            "t.json:1:1: not JSON: unexpected end of file; a bracket, brace or quote is not "
            "closed");
  EXPECT_EQ(problem_in("{'a': 1}"),
            "t.json:1:2: not JSON: syntax error while parsing object key - invalid literal; last "
            "read: '{''; expected string literal");
  EXPECT_EQ(problem_in("{\"a\" 1}").substr(0, 28), "t.json:1:6: not JSON: syntax");
  EXPECT_EQ(problem_in("{\"a\": \"\xff\"}").substr(0, 22), "t.json:1:8: not JSON: ");
}

TEST(Document, SaysWhereANumberIsThatNothingCanHold) {
  EXPECT_EQ(problem_in("{\"é\": 1,\n \"a\": [2, 1e999]}"),
            "t.json:2:11: found the number 1e999; allowed: up to 1.8e308 in size");
  EXPECT_EQ(problem_in("{\"text\": \"1e999\", /* 1e999 */ \"a\": -1e400}"),
            "t.json:1:36: found the number -1e400; allowed: up to 1.8e308 in size");
  const std::string digits(400, '9');
  EXPECT_EQ(problem_in("[" + digits + "]").substr(0, 30), "t.json:1:2: found the number 9");
}

TEST(Document, ANulByteIsNotItsEnd) {
  const std::string message = "not JSON: there is a NUL byte; a scenario is text in UTF-8";
  EXPECT_EQ(problem_in(std::string("{\n}\0", 4)), "t.json:2:2: " + message);
  EXPECT_EQ(problem_in(std::string("{} // \0 \n", 9)), "t.json:1:7: " + message);
  EXPECT_EQ(problem_in(std::string("{\0\"\0", 4)), "t.json:1:2: " + message);
}

TEST(Document, NamesADuplicateKey) {
  EXPECT_EQ(problem_in("{\"a\": 1,\n \"a\": 2}"),
            "t.json:2:2: /a: duplicate key \"a\"; remove one");
}

TEST(Document, RefusesDeepNesting) {
  EXPECT_NE(problem_in(std::string(100'000, '[') + std::string(100'000, ']'))
                .find("nested deeper than 64 levels"),
            std::string::npos);
}

TEST(Document, MergesAsRfc7396AndKeepsEachPlace) {
  Document base = parse("{\"a\": {\"x\": 1, \"y\": 2}, \"l\": [1, 2], \"gone\": 1}", "base.json");
  const Document patch =
      parse("\n{\"a\": {\"y\": 3, \"z\": {\"n\": null, \"k\": 4}},\n \"l\": [9], \"gone\": null}");
  base.merge("", patch);
  EXPECT_EQ(base.json(), Json::parse(R"({"a": {"x": 1, "y": 3, "z": {"k": 4}}, "l": [9]})"));
  EXPECT_EQ(*base.value_position("/a/x").file, "base.json");
  EXPECT_EQ(*base.value_position("/a/y").file, "t.json");
  EXPECT_EQ(place(base.value_position("/a/y")), Place(2, 13));
  EXPECT_EQ(place(base.value_position("/a/z/k")), Place(2, 38));
  EXPECT_EQ(place(base.value_position("/l/0")), Place(3, 8));
  EXPECT_EQ(place(base.value_position("/l/1")), Place(3, 7)) << "there is none any more";
}

TEST(Document, AnAssignedValueBringsItsPlacesAndTakesTheOldOnesAway) {
  Document document = parse("{\"a\": {\"x\": 1}, \"ab\": 2,\n\"from\": [[7]]}");
  document.assign("/a", document, "/from/0");
  EXPECT_EQ(document.json()["a"], Json::array({7}));
  EXPECT_EQ(place(document.value_position("/a/0")), Place(2, 11));
  EXPECT_EQ(place(document.value_position("/a/x")), Place(2, 10)) << "the parent's place";
  EXPECT_EQ(place(document.value_position("/ab")), Place(1, 23)) << "not below /a";
}

}  // namespace
}  // namespace crashpoint::scenario
