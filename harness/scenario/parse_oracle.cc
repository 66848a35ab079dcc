#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>

#include "harness/base/text.h"
#include "harness/crash/profile.h"
#include "harness/scenario/parse.h"

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
  if (points.first > points.last) {
    node.problem(
        fmt::format("from {} to {}: allowed: the smaller number first", points.first, points.last));
  }
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
      node.at(side).problem("nothing of this has a name: the rule never holds; allowed: \"names\"");
    } else if (of_contents && classes == crash::kEntryOp) {
      node.at(side).problem(
          fmt::format("names are in no {}: the rule never holds; allowed: what changes files", of));
    }
  }
  return rule;
}

// A name of those we know, or one of the scenario's own: what it does not say is as in its base.
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
    node.at("name").problem(fmt::format(
        "\"{}\" is a profile of the harness; allowed: a name of your own", profile.name));
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

Explore parse_explore(const Node& node) {
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
  node.read("torn_writes", explore.torn_writes);
  node.read("samples_per_point", explore.samples_per_point);
  node.read("max_states", explore.max_states);
  node.read("depth", explore.depth);
  node.read("prune", explore.prune);
  return explore;
}

oracle::Guarantee parse_guarantee(const Node& node, const Target& target) {
  using Kind = oracle::Guarantee::Kind;
  oracle::Guarantee guarantee;
  if (!node.is_text()) {
    guarantee.kind = Kind::kBuffered;
    node.at("buffered").read("seconds", guarantee.seconds);
    return guarantee;
  }
  const std::string name = node.text();
  guarantee.kind = name == "durable"    ? Kind::kDurable
                   : name == "prefix"   ? Kind::kPrefix
                   : name == "snapshot" ? Kind::kSnapshot
                                        : Kind::kNone;
  if (guarantee.kind == Kind::kSnapshot) {
    // Redis has save rules unless it is told otherwise.
    const auto rules = target.config.find("save");
    guarantee.unlisted_snapshots =
        rules == target.config.end() || rules->second != std::vector<std::string>{""};
  }
  return guarantee;
}

oracle::Value parse_value(const Node& node) {
  const auto is = [&](const char* type) {
    return node.json().is_object() && node.json().contains(type);
  };
  if (is("list")) {
    oracle::List elements;
    for (const Node& item : node.at("list").items()) {
      elements.push_back(parse_bytes(item));
    }
    return elements;
  }
  if (is("set")) {
    oracle::Set members;
    for (const Node& item : node.at("set").items()) {
      if (!members.insert(parse_bytes(item)).second) {
        item.problem("stands in the set twice");
      }
    }
    return members;
  }
  if (is("hash")) {
    oracle::Hash fields;
    for (const auto& [field, value] : node.at("hash").members()) {
      fields[field] = parse_bytes(value);
    }
    return fields;
  }
  if (is("zset")) {
    oracle::SortedSet members;
    for (const auto& [member, score] : node.at("zset").members()) {
      members[member] = score.as<double>();
    }
    return members;
  }
  return parse_bytes(node);
}

oracle::ExpectedTtl parse_ttl(const Node& node) {
  oracle::ExpectedTtl ttl;
  if (node.is_text()) {
    ttl.none = node.text() == "none";
    return ttl;
  }
  node.read("min_ms", ttl.min_ms);
  node.read("max_ms", ttl.max_ms);
  if (ttl.min_ms > ttl.max_ms && ttl.max_ms.has_value()) {
    node.problem(fmt::format("min_ms {} is more than max_ms {}", *ttl.min_ms, *ttl.max_ms));
  }
  return ttl;
}

void parse_expect(const Node& node, oracle::Expectations& out) {
  std::uint32_t database = 0;
  node.read("database", database);
  if (const auto keys = node.find("keys")) {
    for (const auto& [key, value] : keys->members()) {
      out.values[{database, key}] = parse_value(value);
    }
  }
  if (const auto types = node.find("types")) {
    for (const auto& [key, type] : types->members()) {
      out.types[{database, key}] = type.text();
    }
  }
  if (const auto absent = node.find("absent")) {
    for (const Node& key : absent->items()) {
      if (out.values.contains({database, key.text()})) {
        key.problem(fmt::format("\"{}\" is expected under \"keys\" too", shorten(key.text())));
      }
      out.absent.push_back({database, key.text()});
    }
  }
  if (const auto ttls = node.find("ttl")) {
    for (const auto& [key, ttl] : ttls->members()) {
      out.ttls[{database, key}] = parse_ttl(ttl);
    }
  }
  if (const auto dbsize = node.find("dbsize")) {
    out.dbsize[database] = dbsize->as<std::uint64_t>();
  }
}

// Paths as they stand; other texts may be found anywhere in a line.
std::vector<Pattern> parse_patterns(const Node& node, bool paths) {
  std::vector<Pattern> patterns;
  for (const bool present : {true, false}) {
    if (const auto list = node.find(present ? "present" : "absent")) {
      for (const Node& item : list->items()) {
        patterns.push_back({paths ? parse_inside_path(item) : "*" + item.text() + "*", present});
      }
    }
  }
  return patterns;
}

std::vector<InfoField> parse_info(const Node& node) {
  std::vector<InfoField> fields;
  for (const auto& [name, wanted] : node.members()) {
    InfoField field;
    field.name = name;
    if (wanted.json().is_object()) {
      wanted.read("min", field.min);
      wanted.read("max", field.max);
      if (field.min > field.max && field.max.has_value()) {
        wanted.problem("min is more than max");
      }
    } else {
      field.glob = parse_bytes(wanted);
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

}  // namespace

Crash parse_crash(const Node& node) {
  if (node.is_text()) {
    return {crash_kind(node.text()), std::nullopt};
  }
  return {oracle::CrashKind::kPowerLoss, parse_explore(node.at("explore"))};
}

Oracle parse_oracle(const Node& node, const Case& known) {
  Oracle oracle;
  if (const auto run = node.find("run")) {
    if (const auto log = run->find("log")) {
      oracle.run_log = parse_patterns(*log, false);
    }
  }
  if (const auto start = node.find("start")) {
    oracle.starts = start->text() == "succeeds";
  }
  if (const auto guarantee = node.find("guarantee")) {
    oracle.guarantee = parse_guarantee(*guarantee, known.target);
  }
  if (const auto expect = node.find("expect")) {
    if (expect->json().is_array()) {
      for (const Node& item : expect->items()) {
        parse_expect(item, oracle.expect);
      }
    } else {
      parse_expect(*expect, oracle.expect);
    }
  }
  node.read("usable", oracle.usable);
  node.read("idempotent", oracle.idempotent);
  if (const auto files = node.find("files")) {
    oracle.files = parse_patterns(*files, true);
  }
  if (const auto log = node.find("log")) {
    oracle.log = parse_patterns(*log, false);
  }
  if (const auto info = node.find("info")) {
    oracle.info = parse_info(*info);
  }
  node.read("also_loads_in", oracle.also_loads_in);
  if (const auto tools = node.find("tools")) {
    for (const Node& tool : tools->items()) {
      oracle.tools.push_back(parse_texts(tool));
    }
  }
  node.read("memory_mb_max", oracle.memory_mb_max);
  return oracle;
}

}  // namespace crashpoint::scenario
