#include "harness/campaign/elsewhere.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace crashpoint::campaign {
namespace {

trace::Event write_to(const std::string& path) {
  trace::Event event;
  event.op = trace::Op::kWrite;
  event.path = path;
  event.inside = !path.starts_with('/');
  return event;
}

std::string found(const std::vector<trace::Event>& events) {
  trace::Trace trace;
  for (const trace::Event& event : events) {
    trace.events.push_back(event);
  }
  return written_elsewhere(trace, "/tmp/case-7");
}

TEST(WrittenElsewhere, IsTheFileOfATargetThatKeepsItsDataOutside) {
  EXPECT_EQ(found({write_to("/tmp/case-7/recovery/log"), write_to("/dev/null"),
                   write_to("/var/lib/x/appendonly.aof"), write_to("/var/lib/x/dump.rdb")}),
            "/var/lib/x/appendonly.aof");
}

TEST(WrittenElsewhere, IsNothingWhereTheDataDirectoryIsUsedToo) {
  EXPECT_EQ(found({write_to("/var/log/x.log"), write_to("a.aof")}), "");
  EXPECT_EQ(found({write_to("/proc/self/oom_score_adj")}), "");
  EXPECT_EQ(found({}), "");
  trace::Event read = write_to("/etc/passwd");
  read.op = trace::Op::kOpen;
  EXPECT_EQ(found({read}), "");
}

}  // namespace
}  // namespace crashpoint::campaign
