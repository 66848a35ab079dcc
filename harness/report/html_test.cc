// The page embeds the report, loads nothing, and never interprets data as markup.
#include "harness/report/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <string>

#include <nlohmann/json.hpp>

#include "harness/base/embedded.h"
#include "harness/report/report_json.h"
#include "harness/report/sample_run_for_test.h"

namespace crashpoint::report {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string report_in(const std::string& page) {
  const std::string open = "<script type=\"application/json\" id=\"report\">";
  const std::size_t begin = page.find(open) + open.size();
  return page.substr(begin, page.find("</script>", begin) - begin);
}

TEST(HtmlPage, HoldsTheWholeReport) {
  const RunResult run = sample_run();
  EXPECT_EQ(nlohmann::json::parse(report_in(html_page(run))),
            nlohmann::json::parse(encode_run(run)));
}

TEST(HtmlPage, DataCannotEndItsScriptOrOpenAComment) {
  RunResult run = sample_run();
  run.cases[0].name = "</script><script>alert(1)</script><!--";
  const std::string page = html_page(run);
  EXPECT_THAT(report_in(page), Not(HasSubstr("<")));
  EXPECT_EQ(nlohmann::json::parse(report_in(page))["cases"][0]["name"], run.cases[0].name);
}

TEST(HtmlPage, LoadsNothing) {
  const std::string viewer(embedded::kReportViewer);
  EXPECT_FALSE(std::regex_search(viewer, std::regex(R"((https?:)?//[a-z]+\.[a-z])")));
  EXPECT_FALSE(std::regex_search(viewer, std::regex(R"(\b(src|srcset)\s*=|@import|url\()")));
  EXPECT_THAT(viewer, HasSubstr("default-src 'none'"));
}

TEST(HtmlPage, ViewerNeverReadsTextAsMarkup) {
  const std::string viewer(embedded::kReportViewer);
  EXPECT_FALSE(std::regex_search(
      viewer,
      std::regex(R"(innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|Function\()")));
}

}  // namespace
}  // namespace crashpoint::report
