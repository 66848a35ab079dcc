#include "harness/recovery/idempotence.h"

#include <string>
#include <utility>

#include "harness/base/check.h"
#include "harness/oracle/resp/judge.h"

namespace crashpoint::recovery {

void check_idempotence(Recovered& first, const Recovered& second) {
  HARNESS_CHECK(first.started);
  const std::string promise = "a second start on the recovered directory gives the same data";
  first.start_ms += second.start_ms;
  first.load_ms += second.load_ms;
  if (second.started) {
    first.checks.push_back(oracle::judge_same(first.state, second.state, "idempotent", promise));
    return;
  }
  oracle::Verdict broken;
  broken.outcome = oracle::Outcome::kViolation;
  broken.check = "idempotent";
  broken.promise = promise;
  broken.summary = second.trouble;
  first.checks.push_back(std::move(broken));
}

}  // namespace crashpoint::recovery
