// For tests that explore real targets: recoveries that are made once, and findings in words.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/crash/image/lay_out.h"
#include "harness/explore/explore.h"
#include "harness/recovery/recoverer.h"

namespace crashpoint::explore {

// What recoveries brought back: explorations that share one recover each directory once. Any thread.
class Memory {
 public:
  class Remembering : public recovery::Recoverer {
   public:
    Remembering(Memory& memory, std::unique_ptr<recovery::Recoverer> real)
        : memory_(memory), real_(std::move(real)) {}
    recovery::Recovered recover(const std::filesystem::path& directory) override {
      const crash::Digest digest = crash::share(crash::read_directory(directory)).digest();
      {
        const std::lock_guard lock(memory_.mutex_);
        if (const auto known = memory_.known_.find(digest); known != memory_.known_.end()) {
          return known->second;
        }
      }
      recovery::Recovered recovered = real_->recover(directory);
      const std::lock_guard lock(memory_.mutex_);
      return memory_.known_.emplace(digest, std::move(recovered)).first->second;
    }

   private:
    Memory& memory_;
    std::unique_ptr<recovery::Recoverer> real_;
  };

 private:
  std::mutex mutex_;
  std::unordered_map<crash::Digest, recovery::Recovered> known_;
};

// Of each finding "kill start: cause [profiles]".
inline std::vector<std::string> told(const Exploration& exploration) {
  std::vector<std::string> all;
  for (const Finding& finding : exploration.findings) {
    all.push_back(fmt::format(
        "{} {}: {} [{}]", finding.kind == oracle::CrashKind::kProcessKill ? "kill" : "power",
        finding.verdict.check, finding.cause, describe_profiles(finding.profiles)));
  }
  return all;
}

}  // namespace crashpoint::explore
