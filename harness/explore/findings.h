// Groups violations by cause: violations with the same cause are one finding. Internal to explore.cc.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/crash/cause/cause.h"
#include "harness/explore/state_index.h"

namespace crashpoint::explore {

// A record that breaks its promise.
struct Violation {
  std::uint32_t record = 0;
  oracle::CrashKind kind = oracle::CrashKind::kProcessKill;
  std::uint32_t point = 0;  // of the run: the first at which it is one
  friend auto operator<=>(const Violation&, const Violation&) = default;
};

class FindingsByCause {
 public:
  // The results of recovering directories. Those not recovered before are recovered now, in parallel.
  using Recover = std::function<std::vector<ResultId>(std::span<const crash::CrashImage>)>;

  // Borrows.
  // Once `may_try` returns false, causes are not made smaller any more: they name all that was lost.
  FindingsByCause(const StateIndex& index, RecoveredStates& results, Recover recover,
                  std::function<bool()> may_try)
      : index_(index),
        results_(results),
        results_of_(std::move(recover)),
        may_try_(std::move(may_try)) {}

  // By first crash point.
  std::vector<Finding> group(const std::vector<Violation>& violations);

 private:
  // Where a violating directory can be made again.
  struct Origin {
    std::uint32_t scene = 0;
    oracle::CrashKind kind = oracle::CrashKind::kProcessKill;
    std::uint32_t point = 0;
    friend auto operator<=>(const Origin&, const Origin&) = default;
  };
  struct KnownCause {
    crash::Cause cause;
    std::string check;
    std::uint32_t scene_depth = 1;
    std::size_t profiles = 0;  // under which it is one in this variant
  };

  [[nodiscard]] Origin origin_of(const Violation& violation);
  [[nodiscard]] bool led_there(const Sighting& sighting, const Violation& violation) const;
  [[nodiscard]] bool is_inherited(std::uint32_t scene, const Violation& violation);
  [[nodiscard]] std::optional<std::size_t> inherited_from(const Violation& violation);
  // Which finding it is of.
  std::size_t explain(const Origin& origin, const Violation& violation, crash::CrashModel& model,
                      crash::CrashState&& state);
  void add_variant(std::size_t finding, crash::Cause cause,
                   const std::vector<std::string>& profiles);
  void add_profiles(std::size_t finding, const std::vector<std::string>& profiles);
  void join_narrower();
  [[nodiscard]] bool violates(ResultId result, const Violation& violation);
  [[nodiscard]] std::vector<std::string> profiles_with(const Scene& scene, trace::Position point,
                                                       const crash::Cause& cause,
                                                       const Violation& violation);
  void keep_those_that_led_to(std::uint32_t scene, const Violation& violation,
                              std::vector<std::string>& profiles) const;
  [[nodiscard]] std::optional<std::size_t> found_by_kill(
      const std::string& check, const std::vector<std::string>& profiles) const;

  const StateIndex& index_;
  RecoveredStates& results_;
  Recover results_of_;
  std::function<bool()> may_try_;
  std::vector<Finding> findings_;
  std::vector<KnownCause> causes_;                   // of findings_
  std::map<std::uint32_t, std::size_t> finding_of_;  // of records
};

}  // namespace crashpoint::explore
