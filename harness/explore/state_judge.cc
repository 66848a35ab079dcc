#include "harness/explore/state_judge.h"

#include <fmt/format.h>

#include "harness/base/check.h"
#include "harness/oracle/resp/digest.h"

namespace crashpoint::explore {

std::string RespStateJudge::promise_to_start() const {
  return "the target starts on whatever a crash leaves";
}

std::uint64_t RespStateJudge::digest(const recovery::Recovered& recovered) const {
  std::uint64_t digest = 0;
  for (const auto& [key, entry] : recovered.state.entries) {
    digest += oracle::digest_entry(key, entry);
    if (entry.expire_at_ms) {
      digest += oracle::hash_field(fmt::format("{}/{}", key.database, key.name),
                                   std::to_string(*entry.expire_at_ms));
    }
  }
  return digest;
}

oracle::Verdict RespStateJudge::guarantee(const recovery::Recovered& recovered,
                                          const oracle::Guarantee& promised,
                                          const oracle::CrashMoment& crash) const {
  return judge_.guarantee(recovered.state, promised, crash);
}

oracle::Verdict RespStateJudge::expectations(const recovery::Recovered& recovered,
                                             const oracle::Expectations& expected,
                                             const oracle::CrashMoment& crash) const {
  return judge_.expectations(recovered.state, expected, crash);
}

std::string DumpStateJudge::promise_to_start() const {
  return "the dump command succeeds on whatever a crash leaves";
}

std::uint64_t DumpStateJudge::digest(const recovery::Recovered& recovered) const {
  return oracle::hash_bytes(recovered.dump);
}

oracle::Verdict DumpStateJudge::guarantee(const recovery::Recovered& recovered,
                                          const oracle::Guarantee& promised,
                                          const oracle::CrashMoment& crash) const {
  return judge_.guarantee(recovered.dump, promised, crash);
}

oracle::Verdict DumpStateJudge::expectations(const recovery::Recovered& /*recovered*/,
                                             const oracle::Expectations& expected,
                                             const oracle::CrashMoment& /*crash*/) const {
  HARNESS_CHECK(expected.empty());
  return {};
}

}  // namespace crashpoint::explore
