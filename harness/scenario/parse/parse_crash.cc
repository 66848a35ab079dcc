#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "harness/crash/profile.h"
#include "harness/crash/states.h"
#include "harness/scenario/parse/parse.h"

namespace crashpoint::scenario {
namespace {

oracle::CrashKind crash_kind(const std::string& name) {
  return name == "power-loss" ? oracle::CrashKind::kPowerLoss : oracle::CrashKind::kProcessKill;
}

Points::Kind points_kind(const std::string& name) {
  if (name == "crash") {
    return Points::Kind::kCrash;
  }
  return name == "every-syscall" ? Points::Kind::kEverySyscall : Points::Kind::kPersistencePoint;
}

Points parse_points(const Node& node) {
  Points points;
  if (node.is_text()) {
    points.kind = points_kind(node.text());
    return points;
  }
  if (const auto kind = node.find("of")) {
    points.kind = points_kind(kind->text());
  }
  node.read("from", points.first);
  node.read("to", points.last);
  node.read("while", points.while_child);
  check_order(node, points.first, points.last);
  return points;
}

crash::OpClasses parse_classes(const Node& node) {
  static const std::map<std::string, crash::OpClasses> kWords = {
      {"names", crash::kEntryOp},       {"resize", crash::kResizeOp},
      {"shift", crash::kShiftOp},       {"bytes-in-place", crash::kInPlaceOp},
      {"bytes-new", crash::kNewDataOp}, {"grow-in-block", crash::kGrowInOp},
      {"grow-new", crash::kGrowNewOp},  {"grow-delayed", crash::kGrowDelayedOp},
      {"grow", crash::kGrowOps},        {"bytes", crash::kDataOps},
      {"all", crash::kAllOps}};
  crash::OpClasses classes = 0;
  for (const Node& word : node.items()) {
    classes |= kWords.at(word.text());
  }
  return classes;
}

crash::OrderRule parse_order_rule(const Node& node) {
  static const std::map<std::string, crash::Scope> kScopes = {
      {"filesystem", crash::Scope::kAnywhere}, {"file", crash::Scope::kSameFile},
      {"block", crash::Scope::kSameBlock},     {"sector", crash::Scope::kSameSector},
      {"call", crash::Scope::kSameCall},       {"name", crash::Scope::kSameName}};
  crash::OrderRule rule{parse_classes(node.at("earlier")), parse_classes(node.at("later"))};
  std::string of = "filesystem";
  node.read("of", of);
  rule.scope = kScopes.at(of);
  const bool of_names = rule.scope == crash::Scope::kSameName;
  const bool of_contents =
      rule.scope != crash::Scope::kAnywhere && rule.scope != crash::Scope::kSameCall && !of_names;
  for (const auto& [side, classes] : {std::pair("earlier", rule.earlier), {"later", rule.later}}) {
    if (of_names && (classes & crash::kEntryOp) == 0) {
      node.at(side).problem(
          "none of these operations is on a name, so the rule never applies; allowed: \"names\"");
    } else if (of_contents && classes == crash::kEntryOp) {
      node.at(side).problem(fmt::format(
          "names are not in a {}, so the rule never applies; allowed: operations on files", of));
    }
  }
  return rule;
}

// A built-in profile by name, or a profile defined by the scenario as changes to a built-in one.
crash::Profile parse_profile(const Node& node) {
  static const std::map<std::string, crash::FsyncKeeps> kFsyncKeeps = {
      {"file", crash::FsyncKeeps::kFileOnly},
      {"names", crash::FsyncKeeps::kOwnNames},
      {"journal", crash::FsyncKeeps::kJournal}};
  static const std::map<std::string, crash::FsyncFailure> kFsyncFailures = {
      {"nothing", crash::FsyncFailure::kNothingDurable},
      {"size", crash::FsyncFailure::kSizeDurable},
      {"reverts", crash::FsyncFailure::kReverts}};
  static const std::map<std::string, crash::Tears> kTears = {
      {"blocks", crash::Tears::kBetweenBlocks},
      {"sectors", crash::Tears::kAtSectors},
      {"bytes", crash::Tears::kAnywhere}};
  if (node.is_text()) {
    return *crash::find_profile(node.text());
  }
  crash::Profile profile = *crash::find_profile(node.at("base").text());
  profile.name = node.at("name").text();
  if (crash::find_profile(profile.name) != nullptr) {
    node.at("name").problem(
        fmt::format("\"{}\" is a built-in profile; allowed: another name", profile.name));
  }
  node.read("rename_atomic", profile.rename_atomic);
  node.read("auto_da_alloc", profile.auto_da_alloc);
  node.read("garbage", profile.garbage);
  if (const auto keeps = node.find("fsync_keeps")) {
    profile.fsync_keeps = kFsyncKeeps.at(keeps->text());
  }
  if (const auto failure = node.find("failed_fsync")) {
    profile.fsync_failure = kFsyncFailures.at(failure->text());
  }
  if (const auto tears = node.find("tears")) {
    profile.tears = kTears.at(tears->text());
  }
  if (const auto kinds = node.find("size_with_bytes")) {
    profile.with_data = parse_classes(*kinds);
  }
  if (const auto order = node.find("order")) {
    profile.order.clear();
    for (const Node& rule : order->items()) {
      profile.order.push_back(parse_order_rule(rule));
    }
  }
  return profile;
}

// "500ms", "30s", "10min": the schema allows nothing else.
std::int64_t parse_duration_ms(const std::string& text) {
  const std::size_t unit = text.find_first_not_of("0123456789");
  const std::int64_t number = std::stoll(text.substr(0, unit));
  return number * (text.substr(unit) == "ms" ? 1 : text.substr(unit) == "s" ? 1000 : 60'000);
}

Explore parse_explore(const Node& node) {
  static const std::map<std::string, crash::TornWrites> kTornWrites = {
      {"none", crash::TornWrites::kNone},
      {"half", crash::TornWrites::kHalf},
      {"sector", crash::TornWrites::kSector},
      {"byte", crash::TornWrites::kByte}};
  static const std::map<std::string, Prune> kPrunes = {
      {"none", Prune::kNone}, {"equal", Prune::kEqual}, {"representative", Prune::kRepresentative}};
  Explore explore;
  if (const auto kinds = node.find("kinds")) {
    explore.kinds.clear();
    for (const Node& kind : kinds->items()) {
      explore.kinds.push_back(crash_kind(kind.text()));
    }
  }
  if (const auto points = node.find("points")) {
    explore.points = parse_points(*points);
  }
  if (const auto profile = node.find("profile")) {
    explore.profile = parse_profile(*profile);
  }
  if (const auto torn = node.find("torn_writes")) {
    explore.torn_writes = kTornWrites.at(torn->text());
  }
  node.read("samples_per_point", explore.samples_per_point);
  node.read("max_states", explore.max_states);
  if (const auto budget = node.find("for")) {
    explore.for_ms = parse_duration_ms(budget->text());
  }
  node.read("depth", explore.depth);
  if (const auto prune = node.find("prune")) {
    explore.prune = kPrunes.at(prune->text());
  }
  return explore;
}

}  // namespace

Crash parse_crash(const Node& node) {
  if (node.is_text()) {
    return {crash_kind(node.text()), std::nullopt};
  }
  return {oracle::CrashKind::kPowerLoss, parse_explore(node.at("explore"))};
}

}  // namespace crashpoint::scenario
